//! One desk with everything behind it: at the real contact centre, or at the built-in one.

use std::sync::Mutex;

use deskline_account::{Account, AccountError};
use deskline_audio::{AudioMode, DeviceChoice, Levels};
use deskline_cli::config::Configuration;
use deskline_cli::record::Recording;
use deskline_cli::wiring::{self, WiringOptions};
use deskline_core::{CommandError, Kind, Pace, Secret};
use deskline_platform::credentials::Vault;
use deskline_platform::folders::Folders;
use deskline_sandbox::{Contact, Sandbox};
use deskline_session::DeskHandle;
use deskline_session::view::VoiceSettings;
use tokio::sync::watch;

use crate::arguments::DeviceKind;
use crate::devices::{self, Remembered};
use crate::options::Options;
use crate::practice;

/// How desks are started.
pub(crate) struct Start {
    configuration: Configuration,
    devices: Mutex<Remembered>,
    folders: Option<Folders>,
    /// Where tokens are kept, in place of the system's keyring.
    vault: Option<Vault>,
    /// What crosses the wire of every desk goes there, if it goes anywhere.
    recording: Mutex<Option<Recording>>,
}

impl Start {
    /// Reads the settings and what was remembered.
    ///
    /// # Errors
    /// If the settings cannot be used: one line for people.
    pub(crate) fn of(options: &Options) -> Result<Self, String> {
        let configuration =
            Configuration::load(options.config.as_deref()).map_err(|error| error.to_string())?;
        let recording = options.record.as_deref().map(Recording::begin).transpose();
        let recording =
            recording.map_err(|error| format!("the recording cannot be begun: {error}"))?;
        let folders = Folders::of_user();
        let devices = folders.as_ref().map(devices::read).unwrap_or_default();
        Ok(Self {
            configuration,
            devices: Mutex::new(devices),
            folders,
            vault: None,
            recording: Mutex::new(recording),
        })
    }

    /// Nothing set, nothing remembered, and a contact centre nobody can reach.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let mut configuration = Configuration::default();
        configuration.services.u2c = "http://127.0.0.1:9/u2c/api/v1".to_owned();
        configuration.services.region = "http://127.0.0.1:9/v1/region".to_owned();
        Self {
            configuration,
            devices: Mutex::default(),
            folders: None,
            vault: Some(Vault::for_this_run("test")),
            recording: Mutex::default(),
        }
    }

    /// Starts a desk at the contact centre of the settings; nobody is signed in.
    ///
    /// # Errors
    /// If it cannot be put together: one line for people.
    pub(crate) async fn real(&self) -> Result<Running, String> {
        self.start(None).await
    }

    /// Starts a desk at a contact centre of its own; nobody is signed in.
    ///
    /// # Errors
    /// As [`Start::real`].
    pub(crate) async fn practice(&self) -> Result<Running, String> {
        self.start(Some(deskline_sandbox::Options::default())).await
    }

    async fn start(&self, sandbox: Option<deskline_sandbox::Options>) -> Result<Running, String> {
        let tap = self
            .recording()
            .as_ref()
            .map(|recording| recording.tap.clone());
        let options = WiringOptions {
            configuration: self.configuration.clone(),
            audio: AudioMode::Devices(self.chosen()),
            pace: Pace::REAL,
            raw_events: false,
            sandbox,
            vault: self.vault.clone(),
        };
        let started = wiring::start_tapped(options, tap.unwrap_or_default());
        let desk = started.await.map_err(|error| error.to_string())?;
        let voices = self.devices().voices.clone();
        for (device, settings) in voices {
            let set = desk.desk.set_voice_settings(&device, settings).await;
            set.map_err(|error| error.to_string())?;
        }
        Ok(Running {
            desk: desk.desk.clone(),
            can_consent: self.configuration.account.client_id.is_some(),
            behind: desk,
        })
    }

    /// Remembers a chosen device, for desks to come and the next start.
    pub(crate) fn choose(&self, kind: DeviceKind, name: Option<String>) -> DeviceChoice {
        let mut remembered = self.devices();
        let choice = &mut remembered.choice;
        match kind {
            DeviceKind::Microphone => choice.microphone = name,
            DeviceKind::Speaker => choice.speaker = name,
            DeviceKind::Ringer => choice.ringer = name,
        }
        self.write(&remembered);
        remembered.choice.clone()
    }

    /// Remembers how the sound of a microphone is treated, for desks to come and the next start.
    pub(crate) fn remember_voice(&self, device: &str, settings: VoiceSettings) {
        let mut remembered = self.devices();
        remembered.voices.insert(device.to_owned(), settings);
        self.write(&remembered);
    }

    /// The devices the agent chose.
    pub(crate) fn chosen(&self) -> DeviceChoice {
        self.devices().choice.clone()
    }

    fn write(&self, remembered: &Remembered) {
        if let Some(folders) = &self.folders {
            devices::write(folders, remembered);
        }
    }

    /// Ends the recording; the desks must have ended.
    pub(crate) fn finish_recording(&self) {
        let recording = self.recording().take();
        if let Some(recording) = recording {
            recording.finish();
        }
    }

    fn recording(&self) -> std::sync::MutexGuard<'_, Option<Recording>> {
        self.recording
            .lock()
            .expect("no code that holds this lock can panic")
    }

    fn devices(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.devices
            .lock()
            .expect("no code that holds this lock can panic")
    }
}

