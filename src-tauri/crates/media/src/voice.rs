//! One call's sound, on the media thread: microphone to packets, packets to speaker.

use std::sync::mpsc::Receiver as Inbox;
use std::time::Instant;

use deskline_audio::{Frame, SILENCE, level_db};
use deskline_core::quality::{Evidence, Microphone};
use deskline_core::{CallId, MediaFact, Problem};
use tokio::sync::mpsc;

use crate::adapt::Adaptation;
use crate::dtmf::{Tick, Tones};
use crate::ears::FarWatch;
use crate::mute::Mute;
use crate::rtp::{Incoming, Numbering, Outgoing};
use crate::sdp::CodecKind;
use crate::stats::{Asked, Latency, Statistics};
use deskline_voice::codec::{CodecError, Encoder, Wishes};
use deskline_voice::receiver::{Packet, Receiver};

/// Ticks of 10 ms between two samples of the quality.
const TICKS_PER_SAMPLE: u32 = 100;

/// Louder than this is audible (headless section 4, `media:firstAudio`).
const AUDIBLE_DB: f32 = -50.0;

/// What was agreed.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// What we send with.
    pub(crate) spoken: Wishes,
    /// Payload type of key tones.
    pub(crate) telephone: Option<u8>,
    /// What may come.
    pub(crate) heard: Vec<(u8, CodecKind)>,
    /// Whether we may send.
    pub(crate) sends: bool,
    /// Whether the far side says that it sends.
    pub(crate) receives: bool,
}

/// What the media thread sees of the machine; the counters only grow.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// What comes out of the microphone.
    pub(crate) microphone: Microphone,
    /// Milliseconds for which the media thread was late.
    pub(crate) held_up_ms: f64,
    /// Milliseconds of the devices' sound that were cut or had to be filled up.
    pub(crate) slips: u64,
    /// How long sound takes.
    pub(crate) latency: Latency,
}

/// Sound of one call.
pub(crate) struct Voice {
    call: CallId,
    asked: Instant,
    heard_yet: bool,
    incoming: Option<Inbox<Incoming>>,
    outgoing: Option<mpsc::Sender<Outgoing>>,
    terms: Option<Terms>,
    live: bool,
    encoder: Option<Encoder>,
    numbering: Numbering,
    receiver: Receiver,
    statistics: Statistics,
    tones: Tones,
    adaptation: Adaptation,
    far: FarWatch,
    mute: Mute,
    /// The microphone has just come on: its first frame swells, so that nothing clicks.
    swells: bool,
    /// What was sent with before the last agreement; some of it may still leave.
    sent_before: Option<(u8, CodecKind)>,
    seen: Seen,
    ticks: u32,
    began: bool,
}

impl Voice {
    /// A call whose first offer was asked to be answered at `asked`; `seen` is what was seen until now.
    ///
    /// # Errors
    /// [`CodecError`] when there is no memory for a decoder.
    pub(crate) fn new(call: CallId, asked: Instant, seen: Seen) -> Result<Self, CodecError> {
        Ok(Self {
            call,
            asked,
            heard_yet: false,
            incoming: None,
            outgoing: None,
            terms: None,
            live: false,
            encoder: None,
            numbering: Numbering::new(rand::random(), rand::random(), CodecKind::Opus),
            receiver: Receiver::new()?,
            statistics: Statistics::default(),
            tones: Tones::default(),
            adaptation: Adaptation::new(0),
            far: FarWatch::default(),
            mute: Mute::new(asked),
            swells: false,
            sent_before: None,
            seen,
            ticks: 0,
            began: false,
        })
    }

    /// Another connection carries the call from now on.
    pub(crate) fn connect(&mut self, incoming: Inbox<Incoming>, outgoing: mpsc::Sender<Outgoing>) {
        self.incoming = Some(incoming);
        self.outgoing = Some(outgoing);
        self.live = false;
        self.numbering.interrupt();
    }

