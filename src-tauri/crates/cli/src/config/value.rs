//! One value as somebody wrote it, in TOML or in the environment, and what it can be read as.

use std::path::{Path, PathBuf};

use toml::de::DeValue;

/// A value as it was given.
pub(super) enum Given {
    /// A text in a file.
    Text(String),
    /// `true` or `false` in a file.
    Flag(bool),
    /// A whole number in a file.
    Whole(i64),
    /// A list in a file.
    List(Vec<Given>),
    /// Anything else a file may hold.
    Other,
    /// The text of an environment variable, which has no types.
    Variable(String),
}

impl Given {
    pub(super) fn from_toml(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Boolean(flag) => Self::Flag(*flag),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Self::Other, Self::Whole),
            DeValue::Array(values) => Self::List(
                values
                    .iter()
                    .map(|value| Self::from_toml(value.get_ref()))
                    .collect(),
            ),
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => Self::Other,
        }
    }

    pub(super) fn text(&self) -> Result<String, String> {
        match self {
            Self::Text(text) | Self::Variable(text) if !text.trim().is_empty() => Ok(text.clone()),
            Self::Text(_) | Self::Variable(_) => Err("it must not be empty".to_owned()),
            Self::Flag(_) | Self::Whole(_) | Self::List(_) | Self::Other => {
                Err("it must be a text".to_owned())
            }
        }
    }

    pub(super) fn flag(&self) -> Result<bool, String> {
        match self {
            Self::Flag(flag) => return Ok(*flag),
            Self::Variable(text) => match text.trim() {
                "true" | "1" => return Ok(true),
                "false" | "0" => return Ok(false),
                _ => {}
            },
            Self::Text(_) | Self::Whole(_) | Self::List(_) | Self::Other => {}
        }
        Err("it must be true or false".to_owned())
    }

    /// An https address, or an http one of this machine.
    pub(super) fn address(&self) -> Result<String, String> {
        let text = self.text()?;
        let needed = || "it must be an address that begins with https://".to_owned();
        let url = url::Url::parse(&text).map_err(|_| needed())?;
        let is_local = match url.host() {
            Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(needed()),
        };
        match url.scheme() {
            "https" => Ok(text),
            "http" if is_local => Ok(text),
            "http" => Err("http:// is for this machine only; https:// is needed".to_owned()),
            _ => Err(needed()),
        }
    }

    /// A name that may be part of another: of an entry in the keyring.
    pub(super) fn name(&self) -> Result<String, String> {
        let text = self.text()?;
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if text.len() <= 64 && text.chars().all(is_plain) {
            Ok(text)
        } else {
            Err("it must be a name of letters, digits, - and _".to_owned())
        }
    }

    pub(super) fn one_of(&self, words: &[&str]) -> Result<String, String> {
        let text = self.text()?;
        if words.contains(&text.as_str()) {
            Ok(text)
        } else {
            Err(format!("it must be one of {}", words.join(", ")))
        }
    }

    /// A list of words; also one text with spaces or commas between them.
    pub(super) fn words(&self) -> Result<Vec<String>, String> {
        match self {
            Self::List(values) => values.iter().map(Self::text).collect(),
            Self::Text(text) | Self::Variable(text) => Ok(split(text)),
            Self::Flag(_) | Self::Whole(_) | Self::Other => {
                Err("it must be a list of texts".to_owned())
            }
        }
    }

    pub(super) fn ports(&self) -> Result<Vec<u16>, String> {
        let port = |given: &Self| match given {
            Self::Whole(number) => u16::try_from(*number).ok().filter(|port| *port > 0),
            Self::Text(_) | Self::Flag(_) | Self::List(_) | Self::Other | Self::Variable(_) => None,
        };
        let ports: Option<Vec<u16>> = match self {
            Self::List(values) => values.iter().map(port).collect(),
            Self::Variable(text) => split(text).iter().map(|word| word.parse().ok()).collect(),
            Self::Text(_) | Self::Flag(_) | Self::Whole(_) | Self::Other => None,
        };
        ports
            .filter(|ports| !ports.is_empty())
            .ok_or_else(|| "it must be a list of ports".to_owned())
    }

    /// A file; a relative one begins at `folder`.
    pub(super) fn path(&self, folder: &Path) -> Result<PathBuf, String> {
        Ok(folder.join(self.text()?))
    }

    /// A file of certificates, looked into so that a wrong one is said at the start.
    pub(super) fn certificates(&self, folder: &Path) -> Result<PathBuf, String> {
        let file = self.path(folder)?;
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        if text.contains("-----BEGIN CERTIFICATE-----") {
            Ok(file)
        } else {
            Err(format!("{} holds no certificate", file.display()))
        }
    }
}

fn split(text: &str) -> Vec<String> {
    text.split([',', ' '])
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
