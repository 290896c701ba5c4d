//! The command lines (headless section 1).

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use deskline_core::Pace;
use deskline_media::AudioMode;

/// Deskline without a window.
#[derive(Debug, Parser)]
#[command(name = "deskline-cli", version, disable_help_subcommand = true)]
pub struct Options {
    /// Which front.
    #[command(subcommand)]
    pub front: Front,
}

/// The fronts.
#[derive(Debug, Subcommand)]
pub enum Front {
    /// The agent without a window: JSON-RPC on standard input and output.
    Headless(Headless),
    /// `headless` that records what crosses the wire, without people, into a new file.
    Record(Record),
    /// The contact centre in a box.
    Sandbox(Sandbox),
    /// Read the client secret of `[account]` from standard input into the keyring.
    Secret(SecretInput),
}

/// Options of `headless`.
#[derive(Debug, Args)]
pub struct Headless {
    /// Start a sandbox in process and use it.
    #[arg(long)]
    pub sandbox: bool,
    /// Settings, TOML.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// `none`, `devices`, or `files:IN.wav,OUT.wav`.
    #[arg(long, value_name = "MODE", default_value = "none", value_parser = audio)]
    pub audio: AudioMode,
    /// Run every protocol timer and clock N times faster; 1 to 1000.
    #[arg(long, value_name = "N", default_value = "1", value_parser = pace)]
    pub time_scale: Scale,
    /// Also send each frame as notification `raw`.
    #[arg(long)]
    pub raw_events: bool,
    /// Also send each diagnostic event as notification `metric`.
    #[arg(long)]
    pub metrics: bool,
    /// Record what crosses the wire, without people, into a new file of JSON lines.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// The account to use: its tokens lie apart in the keyring. Default: `[account] profile`, else "default".
    #[arg(long, value_name = "NAME", value_parser = profile)]
    pub profile: Option<String>,
    /// For `session.signInInteractive`: open the system's browser ourselves. Without this the
    /// notifications `signIn:open` and `signIn:code` are the only door, and whoever drives us
    /// shows the page.
    #[arg(long)]
    pub open_browser: bool,
    /// How much to say on standard error.
    #[arg(long, value_name = "LEVEL", default_value = "warn",
        value_parser = ["off", "error", "warn", "info", "debug", "trace"])]
    pub log: String,
}

/// Options of `record`: a file, and those of `headless`.
#[derive(Debug, Args)]
pub struct Record {
    /// The recording, JSON lines; it must not exist yet.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The agent whose session is recorded.
    #[command(flatten)]
    pub headless: Headless,
}

/// Options of `secret`. The secret itself is never an argument: those are seen by everybody.
#[derive(Debug, Args)]
pub struct SecretInput {
    /// Settings, TOML.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The account it belongs to.
    #[arg(long, value_name = "NAME", value_parser = profile)]
    pub profile: Option<String>,
}

/// Options of `sandbox`.
#[derive(Debug, Args)]
pub struct Sandbox {
    /// TCP port; 0 is a free one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Who is there and what happens, TOML.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Also speak TLS.
    #[arg(long)]
    pub tls: bool,
    /// Allow an address that is not loopback.
    #[arg(long)]
    pub i_know_this_is_public: bool,
    /// How much to say on standard error.
    #[arg(long, value_name = "LEVEL", default_value = "warn",
        value_parser = ["off", "error", "warn", "info", "debug", "trace"])]
    pub log: String,
}

/// A checked `--time-scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale(pub Pace);

/// Reads the command line.
///
/// # Errors
/// What to print, and the status to end with: 0 for help and version, else 2 with one line.
pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Options, (String, u8)> {
    Options::try_parse_from(words).map_err(|error| {
        if !error.use_stderr() {
            return (error.render().to_string(), 0);
        }
        if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return (
                "error: say what to run: headless, record, sandbox or secret".to_owned(),
                2,
            );
        }
        let text = error.render().to_string();
        // Errors come with usage and hints below; the first paragraph is the clear line.
        let line = text
            .lines()
            .take_while(|line| !line.trim().is_empty())
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" ");
        (line, 2)
    })
}

