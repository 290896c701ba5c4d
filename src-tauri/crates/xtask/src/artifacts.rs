//! What cargo built, of its `--message-format=json` lines: the test programs and the app.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One test program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestProgram {
    /// The package's name, such as `deskline-core`.
    pub(crate) package: String,
    /// The target's name: that of the library, the binary or the `[[test]]`.
    pub(crate) target: String,
    /// Whether it is a `[[test]]`, not the tests inside a library or binary.
    pub(crate) integration: bool,
    pub(crate) program: PathBuf,
    /// The package's folder, in which cargo would start it.
    pub(crate) folder: PathBuf,
}

/// Everything of interest that one cargo run built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Artifacts {
    pub(crate) tests: Vec<TestProgram>,
    /// The ordinary binaries by name.
    pub(crate) binaries: Vec<(String, PathBuf)>,
}

impl Artifacts {
    /// Reads cargo's lines; those that are of no interest, or no JSON, are passed over.
    pub(crate) fn read(lines: &str) -> Self {
        let mut artifacts = Self::default();
        for line in lines.lines() {
            if let Ok(message) = serde_json::from_str::<Value>(line) {
                artifacts.add(&message);
            }
        }
        artifacts
            .tests
            .sort_by(|a, b| (&a.package, &a.target).cmp(&(&b.package, &b.target)));
        artifacts
    }

    /// The path of an ordinary binary.
    pub(crate) fn binary(&self, name: &str) -> Option<&Path> {
        self.binaries
            .iter()
            .find(|(binary, _)| binary == name)
            .map(|(_, path)| path.as_path())
    }

    fn add(&mut self, message: &Value) -> Option<()> {
        if message["reason"] != "compiler-artifact" {
            return None;
        }
        let program = PathBuf::from(message["executable"].as_str()?);
        let target = message["target"]["name"].as_str()?.to_owned();
        let kind = message["target"]["kind"][0].as_str()?;
        if message["profile"]["test"] == true {
            let manifest = Path::new(message["manifest_path"].as_str()?);
            self.tests.push(TestProgram {
                package: package(message["package_id"].as_str()?)?,
                target,
                integration: kind == "test",
                program,
                folder: manifest.parent()?.to_path_buf(),
            });
        } else if kind == "bin" {
            self.binaries.push((target, program));
        }
        Some(())
    }
}

/// The name in a package id: `path+file:///a/core#deskline-core@0.1.0`, or `path+file:///a/deskline#0.1.0` where folder and name agree.
fn package(id: &str) -> Option<String> {
    let (address, fragment) = id.rsplit_once('#')?;
    match fragment.split_once('@') {
        Some((name, _)) => Some(name.to_owned()),
        None => Some(address.rsplit('/').next()?.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"
{"reason":"compiler-artifact","package_id":"registry+https://x#serde@1.0.1","manifest_path":"/r/serde/Cargo.toml","target":{"kind":["lib"],"name":"serde"},"profile":{"test":false},"executable":null}
{"reason":"build-script-executed","package_id":"x"}
{"reason":"compiler-artifact","package_id":"path+file:///d/core#deskline-core@0.1.0","manifest_path":"/d/core/Cargo.toml","target":{"kind":["lib"],"name":"deskline_core"},"profile":{"test":true},"executable":"/t/deskline_core-1f"}
{"reason":"compiler-artifact","package_id":"path+file:///d/tests#deskline-tests@0.1.0","manifest_path":"/d/tests/Cargo.toml","target":{"kind":["test"],"name":"gui"},"profile":{"test":true},"executable":"/t/gui-2e"}
{"reason":"compiler-artifact","package_id":"path+file:///d/src-tauri#deskline@0.1.0","manifest_path":"/d/src-tauri/Cargo.toml","target":{"kind":["bin"],"name":"deskline"},"profile":{"test":false},"executable":"/t/deskline"}
not json
{"reason":"build-finished","success":true}"#;

    #[test]
    fn test_programs_and_the_app_are_found() {
        let artifacts = Artifacts::read(LINES);
        let tests: Vec<_> = artifacts
            .tests
            .iter()
            .map(|test| {
                (
                    test.package.as_str(),
                    test.target.as_str(),
                    test.integration,
                )
            })
            .collect();
        assert_eq!(
            tests,
            [
                ("deskline-core", "deskline_core", false),
                ("deskline-tests", "gui", true)
            ]
        );
        assert_eq!(artifacts.tests[0].folder, Path::new("/d/core"));
        assert_eq!(artifacts.binary("deskline"), Some(Path::new("/t/deskline")));
        assert_eq!(artifacts.binary("other"), None);
    }

    #[test]
    fn a_package_is_named_by_its_id() {
        assert_eq!(
            package("path+file:///d/core#deskline-core@0.1.0").as_deref(),
            Some("deskline-core")
        );
        assert_eq!(
            package("path+file:///d/deskline#0.1.0").as_deref(),
            Some("deskline")
        );
        assert_eq!(package("nonsense"), None);
    }
}
