//! The binary itself: what it says and how it ends.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use deskline_wire::{Json, json};

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deskline-cli"));
    command
        .args(words)
        .env_remove("DESKLINE_ACCESS_TOKEN")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end with this input.
fn run(words: &[&str], input: &str) -> Output {
    let mut child = command(words).spawn().unwrap();
    // The program may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn ends_unusable(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(output.stdout.is_empty());
    text
}

#[test]
fn unusable_options_end_with_two_and_one_line() {
    for words in [
        &["headless", "--loud"][..],
        &["headless", "--time-scale", "0"],
        &["window"],
        &[],
    ] {
        ends_unusable(&run(words, ""));
    }
}

#[test]
fn unusable_settings_end_with_two_and_name_file_line_and_key() {
    let file = std::env::temp_dir().join(format!("deskline-{}.toml", std::process::id()));
    std::fs::write(
        &file,
        "[session]\nforce = true\n\n[services]\nu2cc = \"x\"\n",
    )
    .unwrap();
    let name = file.to_str().unwrap();
    let text = ends_unusable(&run(&["headless", "--config", name], ""));
    std::fs::remove_file(&file).unwrap();
    assert!(
        text.contains(&format!("{name}, line 5: services.u2cc: unknown key")),
        "{text}"
    );
    let text = ends_unusable(&run(&["headless", "--config", "/no/such.toml"], ""));
    assert!(text.contains("/no/such.toml"), "{text}");
    let text = ends_unusable(&run(&["headless", "--audio", "files:/no/such.wav,"], ""));
    assert!(text.contains("/no/such.wav"), "{text}");
    let text = ends_unusable(&run(&["sandbox", "--bind", "0.0.0.0"], ""));
    assert!(text.contains("--i-know-this-is-public"), "{text}");
    let text = ends_unusable(&run(&["sandbox", "--scenario", "/no/such.toml"], ""));
    assert!(text.contains("/no/such.toml"), "{text}");
}

#[test]
fn the_end_of_input_is_a_good_end() {
    let begun = Instant::now();
    let output = run(
        &["headless"],
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tasks.list\"}\n",
    );
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
    let answer: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["id"], 1);
    assert_eq!(answer["result"]["tasks"], Json::Array(Vec::new()));
}

#[test]
fn a_line_too_long_is_answered_and_the_next_one_works() {
    let mut input = "x".repeat(17 * 1024 * 1024);
    input.push_str("\n{\"jsonrpc\":\"2.0\",\"id\":\"n\",\"method\":\"tasks.list\"}");
    let output = run(&["headless"], &input);
    let lines: Vec<Json> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines[0]["error"]["code"], -32700);
    assert_eq!(lines[1]["id"], "n");
}

/// A sandbox process and an agent process that talk over the network.
struct Talk {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<std::process::ChildStdout>,
}

impl Talk {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
        }
    }

    fn line(&mut self) -> Json {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn call(&mut self, method: &str, params: &Json) -> Json {
        let request = deskline_wire::json!({"jsonrpc": "2.0", "id": method, "method": method, "params": params});
        writeln!(self.input.as_mut().unwrap(), "{request}").unwrap();
        loop {
            let line = self.line();
            if line["id"] == method {
                return line;
            }
        }
    }

    fn end(mut self) -> Option<i32> {
        self.input = None;
        self.child.wait().unwrap().code()
    }
}

#[test]
fn headless_and_sandbox_are_two_programs_that_find_each_other() {
    let mut sandbox = Talk::start(command(&["sandbox"]));
    let ready = sandbox.line();
    assert_eq!(ready["ready"], true);
    assert!(ready["agents"].as_array().unwrap().len() >= 3);

    let mut agent = command(&["headless"]);
    agent.env("DESKLINE_SERVICES_U2C", ready["u2c"].as_str().unwrap());
    agent.env(
        "DESKLINE_SERVICES_REGION",
        ready["region"].as_str().unwrap(),
    );
    agent.env(
        "DESKLINE_ACCESS_TOKEN",
        ready["agents"][0]["accessToken"].as_str().unwrap(),
    );
    let mut agent = Talk::start(agent);
    let profile = agent.call("session.signIn", &deskline_wire::json!({}));
    assert_eq!(
        profile["result"]["agentId"], ready["agents"][0]["agentId"],
        "{profile}"
    );
    let shutdown = agent.call("shutdown", &deskline_wire::json!({}));
    assert_eq!(shutdown["result"], deskline_wire::json!({}));
    let begun = Instant::now();
    assert_eq!(
        agent.child.wait().unwrap().code(),
        Some(0),
        "without the end of input too"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(sandbox.end(), Some(0));
}

#[test]
fn services_on_this_machine_are_not_asked_through_a_proxy() {
    let mut command = command(&["headless", "--sandbox"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        // Nobody listens there.
        command.env(name, "http://127.0.0.1:9");
        command.env(name.to_lowercase(), "http://127.0.0.1:9");
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut call = |id: u64, method: &str, params: Json| -> Json {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        writeln!(input, "{request}").unwrap();
        loop {
            let line: Json = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            if line["id"] == id {
                break line;
            }
        }
    };
    let profile = call(1, "session.signIn", json!({}));
    let team = &profile["result"]["teams"][0]["id"];
    let station = json!({"teamId": team, "loginOption": "BROWSER"});
    let login = call(2, "station.login", station);
    assert_eq!(login["result"]["deviceType"], "BROWSER", "{login}");
    call(3, "shutdown", json!({}));
    assert!(child.wait().unwrap().success());
}
