//! What the fields of our fixtures may hold: protocol words, codes, plain numbers; and which keys and
//! path segments are the protocol's own.
//!
//! The list is `fixtures/words.json`, beside the fixtures it describes. It decides nothing about a
//! session: an unknown word travels on like every other. It is for those who look at recordings, and for
//! those who make them and must tell a word of the protocol from a word of a customer.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::Value;

/// The list itself.
pub const LIST: &str = include_str!("../fixtures/words.json");

static WORDS: LazyLock<Words> = LazyLock::new(Words::read);

/// The list, read.
#[derive(Debug, Default)]
pub struct Words {
    words: Vec<(Vec<String>, Vec<String>)>,
    codes: Vec<Vec<String>>,
    numbers: HashSet<String>,
    maps: HashSet<String>,
    segments: HashSet<String>,
}

impl Words {
    /// The one list.
    #[must_use]
    pub fn known() -> &'static Self {
        &WORDS
    }

    fn read() -> Self {
        let list: Value = serde_json::from_str(LIST).expect("words.json is tested");
        let each = |name: &str| list[name].as_array().into_iter().flatten();
        let at = |entry: &Value| parts(entry["at"].as_str().unwrap_or_default());
        let texts = |name: &str| -> HashSet<String> {
            each(name)
                .filter_map(|text| text.as_str().map(str::to_owned))
                .collect()
        };
        Self {
            words: each("words")
                .map(|entry| {
                    let values = entry["values"].as_array().into_iter().flatten();
                    let values = values.filter_map(|text| text.as_str().map(str::to_owned));
                    (at(entry), values.collect())
                })
                .collect(),
            codes: each("codes").map(at).collect(),
            numbers: texts("numbers"),
            maps: texts("maps"),
            segments: texts("segments"),
        }
    }

    /// The words a field is known to hold; `None` if it is no field of protocol words. The longest
    /// entry that a path ends like is the one that counts.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&[String]> {
        self.words
            .iter()
            .filter(|(end, _)| ends_like(path, end))
            .max_by_key(|(end, _)| end.len())
            .map(|(_, values)| values.as_slice())
    }

    /// Whether a field holds codes in capitals, or texts of people (contact-center 2.8, sign-in 1).
    #[must_use]
    pub fn is_code(&self, path: &[&str]) -> bool {
        self.codes.iter().any(|end| ends_like(path, end))
    }

    /// Whether a number of this name is about the protocol, not about people.
    #[must_use]
    pub fn is_plain_number(&self, name: &str) -> bool {
        self.numbers.contains(name)
    }

    /// Whether the keys of an object of this name are ids, numbers or names that the far side chose.
    #[must_use]
    pub fn is_map(&self, name: &str) -> bool {
        self.maps.contains(name)
    }

    /// Whether a segment of an address is the protocol's own, not an id.
    #[must_use]
    pub fn is_segment(&self, segment: &str) -> bool {
        self.segments.contains(segment)
    }

    /// Every field of protocol words, as its path's end.
    pub fn fields(&self) -> impl Iterator<Item = &[String]> {
        self.words.iter().map(|(end, _)| end.as_slice())
    }
}

fn parts(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

fn ends_like(path: &[&str], end: &[String]) -> bool {
    path.len() >= end.len()
        && path[path.len() - end.len()..]
            .iter()
            .zip(end)
            .all(|(have, want)| have == want)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_entry_counts() {
        let words = Words::known();
        let kinds = words.at(&["data", "interaction", "participants", "*", "type"]);
        assert!(kinds.is_some_and(|words| words.contains(&"EpDn".to_owned())));
        assert!(
            words
                .at(&["data", "interaction", "participants", "*", "name"])
                .is_none()
        );
        assert!(words.is_code(&["data", "reason"]) && !words.is_code(&["reason"]));
        assert!(words.is_map("participants") && !words.is_map("callProcessingDetails"));
        assert!(words.is_segment("organization") && !words.is_segment("spring-2026"));
    }
}