    /// An offer and its answer are complete.
    pub(crate) fn agree(&mut self, terms: Terms) -> Result<(), CodecError> {
        if self
            .encoder
            .as_ref()
            .is_none_or(|encoder| *encoder.wishes() != terms.spoken)
        {
            self.encoder = Some(Encoder::new(terms.spoken.clone())?);
            self.adaptation = Adaptation::new(terms.spoken.bitrate);
            let before = self.terms.as_ref().map(|terms| &terms.spoken);
            self.sent_before = before.map(|spoken| (spoken.payload_type, spoken.kind));
            self.numbering.set_codec(terms.spoken.kind);
            self.numbering.interrupt();
        }
        self.terms = Some(terms);
        Ok(())
    }

    /// Packets can flow, or cannot.
    pub(crate) fn set_live(&mut self, live: bool) {
        self.live = live;
    }

    /// Turns the microphone off or on. Off is told when it is true: see [`Mute`].
    pub(crate) fn mute(
        &mut self,
        now: Instant,
        muted: bool,
        facts: &mpsc::UnboundedSender<MediaFact>,
    ) {
        self.swells |= self.mute.is_wanted() && !muted;
        if muted && let Some(encoder) = &mut self.encoder {
            encoder.forget();
        }
        let first = self.numbering.next_sequence();
        match self.mute.want(muted, now, first) {
            Ok(told) => self.tell_muted(told, facts),
            Err(error) => tracing::error!(%error, "nobody can listen whether the mute is true"),
        }
    }

    /// Whether the agent wants to be muted.
    pub(crate) fn is_muted(&self) -> bool {
        self.mute.is_wanted()
    }

    /// Sends key tones; the outcome is told when the last is over.
    pub(crate) fn digits(&mut self, digits: &str, facts: &mpsc::UnboundedSender<MediaFact>) {
        let refused = if self
            .terms
            .as_ref()
            .is_none_or(|terms| terms.telephone.is_none())
        {
            Some("the far side takes no key tones".to_owned())
        } else if !self.may_send() {
            Some("nothing is sent on this call now".to_owned())
        } else {
            self.tones.push(digits).err().map(|bad| bad.to_string())
        };
        if let Some(text) = refused {
            self.tell_digits(Err(text), facts);
        } else if !self.tones.is_active() {
            self.tell_digits(Ok(()), facts);
        }
    }

    /// The first half of 10 ms: takes what came, adds what is heard to `mix`.
    pub(crate) fn listen(
        &mut self,
        now: Instant,
        mix: &mut Frame,
        facts: &mpsc::UnboundedSender<MediaFact>,
    ) {
        self.take_in(facts);
        self.hear(now, mix, facts);
    }

    /// The second half: sends what `microphone` says.
    pub(crate) fn speak(
        &mut self,
        now: Instant,
        microphone: &Frame,
        seen: &Seen,
        facts: &mpsc::UnboundedSender<MediaFact>,
    ) {
        self.send_voice(microphone, facts);
        let told = self.mute.tick(now, self.numbering.next_sequence());
        self.tell_muted(told, facts);
        if self.began || self.live {
            self.began = true;
            self.statistics.begin(now);
            self.ticks += 1;
            if self.ticks.is_multiple_of(TICKS_PER_SAMPLE) {
                self.report(now, seen, facts);
            }
        }
    }

    /// Time was lost (the machine slept): `ticks` of 10 ms pass in silence.
    pub(crate) fn skip(&mut self, ticks: u32) {
        for _ in 0..ticks {
            self.numbering.tick();
        }
        self.numbering.interrupt();
    }

    fn may_send(&self) -> bool {
        self.live && self.terms.as_ref().is_some_and(|terms| terms.sends)
    }

