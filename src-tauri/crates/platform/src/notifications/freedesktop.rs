//! The notification service of Linux desktops (Desktop Notifications Specification 1.2).
//!
//! Asked on the bus directly: `notify-rust` begins to listen only after it has shown, so that a choice made at
//! once is lost, and it panics when the bus goes away.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use zbus::proxy::SignalStream;
use zbus::zvariant::Value;

use super::{Choice, NotAvailable, Offer};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// It stays until it is taken back.
const NEVER_EXPIRES: i32 = 0;

/// Some services hide what is not critical after a few seconds, or show it only in a list.
const CRITICAL: u8 = 2;

/// A notification the service shows.
pub(super) struct OnScreen {
    service: zbus::Proxy<'static>,
    signals: SignalStream<'static>,
    id: u32,
    has_buttons: bool,
}

/// Shows it with the buttons the service can draw.
pub(super) async fn show(offer: &Offer) -> Result<OnScreen, NotAvailable> {
    let shown = async {
        let bus = zbus::Connection::session().await?;
        let service = zbus::Proxy::new_owned(bus, NAME, PATH, NAME).await?;
        let capabilities: Vec<String> = service.call("GetCapabilities", &()).await?;
        let can = |word: &str| capabilities.iter().any(|capability| capability == word);
        let has_buttons = can("actions");
        let actions: &[&str] = if has_buttons {
            &["default", "Show", "accept", "Accept", "decline", "Decline"]
        } else {
            &[]
        };
        let body = if can("body-markup") {
            escaped(&offer.body)
        } else {
            offer.body.clone()
        };
        let hints = HashMap::from([
            ("urgency", Value::from(CRITICAL)),
            ("category", Value::from("call.incoming")),
            ("desktop-entry", Value::from("Deskline")),
            ("suppress-sound", Value::from(true)), // we ring ourselves
            ("transient", Value::from(true)),
        ]);
        let signals = service.receive_all_signals().await?;
        let id: u32 = service
            .call(
                "Notify",
                &(
                    "Deskline",
                    0_u32,
                    "deskline",
                    offer.title.as_str(),
                    body,
                    actions,
                    hints,
                    NEVER_EXPIRES,
                ),
            )
            .await?;
        Ok(OnScreen {
            service,
            signals,
            id,
            has_buttons,
        })
    };
    shown.await.map_err(|error: zbus::Error| NotAvailable {
        cause: error.to_string(),
    })
}

impl OnScreen {
    pub(super) fn has_buttons(&self) -> bool {
        self.has_buttons
    }

    /// Waits until the agent chooses; `None` if it was only put aside.
    pub(super) async fn chosen(&mut self) -> Option<Choice> {
        while let Some(signal) = self.signals.next().await {
            let header = signal.header();
            let member = header.member().map(|member| member.as_str());
            if member == Some("ActionInvoked") {
                match signal.body().deserialize::<(u32, String)>() {
                    Ok((id, action)) if id == self.id => {
                        return match action.as_str() {
                            "default" => Some(Choice::Show),
                            "accept" => Some(Choice::Accept),
                            "decline" => Some(Choice::Decline),
                            _ => None,
                        };
                    }
                    Ok(_) | Err(_) => {} // somebody else's, or nonsense
                }
            } else if member == Some("NotificationClosed") {
                match signal.body().deserialize::<(u32, u32)>() {
                    Ok((id, _)) if id == self.id => return None,
                    Ok(_) | Err(_) => {} // as above
                }
            }
        }
        None
    }

    pub(super) async fn close(&self) {
        // Refused when it is gone already, which is what we want.
        let closed: zbus::Result<()> = self.service.call("CloseNotification", &(self.id,)).await;
        if let Err(error) = closed {
            tracing::debug!(%error, "the notification was gone");
        }
    }
}

/// Plain text as the service's markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
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
