//! The page, in the words of a story. Everything waits for what it needs, with a deadline.

use std::time::{Duration, Instant};

use deskline_sandbox::peer::Voice;
use deskline_sandbox::{Contact, InteractionId};
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::*;

use crate::stage::Stage;

/// How long the window may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Stage {
    /// The element with this test id, as soon as it is shown.
    pub(crate) async fn see(&self, id: &str) -> WebElement {
        self.see_css(&by_id(id)).await
    }

    /// The first such element that is shown: what the column says may stand behind the pane.
    pub(crate) async fn see_css(&self, css: &str) -> WebElement {
        self.wait(&format!("{css} is shown"), async || {
            let found = self.web.find_all(By::Css(css)).await?;
            let count = found.len();
            for element in found {
                if is_shown(&element).await? {
                    return Ok(Ok(element));
                }
            }
            Ok(Err(unseen(count)))
        })
        .await
    }

    /// Waits until nothing with this test id is there.
    pub(crate) async fn sees_no(&self, id: &str) {
        let css = by_id(id);
        self.wait(&format!("{id} is gone"), async || {
            let found = self.web.find_all(By::Css(&css)).await?;
            Ok(if found.is_empty() {
                Ok(())
            } else {
                Err(format!("{} of it on the page", found.len()))
            })
        })
        .await;
    }

    /// Clicks the element with this test id, as soon as it can be clicked.
    pub(crate) async fn click(&self, id: &str) {
        self.click_on(&by_id(id)).await;
    }

    /// Clicks the first element that can be clicked.
    pub(crate) async fn click_on(&self, css: &str) {
        let css =
            format!("{css}:not([aria-disabled='true']):not([disabled]):not([aria-busy='true'])");
        self.wait(&format!("{css} is clicked"), async || {
            let found = self.web.find_all(By::Css(&css)).await?;
            let count = found.len();
            for element in found {
                if is_shown(&element).await? {
                    element.click().await?;
                    return Ok(Ok(()));
                }
            }
            Ok(Err(unseen(count)))
        })
        .await;
    }

    /// Waits until an element says this.
    pub(crate) async fn reads(&self, id: &str, text: &str) {
        let css = by_id(id);
        self.wait(&format!("{id} says {text:?}"), async || {
            let element = self.web.find(By::Css(&css)).await?;
            let says = said(&element).await?;
            Ok(if says.contains(text) {
                Ok(())
            } else {
                Err(format!("it says {says:?}"))
            })
        })
        .await;
    }

    /// Looks again and again, for as long as the window may take, and says at the end what was seen instead. A page that changes under the eyes (an element
    /// goes between finding and asking it) is looked at again; nothing was done to it then.
    async fn wait<T>(
        &self,
        what: &str,
        mut look: impl AsyncFnMut() -> WebDriverResult<Result<T, String>>,
    ) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let trouble = match look().await {
                Ok(Ok(found)) => return found,
                Ok(Err(instead)) => instead,
                Err(error) => error.to_string(),
            };
            assert!(Instant::now() < until, "not so: {what} ({trouble})");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Pastes the token and signs in.
    pub(crate) async fn sign_in(&self) {
        let field = self.see("sign-in-token").await;
        field.send_keys(self.token()).await.unwrap();
        self.click("sign-in-submit").await;
    }

    /// Logs in to this app as the phone.
    pub(crate) async fn log_in(&self) {
        self.click("login-option-BROWSER").await;
        self.click("station-login").await;
        self.see("idle").await;
    }

    /// Becomes available through the menu.
    pub(crate) async fn go_available(&self) {
        self.click("state-button").await;
        self.see("state-menu").await;
        self.click("state-option-0").await;
        self.reads("state-button", "Available").await;
    }

    /// From a fresh start to waiting for calls.
    pub(crate) async fn ready(&self) {
        self.sign_in().await;
        self.log_in().await;
        self.go_available().await;
    }

    /// A customer calls; the page rings.
    pub(crate) async fn rings(&self, contact: Contact) -> InteractionId {
        let interaction = self.centre.offer(contact).unwrap();
        self.see("ring-field").await;
        interaction
    }

    /// A customer calls and is answered.
    pub(crate) async fn connected(&self, contact: Contact) -> InteractionId {
        let interaction = self.rings(contact).await;
        self.click("accept").await;
        self.see("active-call").await;
        interaction
    }

    /// Types into a field, from its beginning.
    pub(crate) async fn types(&self, id: &str, text: &str) {
        let field = self.see(id).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Chooses from a list the system draws, by what the option says.
    pub(crate) async fn chooses(&self, id: &str, text: &str) {
        let css = format!("{} option", by_id(id));
        self.wait(&format!("{text:?} is chosen in {id}"), async || {
            let mut offered = Vec::new();
            for option in self.web.find_all(By::Css(&css)).await? {
                let says = said(&option).await?;
                if says.contains(text) {
                    option.click().await?;
                    return Ok(Ok(()));
                }
                offered.push(says);
            }
            Ok(Err(format!("it offers {offered:?}")))
        })
        .await;
    }

    /// Chooses the first code that is listed.
    pub(crate) async fn choose_first_code(&self) {
        self.click_on("[data-testid^='wrap-up-code-']").await;
    }

    /// Wraps the contact on the stage up with the first code.
    pub(crate) async fn wraps_up(&self) {
        self.see("wrap-up").await;
        self.choose_first_code().await;
        self.click("wrap-up-finish").await;
        self.sees_no("wrap-up").await;
    }

    /// Opens the directory with a tile or a button and searches it until somebody or something is found.
    pub(crate) async fn finds(&self, opener: &str, name: &str, id: &str) {
        self.click(opener).await;
        self.types("find-query", name).await;
        self.see(&format!("found-{id}")).await;
    }

    /// Presses a button in the row of whoever was found first.
    pub(crate) async fn asks(&self, id: &str, what: &str) {
        self.click_on(&format!(
            "[data-testid='found-{id}'] [data-testid='{what}']"
        ))
        .await;
    }

    /// A call, and a colleague who answers is asked and talked to; gives the colleague's id.
    pub(crate) async fn consults(&self, name: &str) -> String {
        let answers = Duration::from_millis(300);
        let colleague = self.centre.colleague(name, true, answers).unwrap();
        self.finds("consult", name, &colleague).await;
        self.asks(&colleague, "do-consult").await;
        self.see("swap").await;
        colleague
    }
}

