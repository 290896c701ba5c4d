//! ICE-lite, DTLS and SRTP of one peer: `str0m` in RTP mode, without its SDP layer and without a socket.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use str0m::config::{CryptoProvider, DtlsCert, Fingerprint};
use str0m::format::Codec as WireCodec;
use str0m::ice::{IceCreds, StunMessage};
use str0m::media::{Frequency, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig, RtcError};

use super::remote::Remote;

/// What makes this peer the same peer in every description and after every new handshake.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    crypto: Arc<CryptoProvider>,
    certificate: DtlsCert,
    ice: IceCreds,
    ssrc: u32,
}

impl Identity {
    /// A fresh certificate, ICE credentials and SSRC; `None` when the crypto library makes no certificate.
    pub(super) fn new() -> Option<Self> {
        let crypto = Arc::new(str0m::crypto::from_feature_flags());
        let certificate = crypto.dtls_provider.generate_certificate()?;
        Some(Self {
            crypto,
            certificate,
            ice: IceCreds::new(),
            ssrc: rand::random_range(1..=u32::MAX),
        })
    }

    pub(super) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    pub(super) fn ice(&self) -> &IceCreds {
        &self.ice
    }
}

/// A datagram to send.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

/// What came out of the transport.
#[derive(Debug)]
pub(super) enum Arrival {
    /// ICE and DTLS are through; media may flow.
    Connected,
    /// The other side said goodbye, or the transport failed.
    Closed,
    /// A decrypted packet.
    Packet(Box<RtpPacket>),
}

/// One association with one client.
pub(super) struct Transport {
    rtc: Rtc,
    local: SocketAddr,
    ssrc: Ssrc,
    sources: VecDeque<u32>,
    client: Option<Fingerprint>,
    early: Vec<(SocketAddr, Vec<u8>)>,
}

impl Transport {
    pub(super) fn new(
        identity: &Identity,
        local: SocketAddr,
        now: Instant,
    ) -> Result<Self, RtcError> {
        let mut config = RtcConfig::new()
            .set_crypto_provider(Arc::clone(&identity.crypto))
            .set_dtls_cert(identity.certificate.clone())
            .set_local_ice_credentials(identity.ice.clone())
            .set_ice_lite(true)
            .set_rtp_mode(true)
            .clear_codecs()
            .clear_extension_map();
        register_payload_types(&mut config);
        let mut rtc = config.build(now);
        rtc.add_local_candidate(Candidate::host(local, Protocol::Udp)?);
        let ssrc = Ssrc::from(identity.ssrc);
        let mut api = rtc.direct_api();
        api.set_ice_controlling(false);
        api.declare_media(mid(), MediaKind::Audio);
        api.declare_stream_tx(ssrc, None, mid(), None);
        Ok(Self {
            rtc,
            local,
            ssrc,
            sources: VecDeque::new(),
            client: None,
            early: Vec::new(),
        })
    }

    /// The value of our `a=fingerprint` line.
    pub(super) fn fingerprint(&mut self) -> String {
        self.rtc.direct_api().local_dtls_fingerprint().to_string()
    }

    /// The name of our source, for `a=ssrc`.
    pub(super) fn cname(&self) -> String {
        self.rtc
            .media(mid())
            .map_or_else(String::new, |media| media.cname().to_owned())
    }

    /// Whether `remote` can go on with this association: nobody else has been let in before.
    pub(super) fn knows(&self, remote: &Remote) -> bool {
        self.is_alive()
            && self
                .client
                .as_ref()
                .is_none_or(|client| *client == remote.fingerprint)
    }

