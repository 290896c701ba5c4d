//! `cargo xtask bench voice [PART]`: the voice path beside others on the same packets. The measuring is in Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{self, Outcome, Stop};
use crate::setup;
use crate::suites;

const PARTS: [&str; 6] = ["receive", "process", "live", "latency", "cost", "calls"];

/// What scores need beside Python; pinned, since another version is another ruler.
const PYTHON: [&str; 4] = [
    "numpy==2.4.6",
    "scipy==1.17.1",
    "pesq==0.0.4",
    "pystoi==0.4.1",
];

/// Runs one part, or all in an order in which the quiet ones come first.
pub(super) fn command(words: &[&str]) -> Outcome {
    let parts: &[&str] = match words {
        [] => &PARTS,
        [part] if PARTS.contains(part) => words,
        _ => {
            return Err(Stop::usage(format!(
                "usage: cargo xtask bench voice [{}]",
                PARTS.join("|")
            )));
        }
    };
    let bench = Bench::ready()?;
    for part in parts {
        println!("\n## {part}\n");
        bench.part(part)?;
    }
    Ok(())
}

struct Bench {
    scripts: PathBuf,
    folder: PathBuf,
    release: PathBuf,
    libopus: PathBuf,
}

impl Bench {
    /// Builds both programs, a Python of its own, one libopus for all, and the speech, packets and traces.
    fn ready() -> Outcome<Self> {
        setup::ready_for_tools()?;
        let mut build = run::cargo();
        build.args(["build", "--quiet", "--release"]);
        build.args(["-p", "deskline-voice", "-p", "deskline-voice-bench"]);
        finish(build)?;
        let folder = run::target().join("voice");
        let bench = Self {
            scripts: run::root().join("tests/bench/voice"),
            libopus: folder.join("libopus.so"),
            release: run::target().join("release"),
            folder,
        };
        std::fs::create_dir_all(bench.folder.join("data"))
            .map_err(|error| Stop::because(format!("no folder for the bench: {error}")))?;
        if !bench.python().exists() {
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv"]).arg(bench.folder.join("venv"));
            finish(venv)?;
        }
        let mut install = Command::new(bench.python());
        install
            .args(["-m", "pip", "install", "--quiet"])
            .args(PYTHON);
        finish(install)?;
        bench.shared_libopus()?;
        if !bench.folder.join("data/speech.f32").exists() {
            let mut material = bench.script("material.py");
            material.arg(bench.folder.join("data"));
            material.arg("--encoder").arg(&bench.libopus);
            finish(material)?;
        }
        Ok(bench)
    }

    fn part(&self, part: &str) -> Outcome {
        let data = self.folder.join("data");
        let (voice, peer) = (self.release.join("voice"), self.release.join("voice-bench"));
        let results = self.folder.join(format!("{part}.json"));
        let mut command = match part {
            "receive" => {
                let mut command = self.script("receivers.py");
                command
                    .arg(data)
                    .arg(voice)
                    .arg("--libopus")
                    .arg(&self.libopus);
                command
            }
            "process" => {
                let mut command = self.script("scenes.py");
                command.arg(self.folder.join("scenes")).arg(voice);
                command
            }
            "live" => {
                let mut command = self.script("live.py");
                command.arg("quality").arg(data).arg(peer);
                command
            }
            "latency" => {
                let mut command = suites::in_session(&["--no-x", "--no-keyring"], &self.python());
                command.arg(self.scripts.join("latency.py"));
                command.arg(data.join("speech.f32")).arg(peer);
                command
            }
            "cost" => {
                let mut command = self.script("live.py");
                command.arg("cost").arg(data).arg(peer);
                command
            }
            _ => {
                let mut command = self.script("calls.py");
                command.arg(data).arg(peer);
                command
            }
        };
        command.arg("--json").arg(&results);
        finish(command)
    }

    fn python(&self) -> PathBuf {
        self.folder.join("venv/bin/python")
    }

    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(self.python());
        command.arg(self.scripts.join(name));
        command
    }

    /// The very libopus the product is built with, so that nothing but the receiver differs.
    fn shared_libopus(&self) -> Outcome {
        let archive = newest_archive(&self.release.join("build"))
            .ok_or_else(|| Stop::because("no libopus.a in the build folder"))?;
        let mut link = Command::new("cc");
        link.arg("-shared").arg("-o").arg(&self.libopus);
        link.arg("-Wl,--whole-archive").arg(archive);
        link.args(["-Wl,--no-whole-archive", "-lm"]);
        finish(link)
    }
}

fn newest_archive(build: &Path) -> Option<PathBuf> {
    let archives = std::fs::read_dir(build)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let archive = entry.path().join("out/lib/libopus.a");
            let made = archive.metadata().ok()?.modified().ok()?;
            Some((made, archive))
        });
    archives.max().map(|(_, archive)| archive)
}

fn finish(mut command: Command) -> Outcome {
    eprintln!("▸ {}", run::line(&command)); // standard output belongs to the results
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Stop::because(format!("it ended with {status}"))),
        Err(error) => Err(Stop::because(format!("it cannot be started: {error}"))),
    }
}
