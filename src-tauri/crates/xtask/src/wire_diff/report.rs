//! What was found: grouped, counted, each with the place of its first appearance and the source of what we know.

use std::collections::BTreeMap;
use std::fmt;

/// What can be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finding {
    /// An event nobody named.
    Event,
    /// A request we would not have made.
    Request,
    /// A status the request was never seen with.
    Status,
    /// A member, or a name of a query.
    Member,
    /// A word in a field of words.
    Word,
    /// A member the client needs, and that is not there.
    Missing,
    /// A member of another kind.
    Kind,
}

impl Finding {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Event, "unknown events"),
        (Self::Request, "unknown requests"),
        (Self::Status, "unknown statuses"),
        (Self::Member, "unknown members"),
        (Self::Word, "unknown words"),
        (Self::Missing, "missing members"),
        (Self::Kind, "members of another kind"),
    ];
}

#[derive(Debug)]
struct Seen {
    count: usize,
    first: usize,
    source: String,
}

/// Everything found in one recording.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) frames: usize,
    pub(super) exchanges: usize,
    found: BTreeMap<(Finding, String, String), Seen>,
    nonsense: Vec<(usize, &'static str)>,
}

impl Report {
    /// Notes something unknown; the same again is counted.
    pub(super) fn found(
        &mut self,
        line: usize,
        finding: Finding,
        place: &str,
        what: String,
        source: &str,
    ) {
        let seen = self
            .found
            .entry((finding, place.to_owned(), what))
            .or_insert_with(|| Seen {
                count: 0,
                first: line,
                source: source.to_owned(),
            });
        seen.count += 1;
    }

    /// Notes a line nobody can read.
    pub(super) fn nonsense(&mut self, line: usize, why: &'static str) {
        self.nonsense.push((line, why));
    }

    /// Whether everything was known.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.nonsense.is_empty()
    }

    /// Whether there were lines nobody can read.
    pub(super) fn has_nonsense(&self) -> bool {
        !self.nonsense.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} frames, {} exchanges", self.frames, self.exchanges)?;
        for (finding, title) in Finding::ALL {
            let group: Vec<_> = self
                .found
                .iter()
                .filter(|((kind, _, _), _)| *kind == finding)
                .collect();
            if group.is_empty() {
                continue;
            }
            writeln!(f, "\n{title} ({})", group.len())?;
            for ((_, place, what), seen) in group {
                let place = if place.is_empty() {
                    String::new()
                } else {
                    format!("{place}  ")
                };
                let times = if seen.count == 1 {
                    "once".to_owned()
                } else {
                    format!("{} times", seen.count)
                };
                writeln!(f, "  {place}{what}")?;
                let source = if seen.source.is_empty() {
                    String::new()
                } else {
                    format!("; we know {}", seen.source)
                };
                writeln!(f, "      {times}, first in line {}{source}", seen.first)?;
            }
        }
        if !self.nonsense.is_empty() {
            writeln!(f, "\nnonsense ({})", self.nonsense.len())?;
            for (line, why) in &self.nonsense {
                writeln!(f, "  line {line}: {why}")?;
            }
        }
        if self.is_empty() {
            writeln!(f, "Nothing unknown.")?;
        }
        Ok(())
    }
}
