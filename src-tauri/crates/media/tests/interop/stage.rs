//! Our engine, a foreign far side, and what can be said about both.

use deskline_core::{
    CallId, CallSample, Echo, LinkState, MediaRequest, Noise, SdpKind, VoiceSettings,
};
use deskline_media::AudioMode;
use serde_json::Value;

use crate::common::{Engine, Folder, PATIENCE, level_at, write_tone};
use crate::far::{Far, THEIR_TONE};

/// What we say.
const OUR_TONE: f32 = 440.0;

/// A call between the two.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) id: CallId,
    pub(crate) far: Far,
    folder: Folder,
}

impl Stage {
    pub(crate) fn new(name: &str, far: Far) -> Self {
        let folder = Folder::new(name);
        write_tone(&folder.file("in.wav"), OUR_TONE, 48_000, 1, 120.0);
        let engine = Engine::start(AudioMode::Files {
            input: Some(folder.file("in.wav")),
            output: Some(folder.file("out.wav")),
        });
        // A tone that goes on for long is noise to whoever looks for a voice.
        let untreated = VoiceSettings {
            echo: Echo::Off,
            noise: Noise::Off,
            far_noise: false,
            gain: false,
        };
        engine.ask(MediaRequest::Voice(String::new(), untreated));
        Self {
            engine,
            id: CallId::from("c1"),
            far,
            folder,
        }
    }

    /// An offer of theirs and our answer to it.
    pub(crate) async fn they_offer(&mut self, wish: Value) -> String {
        self.they_offer_as(wish, |offer| offer).await
    }

    /// The same with an offer that is bent on its way.
    pub(crate) async fn they_offer_as(
        &mut self,
        wish: Value,
        bend: impl Fn(String) -> String,
    ) -> String {
        let offer = bend(self.far.offer(wish).await);
        self.engine
            .ask(MediaRequest::Answer(self.id.clone(), offer));
        let answer = self.engine.local(&self.id, SdpKind::Answer).await;
        self.far.accept(&answer).await;
        answer
    }

    /// An offer of ours and their answer to it.
    pub(crate) async fn we_offer(&mut self) -> String {
        self.engine.ask(MediaRequest::Offer(self.id.clone()));
        let offer = self.engine.local(&self.id, SdpKind::Offer).await;
        let answer = self.far.answer(&offer).await.unwrap();
        self.engine
            .ask(MediaRequest::Remote(self.id.clone(), answer.clone()));
        answer
    }

    pub(crate) async fn connected(&mut self) {
        self.engine.path(&self.id, LinkState::Up).await;
        self.engine.first_audio(&self.id).await;
    }

    pub(crate) async fn both_hear(&mut self) {
        self.far.hears(f64::from(OUR_TONE)).await;
        self.we_hear().await;
    }

    /// Waits until their tone comes out here.
    pub(crate) async fn we_hear(&mut self) {
        self.listen("their tone", |level| level > -25.0).await;
    }

    /// Waits until it has gone.
    pub(crate) async fn we_hear_nothing(&mut self) {
        self.listen("silence", |level| level < -60.0).await;
    }

    /// Fails if a packet leaves within a second, once the change has come through.
    pub(crate) async fn we_send_nothing(&mut self) {
        let before = self.sample().await;
        let after = self.sample().await;
        assert_eq!(before.sent, after.sent, "{before:?} {after:?}");
    }

    /// The next sample that is made.
    pub(crate) async fn sample(&mut self) -> CallSample {
        self.engine.fresh_sample(&self.id).await
    }

    async fn listen(&mut self, what: &str, wanted: impl Fn(f32) -> bool) {
        // The file grows while the call lasts; what is not yet in it comes later.
        let mut known = self.recorded().len();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let out = self.recorded();
            // Only what was written since the question counts.
            if out.len() >= known + 24_000 {
                let level = level_at(&out[out.len() - 24_000..], THEIR_TONE);
                if wanted(level) {
                    return;
                }
                known = out.len() - 24_000;
                assert!(
                    tokio::time::Instant::now() < deadline,
                    "we never heard {what}: {level} dB"
                );
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "nothing is heard any more, not even silence"
            );
        }
    }

    /// All that was heard so far.
    fn recorded(&self) -> Vec<f32> {
        let bytes = std::fs::read(self.folder.file("out.wav")).unwrap_or_default();
        let samples = bytes.get(44..).unwrap_or_default().as_chunks::<2>().0;
        samples
            .iter()
            .map(|sample| f32::from(i16::from_le_bytes(*sample)) / 32_768.0)
            .collect()
    }
}
