//! What was told, and whether the desk's tasks equal the centre's.

use serde_json::Value;

/// Notifications that say how the story goes on by itself; the table leaves them out.
const PROGRESS: &[&str] = &["call:quality", "media:firstAudio", "connection:changed"];

/// The states each way went through, in order: `routing up→lost→restoring→up`.
pub(super) fn states(lines: &[Value]) -> Vec<String> {
    let mut told = Vec::new();
    for way in ["routing", "calling", "media"] {
        let mut states: Vec<&str> = lines
            .iter()
            .filter(|line| line["method"] == "connection:changed")
            .filter_map(|line| line["params"][way].as_str())
            .collect();
        states.dedup();
        if states.len() > 1 {
            told.push(format!("{way} {}", states.join("→")));
        }
    }
    told
}

/// The names of what else the agent was told, each once, in order.
pub(super) fn told(lines: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in lines {
        let Some(name) = line["method"].as_str() else {
            continue;
        };
        let name = match line["params"]["topic"].as_str() {
            Some(topic) => format!("{name} {topic}"),
            None => name.to_owned(),
        };
        if !PROGRESS.contains(&name.as_str()) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The difference between what the desk and the centre hold, in words; none if there is none.
pub(super) fn difference(desk: &[Value], centre: &[Value]) -> Option<String> {
    let of = |list: &[Value]| -> Vec<String> {
        let mut ids: Vec<String> = list
            .iter()
            .filter_map(|one| one["interactionId"].as_str().map(str::to_owned))
            .collect();
        ids.sort();
        ids
    };
    let (ours, theirs) = (of(desk), of(centre));
    if ours != theirs {
        return Some(format!("the desk has {ours:?}, the centre {theirs:?}"));
    }
    for task in desk {
        let truth = centre
            .iter()
            .find(|one| one["interactionId"] == task["interactionId"])?;
        let mut path = String::new();
        if let Some(found) = differs(&mut path, task, truth) {
            return Some(found);
        }
    }
    None
}

fn differs(path: &mut String, ours: &Value, theirs: &Value) -> Option<String> {
    if let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) {
        for (key, value) in theirs {
            // Moments are those of the last frame about the field; the state is what counts.
            let is_moment = key.to_ascii_lowercase().contains("timestamp");
            if is_moment {
                continue;
            }
            let length = path.len();
            path.push('.');
            path.push_str(key);
            let found = differs(path, ours.get(key).unwrap_or(&Value::Null), value);
            if found.is_some() {
                return found;
            }
            path.truncate(length);
        }
        return None;
    }
    (ours != theirs).then(|| format!("{path} is {ours} on the desk and {theirs} at the centre"))
}
