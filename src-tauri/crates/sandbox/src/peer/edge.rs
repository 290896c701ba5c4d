//! The task of one peer: a socket, a clock of 20 ms and the commands of its handles.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::rtp::{RtpPacket, RtpWrite, SeqNo};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

use super::codec::{Encoder, ticks};
use super::describe::{self, Origin};
use super::ear::Ear;
use super::impair::Network;
use super::remote::{Codec, Format, Remote, SdpError, Setup};
use super::shared::Shared;
use super::transport::{Arrival, Identity, Outgoing, Transport, is_rtcp, is_rtp};
use super::voice::Mouth;
use super::{OfferShape, PeerError};

/// What a handle asks of the task.
#[derive(Debug)]
pub(super) enum Command {
    Offer(oneshot::Sender<Result<String, PeerError>>),
    Answer(String, oneshot::Sender<Result<String, PeerError>>),
    AcceptAnswer(String, oneshot::Sender<Result<(), PeerError>>),
}

/// The peer itself.
pub(super) struct Edge {
    socket: UdpSocket,
    local: SocketAddr,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    identity: Identity,
    transport: Transport,
    network: Network<Outgoing>,
    negotiated: Negotiated,
    origin: Origin,
    shape: OfferShape,
    mouth: Mouth,
    ear: Ear,
    encoder: Encoder,
    sequence: u64,
    timestamp: u32,
    first_packet: bool,
    next_tick: Option<Instant>,
    wanted_at: Option<Instant>,
}

/// What the descriptions have agreed on so far.
struct Negotiated {
    /// What we list when we offer (again).
    formats: Vec<Format>,
    /// What a received payload type means.
    meanings: [Option<Codec>; 128],
    /// What we send with; none while the agent does not want to hear.
    sending: Option<Format>,
    mid: Option<String>,
    bundled: bool,
    described: bool,
}

impl Edge {
    pub(super) fn new(
        socket: UdpSocket,
        shared: Arc<Shared>,
        shape: OfferShape,
        commands: mpsc::Receiver<Command>,
    ) -> Result<Self, PeerError> {
        let local = socket.local_addr()?;
        let identity =
            Identity::new().ok_or_else(|| PeerError::Transport("no certificate".to_owned()))?;
        let mut transport =
            Transport::new(&identity, local, Instant::now()).map_err(transport_error)?;
        let origin = Origin {
            session: rand::random_range(1000..1_000_000_000),
            version: rand::random_range(1..1_000_000_000),
            address: local,
            ssrc: identity.ssrc(),
            cname: transport.cname(),
            ufrag: identity.ice().ufrag.clone(),
            pass: identity.ice().pass.clone(),
            fingerprint: transport.fingerprint(),
        };
        Ok(Self {
            socket,
            local,
            network: Network::new(shared.id() ^ u64::from(identity.ssrc())),
            shared,
            commands,
            identity,
            transport,
            negotiated: Negotiated {
                formats: shape.formats(),
                meanings: [None; 128],
                sending: None,
                mid: None,
                bundled: false,
                described: false,
            },
            origin,
            shape,
            mouth: Mouth::default(),
            ear: Ear::new(),
            encoder: Encoder::new(),
            sequence: rand::random_range(0..0x4000),
            timestamp: rand::random(),
            first_packet: true,
            next_tick: None,
            wanted_at: None,
        })
    }

    /// Runs until the last handle is gone, then says goodbye.
    pub(super) async fn run(mut self) {
        let mut datagram = vec![0; 2048];
        loop {
            self.drive();
            let wake = [self.next_tick, self.wanted_at, self.network.next_due()]
                .into_iter()
                .flatten()
                .min();
            let wake = wake.unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => break,
                },
                received = self.socket.recv_from(&mut datagram) => match received {
                    Ok((length, source)) => self.take_datagram(source, &datagram[..length]),
                    Err(error) => {
                        // Some systems report an unreachable client here; a dead socket must not spin.
                        tracing::debug!(%error, "media socket");
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                },
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            self.pass_time();
        }
        self.transport.close();
        self.drive();
    }

    fn obey(&mut self, command: Command) {
        // A caller that has gone away loses its reply, nothing else.
        match command {
            Command::Offer(reply) => drop(reply.send(Ok(self.offer()))),
            Command::Answer(sdp, reply) => drop(reply.send(self.answer(&sdp))),
            Command::AcceptAnswer(sdp, reply) => drop(reply.send(self.accept_answer(&sdp))),
        }
    }

