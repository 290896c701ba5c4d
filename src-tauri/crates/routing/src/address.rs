//! Which addresses may be asked, and how a path is joined to them (contact-center 2.1, calling 1.2).

use url::{Host, Url};

use crate::problem::RoutingError;

/// Joins a resource to a service: one slash goes from the service's end and one from the
/// resource's beginning; a slash at the resource's end stays (`/v1/tasks/`).
///
/// # Errors
/// [`RoutingError::BadAnswer`] if that is no URL, or one that must not be asked.
pub(crate) fn join(base: &str, resource: &str) -> Result<Url, RoutingError> {
    let base = base.strip_suffix('/').unwrap_or(base);
    let resource = resource.strip_prefix('/').unwrap_or(resource);
    checked(&format!("{base}/{resource}"), ["https", "http"])
}

/// Reads an address and refuses schemes we do not speak; the unencrypted one is for loopback
/// hosts only (headless section 6).
///
/// # Errors
/// [`RoutingError::BadAnswer`] with the reason; never with more of the address than its host,
/// because the socket's address is a secret.
pub(crate) fn checked(address: &str, [safe, plain]: [&str; 2]) -> Result<Url, RoutingError> {
    let url = Url::parse(address)
        .map_err(|error| RoutingError::bad_answer(format!("an unusable address: {error}")))?;
    if url.host().is_none() {
        return Err(RoutingError::bad_answer(
            "an unusable address: it names no host",
        ));
    }
    if url.scheme() == safe || (url.scheme() == plain && is_loopback(&url)) {
        return Ok(url);
    }
    Err(RoutingError::bad_answer(format!(
        "{}://{} is refused: {plain} is for this machine only, {safe} is needed",
        url.scheme(),
        url.host_str().unwrap_or_default(),
    )))
}

/// Whether the address is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn one_slash_goes_and_the_last_one_stays() {
        let joined = |base, resource| join(base, resource).unwrap().to_string();
        assert_eq!(
            joined("https://g.test/", "/v1/tasks/"),
            "https://g.test/v1/tasks/"
        );
        assert_eq!(
            joined("https://g.test", "v1/tasks"),
            "https://g.test/v1/tasks"
        );
        assert_eq!(
            joined(
                "https://g.test/base/",
                "organization/O/v2/team?filter=id=in=(a,b)"
            ),
            "https://g.test/base/organization/O/v2/team?filter=id=in=(a,b)"
        );
    }

    #[test]
    fn plain_text_is_for_this_machine_only() {
        for local in [
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:1",
            "http://127.9.9.9",
        ] {
            assert!(join(local, "x").is_ok(), "{local}");
        }
        for foreign in [
            "http://gateway.test",
            "http://10.0.0.1",
            "ftp://localhost",
            "nonsense",
            "http://localhost.evil.test",
        ] {
            assert!(join(foreign, "x").is_err(), "{foreign}");
        }
        assert!(checked("ws://gateway.test/secret", ["wss", "ws"]).is_err());
        assert!(checked("ws://127.0.0.1:1/s", ["wss", "ws"]).is_ok());
    }

    #[test]
    fn a_refused_socket_address_does_not_tell_its_secret() {
        let error = checked("ws://gateway.test/sub/secret-1", ["wss", "ws"]).unwrap_err();
        assert!(!error.to_string().contains("secret-1"));
    }
}
