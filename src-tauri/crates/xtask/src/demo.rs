//! `cargo xtask demo`: from a bare machine to a window in which the phone rings.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use crate::frontend;
use crate::packages::Purpose;
use crate::run::{self, Outcome, Stop};
use crate::setup;
use crate::stage::{self, Play};
use crate::suites;
use crate::test::EMBEDDED;

const USAGE: &str =
    "usage: cargo xtask demo [--headless-display] [--screenshot FILE.png] [--seconds N]";

/// Room for the expanded window at twice its size.
const VIRTUAL_SCREEN: &str = "2400x1800";

/// What the person asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    headless: bool,
    screenshot: Option<PathBuf>,
    seconds: Option<u64>,
}

/// Where the window appears.
#[derive(Debug, PartialEq, Eq)]
enum Display {
    /// On the person's own desktop.
    Own,
    /// On a virtual one, and the demo plays the agent's part.
    Virtual,
    /// There is none, but a person to ask.
    Ask,
}

/// Prepares, builds and shows.
///
/// # Errors
/// Status 1 if pictures or an end by itself were asked for and the ringing or the connected window was not seen.
pub(crate) fn command(words: &[&str]) -> Outcome {
    let options = options(words)?;
    let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let display = match display(options.headless, has_display(), somebody) {
        Display::Ask
            if setup::consent(
                "There is no display. Play the demo on a virtual one and take pictures?",
            )? =>
        {
            Display::Virtual
        }
        Display::Ask => {
            return Err(Stop::machine(
                "the demo needs a display, or --headless-display",
            ));
        }
        Display::Virtual if !options.headless => {
            eprintln!(
                "There is no display and nobody to ask: the demo runs on a virtual display and takes pictures."
            );
            Display::Virtual
        }
        display @ (Display::Own | Display::Virtual) => display,
    };
    let purpose = if display == Display::Virtual {
        Purpose::HeadlessDemo
    } else {
        Purpose::Demo
    };
    setup::ready(purpose)?;
    frontend::built()?;
    let mut build = run::cargo();
    build.args(["build", "-p", "deskline", "--features", EMBEDDED]);
    run::stream("cargo build (the app)", &mut build)?;
    let app = run::target()
        .join("debug")
        .join(format!("deskline{}", std::env::consts::EXE_SUFFIX));
    match display {
        Display::Virtual => on_a_virtual_display(&app, &options),
        Display::Own | Display::Ask => stage::play(&Play {
            app,
            pictures: options.screenshot,
            seconds: options.seconds,
            alone: false,
        }),
    }
}

fn on_a_virtual_display(app: &Path, options: &Options) -> Outcome {
    let default = || run::target().join("demo/deskline.png");
    let pictures = options.screenshot.clone().unwrap_or_else(default);
    let play = Play {
        app: app.to_path_buf(),
        pictures: Some(pictures),
        seconds: options.seconds,
        alone: true,
    };
    let this = std::env::current_exe()
        .map_err(|error| Stop::because(format!("cannot find this program: {error}")))?;
    run::announce("the demo on a virtual display");
    let mut session = suites::in_session(&["--size", VIRTUAL_SCREEN], &this);
    session.args(play.words());
    match session.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) if status.code() == Some(125) => {
            Err(Stop::because("the virtual desktop could not be set up"))
        }
        Ok(_) => Err(Stop::silent(1)), // the stage has said why
        Err(error) => Err(Stop::because(format!(
            "cannot start the virtual desktop: {error}"
        ))),
    }
}

fn display(asked_headless: bool, has_display: bool, somebody: bool) -> Display {
    match (asked_headless, has_display, somebody) {
        (true, ..) => Display::Virtual,
        (false, true, _) => Display::Own,
        (false, false, true) => Display::Ask,
        (false, false, false) => Display::Virtual,
    }
}

fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

fn options(words: &[&str]) -> Outcome<Options> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--headless-display" => options.headless = true,
            "--screenshot" => {
                let file = words.next().filter(|file| file.ends_with(".png"));
                let file = PathBuf::from(file.ok_or_else(|| {
                    Stop::usage(format!("--screenshot needs a FILE.png\n{USAGE}"))
                })?);
                // The person means their own folder; we work in the repository's.
                options.screenshot = Some(
                    std::path::absolute(&file).map_err(|error| Stop::usage(error.to_string()))?,
                );
            }
            "--seconds" => {
                let number = words
                    .next()
                    .and_then(|number| number.parse().ok())
                    .filter(|number| *number > 0);
                options.seconds = Some(number.ok_or_else(|| {
                    Stop::usage(format!("--seconds needs a whole number\n{USAGE}"))
                })?);
            }
            other => return Err(Stop::usage(format!("unknown option {other}\n{USAGE}"))),
        }
    }
    if options.headless && !cfg!(target_os = "linux") {
        return Err(Stop::usage("--headless-display needs Linux"));
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_options_are_read() {
        let all = options(&[
            "--headless-display",
            "--seconds",
            "40",
            "--screenshot",
            "/tmp/x.png",
        ])
        .expect("usable");
        let screenshot = Some(PathBuf::from("/tmp/x.png"));
        assert_eq!(
            all,
            Options {
                headless: true,
                screenshot,
                seconds: Some(40)
            }
        );
        assert_eq!(options(&[]).expect("usable"), Options::default());
    }

    #[test]
    fn unusable_options_are_refused_with_status_2() {
        for words in [
            &["--seconds"][..],
            &["--seconds", "soon"],
            &["--seconds", "0"],
            &["--screenshot", "x.jpg"],
            &["--fast"],
        ] {
            assert_eq!(options(words).expect_err("refused").code, 2, "{words:?}");
        }
    }

    #[test]
    fn without_a_display_and_nobody_to_ask_the_demo_plays_by_itself() {
        assert_eq!(display(false, false, false), Display::Virtual);
        assert_eq!(display(false, false, true), Display::Ask);
        assert_eq!(display(false, true, false), Display::Own);
        assert_eq!(display(true, true, true), Display::Virtual);
    }
}
