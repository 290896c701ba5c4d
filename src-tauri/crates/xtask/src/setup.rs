//! Makes a machine ready: looks at what is missing, says it, asks where a person can answer, installs it.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::Command;

use crate::frontend;
use crate::packages::{self, Distribution, Purpose};
use crate::run::{self, Outcome, Stop};

/// The WebDriver front of the app. Its version goes with the `tauri` crate.
const TAURI_DRIVER: &str = "2.1.0";

/// `cargo xtask setup [--tests]`
pub(crate) fn command(words: &[&str]) -> Outcome {
    match words {
        [] => ready(Purpose::Demo),
        ["--tests"] => ready(Purpose::Tests),
        _ => Err(Stop::usage("usage: cargo xtask setup [--tests]")),
    }
}

/// Returns once everything the purpose needs is there; a second call takes a fraction of a second.
///
/// # Errors
/// Status 3 and the exact command to type, where we may not install or were told not to.
pub(crate) fn ready(purpose: Purpose) -> Outcome {
    let distribution = Distribution::of_this_machine();
    system_packages(purpose, distribution)?;
    frontend::node_ready()?;
    frontend::packages_ready()?;
    if purpose == Purpose::Tests && cfg!(target_os = "linux") {
        tauri_driver()?;
        crate::aiortc::ready(&tools())?;
    }
    Ok(())
}

/// Makes a machine ready for what needs neither a window nor the view.
pub(crate) fn ready_for_tools() -> Outcome {
    system_packages(Purpose::Demo, Distribution::of_this_machine())
}

/// Where `cargo install` puts the tools that belong to this project alone.
pub(crate) fn tools() -> std::path::PathBuf {
    run::target().join("tools")
}

/// The search path with our own tools and Node in front.
pub(crate) fn search_path() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = [tools().join("bin"), frontend::own_node_folder()];
    let folders = own
        .into_iter()
        .filter(|folder| folder.is_dir())
        .chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap_or(path)
}

fn system_packages(purpose: Purpose, distribution: Distribution) -> Outcome {
    let wanted = packages::needed(purpose, distribution);
    match distribution {
        Distribution::Debian | Distribution::Ubuntu => {
            let mut missing = packages::missing(&wanted);
            missing.extend(frontend::absent_packages());
            install(&missing)
        }
        Distribution::Other if cfg!(target_os = "linux") => {
            eprintln!(
                "This is neither Debian nor Ubuntu: please see to the equivalents of\n  {}",
                wanted.join(" ")
            );
            Ok(())
        }
        Distribution::Other => Ok(()),
    }
}

/// Installs Debian packages, if we may.
fn install(missing: &[&str]) -> Outcome {
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!(
        "Missing system packages ({}):\n  {}",
        missing.len(),
        missing.join(" ")
    );
    let means = Means::of_this_process();
    match permission(&means) {
        Permission::Given(why) => eprintln!("Installing them ({why})."),
        Permission::Ask => {
            if !consent("Install them now?")? {
                return Err(Stop::machine(format!(
                    "nothing was installed. To do it yourself:\n{}",
                    to_type(&means, missing)
                )));
            }
        }
        Permission::Refused(why) => {
            return Err(Stop::machine(format!(
                "{why}. Please run this, then try again:\n{}",
                to_type(&means, missing)
            )));
        }
    }
    run::stream("apt-get update", &mut apt(&means, &["update", "-q"]))?;
    let mut words = vec!["install", "-q", "-y", "--no-install-recommends"];
    words.extend(missing);
    run::stream("apt-get install", &mut apt(&means, &words))?;
    if missing.contains(&RELAY) && Path::new("/run/systemd/system").exists() {
        // The tests start one of their own, on the loopback; the package starts one for the whole world.
        let words = ["systemctl", "disable", "--now", RELAY];
        run::stream("systemctl disable", &mut as_root(&means, &words))?;
    }
    match packages::missing(missing) {
        still if still.is_empty() => Ok(()),
        still => Err(Stop::machine(format!(
            "apt-get ended well, but these are still missing: {}",
            still.join(" ")
        ))),
    }
}

/// A package that comes with a service nobody here wants.
const RELAY: &str = "coturn";