    fn take_in(&mut self, facts: &mpsc::UnboundedSender<MediaFact>) {
        let Some(incoming) = self.incoming.take() else {
            return;
        };
        while let Ok(news) = incoming.try_recv() {
            match news {
                Incoming::Packet {
                    payload_type,
                    sequence,
                    timestamp,
                    ssrc,
                    payload,
                    at,
                } => {
                    let kind = self.terms.as_ref().and_then(|terms| {
                        terms
                            .heard
                            .iter()
                            .find(|(number, _)| *number == payload_type)
                            .map(|(_, kind)| *kind)
                    });
                    let voice = kind.filter(|kind| *kind != CodecKind::Telephone);
                    self.statistics.received(
                        ssrc,
                        sequence,
                        voice.map(|kind| (timestamp, kind)),
                        payload.len(),
                        at,
                    );
                    // Comfort noise and types nobody agreed on are passed over (calling 3.7).
                    if let Some(kind) = voice {
                        let packet = Packet {
                            ssrc,
                            sequence,
                            timestamp,
                            kind,
                            payload,
                        };
                        self.receiver.insert(packet, at);
                    }
                }
                Incoming::Left {
                    payload_type,
                    sequence,
                    payload,
                    at,
                } => {
                    if let Some(kind) = self.sent_as(payload_type)
                        && let Some(told) = self.mute.left(kind, sequence, &payload, at)
                    {
                        let _ = facts.send(muted_fact(&self.call, told));
                    }
                }
                Incoming::Report {
                    rtt_ms,
                    loss_pct,
                    jitter,
                } => self.reported(Instant::now(), rtt_ms, loss_pct, jitter),
            }
        }
        self.incoming = Some(incoming);
    }

    /// What a payload type of ours stands for.
    fn sent_as(&self, payload_type: u8) -> Option<CodecKind> {
        let terms = self.terms.as_ref()?;
        let spoken = (terms.spoken.payload_type, terms.spoken.kind);
        let telephone = terms.telephone.map(|number| (number, CodecKind::Telephone));
        [Some(spoken), telephone, self.sent_before]
            .into_iter()
            .flatten()
            .find(|(number, _)| *number == payload_type)
            .map(|(_, kind)| kind)
    }

    fn reported(&mut self, now: Instant, rtt_ms: Option<f64>, loss_pct: f64, jitter: u32) {
        let Some(encoder) = &mut self.encoder else {
            return;
        };
        let clock = encoder.wishes().kind.clock();
        self.statistics
            .reported(now, loss_pct, jitter, clock, rtt_ms);
        if let Some(advice) = self.adaptation.report(now, loss_pct, rtt_ms) {
            tracing::debug!(call = %self.call, ?advice, "the far side reports");
            encoder.set_loss(advice.loss_pct);
            encoder.set_bitrate(advice.bitrate);
        }
    }

    fn hear(&mut self, now: Instant, mix: &mut Frame, facts: &mpsc::UnboundedSender<MediaFact>) {
        let (frame, real) = self.receiver.get_10ms(now);
        self.far.take(&frame, real);
        for (sum, sample) in mix.iter_mut().zip(&frame) {
            *sum += sample;
        }
        if real && !self.heard_yet && level_db(&frame) > AUDIBLE_DB {
            self.heard_yet = true;
            let after_ms = now.saturating_duration_since(self.asked).as_millis() as u64;
            let _ = facts.send(MediaFact::FirstAudio {
                call: self.call.clone(),
                after_ms,
            });
        }
    }

