//! Whether a number may be used: at station login (contact-center 5.1), and before the agent calls it.

/// Why a number is not one to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberProblem {
    /// Not a number at all.
    Invalid,
    /// The dial plan does not take it, and it has too few digits for a number of the public network.
    TooShort,
    /// The dial plan does not take it.
    NotAllowed,
}

/// Fewer digits than this are no number of the public network (E.164 knows none below seven with country code).
const PUBLIC_DIGITS: usize = 7;

/// The number as it is dialled: without what people put between digits to read them.
#[must_use]
pub fn plain(number: &str) -> String {
    number
        .chars()
        .filter(|letter| {
            !letter.is_whitespace() && !matches!(letter, '(' | ')' | '-' | '.' | '/' | '\u{2011}')
        })
        .collect()
}

/// What is wrong with a number the agent wants to call; `None` if the dial plan takes it.
#[must_use]
pub fn check(plan: Option<&[String]>, number: &str) -> Option<NumberProblem> {
    let number = plain(number);
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let is_number = digits > 0
        && number.chars().enumerate().all(|(index, letter)| {
            letter.is_ascii_digit()
                || matches!(letter, '*' | '#' | ',')
                || (letter == '+' && index == 0)
        });
    if !is_number {
        Some(NumberProblem::Invalid)
    } else if accepts(plan, &number) {
        None
    } else if digits < PUBLIC_DIGITS {
        Some(NumberProblem::TooShort)
    } else {
        Some(NumberProblem::NotAllowed)
    }
}

/// Checks a number against the profile's patterns; without a dial plan against the built-in one.
///
/// Patterns are searched for anywhere in the number; an invalid pattern counts as no match.
#[must_use]
pub fn accepts(plan: Option<&[String]>, number: &str) -> bool {
    match plan {
        Some(patterns) if !patterns.is_empty() => patterns.iter().any(|pattern| {
            regex_lite::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(number))
        }),
        _ => is_us_number(number),
    }
}

/// `1`, three digits, one of 2–9, six digits: anywhere in the text. Commas with digits may follow,
/// which an unanchored search need not look at.
fn is_us_number(number: &str) -> bool {
    number.as_bytes().windows(11).any(|window| {
        window.iter().all(u8::is_ascii_digit)
            && window[0] == b'1'
            && (b'2'..=b'9').contains(&window[4])
    })
}

#[cfg(test)]
mod tests {
    use super::{NumberProblem, accepts, check, plain};

    #[test]
    fn what_is_wrong_with_a_number() {
        let plan = ["^\\+49[0-9]{6,}$".to_owned(), "^[0-9]{4}$".to_owned()];
        let checked = |number| check(Some(&plan), number);
        for good in ["+4930123456", "+49 (30) 123-456", "1002"] {
            assert_eq!(checked(good), None, "{good}");
        }
        for bad in ["", "  ", "+", "Ada", "49+30", "+49 30 x", "١٢٣٤"] {
            assert_eq!(checked(bad), Some(NumberProblem::Invalid), "{bad}");
        }
        assert_eq!(checked("110"), Some(NumberProblem::TooShort));
        assert_eq!(checked("+14085550123"), Some(NumberProblem::NotAllowed));
        assert_eq!(check(None, "+1 408 555 0123"), None);
        assert_eq!(check(None, "408"), Some(NumberProblem::TooShort));
    }

    #[test]
    fn a_number_is_dialled_without_what_helps_to_read_it() {
        assert_eq!(plain(" +1 (408) 555-0123\u{a0}"), "+14085550123");
        assert_eq!(plain("12,,34#"), "12,,34#");
    }

    #[test]
    fn an_invalid_pattern_counts_as_no_match() {
        let plan = ["(".to_owned(), "^9[0-9]{3}$".to_owned()];
        assert!(accepts(Some(&plan), "9123"));
        assert!(!accepts(Some(&plan), "8123"));
        assert!(!accepts(Some(&plan[..1]), "9123"));
    }

    #[test]
    fn without_a_plan_the_built_in_pattern_decides() {
        assert!(accepts(None, "14085550123"));
        assert!(accepts(None, "+14085550123,,12"));
        assert!(!accepts(None, "12"));
        assert!(!accepts(None, "14081550123"));
        assert!(!accepts(Some(&[]), "442079460958"));
    }
}
