//! The service catalog (contact-center 2.1, calling 1.2).

use serde_json::Value;

use crate::Json;

/// Colon-separated parts an entry's id has at least.
const ID_PARTS: usize = 4;

/// One host behind a name of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogHost {
    /// Host, with port if it has one.
    pub host: String,
    /// Lower is preferred; zero and below means "do not choose by priority".
    pub priority: i64,
    /// Four colon-separated parts, the last names the service (`urn:TEAM:…:mobius`).
    pub id: String,
}

/// Where the services live. Order is as sent, because the order is the preference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// `serviceLinks`: service name and base URL.
    pub links: Vec<(String, String)>,
    /// `hostCatalog`: key (a host) and its entries.
    pub hosts: Vec<(String, Vec<CatalogHost>)>,
}

impl Catalog {
    /// Reads a catalog answer; unusable entries are left out, not fatal.
    #[must_use]
    pub fn from_json(body: &Json) -> Self {
        let links = body
            .get("serviceLinks")
            .and_then(Value::as_object)
            .map(|links| {
                links
                    .iter()
                    .filter_map(|(name, url)| Some((name.clone(), url.as_str()?.to_owned())))
                    .collect()
            })
            .unwrap_or_default();
        let hosts = body
            .get("hostCatalog")
            .and_then(Value::as_object)
            .map(|hosts| {
                hosts
                    .iter()
                    .map(|(key, entries)| (key.clone(), read_hosts(entries)))
                    .collect()
            })
            .unwrap_or_default();
        Self { links, hosts }
    }

    /// The base URL of a service, without a trailing slash.
    #[must_use]
    pub fn link(&self, service: &str) -> Option<&str> {
        self.links
            .iter()
            .find(|(name, _)| name == service)
            .map(|(_, url)| url.trim_end_matches('/'))
    }

    /// The hosts of a service, in order, each once: entries whose id ends in `:service` (calling 1.2).
    #[must_use]
    pub fn hosts_of(&self, service: &str) -> Vec<&str> {
        let suffix = format!(":{service}");
        let mut found: Vec<&str> = Vec::new();
        for entry in self.hosts.iter().flat_map(|(_, entries)| entries) {
            if entry.id.ends_with(&suffix) && !found.contains(&entry.host.as_str()) {
                found.push(&entry.host);
            }
        }
        found
    }
}

fn read_hosts(entries: &Json) -> Vec<CatalogHost> {
    entries
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let host = entry.get("host")?.as_str()?;
            let id = entry.get("id")?.as_str()?;
            // An id of fewer parts names no service (calling 1.2).
            (!host.is_empty() && id.split(':').count() >= ID_PARTS).then(|| CatalogHost {
                host: host.to_owned(),
                priority: entry.get("priority").and_then(Value::as_i64).unwrap_or(-1),
                id: id.to_owned(),
            })
        })
        .collect()
}
