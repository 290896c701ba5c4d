//! The notification service of Linux desktops (Desktop Notifications Specification 1.2).

use notify_rust::{Hint, Notification, NotificationHandle, NotificationResponse, Timeout, Urgency};

use super::{Choice, NotAvailable, Offer};

/// A notification the service shows.
pub(super) struct OnScreen {
    handle: NotificationHandle,
    has_buttons: bool,
}

/// Shows it with the buttons the service can draw.
pub(super) async fn show(offer: &Offer) -> Result<OnScreen, NotAvailable> {
    let capabilities = tokio::task::spawn_blocking(notify_rust::get_capabilities)
        .await
        .map_err(not_available)?
        .map_err(not_available)?;
    let can = |word: &str| capabilities.iter().any(|capability| capability == word);
    let has_buttons = can("actions");
    let mut notification = Notification::new();
    notification
        .appname("Deskline")
        .icon("deskline")
        .summary(&offer.title)
        .body(&if can("body-markup") {
            escaped(&offer.body)
        } else {
            offer.body.clone()
        })
        .timeout(Timeout::Never)
        .urgency(Urgency::Critical)
        .hint(Hint::Category("call.incoming".to_owned()))
        .hint(Hint::DesktopEntry("deskline".to_owned()))
        .hint(Hint::SuppressSound(true)) // we ring ourselves
        .hint(Hint::Transient(true));
    if has_buttons {
        notification
            .action("default", "Show")
            .action("accept", "Accept")
            .action("decline", "Decline");
    }
    let handle = notification.show_async().await.map_err(not_available)?;
    Ok(OnScreen {
        handle,
        has_buttons,
    })
}

impl OnScreen {
    pub(super) fn has_buttons(&self) -> bool {
        self.has_buttons
    }

    /// Waits until the agent chooses; `None` if it was only put aside.
    pub(super) async fn chosen(&self) -> Option<Choice> {
        let mut choice = None;
        self.handle
            .wait_for_action_async(|response| {
                choice = match response {
                    NotificationResponse::Default => Some(Choice::Show),
                    NotificationResponse::Action(action) => match action.as_str() {
                        "accept" => Some(Choice::Accept),
                        "decline" => Some(Choice::Decline),
                        _ => None,
                    },
                    NotificationResponse::Closed(_) | NotificationResponse::Reply(_) => None,
                };
            })
            .await;
        choice
    }

    pub(super) async fn close(&self) {
        self.handle.close_async().await;
    }
}

/// Plain text as the service's markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn not_available(error: impl std::fmt::Display) -> NotAvailable {
    NotAvailable {
        cause: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_name_cannot_become_markup() {
        assert_eq!(
            escaped("<b>Tom & Ida</b>"),
            "&lt;b&gt;Tom &amp; Ida&lt;/b&gt;"
        );
    }
}
