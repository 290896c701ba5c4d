//! One call's sound, on the media thread: microphone to packets, packets to speaker.

use std::sync::mpsc::Receiver as Inbox;
use std::time::Instant;

use deskline_audio::{Frame, SILENCE, level_db};
use deskline_core::{CallId, MediaFact, Problem};
use tokio::sync::mpsc;

use crate::dtmf::{Tick, Tones};
use crate::rtp::{Incoming, Numbering, Outgoing};
use crate::sdp::CodecKind;
use crate::stats::Statistics;
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

/// What goes to the task that writes to the connection, in order.
#[derive(Debug)]
pub(crate) enum Parcel {
    /// A packet to send.
    Packet(Outgoing),
    /// Everything before this was handed to the network: the microphone's new state is true.
    Muted(bool),
}

/// Sound of one call.
pub(crate) struct Voice {
    call: CallId,
    asked: Instant,
    heard_yet: bool,
    incoming: Option<Inbox<Incoming>>,
    outgoing: Option<mpsc::Sender<Parcel>>,
    terms: Option<Terms>,
    live: bool,
    encoder: Option<Encoder>,
    numbering: Numbering,
    receiver: Receiver,
    statistics: Statistics,
    tones: Tones,
    muted: bool,
    /// A mute is told once a packet without voice has gone out.
    untold: bool,
    ticks: u32,
    began: bool,
}

impl Voice {
    /// A call whose first offer was asked to be answered at `asked`.
    ///
    /// # Errors
    /// [`CodecError`] when there is no memory for a decoder.
    pub(crate) fn new(call: CallId, asked: Instant) -> Result<Self, CodecError> {
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
            muted: false,
            untold: false,
            ticks: 0,
            began: false,
        })
    }

    /// Another connection carries the call from now on.
    pub(crate) fn connect(&mut self, incoming: Inbox<Incoming>, outgoing: mpsc::Sender<Parcel>) {
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

    /// Turns the microphone off or on.
    pub(crate) fn mute(&mut self, muted: bool, facts: &mpsc::UnboundedSender<MediaFact>) {
        self.muted = muted;
        if muted && let Some(encoder) = &mut self.encoder {
            encoder.forget();
        }
        if muted && self.may_send() {
            self.untold = true;
            return;
        }
        self.untold = false;
        let told = self
            .outgoing
            .as_ref()
            .is_some_and(|outgoing| outgoing.try_send(Parcel::Muted(muted)).is_ok());
        if !told {
            let _ = facts.send(MediaFact::Muted {
                call: self.call.clone(),
                muted,
            });
        }
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

    /// 10 ms: takes what came, adds what is heard to `mix`, sends what `microphone` says.
    pub(crate) fn tick(
        &mut self,
        now: Instant,
        microphone: &Frame,
        mix: &mut Frame,
        facts: &mpsc::UnboundedSender<MediaFact>,
    ) {
        self.take_in();
        self.listen(now, mix, facts);
        self.speak(microphone, facts);
        if self.began || self.live {
            self.began = true;
            self.statistics.begin(now);
            self.ticks += 1;
            if self.ticks.is_multiple_of(TICKS_PER_SAMPLE) {
                self.report(now, facts);
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

    fn take_in(&mut self) {
        let Some(incoming) = &self.incoming else {
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
                        voice.map(|kind| (timestamp, kind.clock())),
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
                Incoming::Left { .. } => {}
                Incoming::Report {
                    rtt_ms, loss_pct, ..
                } => {
                    if let Some(rtt_ms) = rtt_ms {
                        self.statistics.round_trip(rtt_ms);
                    }
                    if let Some(encoder) = &mut self.encoder {
                        encoder.set_loss(loss_pct.round() as u8);
                    }
                }
            }
        }
    }

    fn listen(&mut self, now: Instant, mix: &mut Frame, facts: &mpsc::UnboundedSender<MediaFact>) {
        let (frame, real) = self.receiver.get_10ms(now);
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

    fn speak(&mut self, microphone: &Frame, facts: &mpsc::UnboundedSender<MediaFact>) {
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
        let wishes = encoder.wishes().clone();
        // The encoder is fed during tones too, so that its packets stay on the clock.
        let payload = encoder.push(if self.muted { &SILENCE } else { microphone });
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
                    let packet = self
                        .numbering
                        .voice(wishes.payload_type, wishes.ticks(), payload);
                    self.send(packet);
                    self.tell_muted();
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
        self.tell_muted();
    }

    fn tell_muted(&mut self) {
        if self.untold
            && let Some(outgoing) = &self.outgoing
        {
            // A full queue is tried again with the next packet.
            self.untold = outgoing.try_send(Parcel::Muted(self.muted)).is_err();
        }
    }

    fn send(&mut self, packet: Outgoing) {
        let bytes = packet.payload.len();
        if let Some(outgoing) = &self.outgoing
            && outgoing.try_send(Parcel::Packet(packet)).is_ok()
        {
            self.statistics.sent(bytes);
        }
    }

    fn report(&mut self, now: Instant, facts: &mpsc::UnboundedSender<MediaFact>) {
        let codec = self.terms.as_ref().map(|terms| terms.spoken.kind);
        let receiving = self.terms.as_ref().is_some_and(|terms| terms.receives);
        let playout = self.receiver.counters();
        let sample = self.statistics.sample(now, codec, playout, receiving);
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
