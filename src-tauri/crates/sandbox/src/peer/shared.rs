//! What the handle and the task of a peer share: switches one way, observations the other, and the bridges
//! through which peers exchange sound.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use super::digits::Digits;
use super::level::{FLOOR_DB, RATE, dominant_hz, pitch_db, rms_db};
use super::voice::{Frame, Mouth, SILENT};
use super::{Counters, Heard, Impairment, Voice};

/// The state of one peer.
#[derive(Debug)]
pub(super) struct Shared {
    id: u64,
    state: Mutex<State>,
}

/// Everything behind the lock. Never hold two peers' locks at once.
#[derive(Debug)]
pub(super) struct State {
    pub(super) voice: Voice,
    pub(super) hears_agent: bool,
    pub(super) sends_voice: bool,
    /// Pitch of a third party on the line.
    pub(super) third: Option<f32>,
    pub(super) impairment: Impairment,
    /// Until when the way is cut.
    pub(super) cut_until: Option<std::time::Instant>,
    pub(super) counters: Counters,
    pub(super) digits: Digits,
    pub(super) connected: bool,
    log: HearingLog,
    bridges: Vec<Bridge>,
    hum: Mouth,
}

impl Shared {
    pub(super) fn new(voice: Voice) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let state = State {
            voice,
            hears_agent: true,
            sends_voice: true,
            third: None,
            hum: Mouth::default(),
            impairment: Impairment::default(),
            cut_until: None,
            counters: Counters::default(),
            digits: Digits::default(),
            connected: false,
            log: HearingLog::default(),
            bridges: Vec::new(),
        };
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            state: Mutex::new(state),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the way is cut.
    pub(super) fn is_cut(&self) -> bool {
        self.lock()
            .cut_until
            .is_some_and(|until| std::time::Instant::now() < until)
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Another peer's sound is wanted here, and ours there; each side calls this once for the other.
    pub(super) fn join(&self, other: &std::sync::Arc<Self>) {
        let mut state = self.lock();
        if state.bridges.iter().all(|bridge| bridge.id != other.id) {
            state.bridges.push(Bridge {
                id: other.id,
                peer: std::sync::Arc::downgrade(other),
                inbox: Inbox::default(),
            });
        }
    }

    /// Undoes [`Shared::join`].
    pub(super) fn part(&self, id: u64) {
        self.lock().bridges.retain(|bridge| bridge.id != id);
    }

    /// Level of one pitch in the last second of what was heard, in dBFS.
    pub(super) fn heard_at(&self, hz: f32) -> f32 {
        let window: Vec<f32> = self.lock().log.window.iter().copied().collect();
        pitch_db(&window, hz)
    }

    /// Measures what was heard.
    pub(super) fn heard(&self) -> Heard {
        let (window, samples) = {
            let state = self.lock();
            (
                state.log.window.iter().copied().collect::<Vec<f32>>(),
                state.log.samples,
            )
        };
        let rms = rms_db(&window);
        let dominant = if rms > FLOOR_DB {
            dominant_hz(&window)
        } else {
            0.0
        };
        Heard {
            rms_db: rms,
            dominant_hz: dominant,
            seconds: (samples as f64 / RATE as f64) as f32,
        }
    }

    /// Lets 20 ms pass: takes what the agent said (if anything arrived), returns what the agent is to hear.
    pub(super) fn pass(&self, agent: Option<Frame>, mouth: &mut Mouth) -> Frame {
        let agent_frame = agent.unwrap_or(SILENT);
        let (to_agent, customer, bridges) = {
            let mut state = self.lock();
            let mut heard = agent_frame;
            let mut to_agent = SILENT;
            let mut anything = agent.is_some();
            for bridge in &mut state.bridges {
                if let Some(sound) = bridge.inbox.take() {
                    anything = true;
                    add(&mut heard, &sound.agent);
                    add(&mut to_agent, &sound.agent);
                    add(&mut to_agent, &sound.customer);
                }
            }
            if let Some(hz) = state.third {
                // Every agent's peer hums by itself, so a bridge carries no third party.
                let hum = state.hum.say(Voice::Tone { hz }, &SILENT);
                anything = true;
                add(&mut heard, &hum);
                add(&mut to_agent, &hum);
            }
            if !state.hears_agent {
                (heard, anything) = (SILENT, false);
            }
            state.log.push(&heard, anything);
            let customer = if state.sends_voice {
                mouth.say(state.voice, &heard)
            } else {
                SILENT
            };
            add(&mut to_agent, &customer);
            state
                .bridges
                .retain(|bridge| bridge.peer.strong_count() > 0);
            let bridges: Vec<Weak<Self>> = state
                .bridges
                .iter()
                .map(|bridge| bridge.peer.clone())
                .collect();
            (to_agent, customer, bridges)
        };
        for other in bridges.iter().filter_map(Weak::upgrade) {
            let mut state = other.lock();
            if let Some(bridge) = state.bridges.iter_mut().find(|bridge| bridge.id == self.id) {
                bridge.inbox.put(Sound {
                    agent: agent_frame,
                    customer,
                });
            }
        }
        to_agent.map(|sample| sample.clamp(-1.0, 1.0))
    }
}

/// What one peer gives the others of a bridge.
#[derive(Debug)]
struct Sound {
    agent: Frame,
    customer: Frame,
}

#[derive(Debug)]
struct Bridge {
    id: u64,
    peer: Weak<Shared>,
    inbox: Inbox,
}

/// Evens out the two peers' clocks, which tick alike but not at the same moment.
#[derive(Debug, Default)]
struct Inbox {
    waiting: VecDeque<Sound>,
    playing: bool,
}

impl Inbox {
    fn put(&mut self, sound: Sound) {
        if self.waiting.len() == 5 {
            self.waiting.pop_front();
        }
        self.waiting.push_back(sound);
    }

