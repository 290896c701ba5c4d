//! `[media]`: how packets of sound may go.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use deskline_core::Secret;
use deskline_media::{RelayUrl, Relays};

use super::unknown;
use super::value::Given;

/// `[media]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Media {
    /// Relays (TURN) for networks that let nothing through directly.
    pub relays: Vec<RelayUrl>,
    /// The name they know us by.
    pub relay_username: Option<String>,
    /// The password, of the environment.
    pub relay_password: Option<Secret>,
    /// A file that holds the password and nothing else.
    pub relay_password_file: Option<PathBuf>,
    /// Whether nothing may go directly.
    pub relay_only: bool,
}

impl Media {
    pub(super) fn set(&mut self, key: &str, given: &Given, folder: &Path) -> Result<(), String> {
        match key {
            "relays" => {
                let read = |word: String| {
                    word.parse::<RelayUrl>()
                        .map_err(|why| format!("{word}: {why}"))
                };
                self.relays = given
                    .words()?
                    .into_iter()
                    .map(read)
                    .collect::<Result<_, _>>()?;
            }
            "relay_username" => self.relay_username = Some(given.text()?),
            "relay_password" => match given {
                Given::Variable(_) => self.relay_password = Some(Secret::new(given.text()?)),
                Given::Text(_)
                | Given::Flag(_)
                | Given::Whole(_)
                | Given::List(_)
                | Given::Other => {
                    return Err("a password belongs into the environment variable \
                                DESKLINE_MEDIA_RELAY_PASSWORD, or into a file of its own that \
                                relay_password_file names"
                        .to_owned());
                }
            },
            "relay_password_file" => self.relay_password_file = Some(given.path(folder)?),
            "relay_only" => self.relay_only = given.flag()?,
            _ => return unknown(),
        }
        Ok(())
    }

    /// The relays of this desk, if it has any; `ca_file` holds authorities beside the system's.
    ///
    /// # Errors
    /// What is missing or cannot be read.
    pub fn relays(&self, ca_file: Option<&Path>) -> Result<Option<Arc<Relays>>, String> {
        if self.relays.is_empty() {
            return match self.relay_only {
                true => Err("media.relay_only: there are no relays (media.relays)".to_owned()),
                false => Ok(None),
            };
        }
        let username = self
            .relay_username
            .clone()
            .ok_or("media.relays: the name they know us by is missing (media.relay_username)")?;
        let password = match (&self.relay_password, &self.relay_password_file) {
            (Some(password), _) => password.clone(),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    format!("media.relay_password_file: {}: {error}", file.display())
                })?;
                Secret::new(text.trim_end_matches(['\r', '\n']))
            }
            (None, None) => {
                return Err(
                    "media.relays: the password is missing (DESKLINE_MEDIA_RELAY_PASSWORD \
                            or media.relay_password_file)"
                        .to_owned(),
                );
            }
        };
        let tls = deskline_trust::client_config(ca_file).map_err(|error| error.to_string())?;
        Ok(Some(Arc::new(Relays {
            urls: self.relays.clone(),
            username,
            password,
            only: self.relay_only,
            tls: Arc::new(tls),
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Configuration;
    use super::*;

    fn parse(text: &str) -> Result<Media, String> {
        Configuration::parse(text, Path::new("desk.toml"))
            .map(|all| all.media)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn relays_are_read_with_their_name_and_password() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "keep quiet\n").unwrap();
        let text = r#"
            [media]
            relays = ["turn:relay.example", "turns:relay.example:443"]
            relay_username = "desk"
            relay_password_file = "password"
            relay_only = true
        "#;
        let all = Configuration::parse(text, &folder.path().join("desk.toml")).unwrap();
        let relays = all.media.relays(None).unwrap().unwrap();
        assert_eq!(relays.urls.len(), 2);
        assert_eq!(relays.username, "desk");
        assert_eq!(relays.password.reveal(), "keep quiet");
        assert!(relays.only);
        assert!(!format!("{all:?} {relays:?}").contains("keep quiet"));
        assert!(Media::default().relays(None).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_with_a_relay_is_said() {
        for (text, why) in [
            (
                "relays = \"stun:x\"",
                "stun:x: it must be like turn:HOST:PORT",
            ),
            ("relay_password = \"p\"", "DESKLINE_MEDIA_RELAY_PASSWORD"),
            ("relay = true", "unknown key"),
        ] {
            let error = parse(&format!("[media]\n{text}")).unwrap_err();
            assert!(error.starts_with("desk.toml, line 2: media."), "{error}");
            assert!(error.contains(why), "{error}");
        }
        for (text, why) in [
            ("relays = \"turn:x\"", "media.relay_username"),
            (
                "relays = \"turn:x\"\nrelay_username = \"u\"",
                "the password is missing",
            ),
            ("relay_only = true", "there are no relays"),
            (
                "relays = \"turn:x\"\nrelay_username = \"u\"\nrelay_password_file = \"/no/such\"",
                "/no/such: ",
            ),
        ] {
            let error = parse(&format!("[media]\n{text}"))
                .unwrap()
                .relays(None)
                .unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