    /// Whether the association can still carry anything.
    pub(super) fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }

    /// Lets the described client in; `active` makes us the DTLS client.
    pub(super) fn admit(
        &mut self,
        remote: &Remote,
        active: bool,
        now: Instant,
    ) -> Result<(), RtcError> {
        let mut api = self.rtc.direct_api();
        api.set_remote_ice_credentials(remote.ice.clone());
        if self.client.is_none() {
            api.set_remote_fingerprint(remote.fingerprint.clone());
            api.start_dtls(active)?;
            self.client = Some(remote.fingerprint.clone());
        }
        for candidate in &remote.candidates {
            if candidate.addr().is_ipv4() == self.local.is_ipv4() {
                self.rtc.add_remote_candidate(candidate.clone());
            }
        }
        for (source, datagram) in std::mem::take(&mut self.early) {
            self.input(source, &datagram, now)?;
        }
        Ok(())
    }

    /// Takes one datagram from the socket. What is not for us is ignored.
    ///
    /// # Errors
    /// [`RtcError`] when it belongs to us but makes no sense, or ends the association.
    pub(super) fn receive(
        &mut self,
        source: SocketAddr,
        datagram: &[u8],
        now: Instant,
    ) -> Result<(), RtcError> {
        // The handshake may overtake the answer that lets the client in.
        if self.client.is_none() && is_dtls(datagram) {
            if self.early.len() < MOST_EARLY {
                self.early.push((source, datagram.to_vec()));
            }
            return Ok(());
        }
        if self.client.is_none() && is_stun(datagram) {
            self.greet(datagram);
        }
        if let Some(ssrc) = rtp_source(datagram) {
            self.expect(ssrc);
        }
        self.input(source, datagram, now)
    }

    /// Queues one packet of media; it leaves with the next [`Transport::poll`].
    pub(super) fn write(&mut self, packet: RtpWrite) {
        if let Some(stream) = self.rtc.direct_api().stream_tx(&self.ssrc) {
            stream.write_rtp(packet);
        }
    }

    /// Drives the association to `now`; returns when it wants to be driven again, or `None` when it is over.
    ///
    /// # Errors
    /// [`RtcError`] when a step failed; [`Transport::is_alive`] tells whether that was the end.
    pub(super) fn poll(
        &mut self,
        now: Instant,
        outgoing: &mut Vec<Outgoing>,
        arrivals: &mut Vec<Arrival>,
    ) -> Result<Option<Instant>, RtcError> {
        self.rtc.handle_input(Input::Timeout(now))?;
        while self.rtc.is_alive() {
            match self.rtc.poll_output()? {
                Output::Timeout(at) => return Ok(Some(at)),
                Output::Transmit(transmit) => {
                    outgoing.push(Outgoing {
                        to: transmit.destination,
                        bytes: transmit.contents.to_vec(),
                    });
                }
                Output::Event(event) => arrivals.extend(arrival(event)),
            }
        }
        Ok(None)
    }

    /// Says goodbye to the client; the farewell leaves with the next [`Transport::poll`].
    pub(super) fn close(&mut self) {
        if let Err(error) = self.rtc.close() {
            tracing::debug!(%error, "transport not closed cleanly");
        }
    }

    fn input(&mut self, source: SocketAddr, datagram: &[u8], now: Instant) -> Result<(), RtcError> {
        match Receive::new(Protocol::Udp, source, self.local, datagram) {
            Ok(receive) => {
                let input = Input::Receive(now, receive);
                if self.rtc.accepts(&input) {
                    self.rtc.handle_input(input)?;
                }
            }
            Err(error) => tracing::trace!(%error, "datagram ignored"),
        }
        Ok(())
    }

    // A check that overtakes the answer is answered all the same: a lite agent needs no more of the client than the
    // name it gives, since it sends no checks of its own. Browsers that wait for this reply lose a second, because
    // they nominate with a later check and make only the first three in quick succession.
    fn greet(&mut self, datagram: &[u8]) {
        let Ok(message) = StunMessage::parse(datagram) else {
            return;
        };
        if let Some((ours, theirs)) = message.split_username()
            && ours == self.rtc.direct_api().local_ice_credentials().ufrag
        {
            let ice = IceCreds {
                ufrag: theirs.to_owned(),
                pass: String::new(),
            };
            self.rtc.direct_api().set_remote_ice_credentials(ice);
        }
    }

    // Without `mid` extensions nothing else ties a source to our only media section, and clients change
    // sources without a word.
    fn expect(&mut self, source: u32) {
        if source == 0 || self.client.is_none() || self.sources.contains(&source) {
            return;
        }
        if self.sources.len() == MOST_SOURCES
            && let Some(oldest) = self.sources.pop_front()
        {
            self.rtc.direct_api().remove_stream_rx(oldest.into());
        }
        self.sources.push_back(source);
        self.rtc
            .direct_api()
            .expect_stream_rx(source.into(), None, mid(), None)
            .suppress_nack(true);
    }
}

/// Whether a datagram is RTCP, which is told from RTP by its second byte (RFC 5761).
pub(super) fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, 192..=223, ..])
}

/// Whether a datagram is RTP.
pub(super) fn is_rtp(datagram: &[u8]) -> bool {
    rtp_source(datagram).is_some()
}

const MOST_EARLY: usize = 16;
const MOST_SOURCES: usize = 32;

fn mid() -> Mid {
    Mid::from("0")
}

fn is_stun(datagram: &[u8]) -> bool {
    matches!(datagram, [0..=3, ..])
}

fn is_dtls(datagram: &[u8]) -> bool {
    matches!(datagram, [20..=63, ..])
}

fn rtp_source(datagram: &[u8]) -> Option<u32> {
    match datagram {
        [128..=191, kind, _, _, _, _, _, _, a, b, c, d, ..] if !(192..=223).contains(kind) => {
            Some(u32::from_be_bytes([*a, *b, *c, *d]))
        }
        _ => None,
    }
}

fn arrival(event: Event) -> Option<Arrival> {
    if let Event::RtpPacket(packet) = event {
        Some(Arrival::Packet(Box::new(packet)))
    } else if matches!(event, Event::Connected) {
        Some(Arrival::Connected)
    } else if matches!(event, Event::Closed) {
        Some(Arrival::Closed)
    } else {
        if let Event::IceConnectionStateChange(state) = event {
            tracing::debug!(?state, "media ICE state");
        }
        None
    }
}

// Which payload type means what is decided by the descriptions and may change during a call; `str0m` fixes its
// table when it is built and drops what is not in it. So everything is in it, and all it uses the entry for is
// the clock of reports.
fn register_payload_types(config: &mut RtcConfig) {
    for payload_type in (0..64_u8).chain(96..128) {
        let (codec, clock, channels) = match payload_type {
            0 => (WireCodec::PCMU, Frequency::EIGHT_KHZ, Some(1)),
            8 => (WireCodec::PCMA, Frequency::EIGHT_KHZ, Some(1)),
            1..=34 => (WireCodec::Null, Frequency::EIGHT_KHZ, Some(1)),
            _ => (WireCodec::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2)),
        };
        config.codec_config().add_config(
            payload_type.into(),
            None,
            codec,
            clock,
            channels,
            Default::default(),
        );
    }
}