    fn take(&mut self) -> Option<Sound> {
        self.playing = if self.playing {
            !self.waiting.is_empty()
        } else {
            self.waiting.len() >= 2
        };
        if self.playing {
            self.waiting.pop_front()
        } else {
            None
        }
    }
}

/// The last second of the customer's hearing.
#[derive(Debug, Default)]
struct HearingLog {
    window: VecDeque<f32>,
    samples: u64,
}

impl HearingLog {
    fn push(&mut self, frame: &Frame, counts: bool) {
        // Silence before the first sound is no part of what was heard.
        if self.samples == 0 && !counts {
            return;
        }
        self.window.extend(frame);
        let excess = self.window.len().saturating_sub(RATE);
        self.window.drain(..excess);
        if counts {
            self.samples += frame.len() as u64;
        }
    }
}

fn add(sum: &mut Frame, more: &Frame) {
    sum.iter_mut()
        .zip(more)
        .for_each(|(sample, other)| *sample += other);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const LOUD: Frame = [0.25; crate::peer::voice::FRAME];

    #[test]
    fn nothing_heard() {
        let shared = Shared::new(Voice::Silence);
        shared.pass(None, &mut Mouth::default());
        assert_eq!(
            shared.heard(),
            Heard {
                rms_db: FLOOR_DB,
                dominant_hz: 0.0,
                seconds: 0.0
            }
        );
    }

    #[test]
    fn hold_is_silence_both_ways() {
        let shared = Shared::new(Voice::Tone { hz: 500.0 });
        let mut mouth = Mouth::default();
        assert_ne!(shared.pass(Some(LOUD), &mut mouth), SILENT);
        let before = shared.heard();
        {
            let mut state = shared.lock();
            (state.hears_agent, state.sends_voice) = (false, false);
        }
        for _ in 0..50 {
            assert_eq!(shared.pass(Some(LOUD), &mut mouth), SILENT);
        }
        let after = shared.heard();
        assert_eq!(after.rms_db, FLOOR_DB);
        assert_eq!(after.seconds, before.seconds);
    }

    #[test]
    fn an_echo_returns_what_was_heard() {
        let shared = Shared::new(Voice::Echo);
        assert_eq!(shared.pass(Some(LOUD), &mut Mouth::default()), LOUD);
    }

    #[test]
    fn a_bridge_carries_agents_and_customer_but_no_own_voice() {
        let (first, second) = (
            Arc::new(Shared::new(Voice::Silence)),
            Arc::new(Shared::new(Voice::Silence)),
        );
        first.join(&second);
        second.join(&first);
        let (mut a, mut b) = (Mouth::default(), Mouth::default());
        let (mut to_first, mut to_second) = (SILENT, SILENT);
        // More than a second, so that the start is forgotten.
        for _ in 0..60 {
            to_first = first.pass(Some(LOUD), &mut a);
            to_second = second.pass(Some([0.5; crate::peer::voice::FRAME]), &mut b);
        }
        assert_eq!(to_first[0], 0.5);
        assert_eq!(to_second[0], 0.25);
        assert!(
            (first.heard().rms_db - second.heard().rms_db).abs() < 0.5,
            "both customers hear both agents"
        );
        first.part(second.id());
        assert_eq!(first.pass(Some(LOUD), &mut a), SILENT);
    }

    #[test]
    fn a_bridge_to_a_gone_peer_is_forgotten() {
        let first = Shared::new(Voice::Silence);
        first.join(&Arc::new(Shared::new(Voice::Silence)));
        first.pass(None, &mut Mouth::default());
        assert!(first.lock().bridges.is_empty());
    }
}