fn audio(text: &str) -> Result<AudioMode, String> {
    match text {
        "none" => Ok(AudioMode::None),
        "devices" => Ok(AudioMode::Devices(deskline_media::DeviceChoice::default())),
        _ => {
            let files = text
                .strip_prefix("files:")
                .ok_or_else(|| "it must be none, devices or files:IN.wav,OUT.wav".to_owned())?;
            let (input, output) = files
                .rsplit_once(',')
                .ok_or_else(|| "two files are needed: files:IN.wav,OUT.wav".to_owned())?;
            let file = |name: &str| (!name.is_empty()).then(|| PathBuf::from(name));
            Ok(AudioMode::Files {
                input: file(input),
                output: file(output),
            })
        }
    }
}

fn profile(text: &str) -> Result<String, String> {
    crate::config::profile_name(text)
}

fn pace(text: &str) -> Result<Scale, String> {
    text.parse::<f64>()
        .ok()
        .filter(|times| (1.0..=1000.0).contains(times))
        .map(|times| Scale(Pace::new(times)))
        .ok_or_else(|| "it must be a number from 1 to 1000".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        std::iter::once("deskline-cli")
            .chain(line.split_whitespace())
            .map(OsString::from)
            .collect()
    }

    fn headless(line: &str) -> Headless {
        match read(words(line)).unwrap().front {
            Front::Headless(options) => options,
            Front::Record(_) | Front::Sandbox(_) | Front::Secret(_) => panic!("another front"),
        }
    }

    #[test]
    fn headless_has_the_defaults_of_the_contract() {
        let options = headless("headless");
        assert!(
            !options.sandbox && !options.raw_events && !options.metrics && options.config.is_none()
        );
        assert_eq!(options.audio, AudioMode::None);
        assert_eq!(options.time_scale, Scale(Pace::REAL));
    }

    #[test]
    fn headless_takes_every_option() {
        let options = headless(
            "headless --sandbox --config c.toml --audio files:in.wav,out.wav --time-scale 10 --raw-events --log debug",
        );
        assert!(options.sandbox && options.raw_events);
        assert_eq!(options.config, Some(PathBuf::from("c.toml")));
        assert_eq!(
            options.audio,
            AudioMode::Files {
                input: Some("in.wav".into()),
                output: Some("out.wav".into())
            }
        );
        assert_eq!(options.time_scale, Scale(Pace::new(10.0)));
        assert_eq!(options.log, "debug");
    }

    #[test]
    fn record_is_headless_with_a_file() {
        let Front::Record(options) = read(words("record day.jsonl --sandbox")).unwrap().front
        else {
            panic!("another front");
        };
        assert_eq!(options.file, PathBuf::from("day.jsonl"));
        assert!(options.headless.sandbox);
    }

    #[test]
    fn unusable_options_are_one_line_and_status_two() {
        for line in [
            "",
            "headless --foo",
            "headless --audio loud",
            "headless --audio files:one.wav",
            "headless --time-scale 0.5",
            "headless --time-scale x",
            "headless --log loud",
            "headless --config",
            "headless extra",
            "headless --profile a/b",
            "secret sandbox-secret",
            "record",
            "record a.jsonl b.jsonl",
            "sandbox --port 70000",
            "sandbox --bind here",
            "window",
        ] {
            let (text, status) = read(words(line)).unwrap_err();
            assert_eq!(status, 2, "{line}");
            assert_eq!(text.lines().count(), 1, "{line}: {text}");
            assert!(text.starts_with("error: "), "{line}: {text}");
        }
        assert_eq!(read(words("--help")).unwrap_err().1, 0);
        assert_eq!(read(words("headless --help")).unwrap_err().1, 0);
        assert_eq!(read(words("--version")).unwrap_err().1, 0);
    }

    #[test]
    fn the_sandbox_listens_on_loopback_unless_told_otherwise() {
        let Front::Sandbox(options) = read(words("sandbox --tls --scenario s.toml"))
            .unwrap()
            .front
        else {
            panic!("the other front")
        };
        assert!(options.bind.is_loopback() && options.tls && !options.i_know_this_is_public);
        assert_eq!(options.scenario, Some(PathBuf::from("s.toml")));
    }
}
