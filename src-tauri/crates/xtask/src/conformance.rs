//! `cargo xtask conformance`: which case of the specification is which test, and how that test ended.
//!
//! A test of case 52 of the task conformance cases is called `case_052_<words>`, one of case 52 of the calling cases
//! `calling_052_<words>`, one of case 7 of the sign-in cases `signin_07_<words>`. The cases themselves stand in
//! `src-tauri/docs/conformance.tsv`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::run::{self, Outcome, Stop};
use crate::tally::Verdict;
use crate::test;

const CASES: &str = "src-tauri/docs/conformance.tsv";

/// A set of cases.
struct Set {
    /// What a test's name begins with.
    prefix: &'static str,
    /// What the list and the table call it.
    name: &'static str,
    /// How many digits a number has.
    digits: usize,
}

const SETS: &[Set] = &[
    Set {
        prefix: "case_",
        name: "task",
        digits: 3,
    },
    Set {
        prefix: "calling_",
        name: "calling",
        digits: 3,
    },
    Set {
        prefix: "signin_",
        name: "signin",
        digits: 2,
    },
];

/// A case of one of the sets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    set: &'static str,
    number: u16,
}

/// The tests of one case, each with how it ended in the last run.
type Tests = BTreeMap<String, Option<Verdict>>;

/// Prints the table; with `--run` runs all tests first, with `--missing` shows only cases without a passing test.
///
/// # Errors
/// Status 1 if a case's test failed, or a case has no test.
pub(crate) fn command(words: &[&str]) -> Outcome {
    let (mut only_missing, mut run_first) = (false, false);
    for word in words {
        match *word {
            "--missing" => only_missing = true,
            "--run" => run_first = true,
            _ => {
                return Err(Stop::usage(
                    "usage: cargo xtask conformance [--run] [--missing]",
                ));
            }
        }
    }
    let ran = if run_first { test::command() } else { Ok(()) };
    let list = read(&run::root().join(CASES))?;
    let cases =
        cases(&list).map_err(|line| Stop::because(format!("{CASES}: unusable line: {line}")))?;
    let mut tests = BTreeMap::new();
    for folder in ["src-tauri", "tests", "ui/src"] {
        gather(&run::root().join(folder), &mut tests);
    }
    match std::fs::read_to_string(test::results()) {
        Ok(results) => mark(&results, &mut tests),
        Err(_) => println!("No results yet: cargo xtask test, or --run, makes some.\n"),
    }
    print(&cases, &tests, only_missing);
    let untested: Vec<_> = cases
        .iter()
        .filter(|(key, _)| !tests.contains_key(key))
        .map(|(key, _)| format!("{} {}", key.set, key.number))
        .collect();
    if !untested.is_empty() {
        return Err(Stop::because(format!(
            "no test for: {}",
            untested.join(", ")
        )));
    }
    let failed = tests
        .values()
        .flat_map(BTreeMap::values)
        .any(|verdict| *verdict == Some(Verdict::Failed));
    if failed { Err(Stop::silent(1)) } else { ran }
}

fn print(cases: &[(Key, String)], tests: &BTreeMap<Key, Tests>, only_missing: bool) {
    let mut counted = BTreeMap::<&str, usize>::new();
    for (key, title) in cases {
        let mine = tests.get(key);
        let word = mine.map_or("no test", worst);
        *counted.entry(word).or_default() += 1;
        if only_missing && word == "passed" {
            continue;
        }
        println!("{:<7} {:03}  {word:<8}  {title}", key.set, key.number);
        for (name, verdict) in mine.into_iter().flatten() {
            println!(
                "                       {name}: {}",
                verdict.map_or("not run", Verdict::word)
            );
        }
    }
    let unknown = tests
        .keys()
        .filter(|key| !cases.iter().any(|(known, _)| known == *key));
    for key in unknown {
        println!(
            "{:<7} {:03}  is no case, but has a test",
            key.set, key.number
        );
    }
    let counts: Vec<_> = counted
        .iter()
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    println!("\n{} cases: {}", cases.len(), counts.join(", "));
}

/// A case is as good as its worst test; one that was not run proves nothing.
fn worst(tests: &Tests) -> &'static str {
    let has = |wanted| tests.values().any(|verdict| *verdict == wanted);
    match () {
        () if has(Some(Verdict::Failed)) => "FAILED",
        () if has(Some(Verdict::Passed)) => "passed",
        () if has(Some(Verdict::Skipped)) => "skipped",
        () => "not run",
    }
}

/// The cases of the list: set, number and title, separated by tabs. On failure the line that is none.
fn cases(list: &str) -> Result<Vec<(Key, String)>, String> {
    let lines = list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let case = |line: &str| {
        let [set, number, title] = line.split('\t').collect::<Vec<_>>()[..] else {
            return None;
        };
        let set = SETS.iter().find(|known| known.name == set)?;
        Some((
            Key {
                set: set.name,
                number: number.parse().ok()?,
            },
            title.to_owned(),
        ))
    };
    lines
        .map(|line| case(line).ok_or_else(|| line.to_owned()))
        .collect()
}

