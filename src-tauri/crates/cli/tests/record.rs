//! A recorded day holds nobody, and nothing that the fixtures do not know.
#![allow(clippy::unwrap_used, missing_docs)]

mod day;

use std::process::Command;

use day::{Desk, House, PROGRAM, Planted};
use deskline_sandbox::{Options, Sandbox};
use serde_json::json;

#[test]
fn a_recorded_day_names_nobody_and_holds_nothing_unknown() {
    let house = House::new("record");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sandbox = runtime
        .block_on(Sandbox::start(Options::default()))
        .unwrap();
    let config = house.path("desk.toml");
    let settings = format!(
        "[services]\nu2c = \"{}\"\nregion = \"{}\"\nai_assistant = \"{}\"\n",
        sandbox.u2c(),
        sandbox.region(),
        sandbox.ai_assistant()
    );
    std::fs::write(&config, settings).unwrap();
    let file = house.path("day.jsonl");
    let mut command = Command::new(PROGRAM);
    command.args(["headless", "--time-scale", "4", "--log", "warn", "--config"]);
    command.arg(&config).arg("--record").arg(&file);
    let mut desk = Desk::start(&house, command);
    let token = sandbox.agents().remove(0).token;
    let profile = desk.ok("session.signIn", &json!({"accessToken": token}));
    let direct = |order| drop(runtime.block_on(sandbox.direct(order)).unwrap());
    day::work(&mut desk, &sandbox, &profile, &direct);
    desk.shutdown();

    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.lines().count() > 150, "{}", text.lines().count());
    let agent = profile["agentName"].as_str().unwrap();
    let (first, last) = agent.split_once(' ').unwrap();
    for planted in [
        &Planted::NUMBER[2..],
        "Ismelda",
        "Quastenberg",
        "quastenberg",
        "zebrafinch",
        "88173",
        "7390461",
        &Planted::DIALLED[2..],
        &token,
        first,
        last,
        profile["agentId"].as_str().unwrap(),
        profile["orgId"].as_str().unwrap(),
        "sandbox.example",
    ] {
        let line = text.lines().find(|line| line.contains(planted));
        assert!(line.is_none(), "{planted} in {line:?}");
    }

    let diff = Command::new(env!("CARGO"))
        .args(["xtask", "wire-diff"])
        .arg(&file)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&diff.stdout);
    let trouble = String::from_utf8_lossy(&diff.stderr);
    assert!(diff.status.success(), "{report}{trouble}");
    assert!(report.contains("Nothing unknown."), "{report}");
}
