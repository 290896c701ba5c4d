//! Requests in, facts out: who gets what.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Sender as Orders;
use std::time::{Duration, Instant};

use deskline_audio::{AudioMode, DeviceChoice, Devices, Levels};
use deskline_core::input::DeviceState;
use deskline_core::{CallId, Input, MediaFact, MediaRequest, Problem};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::call::{self, Request, Surroundings};
use crate::chain::InUse;
use crate::studio::{Order, Studio};
use crate::transport::{BindPolicy, Relays};

/// How long to wait for the first look at the devices before an answer is refused.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// How long everything may take to end.
const FAREWELL: Duration = Duration::from_millis(800);

/// How the engine works.
#[derive(Debug)]
pub struct Config {
    /// Where sound comes from and goes to.
    pub audio: AudioMode,
    /// Which addresses media may use.
    pub bind: BindPolicy,
    /// Where media may be relayed, if anywhere.
    pub relays: Option<Arc<Relays>>,
    /// Gets the levels ten times a second during calls.
    pub levels: watch::Sender<Levels>,
    /// The devices the agent chooses later on; what it holds at the start counts as not chosen.
    pub choice: watch::Receiver<DeviceChoice>,
}

impl Config {
    /// A configuration whose levels nobody reads and whose devices nobody changes.
    #[must_use]
    pub fn plain(audio: AudioMode) -> Self {
        Self {
            audio,
            bind: BindPolicy::default(),
            relays: None,
            levels: watch::channel(Levels::default()).0,
            choice: watch::channel(DeviceChoice::default()).1,
        }
    }
}

/// Why the engine could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// Files or threads for sound.
    #[error(transparent)]
    Audio(#[from] deskline_audio::AudioError),
    /// The media thread could not be started.
    #[error("no media thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The media thread ended by itself; it has said why.
    #[error("the media thread died")]
    Died,
}

struct Engine {
    orders: Orders<Order>,
    facts: mpsc::UnboundedSender<MediaFact>,
    policy: BindPolicy,
    relays: Option<Arc<Relays>>,
    calls: HashMap<CallId, mpsc::UnboundedSender<Request>>,
    tasks: JoinSet<()>,
    devices: watch::Receiver<Option<Devices>>,
    needs_microphone: bool,
}

/// Serves calls until `stop`; then it is gone within a second, with every socket, device and thread.
///
/// # Errors
/// [`MediaError`] when it cannot start: a file that cannot be used, or no thread.
pub async fn run(
    config: Config,
    mut requests: mpsc::UnboundedReceiver<MediaRequest>,
    facts: mpsc::Sender<Input>,
    stop: CancellationToken,
) -> Result<(), MediaError> {
    let needs_microphone = matches!(config.audio, AudioMode::Devices(_));
    let (report, mut devices) = watch::channel(None);
    let port = deskline_audio::open(config.audio, move |now| {
        report.send_replace(Some(now));
    })?;
    // Unbounded: what goes in is a few facts a second per call, and this loop does little but pass them on.
    let (own, mut own_facts) = mpsc::unbounded_channel();
    let (orders, inbox) = std::sync::mpsc::channel();
    let (silent, mut microphone_silent) = watch::channel(false);
    let studio = Studio::new(port, needs_microphone, own.clone(), config.levels, silent);
    let (alive, mut died) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new()
        .name("media".to_owned())
        .spawn(move || {
            // Dropped however the thread ends, a panic included.
            let _alive = alive;
            studio.run(&inbox);
        })?;
    let mut choice = config.choice;
    let mut engine = Engine {
        orders,
        facts: own,
        policy: config.bind,
        relays: config.relays,
        calls: HashMap::new(),
        tasks: JoinSet::new(),
        devices: devices.clone(),
        needs_microphone,
    };
    loop {
        let fact = tokio::select! {
            () = stop.cancelled() => break,
            request = requests.recv() => match request {
                Some(request) => {
                    engine.serve(request);
                    continue;
                }
                None => break,
            },
            Some(fact) = own_facts.recv() => fact,
            Ok(()) = devices.changed() => {
                let now = devices.borrow_and_update().clone();
                let Some(now) = now else { continue };
                engine.order(Order::InUse(in_use(&now)));
                let silent = *microphone_silent.borrow();
                MediaFact::Devices(state_of(now, silent))
            }
            Ok(()) = microphone_silent.changed() => {
                let silent = *microphone_silent.borrow_and_update();
                let now = devices.borrow().clone();
                let Some(now) = now else { continue };
                tracing::info!(silent, "what comes out of the microphone");
                MediaFact::Devices(state_of(now, silent))
            }
            Ok(()) = choice.changed() => {
                let chosen = choice.borrow_and_update().clone();
                engine.order(Order::Choose(chosen));
                continue;
            }
            Some(ended) = engine.tasks.join_next() => {
                if let Err(panicked) = ended {
                    // A call that broke must not look like one that is merely silent.
                    std::panic::resume_unwind(panicked.into_panic());
                }
                continue;
            }
            _ = &mut died => return Err(MediaError::Died),
        };
        tokio::select! {
            () = stop.cancelled() => break,
            sent = facts.send(Input::Media(fact)) => if sent.is_err() { break },
        }
    }
    engine.end(thread).await;
    Ok(())
}

