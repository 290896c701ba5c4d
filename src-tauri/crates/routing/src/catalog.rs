//! Finding the services (contact-center 2.1, calling 1.2).

use std::time::{SystemTime, UNIX_EPOCH};

use deskline_core::OrgId;
use deskline_wire::Catalog;
use url::Url;

use crate::address::join;
use crate::config::Services;
use crate::http::{Ask, Http};
use crate::problem::RoutingError;

/// Name of the routing service in the catalog.
const GATEWAY: &str = "wcc-api-gateway";

/// The routing service: where its link says it is. Which host is asked is decided for each
/// request, by [`deskline_trust::Hosts`].
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    base: String,
}

impl Gateway {
    /// Picks the gateway: the settings' own, else the catalog's.
    ///
    /// # Errors
    /// [`RoutingError`] if neither names one that may be asked.
    pub(crate) fn new(catalog: &Catalog, services: &Services) -> Result<Self, RoutingError> {
        let base = match (&services.gateway, catalog.link(GATEWAY)) {
            (Some(own), _) => own.clone(),
            (None, Some(link)) => link.to_owned(),
            (None, None) => {
                return Err(RoutingError::bad_answer(format!(
                    "the catalog names no {GATEWAY}"
                )));
            }
        };
        let gateway = Self { base };
        gateway.url("")?;
        Ok(gateway)
    }

    /// The address of a resource.
    ///
    /// # Errors
    /// [`RoutingError::BadAnswer`] if it makes no URL that may be asked.
    pub(crate) fn url(&self, resource: &str) -> Result<Url, RoutingError> {
        join(&self.base, resource)
    }
}

/// Asks for the catalog, first without and then with the access token (headless 7.11).
///
/// # Errors
/// [`RoutingError`] if nobody answers, or the second request fails; sign-in cannot go on without.
pub(crate) async fn fetch(http: &Http, u2c: &str, org: &OrgId) -> Result<Catalog, RoutingError> {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("orgId", org.as_str())
        .append_pair("format", "hostmap")
        .finish();
    let before = Ask {
        with_token: false,
        ..Ask::get(join(u2c, &format!("limited/catalog?{query}"))?)
    };
    let before = http.send(&before).await;
    let before = match before.and_then(|answer| answer.json("the limited catalog")) {
        Ok(body) => usable(Catalog::from_json(&body)),
        // The one with the token names everything the other does.
        Err(error @ RoutingError::Refused { .. }) => {
            tracing::warn!(why = %error, "there is no limited catalog");
            Catalog::default()
        }
        Err(
            error @ (RoutingError::Unreachable { .. }
            | RoutingError::BadAnswer { .. }
            | RoutingError::SignInNeeded { .. }
            | RoutingError::NoAssistant { .. }
            | RoutingError::Settings { .. }),
        ) => return Err(error),
    };
    let after = Ask::get(join(u2c, "catalog?format=hostmap")?);
    let after = http.send(&after).await?.json("the catalog")?;
    Ok(merge(usable(Catalog::from_json(&after)), before))
}

/// Asks for the catalog with the token once more, because the one we have is stale (calling 1.2).
///
/// # Errors
/// [`RoutingError`]; an answer that names no service is none. The catalog we have stays in force.
pub(crate) async fn fetch_again(
    http: &Http,
    u2c: &str,
    timestamp: Option<String>,
    before: &Catalog,
) -> Result<Catalog, RoutingError> {
    let timestamp = timestamp.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or_else(|_| "0".to_owned(), |now| now.as_millis().to_string())
    });
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("format", "hostmap")
        .append_pair("timestamp", &timestamp)
        .finish();
    let ask = Ask::get(join(u2c, &format!("catalog?{query}"))?);
    let body = http.send(&ask).await?.json("the catalog")?;
    let after = usable(Catalog::from_json(&body));
    if after.links.is_empty() {
        return Err(RoutingError::bad_answer("the catalog names no service"));
    }
    // Hosts are those of the news alone: an old mapping would undo it.
    let links = Catalog {
        links: before.links.clone(),
        hosts: Vec::new(),
    };
    Ok(merge(after, links))
}

/// Without the links that are no addresses: the group searched next may know better.
fn usable(mut catalog: Catalog) -> Catalog {
    catalog.links.retain(|(name, link)| {
        let is_usable = Url::parse(link).is_ok_and(|url| url.has_host());
        if !is_usable {
            tracing::warn!(name, "the catalog names a service at no usable address");
        }
        is_usable
    });
    catalog
}

/// What the later answer says wins; what only the earlier one knows is kept (calling 1.2).
fn merge(mut after: Catalog, before: Catalog) -> Catalog {
    for (name, url) in before.links {
        if !after.links.iter().any(|(known, _)| *known == name) {
            after.links.push((name, url));
        }
    }
    for (key, entries) in before.hosts {
        if !after.hosts.iter().any(|(known, _)| *known == key) {
            after.hosts.push((key, entries));
        }
    }
    after
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskline_wire::json;

    use super::*;

    fn catalog(gateway: &str) -> Catalog {
        Catalog::from_json(&json!({"serviceLinks": {GATEWAY: gateway}}))
    }

    #[test]
    fn the_settings_gateway_wins_over_the_catalogs() {
        let services = Services {
            gateway: Some("http://127.0.0.1:9/".to_owned()),
            ..Services::default()
        };
        let gateway = Gateway::new(&catalog("https://g.test"), &services).unwrap();
        assert_eq!(
            gateway.url("/v1/tasks/").unwrap().as_str(),
            "http://127.0.0.1:9/v1/tasks/"
        );
    }

    #[test]
    fn an_unencrypted_foreign_gateway_is_refused_clearly() {
        let error = Gateway::new(&catalog("http://g.test"), &Services::default()).unwrap_err();
        assert!(
            error.to_string().contains("http://g.test is refused"),
            "{error}"
        );
    }

    #[test]
    fn a_catalog_without_gateway_is_a_bad_answer() {
        let error = Gateway::new(&Catalog::default(), &Services::default()).unwrap_err();
        assert_eq!(error.into_problem().name.as_deref(), Some("BadAnswer"));
    }

    #[test]
    fn the_later_catalog_wins_and_the_earlier_fills_in() {
        let before =
            Catalog::from_json(&json!({"serviceLinks": {"a": "https://1", "b": "https://2"}}));
        let after = Catalog::from_json(&json!({"serviceLinks": {"a": "https://3"}}));
        let merged = merge(after, before);
        assert_eq!(merged.link("a"), Some("https://3"));
        assert_eq!(merged.link("b"), Some("https://2"));
    }
}
