//! The media thread: every 10 ms it moves sound between the devices and all calls.
//!
//! It is a thread and not a task because a frame that is late is lost; it waits for orders and for time, nothing else.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver as Inbox, RecvTimeoutError};
use std::time::{Duration, Instant};

use deskline_audio::{DeviceChoice, Frame, LevelMeter, Levels, Port, SILENCE};
use deskline_core::quality::Microphone;
use deskline_core::{CallId, MediaFact, Problem, VoiceSettings};
use tokio::sync::{mpsc, watch};

use crate::chain::{Chain, InUse};
use crate::ears::{MicrophoneWatch, TalkWatch};
use crate::rtp::{Incoming, Outgoing};
use crate::stats::Latency;
use crate::voice::{Seen, Terms, Voice};

/// A frame.
const TICK: Duration = Duration::from_millis(10);

/// Being late by less is caught up; by more, the time is given up.
const CATCH_UP: Duration = Duration::from_millis(200);

/// Samples of a millisecond.
const SAMPLES_PER_MS: u64 = deskline_audio::RATE as u64 / 1_000;

/// What the media thread is told.
pub(crate) enum Order {
    /// A call wants sound; its first offer was asked to be answered then.
    Open(CallId, Instant),
    /// A connection for a call.
    Connect(CallId, Inbox<Incoming>, mpsc::Sender<Outgoing>),
    /// What was agreed.
    Agree(CallId, Terms),
    /// Whether packets can flow.
    Live(CallId, bool),
    /// Microphone off or on.
    Mute(CallId, bool),
    /// Key tones.
    Digits(CallId, String),
    /// The call is over.
    Close(CallId),
    /// Ring, or stop.
    Ring(bool),
    /// One short tone in the headset.
    Beep,
    /// Other devices.
    Choose(DeviceChoice),
    /// Other devices are in use.
    InUse(InUse),
    /// How sound is treated with a microphone; an empty name stands for every other one.
    Voice(String, VoiceSettings),
    /// Play the far end without noise removal, or with it again.
    HearOriginal(bool),
    /// The end.
    Stop,
}

/// The media thread's belongings.
pub(crate) struct Studio {
    port: Box<dyn Port>,
    voices: HashMap<CallId, Voice>,
    facts: mpsc::UnboundedSender<MediaFact>,
    levels: watch::Sender<Levels>,
    input: LevelMeter,
    output: LevelMeter,
    chain: Chain,
    microphone: MicrophoneWatch,
    talk: TalkWatch,
    /// Whether there is a microphone that could be off at the device.
    has_microphone: bool,
    has_devices: bool,
    /// Tells when nothing at all comes out of it.
    silent: watch::Sender<bool>,
    seen: Seen,
}

impl Studio {
    /// `has_devices`: the port is the machine's devices. `silent` is told when nothing at all comes out of the
    /// microphone during calls.
    pub(crate) fn new(
        port: Box<dyn Port>,
        has_devices: bool,
        facts: mpsc::UnboundedSender<MediaFact>,
        levels: watch::Sender<Levels>,
        silent: watch::Sender<bool>,
    ) -> Self {
        Self {
            port,
            voices: HashMap::new(),
            facts,
            levels,
            input: LevelMeter::default(),
            output: LevelMeter::default(),
            chain: Chain::new(has_devices),
            microphone: MicrophoneWatch::default(),
            talk: TalkWatch::default(),
            has_microphone: false,
            has_devices,
            silent,
            seen: Seen::default(),
        }
    }

    /// Works until told to stop, or until nobody can tell it anything any more.
    pub(crate) fn run(mut self, orders: &Inbox<Order>) {
        // A frame that needs a fraction of a millisecond took 130 ms of a busy machine at the usual priority.
        deskline_audio::raise_priority();
        let mut next = Instant::now() + TICK;
        loop {
            let order = if self.voices.is_empty() {
                // Nothing to play: sleep until somebody calls.
                let order = orders.recv().map_err(|_| RecvTimeoutError::Disconnected);
                next = Instant::now() + TICK;
                order
            } else {
                orders.recv_timeout(next.saturating_duration_since(Instant::now()))
            };
            match order {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
            }
            next = self.catch_up(next);
        }
    }

    /// Runs the ticks that are due and says when the next is.
    fn catch_up(&mut self, mut next: Instant) -> Instant {
        let now = Instant::now();
        let late = now.saturating_duration_since(next);
        // What the thread is late beyond a tick is heard, if it is much; the calls' samples tell.
        self.seen.held_up_ms += late.saturating_sub(TICK).as_secs_f64() * 1_000.0;
        if late > CATCH_UP {
            let lost = (late.as_millis() / TICK.as_millis()) as u32;
            tracing::warn!(?late, "the media thread was held up");
            for voice in self.voices.values_mut() {
                voice.skip(lost);
            }
            next += TICK * lost;
        }
        while !self.voices.is_empty() && next <= now {
            self.tick(next);
            next += TICK;
        }
        next
    }

