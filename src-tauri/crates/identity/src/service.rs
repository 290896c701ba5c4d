//! The requests to the identity service: forms out, lenient answers in.

use std::time::Duration;

use deskline_core::Secret;
use deskline_trust::Reach;
use reqwest::header::RETRY_AFTER;
use url::Url;

use crate::answer::{Fault, Grant, Unusable};
use crate::attempt::Attempt;
use crate::device::DeviceCode;
use crate::settings::{ClientAuth, Settings};

/// How long the identity service may take.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// How long a sign-out waits for it.
const REVOKE_LIMIT: Duration = Duration::from_secs(3);
/// The longest answer we read.
const BODY_LIMIT: usize = 256 * 1024;
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Why a request to the identity service brought nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// It answered with an error.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It answered something we cannot use.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// It could not be reached, or did not answer in time.
    #[error("the identity service cannot be reached: {0}")]
    Unreachable(String),
}

impl ServiceError {
    /// The answer as [`crate::Renewal`] and [`crate::DevicePoll`] take it.
    #[must_use]
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            Self::Unusable(_) | Self::Unreachable(_) => None,
        }
    }
}

/// The way to one identity service. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    settings: Settings,
    client: reqwest::Client,
    reach: Reach,
}

impl Service {
    /// Prepares the way.
    ///
    /// # Errors
    /// [`ServiceError::Unreachable`] if the TLS settings make no client.
    pub fn new(settings: Settings, reach: &Reach) -> Result<Self, ServiceError> {
        let client = reach
            .client()
            .timeout(TIME_LIMIT)
            .build()
            .map_err(|_| ServiceError::Unreachable("no HTTP client".to_owned()))?;
        Ok(Self {
            settings,
            client,
            reach: reach.clone(),
        })
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Exchanges the code of an attempt.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn exchange(&self, attempt: &Attempt, code: &Secret) -> Result<Grant, ServiceError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.reveal()),
            ("redirect_uri", attempt.redirect_uri()),
            ("code_verifier", attempt.verifier().reveal()),
        ];
        if self.settings.self_contained {
            form.push(("self_contained_token", "true"));
        }
        let body = self.post(&self.settings.token_url, form, true).await?;
        Ok(Grant::read(&body)?)
    }

    /// Renews tokens.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn refresh(&self, refresh_token: &Secret) -> Result<Grant, ServiceError> {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.reveal()),
        ];
        if self.settings.self_contained {
            form.push(("self_contained_token", "true"));
        }
        let body = self.post(&self.settings.token_url, form, true).await?;
        Ok(Grant::read(&body)?)
    }

    /// Starts a device grant.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn device(&self) -> Result<DeviceCode, ServiceError> {
        let scopes = self.settings.scopes.join(" ");
        let form = vec![
            ("client_id", self.settings.client_id.as_str()),
            ("scope", scopes.as_str()),
        ];
        let body = self
            .post(&self.settings.device_authorize_url, form, false)
            .await?;
        Ok(DeviceCode::read(&body)?)
    }

    /// Asks whether the person has approved a device grant.
    ///
    /// # Errors
    /// [`ServiceError`]; waiting is one of its faults.
    pub async fn poll(&self, device_code: &Secret) -> Result<Grant, ServiceError> {
        let form = vec![
            ("grant_type", DEVICE_GRANT),
            ("device_code", device_code.reveal()),
            ("client_id", self.settings.client_id.as_str()),
        ];
        let url = &self.settings.device_token_url;
        let body = self.post(url, form, true).await?;
        Ok(Grant::read(&body)?)
    }

    /// Revokes a token, for three seconds at most; a failure is only noted, because what is local is gone already.
    pub async fn revoke(&self, token: &Secret) {
        let Some(url) = &self.settings.revoke_url else {
            return;
        };
        let form = vec![
            ("token", token.reveal()),
            ("token_type_hint", "access_token"),
        ];
        match tokio::time::timeout(REVOKE_LIMIT, self.post(url, form, true)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::info!(%error, "a token was not revoked"),
            Err(_) => tracing::info!("a token was not revoked: no answer in time"),
        }
    }

    /// Revokes an access token by the token itself, the way of clients without a secret; as [`Service::revoke`].
    pub async fn revoke_itself(&self, token: &Secret) {
        let Some(url) = self.settings.revoke_url.as_ref().and_then(tokens_me) else {
            return;
        };
        let request = self.client.delete(url.clone()).bearer_auth(token.reveal());
        match tokio::time::timeout(REVOKE_LIMIT, self.read(&url, request)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::info!(%error, "a token was not revoked"),
            Err(_) => tracing::info!("a token was not revoked: no answer in time"),
        }
    }

    /// What the people service says of the token's owner.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn person(&self, url: &Url, token: &Secret) -> Result<Vec<u8>, ServiceError> {
        let request = self.client.get(url.clone());
        self.read(url, request.bearer_auth(token.reveal())).await
    }

    async fn post(
        &self,
        url: &Url,
        mut form: Vec<(&str, &str)>,
        with_client: bool,
    ) -> Result<Vec<u8>, ServiceError> {
        let mut request = self
            .client
            .post(url.clone())
            .header("accept", "application/json");
        let secret = self.settings.client_secret.as_ref();
        match (self.settings.client_auth, secret) {
            (ClientAuth::Basic, Some(secret)) if with_client => {
                request = request.basic_auth(&self.settings.client_id, Some(secret.reveal()));
            }
            (ClientAuth::Post, Some(secret)) if with_client => {
                form.push(("client_id", &self.settings.client_id));
                form.push(("client_secret", secret.reveal()));
            }
            (ClientAuth::Basic | ClientAuth::Post | ClientAuth::None, _) => {
                if !form.iter().any(|(name, _)| *name == "client_id") {
                    form.push(("client_id", &self.settings.client_id));
                }
            }
        }
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        self.read(url, request).await
    }

    /// Sends a request and reads its answer.
    async fn read(
        &self,
        url: &Url,
        request: reqwest::RequestBuilder,
    ) -> Result<Vec<u8>, ServiceError> {
        let unreachable = |error: reqwest::Error| self.unreachable(url, error);
        if let Err(error) = self.reach.check(url) {
            return Err(ServiceError::Unreachable(error.to_string()));
        }
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > BODY_LIMIT {
                return Err(Unusable("it is too long").into());
            }
        }
        if (200..300).contains(&status) {
            return Ok(bytes);
        }
        Err(Fault::read(status, &bytes, retry_after.as_deref()).into())
    }

    /// The cause in words, without the address: it may carry what nobody should read.
    fn unreachable(&self, url: &Url, error: reqwest::Error) -> ServiceError {
        ServiceError::Unreachable(if error.is_connect() {
            self.reach.explain(url, &error.without_url())
        } else if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            "the connection broke".to_owned()
        })
    }
}