/// How this process stands towards the machine and its person.
#[derive(Clone, Copy, Debug)]
struct Means {
    root: bool,
    sudo: bool,
    terminal: bool,
    ci: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Permission {
    Given(&'static str),
    Ask,
    Refused(&'static str),
}

impl Means {
    fn of_this_process() -> Self {
        Self {
            root: run::answer(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0"),
            sudo: run::on_path("sudo"),
            terminal: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            ci: std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1"),
        }
    }
}

/// May we install? A person at a terminal is asked; a CI machine, and root with nobody to ask, go ahead.
fn permission(means: &Means) -> Permission {
    match *means {
        Means {
            root: false,
            sudo: false,
            ..
        } => Permission::Refused("only root can install them, and there is no sudo"),
        Means { ci: true, .. } => Permission::Given("CI=true"),
        Means { terminal: true, .. } => Permission::Ask,
        Means { root: true, .. } => {
            Permission::Given("running as root, and there is no terminal to ask at")
        }
        Means { .. } => {
            Permission::Refused("there is no terminal to ask for consent and for the password")
        }
    }
}

/// A command of root's, through `env`.
fn as_root(means: &Means, words: &[&str]) -> Command {
    let mut command = if means.root {
        Command::new("env")
    } else {
        Command::new("sudo")
    };
    if !means.root {
        if means.ci {
            command.arg("-n");
        }
        command.arg("env");
    }
    command.args(words);
    command
}

fn apt(means: &Means, words: &[&str]) -> Command {
    let mut command = as_root(means, &["DEBIAN_FRONTEND=noninteractive"]);
    command.args(["apt-get", "-o", "DPkg::Lock::Timeout=120"]);
    command
        .args(["-o", "Acquire::Retries=3", "-o", "Dpkg::Use-Pty=0"])
        .args(words);
    command
}

/// The exact command for a person, as this machine lets them become root.
fn to_type(means: &Means, missing: &[&str]) -> String {
    let install = format!(
        "apt-get install -y --no-install-recommends {}",
        missing.join(" ")
    );
    match *means {
        Means { root: true, .. } => format!("  apt-get update && {install}"),
        Means { sudo: true, .. } => format!("  sudo apt-get update && sudo {install}"),
        Means { .. } => format!("  su -c 'apt-get update && {install}'"),
    }
}

/// Asks a yes-or-no question; Enter means yes, the end of input means no.
pub(crate) fn consent(question: &str) -> Outcome<bool> {
    eprint!("{question} [Y/n] ");
    std::io::stderr()
        .flush()
        .map_err(|error| Stop::because(error.to_string()))?;
    let mut line = String::new();
    let read = std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Stop::because(error.to_string()))?;
    Ok(read > 0 && matches!(line.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

fn tauri_driver() -> Outcome {
    let program = tools().join("bin/tauri-driver");
    let note = tools().join("tauri-driver.version");
    if program.is_file()
        && std::fs::read_to_string(&note).is_ok_and(|version| version.trim() == TAURI_DRIVER)
    {
        return Ok(());
    }
    eprintln!(
        "Missing: tauri-driver {TAURI_DRIVER}, which the window's tests need. It goes into {}.",
        tools().display()
    );
    let mut install = run::cargo();
    install
        .args([
            "install",
            "tauri-driver",
            "--version",
            TAURI_DRIVER,
            "--locked",
            "--force",
            "--root",
        ])
        .arg(tools());
    run::stream("cargo install tauri-driver", &mut install)?;
    std::fs::write(&note, TAURI_DRIVER)
        .map_err(|error| Stop::because(format!("cannot write {}: {error}", note.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Means = Means {
        root: false,
        sudo: false,
        terminal: false,
        ci: false,
    };

    #[test]
    fn a_person_at_a_terminal_is_asked_even_as_root() {
        assert_eq!(
            permission(&Means {
                root: true,
                terminal: true,
                ..NOBODY
            }),
            Permission::Ask
        );
        assert_eq!(
            permission(&Means {
                sudo: true,
                terminal: true,
                ..NOBODY
            }),
            Permission::Ask
        );
    }

    #[test]
    fn root_without_a_terminal_and_ci_go_ahead() {
        assert!(matches!(
            permission(&Means {
                root: true,
                ..NOBODY
            }),
            Permission::Given(_)
        ));
        assert!(matches!(
            permission(&Means {
                sudo: true,
                ci: true,
                ..NOBODY
            }),
            Permission::Given("CI=true")
        ));
    }

    #[test]
    fn who_may_not_install_gets_the_command_to_type() {
        assert!(matches!(permission(&NOBODY), Permission::Refused(_)));
        assert!(matches!(
            permission(&Means {
                sudo: true,
                ..NOBODY
            }),
            Permission::Refused(_)
        ));
        assert!(matches!(
            permission(&Means {
                ci: true,
                terminal: true,
                ..NOBODY
            }),
            Permission::Refused(_)
        ));
    }

    #[test]
    fn the_command_to_type_fits_the_machine() {
        let typed = |means| to_type(&means, &["cmake", "sox"]);
        let sudo = typed(Means {
            sudo: true,
            ..NOBODY
        });
        assert!(sudo.contains("sudo apt-get install") && sudo.ends_with(" cmake sox"));
        assert!(typed(NOBODY).starts_with("  su -c 'apt-get update"));
        assert!(
            !typed(Means {
                root: true,
                sudo: true,
                ..NOBODY
            })
            .contains("sudo")
        );
    }

    #[test]
    fn apt_runs_through_sudo_unless_we_are_root() {
        let root = run::line(&apt(
            &Means {
                root: true,
                ..NOBODY
            },
            &["update"],
        ));
        assert!(
            root.starts_with("env DEBIAN_FRONTEND=noninteractive apt-get")
                && root.ends_with("update")
        );
        let ci = run::line(&apt(
            &Means {
                sudo: true,
                ci: true,
                ..NOBODY
            },
            &["update"],
        ));
        assert!(ci.starts_with("sudo -n env DEBIAN_FRONTEND=noninteractive apt-get"));
    }
}
