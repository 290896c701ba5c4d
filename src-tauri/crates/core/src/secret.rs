//! Values that must not be printed.

use deskline_wire::Json;
use zeroize::Zeroize as _;

/// A secret text (token, code). `Debug` never shows it, and its memory is overwritten when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that must send or store it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize(); // a core dump or a swapped page must not hold what is not needed any more
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What is shown in the place of a credential (contact-center 2.5).
const HIDDEN: &str = "*";

/// A body of the far side without credentials: the value of every `Authorization` and every text
/// that repeats the token becomes `*`.
#[must_use]
pub fn without_credentials(body: Json, token: Option<&Secret>) -> Json {
    match body {
        Json::Object(fields) => Json::Object(
            fields
                .into_iter()
                .map(|(key, value)| {
                    let value = if key.eq_ignore_ascii_case("authorization") {
                        Json::from(HIDDEN)
                    } else {
                        without_credentials(value, token)
                    };
                    (key, value)
                })
                .collect(),
        ),
        Json::Array(items) => Json::Array(
            items
                .into_iter()
                .map(|item| without_credentials(item, token))
                .collect(),
        ),
        Json::String(text) => match token.map(Secret::reveal) {
            Some(token) if !token.is_empty() && text.contains(token) => {
                Json::String(text.replace(token, HIDDEN))
            }
            Some(_) | None => Json::String(text),
        },
        Json::Null | Json::Bool(_) | Json::Number(_) => body,
    }
}

#[cfg(test)]
mod tests {
    use deskline_wire::json;

    use super::*;

    #[test]
    fn case_022_credentials_are_a_star_at_any_depth() {
        let token = Secret::new("T0KEN");
        let body = json!({
            "headers": {"Authorization": "Bearer T0KEN", "x": 1},
            "list": [{"authorization": ["Basic abc"]}],
            "message": "the token T0KEN is spent",
            "kept": [null, true, "text"],
        });
        assert_eq!(
            without_credentials(body, Some(&token)),
            json!({
                "headers": {"Authorization": "*", "x": 1},
                "list": [{"authorization": "*"}],
                "message": "the token * is spent",
                "kept": [null, true, "text"],
            })
        );
    }
}
