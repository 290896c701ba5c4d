//! Two listeners in the library's packet chain.
//!
//! The library's track silently drops packets whose source it was not told of; the edge may change its source at any
//! time. So packets are copied out behind all other interceptors (calling 3.8, rule 9). Another listener next to the
//! wire watches reports go by, because the library's own statistics were not trusted with the round trip.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

use crate::rtp::Incoming;

/// Sender reports remembered until the far side refers to one.
const REPORTS: usize = 16;

/// When the last packet came, for whoever asks.
#[derive(Debug)]
pub(crate) struct LastPacket {
    zero: Instant,
    /// Milliseconds since `zero`, plus one; 0 if there was none.
    at: AtomicU64,
}

impl LastPacket {
    pub(crate) fn new() -> Self {
        Self {
            zero: Instant::now(),
            at: AtomicU64::new(0),
        }
    }

    pub(crate) fn get(&self) -> Option<Instant> {
        let at = self.at.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.zero + Duration::from_millis(at))
    }

    fn set(&self, now: Instant) {
        let at = now.saturating_duration_since(self.zero).as_millis() as u64;
        self.at.store(at + 1, Ordering::Relaxed);
    }
}

/// Copies every decrypted RTP packet out.
pub(super) struct Tap {
    pub(super) incoming: SyncSender<Incoming>,
    pub(super) last: Arc<LastPacket>,
    pub(super) queues: Queues,
}

/// Watches reports at the wire, and what of ours goes there.
pub(super) struct Watch {
    pub(super) incoming: SyncSender<Incoming>,
    pub(super) sent: VecDeque<(u32, Instant)>,
    pub(super) queues: Queues,
}

/// What an interceptor took in and gives back unchanged.
#[derive(Default)]
pub(super) struct Queues {
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl Tap {
    fn copy(&self, message: &TaggedPacket) {
        let Packet::Rtp(packet) = &message.message.packet else {
            return;
        };
        let at = Instant::now();
        self.last.set(at);
        let header = &packet.header;
        // A media thread that does not keep up loses packets here, and its statistics say so.
        let _ = self.incoming.try_send(Incoming::Packet {
            payload_type: header.payload_type,
            sequence: header.sequence_number,
            timestamp: header.timestamp,
            ssrc: header.ssrc,
            payload: packet.payload.to_vec(),
            at,
        });
    }
}

impl Watch {
    fn outbound(&mut self, message: &TaggedPacket) {
        let packets = match &message.message.packet {
            Packet::Rtcp(packets) => packets,
            Packet::Rtp(packet) => {
                // The media thread listens to what really goes out: a mute is shown only when that is silent.
                let _ = self.incoming.try_send(Incoming::Left {
                    payload_type: packet.header.payload_type,
                    sequence: packet.header.sequence_number,
                    payload: packet.payload.to_vec(),
                    at: Instant::now(),
                });
                return;
            }
            _ => return,
        };
        for packet in packets {
            if let Some(report) = packet.as_any().downcast_ref::<SenderReport>() {
                let stamp = (report.ntp_time >> 16) as u32;
                self.sent.push_back((stamp, Instant::now()));
                if self.sent.len() > REPORTS {
                    self.sent.pop_front();
                }
            }
        }
    }

    fn inbound(&self, message: &TaggedPacket) {
        let Packet::Rtcp(packets) = &message.message.packet else {
            return;
        };
        for packet in packets {
            let any = packet.as_any();
            let blocks = any
                .downcast_ref::<SenderReport>()
                .map(|report| &report.reports)
                .or_else(|| {
                    any.downcast_ref::<ReceiverReport>()
                        .map(|report| &report.reports)
                });
            for block in blocks.into_iter().flatten() {
                let _ = self.incoming.try_send(Incoming::Report {
                    rtt_ms: self.round_trip(block),
                    loss_pct: f64::from(block.fraction_lost) * 100.0 / 256.0,
                    jitter: block.jitter,
                });
            }
        }
    }

    /// RFC 3550, 6.4.1: now, less when our report was sent, less how long the far side kept it.
    fn round_trip(&self, block: &ReceptionReport) -> Option<f64> {
        let (_, sent) = self
            .sent
            .iter()
            .find(|(stamp, _)| *stamp == block.last_sender_report && *stamp != 0)?;
        let kept = f64::from(block.delay) / 65.536;
        Some((sent.elapsed().as_secs_f64() * 1_000.0 - kept).max(0.0))
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Tap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.copy(&message);
        self.queues.read.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.queues.read.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.queues.write.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.queues.write.pop_front()
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Watch {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.inbound(&message);
        self.queues.read.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.queues.read.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.outbound(&message);
        self.queues.write.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.queues.write.pop_front()
    }
}

impl Interceptor for Tap {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}

impl Interceptor for Watch {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}
