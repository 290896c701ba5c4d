//! The library `webrtc` behind [`MediaTransport`], set up as calling 3.8 found to work.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enums are the library's and may grow"
)]

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::{Registry, Slot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::configure_rtcp_reports;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::transport::RTCDtlsRole;
use rtc::rtp_transceiver::RTCRtpTransceiverDirection;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use tokio::sync::watch;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfiguration,
    RTCConfigurationBuilder, RTCIceConnectionState, RTCIceGatheringState, RTCIceServer,
    RTCIceTransportPolicy, RTCPeerConnectionState, RTCSessionDescription, SettingEngineBuilder,
};
use webrtc::rtp_transceiver::RtpTransceiver;

use super::roam::{Roaming, Shared};
use super::tap::{Queues, Tap, Watch};
use super::{
    AnsweringRole, BindPolicy, MediaTransport, Relays, Reports, TransportError, addresses,
};
use crate::path::TransportState;
use crate::rtp::Outgoing;
use crate::sdp::{CodecKind, Direction, Remote, SdpError, Setup, local};

/// Gathering ends after this with what is there (calling 3.3).
const GATHERING: Duration = Duration::from_secs(3);

/// Between two connectivity checks; the library's 200 ms would cost 400 ms per call.
const CHECK: Duration = Duration::from_millis(20);

/// So many checks that a slow answer of the service (whose far end stays deaf until it has it) does no harm: 34 s.
const CHECKS: u16 = 1_700;

/// ICE timeouts: in doubt, given up after that, between two keep-alives.
const DOUBT: Duration = Duration::from_secs(3);
const GIVE_UP: Duration = Duration::from_secs(30);
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// So long a direct way has to show itself before a relay may be taken; the library's 2 s would be heard.
const RELAY_WAIT: Duration = Duration::from_millis(500);

/// Distance from the wire of the two listeners; the library's own lie between.
const AT_THE_WIRE: usize = 500;
const BEHIND_ALL: usize = 20_000;

/// Our `a=mid` where the far side has none.
const MID: &str = "0";

fn failed(error: impl std::fmt::Display) -> TransportError {
    TransportError::Library(error.to_string())
}

