//! The other end for the tests: a full-ICE client with browser-like SDP, a tone generator and a recorder.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use str0m::config::Fingerprint;
use str0m::format::Codec as WireCodec;
use str0m::media::{Frequency, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpWrite, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::peer::Voice;
use crate::peer::codec::{Decoder, Encoder, ticks};
use crate::peer::level::{RATE, dominant_hz, rms_db};
use crate::peer::remote::{Codec, Format, Remote};
use crate::peer::voice::{Mouth, SILENT};

/// What the test changes and reads while the agent runs.
#[derive(Debug)]
pub(super) struct Controls {
    pub(super) hz: f32,
    pub(super) send: (u8, Codec),
    pub(super) ssrc: u32,
    pub(super) dial: Vec<u8>,
    /// Datagrams to send as they are, from the agent's own address.
    pub(super) junk: Vec<Vec<u8>>,
    pub(super) ice: bool,
    pub(super) connected: bool,
    pub(super) closed: bool,
    pub(super) packets: u64,
    pub(super) payload_types: Vec<u8>,
    pub(super) sound: Vec<f32>,
    understood: Vec<Format>,
}

/// A running agent.
pub(super) struct Agent {
    pub(super) controls: Arc<Mutex<Controls>>,
    task: JoinHandle<()>,
    remote: tokio::sync::mpsc::Sender<Remote>,
    pub(super) sdp: String,
}

impl Agent {
    /// An agent whose description lists `formats`; as an answerer it is told the peer's offer at once.
    pub(super) async fn start(setup: &str, formats: &[Format], offer: Option<&str>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let local = socket.local_addr().unwrap();
        let mut config = RtcConfig::new()
            .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true)
            .clear_codecs()
            .clear_extension_map();
        for payload_type in (0..64_u8).chain(96..128) {
            let opus = payload_type > 95;
            let (codec, clock) = if opus {
                (WireCodec::Opus, Frequency::FORTY_EIGHT_KHZ)
            } else {
                (WireCodec::PCMU, Frequency::EIGHT_KHZ)
            };
            config.codec_config().add_config(
                payload_type.into(),
                None,
                codec,
                clock,
                Some(1),
                Default::default(),
            );
        }
        let mut rtc = config.build(Instant::now());
        rtc.add_local_candidate(Candidate::host(local, Protocol::Udp).unwrap());
        let mut api = rtc.direct_api();
        api.set_ice_controlling(true);
        api.declare_media(mid(), MediaKind::Audio);
        let sdp = describe(
            setup,
            local,
            formats,
            &api.local_ice_credentials(),
            api.local_dtls_fingerprint(),
        );

        let first = formats
            .iter()
            .find(|format| format.codec.is_sound())
            .unwrap();
        let controls = Arc::new(Mutex::new(Controls {
            hz: 440.0,
            send: (first.payload_type, first.codec),
            ssrc: 4711,
            dial: Vec::new(),
            junk: Vec::new(),
            ice: false,
            connected: false,
            closed: false,
            packets: 0,
            payload_types: Vec::new(),
            sound: Vec::new(),
            understood: formats.to_vec(),
        }));
        let (remote, remotes) = tokio::sync::mpsc::channel(4);
        let task = tokio::spawn(run(
            socket,
            rtc,
            setup == "passive",
            Arc::clone(&controls),
            remotes,
        ));
        let agent = Self {
            controls,
            task,
            remote,
            sdp,
        };
        if let Some(offer) = offer {
            agent.take(offer).await;
        }
        agent
    }

    /// Hands the peer's description to the agent.
    pub(super) async fn take(&self, sdp: &str) {
        self.remote.send(Remote::parse(sdp).unwrap()).await.unwrap();
    }

    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Controls) -> T) -> T {
        act(&mut self.controls.lock().unwrap())
    }

    pub(super) async fn wait(&self, what: &str, ready: impl Fn(&Controls) -> bool) {
        eventually(what, || self.with(|controls| ready(controls))).await;
    }

    /// Forgets what was heard, waits for a second of new sound and measures it.
    pub(super) async fn listen(&self) -> (f32, f32) {
        self.with(|controls| controls.sound.clear());
        self.wait("a second of sound", |controls| controls.sound.len() >= RATE)
            .await;
        self.with(|controls| (rms_db(&controls.sound), dominant_hz(&controls.sound)))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Polls until `ready`, and fails after ten seconds.
pub(super) async fn eventually(what: &str, ready: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !ready() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn mid() -> Mid {
    Mid::from("0")
}

// As a browser's answer looks after the SDK has been at it: LF only, real port, session-level address, IPv6 and
// mDNS candidates beside the one that works.
fn describe(
    setup: &str,
    local: SocketAddr,
    formats: &[Format],
    ice: &str0m::IceCreds,
    fingerprint: &Fingerprint,
) -> String {
    let list: Vec<String> = formats
        .iter()
        .map(|format| format.payload_type.to_string())
        .collect();
    let (port, list) = (local.port(), list.join(" "));
    let mut sdp = format!(
        "v=0\no=- 6873 2 IN IP4 127.0.0.1\ns=-\nt=0 0\nc=IN IP4 127.0.0.1\na=group:BUNDLE 0\na=extmap-allow-mixed\n\
         m=audio {port} UDP/TLS/RTP/SAVPF {list}\nc=IN IP4 127.0.0.1\na=rtcp:9 IN IP4 0.0.0.0\n\
         a=candidate:1 1 udp 2122262783 2001:db8::7 50000 typ host generation 0 network-id 2\n\
         a=candidate:2 1 udp 2122260223 0b9a4a55-1111-2222-3333-444455556666.local 50001 typ host generation 0\n\
         a=candidate:3 1 udp 2122194687 127.0.0.1 {port} typ host generation 0 network-id 1\n\
         a=ice-ufrag:{}\na=ice-pwd:{}\na=ice-options:trickle\na=fingerprint:{fingerprint}\na=setup:{setup}\na=mid:0\n\
         a=extmap:14 urn:ietf:params:rtp-hdrext:toffset\na=sendrecv\na=msid:- 8f1\na=rtcp-mux\na=rtcp-rsize\n",
        ice.ufrag, ice.pass
    );
    for format in formats {
        sdp.push_str(&format!(
            "a=rtpmap:{} {}\n",
            format.payload_type,
            format.codec.rtpmap()
        ));
    }
    sdp
}

async fn run(
    socket: UdpSocket,
    mut rtc: Rtc,
    dtls_server: bool,
    controls: Arc<Mutex<Controls>>,
    mut remotes: tokio::sync::mpsc::Receiver<Remote>,
) {
    let local = socket.local_addr().unwrap();
    let (mut buffer, mut decoder, mut encoder, mut mouth) = (
        vec![0; 2048],
        Decoder::new(),
        Encoder::new(),
        Mouth::default(),
    );
    let (mut number, mut timestamp, mut next_tick) = (100_u64, 0_u32, Instant::now());
    let (mut described, mut edge) = (false, local);
    loop {
        let mut timeout = None;
        let now = Instant::now();
        rtc.handle_input(Input::Timeout(now)).unwrap();
        while timeout.is_none() {
            match rtc.poll_output().unwrap() {
                Output::Timeout(at) => timeout = Some(at),
                Output::Transmit(transmit) => {
                    edge = transmit.destination;
                    let _lost = socket.try_send_to(&transmit.contents, edge);
                }
                Output::Event(Event::Connected) => controls.lock().unwrap().connected = true,
                Output::Event(Event::IceConnectionStateChange(state)) => {
                    controls.lock().unwrap().ice |= state.is_connected();
                }
                Output::Event(Event::Closed) => controls.lock().unwrap().closed = true,
                Output::Event(Event::RtpPacket(packet)) => {
                    let mut controls = controls.lock().unwrap();
                    let payload_type = *packet.header.payload_type;
                    controls.packets += 1;
                    controls.payload_types.push(payload_type);
                    let codec = controls
                        .understood
                        .iter()
                        .find(|f| f.payload_type == payload_type)
                        .unwrap()
                        .codec;
                    decoder.decode(codec, &packet.payload, 0, &mut controls.sound);
                }
                Output::Event(_) => {}
            }
        }
        let wake = timeout.unwrap().min(next_tick);
        tokio::select! {
            remote = remotes.recv() => {
                let Some(remote) = remote else { return };
                let mut api = rtc.direct_api();
                api.set_remote_ice_credentials(remote.ice.clone());
                if !described {
                    api.set_remote_fingerprint(remote.fingerprint.clone());
                    api.start_dtls(!dtls_server).unwrap();
                    described = true;
                }
                remote.candidates.iter().for_each(|candidate| rtc.add_remote_candidate(candidate.clone()));
            }
            received = socket.recv_from(&mut buffer) => {
                let (length, source) = received.unwrap();
                let datagram = &buffer[..length];
                if crate::peer::transport::is_rtp(datagram) {
                    let ssrc = u32::from_be_bytes(datagram[8..12].try_into().unwrap());
                    rtc.direct_api().expect_stream_rx(ssrc.into(), None, mid(), None);
                }
                let receive = Receive::new(Protocol::Udp, source, local, datagram).unwrap();
                rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
            }
            () = tokio::time::sleep_until(wake.into()) => {}
        }
        while next_tick <= Instant::now() {
            next_tick += Duration::from_millis(20);
            let (hz, (payload_type, codec), ssrc, digit, connected) = {
                let mut controls = controls.lock().unwrap();
                let digit = if controls.dial.is_empty() {
                    None
                } else {
                    Some(controls.dial.remove(0))
                };
                (
                    controls.hz,
                    controls.send,
                    Ssrc::from(controls.ssrc),
                    digit,
                    controls.connected,
                )
            };
            if !connected {
                continue;
            }
            for junk in std::mem::take(&mut controls.lock().unwrap().junk) {
                let _lost = socket.try_send_to(&junk, edge);
            }
            let mut write = |payload_type: u8, timestamp: u32, payload: Vec<u8>| {
                let mut api = rtc.direct_api();
                // A medium has one stream here; another source replaces it.
                if api.stream_tx(&ssrc).is_none()
                    && api.reset_stream_tx(mid(), None, ssrc, None).is_none()
                {
                    api.declare_stream_tx(ssrc, None, mid(), None);
                }
                let stream = api.stream_tx_by_mid(mid(), None).unwrap();
                let packet = RtpWrite::new(
                    payload_type.into(),
                    number.into(),
                    timestamp,
                    Instant::now(),
                    payload,
                );
                stream.write_rtp(packet);
                number += 1;
            };
            if let Some(event) = digit {
                // Five packets, the last three with the end bit; the timestamp stands still.
                for (end, length) in [
                    (0, 160_u16),
                    (0, 320),
                    (0x80, 480),
                    (0x80, 480),
                    (0x80, 480),
                ] {
                    let [high, low] = length.to_be_bytes();
                    write(101, timestamp, vec![event, end | 10, high, low]);
                }
            } else {
                let frame = mouth.say(Voice::Tone { hz }, &SILENT);
                write(
                    payload_type,
                    timestamp,
                    encoder.encode(codec, &frame).unwrap(),
                );
            }
            timestamp = timestamp.wrapping_add(ticks(codec));
        }
    }
}
