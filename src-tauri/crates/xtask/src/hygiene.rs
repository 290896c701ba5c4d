//! What must not be in the repository: paths of somebody's machine, servers that listen to the world, packages from
//! elsewhere than a registry.

use std::path::Path;

use crate::run::{self, Outcome, Stop};

/// A line that has to name such a thing says so with this remark.
const ALLOWED: &str = "hygiene: allow";

/// Looks through every tracked text file.
pub(crate) fn kept() -> Outcome {
    let mut git = run::command("git");
    let files = run::answer(git.args(["ls-files"]))
        .ok_or_else(|| Stop::because("git cannot list the files"))?;
    let mut found = Vec::new();
    for file in files.lines() {
        if let Ok(text) = std::fs::read_to_string(run::root().join(file)) {
            found.extend(faults(Path::new(file), &text));
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(Stop::because(found.join("\n")))
    }
}

fn faults(file: &Path, text: &str) -> Vec<String> {
    let lock = file
        .file_name()
        .is_some_and(|name| name == "Cargo.lock" || name == "package-lock.json");
    let source = file.extension().is_some_and(|extension| {
        ["rs", "ts", "svelte", "js"]
            .iter()
            .any(|known| extension == *known)
    });
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let fault = match () {
            () if line.contains(ALLOWED) => None,
            () if lock => foreign_registry(line),
            () if homes().iter().any(|home| line.contains(home)) => {
                Some("names a path of one machine")
            }
            () if source && line.contains(&everywhere()) && !line.contains("IN IP4") => {
                Some("listens on every address; use 127.0.0.1")
            }
            () => None,
        };
        found.extend(fault.map(|fault| {
            format!(
                "{}:{}: {fault}: {}",
                file.display(),
                number + 1,
                line.trim()
            )
        }));
    }
    found
}

/// Put together here, because otherwise this very file would be the first finding.
fn homes() -> [String; 4] {
    ["home", "root", "Users", "work"].map(|name| format!("/{name}/"))
}

fn everywhere() -> String {
    ["0"; 4].join(".")
}

fn foreign_registry(line: &str) -> Option<&'static str> {
    let line = line.trim();
    // Cargo names a registry or a repository; npm names an address, and none is wanted in its lock file.
    let is_foreign = line.starts_with("\"resolved\": ")
        || line
            .strip_prefix("source = \"")
            .is_some_and(|source| !source.starts_with("registry+https://"));
    is_foreign.then_some("comes from elsewhere than a registry")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_found() {
        let line = format!("let key = \"{}ada/key.pem\";", homes()[0]);
        assert_eq!(faults(Path::new("src/main.rs"), &line).len(), 1);
        assert!(faults(Path::new("src/main.rs"), &format!("{line} // {ALLOWED}")).is_empty());
        assert!(faults(Path::new("src/main.rs"), "let home = dirs::home();").is_empty());
    }

    #[test]
    fn a_server_for_the_whole_world_is_found_in_code_but_not_in_prose() {
        let line = format!("bind(\"{}:80\")", everywhere());
        assert_eq!(faults(Path::new("src/server.rs"), &line).len(), 1);
        assert!(faults(Path::new("docs/server.md"), &line).is_empty());
        let description = format!("\"c=IN IP4 {}\\n\"", everywhere()); // SDP means something else by it
        assert!(faults(Path::new("src/sdp.rs"), &description).is_empty());
    }

    #[test]
    fn lock_files_name_registries_and_no_address() {
        let good = "source = \"registry+https://example.org/index\"";
        assert!(faults(Path::new("Cargo.lock"), good).is_empty());
        assert_eq!(
            faults(
                Path::new("Cargo.lock"),
                "source = \"git+https://example.org/x\""
            )
            .len(),
            1
        );
        assert_eq!(
            faults(
                Path::new("ui/package-lock.json"),
                "  \"resolved\": \"https://npm.example.org/vite.tgz\","
            )
            .len(),
            1
        );
    }
}
