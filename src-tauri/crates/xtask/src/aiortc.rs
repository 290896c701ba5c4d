//! A Python that has aiortc: a WebRTC stack that shares no code with ours, for the media engine's tests.

use std::path::Path;
use std::process::Command;

use crate::run::{self, Outcome, Stop};

/// aiortc and everything below it, pinned: another version is another far side. All of it comes as wheels.
const WHEELS: [&str; 13] = [
    "aiortc==1.16.0",
    "aioice==0.13.0",
    "av==18.1.0",
    "cffi==2.1.1",
    "cryptography==50.0.2",
    "dnspython==2.9.2",
    "google-crc32c==1.9.0",
    "ifaddr==0.2.0",
    "pycparser==3.12",
    "pyee==13.0.1",
    "pylibsrtp==1.0.0",
    "pyopenssl==26.4.0",
    "typing_extensions==4.16.0",
];

/// Puts it below `tools` unless it is there; tests find it on the search path as `aiortc-python`.
///
/// # Errors
/// A Python without `venv`, or wheels that cannot be had.
pub(crate) fn ready(tools: &Path) -> Outcome {
    let (home, front) = (tools.join("aiortc"), tools.join("bin/aiortc-python"));
    let (note, wanted) = (home.join("wheels.txt"), WHEELS.join("\n"));
    if front.is_file() && std::fs::read_to_string(&note).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    eprintln!(
        "Missing: {}, which the media tests need. It goes into {}.",
        WHEELS[0],
        home.display()
    );
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&home);
    run::stream("python3 -m venv", &mut venv)?;
    let python = home.join("bin/python");
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--disable-pip-version-check", "--only-binary=:all:"])
        .args(WHEELS);
    run::stream("pip install aiortc", &mut install)?;
    // A link would not do: Python finds its packages by the folder it was started from.
    let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", python.display());
    write(&front, &script)?;
    let mut allow = Command::new("chmod");
    run::stream("chmod", allow.arg("+x").arg(&front))?;
    write(&note, &wanted)
}

fn write(path: &Path, text: &str) -> Outcome {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, text))
        .map_err(|error| Stop::because(format!("cannot write {}: {error}", path.display())))
}