/// `…/tokens/me` beside `…/revoke` (sign-in section 1).
fn tokens_me(revoke: &Url) -> Option<Url> {
    let mut url = revoke.clone();
    let path = url.path().strip_suffix("/revoke")?.to_owned();
    url.set_path(&format!("{path}/tokens/me"));
    url.set_query(Some("authtoken=true"));
    Some(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::State;
    use axum::http::{HeaderMap, StatusCode, Uri};
    use serde_json::{Value, json};

    use super::*;
    use crate::answer::Word;
    use crate::settings::tests::at;

    type Seen = Arc<Mutex<Vec<(String, Option<String>, String)>>>;

    /// A service that notes what it is asked and always answers the same.
    async fn service(status: u16, body: Value) -> (String, Seen) {
        let seen = Seen::default();
        let app = Router::new()
            .fallback(
                move |State(seen): State<Seen>, uri: Uri, headers: HeaderMap, form: String| async move {
                    let auth = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
                    seen.lock().unwrap().push((uri.path().to_owned(), auth, form));
                    (StatusCode::from_u16(status).unwrap(), [("retry-after", "7")], body.to_string())
                },
            )
            .with_state(Arc::clone(&seen));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (base, seen)
    }

    fn asking(settings: Settings) -> Service {
        Service::new(settings, &Reach::new(None, None).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn the_exchange_sends_the_code_with_its_proof_and_the_client_as_set() {
        let (base, seen) = service(200, json!({ "access_token": "a_b_c" })).await;
        let mut settings = at(&base);
        let attempt = Attempt::begin(&settings, 47114);
        for auth in [ClientAuth::Basic, ClientAuth::Post, ClientAuth::None] {
            settings.client_auth = auth;
            let grant = asking(settings.clone())
                .exchange(&attempt, &Secret::new("the_code_x"))
                .await
                .unwrap();
            assert_eq!(grant.access_token.reveal(), "a_b_c");
            let (path, basic, form) = seen.lock().unwrap().pop().unwrap();
            assert_eq!(path, "/v1/access_token");
            assert!(form.contains("code=the_code_x"));
            assert!(form.contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A47114%2Fcallback"));
            assert!(form.contains(&format!("code_verifier={}", attempt.verifier().reveal())));
            assert_eq!(basic.is_some(), auth == ClientAuth::Basic);
            assert_eq!(form.contains("sandbox-secret"), auth == ClientAuth::Post);
        }
    }

    #[tokio::test]
    async fn signin_12_a_refused_exchange_says_why_without_the_body() {
        let body = json!({ "error": "invalid_grant", "error_description": "planted", "trackingID": "T_9" });
        let (base, _) = service(400, body).await;
        let settings = at(&base);
        let attempt = Attempt::begin(&settings, 1);
        let error = asking(settings)
            .exchange(&attempt, &Secret::new("c"))
            .await
            .unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("T_9") && !text.contains("planted"), "{text}");
        let fault = error.fault().unwrap();
        assert_eq!((fault.word, fault.status), (Word::InvalidGrant, 400));
        assert_eq!(fault.retry_after, Some(Duration::from_secs(7)));
    }

    #[tokio::test]
    async fn the_device_grant_names_the_client_and_its_questions_prove_it() {
        let body = json!({
            "device_code": "d", "user_code": "204816", "verification_uri": "http://127.0.0.1/verify",
            "access_token": "a",
        });
        let (base, seen) = service(200, body).await;
        let service = asking(at(&base));
        let code = service.device().await.unwrap();
        assert_eq!(code.user_code, "204816");
        service.poll(&code.device_code).await.unwrap();
        let seen = seen.lock().unwrap();
        let (path, auth, form) = &seen[0];
        assert_eq!((path.as_str(), auth), ("/v1/device/authorize", &None));
        assert!(
            form.contains("client_id=Csandboxconfidential") && form.contains("scope=cjp%3Auser")
        );
        let (path, auth, form) = &seen[1];
        assert_eq!(path, "/v1/device/token");
        assert!(auth.is_some() && form.contains("device_code=d") && form.contains("client_id="));
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_is_told_without_its_address() {
        let service = asking(at("http://127.0.0.1:1"));
        let error = service.refresh(&Secret::new("planted")).await.unwrap_err();
        let text = error.to_string();
        assert!(
            !text.contains("planted") && !text.contains("127.0.0.1"),
            "{text}"
        );
        assert!(error.fault().is_none());
        service.revoke(&Secret::new("planted")).await;
    }
}
