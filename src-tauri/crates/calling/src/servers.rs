//! Which servers a line may register with (calling 1.2, 1.6; headless 6).

use deskline_wire::{Catalog, Json, mobius};
use url::Url;

/// Domain used when the catalog names no usable one (calling 4.3).
const DEFAULT_DOMAIN: &str = "rtw.prod-us1.rtmsprod.net";

/// Primary and backup calling bases, each once, in order of preference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Servers {
    pub(crate) primary: Vec<String>,
    pub(crate) backup: Vec<String>,
}

impl Servers {
    /// Lists out of a discovery answer by the server `asked`.
    pub(crate) fn from_answer(body: &Json, asked: &str) -> Self {
        let (primary, backup) = mobius::discovered(body);
        let mut servers = Self {
            primary: bases(primary),
            backup: bases(backup),
        };
        let list = if servers.primary.is_empty() && servers.backup.is_empty() {
            &mut servers.primary
        } else {
            &mut servers.backup
        };
        if !list.iter().any(|base| base == asked) {
            list.push(asked.to_owned());
        }
        servers
    }

    /// What is left when nobody could be asked.
    pub(crate) fn fallback(clusters: &[String]) -> Self {
        Self {
            primary: clusters.first().cloned().into_iter().collect(),
            backup: Vec::new(),
        }
    }
}

/// The calling bases of all clusters, in catalog order. Empty: no calling service (N-2).
pub(crate) fn clusters(catalog: &Catalog) -> Vec<String> {
    let link = catalog
        .link("mobius")
        .and_then(|link| Url::parse(link).ok());
    catalog
        .hosts_of("mobius")
        .into_iter()
        .map(|host| {
            let scheme = match &link {
                Some(link) if authority(link).as_deref() == Some(host) => link.scheme(),
                Some(_) | None => "https",
            };
            format!("{scheme}://{host}/api/v1/calling/web/")
        })
        .collect()
}

/// The service domain of the registration (calling 4.3, 1.7.1).
///
/// # Errors
/// The domain, if it is not one the service accepts.
pub(crate) fn service_domain(catalog: &Catalog, fixed: Option<&str>) -> Result<String, String> {
    let domain = match fixed {
        Some(domain) => domain.to_owned(),
        None => catalog
            .link("wcc-calling-rtms-domain")
            .and_then(|link| Url::parse(link).ok())
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| DEFAULT_DOMAIN.to_owned()),
    };
    if is_service_domain(&domain) {
        Ok(domain)
    } else {
        Err(domain)
    }
}

/// Whether a request may go there: TLS, or plain text to this machine (headless 6).
pub(crate) fn is_allowed(url: &Url) -> bool {
    match url.scheme() {
        "https" | "wss" => true,
        "http" | "ws" => is_loopback(url),
        _ => false,
    }
}

/// Whether this machine itself is meant.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The event that says the catalog is stale, and its `timestamp` (calling 1.2).
pub(crate) fn stale_catalog(event: &str) -> Option<Option<String>> {
    const KIND: &str = "u2c.cache-invalidation";
    // Nearly every event is another one: they are not read twice.
    let event: Json = serde_json::from_str(event.contains(KIND).then_some(event)?).ok()?;
    let data = event.get("data")?;
    let is_it = data.get("eventType").and_then(Json::as_str) == Some(KIND);
    is_it.then(|| match data.get("timestamp") {
        Some(Json::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Json::Number(number)) => Some(number.to_string()),
        Some(Json::String(_) | Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_))
        | None => None,
    })
}

/// `H/ping` for a base `H/calling/web/`.
pub(crate) fn ping_address(base: &str) -> String {
    match base.strip_suffix("/calling/web/") {
        Some(root) => format!("{root}/ping"),
        None => format!("{base}ping"),
    }
}

fn bases(roots: Vec<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for root in roots {
        let base = format!("{root}/calling/web/");
        if !found.contains(&base) {
            found.push(base);
        }
    }
    found
}

fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(
        url.port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
    )
}

