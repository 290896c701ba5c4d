//! Which host of the catalog is asked (calling 1.2).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deskline_wire::Catalog;
use deskline_wire::catalog::CatalogHost;
use tokio::sync::watch;
use url::Url;

/// The service whose hosts the line chooses by its own rules (calling 1.6).
const CALLING: &str = "mobius";

/// The service said that its catalog is out of date (calling 1.2, `u2c.cache-invalidation`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stale {
    /// `data.timestamp` as it came, if it came.
    pub timestamp: Option<String>,
    count: u64,
}

/// The catalog in force and the hosts that failed, shared by all ways to the services. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    catalog: watch::Sender<Arc<Catalog>>,
    stale: watch::Sender<Stale>,
    /// `host[:port]` of those that did not answer.
    failed: Mutex<BTreeSet<String>>,
}

impl Hosts {
    /// Takes a catalog into use; hosts that failed are given another chance.
    pub fn set(&self, catalog: Arc<Catalog>) {
        self.failures().clear();
        self.inner.catalog.send_replace(catalog);
    }

    /// The catalog in force, and when it is another one.
    #[must_use]
    pub fn catalog(&self) -> watch::Receiver<Arc<Catalog>> {
        self.inner.catalog.subscribe()
    }

    /// The catalog is out of date; the same news again is no news.
    pub fn invalidate(&self, timestamp: Option<String>) {
        self.inner.stale.send_if_modified(|stale| {
            let is_news = timestamp.is_none() || stale.timestamp != timestamp;
            if is_news {
                stale.count += 1;
                stale.timestamp = timestamp;
            }
            is_news
        });
    }

    /// When the catalog in force is out of date.
    #[must_use]
    pub fn stale(&self) -> watch::Receiver<Stale> {
        self.inner.stale.subscribe()
    }

    /// Where a request for `url` goes.
    ///
    /// Below a service's link, the priority host takes the link's place: of the entries with a
    /// positive priority the one with the lowest, hosts that failed left out. Then, whatever the
    /// URL, a `host[:port]` that is a key of the catalog is replaced by its first entry. An entry
    /// without a port keeps the port there was.
    #[must_use]
    pub fn resolve(&self, url: &Url) -> Url {
        let catalog = self.inner.catalog.borrow().clone();
        let failed = self.failures();
        let mut wanted = url.clone();
        let is_of_service = is_below_link(&catalog, url);
        if is_of_service
            && let Some(entries) = entries_of(&catalog, url)
            && let Some(entry) = preferred(entries, url, &failed)
        {
            wanted = moved(url, &entry.host);
        }
        if let Some(first) = entries_of(&catalog, &wanted).and_then(<[_]>::first) {
            let mapped = moved(&wanted, &first.host);
            // A rule that sends us back to a host that failed helps nobody.
            if !is_of_service || !authority(&mapped).is_some_and(|it| failed.contains(&it)) {
                wanted = mapped;
            }
        }
        wanted
    }

    /// Notes that the host of `asked`, as [`Self::resolve`] gave it, did not answer. True if
    /// another one stands in for it; once all have failed, all are tried again.
    pub fn fail(&self, asked: &Url) -> bool {
        let Some(host) = authority(asked) else {
            return false;
        };
        let catalog = self.inner.catalog.borrow().clone();
        let mut failed = self.failures();
        let lists: Vec<&[CatalogHost]> = catalog
            .hosts
            .iter()
            .map(|(_, entries)| entries.as_slice())
            .filter(|entries| {
                entries.iter().any(|entry| {
                    entry.priority > 0
                        && authority(&moved(asked, &entry.host)).as_ref() == Some(&host)
                })
            })
            .collect();
        if lists.is_empty() {
            return false;
        }
        tracing::warn!(%host, "a host of the catalog did not answer");
        failed.insert(host);
        let mut has_another = false;
        for entries in lists {
            let names = || {
                entries
                    .iter()
                    .filter(|entry| entry.priority > 0)
                    .filter_map(|entry| authority(&moved(asked, &entry.host)))
            };
            if names().all(|name| failed.contains(&name)) {
                names().for_each(|name| {
                    failed.remove(&name);
                });
            } else {
                has_another = true;
            }
        }
        has_another
    }

    fn failures(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.inner
            .failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_below_link(catalog: &Catalog, url: &Url) -> bool {
    catalog
        .links
        .iter()
        .filter(|(name, _)| name != CALLING)
        .filter_map(|(_, link)| Url::parse(link).ok())
        .any(|link| {
            link.origin() == url.origin()
                && url
                    .path()
                    .strip_prefix(link.path().trim_end_matches('/'))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
}

fn entries_of<'c>(catalog: &'c Catalog, url: &Url) -> Option<&'c [CatalogHost]> {
    let name = authority(url)?;
    catalog
        .hosts
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(&name))
        .map(|(_, entries)| entries.as_slice())
}

fn preferred<'c>(
    entries: &'c [CatalogHost],
    url: &Url,
    failed: &BTreeSet<String>,
) -> Option<&'c CatalogHost> {
    entries
        .iter()
        .filter(|entry| entry.priority > 0)
        .filter(|entry| {
            authority(&moved(url, &entry.host)).is_some_and(|name| !failed.contains(&name))
        })
        .min_by_key(|entry| entry.priority)
}

/// `host[:port]`, the port only if it is not the usual one.
fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(
        url.port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
    )
}

/// The URL at another `host[:port]`; unchanged if that is none.
fn moved(url: &Url, host: &str) -> Url {
    let (mut moved, parsed) = (
        url.clone(),
        Url::parse(&format!("{}://{host}", url.scheme())),
    );
    let is_moved = parsed.is_ok_and(|wanted| {
        moved.set_host(wanted.host_str()).is_ok()
            && wanted
                .port()
                .is_none_or(|port| moved.set_port(Some(port)).is_ok())
    });
    if is_moved {
        moved
    } else {
        tracing::warn!(host, "the catalog names an unusable host");
        url.clone()
    }
}
