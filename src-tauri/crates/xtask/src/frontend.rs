//! Node, the npm packages of `ui/`, and the build of `ui/dist`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::run::{self, Outcome, Stop};
use crate::setup;

/// The oldest Node that Vite 8 runs on. Of 21 and 22 it takes the later ones only.
const OLDEST: (u32, u32) = (20, 19);
const OLDEST_OF_22: (u32, u32) = (22, 12);

/// Everything that `ui/dist` is made from.
const SOURCES: &[&str] = &[
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "svelte.config.js",
    "tsconfig.json",
];

/// The Debian packages of Node and npm, where the machine has none from anywhere.
pub(crate) fn absent_packages() -> Vec<&'static str> {
    let all = [("nodejs", "node"), ("npm", "npm")].into_iter();
    all.filter(|(_, program)| !run::on_path(program))
        .map(|(package, _)| package)
        .collect()
}

/// Sees to a usable Node: that of the machine, else one of our own below `target/tools`.
pub(crate) fn node_ready() -> Outcome {
    if !usable() && cfg!(target_os = "linux") && run::on_path("npm") {
        own_node()?;
    }
    if usable() {
        return Ok(());
    }
    Err(Stop::machine(format!(
        "please install Node {}.{} or newer, with npm",
        OLDEST.0, OLDEST.1
    )))
}

/// Sees to `ui/node_modules`: as the lock file says, and not older than it.
pub(crate) fn packages_ready() -> Outcome {
    let ui = folder();
    let lock = ui.join("package-lock.json");
    let Some(locked) = changed(&lock) else {
        return Err(Stop::because(format!("{} is missing", lock.display())));
    };
    if changed(&ui.join("node_modules/.package-lock.json"))
        .is_some_and(|installed| installed >= locked)
    {
        return Ok(());
    }
    eprintln!("Missing: the npm packages of ui/, as its lock file names them.");
    run::quietly("npm ci", npm().args(["ci", "--no-audit", "--no-fund"]))?;
    Ok(())
}

/// Builds `ui/dist` if any of its sources is newer.
pub(crate) fn built() -> Outcome {
    let ui = folder();
    let newest = SOURCES
        .iter()
        .filter_map(|name| newest_below(&ui.join(name)))
        .max();
    let made = changed(&ui.join("dist/index.html"));
    if made.is_some() && made >= newest {
        return Ok(());
    }
    run::quietly("npm run build", npm().args(["run", "build"]))
}

/// The folder of the view.
pub(crate) fn folder() -> PathBuf {
    run::root().join("ui")
}

/// npm in `ui/`, with the Node of our choice in front of the search path.
pub(crate) fn npm() -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command
        .current_dir(folder())
        .env("PATH", setup::search_path());
    command
}

/// Where a Node of our own stands, whether or not it is there.
pub(crate) fn own_node_folder() -> PathBuf {
    let arch = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x64"
    };
    own_node_home().join(format!("node_modules/node-linux-{arch}/bin"))
}

fn own_node_home() -> PathBuf {
    setup::tools().join("node")
}

/// Debian 12 and Ubuntu 24.04 have Node 18. npm can bring a newer one, pinned with its checksum by the lock file in `.config/node`.
fn own_node() -> Outcome {
    eprintln!(
        "Missing: Node {}.{} or newer; one goes into {}.",
        OLDEST.0,
        OLDEST.1,
        own_node_home().display()
    );
    for name in ["package.json", "package-lock.json"] {
        let from = run::root().join(".config/node").join(name);
        let text = std::fs::read(&from)
            .map_err(|error| Stop::because(format!("cannot read {}: {error}", from.display())))?;
        let to = own_node_home().join(name);
        std::io::Write::write_all(&mut run::create(&to)?, &text)
            .map_err(|error| Stop::because(error.to_string()))?;
    }
    let mut ci = npm();
    ci.current_dir(own_node_home())
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    run::quietly("npm ci (Node)", &mut ci)
}

fn usable() -> bool {
    let npm_there = run::on_path(if cfg!(windows) { "npm.cmd" } else { "npm" });
    let mut node = Command::new("node");
    node.arg("--version").env("PATH", setup::search_path());
    npm_there
        && run::answer(&mut node)
            .as_deref()
            .and_then(version)
            .is_some_and(new_enough)
}

/// `v20.19.1` as numbers.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn new_enough(version: (u32, u32)) -> bool {
    version >= OLDEST && version.0 != 21 && (version.0 != 22 || version >= OLDEST_OF_22)
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

fn newest_below(path: &Path) -> Option<SystemTime> {
    let own = changed(path)?;
    let inside = std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| newest_below(&entry.path()))
        .max();
    Some(inside.map_or(own, |inside| inside.max(own)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_tells_its_version() {
        assert_eq!(version("v20.19.2\n"), Some((20, 19)));
        assert_eq!(version("v18.20.4"), Some((18, 20)));
        assert_eq!(version("bash: node: command not found"), None);
    }

    #[test]
    fn debians_own_node_is_too_old() {
        assert!(!new_enough((18, 20)));
        assert!(!new_enough((20, 18)) && new_enough((20, 19)));
        assert!(
            !new_enough((21, 7))
                && !new_enough((22, 11))
                && new_enough((22, 12))
                && new_enough((24, 0))
        );
    }

    #[test]
    fn a_folder_is_as_new_as_its_newest_file() {
        let folder = std::env::temp_dir().join(format!("xtask-newest-{}", std::process::id()));
        let deep = folder.join("a/b");
        std::fs::create_dir_all(&deep).expect("a folder");
        let file = std::fs::File::create(deep.join("c")).expect("a file");
        let future = SystemTime::now() + std::time::Duration::from_secs(3_600);
        file.set_modified(future).expect("a time");
        assert_eq!(newest_below(&folder), changed(&deep.join("c")));
        assert_eq!(newest_below(&folder.join("absent")), None);
        std::fs::remove_dir_all(&folder).expect("cleaned up");
    }
}
