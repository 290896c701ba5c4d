//! Runs the probe program in a desktop session of its own, which lacks what the test says.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Plays the lines in a fresh session with these options and returns what the probe answered to each.
pub(crate) fn play(session: &[&str], lines: &[&str]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/desktop-session.sh");
    let mut child = Command::new(script)
        .args(session)
        .arg("--")
        .arg(env!("CARGO_BIN_EXE_desktop-probe"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the session script is executable");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines.join("\n").as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "the session ended with {}",
        output.status
    );
    let printed = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<String> = printed.lines().map(ToOwned::to_owned).collect();
    assert_eq!(answers.len(), lines.len(), "{printed}");
    answers
}
