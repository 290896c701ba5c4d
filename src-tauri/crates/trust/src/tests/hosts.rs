//! Which host of the catalog is asked (calling 1.2).

use std::sync::Arc;

use deskline_wire::{Catalog, Json, json};
use url::Url;

use crate::Hosts;

fn entry(host: &str, priority: i64) -> Json {
    json!({"host": host, "ttl": -1, "priority": priority, "id": "urn:TEAM:us:wdm"})
}

fn hosts(body: &Json) -> Hosts {
    let hosts = Hosts::default();
    hosts.set(Arc::new(Catalog::from_json(body)));
    hosts
}

fn resolved(hosts: &Hosts, url: &str) -> String {
    hosts.resolve(&Url::parse(url).unwrap()).to_string()
}

fn fail(hosts: &Hosts, url: &str) -> bool {
    hosts.fail(&Url::parse(url).unwrap())
}

#[test]
fn the_lowest_positive_priority_is_asked_at_the_links_port() {
    let hosts = hosts(&json!({
        "serviceLinks": {"wdm": "https://link.test:8443/wdm/api/v1"},
        "hostCatalog": {"link.test:8443": [
            entry("zero.test", 0), entry("never.test", -1),
            entry("second.test", 2), entry("first.test", 1)]},
    }));
    assert_eq!(
        resolved(&hosts, "https://link.test:8443/wdm/api/v1/devices"),
        "https://first.test:8443/wdm/api/v1/devices"
    );
}

#[test]
fn a_failed_host_is_skipped_and_after_all_failed_all_are_tried_again() {
    let hosts = hosts(&json!({
        "serviceLinks": {"wdm": "https://a.test/wdm"},
        "hostCatalog": {"a.test": [entry("a.test", 1), entry("b.test", 2)]},
    }));
    let ask = "https://a.test/wdm/devices";
    assert_eq!(resolved(&hosts, ask), ask);
    assert!(fail(&hosts, ask), "another one stands in");
    assert_eq!(resolved(&hosts, ask), "https://b.test/wdm/devices");
    assert!(!fail(&hosts, "https://b.test/wdm/devices"));
    assert_eq!(resolved(&hosts, ask), ask);
    assert!(
        !fail(&hosts, "https://elsewhere.test/"),
        "no host of the catalog"
    );
}

#[test]
fn a_new_catalog_gives_failed_hosts_another_chance() {
    let body = json!({
        "serviceLinks": {"wdm": "https://a.test/wdm"},
        "hostCatalog": {"a.test": [entry("a.test", 1), entry("b.test", 2)]},
    });
    let hosts = hosts(&body);
    assert!(fail(&hosts, "https://a.test/wdm"));
    hosts.set(Arc::new(Catalog::from_json(&body)));
    assert_eq!(resolved(&hosts, "https://a.test/wdm"), "https://a.test/wdm");
}

#[test]
fn every_request_to_a_key_of_the_catalog_goes_to_the_first_entry() {
    let hosts = hosts(&json!({"hostCatalog": {
        "a.test": [entry("b.test", 1), entry("c.test", 2)],
        "127.0.0.1:8443": [entry("127.0.0.1:8444", -1)],
        "d.test:99": [entry("e.test", -1)],
    }}));
    for (asked, goes_to) in [
        ("https://a.test/x?y=1", "https://b.test/x?y=1"),
        ("https://127.0.0.1:8443/x", "https://127.0.0.1:8444/x"),
        ("https://d.test:99/x", "https://e.test:99/x"),
        ("https://d.test/x", "https://d.test/x"),
        ("https://a.test:8443/x", "https://a.test:8443/x"),
    ] {
        assert_eq!(resolved(&hosts, asked), goes_to);
    }
}

#[test]
fn without_a_positive_priority_the_link_itself_is_asked() {
    let hosts = hosts(&json!({
        "serviceLinks": {"wdm": "https://a.test/wdm"},
        "hostCatalog": {"a.test": [entry("a.test", -1), entry("b.test", 0)]},
    }));
    assert_eq!(
        resolved(&hosts, "https://a.test/wdm/x"),
        "https://a.test/wdm/x"
    );
    assert!(!fail(&hosts, "https://a.test/wdm/x"));
}

#[test]
fn the_calling_services_hosts_are_left_to_the_line() {
    let hosts = hosts(&json!({
        "serviceLinks": {"mobius": "https://m1.test/api/v1"},
        "hostCatalog": {"m1.test": [entry("m1.test", 2), entry("m2.test", 1)]},
    }));
    let ask = "https://m1.test/api/v1/calling/web/device";
    assert_eq!(resolved(&hosts, ask), ask);
    fail(&hosts, ask);
    assert_eq!(resolved(&hosts, ask), ask);
}

#[test]
fn entries_without_host_or_with_an_id_of_three_parts_are_skipped() {
    let hosts = hosts(&json!({
        "serviceLinks": {"wdm": "https://a.test/wdm", "odd": 7},
        "hostCatalog": {"a.test": [
            {"priority": 1, "id": "urn:TEAM:us:wdm"},
            {"host": "short.test", "priority": 1, "id": "TEAM:us:wdm"},
            {"host": "number.test", "priority": 1, "id": 4},
            "nonsense", entry("good.test", 3)], "odd": "nonsense"},
    }));
    assert_eq!(
        resolved(&hosts, "https://a.test/wdm"),
        "https://good.test/wdm"
    );
}

#[test]
fn an_unusable_host_changes_nothing() {
    let hosts = hosts(&json!({"hostCatalog": {"a.test": [entry("not a host", 1)]}}));
    assert_eq!(resolved(&hosts, "https://a.test/x"), "https://a.test/x");
}

#[test]
fn the_same_invalidation_twice_is_one() {
    let hosts = Hosts::default();
    let mut stale = hosts.stale();
    hosts.invalidate(Some("17".to_owned()));
    assert!(stale.has_changed().unwrap());
    assert_eq!(stale.borrow_and_update().timestamp.as_deref(), Some("17"));
    hosts.invalidate(Some("17".to_owned()));
    assert!(!stale.has_changed().unwrap());
    hosts.invalidate(None);
    assert!(stale.has_changed().unwrap());
}
