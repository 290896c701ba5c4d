//! Whose token it is, read out of the token itself (sign-in section 3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deskline_core::{OrgId, Secret};
use serde_json::Value;

/// What a token itself says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Organisation.
    pub org: OrgId,
    /// User, as a uuid, if the token says so.
    pub user: Option<String>,
}

/// Reads the token: claims first, because a self-contained token may hold `_` itself; one without `realm` is no token
/// for us. Else the organisation is the third of exactly three parts.
#[must_use]
pub fn subject_of(token: &Secret) -> Option<Subject> {
    let text = token.reveal().trim();
    if let Some(claims) = claims(text) {
        let claim = |name: &str| {
            let text = claims.get(name)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        return Some(Subject {
            org: OrgId(claim("realm")?),
            user: claim("cis_uuid"),
        });
    }
    let mut parts = text.split('_');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(_), Some(org), None) if !org.is_empty() => Some(Subject {
            org: OrgId(org.to_owned()),
            user: None,
        }),
        _ => None,
    }
}

fn claims(text: &str) -> Option<Value> {
    let mut parts = text.split('.');
    let (_, body, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let body = URL_SAFE_NO_PAD.decode(body.trim_end_matches('=')).ok()?;
    serde_json::from_slice::<Value>(&body)
        .ok()
        .filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn org(token: &str) -> Option<String> {
        subject_of(&Secret::new(token)).map(|subject| subject.org.0)
    }

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln_with_two_", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn signin_17_the_organisation_comes_from_the_token_or_not_at_all() {
        let found = subject_of(&Secret::new(jwt(
            r#"{"realm":"6f1c2a7e","cis_uuid":"u1","private":"a_b_c"}"#,
        )));
        let found = found.unwrap();
        assert_eq!(
            (found.org.0.as_str(), found.user.as_deref()),
            ("6f1c2a7e", Some("u1"))
        );
        assert_eq!(org("x_PF84_6f1c2a7e").as_deref(), Some("6f1c2a7e"));
        // Self-contained without realm, although it splits into three.
        assert_eq!(org(&jwt(r#"{"private":"x"}"#)), None);
        for bad in ["x_6f1c2a7e", "", "abc", "a_b_c_d", "a_b_"] {
            assert_eq!(org(bad), None, "{bad}");
        }
    }
}
