use serde_json::{Value, json};

use super::*;

fn known() -> Knowledge {
    Knowledge::read(&run::root().join(FIXTURES)).expect("the fixtures")
}

fn fixture(file: &str) -> Value {
    let text = std::fs::read_to_string(run::root().join(FIXTURES).join(file)).expect("a fixture");
    serde_json::from_str(&text).expect("JSON")
}

fn frame(channel: &str, direction: &str, frame: &Value) -> String {
    json!({"kind": "frame", "channel": channel, "direction": direction, "frame": frame}).to_string()
}

fn diff(lines: &[String]) -> String {
    compare(&known(), &lines.join("\n")).to_string()
}

#[test]
fn the_fixtures_themselves_hold_nothing_unknown() {
    let mut lines = vec![json!({"kind": "recording", "format": 1}).to_string()];
    for entry in fixture("index.json").as_array().expect("a list") {
        let json = fixture(entry["file"].as_str().expect("a file"));
        match entry["what"].as_str().expect("a word") {
            "frame" => lines.push(frame("routing", "in", &json)),
            "mercury" => {
                let direction = entry["direction"].as_str().unwrap_or("in");
                lines.push(frame("mercury", direction, &json));
            }
            "exchange" => {
                for answer in json["answers"].as_array().expect("answers") {
                    lines.push(
                        json!({"kind": "exchange", "method": json["method"], "path": json["path"],
                        "query": json["query"], "status": answer["status"], "request": json["request"],
                        "answer": answer["body"]})
                        .to_string(),
                    );
                }
            }
            _ => {}
        }
    }
    assert!(lines.len() > 400, "{}", lines.len());
    let report = compare(&known(), &lines.join("\n"));
    assert!(report.is_empty(), "{report}");
}

#[test]
fn what_is_unknown_is_named_by_path_and_shape_and_counted() {
    let mut later = fixture("frames/agent-contact-held.json");
    later["data"]["interaction"]["mood"] = json!("Grim 47");
    later["data"]["interaction"]["state"] = json!("levitating");
    later["data"]["interaction"]["isTerminated"] = json!("no");
    later["data"]["interaction"]["+14085550147"] = json!({"Pat Doe": 1});
    later["data"]
        .as_object_mut()
        .expect("data")
        .remove("interactionId");
    let mut event = later.clone();
    event["data"]["type"] = json!("AgentContactTeleported");
    let report = diff(&[
        frame("routing", "in", &later),
        frame("routing", "in", &later),
        frame("routing", "in", &event),
    ]);
    for line in [
        "routing  RoutingMessage / AgentContactTeleported",
        "routing RoutingMessage  data.interaction.mood: text like Aaaa 99",
        "routing RoutingMessage  data.interaction.state = levitating",
        "routing RoutingMessage  data.interaction.isTerminated: text like aa, known as truth",
        "routing RoutingMessage / AgentContactHeld  data.interactionId",
        "3 times, first in line 1; we know contact-center",
        "once, first in line 3; we know contact-center 6.2, 6.3",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
    for personal in ["4085550147", "Pat Doe", "Grim", "47"] {
        assert!(
            !report.replace("97", "").contains(personal),
            "{personal}\n{report}"
        );
    }
}

#[test]
fn requests_statuses_and_queries_nobody_knows() {
    let asked = |method: &str, path: &str, status: u64| {
        json!({"kind": "exchange", "method": method, "path": path, "query": ["page", "colour"], "status": status,
            "request": null, "answer": {}})
        .to_string()
    };
    let report = diff(&[
        asked("PATCH", "/v3/tasks/{}/teleport", 200),
        asked("POST", "/v1/tasks/{}/hold", 418),
        asked("GET", "/organization/{}/v2/entry-point", 200),
    ]);
    for line in [
        "  PATCH /v3/tasks/{}/teleport",
        "POST /v1/tasks/{task}/hold  418",
        "GET /organization/{org}/v2/entry-point  ?colour",
        "GET /organization/{org}/v2/entry-point 200  data\n",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
    assert!(
        !report.contains("entry-point  ?page"),
        "a known name of the query\n{report}"
    );
}

#[test]
fn a_frame_of_the_event_socket_that_nobody_knows() {
    let unknown = json!({"id": "1", "data": {"eventType": "mobius.hologram"}});
    let broken = json!({"kind": "frame", "channel": "mercury", "direction": "in", "frame": null})
        .to_string();
    let report = diff(&[frame("mercury", "in", &unknown), broken]);
    assert!(report.contains("mercury  mobius.hologram"), "{report}");
    assert!(
        report.contains("frames that are no JSON object"),
        "{report}"
    );
}

#[test]
fn nonsense_lines_are_named_by_number_and_the_rest_is_read() {
    let good = frame("routing", "in", &fixture("frames/welcome.json"));
    let text = format!("{good}\n{{]\n\n{good}\n42\n{{\"kind\":\"recording\",\"format\":7}}");
    let report = compare(&known(), &text);
    assert!(report.has_nonsense());
    let report = report.to_string();
    assert!(report.starts_with("2 frames"), "{report}");
    for line in [
        "line 2: not JSON",
        "line 5: neither a frame",
        "line 6: a recording of a format",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
}
