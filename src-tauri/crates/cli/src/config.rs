//! The settings of all fronts: one TOML file and the environment over it (headless section 6).
//!
//! Every key is known here or refused with one line that names file, line and key. Secrets are
//! never among them.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use deskline_core::VoiceSettings;
use deskline_routing::DEFAULT_U2C;

mod account;
mod media;
pub(crate) mod sound;
mod value;

pub use media::Media;
use value::Given;

/// Where the region service of the real cloud is (observed traffic 1).
pub const DEFAULT_REGION: &str = "https://ds.ciscospark.com/v1/region";
/// What environment variables of ours begin with.
const PREFIX: &str = "DESKLINE_";
const SECTIONS: [&str; 7] = [
    "services", "session", "account", "audio", "media", "window", "policy",
];

/// Everything that can be set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Where the services are.
    pub services: Services,
    /// How a session behaves.
    pub session: Session,
    /// How the person signs in (sign-in.md).
    pub account: Account,
    /// Which sound devices to use.
    pub audio: Audio,
    /// How packets of sound may go.
    pub media: Media,
    /// What is kept and shared beyond the work itself.
    pub policy: Policy,
}

/// `[services]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services {
    /// Base of the service catalog.
    pub u2c: String,
    /// The whole region lookup URL.
    pub region: String,
    /// Gateway instead of the catalog's.
    pub gateway: Option<String>,
    /// WebRTC domain instead of the catalog's.
    pub rtms_domain: Option<String>,
    /// AI assistant instead of the one that belongs to the gateway.
    pub ai_assistant: Option<String>,
    /// PEM file with extra trust anchors.
    pub ca_file: Option<PathBuf>,
    /// Proxy instead of the system's, or `direct`.
    pub proxy: Option<String>,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            u2c: DEFAULT_U2C.to_owned(),
            region: DEFAULT_REGION.to_owned(),
            gateway: None,
            rtms_domain: None,
            ai_assistant: None,
            ca_file: None,
            proxy: None,
        }
    }
}

/// `[session]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Relogin silently at sign-in and after a reconnect.
    pub automatic_relogin: bool,
    /// Allow a second client of the same agent.
    pub allow_multi_login: bool,
    /// Drop other clients of the same agent.
    pub force: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            automatic_relogin: true,
            allow_multi_login: false,
            force: true,
        }
    }
}

/// `[account]`: for signing in with a person's consent; nothing here is a secret. Without a
/// `client_id` there is no interactive sign-in, only a token that is handed in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the meanings are those of sign-in.md, under the same names"
)]
pub struct Account {
    pub profile: Option<String>,
    pub client_id: Option<String>,
    pub scopes: Option<Vec<String>>,
    pub authorize_url: Option<String>,
    pub token_url: Option<String>,
    pub device_authorize_url: Option<String>,
    pub device_token_url: Option<String>,
    pub revoke_url: Option<String>,
    pub people_url: Option<String>,
    pub issuer: Option<String>,
    pub redirect_ports: Option<Vec<u16>>,
    pub flow: Option<String>,
    pub client_auth: Option<String>,
    pub self_contained: Option<bool>,
    pub client_secret_file: Option<PathBuf>,
}

/// `[audio]`: devices by name; absent ones are the system's choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audio {
    /// Microphone.
    pub microphone: Option<String>,
    /// Speaker or headset.
    pub speaker: Option<String>,
    /// What rings.
    pub ringer: Option<String>,
    /// How sound is treated with every microphone nobody sets otherwise; ours if none of its keys is set.
    pub voice: Option<VoiceSettings>,
}

/// `[policy]`: nothing is kept or shared that is not switched on here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// File of this machine that diagnostic events are appended to, one JSON object a line;
    /// without it they are not written. They are never sent anywhere.
    pub metrics_file: Option<PathBuf>,
}

/// Reads the name of an account: letters, digits, - and _, 64 at most.
///
/// # Errors
/// What is wrong with it.
pub fn profile_name(text: &str) -> Result<String, String> {
    Given::Text(text.to_owned()).name()
}

