//! Catalog, region, calling servers (`observed-traffic.md` 3.1, 4.2, 4.3).

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Call, Door, Shared, bad_field, ok};
use crate::hub::Hub;
use crate::roster::ORG_ID;

/// Its host name must look like a DNS name whose last label has 2–6 letters.
const RTMS_DOMAIN: &str = "https://rtms.sandbox.test/";

/// The primary hosts of the calling service, by the names the director knows them by.
pub(crate) const PRIMARIES: [(&str, Door); 2] = [("primary1", Door::MAIN), ("primary2", Door(1))];

/// Its backup hosts.
pub(crate) const BACKUPS: [(&str, Door); 2] = [("backup1", Door(2)), ("backup2", Door(3))];

/// What the director calls another host than the main one.
pub(crate) fn host_name(door: Door) -> Option<&'static str> {
    let mut hosts = PRIMARIES.iter().chain(&BACKUPS).skip(1);
    hosts.find(|(_, one)| *one == door).map(|(name, _)| *name)
}

pub(crate) async fn catalog(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    let base = hub.base(call.tls);
    // Browsers' SDKs ask the calling service over TLS whatever the catalog says, so TLS is named when there is any.
    let mobius = hub.base(hub.tls.is_some());
    let host = host(mobius);
    let backups = hub.lock().centre.settings.mobius_backups;
    let mut hosts = json!({
        host: [{"host": host, "ttl": -1, "priority": -1, "id": "urn:TEAM:sandbox:mobius"}],
    });
    // Another cluster to ask for servers. Its key is no host of a link: ports would be appended twice.
    if backups > 0 {
        let other = self::host(hub.base_at(BACKUPS[0].1, hub.tls.is_some()));
        hosts["mobius-backup"] = json!([{"host": other, "ttl": -1, "priority": 2, "id": "urn:TEAM:sandbox-backup:mobius"}]);
    }
    if hub.tls.is_some() {
        hosts["ds.ciscospark.com"] =
            json!([{"host": host, "ttl": -1, "priority": 1, "id": "urn:TEAM:sandbox:sqdiscovery"}]);
    }
    ok(&json!({
        "format": "hostmap", "orgId": ORG_ID, "timestamp": hub.now().0.to_string(),
        "serviceLinks": {
            "wcc-api-gateway": base, "wdm": format!("{base}/wdm/api/v1"), "mobius": format!("{mobius}/api/v1"),
            "wcc-calling-rtms-domain": RTMS_DOMAIN, "metrics": format!("{base}/metrics/api/v1"),
            "clientLogs": format!("{base}/client-logs/api/v1"), "unifiedTelemetry": format!("{base}/telemetry/api/v1"),
        },
        "hostCatalog": hosts,
    }))
}

fn host(base: &str) -> &str {
    base.split_once("://").map_or(base, |(_, host)| host)
}

pub(crate) async fn region() -> Response {
    ok(&json!({
        "clientAddress": "127.0.0.1", "clientRegion": "US-EAST", "countryCode": "US", "regionCode": "US-EAST",
        "timezone": "America/New_York", "attribution": "", "disclaimer": "",
    }))
}

pub(crate) async fn ping() -> Response {
    ok(&json!({"message": "Healthy"}))
}

pub(crate) async fn servers(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    for field in ["regionCode", "countryCode"] {
        if call.query.get(field).is_none_or(String::is_empty) {
            return bad_field(field, &format!("the query needs {field}"));
        }
    }
    ok(&server_list(&hub, call.tls, &call.query["regionCode"]))
}

fn server_list(hub: &Hub, tls: bool, region: &str) -> Value {
    let (primaries, backups) = {
        let settings = &hub.lock().centre.settings;
        (settings.mobius_primaries.max(1), settings.mobius_backups)
    };
    let uris = |hosts: &[(&str, Door)], count: usize| -> Vec<String> {
        let named = hosts.iter().take(count);
        named
            .map(|(_, door)| format!("{}/api/v1", hub.base_at(*door, tls)))
            .collect()
    };
    let other = if region == "US-EAST" {
        "US-WEST"
    } else {
        "US-EAST"
    };
    json!({
        "primary": {"region": region, "uris": uris(&PRIMARIES, primaries)},
        "backup": {"region": other, "uris": uris(&BACKUPS, backups)},
    })
}

/// Used by handlers that answer nothing but success.
pub(crate) const NO_CONTENT: StatusCode = StatusCode::NO_CONTENT;
