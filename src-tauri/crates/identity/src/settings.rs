//! What a sign-in needs to know about the identity service and our registration there.

use deskline_core::Secret;
use url::Url;

/// What an agent's desk asks for unless the settings say otherwise (sign-in section 2).
pub const DEFAULT_SCOPES: [&str; 8] = [
    "cjp:user",
    "cjp:config_read",
    "cjp:config",
    "spark:webrtc_calling",
    "spark:calls_read",
    "spark:calls_write",
    "spark:xsi",
    "spark:people_read",
];

/// Ports of this machine that the registration names for the way back (sign-in section 7).
pub const DEFAULT_PORTS: [u16; 3] = [47113, 47114, 47115];

/// How the client proves itself at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// `Authorization: Basic`.
    #[default]
    Basic,
    /// Id and secret as form fields.
    Post,
    /// No secret: a token broker adds it, or the client is public.
    None,
}

/// One identity service and our registration there.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Client id of the integration.
    pub client_id: String,
    /// Its secret, if this machine has it; never part of a settings file.
    pub client_secret: Option<Secret>,
    /// How the secret goes along.
    pub client_auth: ClientAuth,
    /// What to ask for.
    pub scopes: Vec<String>,
    /// The consent page.
    pub authorize_url: Url,
    /// Code exchange and refresh.
    pub token_url: Url,
    /// Start of the device grant.
    pub device_authorize_url: Url,
    /// Polling of the device grant.
    pub device_token_url: Url,
    /// Revocation, if the service has one for us.
    pub revoke_url: Option<Url>,
    /// Who answers, if it says so (RFC 9207); another one is refused.
    pub issuer: Option<String>,
    /// Registered ports for the way back, in order of preference.
    pub redirect_ports: Vec<u16>,
    /// Ask for self-contained (JWT) access tokens.
    pub self_contained: bool,
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A service at an address of the tests' own.
    pub(crate) fn at(base: &str) -> Settings {
        let address = |path: &str| Url::parse(&format!("{base}{path}")).unwrap();
        Settings {
            client_id: "Csandboxconfidential".to_owned(),
            client_secret: Some(Secret::new("sandbox-secret")),
            client_auth: ClientAuth::Basic,
            scopes: vec!["cjp:user".to_owned(), "spark:webrtc_calling".to_owned()],
            authorize_url: address("/v1/authorize"),
            token_url: address("/v1/access_token"),
            device_authorize_url: address("/v1/device/authorize"),
            device_token_url: address("/v1/device/token"),
            revoke_url: Some(address("/idb/oauth2/v1/revoke")),
            issuer: Some("https://id.example/idb".to_owned()),
            redirect_ports: DEFAULT_PORTS.to_vec(),
            self_contained: false,
        }
    }

    pub(crate) fn settings() -> Settings {
        at("https://id.example")
    }
}
