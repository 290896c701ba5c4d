//! Chaos: one story of twenty steps, cut off from one of its four ways at one step for a while, and what came of it.
//!
//! The agent is the real `deskline-cli headless`, the centre a real sandbox with sockets and sound. Cuts of the ways
//! that follow the protocol clock run ten times faster, with the agent (`--time-scale 10`); cuts of the sound are real.

mod judge;
mod story;

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

pub use story::run;

/// A step of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Step {
    SignIn,
    StationLogin,
    Available,
    Offered,
    Accepted,
    Talking,
    Mute,
    Unmute,
    Hold,
    Resume,
    PauseRecording,
    ResumeRecording,
    ConsultAsked,
    ConsultAnswered,
    Switch,
    Conference,
    Exit,
    End,
    WrapUp,
    Logout,
}

impl Step {
    /// The story, in order.
    pub const ALL: [Self; 20] = [
        Self::SignIn,
        Self::StationLogin,
        Self::Available,
        Self::Offered,
        Self::Accepted,
        Self::Talking,
        Self::Mute,
        Self::Unmute,
        Self::Hold,
        Self::Resume,
        Self::PauseRecording,
        Self::ResumeRecording,
        Self::ConsultAsked,
        Self::ConsultAnswered,
        Self::Switch,
        Self::Conference,
        Self::Exit,
        Self::End,
        Self::WrapUp,
        Self::Logout,
    ];

    /// Its name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "signIn",
            Self::StationLogin => "stationLogin",
            Self::Available => "available",
            Self::Offered => "offered",
            Self::Accepted => "accepted",
            Self::Talking => "talking",
            Self::Mute => "mute",
            Self::Unmute => "unmute",
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::PauseRecording => "pauseRecording",
            Self::ResumeRecording => "resumeRecording",
            Self::ConsultAsked => "consultAsked",
            Self::ConsultAnswered => "consultAnswered",
            Self::Switch => "switch",
            Self::Conference => "conference",
            Self::Exit => "exit",
            Self::End => "end",
            Self::WrapUp => "wrapUp",
            Self::Logout => "logout",
        }
    }
}

/// What is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The notification socket and new subscriptions; requests still get through, as when a socket's server dies.
    Routing,
    /// The event socket of calling.
    Mercury,
    /// The requests of calling: connections are dropped unanswered.
    Mobius,
    /// The sound, ICE included.
    Media,
}

impl Way {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Routing, Self::Mercury, Self::Mobius, Self::Media];

    /// Its name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Mercury => "mercury",
            Self::Mobius => "mobius",
            Self::Media => "media",
        }
    }

    /// How many times faster than real this cut is played. Sound runs in real time only.
    #[must_use]
    pub fn scale(self) -> u32 {
        match self {
            Self::Routing | Self::Mercury | Self::Mobius => 10,
            Self::Media => 1,
        }
    }
}

/// How long, in seconds of the protocol's clock.
pub const SECONDS: [u32; 4] = [1, 10, 40, 70];

/// One run: where, what and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// The step that is tried while the way is cut.
    pub step: Step,
    /// What is cut.
    pub way: Way,
    /// For how long, in seconds of the protocol's clock.
    pub seconds: u32,
}

impl Case {
    /// All 320.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for way in Way::ALL {
            for step in Step::ALL {
                for seconds in SECONDS {
                    all.push(Self { step, way, seconds });
                }
            }
        }
        all
    }

    /// Whether each word names the step, the way or the seconds; words are separated by `/`.
    #[must_use]
    pub fn fits(&self, words: &str) -> bool {
        words.split('/').all(|word| {
            word == self.step.name()
                || word == self.way.name()
                || word.trim_end_matches('s').parse() == Ok(self.seconds)
        })
    }

    fn real(&self) -> Duration {
        Duration::from_secs(u64::from(self.seconds)) / self.way.scale()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}s",
            self.step.name(),
            self.way.name(),
            self.seconds
        )
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The story went on to its end.
    Alive,
    /// The call ended because of the cut, at the centre as on the desk, and the rest of the story went on; the text
    /// says in which phase.
    Ended(String),
    /// Something was wrong or stuck.
    Wrong(String),
}

/// What one run showed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run.
    pub case: Case,
    /// States told during the cut and until all was up again, per way that changed.
    pub states: Vec<String>,
    /// Longest time without a packet at the customer's side, in ms of real time; none without a call.
    pub gap_ms: Option<u64>,
    /// How the step went that was tried while the way was cut: `done`, or the error.
    pub tried: String,
    /// What else the agent was told: events that are no news of the call's own progress.
    pub told: Vec<String>,
    /// How long after the end of the cut until all ways were up, in ms of real time.
    pub recovered_ms: u64,
    /// The end.
    pub verdict: Verdict,
}

impl Outcome {
    /// One JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let (verdict, why) = match &self.verdict {
            Verdict::Alive => ("alive", ""),
            Verdict::Ended(why) => ("ended", why.as_str()),
            Verdict::Wrong(why) => ("wrong", why.as_str()),
        };
        json!({
            "step": self.case.step.name(), "cut": self.case.way.name(), "seconds": self.case.seconds,
            "states": self.states, "gapMs": self.gap_ms, "tried": self.tried, "told": self.told,
            "recoveredMs": self.recovered_ms, "verdict": verdict, "why": why,
        })
    }
}
