//! Which addresses may be asked, and how a path is joined to them (contact-center 2.1, calling 1.2).

use deskline_wire::Catalog;
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

/// Replaces a host the catalog maps elsewhere: if `host[:port]` is one of its keys, the first
/// entry's host takes its place. An entry without a port keeps the port there was.
pub(crate) fn map_host(catalog: &Catalog, mut url: Url) -> Url {
    let Some(name) = url.host_str() else {
        return url;
    };
    let with_port = match url.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    };
    let Some(entry) = catalog
        .hosts
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(&with_port))
        .and_then(|(_, entries)| entries.first())
    else {
        return url;
    };
    let Ok(wanted) = Url::parse(&format!("{}://{}", url.scheme(), entry.host)) else {
        tracing::warn!(host = %entry.host, "the catalog maps a host to an unusable one");
        return url;
    };
    let is_mapped = url.set_host(wanted.host_str()).is_ok()
        && wanted
            .port()
            .is_none_or(|port| url.set_port(Some(port)).is_ok());
    if !is_mapped {
        tracing::warn!(host = %entry.host, "the catalog maps a host to an unusable one");
    }
    url
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskline_wire::json;

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

    #[test]
    fn mapped_hosts_are_replaced_by_the_first_entry() {
        let catalog = Catalog::from_json(&json!({"hostCatalog": {
            "a.test": [{"host": "b.test", "priority": 1, "id": "urn:TEAM:x:y"},
                       {"host": "c.test", "priority": 2, "id": "urn:TEAM:x:y"}],
            "127.0.0.1:8443": [{"host": "127.0.0.1:8444", "priority": -1, "id": "urn:TEAM:x:y"}],
            "d.test:99": [{"host": "e.test", "priority": -1, "id": "urn:TEAM:x:y"}],
        }}));
        let mapped = |url: &str| map_host(&catalog, Url::parse(url).unwrap()).to_string();
        assert_eq!(mapped("https://a.test/x?y=1"), "https://b.test/x?y=1");
        assert_eq!(
            mapped("https://127.0.0.1:8443/x"),
            "https://127.0.0.1:8444/x"
        );
        assert_eq!(mapped("https://d.test:99/x"), "https://e.test:99/x");
        assert_eq!(mapped("https://d.test/x"), "https://d.test/x");
        assert_eq!(mapped("https://a.test:8443/x"), "https://a.test:8443/x");
    }
}
