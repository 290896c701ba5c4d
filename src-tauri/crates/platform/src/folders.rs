//! Where the user's own files of ours live.

use std::path::PathBuf;

/// The folder name under each of the system's places.
const NAME: &str = if cfg!(target_os = "linux") {
    "deskline"
} else {
    "Deskline"
};

/// Our folders for the current user; none of them needs to exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Settings the user may edit (`config.toml`).
    pub config: PathBuf,
    /// What we remember ourselves: window size, chosen devices.
    pub state: PathBuf,
    /// Log files.
    pub logs: PathBuf,
}

impl Folders {
    /// The folders of the user who runs us; `None` if the system names no home for them.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        let state = dirs::state_dir().or_else(dirs::data_local_dir)?.join(NAME);
        Some(Self {
            config: dirs::config_dir()?.join(NAME),
            logs: state.join("log"),
            state,
        })
    }

    /// The settings file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_are_ours_and_apart() {
        let Some(folders) = Folders::of_user() else {
            return; // a user without a home
        };
        assert!(folders.config.ends_with(NAME));
        assert!(folders.config_file().ends_with("config.toml"));
        assert!(folders.logs.starts_with(&folders.state));
        assert!(folders.config.is_absolute());
    }
}
