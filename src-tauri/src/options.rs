//! The command line of the window.

use std::path::PathBuf;

use clap::Parser;

/// A softphone for contact centre agents.
#[derive(Debug, Parser)]
#[command(name = "deskline", version, about)]
pub(crate) struct Options {
    /// Starts with the contact centre that is built in, signed in as one of its agents
    #[arg(long)]
    pub(crate) sandbox: bool,

    /// Settings file instead of the one in the user's configuration folder
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Records what crosses the wire, without people, into a new file of JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// What is logged: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log: String,
}

/// Whether the window demonstrates itself (`DESKLINE_DEMO`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demo {
    /// It is a tool.
    Off,
    /// It signs in by itself and a customer calls (`1`).
    Watch,
    /// It also plays the agent's part (`play`).
    Play,
}

impl Demo {
    /// Reads `DESKLINE_DEMO`; only with `--sandbox`, because nothing of it may ever happen to real customers.
    pub(crate) fn of(value: Option<&str>, is_sandbox: bool) -> Self {
        match value {
            _ if !is_sandbox => Self::Off,
            Some("play") => Self::Play,
            Some("" | "0") | None => Self::Off,
            Some(_) => Self::Watch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_in_order() {
        use clap::CommandFactory as _;
        Options::command().debug_assert();
        let options = Options::parse_from(["deskline", "--sandbox", "--config", "/tmp/x.toml"]);
        assert!(options.sandbox);
        assert_eq!(options.config, Some(PathBuf::from("/tmp/x.toml")));
        assert!(Options::try_parse_from(["deskline", "--fast"]).is_err());
    }

    #[test]
    fn a_demo_needs_the_sandbox() {
        assert_eq!(Demo::of(Some("play"), true), Demo::Play);
        assert_eq!(Demo::of(Some("1"), true), Demo::Watch);
        assert_eq!(Demo::of(Some("play"), false), Demo::Off);
        assert_eq!(Demo::of(Some("0"), true), Demo::Off);
        assert_eq!(Demo::of(None, true), Demo::Off);
    }
}