/// Labels of letters and digits, separated by single `-` or `.`, the last after a dot and of 2–6 letters.
fn is_service_domain(domain: &str) -> bool {
    let Some((front, last)) = domain.rsplit_once('.') else {
        return false;
    };
    (2..=6).contains(&last.len())
        && last.chars().all(|c| c.is_ascii_alphabetic())
        && front
            .split(['.', '-'])
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskline_wire::json;

    use super::*;

    const H1: &str = "https://h1.test/api/v1/calling/web/";
    const P1: &str = "https://p1.test/api/v1/calling/web/";
    const P2: &str = "https://p2.test/api/v1/calling/web/";
    const B1: &str = "https://b1.test/api/v1/calling/web/";

    #[test]
    fn calling_002_the_asked_server_is_the_last_backup() {
        let body = json!({
            "primary": { "region": "US-EAST", "uris": ["https://p1.test/api/v1", "https://p2.test/api/v1"] },
            "backup": { "region": "US-WEST", "uris": ["https://b1.test/api/v1"] },
        });
        let servers = Servers::from_answer(&body, H1);
        assert_eq!(servers.primary, [P1, P2]);
        assert_eq!(servers.backup, [B1, H1]);
    }

    #[test]
    fn calling_003_no_server_stands_in_a_list_twice() {
        let body = json!({
            "primary": { "uris": ["https://p1.test/api/v1", "https://p2.test/api/v1", "https://p1.test/api/v1"] },
            "backup": { "uris": ["https://h1.test/api/v1", "https://b1.test/api/v1"] },
        });
        let servers = Servers::from_answer(&body, H1);
        assert_eq!(servers.primary, [P1, P2]);
        assert_eq!(servers.backup, [H1, B1]);
    }

    #[test]
    fn calling_004_two_empty_lists_leave_the_asked_server_as_primary() {
        let body = json!({ "primary": { "uris": [] }, "backup": { "uris": [] } });
        let servers = Servers::from_answer(&body, H1);
        assert_eq!(
            (servers.primary, servers.backup),
            (vec![H1.to_owned()], vec![])
        );
    }

    #[test]
    fn calling_008_an_answer_without_backup_is_used() {
        let body = json!({ "primary": { "uris": ["https://p1.test/api/v1"] }, "backup": null });
        let servers = Servers::from_answer(&body, H1);
        assert_eq!(
            (servers.primary, servers.backup),
            (vec![P1.to_owned()], vec![H1.to_owned()])
        );
    }

    #[test]
    fn a_cluster_has_the_scheme_of_the_link_only_if_it_is_the_same_host() {
        let catalog = Catalog::from_json(&json!({
            "serviceLinks": { "mobius": "http://127.0.0.1:8443/api/v1" },
            "hostCatalog": { "mobius-local": [
                { "host": "127.0.0.1:8443", "ttl": -1, "priority": -1, "id": "urn:TEAM:local:mobius" },
                { "host": "127.0.0.1:9000", "ttl": -1, "priority": -1, "id": "urn:TEAM:local:mobius" },
            ]},
        }));
        assert_eq!(
            clusters(&catalog),
            [
                "http://127.0.0.1:8443/api/v1/calling/web/",
                "https://127.0.0.1:9000/api/v1/calling/web/"
            ]
        );
    }

    #[test]
    fn only_the_event_itself_makes_the_catalog_stale() {
        let event = |data| stale_catalog(&json!({ "id": "1", "data": data }).to_string());
        let kind = "u2c.cache-invalidation";
        assert_eq!(
            event(json!({ "eventType": kind, "timestamp": "17" })),
            Some(Some("17".to_owned()))
        );
        assert_eq!(
            event(json!({ "eventType": kind, "timestamp": 17 })),
            Some(Some("17".to_owned()))
        );
        assert_eq!(event(json!({ "eventType": kind })), Some(None));
        assert_eq!(event(json!({ "eventType": "x", "text": kind })), None);
        assert_eq!(stale_catalog(kind), None);
    }

    #[test]
    fn service_domains_are_names_with_a_short_last_label() {
        for good in ["rtw.prod-us1.rtmsprod.net", "rtms.sandbox.test", "A.b.IO"] {
            assert!(is_service_domain(good), "{good}");
        }
        for bad in [
            "localhost",
            "127.0.0.1",
            "x.sandbox",
            "a..test",
            "-a.test",
            "a.t",
            ".test",
        ] {
            assert!(!is_service_domain(bad), "{bad}");
        }
    }

    #[test]
    fn plain_text_stays_on_this_machine() {
        let allowed = |url: &str| is_allowed(&Url::parse(url).unwrap());
        assert!(allowed("https://anywhere.test/") && allowed("http://127.0.0.1:1/"));
        assert!(allowed("ws://localhost:1/") && allowed("http://[::1]/"));
        assert!(!allowed("http://anywhere.test/") && !allowed("ws://10.0.0.1/"));
        assert!(!allowed("file:///etc/passwd"));
    }
}