/// Makes a connection. `offer` is what it will answer, if that is known.
///
/// # Errors
/// [`TransportError::Library`] when no socket can be bound.
pub(crate) async fn connect(
    policy: &BindPolicy,
    relays: Option<&Arc<Relays>>,
    offer: Option<&Remote>,
    role: AnsweringRole,
    reports: Reports,
) -> Result<Arc<dyn MediaTransport>, TransportError> {
    // Without an offer nobody knows where the far side is.
    let with_loopback = offer.is_none_or(Remote::is_local) || !addresses::has_network();
    let mut addresses = addresses::to_bind(policy, with_loopback);
    let far = offer.map(|offer| offer.candidates.as_slice());
    addresses.extend(addresses::beside_ipv4(policy, far));
    if addresses.is_empty() {
        return Err(SdpError::NoCandidate.into());
    }
    let mut engine = MediaEngine::default();
    for codec in codecs(|_| true) {
        engine
            .register_codec(codec, RtpCodecKind::Audio)
            .map_err(failed)?;
    }
    let settings = SettingEngineBuilder::new()
        .with_ice_connection_attempts(Some(CHECK), Some(CHECKS))
        .with_ice_timeouts(Some(DOUBT), Some(GIVE_UP), Some(KEEP_ALIVE))
        .with_include_loopback_candidate(true)
        .with_relay_acceptance_min_wait(Some(RELAY_WAIT))
        // Only literal addresses are taken from descriptions; its socket could not be opened without a network.
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_answering_dtls_role(match role {
            AnsweringRole::Client => RTCDtlsRole::Client,
            AnsweringRole::Server => RTCDtlsRole::Server,
        })
        .build();
    let registry = configure_rtcp_reports(Registry::default())
        .with(
            Slot::Custom(AT_THE_WIRE),
            Watch {
                incoming: reports.incoming.clone(),
                sent: std::collections::VecDeque::new(),
                queues: Queues::default(),
            },
        )
        .with(
            Slot::Custom(BEHIND_ALL),
            Tap {
                incoming: reports.incoming,
                last: reports.last,
                queues: Queues::default(),
            },
        );
    let (gathered, gathering) = watch::channel(false);
    let handler = Handler {
        states: reports.states,
        gathered,
    };
    let roam = Arc::new(Shared::default());
    let connection = PeerConnectionBuilder::<SocketAddr>::new()
        .with_runtime(Arc::new(Roaming::new(policy, relays, Arc::clone(&roam))))
        .with_configuration(configuration(relays))
        .with_media_engine(engine)
        .with_setting_engine(settings)
        .with_interceptor_registry(registry)
        .with_handler(Arc::new(handler))
        .with_udp_addrs(addresses)
        .build()
        .await
        .map_err(failed)?;
    let ssrc = rand::random::<u32>().max(1);
    let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
        "deskline".to_owned(),
        "voice".to_owned(),
        "voice".to_owned(),
        RtpCodecKind::Audio,
        vec![RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc),
                ..RTCRtpCodingParameters::default()
            },
            codec: codec(CodecKind::Opus),
            ..RTCRtpEncodingParameters::default()
        }],
    )));
    connection
        .add_track(Arc::clone(&track) as Arc<dyn TrackLocal>)
        .await
        .map_err(failed)?;
    Ok(Arc::new(Library {
        connection: Box::new(connection),
        track,
        ssrc,
        gathering,
        mid: OnceLock::new(),
        answering: match role {
            AnsweringRole::Client => Setup::Active,
            AnsweringRole::Server => Setup::Passive,
        },
        role: OnceLock::new(),
        theirs: Mutex::default(),
        roam,
    }))
}

fn configuration(relays: Option<&Arc<Relays>>) -> RTCConfiguration {
    let Some(relays) = relays else {
        return RTCConfigurationBuilder::new().build();
    };
    let policy = match relays.only {
        true => RTCIceTransportPolicy::Relay,
        false => RTCIceTransportPolicy::All,
    };
    let server = RTCIceServer {
        urls: relays.for_the_library(),
        username: relays.username.clone(),
        credential: relays.password.reveal().to_owned(),
    };
    RTCConfigurationBuilder::new()
        .with_ice_servers(vec![server])
        .with_ice_transport_policy(policy)
        .build()
}

fn codec(kind: CodecKind) -> RTCRtpCodec {
    let (mime_type, channels, fmtp) = match kind {
        CodecKind::Opus => ("audio/opus", 2, "minptime=10;useinbandfec=1"),
        CodecKind::Pcmu => ("audio/PCMU", 0, ""),
        CodecKind::Pcma => ("audio/PCMA", 0, ""),
        CodecKind::Telephone => ("audio/telephone-event", 0, ""),
    };
    RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate: kind.clock(),
        channels,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

/// One telephone-event only: the library does not tell clocks apart.
const CODECS: [(CodecKind, u8); 4] = [
    (CodecKind::Opus, 111),
    (CodecKind::Pcmu, 0),
    (CodecKind::Pcma, 8),
    (CodecKind::Telephone, 126),
];

fn codecs(wanted: impl Fn(CodecKind) -> bool) -> Vec<RTCRtpCodecParameters> {
    CODECS
        .into_iter()
        .filter(|(kind, _)| wanted(*kind))
        .map(|(kind, payload_type)| RTCRtpCodecParameters {
            rtp_codec: codec(kind),
            payload_type,
        })
        .collect()
}

/// Listens to the library. It knows channels alone: a handler that held the connection would keep it alive for ever.
struct Handler {
    states: tokio::sync::mpsc::UnboundedSender<TransportState>,
    gathered: watch::Sender<bool>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.gathered
            .send_replace(state == RTCIceGatheringState::Complete);
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        tracing::debug!(?state, "ice");
        let news = match state {
            RTCIceConnectionState::Disconnected => TransportState::Doubtful,
            RTCIceConnectionState::Failed => TransportState::Failed,
            // DTLS has the last word on what is up; but after a doubt ICE alone comes back.
            _ => return,
        };
        let _ = self.states.send(news);
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        tracing::debug!(?state, "connection");
        let news = match state {
            RTCPeerConnectionState::Connected => TransportState::Connected,
            RTCPeerConnectionState::Disconnected => TransportState::Doubtful,
            RTCPeerConnectionState::Failed => TransportState::Failed,
            _ => return,
        };
        let _ = self.states.send(news);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        // The tap has had the packets already; what is left here must only not pile up. Ends with the connection.
        tokio::spawn(async move { while track.poll().await.is_some() {} });
    }
}