    fn tick(&mut self, now: Instant) {
        // First what is heard: the echo of it is in what the microphone gives next.
        let mut mix = SILENCE;
        for voice in self.voices.values_mut() {
            voice.listen(now, &mut mix, &self.facts);
        }
        self.chain.playing(&mut mix);
        for sample in &mut mix {
            *sample = sample.clamp(-1.0, 1.0);
        }
        self.port.play(&mix);
        let mut microphone = SILENCE;
        self.port.capture(&mut microphone);
        self.look_at(&microphone);
        self.chain.captured(&mut microphone);
        let is_muted = self.voices.values().all(Voice::is_muted);
        self.talk.take(is_muted, self.chain.has_voice());
        for voice in self.voices.values_mut() {
            voice.speak(now, &microphone, &self.seen, &self.facts);
        }
        if let (Some(input), Some(output)) = (self.input.push(&microphone), self.output.push(&mix))
        {
            self.levels.send_replace(Levels {
                input,
                output,
                talking_while_muted: self.talk.is_talking(),
            });
        }
    }

    /// Looks at what the device gave and at how long sound takes.
    fn look_at(&mut self, microphone: &Frame) {
        // A file that has ended, or no microphone at all, is not one that was switched off.
        if self.has_devices && self.has_microphone {
            self.microphone.take(microphone, self.chain.has_voice());
            let is_silent = self.microphone.is_silent();
            self.silent.send_if_modified(|told| {
                let is_news = *told != is_silent;
                *told = is_silent;
                is_news
            });
            self.seen.microphone = self.microphone.state();
        }
        let (near, far) = self.chain.delay_ms();
        let device = self.port.latency();
        self.seen.latency = Latency {
            capture: device.capture.as_secs_f64() * 1_000.0,
            near,
            far,
            playback: device.playback.as_secs_f64() * 1_000.0,
        };
        self.seen.slips = self.port.slips() / SAMPLES_PER_MS;
    }

    /// The last call is over.
    fn rest(&mut self) {
        self.levels.send_replace(Levels::default());
        self.chain.hear_original(false);
        self.microphone = MicrophoneWatch::default();
        self.talk = TalkWatch::default();
        self.seen.microphone = Microphone::default();
        self.silent.send_replace(false);
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Open(call, asked) => self.open(call, asked),
            Order::Connect(call, incoming, outgoing) => {
                self.with(&call, |voice| voice.connect(incoming, outgoing));
            }
            Order::Agree(call, terms) => {
                let agreed = self.with(&call, |voice| voice.agree(terms));
                if let Some(Err(error)) = agreed {
                    self.fail(call, error.to_string());
                }
            }
            Order::Live(call, live) => {
                self.with(&call, |voice| voice.set_live(live));
            }
            Order::Mute(call, muted) => {
                let facts = self.facts.clone();
                self.with(&call, |voice| voice.mute(Instant::now(), muted, &facts));
            }
            Order::Digits(call, digits) => {
                let facts = self.facts.clone();
                self.with(&call, |voice| voice.digits(&digits, &facts));
            }
            Order::Close(call) => {
                if self.voices.remove(&call).is_some() {
                    self.port.close();
                }
                if self.voices.is_empty() {
                    self.rest();
                }
            }
            Order::Ring(on) => self.port.ring(on),
            Order::Beep => self.port.beep(),
            Order::Choose(choice) => self.port.choose(choice),
            Order::InUse(in_use) => {
                self.has_microphone = in_use.microphone.is_some();
                // Another microphone is another silence.
                self.microphone = MicrophoneWatch::default();
                self.chain.use_devices(in_use);
            }
            Order::Voice(device, settings) => self.chain.set(device, settings),
            Order::HearOriginal(on) => self.chain.hear_original(on),
            Order::Stop => {}
        }
    }

    fn open(&mut self, call: CallId, asked: Instant) {
        if self.voices.contains_key(&call) {
            return;
        }
        match Voice::new(call.clone(), asked, self.seen) {
            Ok(voice) => {
                self.voices.insert(call, voice);
                self.port.open();
            }
            Err(error) => self.fail(call, error.to_string()),
        }
    }

    fn with<T>(&mut self, call: &CallId, act: impl FnOnce(&mut Voice) -> T) -> Option<T> {
        let voice = self.voices.get_mut(call);
        if voice.is_none() {
            tracing::debug!(%call, "the call has no sound (any more)");
        }
        voice.map(act)
    }

    fn fail(&self, call: CallId, text: String) {
        let problem = Problem {
            text,
            ..Problem::default()
        };
        let _ = self.facts.send(MediaFact::Failed { call, problem });
    }
}
