//! Where the AI assistant is: a host of its own beside each gateway (contact-center 5.8).

use url::Url;

use crate::address::join;
use crate::problem::RoutingError;

/// Gateway hosts, and the environment whose assistant belongs to them (contact-center 2.1, 5.8).
const ENVIRONMENTS: [(&str, &str); 11] = [
    ("api.wxcc-us1.cisco.com", "produs1"),
    ("api.wxcc-eu1.cisco.com", "prodeu1"),
    ("api.wxcc-eu2.cisco.com", "prodeu2"),
    ("api.wxcc-anz1.cisco.com", "prodanz1"),
    ("api.wxcc-ca1.cisco.com", "prodca1"),
    ("api.wxcc-jp1.cisco.com", "prodjp1"),
    ("api.wxcc-sg1.cisco.com", "prodsg1"),
    ("api.wxcc-in1.cisco.com", "prodin1"),
    ("api.loadus1.cisco.com", "loadus1"),
    ("api.intgus1.ciscoccservice.com", "intgus1"),
    ("api.qaus1.ciscoccservice.com", "qaus1"),
];

/// The address of a resource of the assistant: below the settings' own base, else below the one
/// that belongs to the gateway.
///
/// # Errors
/// [`RoutingError::NoAssistant`] if we know none for the gateway; nothing may be sent then.
pub(crate) fn url(own: Option<&str>, gateway: &Url, resource: &str) -> Result<Url, RoutingError> {
    if let Some(own) = own {
        return join(own, resource);
    }
    let host = gateway.host_str().unwrap_or_default();
    let (_, environment) = ENVIRONMENTS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(host))
        .ok_or_else(|| RoutingError::NoAssistant {
            host: host.to_owned(),
        })?;
    let base = format!("https://api-ai-assistant.{environment}.ciscoccservice.com");
    join(&base, resource)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(gateway: &str) -> Result<String, RoutingError> {
        let gateway = Url::parse(gateway).unwrap();
        url(None, &gateway, "/event").map(String::from)
    }

    #[test]
    fn case_253_the_gateway_decides_the_host() {
        for (gateway, host) in [
            ("https://api.wxcc-eu2.cisco.com", "prodeu2"),
            ("https://api.wxcc-us1.cisco.com/base/", "produs1"),
            ("https://API.wxcc-ANZ1.cisco.com", "prodanz1"),
            ("https://api.loadus1.cisco.com", "loadus1"),
            ("https://api.intgus1.ciscoccservice.com", "intgus1"),
            ("https://api.qaus1.ciscoccservice.com", "qaus1"),
        ] {
            assert_eq!(
                at(gateway).unwrap(),
                format!("https://api-ai-assistant.{host}.ciscoccservice.com/event")
            );
        }
    }

    #[test]
    fn case_253_an_unknown_gateway_has_no_assistant() {
        for gateway in [
            "https://gateway.test",
            "http://127.0.0.1:1",
            "https://api.wxcc-eu2.cisco.com.evil.test",
        ] {
            let problem = at(gateway).unwrap_err().into_problem();
            assert_eq!(
                problem.name.as_deref(),
                Some("AI_ASSISTANT_BASE_URL_NOT_AVAILABLE"),
                "{gateway}"
            );
        }
    }

    #[test]
    fn the_settings_own_address_wins() {
        let gateway = Url::parse("https://api.wxcc-eu2.cisco.com").unwrap();
        let own = url(
            Some("http://127.0.0.1:9/ai/"),
            &gateway,
            "/transcripts/list",
        );
        assert_eq!(
            own.unwrap().as_str(),
            "http://127.0.0.1:9/ai/transcripts/list"
        );
    }
}
