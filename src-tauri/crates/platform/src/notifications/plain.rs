//! Systems on which a notification is a text: no buttons, and nothing comes back.

use super::{Choice, NotAvailable, Offer};

/// A notification the system shows.
pub(super) struct OnScreen;

/// Shows it.
pub(super) async fn show(offer: &Offer) -> Result<OnScreen, NotAvailable> {
    let (title, body) = (offer.title.clone(), offer.body.clone());
    let shown = tokio::task::spawn_blocking(move || {
        let mut notification = notify_rust::Notification::new();
        notification.appname("Deskline").summary(&title).body(&body);
        match notification.show() {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    });
    match shown.await {
        Ok(Ok(())) => Ok(OnScreen),
        Ok(Err(cause)) => Err(NotAvailable { cause }),
        Err(stopped) => Err(NotAvailable {
            cause: stopped.to_string(),
        }),
    }
}

impl OnScreen {
    pub(super) fn has_buttons(&self) -> bool {
        false
    }

    /// Never comes: the window is where the agent answers.
    pub(super) async fn chosen(&mut self) -> Option<Choice> {
        std::future::pending().await
    }

    #[allow(clippy::unused_async)] // the other systems wait here
    pub(super) async fn close(&self) {}
}