/// Finds the tests in every source file below a folder.
fn gather(folder: &Path, tests: &mut BTreeMap<Key, Tests>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, tests);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rs" || extension == "ts")
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            let rust = path.extension().is_some_and(|extension| extension == "rs");
            for name in names(&text, rust) {
                if let Some(key) = key(&name) {
                    tests.entry(key).or_default().insert(name, None);
                }
            }
        }
    }
}

/// Names of tests: after `fn ` in Rust, at the beginning of a test's title in TypeScript.
fn names(text: &str, rust: bool) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim_start) {
        let from = if rust {
            ["fn ", "async fn "]
                .iter()
                .find_map(|word| line.strip_prefix(word))
        } else {
            ["it(", "test("]
                .iter()
                .find_map(|word| line.strip_prefix(word))
                .map(|rest| rest.trim_start_matches(['\'', '"', '`']))
        };
        let name: String = from
            .unwrap_or_default()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if key(&name).is_some() {
            found.push(name);
        }
    }
    found
}

/// `case_052_refused_microphone` → task 52
fn key(name: &str) -> Option<Key> {
    let (rest, set) = SETS
        .iter()
        .find_map(|set| Some((name.strip_prefix(set.prefix)?, set)))?;
    let (number, words) = rest.split_once('_')?;
    let number =
        (number.len() == set.digits && !words.is_empty()).then(|| number.parse().ok())??;
    Some(Key {
        set: set.name,
        number,
    })
}

/// Enters the verdicts of the last run: suite, full name, verdict, separated by tabs.
fn mark(results: &str, tests: &mut BTreeMap<Key, Tests>) {
    for line in results.lines() {
        let [_, full, verdict] = line.split('\t').collect::<Vec<_>>()[..] else {
            continue;
        };
        for name in full.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
            let noted = key(name).and_then(|key| tests.get_mut(&key)?.get_mut(name));
            if let Some(noted) = noted {
                *noted = Verdict::of(verdict).max(*noted);
            }
        }
    }
}

fn read(path: &Path) -> Outcome<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Stop::because(format!("cannot read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK_52: Key = Key {
        set: "task",
        number: 52,
    };

    #[test]
    fn the_list_has_every_case_once_and_in_order() {
        let list = read(&run::root().join(CASES)).expect("the list");
        let cases = cases(&list).expect("usable lines");
        let numbers = |set| {
            cases
                .iter()
                .filter(|(key, _)| key.set == set)
                .map(|(key, _)| key.number)
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers("task"), (1..=266).collect::<Vec<_>>());
        assert_eq!(numbers("calling"), (1..=100).collect::<Vec<_>>());
        assert_eq!(numbers("signin"), (1..=32).collect::<Vec<_>>());
        assert!(cases.iter().all(|(_, title)| title.len() > 10));
    }

    #[test]
    fn a_test_names_its_case() {
        assert_eq!(key("case_052_refused_microphone"), Some(TASK_52));
        assert_eq!(
            key("calling_007_both_down"),
            Some(Key {
                set: "calling",
                number: 7
            })
        );
        assert_eq!(
            key("signin_07_a_foreign_host"),
            Some(Key {
                set: "signin",
                number: 7
            })
        );
        assert_eq!(key("signin_007_long"), None);
        assert_eq!(key("case_52_short"), None);
        assert_eq!(key("case_052_"), None);
        assert_eq!(key("a_case_052_inside"), None);
    }

    #[test]
    fn tests_are_found_in_rust_and_typescript() {
        let rust = "    #[test]\n    fn case_001_hold() {\n    async fn calling_012_wdm() {\n    // fn case_009_not_me\n    fn case_study() {";
        assert_eq!(names(rust, true), ["case_001_hold", "calling_012_wdm"]);
        assert_eq!(
            names(
                "  it('case_255_connected voice', () => {\n  test(\"case_256_held\")",
                false
            ),
            ["case_255_connected", "case_256_held"]
        );
    }

    #[test]
    fn a_failure_anywhere_outweighs_a_pass() {
        let mut tests = BTreeMap::from([(
            TASK_52,
            Tests::from([
                ("case_052_a".to_owned(), None),
                ("case_052_b".to_owned(), None),
            ]),
        )]);
        assert_eq!(worst(&tests[&TASK_52]), "not run");
        mark("deskline-core\ttask::case_052_a\tpassed\n", &mut tests);
        assert_eq!(worst(&tests[&TASK_52]), "passed");
        mark("x\tcase_052_b\tfailed\nx\tcase_052_b\tpassed\n", &mut tests);
        assert_eq!(worst(&tests[&TASK_52]), "FAILED");
    }

    #[test]
    fn an_unusable_line_is_named() {
        assert_eq!(
            cases("# a remark\n\ntask\t001\ttitle")
                .expect("usable")
                .len(),
            1
        );
        assert_eq!(cases("task 001 title"), Err("task 001 title".to_owned()));
        assert_eq!(
            cases("tusk\t001\ttitle"),
            Err("tusk\t001\ttitle".to_owned())
        );
    }
}