impl Engine {
    fn serve(&mut self, request: MediaRequest) {
        match request {
            MediaRequest::Answer(call, sdp) => self.pass(call, Request::Answer(sdp), true),
            MediaRequest::Offer(call) => self.pass(call, Request::Offer, true),
            MediaRequest::Remote(call, sdp) => self.pass(call, Request::Remote(sdp), false),
            MediaRequest::Mute(call, muted) => self.order(Order::Mute(call, muted)),
            MediaRequest::Digits(call, digits) => self.order(Order::Digits(call, digits)),
            MediaRequest::Close(call) => {
                self.calls.remove(&call);
                self.order(Order::Close(call));
            }
            MediaRequest::Ring(on) => self.order(Order::Ring(on)),
            MediaRequest::Beep => self.order(Order::Beep),
            MediaRequest::Voice(device, settings) => self.order(Order::Voice(device, settings)),
            MediaRequest::HearOriginal(on) => self.order(Order::HearOriginal(on)),
        }
    }

    fn pass(&mut self, call: CallId, request: Request, opens: bool) {
        // A call that was refused its microphone is opened again when it is asked for again.
        let lives = self
            .calls
            .get(&call)
            .is_some_and(|inbox| !inbox.is_closed());
        if opens && !lives {
            self.open(call.clone());
        }
        let sent = self.calls.get(&call).map(|inbox| inbox.send(request));
        if !matches!(sent, Some(Ok(()))) {
            tracing::warn!(%call, "a description for a call that is not there");
        }
    }

    fn open(&mut self, call: CallId) {
        let (inbox, requests) = mpsc::unbounded_channel();
        let around = Surroundings {
            policy: self.policy.clone(),
            relays: self.relays.clone(),
            orders: self.orders.clone(),
            facts: self.facts.clone(),
        };
        self.calls.insert(call.clone(), inbox);
        let asked = Instant::now();
        let devices = self.needs_microphone.then(|| self.devices.clone());
        self.tasks.spawn(async move {
            if let Some(devices) = devices
                && let Err(problem) = microphone(devices).await
            {
                let _ = around.facts.send(MediaFact::Failed { call, problem });
                return;
            }
            let _ = around.orders.send(Order::Open(call.clone(), asked));
            call::run(call, around, requests).await;
        });
    }

    fn order(&self, order: Order) {
        // The thread ends only when told to, or with the process.
        let _ = self.orders.send(order);
    }

    async fn end(mut self, thread: std::thread::JoinHandle<()>) {
        self.calls.clear();
        self.order(Order::Stop);
        let farewell = async {
            while self.tasks.join_next().await.is_some() {}
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            tracing::warn!("media did not end in time");
        }
    }
}

/// Whether there is a microphone to open, under the names browsers give to its absence.
async fn microphone(mut devices: watch::Receiver<Option<Devices>>) -> Result<(), Problem> {
    let refused = |name: &str, text: &str| Problem {
        text: text.to_owned(),
        name: Some(name.to_owned()),
        ..Problem::default()
    };
    let seen = tokio::time::timeout(FIRST_LOOK, devices.wait_for(Option::is_some)).await;
    let Ok(Ok(seen)) = seen else {
        return Err(refused(
            "NotReadableError",
            "The audio devices do not answer",
        ));
    };
    match seen.as_ref() {
        Some(now) if now.microphone_refused => Err(refused("NotAllowedError", "Permission denied")),
        Some(now) if now.microphone.is_none() && now.microphones.is_empty() => {
            Err(refused("NotFoundError", "Requested device not found"))
        }
        _ => Ok(()),
    }
}

fn in_use(devices: &Devices) -> InUse {
    InUse {
        microphone: devices.microphone.clone(),
        is_headset: devices.speaker_is_headset,
    }
}

fn state_of(devices: Devices, microphone_silent: bool) -> DeviceState {
    DeviceState {
        microphone: devices.microphone,
        speaker: devices.speaker,
        ringer: devices.ringer,
        missing_microphone: devices.missing_microphone,
        missing_speaker: devices.missing_speaker,
        microphones: devices.microphones,
        speakers: devices.speakers,
        microphone_silent,
        narrow_band: devices.narrow_band,
        speaker_is_headset: devices.speaker_is_headset,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    async fn asked(devices: Option<Devices>) -> Option<(String, String)> {
        let (_keep, seen) = watch::channel(devices);
        let problem = microphone(seen).await.err()?;
        Some((problem.name.unwrap(), problem.text))
    }

    fn named(name: &str, text: &str) -> Option<(String, String)> {
        Some((name.to_owned(), text.to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn calling_063_a_missing_microphone_has_the_name_browsers_give_it() {
        let with = Devices {
            microphones: vec!["mic".to_owned()],
            ..Devices::default()
        };
        let refused = Devices {
            microphone_refused: true,
            ..with.clone()
        };
        assert_eq!(asked(Some(with)).await, None);
        assert_eq!(
            asked(Some(Devices::default())).await,
            named("NotFoundError", "Requested device not found")
        );
        assert_eq!(
            asked(Some(refused)).await,
            named("NotAllowedError", "Permission denied")
        );
        assert_eq!(
            asked(None).await,
            named("NotReadableError", "The audio devices do not answer")
        );
    }
}
