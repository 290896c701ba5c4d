//! What `[account]` means for a sign-in: the settings of somebody, over those of the real cloud.

use std::path::Path;

use deskline_account::{Flow, Setup};
use deskline_identity::{ClientAuth, DEFAULT_PORTS, DEFAULT_SCOPES, Settings};
use url::Url;

use super::Account;

/// The addresses of the real cloud (sign-in section 1). For the government's, name its own.
const AUTHORIZE: &str = "https://webexapis.com/v1/authorize";
const TOKEN: &str = "https://webexapis.com/v1/access_token";
const DEVICE_AUTHORIZE: &str = "https://webexapis.com/v1/device/authorize";
const DEVICE_TOKEN: &str = "https://webexapis.com/v1/device/token";
const REVOKE: &str = "https://idbroker.webex.com/idb/oauth2/v1/revoke";
const PEOPLE: &str = "https://webexapis.com/v1/people/me";

impl Account {
    /// What the account of this desk is made of; without a `client_id` nobody can sign in there,
    /// and then nobody is asked who somebody is either, unless `people_url` says where.
    #[must_use]
    pub fn setup(&self, ca_file: Option<&Path>) -> Setup {
        let identity = self.client_id.clone().map(|client_id| self.at(client_id));
        let people = match (&self.people_url, &identity) {
            (Some(url), _) => Some(url.as_str()),
            (None, Some(_)) => Some(PEOPLE),
            (None, None) => None,
        };
        Setup {
            people_url: people.map(address),
            identity,
            flow: self.flow().unwrap_or(Flow::Browser),
            client_secret_file: self.client_secret_file.clone(),
            ca_file: ca_file.map(Path::to_owned),
            proxy: None,
        }
    }

    /// The flow somebody chose.
    #[must_use]
    pub fn flow(&self) -> Option<Flow> {
        self.flow.as_deref().map(|word| match word {
            "device" => Flow::Device,
            _ => Flow::Browser, // what else there is was refused when it was read
        })
    }

    fn at(&self, client_id: String) -> Settings {
        let url = |own: &Option<String>, usual: &str| address(own.as_deref().unwrap_or(usual));
        Settings {
            client_id,
            client_secret: None,
            client_auth: match self.client_auth.as_deref() {
                Some("none") => ClientAuth::None,
                Some("post") => ClientAuth::Post,
                Some(_) | None => ClientAuth::Basic,
            },
            scopes: match &self.scopes {
                Some(scopes) => scopes.clone(),
                None => DEFAULT_SCOPES.map(str::to_owned).to_vec(),
            },
            authorize_url: url(&self.authorize_url, AUTHORIZE),
            token_url: url(&self.token_url, TOKEN),
            device_authorize_url: url(&self.device_authorize_url, DEVICE_AUTHORIZE),
            device_token_url: url(&self.device_token_url, DEVICE_TOKEN),
            revoke_url: Some(url(&self.revoke_url, REVOKE)),
            issuer: self.issuer.clone(),
            redirect_ports: self
                .redirect_ports
                .clone()
                .unwrap_or_else(|| DEFAULT_PORTS.to_vec()),
            self_contained: self.self_contained.unwrap_or(false),
        }
    }
}

fn address(text: &str) -> Url {
    Url::parse(text).expect("every address was looked at when it was read")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::Configuration;
    use super::*;

    fn setup(text: &str) -> Setup {
        let read = Configuration::parse(text, Path::new("desk.toml")).unwrap();
        read.account.setup(None)
    }

    #[test]
    fn a_client_id_alone_means_the_real_cloud() {
        let setup = setup("[account]\nclient_id = \"C1\"");
        let identity = setup.identity.unwrap();
        assert_eq!(identity.authorize_url.as_str(), AUTHORIZE);
        assert_eq!(identity.token_url.as_str(), TOKEN);
        assert_eq!(identity.revoke_url.unwrap().as_str(), REVOKE);
        assert_eq!(identity.client_auth, ClientAuth::Basic);
        assert_eq!(identity.scopes, DEFAULT_SCOPES);
        assert_eq!(identity.redirect_ports, DEFAULT_PORTS);
        assert_eq!(setup.people_url.unwrap().as_str(), PEOPLE);
    }

    #[test]
    fn without_a_client_nobody_is_asked() {
        let setup = setup("");
        assert!(setup.identity.is_none() && setup.people_url.is_none());
    }

    #[test]
    fn what_is_set_wins() {
        let setup = setup(
            "[account]\nclient_id = \"C1\"\ntoken_url = \"https://broker.test/t\"\n\
             client_auth = \"none\"\nredirect_ports = [8001]\nflow = \"device\"\n\
             people_url = \"https://api-usgov.webex.com/v1/people/me\"\nself_contained = true",
        );
        let identity = setup.identity.unwrap();
        assert_eq!(identity.token_url.as_str(), "https://broker.test/t");
        assert_eq!(identity.authorize_url.as_str(), AUTHORIZE);
        assert_eq!(identity.client_auth, ClientAuth::None);
        assert_eq!(identity.redirect_ports, [8001]);
        assert!(identity.self_contained && matches!(setup.flow, Flow::Device));
        assert_eq!(
            setup.people_url.unwrap().as_str(),
            "https://api-usgov.webex.com/v1/people/me"
        );
    }
}