/// A desk and its adapters.
pub(crate) struct Running {
    /// The way to the desk.
    pub(crate) desk: DeskHandle,
    can_consent: bool,
    behind: wiring::Running,
}

impl Running {
    /// Levels in dBFS, ten times a second during calls.
    pub(crate) fn levels(&self) -> watch::Receiver<Levels> {
        self.behind.levels.clone()
    }

    /// Whether this is the built-in contact centre.
    pub(crate) fn is_practice(&self) -> bool {
        self.behind.sandbox.is_some()
    }

    /// Who signs in and stays signed in.
    pub(crate) fn account(&self) -> &Account {
        &self.behind.account
    }

    /// Whether the settings name an integration to sign in with.
    pub(crate) fn can_consent(&self) -> bool {
        self.can_consent
    }

    /// Opens the session with the token in use; at the built-in contact centre as its first agent.
    ///
    /// # Errors
    /// What the centre said.
    pub(crate) async fn sign_in(&self) -> Result<(), CommandError> {
        let first = self.sandbox().and_then(|sandbox| {
            let first = sandbox.agents().into_iter().next()?;
            Some(Secret::new(first.token))
        });
        if let Some(token) = first {
            let used = self.account().use_token(token, false).await;
            used.map_err(|error: AccountError| {
                CommandError::ours(Kind::Invalid, error.word(), error.to_string())
            })?;
        }
        self.desk.sign_in().await.map(drop)
    }

    /// Resolves when the services have been told that we signed out: until then they need the token.
    pub(crate) async fn left(&self) {
        self.behind.left().await;
    }

    /// Tries to reconnect now.
    pub(crate) fn try_now(&self) {
        self.behind.try_now();
    }

    /// Uses these devices from now on.
    pub(crate) fn use_devices(&self, choice: DeviceChoice) {
        self.behind.devices.send_replace(choice);
    }

    /// Stops the ring tone.
    pub(crate) fn silence_ring(&self) {
        self.behind.silence_ring();
    }

    /// A customer calls the built-in contact centre, for whoever is free.
    ///
    /// # Errors
    /// If there is no such centre.
    pub(crate) fn customer_calls(&self, contact: Contact) -> Result<(), Box<CommandError>> {
        let refused = |why: String| Box::new(CommandError::ours(Kind::Invalid, "Practice", why));
        let sandbox = self.sandbox();
        let sandbox = sandbox.ok_or_else(|| refused("this is no practice centre".to_owned()))?;
        sandbox
            .offer(contact)
            .map(drop)
            .map_err(|error| refused(error.to_string()))
    }

    /// Lets customers call as long as this desk runs, if it is at the built-in contact centre.
    pub(crate) fn open_for_practice(&self) {
        if let Some(sandbox) = &self.behind.sandbox {
            tokio::spawn(practice::run(
                self.desk.clone(),
                std::sync::Arc::clone(sandbox),
            ));
        }
    }

    /// Resolves with the reason when a part of the desk ends although nobody stopped it.
    pub(crate) async fn failed(&self) -> String {
        self.behind.failed().await
    }

    /// Gives line, sockets and devices back; the station stays logged in.
    pub(crate) async fn stop(&self) {
        self.behind.stop().await;
    }

    fn sandbox(&self) -> Option<&Sandbox> {
        self.behind.sandbox.as_deref()
    }
}
