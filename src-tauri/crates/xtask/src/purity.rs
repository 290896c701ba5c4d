//! Who may depend on whom, asked of `cargo metadata`: the promises "the rules are pure" and "only the shell knows Tauri".

use std::collections::BTreeSet;

use serde_json::Value;

use crate::run::{self, Outcome, Stop};

/// All that the rules may stand on.
const CORE_MAY: &[&str] = &["deskline-wire", "thiserror", "regex-lite", "zeroize"];
/// Adapters do not know each other; `media` alone uses the sample rings of `audio`.
const ADAPTERS: &[&str] = &[
    "deskline-routing",
    "deskline-calling",
    "deskline-media",
    "deskline-audio",
    "deskline-platform",
];
/// Sound is arithmetic: no device, socket, thread or clock behind it.
const VOICE_MAY: &[&str] = &["opusic-c", "realfft", "nnnoiseless", "thiserror", "tracing"];
const ADAPTERS_MAY: &[(&str, &str)] = &[("deskline-media", "deskline-audio")];

/// Fails with a list of the dependencies that break a promise.
pub(crate) fn kept() -> Outcome {
    let mut cargo = run::cargo();
    let metadata = run::answer(cargo.args(["metadata", "--format-version", "1", "--no-deps"]));
    let metadata = metadata.ok_or_else(|| Stop::because("cargo metadata failed"))?;
    let metadata = serde_json::from_str(&metadata)
        .map_err(|error| Stop::because(format!("cargo metadata: {error}")))?;
    let mut broken = broken_promises(&metadata);
    if !run::root()
        .join("src-tauri/crates/core/clippy.toml")
        .is_file()
    {
        broken.push("core has no clippy.toml of its own that forbids the clock".to_owned());
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Stop::because(broken.join("\n")))
    }
}

fn broken_promises(metadata: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let below_crates = package["manifest_path"]
            .as_str()
            .is_some_and(|path| path.replace('\\', "/").contains("/src-tauri/crates/"));
        for needed in dependencies(package) {
            if below_crates
                && (needed == "tauri"
                    || needed.starts_with("tauri-")
                    || needed == "wry"
                    || needed == "tao"
                    || needed == "deskline")
            {
                broken.push(format!(
                    "{name} depends on {needed}: nothing below crates/ knows the shell"
                ));
            }
            if name == "deskline-core" && !CORE_MAY.contains(&needed.as_str()) {
                broken.push(format!(
                    "deskline-core depends on {needed}: the rules stand on {} alone",
                    CORE_MAY.join(" and ")
                ));
            }
            if name == "deskline-voice" && !VOICE_MAY.contains(&needed.as_str()) {
                broken.push(format!(
                    "deskline-voice depends on {needed}: it stands on {} alone",
                    VOICE_MAY.join(", ")
                ));
            }
            if name == "deskline-wire" && needed.starts_with("deskline-") {
                broken.push(format!(
                    "deskline-wire depends on {needed}: the alphabet knows nobody"
                ));
            }
            if name == "deskline-sandbox"
                && needed.starts_with("deskline-")
                && needed != "deskline-wire"
            {
                broken.push(format!(
                    "deskline-sandbox depends on {needed}: it shares the alphabet, not the opinions"
                ));
            }
            let (from, to) = (
                ADAPTERS.contains(&name),
                ADAPTERS.contains(&needed.as_str()),
            );
            if from && to && !ADAPTERS_MAY.contains(&(name, needed.as_str())) {
                broken.push(format!(
                    "{name} depends on {needed}: adapters do not know each other"
                ));
            }
        }
    }
    broken
}

/// What a package needs when it is used; what only its own tests or build script need does not count.
fn dependencies(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().into_iter().flatten();
    let normal = all.filter(|dependency| dependency["kind"].is_null());
    normal
        .filter_map(|dependency| Some(dependency["name"].as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(name: &str, folder: &str, needs: &[(&str, Value)]) -> Value {
        let dependencies: Vec<_> = needs
            .iter()
            .map(|(name, kind)| json!({"name": name, "kind": kind}))
            .collect();
        let manifest = format!("/r/{folder}/Cargo.toml");
        json!({"packages": [{"name": name, "manifest_path": manifest, "dependencies": dependencies}]})
    }

    #[test]
    fn this_workspace_keeps_its_promises() {
        let mut cargo = run::cargo();
        let metadata = run::answer(cargo.args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ]))
        .expect("cargo metadata");
        let metadata = serde_json::from_str(&metadata).expect("JSON");
        assert_eq!(broken_promises(&metadata), Vec::<String>::new());
    }

    #[test]
    fn a_clock_or_runtime_in_the_rules_is_found() {
        let impure = metadata(
            "deskline-core",
            "src-tauri/crates/core",
            &[("tokio", Value::Null), ("thiserror", Value::Null)],
        );
        assert_eq!(broken_promises(&impure).len(), 1);
        let only_in_tests = metadata(
            "deskline-core",
            "src-tauri/crates/core",
            &[("proptest", json!("dev"))],
        );
        assert!(broken_promises(&only_in_tests).is_empty());
    }

    #[test]
    fn tauri_below_crates_is_found_and_allowed_in_the_shell() {
        let below = metadata(
            "deskline-session",
            "src-tauri/crates/session",
            &[("tauri", Value::Null)],
        );
        assert_eq!(broken_promises(&below).len(), 1);
        let shell = metadata("deskline", "src-tauri", &[("tauri", Value::Null)]);
        assert!(broken_promises(&shell).is_empty());
    }

    #[test]
    fn adapters_that_know_each_other_are_found() {
        let calling = metadata(
            "deskline-calling",
            "src-tauri/crates/calling",
            &[("deskline-media", Value::Null)],
        );
        assert_eq!(broken_promises(&calling).len(), 1);
        let media = metadata(
            "deskline-media",
            "src-tauri/crates/media",
            &[("deskline-audio", Value::Null)],
        );
        assert!(broken_promises(&media).is_empty());
    }

    #[test]
    fn a_sandbox_with_opinions_is_found() {
        let sandbox = metadata(
            "deskline-sandbox",
            "src-tauri/crates/sandbox",
            &[("deskline-core", Value::Null)],
        );
        assert_eq!(broken_promises(&sandbox).len(), 1);
    }
}
