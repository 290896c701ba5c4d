//! An engine and a far side for tests.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    dead_code,
    unreachable_pub
)]

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use deskline_core::{CallId, CallSample, Input, LinkState, MediaFact, MediaRequest, SdpKind};
use deskline_media::{AudioMode, Config};
use deskline_sandbox::peer::{Heard, OfferShape, Peer, PeerOptions, Voice};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Engine {
    pub requests: mpsc::UnboundedSender<MediaRequest>,
    facts: mpsc::Receiver<Input>,
    kept: Vec<MediaFact>,
    pub stop: CancellationToken,
    pub task: JoinHandle<Result<(), deskline_media::MediaError>>,
}

impl Engine {
    pub fn start(audio: AudioMode) -> Self {
        Self::start_with(Config::plain(audio))
    }

    pub fn start_with(config: Config) -> Self {
        let (requests, inbox) = mpsc::unbounded_channel();
        let (outbox, facts) = mpsc::channel(256);
        let stop = CancellationToken::new();
        let task = tokio::spawn(deskline_media::run(config, inbox, outbox, stop.clone()));
        Self {
            requests,
            facts,
            kept: Vec::new(),
            stop,
            task,
        }
    }

    pub fn ask(&self, request: MediaRequest) {
        self.requests.send(request).unwrap();
    }

    /// The next fact for which `pick` has an answer; others are kept for later questions.
    pub async fn wait<T>(&mut self, what: &str, pick: impl Fn(&MediaFact) -> Option<T>) -> T {
        for n in 0..self.kept.len() {
            if let Some(found) = pick(&self.kept[n]) {
                self.kept.remove(n);
                return found;
            }
        }
        let search = async {
            loop {
                let fact = match self.facts.recv().await.expect("the engine runs") {
                    Input::Media(fact) => fact,
                    Input::Do(..)
                    | Input::Routing(_)
                    | Input::Calling(_)
                    | Input::Clock(_)
                    | Input::Tick => continue,
                };
                if let Some(found) = pick(&fact) {
                    return found;
                }
                self.kept.push(fact);
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!("no {what}; there was {:?}", self.kept),
        }
    }

    pub async fn local(&mut self, call: &CallId, wanted: SdpKind) -> String {
        self.wait("description", |fact| match fact {
            MediaFact::Local {
                call: of,
                kind,
                sdp,
            } if of == call && *kind == wanted => Some(sdp.clone()),
            MediaFact::Failed { call: of, problem } if of == call => {
                panic!("no description: {problem:?}")
            }
            _ => None,
        })
        .await
    }

    pub async fn failure(&mut self, call: &CallId) -> deskline_core::Problem {
        self.wait("failure", |fact| match fact {
            MediaFact::Failed { call: of, problem } if of == call => Some(problem.clone()),
            _ => None,
        })
        .await
    }

    pub async fn path(&mut self, call: &CallId, wanted: LinkState) {
        self.wait("path", |fact| match fact {
            MediaFact::Path { call: of, state } if of == call && *state == wanted => Some(()),
            _ => None,
        })
        .await;
    }

    pub async fn first_audio(&mut self, call: &CallId) -> u64 {
        self.wait("first audio", |fact| match fact {
            MediaFact::FirstAudio { call: of, after_ms } if of == call => Some(*after_ms),
            _ => None,
        })
        .await
    }

    pub async fn muted(&mut self, call: &CallId) -> bool {
        self.wait("mute", |fact| match fact {
            MediaFact::Muted { call: of, muted } if of == call => Some(*muted),
            _ => None,
        })
        .await
    }

    /// The next sample not yet seen.
    pub async fn sample(&mut self, call: &CallId) -> CallSample {
        self.wait("sample", |fact| match fact {
            MediaFact::Quality { call: of, sample } if of == call => Some((**sample).clone()),
            _ => None,
        })
        .await
    }

    /// Forgets samples that came earlier and gives the next one.
    pub async fn fresh_sample(&mut self, call: &CallId) -> CallSample {
        while let Ok(Input::Media(fact)) = self.facts.try_recv() {
            self.kept.push(fact);
        }
        self.kept
            .retain(|fact| !matches!(fact, MediaFact::Quality { .. }));
        self.sample(call).await
    }

    /// Answers an offer of the far side and connects both.
    pub async fn connect(&mut self, call: &CallId, peer: &Peer) -> String {
        let answer = self.exchange(call, peer).await;
        self.path(call, LinkState::Up).await;
        answer
    }

    /// One offer of the far side and our answer.
    pub async fn exchange(&mut self, call: &CallId, peer: &Peer) -> String {
        self.exchange_as(call, peer, |offer| offer).await
    }

    /// The same with an offer that is bent on its way.
    pub async fn exchange_as(
        &mut self,
        call: &CallId,
        peer: &Peer,
        bend: impl Fn(String) -> String,
    ) -> String {
        let offer = bend(peer.offer().await.unwrap());
        self.ask(MediaRequest::Answer(call.clone(), offer));
        let answer = self.local(call, SdpKind::Answer).await;
        peer.accept_answer(&answer).await.unwrap();
        answer
    }
}

pub async fn peer(voice: Voice, offer: OfferShape) -> Peer {
    let bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Peer::start(PeerOptions { voice, bind, offer })
        .await
        .unwrap()
}

/// Waits until what the far side heard in its last second is as wanted.
pub async fn hears(peer: &Peer, what: &str, wanted: impl Fn(Heard) -> bool) -> Heard {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let heard = peer.heard();
        if wanted(heard) {
            return heard;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the far side never heard {what}: {heard:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A folder of its own for a test, gone afterwards.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("deskline-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Writes a sine of -9 dBFS.
pub fn write_tone(path: &Path, hz: f32, rate: u32, channels: u16, seconds: f32) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..(rate as f32 * seconds) as u32 {
        let value = 0.5 * (std::f32::consts::TAU * hz * n as f32 / rate as f32).sin();
        for _ in 0..channels {
            writer.write_sample((value * 32_767.0) as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
}

/// Reads a mono file as the client writes it.
pub fn read_wav(path: &Path) -> Vec<f32> {
    let mut reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    assert_eq!(
        (spec.channels, spec.sample_rate, spec.bits_per_sample),
        (1, 48_000, 16)
    );
    reader
        .samples::<i16>()
        .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
        .collect()
}

/// Level in dBFS of one frequency alone.
pub fn level_at(samples: &[f32], hz: f32) -> f32 {
    let (mut re, mut im) = (0.0f64, 0.0f64);
    for (n, sample) in samples.iter().enumerate() {
        let angle = std::f64::consts::TAU * f64::from(hz) * n as f64 / 48_000.0;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    let amplitude = 2.0 * (re * re + im * im).sqrt() / samples.len() as f64;
    (20.0 * (amplitude.max(1e-9) / std::f64::consts::SQRT_2).log10()) as f32
}