    fn send_voice(&mut self, microphone: &Frame, facts: &mpsc::UnboundedSender<MediaFact>) {
        self.numbering.tick();
        if !self.may_send() {
            self.stop_speaking(facts);
            return;
        }
        let tick = if self.tones.is_active() {
            self.tones.tick()
        } else {
            Tick::Voice
        };
        let Some(encoder) = &mut self.encoder else {
            return;
        };
        let (payload_type, ticks) = {
            let wishes = encoder.wishes();
            (wishes.payload_type, wishes.ticks())
        };
        // The encoder is fed during tones too, so that its packets stay on the clock.
        let payload = if self.mute.is_wanted() {
            encoder.push(&SILENCE)
        } else if std::mem::take(&mut self.swells) {
            encoder.push(&swelling(microphone))
        } else {
            encoder.push(microphone)
        };
        if encoder.has_withheld() {
            // What is said next begins a talk spurt; the clock has gone on.
            self.numbering.interrupt();
        }
        match tick {
            Tick::Event(packets) => {
                let telephone = self.terms.as_ref().and_then(|terms| terms.telephone);
                for packet in packets {
                    if let Some(telephone) = telephone {
                        let event = self
                            .numbering
                            .event(telephone, packet.first, packet.payload);
                        self.send(event);
                    }
                }
            }
            Tick::Voice | Tick::Done => {
                if let Some(payload) = payload {
                    let packet = self.numbering.voice(payload_type, ticks, payload);
                    self.send(packet);
                }
                if tick == Tick::Done {
                    self.tell_digits(Ok(()), facts);
                }
            }
        }
    }

    fn stop_speaking(&mut self, facts: &mpsc::UnboundedSender<MediaFact>) {
        self.numbering.interrupt();
        if let Some(encoder) = &mut self.encoder {
            encoder.forget();
        }
        if self.tones.is_active() {
            self.tones.clear();
            self.tell_digits(Err("the call was interrupted".to_owned()), facts);
        }
    }

    fn tell_muted(&self, told: Option<bool>, facts: &mpsc::UnboundedSender<MediaFact>) {
        if let Some(muted) = told {
            let _ = facts.send(muted_fact(&self.call, muted));
        }
    }

    fn send(&mut self, packet: Outgoing) {
        let bytes = packet.payload.len();
        match &self.outgoing {
            Some(outgoing) if outgoing.try_send(packet).is_ok() => self.statistics.sent(bytes),
            Some(_) => self.statistics.dropped(),
            None => {}
        }
    }

    fn report(&mut self, now: Instant, seen: &Seen, facts: &mpsc::UnboundedSender<MediaFact>) {
        let before = std::mem::replace(&mut self.seen, *seen);
        let evidence = Evidence {
            // What nobody is to hear cannot be at fault.
            microphone: if self.mute.is_wanted() || !self.may_send() {
                Microphone::Fine
            } else {
                seen.microphone
            },
            held_up_ms: seen.held_up_ms - before.held_up_ms,
            slips: seen.slips.saturating_sub(before.slips),
            far_silent: self.far.is_silent(),
            ..Evidence::default()
        };
        let receives = self.terms.as_ref().is_some_and(|terms| terms.receives);
        let asked = Asked {
            spoken: self.terms.as_ref().map(|terms| &terms.spoken),
            bitrate: self.adaptation.advice().bitrate,
            playout: self.receiver.counters(),
            receiving: self.live && receives,
            latency: seen.latency,
            evidence,
        };
        let sample = self.statistics.sample(now, asked);
        let _ = facts.send(MediaFact::Quality {
            call: self.call.clone(),
            sample: Box::new(sample),
        });
    }

    fn tell_digits(&self, result: Result<(), String>, facts: &mpsc::UnboundedSender<MediaFact>) {
        let result = result.map_err(|text| Problem {
            text,
            ..Problem::default()
        });
        let _ = facts.send(MediaFact::DigitsSent {
            call: self.call.clone(),
            result,
        });
    }
}

fn muted_fact(call: &CallId, muted: bool) -> MediaFact {
    MediaFact::Muted {
        call: call.clone(),
        muted,
    }
}

/// The frame growing from nothing.
fn swelling(frame: &Frame) -> Frame {
    let length = frame.len() as f32;
    std::array::from_fn(|n| frame[n] * n as f32 / length)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "voice_tests.rs"]
mod tests;
