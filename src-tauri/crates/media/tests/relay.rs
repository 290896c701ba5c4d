//! Calls through a real relay (coturn), reached by each transport. Nothing may go directly.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout
)]

mod common;

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Engine, PATIENCE, hears, peer, write_tone};
use deskline_core::{CallId, LinkState, Secret};
use deskline_media::{AudioMode, Config, Relays};
use deskline_sandbox::peer::{OfferShape, Voice};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A relay on this machine, gone with its owner.
struct Relay {
    server: Child,
    plain: u16,
    encrypted: u16,
    certificate: CertificateDer<'static>,
    folder: tempfile::TempDir,
}

impl Relay {
    /// Starts one, if there is the program.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let file = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let certificate = file("certificate.pem", identity.cert.pem());
        let key = file("key.pem", identity.signing_key.serialize_pem());
        let free = || {
            TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port()
        };
        let (plain, encrypted) = (free(), free());
        let server = Command::new("turnserver")
            .args(["-n", "--no-cli", "--fingerprint", "--lt-cred-mech"])
            .args([
                "--allow-loopback-peers",
                "--listening-ip=127.0.0.1",
                "--relay-ip=127.0.0.1",
            ])
            .args([
                "--realm=deskline",
                "--user=agent:keep quiet",
                "--log-file=stdout",
            ])
            .arg(format!("--listening-port={plain}"))
            .arg(format!("--tls-listening-port={encrypted}"))
            .arg(format!("--cert={certificate}"))
            .arg(format!("--pkey={key}"))
            .arg(format!(
                "--userdb={}",
                folder.path().join("users").display()
            ))
            .arg(format!("--pidfile={}", folder.path().join("pid").display()))
            .stdout(std::fs::File::create(folder.path().join("log")).unwrap())
            .stderr(Stdio::null())
            .spawn();
        let Ok(server) = server else {
            println!("skipped: there is no turnserver on PATH (package coturn)");
            return None;
        };
        let relay = Self {
            server,
            plain,
            encrypted,
            certificate: identity.cert.der().clone(),
            folder,
        };
        let deadline = Instant::now() + PATIENCE;
        for port in [plain, encrypted] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(
                    Instant::now() < deadline,
                    "the relay does not listen:\n{}",
                    relay.log()
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Some(relay)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// How to get there, and nowhere else.
    fn config(&self, url: &str, audio: AudioMode) -> Config {
        let mut anchors = RootCertStore::empty();
        anchors.add(self.certificate.clone()).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(anchors)
            .with_no_client_auth();
        Config {
            relays: Some(Arc::new(Relays {
                urls: vec![url.parse().unwrap()],
                username: "agent".to_owned(),
                password: Secret::new("keep quiet"),
                only: true,
                tls: Arc::new(tls),
            })),
            ..Config::plain(audio)
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A call through the relay: both hear each other, and no packet took another way.
async fn relayed(transport: &str, url: impl Fn(&Relay) -> String) {
    let Some(relay) = Relay::start() else { return };
    let folder = common::Folder::new(transport);
    write_tone(&folder.file("in.wav"), 440.0, 16_000, 2, 20.0);
    let audio = AudioMode::Files {
        input: Some(folder.file("in.wav")),
        output: Some(folder.file("out.wav")),
    };
    let mut engine = Engine::start_with(relay.config(&url(&relay), audio));
    let id = CallId::from("c1");
    let far = peer(Voice::Tone { hz: 660.0 }, OfferShape::default()).await;
    let begun = Instant::now();
    let answer = engine.exchange(&id, &far).await;
    println!("{transport}: answered after {:?}", begun.elapsed());
    assert!(answer.contains(" typ relay "), "{answer}");
    assert!(!answer.contains(" typ host"), "{answer}");
    engine.path(&id, LinkState::Up).await;
    println!("{transport}: up after {:?}", begun.elapsed());
    engine.first_audio(&id).await;
    let heard = hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
    assert!((heard.dominant_hz - 440.0).abs() < 15.0, "{heard:?}");
    let sample = engine.fresh_sample(&id).await;
    assert!(sample.received > 20, "{sample:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_through_a_relay_by_datagrams() {
    relayed("udp", |relay| format!("turn:127.0.0.1:{}", relay.plain)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_through_a_relay_by_a_stream() {
    relayed("tcp", |relay| {
        format!("turn:127.0.0.1:{}?transport=tcp", relay.plain)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_through_a_relay_by_an_encrypted_stream() {
    relayed("tls", |relay| {
        format!("turns:localhost:{}", relay.encrypted)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_not_there_costs_an_answer_only_seconds() {
    let Some(relay) = Relay::start() else { return };
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut config = relay.config(
        &format!("turn:127.0.0.1:{port}?transport=tcp"),
        AudioMode::None,
    );
    let direct = Arc::unwrap_or_clone(config.relays.take().unwrap());
    config.relays = Some(Arc::new(Relays {
        only: false,
        ..direct
    }));
    let mut engine = Engine::start_with(config);
    let id = CallId::from("c1");
    let far = peer(Voice::Tone { hz: 660.0 }, OfferShape::default()).await;
    engine.connect(&id, &far).await;
    engine.first_audio(&id).await;
}