/// A setting that cannot be used, as one line for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Configuration {
    /// Reads `file`, or the user's own settings file if there is one, and the environment over it.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that cannot be read, an unknown key or an unusable value.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let own = deskline_platform::folders::Folders::of_user()
            .map(|folders| folders.config_file())
            .filter(|file| file.exists());
        let mut configuration = match file.map(Path::to_owned).or(own) {
            Some(file) => {
                let text = std::fs::read_to_string(&file).map_err(|error| {
                    ConfigError(format!("{}: cannot be read: {error}", file.display()))
                })?;
                Self::parse(&text, &file)?
            }
            None => Self::default(),
        };
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        configuration.take_environment(variables)?;
        Ok(configuration)
    }

    /// Reads the text of a settings file; `file` is its name for messages and the place that
    /// relative paths in it begin at.
    ///
    /// # Errors
    /// [`ConfigError`] naming file, line and key.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let at = |offset: usize, what: &str| {
            let before = text.get(..offset).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            ConfigError(format!("{}, line {line}: {what}", file.display()))
        };
        let table = DeTable::parse(text).map_err(|error| {
            let what = error
                .message()
                .lines()
                .next()
                .unwrap_or("not TOML")
                .to_owned();
            at(error.span().map_or(0, |span| span.start), &what)
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut configuration = Self::default();
        for (section, values) in table.get_ref() {
            let (name, place) = (section.get_ref(), section.span().start);
            if !SECTIONS.contains(&name.as_ref()) {
                return Err(at(place, &format!("{name}: unknown key")));
            }
            let DeValue::Table(values) = values.get_ref() else {
                return Err(at(
                    place,
                    &format!("{name}: it must be a section, [{name}]"),
                ));
            };
            for (key, value) in values {
                configuration
                    .set(
                        name,
                        key.get_ref(),
                        &Given::from_toml(value.get_ref()),
                        folder,
                    )
                    .map_err(|why| {
                        at(
                            key.span().start,
                            &format!("{name}.{}: {why}", key.get_ref()),
                        )
                    })?;
            }
        }
        Ok(configuration)
    }

    /// Takes what the environment sets: `DESKLINE_<SECTION>_<KEY>`.
    ///
    /// # Errors
    /// [`ConfigError`] naming the variable.
    pub fn take_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let Some((section, key)) = rest.split_once('_') else {
                continue;
            };
            let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
            if SECTIONS.contains(&section.as_str()) {
                self.set(&section, &key, &Given::Variable(value), Path::new(""))
                    .map_err(|why| {
                        ConfigError(format!(
                            "environment variable {name}: {section}.{key}: {why}"
                        ))
                    })?;
            }
        }
        Ok(())
    }

    fn set(
        &mut self,
        section: &str,
        key: &str,
        given: &Given,
        folder: &Path,
    ) -> Result<(), String> {
        match section {
            "services" => self.services.set(key, given, folder),
            "session" => self.session.set(key, given),
            "account" => self.account.set(key, given, folder),
            "audio" => self.audio.set(key, given),
            "media" => self.media.set(key, given, folder),
            "policy" => self.policy.set(key, given, folder),
            _ => unknown(),
        }
    }
}

impl Services {
    fn set(&mut self, key: &str, given: &Given, folder: &Path) -> Result<(), String> {
        match key {
            "u2c" => self.u2c = given.address()?,
            "region" => self.region = given.address()?,
            "gateway" => self.gateway = Some(given.address()?),
            "rtms_domain" => self.rtms_domain = Some(given.text()?),
            "ai_assistant" => self.ai_assistant = Some(given.address()?),
            "ca_file" => self.ca_file = Some(given.certificates(folder)?),
            "proxy" => self.proxy = Some(given.text()?),
            _ => return unknown(),
        }
        Ok(())
    }
}

impl Session {
    fn set(&mut self, key: &str, given: &Given) -> Result<(), String> {
        match key {
            "automatic_relogin" => self.automatic_relogin = given.flag()?,
            "allow_multi_login" => self.allow_multi_login = given.flag()?,
            "force" => self.force = given.flag()?,
            _ => return unknown(),
        }
        Ok(())
    }
}

impl Account {
    fn set(&mut self, key: &str, given: &Given, folder: &Path) -> Result<(), String> {
        match key {
            "profile" => self.profile = Some(given.name()?),
            "client_id" => self.client_id = Some(given.text()?),
            "scopes" => self.scopes = Some(given.words()?),
            "authorize_url" => self.authorize_url = Some(given.address()?),
            "token_url" => self.token_url = Some(given.address()?),
            "device_authorize_url" => self.device_authorize_url = Some(given.address()?),
            "device_token_url" => self.device_token_url = Some(given.address()?),
            "revoke_url" => self.revoke_url = Some(given.address()?),
            "people_url" => self.people_url = Some(given.address()?),
            "issuer" => self.issuer = Some(given.address()?),
            "redirect_ports" => self.redirect_ports = Some(given.ports()?),
            "flow" => self.flow = Some(given.one_of(&["browser", "device"])?),
            "client_auth" => self.client_auth = Some(given.one_of(&["basic", "post", "none"])?),
            "self_contained" => self.self_contained = Some(given.flag()?),
            "client_secret_file" => self.client_secret_file = Some(given.path(folder)?),
            _ => return unknown(),
        }
        Ok(())
    }
}

