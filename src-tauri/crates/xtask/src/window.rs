//! A picture of the app's window, taken from the X server with ImageMagick.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::run::{self, Outcome, Stop};

/// How long a window may take to be there and painted.
const PATIENCE: Duration = Duration::from_secs(10);

/// A painted window has at least this many colours and pixels; an empty one has one or two colours.
const COLOURS: u32 = 64;
const SMALLEST: u32 = 300;

/// Writes a picture of the largest window of the process `app`, without its decorations.
///
/// # Errors
/// If no window is there, or it stays blank, or the programs for it are missing.
pub(crate) fn picture(app: u32, file: &Path) -> Outcome {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| Stop::because(format!("cannot make {}: {error}", folder.display())))?;
    }
    let until = Instant::now() + PATIENCE;
    loop {
        let trouble = match taken(app, file) {
            Ok(()) => return Ok(()),
            Err(trouble) => trouble,
        };
        if Instant::now() > until {
            return Err(trouble);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn taken(app: u32, file: &Path) -> Outcome {
    let window = largest(app).ok_or_else(|| {
        Stop::because("the app has no visible window (or xdotool and X are missing)")
    })?;
    let mut import = Command::new("import");
    import.args(["-window", &window.to_string()]).arg(file);
    run::answer(&mut import)
        .ok_or_else(|| Stop::because("ImageMagick's import could not take it"))?;
    let mut identify = Command::new("identify");
    let facts = run::answer(identify.args(["-format", "%w %h %k"]).arg(file)).unwrap_or_default();
    if painted(&facts) {
        Ok(())
    } else {
        Err(Stop::because(format!(
            "the window is blank (width, height, colours: {facts})"
        )))
    }
}

/// The id of the largest visible window of a process.
fn largest(app: u32) -> Option<u64> {
    let mut search = Command::new("xdotool");
    let ids = run::answer(search.args(["search", "--onlyvisible", "--pid", &app.to_string()]))?;
    let ids = ids.lines().filter_map(|id| id.trim().parse::<u64>().ok());
    ids.max_by_key(|id| {
        let mut geometry = Command::new("xdotool");
        run::answer(geometry.args(["getwindowgeometry", "--shell", &id.to_string()]))
            .map_or(0, |text| area(&text))
    })
}

/// The area in `xdotool getwindowgeometry --shell`.
fn area(text: &str) -> u64 {
    let value = |key: &str| {
        text.lines().find_map(|line| {
            line.strip_prefix(key)?
                .strip_prefix('=')?
                .parse::<u64>()
                .ok()
        })
    };
    value("WIDTH").unwrap_or(0) * value("HEIGHT").unwrap_or(0)
}

/// Whether `identify -format '%w %h %k'` tells of a window that shows something.
fn painted(facts: &str) -> bool {
    let numbers: Vec<u32> = facts
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    matches!(numbers[..], [width, height, colours] if width >= SMALLEST && height >= SMALLEST && colours >= COLOURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_read_from_xdotool() {
        assert_eq!(
            area("WINDOW=4194307\nX=20\nY=40\nWIDTH=760\nHEIGHT=1440\nSCREEN=0\n"),
            760 * 1440
        );
        assert_eq!(area("no such window"), 0);
    }

    #[test]
    fn a_blank_or_tiny_window_is_no_picture() {
        assert!(painted("760 1440 5120"));
        assert!(!painted("760 1440 1"));
        assert!(!painted("10 10 5120"));
        assert!(!painted(""));
    }
}
