//! Any foreign stack: the same few verbs for all of them.

use serde_json::{Value, json};

use crate::aiortc::Aiortc;
use crate::chromium::Chromium;
use crate::common::PATIENCE;
use crate::str0m::Str0m;

/// What the far side says.
pub(crate) const THEIR_TONE: f32 = 660.0;

/// One call in a foreign stack, already talking to whoever will listen.
pub(crate) enum Far {
    Chromium(Chromium),
    Aiortc(Aiortc),
    Str0m(Str0m),
}

impl Far {
    pub(crate) async fn chromium(test: &str) -> Option<Self> {
        Some(
            Self::Chromium(Chromium::open(test, true).await?)
                .ready()
                .await,
        )
    }

    pub(crate) async fn chromium_without_addresses(test: &str) -> Option<Self> {
        Some(
            Self::Chromium(Chromium::open(test, false).await?)
                .ready()
                .await,
        )
    }

    pub(crate) async fn aiortc(_test: &str) -> Option<Self> {
        Some(Self::Aiortc(Aiortc::open()?).ready().await)
    }

    pub(crate) async fn str0m(_test: &str) -> Option<Self> {
        Some(Self::Str0m(Str0m::open().await).ready().await)
    }

    async fn ready(mut self) -> Self {
        self.ask("start", json!({"hz": THEIR_TONE})).await;
        self
    }

    /// Its offer with every candidate in it.
    pub(crate) async fn offer(&mut self, wish: Value) -> String {
        self.ask("offer", wish).await.as_str().unwrap().to_owned()
    }

    /// Its answer to our offer. An offer of its own that is still open is taken back, where the stack can do that.
    pub(crate) async fn answer(&mut self, sdp: &str) -> Result<String, String> {
        let answer = self.try_to("answer", json!({"sdp": lines(sdp)})).await?;
        Ok(answer.as_str().unwrap().to_owned())
    }

    /// Hands it our answer.
    pub(crate) async fn accept(&mut self, sdp: &str) {
        self.ask("accept", json!({"sdp": lines(sdp)})).await;
    }

    pub(crate) async fn dial(&mut self, digits: &str) {
        self.ask("dial", json!({"digits": digits})).await;
    }

    /// Lets its packets go on from another source, number or time.
    pub(crate) async fn jump(&mut self, wish: Value) {
        self.ask("jump", wish).await;
    }

    /// Waits until it hears a tone of this pitch.
    pub(crate) async fn hears(&mut self, hz: f64) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let heard = self.ask("heard", json!({})).await;
            let (db, pitch) = (heard["db"].as_f64().unwrap(), heard["hz"].as_f64().unwrap());
            if db > -25.0 && (pitch - hz).abs() < 15.0 {
                return;
            }
            if tokio::time::Instant::now() > deadline {
                let state = self.ask("state", json!({})).await;
                panic!("the far side never heard our tone: {heard}, {state}");
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    async fn ask(&mut self, verb: &str, wish: Value) -> Value {
        let done = self.try_to(verb, wish.clone()).await;
        done.unwrap_or_else(|error| panic!("{verb} {wish}: {error}"))
    }

    async fn try_to(&mut self, verb: &str, wish: Value) -> Result<Value, String> {
        match self {
            Self::Chromium(page) => page.ask(verb, &wish).await,
            Self::Aiortc(process) => process.ask(verb, &wish).await,
            Self::Str0m(call) => call.ask(verb, &wish).await,
        }
    }
}

/// Our descriptions have bare line feeds; they are transported as bodies, whose ends of line are a matter of taste.
fn lines(sdp: &str) -> String {
    sdp.replace("\r\n", "\n").replace('\n', "\r\n")
}