struct Library {
    connection: Box<dyn PeerConnection>,
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    gathering: watch::Receiver<bool>,
    /// What the library calls our section, from its first description to its last: theirs may change its name.
    mid: OnceLock<String>,
    /// Our part in DTLS if the first to offer is the far side.
    answering: Setup,
    /// Our part in DTLS once it is settled: it holds for every later answer (RFC 8842, 5.3), whoever offered first.
    role: OnceLock<Setup>,
    /// What the far side has named so far. The library refuses to offer it anything else again.
    theirs: Mutex<Vec<CodecKind>>,
    roam: Arc<Shared>,
}

impl Library {
    async fn transceiver(&self) -> Result<Arc<dyn RtpTransceiver>, TransportError> {
        let mut all = self.connection.get_transceivers().await;
        (!all.is_empty())
            .then(|| all.swap_remove(0))
            .ok_or_else(|| failed("the connection has no transceiver"))
    }

    /// Waits for our candidates and gives the description with them.
    async fn gathered(&self) -> Result<String, TransportError> {
        let mut gathering = self.gathering.clone();
        let complete = async {
            loop {
                // After a restart of ICE the state still tells of the gathering before: the candidates must be there.
                let done = gathering.wait_for(|done| *done).await.is_ok();
                match self.connection.local_description().await {
                    Some(description) if description.sdp.contains("a=candidate:") => break,
                    _ if !done => break,
                    _ => tokio::time::sleep(CHECK).await,
                }
            }
        };
        if tokio::time::timeout(GATHERING, complete).await.is_err() {
            tracing::warn!("gathering of candidates did not end; going on with what is there");
        }
        let description = self.connection.local_description().await;
        let description = description.ok_or_else(|| failed("there is no local description"))?;
        Ok(self.roam.rename(&description.sdp))
    }

    /// Takes back an offer of ours that waits for its answer, so that theirs can be taken.
    async fn withdraw(&self) -> Result<(), TransportError> {
        if self.connection.pending_local_description().await.is_none() {
            return Ok(());
        }
        tracing::info!("the far side offers while ours is open: ours is taken back");
        let nothing = RTCSessionDescription::rollback(None).map_err(failed)?;
        self.connection
            .set_local_description(nothing)
            .await
            .map_err(failed)
    }

    fn may_offer(&self, kind: CodecKind) -> bool {
        let theirs = self.theirs.lock().unwrap_or_else(PoisonError::into_inner);
        theirs.is_empty() || theirs.contains(&kind)
    }

    fn learn(&self, remote: &Remote) {
        let mut theirs = self.theirs.lock().unwrap_or_else(PoisonError::into_inner);
        theirs.extend(remote.codecs.iter().map(|codec| codec.kind));
        drop(theirs);
        self.roam.set_password(&remote.password);
    }

    fn mid(&self, first: Option<&str>) -> &str {
        self.mid.get_or_init(|| first.unwrap_or(MID).to_owned())
    }
}

