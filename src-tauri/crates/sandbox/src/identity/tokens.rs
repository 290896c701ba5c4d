//! Making tokens: opaque ones of three parts, and self-contained ones that are signed.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::Rng as _;
use rand::distr::Alphanumeric;
use rsa::pkcs1v15::SigningKey;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Identity;
use crate::names::{AgentId, Moment};
use crate::roster::ORG_ID;

/// An access token's meaning.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) agent: AgentId,
    pub(crate) client: &'static str,
    pub(crate) scopes: Vec<String>,
    pub(crate) until: Moment,
    pub(super) family: u64,
}

impl Access {
    pub(crate) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }
}

/// The key that signs self-contained tokens.
pub(crate) struct Signer {
    key: SigningKey<Sha256>,
    public: RsaPublicKey,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl Signer {
    fn make() -> Self {
        let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048)
            .expect("a key of this length can be made");
        Self {
            public: key.to_public_key(),
            key: SigningKey::new(key),
        }
    }

    fn sign(&self, claims: &Value) -> String {
        let head = URL_SAFE_NO_PAD.encode(json!({"alg": "RS256"}).to_string());
        let body = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{head}.{body}");
        let signature = self.key.sign(signed.as_bytes()).to_vec();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The public half, as a JSON web key.
    fn public(&self) -> Value {
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256",
            "n": URL_SAFE_NO_PAD.encode(self.public.n().to_bytes_be()),
            "e": URL_SAFE_NO_PAD.encode(self.public.e().to_bytes_be()),
        })
    }
}

/// An opaque code or token: 64 letters, cluster, organisation.
pub(super) fn opaque() -> String {
    format!("{}_SBX1_{ORG_ID}", letters(64))
}

/// Random letters and digits.
pub(super) fn letters(count: usize) -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(count)
        .map(char::from)
        .collect()
}

/// The challenge that belongs to a verifier (RFC 7636, 4.2).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// A token as the journal may name it.
pub(crate) fn hash_of(token: &str) -> String {
    let digest = Sha256::digest(token);
    format!("#{}", &STANDARD.encode(digest)[..4])
}

impl Identity {
    /// The public keys of self-contained tokens.
    pub(crate) fn keys(&mut self) -> Value {
        let signer = self.signer.get_or_insert_with(Signer::make);
        json!({"keys": [signer.public()]})
    }

    /// A fresh access token.
    pub(super) fn access_token(
        &mut self,
        access: Access,
        base: &str,
        self_contained: bool,
    ) -> String {
        let token = if self_contained {
            let mut claims = json!({
                "realm": ORG_ID, "cis_uuid": access.agent.as_str(), "client_id": access.client, "user_type": "user",
                "iss": format!("{base}/idb"), "token_type": "Bearer", "token_id": letters(24),
                "reference_id": crate::names::fresh(), "cluster": "SBX1", "expiry_time": access.until.0,
                "private": letters(538),
            });
            let pad = self.switches.pad;
            let signer = self.signer.get_or_insert_with(Signer::make);
            let short = signer.sign(&claims).len();
            if pad > short {
                // Four letters of the token carry three of the claim.
                claims["private"] = json!(letters(538 + (pad - short).div_ceil(4) * 3));
            }
            signer.sign(&claims)
        } else {
            opaque()
        };
        self.access.insert(token.clone(), access);
        token
    }
}
