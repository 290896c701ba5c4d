//! Whose token it is (sign-in section 3), and what its scopes do not allow (section 2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deskline_core::OrgId;
use serde_json::Value;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Organisation.
    pub org: OrgId,
    /// User, as a uuid, if known.
    pub user: Option<String>,
    /// Name for people; empty if nobody said.
    pub name: String,
    /// What was granted, if the service said so.
    pub scopes: Option<Vec<String>>,
    /// What was asked for and not granted.
    pub missing: Vec<MissingScope>,
}

/// A scope that was asked for and not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingScope {
    /// Its name.
    pub scope: String,
    /// What it costs, in words.
    pub cost: &'static str,
}

impl MissingScope {
    /// Names what is missing.
    pub(crate) fn all(asked: &[String], granted: Option<&Vec<String>>) -> Vec<Self> {
        let Some(granted) = granted else {
            return Vec::new();
        };
        // The umbrella covers the user's scopes, not those of the contact centre.
        let has_all = granted.iter().any(|scope| scope == "spark:all");
        asked
            .iter()
            .filter(|scope| !granted.contains(scope))
            .filter(|scope| !(has_all && scope.starts_with("spark:")))
            .map(|scope| Self {
                scope: scope.clone(),
                cost: cost_of(scope),
            })
            .collect()
    }
}

fn cost_of(scope: &str) -> &'static str {
    match scope {
        "cjp:user" => "no work as an agent: states and tasks are refused",
        "cjp:config_read" | "cjp:config" => "teams, codes and address books may be missing",
        "spark:webrtc_calling" => "no voice in this app; use a phone or an extension",
        "spark:calls_read" | "spark:calls_write" | "spark:xsi" => "voice in this app may not work",
        "spark:people_read" => "your name may not be shown",
        _ => "something in the app may be refused",
    }
}

/// What the people service says of the one who asks: user id and name.
pub(crate) fn person(body: &[u8]) -> (Option<String>, String) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let user = text("id").and_then(|id| {
        let address = URL_SAFE_NO_PAD.decode(id.trim_end_matches('=')).ok()?;
        let address = String::from_utf8(address).ok()?;
        let (_, user) = address.split_once("/PEOPLE/")?;
        Some(user.to_owned())
    });
    (user, text("displayName").unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn signin_15_what_is_missing_is_named_with_what_it_costs() {
        let asked = ["cjp:user", "spark:webrtc_calling"].map(str::to_owned);
        let granted = vec!["cjp:user".to_owned()];
        let missing = MissingScope::all(&asked, Some(&granted));
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].scope, "spark:webrtc_calling");
        assert!(missing[0].cost.contains("no voice in this app"));
        assert!(MissingScope::all(&asked, None).is_empty());
        let umbrella = vec!["cjp:user".to_owned(), "spark:all".to_owned()];
        assert!(MissingScope::all(&asked, Some(&umbrella)).is_empty());
    }

    #[test]
    fn a_person_is_read_from_the_people_service() {
        let id = URL_SAFE_NO_PAD.encode("ciscospark://us/PEOPLE/u-1");
        let body = format!(r#"{{"id":"{id}","displayName":"Ann Agent"}}"#);
        assert_eq!(
            person(body.as_bytes()),
            (Some("u-1".to_owned()), "Ann Agent".to_owned())
        );
        assert_eq!(person(b"nonsense"), (None, String::new()));
        assert_eq!(
            person(br#"{"id":"%%%","displayName":5}"#),
            (None, String::new())
        );
    }
}