#[async_trait::async_trait]
impl MediaTransport for Library {
    async fn answer(&self, offer: &Remote, ours: Direction) -> Result<String, TransportError> {
        self.withdraw().await?;
        let theirs = RTCSessionDescription::offer(offer.normalised(self.mid(offer.mid.as_deref())))
            .map_err(failed)?;
        self.connection
            .set_remote_description(theirs)
            .await
            .map_err(failed)?;
        self.learn(offer);
        // The library forgets the direction between offers: it is set before every answer, the un-hold included.
        self.transceiver()
            .await?
            .set_direction(direction(ours))
            .await
            .map_err(failed)?;
        let answer = self.connection.create_answer(None).await.map_err(failed)?;
        self.connection
            .set_local_description(answer)
            .await
            .map_err(failed)?;
        let role = self.role.get_or_init(|| self.answering);
        let raw = said_as(*role, &self.gathered().await?);
        let near = near(&offer.candidates);
        Ok(local::describe(&raw, Some(offer), near)?)
    }

    async fn offer(&self) -> Result<String, TransportError> {
        let transceiver = self.transceiver().await?;
        transceiver
            .set_direction(RTCRtpTransceiverDirection::Sendrecv)
            .await
            .map_err(failed)?;
        transceiver
            .set_codec_preferences(codecs(|kind| self.may_offer(kind)))
            .await
            .map_err(failed)?;
        let offer = self.connection.create_offer(None).await.map_err(failed)?;
        self.connection
            .set_local_description(offer)
            .await
            .map_err(failed)?;
        let raw = self.gathered().await?;
        self.mid(
            raw.lines()
                .find_map(|line| line.trim().strip_prefix("a=mid:")),
        );
        Ok(local::describe(&raw, None, None)?)
    }

    async fn remote(&self, answer: &Remote) -> Result<(), TransportError> {
        let theirs =
            RTCSessionDescription::answer(answer.normalised(self.mid(None))).map_err(failed)?;
        self.connection
            .set_remote_description(theirs)
            .await
            .map_err(failed)?;
        self.learn(answer);
        self.role.get_or_init(|| match answer.setup {
            Setup::Active | Setup::ActPass => Setup::Passive,
            Setup::Passive => Setup::Active,
        });
        Ok(())
    }

    async fn send_rtp(&self, packet: Outgoing) {
        let packet = rtc::rtp::Packet {
            header: rtc::rtp::Header {
                version: 2,
                marker: packet.marker,
                payload_type: packet.payload_type,
                sequence_number: packet.sequence,
                timestamp: packet.timestamp,
                ssrc: self.ssrc,
                ..rtc::rtp::Header::default()
            },
            payload: packet.payload.into(),
        };
        if let Err(error) = self.track.write_rtp(packet).await {
            tracing::debug!(%error, "a packet was not sent");
        }
    }

    async fn close(&self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the connection did not close cleanly");
        }
    }
}

/// The library's answer, which always names the part it would take first, with the part that is really ours.
fn said_as(role: Setup, raw: &str) -> String {
    let named = |line: &str| match line.trim_end().strip_prefix("a=setup:") {
        Some(_) => format!("a=setup:{}\r\n", role.word()),
        None => line.to_owned(),
    };
    raw.split_inclusive('\n').map(named).collect()
}

/// Our address that is named first.
fn near(candidates: &[IpAddr]) -> Option<IpAddr> {
    addresses::facing(candidates)
}

fn direction(direction: Direction) -> RTCRtpTransceiverDirection {
    match direction {
        Direction::SendRecv => RTCRtpTransceiverDirection::Sendrecv,
        Direction::SendOnly => RTCRtpTransceiverDirection::Sendonly,
        Direction::RecvOnly => RTCRtpTransceiverDirection::Recvonly,
        Direction::Inactive => RTCRtpTransceiverDirection::Inactive,
    }
}
