//! What the page may hand over: every argument is checked while it is read, before a command sees it.

use deskline_core::{InteractionId, Secret, StationOption, TeamId, dial_plan};
use serde::Deserialize;

/// The longest id, name or code we take from the page.
const ID_LIMIT: usize = 200;
const TEXT_LIMIT: usize = 1_000;
const TOKEN_LIMIT: usize = 16 * 1024;
const CLIPBOARD_LIMIT: usize = 100_000;
const DIGITS_LIMIT: usize = 64;

macro_rules! checked {
    ($(#[$doc:meta])* $name:ident, $limit:expr, $is_good:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub(crate) struct $name(String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let is_good: fn(char) -> bool = $is_good;
                if text.len() > $limit {
                    return Err(format!("longer than {} bytes", $limit));
                }
                if !text.chars().all(is_good) {
                    return Err("has characters that do not belong there".to_owned());
                }
                Ok(Self(text))
            }
        }

        impl $name {
            pub(crate) fn into_text(self) -> String {
                self.0
            }
        }
    };
}

checked! {
    /// An id of the contact centre's.
    Id, ID_LIMIT, |letter| letter.is_ascii_graphic()
}
checked! {
    /// A line of text, such as the name of a reason or a device.
    Line, TEXT_LIMIT, |letter| !letter.is_control()
}
checked! {
    /// Text to copy.
    Copied, CLIPBOARD_LIMIT, |letter| !letter.is_control() || matches!(letter, '\n' | '\t')
}
checked! {
    /// Key tones: `0`–`9`, `*`, `#`, `A`–`D`, and `,` for a pause of two seconds.
    Digits, DIGITS_LIMIT, |letter| matches!(letter, '0'..='9' | '*' | '#' | 'A'..='D' | ',')
}

checked! {
    /// A number as people write it.
    Number, ID_LIMIT, |letter| !letter.is_control()
}

/// An id or number to reach somebody by; not empty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Target(String);

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = Line::try_from(text)?.into_text();
        let text = text.trim();
        if text.is_empty() || text.len() > ID_LIMIT {
            return Err(format!("has between 1 and {ID_LIMIT} bytes"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Target {
    /// As an id, or as a number without what helps to read it.
    pub(crate) fn into_text(self, is_number: bool) -> String {
        if is_number {
            dial_plan::plain(&self.0)
        } else {
            self.0
        }
    }
}

/// Whom a consult goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ConsultTo {
    Agent,
    Queue,
    DialNumber,
    EntryPoint,
}

impl ConsultTo {
    /// The word of contact-center 8.6.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Queue => "queue",
            Self::DialNumber => "dialNumber",
            Self::EntryPoint => "entryPoint",
        }
    }
}

/// Whom a blind transfer goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum TransferTo {
    Agent,
    Queue,
    DialNumber,
}

impl TransferTo {
    /// The word of contact-center 8.6.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Queue => "queue",
            Self::DialNumber => "dialNumber",
        }
    }
}

/// A question to a directory.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Query {
    pub(crate) search: Line,
    pub(crate) page: u32,
}

/// A state for after the work in hand.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WantedState {
    pub(crate) state: Wanted,
    pub(crate) aux_code_id: Id,
    #[serde(default)]
    pub(crate) reason: Option<Line>,
}

impl Id {
    pub(crate) fn into_interaction(self) -> InteractionId {
        InteractionId(self.0)
    }

    pub(crate) fn into_team(self) -> TeamId {
        TeamId(self.0)
    }
}

/// A pasted access token. It goes in and never comes out again.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Token(pub(crate) Secret);

impl TryFrom<String> for Token {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let text = text.trim();
        let text = text.strip_prefix("Bearer ").unwrap_or(text).trim();
        if text.is_empty() || text.len() > TOKEN_LIMIT {
            return Err("an access token has between 1 and 16384 characters");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("an access token has no spaces and no special letters");
        }
        Ok(Self(Secret::new(text)))
    }
}

/// How the voice reaches the centre, in the words of the wire.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) enum LoginOption {
    #[serde(rename = "BROWSER")]
    Browser,
    #[serde(rename = "EXTENSION")]
    Extension,
    #[serde(rename = "AGENT_DN")]
    AgentDn,
}

impl From<LoginOption> for StationOption {
    fn from(option: LoginOption) -> Self {
        match option {
            LoginOption::Browser => Self::Browser,
            LoginOption::Extension => Self::Extension,
            LoginOption::AgentDn => Self::AgentDn,
        }
    }
}

/// What an agent can ask to be.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) enum Wanted {
    Available,
    Idle,
}

impl Wanted {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Idle => "Idle",
        }
    }
}

/// A kind of sound device.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum DeviceKind {
    Microphone,
    Speaker,
    Ringer,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn nonsense_is_refused_while_it_is_read() {
        assert!(Id::try_from("b3f1-22".to_owned()).is_ok());
        assert!(Id::try_from("a\nb".to_owned()).is_err());
        assert!(Id::try_from("x".repeat(201)).is_err());
        assert!(Digits::try_from("12*#A,".to_owned()).is_ok());
        assert!(Digits::try_from("12p".to_owned()).is_err());
        assert!(Line::try_from("Größe ✓".to_owned()).is_ok());
        assert!(Line::try_from("a\u{7}".to_owned()).is_err());
        assert!(Copied::try_from("two\nlines".to_owned()).is_ok());
        assert!(serde_json::from_str::<Wanted>("\"Busy\"").is_err());
        assert!(serde_json::from_str::<LoginOption>("\"browser\"").is_err());
    }

    #[test]
    fn a_target_is_an_id_or_a_number_as_it_is_dialled() {
        let target = |text: &str| Target::try_from(text.to_owned());
        assert_eq!(target(" +49 (30) 1 ").unwrap().into_text(true), "+49301");
        assert_eq!(target("a-b.c").unwrap().into_text(false), "a-b.c");
        assert!(target("  ").is_err());
        assert!(target("a\nb").is_err());
        assert!(target(&"x".repeat(201)).is_err());
    }

    #[test]
    fn a_pasted_token_is_trimmed_and_never_shown() {
        let token: Token = serde_json::from_str("\"  Bearer abc_def \\n\"").unwrap();
        assert_eq!(token.0.reveal(), "abc_def");
        assert!(!format!("{token:?}").contains("abc"));
        for bad in ["\"\"", "\"a b\"", "\"schlüssel\""] {
            let error = serde_json::from_str::<Token>(bad).unwrap_err();
            assert!(!error.to_string().contains("schl"), "{error}");
        }
    }
}
