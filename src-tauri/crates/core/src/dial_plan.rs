//! Whether a number may be used at station login (contact-center 5.1).

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
    use super::accepts;

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
