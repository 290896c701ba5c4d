//! Tells the agent of an offer when the window is out of sight.
//!
//! One task per notification shows it, waits for the agent's choice, and takes it back when its
//! [`Notice`] is dropped. A desktop without a notification service is no error of ours: the window
//! and the ring tone do not depend on it.

use std::time::Duration;

use deskline_core::InteractionId;
use tokio::sync::{mpsc, oneshot};

#[cfg(target_os = "linux")]
#[path = "notifications/freedesktop.rs"]
mod desktop;
#[cfg(not(target_os = "linux"))]
#[path = "notifications/plain.rs"]
mod desktop;

/// News waiting to be taken; when full, a notification waits with its choice. Nobody clicks that fast.
const NEWS_LIMIT: usize = 16;

/// How long the notification service may take to show something.
const SHOW_LIMIT: Duration = Duration::from_secs(3);

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The task it is about; named again in the choice.
    pub task: InteractionId,
    /// First line, plain text.
    pub title: String,
    /// Further text, plain: it is escaped where the service reads markup.
    pub body: String,
}

/// What the agent chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Take the offer.
    Accept,
    /// Let it go.
    Decline,
    /// Show the window.
    Show,
}

/// Why nothing was shown.
#[derive(Debug, thiserror::Error)]
#[error("notifications are not available ({cause})")]
pub struct NotAvailable {
    /// What the system said.
    pub cause: String,
}

/// What comes back from notifications.
#[derive(Debug)]
pub enum News {
    /// It is on the screen; `has_buttons` tells whether Accept and Decline are.
    Shown {
        /// The task it is about.
        task: InteractionId,
        /// Whether the service offers actions.
        has_buttons: bool,
    },
    /// The agent chose.
    Chose {
        /// The task it is about.
        task: InteractionId,
        /// What.
        choice: Choice,
    },
    /// Nothing was shown.
    NotShown {
        /// The task it is about.
        task: InteractionId,
        /// Why.
        why: NotAvailable,
    },
}

/// Shows notifications. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Notifier {
    news: mpsc::Sender<News>,
    runtime: tokio::runtime::Handle,
}

impl Notifier {
    /// A notifier that works on this runtime, and where its news arrive.
    #[must_use]
    pub fn new(runtime: tokio::runtime::Handle) -> (Self, mpsc::Receiver<News>) {
        let (news, arrives) = mpsc::channel(NEWS_LIMIT);
        (Self { news, runtime }, arrives)
    }

    /// Shows an offer until its notice is dropped.
    #[must_use = "dropping the notice takes the notification back"]
    pub fn offer(&self, offer: Offer) -> Notice {
        let (withdraw, withdrawn) = oneshot::channel();
        let attending = self
            .runtime
            .spawn(attend(offer, self.news.clone(), withdrawn));
        Notice {
            withdraw,
            attending,
        }
    }
}

/// A notification on the screen; dropping it takes it back.
#[derive(Debug)]
pub struct Notice {
    withdraw: oneshot::Sender<()>,
    attending: tokio::task::JoinHandle<()>,
}

impl Notice {
    /// Takes it back and waits until it is gone from the screen: for who is about to end the process.
    pub async fn withdraw(self) {
        drop(self.withdraw);
        if let Err(stopped) = self.attending.await {
            tracing::warn!(%stopped, "a notification was left behind");
        }
    }
}

/// Shows one notification and stays with it.
async fn attend(offer: Offer, news: mpsc::Sender<News>, mut withdrawn: oneshot::Receiver<()>) {
    let task = offer.task.clone();
    let shown = tokio::time::timeout(SHOW_LIMIT, desktop::show(&offer)).await;
    let shown = shown.unwrap_or_else(|_| {
        Err(NotAvailable {
            cause: format!("no answer within {} s", SHOW_LIMIT.as_secs()),
        })
    });
    let mut on_screen = match shown {
        Ok(on_screen) => on_screen,
        Err(why) => {
            tracing::info!(%why, "no notification");
            let _ = news.send(News::NotShown { task, why }).await; // nobody listens: we are ending
            return;
        }
    };
    let has_buttons = on_screen.has_buttons();
    let shown = News::Shown {
        task: task.clone(),
        has_buttons,
    };
    if news.send(shown).await.is_err() {
        on_screen.close().await;
        return;
    }
    let choice = tokio::select! {
        _ = &mut withdrawn => None,
        choice = on_screen.chosen() => choice,
    };
    if let Some(choice) = choice {
        let _ = news.send(News::Chose { task, choice }).await; // as above
    }
    on_screen.close().await;
}