impl Audio {
    fn set(&mut self, key: &str, given: &Given) -> Result<(), String> {
        match key {
            "microphone" => self.microphone = Some(given.text()?),
            "speaker" => self.speaker = Some(given.text()?),
            "ringer" => self.ringer = Some(given.text()?),
            "echo" => self.voice().echo = sound::echo(&given.one_of(&sound::ECHO)?),
            "noise" => self.voice().noise = sound::noise(&given.one_of(&sound::NOISE)?),
            "far_noise" => self.voice().far_noise = given.flag()?,
            "gain" => self.voice().gain = given.flag()?,
            _ => return unknown(),
        }
        Ok(())
    }

    fn voice(&mut self) -> &mut VoiceSettings {
        self.voice.get_or_insert_default()
    }
}

impl Policy {
    fn set(&mut self, key: &str, given: &Given, folder: &Path) -> Result<(), String> {
        match key {
            "metrics_file" => self.metrics_file = Some(given.path(folder)?),
            _ => return unknown(),
        }
        Ok(())
    }
}

fn unknown() -> Result<(), String> {
    Err("unknown key".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(text: &str) -> Result<Configuration, String> {
        Configuration::parse(text, Path::new("desk.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_voice_is_treated_as_ever_unless_something_is_set() {
        assert_eq!(
            parse("[audio]\nmicrophone = \"M\"").unwrap().audio.voice,
            None
        );
        let one = parse("[audio]\nnoise = \"off\"").unwrap().audio.voice;
        let wanted = VoiceSettings {
            noise: deskline_core::Noise::Off,
            ..VoiceSettings::default()
        };
        assert_eq!(one, Some(wanted));
        let why = parse("[audio]\necho = \"maybe\"").unwrap_err();
        assert!(
            why.ends_with("audio.echo: it must be one of auto, on, off"),
            "{why}"
        );
    }

    #[test]
    fn every_key_of_the_contract_is_known() {
        let all = r#"
            [services]
            u2c = "http://127.0.0.1:1/u2c/api/v1"
            region = "http://127.0.0.1:1/v1/region"
            gateway = "https://gateway.test"
            rtms_domain = "rtms.test.org"
            ai_assistant = "http://localhost:1/ai"
            [session]
            automatic_relogin = false
            allow_multi_login = true
            force = false
            [account]
            profile = "night-shift"
            client_id = "C1"
            scopes = ["a", "b"]
            authorize_url = "https://id.test/a"
            token_url = "https://id.test/t"
            device_authorize_url = "https://id.test/d"
            device_token_url = "https://id.test/dt"
            revoke_url = "https://id.test/r"
            people_url = "https://id.test/p"
            issuer = "https://id.test"
            redirect_ports = [8001, 8002]
            flow = "device"
            client_auth = "none"
            self_contained = true
            client_secret_file = "secret.txt"
            [audio]
            microphone = "Mic"
            speaker = "Speaker"
            ringer = "Bell"
            echo = "off"
            noise = "strong"
            far_noise = true
            gain = false
            [window]
            [policy]
            metrics_file = "metrics.jsonl"
        "#;
        let read = parse(all).unwrap();
        assert_eq!(
            read.audio.voice,
            Some(VoiceSettings {
                echo: deskline_core::Echo::Off,
                noise: deskline_core::Noise::Strong,
                far_noise: true,
                gain: false,
            })
        );
        assert_eq!(read.services.u2c, "http://127.0.0.1:1/u2c/api/v1");
        assert_eq!(
            read.session,
            Session {
                automatic_relogin: false,
                allow_multi_login: true,
                force: false
            }
        );
        assert_eq!(read.account.redirect_ports, Some(vec![8001, 8002]));
        assert_eq!(
            read.account.scopes,
            Some(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(read.audio.ringer.as_deref(), Some("Bell"));
        assert_eq!(
            read.policy.metrics_file,
            Some(PathBuf::from("metrics.jsonl"))
        );
        assert_eq!(Configuration::default().policy.metrics_file, None);
        assert_eq!(parse("").unwrap(), Configuration::default());
    }

    #[test]
    fn an_unknown_key_is_one_line_with_file_line_and_key() {
        let cases = [
            (
                "[services]\nu2cc = \"x\"\n",
                "desk.toml, line 2: services.u2cc: unknown key",
            ),
            (
                "# x\n\n[sessions]\n",
                "desk.toml, line 3: sessions: unknown key",
            ),
            ("u2c = 1", "desk.toml, line 1: u2c: unknown key"),
            (
                "services = 1",
                "desk.toml, line 1: services: it must be a section, [services]",
            ),
            (
                "[window]\nsize = 1",
                "desk.toml, line 2: window.size: unknown key",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(parse(text).unwrap_err(), message);
        }
    }

    #[test]
    fn an_unusable_value_is_one_line_too() {
        let cases = [
            (
                "[session]\nforce = \"yes\"",
                "desk.toml, line 2: session.force: it must be true or false",
            ),
            (
                "[services]\nu2c = 7",
                "desk.toml, line 2: services.u2c: it must be a text",
            ),
            (
                "[services]\nu2c = \"nonsense\"",
                "desk.toml, line 2: services.u2c: it must be an address that begins with https://",
            ),
            (
                "[services]\n\ngateway = \"http://gateway.test\"",
                "desk.toml, line 3: services.gateway: http:// is for this machine only; https:// is needed",
            ),
            (
                "[services]\nca_file = \"/no/such/file.pem\"",
                "desk.toml, line 2: services.ca_file: /no/such/file.pem cannot be read",
            ),
            (
                "[account]\nflow = \"carrier-pigeon\"",
                "desk.toml, line 2: account.flow: it must be one of browser, device",
            ),
            (
                "[account]\nprofile = \"a/b\"",
                "desk.toml, line 2: account.profile: it must be a name of letters, digits, - and _",
            ),
            (
                "[account]\ntoken_url = \"http://id.test/t\"",
                "desk.toml, line 2: account.token_url: http:// is for this machine only; https:// is needed",
            ),
            (
                "[account]\nissuer = \"id\"",
                "desk.toml, line 2: account.issuer: it must be an address that begins with https://",
            ),
            (
                "[account]\nredirect_ports = []",
                "desk.toml, line 2: account.redirect_ports: it must be a list of ports",
            ),
            (
                "[account]\nredirect_ports = [99999]",
                "desk.toml, line 2: account.redirect_ports: it must be a list of ports",
            ),
        ];
        for (text, message) in cases {
            let found = parse(text).unwrap_err();
            assert!(found.starts_with(message), "{found}");
            assert_eq!(found.lines().count(), 1);
        }
    }

    #[test]
    fn what_is_no_toml_is_one_line_too() {
        for text in [
            "[services\n",
            "[services]\nu2c = \"open\nforce",
            "[session]\nforce = true\nforce = true",
        ] {
            let found = parse(text).unwrap_err();
            assert!(found.starts_with("desk.toml, line "), "{found}");
            assert_eq!(found.lines().count(), 1, "{found}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let mut read =
            parse("[session]\nforce = true\n[services]\nu2c = \"https://a.test\"").unwrap();
        let variables = [
            ("DESKLINE_SESSION_FORCE", "false"),
            ("DESKLINE_SERVICES_U2C", "http://127.0.0.1:9/u2c"),
            ("DESKLINE_ACCOUNT_REDIRECT_PORTS", "8001, 8002"),
            ("DESKLINE_ACCESS_TOKEN", "secret"),
            ("DESKLINE_DEMO", "1"),
            ("PATH", "/bin"),
        ];
        read.take_environment(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
            .unwrap();
        assert!(!read.session.force);
        assert_eq!(read.services.u2c, "http://127.0.0.1:9/u2c");
        assert_eq!(read.account.redirect_ports, Some(vec![8001, 8002]));
    }

    #[test]
    fn an_unknown_variable_of_a_known_section_is_refused_by_name() {
        let set = |name: &str, value: &str| {
            Configuration::default()
                .take_environment([(name.to_owned(), value.to_owned())])
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            set("DESKLINE_SERVICES_U2CC", "x"),
            "environment variable DESKLINE_SERVICES_U2CC: services.u2cc: unknown key"
        );
        assert_eq!(
            set("DESKLINE_SESSION_FORCE", "maybe"),
            "environment variable DESKLINE_SESSION_FORCE: session.force: it must be true or false"
        );
    }

    #[test]
    fn a_relative_file_begins_beside_the_settings() {
        let read = Configuration::parse(
            "[account]\nclient_secret_file = \"s.txt\"",
            Path::new("/etc/deskline/config.toml"),
        );
        assert_eq!(
            read.unwrap().account.client_secret_file,
            Some(PathBuf::from("/etc/deskline/s.txt"))
        );
    }
}