    fn offer(&mut self) -> String {
        self.origin.version += 1;
        self.negotiated.described = true;
        self.negotiated.learn(&self.negotiated.formats.clone());
        let mut shape = self.shape;
        shape.bundle |= self.negotiated.bundled;
        describe::offer(
            &self.origin,
            shape,
            self.negotiated.mid.as_deref(),
            &self.negotiated.formats,
        )
    }

    fn answer(&mut self, sdp: &str) -> Result<String, PeerError> {
        let mut remote = self.read(sdp)?;
        let known: Vec<Codec> = self
            .shape
            .formats()
            .iter()
            .map(|format| format.codec)
            .collect();
        retain_known(&mut remote, &known)?;
        let active = remote.setup == Some(Setup::Passive);
        self.admit(&remote, active)?;
        self.negotiated.formats.clone_from(&remote.formats);
        self.negotiated
            .mid
            .clone_from(&remote.lines[remote.audio].mid);
        self.negotiated.bundled = remote.bundled;
        self.negotiated.described = true;
        self.agree(&remote);
        self.origin.version += 1;
        Ok(describe::answer(
            &self.origin,
            &remote,
            if active { "active" } else { "passive" },
        ))
    }

    fn accept_answer(&mut self, sdp: &str) -> Result<(), PeerError> {
        if !self.negotiated.described {
            return Err(PeerError::Sdp("an answer without an offer".to_owned()));
        }
        let mut remote = self.read(sdp)?;
        let offered: Vec<Codec> = self
            .negotiated
            .formats
            .iter()
            .map(|format| format.codec)
            .collect();
        retain_known(&mut remote, &offered)?;
        // 3.6: the edge is the server; only an answer that waits for us makes us begin.
        self.admit(&remote, remote.setup == Some(Setup::Passive))?;
        self.agree(&remote);
        Ok(())
    }

    fn read(&self, sdp: &str) -> Result<Remote, PeerError> {
        Remote::parse(sdp).map_err(|error| {
            tracing::warn!(%error, peer = self.shared.id(), "remote SDP refused");
            PeerError::from(error)
        })
    }

    fn admit(&mut self, remote: &Remote, active: bool) -> Result<(), PeerError> {
        let now = Instant::now();
        if !self.transport.knows(remote) {
            // Another certificate is another client, or the same after a restart: a new handshake under our
            // old name and address. Numbers start below one turn, as the new keys know of none.
            tracing::info!(
                peer = self.shared.id(),
                "the client comes with another certificate"
            );
            self.transport =
                Transport::new(&self.identity, self.local, now).map_err(transport_error)?;
            self.sequence &= 0x3fff;
            self.silence();
        }
        self.transport
            .admit(remote, active, now)
            .map_err(transport_error)
    }

    fn agree(&mut self, remote: &Remote) {
        self.negotiated.learn(&remote.formats);
        let preferred = remote.preferred().clone();
        self.encoder.set_fec(preferred.fec);
        self.negotiated.sending = remote.direction.receives().then_some(preferred);
    }

    fn take_datagram(&mut self, source: SocketAddr, datagram: &[u8]) {
        if self.shared.is_cut() {
            return;
        }
        if is_rtcp(datagram) {
            self.shared.lock().counters.rtcp_packets_received += 1;
        }
        // Most errors are one nonsensical datagram; a failure for good is seen when the transport is driven next.
        if let Err(error) = self.transport.receive(source, datagram, Instant::now()) {
            tracing::warn!(%error, %source, peer = self.shared.id(), "datagram refused");
        }
    }

    // Moves everything that is due: packets out of the transport, packets in from it, packets held back.
    fn drive(&mut self) {
        let now = Instant::now();
        let (mut outgoing, mut arrivals) = (Vec::new(), Vec::new());
        match self.transport.poll(now, &mut outgoing, &mut arrivals) {
            Ok(at) => self.wanted_at = at,
            Err(error) => {
                tracing::warn!(%error, peer = self.shared.id(), "media transport in trouble");
                self.wanted_at = Some(now + TICK);
            }
        }
        if self.next_tick.is_some() && !self.transport.is_alive() {
            arrivals.push(Arrival::Closed);
        }
        let impairment = self.shared.lock().impairment;
        for datagram in outgoing {
            if is_rtp(&datagram.bytes) {
                self.network.send(now, impairment, datagram);
            } else {
                if is_rtcp(&datagram.bytes) {
                    self.shared.lock().counters.rtcp_packets_sent += 1;
                }
                self.send(&datagram);
            }
        }
        while let Some(datagram) = self.network.take(now) {
            self.send(&datagram);
        }
        for arrival in arrivals {
            match arrival {
                Arrival::Connected => {
                    tracing::debug!(peer = self.shared.id(), "media connected");
                    self.shared.lock().connected = true;
                    self.next_tick = Some(now);
                }
                Arrival::Closed => self.silence(),
                Arrival::Packet(packet) => self.take_packet(&packet),
            }
        }
    }

