//! Where in a scenario's text something stands, so that a message about a value names its line.

use toml::de::{DeTable, DeValue};

/// One step on the way to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a table.
    Key(String),
    /// Into a list.
    Index(usize),
}

impl Step {
    pub(super) fn key(name: &str) -> Self {
        Self::Key(name.to_owned())
    }
}

/// Byte offset of the key a path leads to, or of the last thing on the way that is there.
pub(super) fn offset(text: &str, path: &[Step]) -> usize {
    let Ok(table) = DeTable::parse(text) else {
        return 0;
    };
    let mut at = 0;
    let mut here = DeValue::Table(table.into_inner());
    for step in path {
        let (found, next) = match (step, here) {
            (Step::Key(name), DeValue::Table(mut table)) => {
                let Some((key, value)) = table.remove_entry(name.as_str()) else {
                    return at;
                };
                (key.span().start, value)
            }
            (Step::Index(index), DeValue::Array(array)) => {
                let Some(value) = array.into_iter().nth(*index) else {
                    return at;
                };
                (value.span().start, value)
            }
            // The text leads elsewhere than the path.
            (Step::Key(_) | Step::Index(_), _) => return at,
        };
        at = found;
        here = next.into_inner();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_key_or_as_far_as_it_goes() {
        let text = "[[contact]]\nat_seconds = 1\n[[contact]]\nat_seconds = 2\nvoice = \"banjo\"\n";
        let line = |path: &[Step]| text[..offset(text, path)].lines().count() + 1;
        let second = [Step::key("contact"), Step::Index(1)];
        assert_eq!(line(&[&second[..], &[Step::key("voice")]].concat()), 5);
        assert_eq!(line(&[&second[..], &[Step::key("queue")]].concat()), 3);
        assert_eq!(line(&[Step::key("queue")]), 1);
    }
}
