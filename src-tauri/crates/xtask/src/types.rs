//! `cargo xtask types`: writes the TypeScript types of the views, which `ts-rs` exports as tests of `deskline-session`.

use std::collections::{BTreeMap, BTreeSet};

use crate::run::{self, Outcome, Stop};

/// Where the generated types stand, seen from the root.
const GENERATED: &str = "ui/src/backend/generated";

/// Writes the types afresh; files of types that are gone disappear.
pub(crate) fn command() -> Outcome {
    let folder = run::root().join(GENERATED);
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "ts")
        {
            std::fs::remove_file(entry.path()).map_err(|error| {
                Stop::because(format!("cannot remove {}: {error}", entry.path().display()))
            })?;
        }
    }
    let mut cargo = run::cargo();
    cargo
        .args([
            "test",
            "--quiet",
            "-p",
            "deskline-session",
            "export_bindings",
        ])
        .env("TS_RS_EXPORT_DIR", &folder);
    run::quietly("ts-rs export", &mut cargo)
}

/// Fails if the types in the working tree differ from what the Rust views say; afterwards they agree.
pub(crate) fn fresh() -> Outcome {
    let before = snapshot();
    command()?;
    let after = snapshot();
    let changed = |name: &&String| before.get(*name) != after.get(*name);
    let stale: BTreeSet<_> = before
        .keys()
        .chain(after.keys())
        .filter(changed)
        .cloned()
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    let names = stale.into_iter().collect::<Vec<_>>().join(", ");
    Err(Stop::because(format!(
        "the generated types were stale and are now fresh, please commit them: {names}"
    )))
}

/// The generated files by name.
fn snapshot() -> BTreeMap<String, String> {
    let files = std::fs::read_dir(run::root().join(GENERATED))
        .into_iter()
        .flatten()
        .flatten();
    let read = |file: std::fs::DirEntry| {
        Some((
            file.file_name().into_string().ok()?,
            std::fs::read_to_string(file.path()).ok()?,
        ))
    };
    files.filter_map(read).collect()
}