/// What to say of elements of which none can be seen.
fn unseen(found: usize) -> String {
    match found {
        0 => "nothing like it is on the page".to_owned(),
        1 => "it is on the page, and cannot be seen".to_owned(),
        many => format!("{many} of it are on the page, and none can be seen"),
    }
}

fn by_id(id: &str) -> String {
    format!("[data-testid='{id}']")
}

/// Whether it takes up room; what is not laid out has no rectangle at all. Not what WebDriver calls displayed: text that is cut off with an ellipsis is not, there.
async fn is_shown(element: &WebElement) -> WebDriverResult<bool> {
    match element.rect().await {
        Ok(room) => Ok(room.width > 0.0 && room.height > 0.0),
        Err(error) if matches!(*error, WebDriverErrorInner::ElementNotInteractable(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// All text in an element; as with [`is_shown`], not what WebDriver calls its text.
pub(crate) async fn said(element: &WebElement) -> WebDriverResult<String> {
    Ok(element.prop("textContent").await?.unwrap_or_default())
}

/// A customer with a name.
pub(crate) fn daniel() -> Contact {
    Contact {
        from: Some("+1 555 010 0134".to_owned()),
        name: Some("Daniel Okafor".to_owned()),
        ..Contact::default()
    }
}

/// A customer with a name and data who says nothing: for pictures.
pub(crate) fn quiet() -> Contact {
    let mut contact = daniel();
    contact.voice = Some(Voice::Silence);
    contact
        .variables
        .insert("Reason".to_owned(), "Card charged twice".into());
    contact
        .variables
        .insert("Order".to_owned(), "DE-20418".into());
    contact
}