    fn send(&self, datagram: &Outgoing) {
        if self.shared.is_cut() {
            return;
        }
        // A full socket loses the datagram, as any network may.
        if let Err(error) = self.socket.try_send_to(&datagram.bytes, datagram.to) {
            tracing::trace!(%error, to = %datagram.to, "datagram not sent");
        }
    }

    fn take_packet(&mut self, packet: &RtpPacket) {
        let header = &packet.header;
        let (source, number) = (*header.ssrc, header.sequence_number);
        let meaning = self
            .negotiated
            .meanings
            .get(usize::from(*header.payload_type))
            .copied()
            .flatten();
        let mut voiced = false;
        match meaning {
            Some(Codec::TelephoneEvent { .. }) => {
                self.ear.skip(source, number);
                self.shared
                    .lock()
                    .digits
                    .take(source, header.timestamp, &packet.payload);
            }
            Some(codec) if !packet.payload.is_empty() => {
                voiced = self
                    .ear
                    .take(source, number, codec, &packet.payload)
                    .is_some_and(|taken| taken.voiced);
            }
            // Comfort noise and the like: counted, not heard.
            Some(_) | None => self.ear.skip(source, number),
        }
        let mut state = self.shared.lock();
        state.counters.packets_received += 1;
        state.counters.bytes_received += packet.payload.len() as u64;
        state.counters.voiced_packets_received += u64::from(voiced);
    }

    // Every tick is 20 ms after the one before, whenever it is served; only a long sleep is skipped.
    fn pass_time(&mut self) {
        let now = Instant::now();
        let Some(mut due) = self.next_tick else {
            return;
        };
        if now.saturating_duration_since(due) > LONGEST_SLEEP {
            tracing::debug!(peer = self.shared.id(), late = ?now.saturating_duration_since(due), "ticks skipped");
            due = now;
        }
        while due <= now {
            self.tick(now);
            due += TICK;
        }
        self.next_tick = Some(due);
    }

    fn tick(&mut self, now: Instant) {
        let frame = self.shared.pass(self.ear.next(), &mut self.mouth);
        let Some(format) = &self.negotiated.sending else {
            self.timestamp = self.timestamp.wrapping_add(ticks(Codec::Opus));
            return;
        };
        if let Some(payload) = self.encoder.encode(format.codec, &frame) {
            {
                let mut state = self.shared.lock();
                state.counters.packets_sent += 1;
                state.counters.bytes_sent += payload.len() as u64;
            }
            let number = SeqNo::from(self.sequence);
            let packet = RtpWrite::new(
                format.payload_type.into(),
                number,
                self.timestamp,
                now,
                payload,
            );
            self.transport
                .write(packet.marker(std::mem::take(&mut self.first_packet)));
            self.sequence += 1;
        }
        self.timestamp = self.timestamp.wrapping_add(ticks(format.codec));
    }

    fn silence(&mut self) {
        self.next_tick = None;
        self.first_packet = true;
        self.ear = Ear::new();
        self.shared.lock().connected = false;
    }
}

impl Negotiated {
    // Packets under an older numbering may still be on their way, so nothing is unlearnt.
    fn learn(&mut self, formats: &[Format]) {
        for format in formats {
            self.meanings[usize::from(format.payload_type & 0x7f)] = Some(format.codec);
        }
    }
}

impl From<SdpError> for PeerError {
    fn from(error: SdpError) -> Self {
        Self::Sdp(error.to_string())
    }
}

const TICK: Duration = Duration::from_millis(20);
const LONGEST_SLEEP: Duration = Duration::from_millis(500);
const IDLE: Duration = Duration::from_secs(1);

fn transport_error(error: str0m::RtcError) -> PeerError {
    PeerError::Transport(error.to_string())
}

// An answer may not bring codecs of its own; telephone events of any clock count as one codec.
fn retain_known(remote: &mut Remote, known: &[Codec]) -> Result<(), SdpError> {
    let is_known = |codec: Codec| {
        known
            .iter()
            .any(|k| std::mem::discriminant(k) == std::mem::discriminant(&codec))
    };
    remote.formats.retain(|format| is_known(format.codec));
    if remote.formats.iter().any(|format| format.codec.is_sound()) {
        Ok(())
    } else {
        Err(SdpError::NoCommonCodec(
            remote.lines[remote.audio].formats.clone(),
        ))
    }
}
