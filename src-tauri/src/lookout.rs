//! Keeps an eye on the desk for all that is outside of the page: notifications, attention, tray.

use std::collections::BTreeMap;
use std::sync::Arc;

use deskline_core::{InteractionId, Verb};
use deskline_platform::notifications::{Choice, News, Notice, Notifier, Offer};
use tauri::{AppHandle, Runtime};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::front::Front;
use crate::picture::{Mood, Picture, words};
use crate::{tray, windows};

/// What others may know of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) mood: Mood,
    pub(crate) is_busy: bool,
}

/// The latest picture, for who must decide at once.
pub(crate) type Sight = watch::Receiver<Seen>;

/// Makes the sender of the picture.
pub(crate) fn sight() -> (watch::Sender<Seen>, Sight) {
    watch::channel(Seen {
        mood: Mood::Offline,
        is_busy: false,
    })
}

/// Watches until `stop`; then takes every notification back.
pub(crate) async fn run<R: Runtime>(
    app: AppHandle<R>,
    front: Arc<Front>,
    seen: watch::Sender<Seen>,
    stop: CancellationToken,
) {
    let (notifier, mut news) = Notifier::new(tokio::runtime::Handle::current());
    let mut notices: BTreeMap<String, Option<Notice>> = BTreeMap::new();
    let mut picture = Picture::default();
    let mut follow = front.follow();
    let mut focus = windows::focus(&app);
    let mut updates = open(&front).await;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            changed = follow.changed() => {
                if changed.is_err() {
                    break;
                }
                updates = open(&front).await;
            }
            Some(update) = updates.recv() => {
                picture.apply(update);
                offers(&app, &picture, &notifier, &mut notices);
                let now = Seen { mood: picture.mood(), is_busy: picture.is_busy() };
                if seen.send_replace(now) != now {
                    tray::show(&app, now.mood);
                }
            }
            Some(news) = news.recv() => answer(&app, &front, news),
            Ok(()) = focus.changed() => {
                if *focus.borrow_and_update() {
                    // The agent looks at the offer itself.
                    for notice in notices.values_mut() {
                        *notice = None;
                    }
                    windows::calm(&app);
                }
            }
        }
    }
    for notice in notices.into_values().flatten() {
        notice.withdraw().await;
    }
}

/// The stream of the desk that runs now. Unbounded, because the owner of the desk never waits for us.
async fn open(front: &Front) -> mpsc::UnboundedReceiver<deskline_session::view::Update> {
    let (updates, stream) = mpsc::unbounded_channel();
    let opened = front
        .running()
        .desk
        .subscribe(move |update| updates.send(update).is_ok())
        .await;
    if let Err(gone) = opened {
        tracing::warn!(%gone, "nothing to watch");
    }
    stream
}

/// Brings the notifications in line with the offers; each offer rings once.
fn offers<R: Runtime>(
    app: &AppHandle<R>,
    picture: &Picture,
    notifier: &Notifier,
    notices: &mut BTreeMap<String, Option<Notice>>,
) {
    notices.retain(|id, _| picture.offered().any(|task| &task.task_id == id));
    for task in picture.offered() {
        if notices.contains_key(&task.task_id) {
            continue;
        }
        let notice = windows::is_out_of_sight(app).then(|| {
            windows::attract(app);
            let (title, body) = words(task);
            notifier.offer(Offer {
                task: InteractionId(task.task_id.clone()),
                title,
                body,
            })
        });
        notices.insert(task.task_id.clone(), notice);
    }
    if notices.is_empty() {
        windows::calm(app);
    }
}

fn answer<R: Runtime>(app: &AppHandle<R>, front: &Arc<Front>, news: News) {
    match news {
        News::Shown { .. } | News::NotShown { .. } => {}
        News::Chose { task, choice } => {
            let verb = match choice {
                Choice::Accept => Some(Verb::Accept),
                Choice::Decline => Some(Verb::Decline),
                Choice::Show => None,
            };
            if choice != Choice::Decline {
                windows::show(app);
            }
            let Some(verb) = verb else { return };
            let desk = front.running().desk.clone();
            tokio::spawn(async move {
                if let Err(error) = desk.task(&task).act(verb).await {
                    // The page shows where the task is; only the log knows that the button came too late.
                    tracing::warn!(%task, %error, "the choice made in the notification failed");
                }
            });
        }
    }
}
