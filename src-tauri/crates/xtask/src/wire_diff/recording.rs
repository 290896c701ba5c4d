//! One line of a recording against what we know.

use serde_json::Value;

use super::knowledge::{Exchange, Knowledge, Members, event};
use super::report::{Finding, Report};
use super::shape;

/// The recordings we can read.
const FORMAT: u64 = 1;

/// Compares one line.
pub(super) fn line(known: &Knowledge, at: usize, line: &str, report: &mut Report) {
    let Ok(json) = serde_json::from_str::<Value>(line) else {
        return report.nonsense(at, "not JSON");
    };
    match json["kind"].as_str() {
        Some("recording") => match json["format"].as_u64() {
            Some(FORMAT) => {}
            _ => report.nonsense(at, "a recording of a format we do not know"),
        },
        Some("frame") => frame(known, at, &json, report),
        Some("exchange") => exchange(known, at, &json, report),
        _ => report.nonsense(at, "neither a frame nor an exchange"),
    }
}

fn frame(known: &Knowledge, at: usize, json: &Value, report: &mut Report) {
    let direction = json["direction"].as_str();
    let (Some(channel @ ("routing" | "mercury")), Some(direction @ ("in" | "out"))) =
        (json["channel"].as_str(), direction)
    else {
        return report.nonsense(at, "a frame without channel or direction");
    };
    report.frames += 1;
    let frame = &json["frame"];
    if !frame.is_object() {
        let what = format!("{channel} {direction}: {}", shape::kind(frame));
        return report.found(
            at,
            Finding::Event,
            "frames that are no JSON object",
            what,
            "",
        );
    }
    if channel == "mercury" {
        let name = event(frame);
        let key = (direction.to_owned(), name.clone());
        let place = format!("mercury {direction} {}", shape::word(&name));
        match known.envelopes.get(&key) {
            Some((members, message)) => {
                compare(known, at, &place, frame, "", members, report);
                missing(at, &place, frame, &message.needs, &message.source, report);
            }
            None => report.found(
                at,
                Finding::Event,
                "mercury",
                shape::word(&name),
                "calling 2.1, 2.8",
            ),
        }
        return;
    }
    let top = frame["type"].as_str().unwrap_or_default().to_owned();
    let name = frame["data"]["type"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let place = format!("routing {}", shape::word(&top));
    let Some(members) = known.frames.get(&top) else {
        let what = format!("{} / {}", shape::word(&top), shape::word(&name));
        return report.found(at, Finding::Event, "routing", what, "contact-center 3.3");
    };
    match known.events.get(&(top.clone(), name.clone())) {
        Some(message) => {
            let place = format!("{place} / {}", shape::word(&name));
            missing(at, &place, frame, &message.needs, &message.source, report);
        }
        None => {
            let what = format!("{} / {}", shape::word(&top), shape::word(&name));
            report.found(
                at,
                Finding::Event,
                "routing",
                what,
                "contact-center 6.2, 6.3",
            );
        }
    }
    compare(known, at, &place, frame, "", members, report);
}

fn exchange(known: &Knowledge, at: usize, json: &Value, report: &mut Report) {
    let (Some(method), Some(path)) = (json["method"].as_str(), json["path"].as_str()) else {
        return report.nonsense(at, "an exchange without method or path");
    };
    report.exchanges += 1;
    let method = shape::word(method);
    let candidates = known.exchanges_of(&method, path);
    let Some(first) = candidates.first() else {
        let shown: Vec<_> = path
            .split('/')
            .map(|part| match part {
                "" | "{}" => part.to_owned(),
                part => shape::name(part),
            })
            .collect();
        let what = format!("{method} {}", shown.join("/"));
        return report.found(at, Finding::Request, "", what, "");
    };
    let place = format!("{method} {}", first.path);
    for name in json["query"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !candidates
            .iter()
            .any(|exchange| exchange.query.contains(name))
        {
            report.found(
                at,
                Finding::Member,
                &place,
                format!("?{}", shape::name(name)),
                &first.source,
            );
        }
    }
    let request = merged(&candidates, |exchange| &exchange.request);
    compare(
        known,
        at,
        &place,
        &json["request"],
        "request",
        &request,
        report,
    );
    // Nobody answered: there is nothing to compare.
    let Some(status) = json["status"].as_u64() else {
        return;
    };
    if !candidates
        .iter()
        .any(|exchange| exchange.statuses.contains(&status))
    {
        report.found(
            at,
            Finding::Status,
            &place,
            status.to_string(),
            &first.source,
        );
    }
    let place = format!("{place} {status}");
    let answer = &json["answer"];
    if status >= 400 {
        let bad = merged(&candidates, |exchange| &exchange.bad);
        compare(known, at, &place, answer, "", &bad, report);
    } else {
        let good = merged(&candidates, |exchange| &exchange.good);
        compare(known, at, &place, answer, "", &good, report);
        if !answer.is_null() {
            missing(at, &place, answer, &first.needs, &first.source, report);
        }
    }
}

fn merged(exchanges: &[&Exchange], of: impl Fn(&Exchange) -> &Members) -> Members {
    let mut all = Members::new();
    for exchange in exchanges {
        for (path, member) in of(exchange) {
            let known = all.entry(path.clone()).or_default();
            known.kinds.extend(&member.kinds);
            known.source.clone_from(&member.source);
        }
    }
    all
}

fn compare(
    known: &Knowledge,
    at: usize,
    place: &str,
    value: &Value,
    prefix: &str,
    members: &Members,
    report: &mut Report,
) {
    known.walk(value, prefix, &mut |path, value| {
        let shown: Vec<_> = path
            .split('.')
            .map(|part| {
                if part == "*" {
                    part.to_owned()
                } else {
                    part.strip_suffix("[]").map_or_else(
                        || shape::name(part),
                        |part| format!("{}[]", shape::name(part)),
                    )
                }
            })
            .collect();
        let shown = shown.join(".");
        let Some(member) = members.get(path) else {
            let source = source_near(path, members);
            report.found(
                at,
                Finding::Member,
                place,
                format!("{shown}: {}", shape::of(value)),
                source,
            );
            return false;
        };
        let kind = shape::kind(value);
        // Everything may be null (contact-center 7.1). What a fixture has as null alone is a name without a kind.
        let is_open = member.kinds.iter().all(|kind| *kind == "null");
        if kind != "null" && !is_open && !member.kinds.contains(kind) {
            let kinds: Vec<_> = member
                .kinds
                .iter()
                .copied()
                .filter(|kind| *kind != "null")
                .collect();
            let what = format!(
                "{shown}: {}, known as {}",
                shape::of(value),
                kinds.join(" or ")
            );
            report.found(at, Finding::Kind, place, what, &member.source);
            return false;
        }
        if let (Some((words, source)), Some(text)) = (known.words(path), value.as_str())
            && !text.is_empty()
            && !words.contains(text)
        {
            report.found(
                at,
                Finding::Word,
                place,
                format!("{shown} = {}", shape::word(text)),
                source,
            );
        }
        !is_open
    });
}

/// Where the nearest known member above comes from.
fn source_near<'a>(path: &str, members: &'a Members) -> &'a str {
    let mut above = path;
    while let Some((shorter, _)) = above.rsplit_once('.') {
        above = shorter;
        let near = members
            .get(above.trim_end_matches("[]"))
            .or_else(|| members.get(above));
        if let Some(member) = near {
            return &member.source;
        }
    }
    members.values().next().map_or("", |member| &member.source)
}

fn missing(
    at: usize,
    place: &str,
    value: &Value,
    needs: &[String],
    source: &str,
    report: &mut Report,
) {
    for need in needs {
        let parts: Vec<_> = need.split('.').collect();
        if !has(value, &parts) {
            report.found(at, Finding::Missing, place, need.clone(), source);
        }
    }
}

/// Whether what a path names is there, in every item and under every key it runs through. What is
/// not there further up is told by its own path.
fn has(value: &Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    if let Some(name) = first.strip_suffix("[]") {
        let list = if name.is_empty() {
            Some(value)
        } else {
            value.get(name)
        };
        return list
            .and_then(Value::as_array)
            .is_none_or(|items| items.iter().all(|item| has(item, rest)));
    }
    if *first == "*" {
        return value
            .as_object()
            .is_none_or(|object| object.values().all(|inner| has(inner, rest)));
    }
    match value.get(*first) {
        Some(inner) => has(inner, rest),
        None => !rest.is_empty(),
    }
}
