//! Which host is asked, and what a stale catalog changes (calling 1.2).
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

#[allow(dead_code)]
mod centre;

use std::time::Duration;

use centre::{Canned, Centre, Client};
use deskline_core::{Method, RequestId, Rest, RoutingFact, RoutingRequest};
use deskline_routing::Services;
use deskline_trust::Hosts;
use deskline_wire::{Json, json};

const CATALOG: &str = "/u2c/api/v1/catalog";
const LIMITED: &str = "/u2c/api/v1/limited/catalog";
const RELOAD: &str = "/v1/agents/reload";

fn entry(host: &str, priority: i64) -> Json {
    json!({"host": host, "ttl": -1, "priority": priority, "id": "urn:TEAM:us:wcc-api-gateway"})
}

async fn signed_in(centre: &Centre, hosts: &Hosts) -> Client {
    let mut client = Client::of(
        Services {
            u2c: format!("{}/u2c/api/v1", centre.base),
            hosts: hosts.clone(),
            ..Services::default()
        },
        1.0,
    );
    client.ask(RoutingRequest::SignIn);
    client
        .until(|fact| match fact {
            RoutingFact::SignedIn(_) => Some(()),
            RoutingFact::SignInFailed(problem) => panic!("{problem:?}"),
            _ => None,
        })
        .await;
    client
}

/// An address of this machine where nobody listens.
async fn nobody() -> String {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    gone.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_failed_host_is_marked_and_the_next_is_asked() {
    let centre = Centre::start().await;
    let (dead, alive) = (nobody().await, centre.base.replace("http://", ""));
    let body = json!({
        "serviceLinks": {"wcc-api-gateway": format!("http://{dead}")},
        "hostCatalog": {dead.clone(): [entry(&dead, 1), entry(&alive, 2)]},
    });
    centre.set(CATALOG, Canned::json(200, body));
    let _client = signed_in(&centre, &Hosts::default()).await;
    assert_eq!(centre.seen("/v1/notification/subscribe").len(), 1);
}

#[tokio::test]
async fn a_stale_catalog_is_fetched_anew_and_the_old_one_stays_until_then() {
    let (old, new) = (Centre::start().await, Centre::start().await);
    let hosts = Hosts::default();
    let client = signed_in(&old, &hosts).await;
    let mut catalog = hosts.catalog();
    let before = catalog.borrow_and_update().clone();

    old.set(CATALOG, Canned::json(503, json!({})));
    hosts.invalidate(Some("1763800000001".to_owned()));
    old.until("the catalog is asked for again", |inner| {
        inner
            .seen
            .iter()
            .filter(|seen| seen.target.contains("timestamp="))
            .count()
            == 1
    })
    .await;
    assert_eq!(*hosts.catalog().borrow(), before);

    let links = json!({"serviceLinks": {"wcc-api-gateway": new.base}, "hostCatalog": {}});
    old.set(CATALOG, Canned::json(200, links));
    hosts.invalidate(Some("1763800000002".to_owned()));
    tokio::time::timeout(Duration::from_secs(5), catalog.changed())
        .await
        .unwrap()
        .unwrap();
    let wanted = "/catalog?format=hostmap&timestamp=1763800000002";
    assert!(
        old.targets().iter().any(|target| target.ends_with(wanted)),
        "{:?}",
        old.targets()
    );
    // The socket stays; what is asked from now on goes to the new place.
    let rest = Rest {
        method: Method::Get,
        path: RELOAD.to_owned(),
        body: None,
    };
    client.ask(RoutingRequest::Send(RequestId(1), rest));
    new.until("the new gateway is asked", |inner| {
        inner.seen.iter().any(|seen| seen.target == RELOAD)
    })
    .await;
    assert!(old.seen(RELOAD).is_empty());
    assert_eq!(old.seen(LIMITED).len(), 1, "asked once, at sign-in");
}
