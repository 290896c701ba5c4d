//! What test programs print, as numbers: libtest's lines and vitest's JSON report.

use std::iter::Sum;
use std::ops::AddAssign;

use serde_json::Value;

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

/// How one test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Passed,
    Skipped,
    Failed,
}

/// One test by its full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
}

/// What one test program told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) tally: Tally,
    pub(crate) cases: Vec<Case>,
}

impl Tally {
    /// One thing that failed without being a test: a build, a gate, a program that died.
    pub(crate) const ONE_FAILURE: Self = Self {
        passed: 0,
        failed: 1,
        skipped: 0,
    };
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

/// The words of the command's last line.
impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

impl Verdict {
    /// The word for tables and files.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// The verdict of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        [Self::Passed, Self::Skipped, Self::Failed]
            .into_iter()
            .find(|verdict| verdict.word() == word)
    }
}

/// Reads what libtest printed. `None` if it never came to its last line, as when a test aborts the program.
pub(crate) fn libtest(printed: &str) -> Option<Account> {
    let mut account = Account::default();
    let mut ended = false;
    for line in printed.lines() {
        if let Some(numbers) = line.strip_prefix("test result: ") {
            account.tally += Tally {
                passed: number_before(numbers, " passed")?,
                failed: number_before(numbers, " failed")?,
                skipped: number_before(numbers, " ignored")?,
            };
            ended = true;
        } else if let Some(case) = line.strip_prefix("test ").and_then(libtest_case) {
            account.cases.push(case);
        }
    }
    ended.then_some(account)
}

/// Reads vitest's JSON report. A file that could not even be loaded counts as one failure.
pub(crate) fn vitest(report: &str) -> Option<Account> {
    let report: Value = serde_json::from_str(report).ok()?;
    let mut account = Account::default();
    for file in report.get("testResults")?.as_array()? {
        let assertions = file.get("assertionResults")?.as_array()?;
        if assertions.is_empty() && file["status"] == "failed" {
            account.tally += Tally::ONE_FAILURE;
        }
        for assertion in assertions {
            let verdict = match assertion["status"].as_str()? {
                "passed" => Verdict::Passed,
                "failed" => Verdict::Failed,
                _ => Verdict::Skipped, // "pending", "skipped", "todo", "disabled"
            };
            account.cases.push(Case {
                name: assertion["fullName"].as_str()?.trim().to_owned(),
                verdict,
            });
            match verdict {
                Verdict::Passed => account.tally.passed += 1,
                Verdict::Failed => account.tally.failed += 1,
                Verdict::Skipped => account.tally.skipped += 1,
            }
        }
    }
    Some(account)
}

/// `…; 12 failed; …` with ` failed` → 12
fn number_before(text: &str, word: &str) -> Option<u64> {
    text[..text.find(word)?].rsplit(' ').next()?.parse().ok()
}

/// `rules::hold_waits ... ok`, also `... ignored, because`, `... FAILED` and ` - should panic ... ok`.
fn libtest_case(line: &str) -> Option<Case> {
    let (name, verdict) = line.rsplit_once(" ... ")?;
    let verdict = match verdict.split([',', ' ']).next()? {
        "ok" => Verdict::Passed,
        "FAILED" => Verdict::Failed,
        "ignored" => Verdict::Skipped,
        _ => return None,
    };
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    Some(Case {
        name: name.to_owned(),
        verdict,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "
running 4 tests
test rules::case_001_hold_resolves ... ok
test rules::boom - should panic ... ok
test rules::slow ... ignored, needs a sound card
test rules::wrong ... FAILED

failures:
    rules::wrong

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.52s
";

    #[test]
    fn libtest_is_counted_by_its_own_last_line() {
        let account = libtest(PRINTED).expect("a result line");
        assert_eq!(
            account.tally,
            Tally {
                passed: 2,
                failed: 1,
                skipped: 1
            }
        );
        let verdicts: Vec<_> = account
            .cases
            .iter()
            .map(|case| (case.name.as_str(), case.verdict))
            .collect();
        assert_eq!(
            verdicts,
            [
                ("rules::case_001_hold_resolves", Verdict::Passed),
                ("rules::boom", Verdict::Passed),
                ("rules::slow", Verdict::Skipped),
                ("rules::wrong", Verdict::Failed),
            ]
        );
    }

    #[test]
    fn a_program_that_died_gives_no_account() {
        assert_eq!(libtest("running 1 test\nthread 'x' panicked\n"), None);
        assert_eq!(libtest(""), None);
    }

    #[test]
    fn several_result_lines_add_up() {
        let twice = format!("{PRINTED}{PRINTED}");
        assert_eq!(libtest(&twice).expect("results").tally.passed, 4);
    }

    #[test]
    fn a_garbled_result_line_is_no_success() {
        assert_eq!(
            libtest("test result: ok. many passed; 0 failed; 0 ignored;"),
            None
        );
    }

    #[test]
    fn vitest_is_counted_by_its_assertions() {
        let report = r#"{"numTotalTests":3,"testResults":[
            {"status":"passed","assertionResults":[
                {"fullName":"apply case_255_connected","status":"passed"},
                {"fullName":"apply later","status":"todo"}]},
            {"status":"failed","assertionResults":[{"fullName":"clock","status":"failed"}]},
            {"status":"failed","message":"SyntaxError","assertionResults":[]}]}"#;
        let account = vitest(report).expect("a report");
        assert_eq!(
            account.tally,
            Tally {
                passed: 1,
                failed: 2,
                skipped: 1
            }
        );
        assert_eq!(account.cases[0].name, "apply case_255_connected");
    }

    #[test]
    fn nonsense_is_no_report() {
        assert_eq!(vitest("npm ERR! missing script"), None);
        assert_eq!(vitest("{}"), None);
    }

    #[test]
    fn the_last_line_names_skipped_tests_only_if_there_are_any() {
        assert_eq!(
            Tally {
                passed: 3,
                failed: 0,
                skipped: 0
            }
            .to_string(),
            "3 passed, 0 failed"
        );
        assert_eq!(
            Tally {
                passed: 3,
                failed: 1,
                skipped: 2
            }
            .to_string(),
            "3 passed, 1 failed, 2 skipped"
        );
    }
}
