//! The device registration (WDM, calling 1.4).

use serde_json::{Value, json};

use crate::{Json, Object};

/// Seconds a device lives without a refresh.
pub const DEVICE_TTL_SECONDS: u64 = 1800;

/// How the client names itself to the device manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceNames {
    /// `name`.
    pub name: String,
    /// `model`.
    pub model: String,
    /// `localizedModel`.
    pub localized_model: String,
    /// `systemName`.
    pub system_name: String,
    /// `systemVersion`.
    pub system_version: String,
}

impl Default for DeviceNames {
    fn default() -> Self {
        Self {
            name: "browser".into(),
            model: "web-js-sdk".into(),
            localized_model: "webex-js-sdk".into(),
            system_name: "WEBEX_JS_SDK".into(),
            system_version: "1.0.0".into(),
        }
    }
}

/// Body of `POST {wdm}/devices`. The device type stays `WEB`: the clean-up of excess devices goes by it.
#[must_use]
pub fn registration(names: &DeviceNames) -> Json {
    json!({
        "name": names.name,
        "deviceType": "WEB",
        "model": names.model,
        "localizedModel": names.localized_model,
        "systemName": names.system_name,
        "systemVersion": names.system_version,
        "ttl": DEVICE_TTL_SECONDS,
    })
}

/// A registered device.
#[derive(Debug, Clone, PartialEq)]
pub struct WdmDevice {
    /// Identity towards Mobius, and the `cisco-device-url` header.
    pub url: String,
    /// Where Mercury listens.
    pub web_socket_url: String,
    /// Needed by the Mobius registration.
    pub user_id: String,
    raw: Object,
}

impl WdmDevice {
    /// Reads the answer of a registration.
    ///
    /// # Errors
    /// The name of the first required field that is missing.
    pub fn from_json(body: &Json) -> Result<Self, &'static str> {
        let text = |name: &'static str| {
            body.get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .ok_or(name)
        };
        Ok(Self {
            url: text("url")?,
            web_socket_url: text("webSocketUrl")?,
            user_id: text("userId")?,
            raw: body.as_object().cloned().unwrap_or_default(),
        })
    }

    /// Body of the refresh: the whole stored device but for what the server does not want back.
    #[must_use]
    pub fn refresh_body(&self) -> Json {
        let mut body = self.raw.clone();
        for name in ["features", "mediaCluster", "etag"] {
            body.remove(name);
        }
        body.insert("ttl".into(), json!(DEVICE_TTL_SECONDS));
        Value::Object(body)
    }
}

/// Whether a refused registration means that the user has too many devices.
#[must_use]
pub fn has_excess_devices(body: &Json) -> bool {
    body.get("message").and_then(Value::as_str) == Some("User has excessive device registrations")
}

/// The addresses to delete out of a list of devices: the oldest third (rounded up) of ours, if more than two.
#[must_use]
pub fn excess_devices(list: &Json) -> Vec<String> {
    let devices = list.get("devices").unwrap_or(list);
    let mut ours: Vec<(&str, &str)> = devices
        .as_array()
        .into_iter()
        .flatten()
        .filter(|device| device.get("deviceType").and_then(Value::as_str) == Some("WEB"))
        .filter_map(|device| {
            let modified = device
                .get("modificationTime")
                .and_then(Value::as_str)
                .unwrap_or("");
            Some((modified, device.get("url")?.as_str()?))
        })
        .collect();
    if ours.len() <= 2 {
        return Vec::new();
    }
    ours.sort_unstable();
    ours.truncate(ours.len().div_ceil(3));
    ours.into_iter().map(|(_, url)| url.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn answer() -> Json {
        serde_json::from_str(include_str!("../fixtures/wdm-device.json")).unwrap()
    }

    #[test]
    fn a_refresh_sends_the_stored_device_back() {
        let device = WdmDevice::from_json(&answer()).unwrap();
        let body = device.refresh_body();
        assert_eq!(body["ttl"], 1800);
        assert_eq!(body["url"], device.url.as_str());
        assert!(
            body.get("features").is_none(),
            "the server does not want features back"
        );
    }

    #[test]
    fn a_device_without_a_socket_address_is_unusable() {
        assert_eq!(
            WdmDevice::from_json(&json!({ "url": "x" })),
            Err("webSocketUrl")
        );
    }

    #[test]
    fn the_oldest_third_of_our_devices_goes() {
        let list = json!({ "devices": [
            { "deviceType": "WEB", "url": "w3", "modificationTime": "2026-03" },
            { "deviceType": "DESKTOP", "url": "d1", "modificationTime": "2025-01" },
            { "deviceType": "WEB", "url": "w1", "modificationTime": "2026-01" },
            { "deviceType": "WEB", "url": "w4", "modificationTime": "2026-04" },
            { "deviceType": "WEB", "url": "w2", "modificationTime": "2026-02" },
        ]});
        assert_eq!(excess_devices(&list), ["w1", "w2"]);
        assert!(
            excess_devices(&json!({ "devices": [{ "deviceType": "WEB", "url": "w" }] })).is_empty()
        );
    }
}
