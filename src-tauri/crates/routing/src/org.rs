//! The organisation, read out of the access token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deskline_core::{OrgId, Secret};
use deskline_wire::Json;

/// Reads the org id out of an access token: `realm` of a JWT first, else the third of exactly
/// three parts joined by `_` (sign-in section 3).
// JWTs may hold `_` themselves, so they are decoded first and never split.
#[must_use]
pub fn organization_of(token: &Secret) -> Option<OrgId> {
    let token = token.reveal().trim();
    realm(token).or_else(|| third_part(token)).map(OrgId)
}

fn realm(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Json = serde_json::from_slice(&payload).ok()?;
    claims
        .get("realm")?
        .as_str()
        .filter(|realm| !realm.is_empty())
        .map(str::to_owned)
}

fn third_part(token: &str) -> Option<String> {
    let parts: Vec<&str> = token.split('_').collect();
    match parts[..] {
        [_, _, org] if !org.is_empty() => Some(org.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(token: &str) -> Option<String> {
        organization_of(&Secret::new(token)).map(|org| org.0)
    }

    fn jwt(claims: &str) -> String {
        format!(
            "eyJhbGciOiJSUzI1NiJ9.{}.c2ln",
            URL_SAFE_NO_PAD.encode(claims)
        )
    }

    #[test]
    fn an_opaque_token_names_its_organisation_third() {
        assert_eq!(org("abc_PF84_0b1c"), Some("0b1c".to_owned()));
        for token in ["abc", "a_b", "a_b_c_d", "a_b_", ""] {
            assert_eq!(org(token), None, "{token}");
        }
    }

    #[test]
    fn a_jwt_names_it_as_realm_even_with_underscores_inside() {
        assert_eq!(
            org(&jwt(r#"{"realm":"org-1","x":"???>>>"}"#)),
            Some("org-1".to_owned())
        );
        let with_underscores = format!("a_b.{}.c_d", URL_SAFE_NO_PAD.encode(r#"{"realm":"R"}"#));
        assert_eq!(org(&with_underscores), Some("R".to_owned()));
    }

    #[test]
    fn a_jwt_without_realm_is_no_token_for_us() {
        assert_eq!(org(&jwt("{}")), None);
        assert_eq!(org("a.b.c"), None);
    }
}
