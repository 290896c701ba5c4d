//! What a value looks like, without what it says.

use serde_json::Value;

/// Longest shape of a text.
const LONGEST: usize = 40;

/// The kind of a value.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "truth",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// A value by its kind and shape: `text like Aaaa 99`, `object {id, name}`.
pub(super) fn of(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => kind(value).to_owned(),
        Value::Number(number) => format!("number like {}", letters(&number.to_string())),
        Value::String(text) if text.is_empty() => "empty text".to_owned(),
        Value::String(text) if is_uuid(text) => "text like a uuid".to_owned(),
        Value::String(text) => format!("text like {}", letters(text)),
        Value::Array(list) => match list.first() {
            Some(first) => format!("list of {}: {}", list.len(), of(first)),
            None => "empty list".to_owned(),
        },
        Value::Object(object) => {
            let names: Vec<_> = object.keys().map(|key| name(key)).collect();
            format!("object {{{}}}", names.join(", "))
        }
    }
}

/// A member's name, or its shape where it is no name: keys may be numbers and addresses of people.
pub(super) fn name(key: &str) -> String {
    let is_name = !key.is_empty()
        && key.len() <= LONGEST
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.$".contains(c))
        && key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().filter(char::is_ascii_digit).count() < 4;
    if is_name {
        key.to_owned()
    } else if is_uuid(key) {
        "<uuid>".to_owned()
    } else {
        format!("<{}>", letters(key))
    }
}

/// A word of a protocol as it is, everything else by its shape.
pub(super) fn word(text: &str) -> String {
    let is_word = !text.is_empty()
        && text.len() <= LONGEST
        && text
            .chars()
            .all(|c| c.is_ascii_alphabetic() || "_-.".contains(c));
    if is_word {
        text.to_owned()
    } else {
        format!("<{}>", letters(text))
    }
}

/// Whether a text is an id like `a8f8f115-3fc3-5920-94a2-9937c3438a64`.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

fn letters(text: &str) -> String {
    let mut shape: String = text
        .chars()
        .take(LONGEST)
        .map(|c| match c {
            c if c.is_numeric() => '9',
            c if c.is_uppercase() => 'A',
            c if c.is_alphabetic() => 'a',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    if text.chars().count() > LONGEST {
        shape.push('…');
    }
    shape
}
