//! One HTTP request with everything the centre expects on it (contact-center 2.2, 2.4).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deskline_core::secret::without_credentials;
use deskline_core::{Method, OrgId, Secret, TrackingId};
use deskline_trust::{Hosts, Reach};
use deskline_wire::Json;
use deskline_wire::tap::{Crossing, Tap};
use reqwest::Client;
use tokio::sync::watch;
use url::Url;
use uuid::Uuid;

use crate::address::checked;
use crate::config::{Config, Renew};
use crate::problem::RoutingError;

/// Longest wait for a whole answer. Not a protocol timer, so the pace does not change it.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(20);
/// How many more hosts of the catalog one request is tried at.
const OTHER_HOSTS: u32 = 3;
/// Largest answer that is read.
const BODY_LIMIT: usize = 32 * 1024 * 1024;
/// The SDK whose protocol generation we speak (contact-center 2.2).
const SPOKEN_VERSION: &str = "3.12.0";

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) body: Option<Json>,
    /// Whether the access token goes along.
    pub(crate) with_token: bool,
    /// Organisation to name, only in the INT environment (contact-center 2.1).
    pub(crate) organization: Option<OrgId>,
}

impl Ask {
    /// A GET with the access token.
    pub(crate) fn get(url: Url) -> Self {
        Self {
            method: Method::Get,
            url,
            body: None,
            with_token: true,
            organization: None,
        }
    }
}

/// A 2xx answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The body; `None` if it was empty or no JSON.
    pub(crate) body: Option<Json>,
    pub(crate) tracking_id: TrackingId,
}

impl Answer {
    /// The body, for those who cannot go on without one.
    ///
    /// # Errors
    /// [`RoutingError::BadAnswer`] if there is none.
    pub(crate) fn json(self, what: &str) -> Result<Json, RoutingError> {
        self.body.ok_or_else(|| RoutingError::BadAnswer {
            why: format!("the answer of {what} is no JSON"),
            status: Some(self.status),
            tracking_id: Some(self.tracking_id),
        })
    }
}

/// Sends requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct Http {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    reach: Reach,
    hosts: Hosts,
    token: watch::Receiver<Option<Secret>>,
    renew: Option<Arc<dyn Renew>>,
    device_url: watch::Receiver<Option<String>>,
    user_agent: String,
    session: Uuid,
    count: AtomicU64,
    tap: Tap,
}

impl Http {
    /// Prepares the clients.
    ///
    /// # Errors
    /// [`RoutingError::Settings`] if the TLS settings do not make a client.
    pub(crate) fn new(config: &Config, reach: &Reach) -> Result<Self, RoutingError> {
        let client = reach
            .client()
            .timeout(TIME_LIMIT)
            .build()
            .map_err(|error| RoutingError::settings(format!("no HTTP client: {error}")))?;
        let (name, version) = &config.client;
        Ok(Self {
            shared: Arc::new(Shared {
                client,
                reach: reach.clone(),
                hosts: config.services.hosts.clone(),
                token: config.token.clone(),
                renew: config.renew.clone(),
                device_url: config.device_url.clone(),
                user_agent: format!("webex/{SPOKEN_VERSION} (web) {name}/{version}"),
                session: Uuid::new_v4(),
                count: AtomicU64::new(0),
                tap: config.tap.clone(),
            }),
        })
    }

    /// The access token there is now.
    ///
    /// # Errors
    /// [`RoutingError::SignInNeeded`] if there is none.
    pub(crate) fn token(&self) -> Result<Secret, RoutingError> {
        self.shared
            .token
            .borrow()
            .clone()
            .ok_or_else(|| RoutingError::SignInNeeded {
                why: "there is no access token".to_owned(),
                status: None,
                body: None,
                tracking_id: None,
            })
    }

    /// Sends one request and reads its answer. A token known to have ended is not tried: a newer
    /// one is awaited. After a 401 a newer token is got once and the
    /// request repeated once, with `+1` behind its tracking id (calling 1.3).
    ///
    /// # Errors
    /// Everything but a 2xx answer.
    pub(crate) async fn send(&self, ask: &Ask) -> Result<Answer, RoutingError> {
        let tracking_id = self.next_tracking_id();
        if !ask.with_token {
            return self.send_once(ask, None, tracking_id).await;
        }
        if let Some(renew) = &self.shared.renew {
            renew.ready().await;
        }
        let token = self.token()?;
        let replay_id = TrackingId(format!("{tracking_id}+1"));
        let outcome = self.send_once(ask, Some(&token), tracking_id).await;
        let Err(RoutingError::SignInNeeded {
            status: Some(401), ..
        }) = &outcome
        else {
            return outcome;
        };
        match self.newer_token(&token).await {
            Some(newer) => self.send_once(ask, Some(&newer), replay_id).await,
            None => outcome,
        }
    }

    /// A token other than the refused one: one that has come meanwhile, or else a new one.
    async fn newer_token(&self, stale: &Secret) -> Option<Secret> {
        if let Some(newer) = self.token().ok().filter(|token| token != stale) {
            return Some(newer);
        }
        let renew = self.shared.renew.as_ref()?;
        let newer = renew.renew(stale.clone()).await;
        newer.filter(|newer| newer != stale)
    }

    fn next_tracking_id(&self) -> TrackingId {
        let n = self.shared.count.fetch_add(1, Ordering::Relaxed) + 1;
        TrackingId(format!("webex-js-sdk_{}_{n}", self.shared.session))
    }

    async fn send_once(
        &self,
        ask: &Ask,
        token: Option<&Secret>,
        tracking_id: TrackingId,
    ) -> Result<Answer, RoutingError> {
        let asked = format!("{} {}", word(ask.method), ask.url.path());
        tracing::debug!(%tracking_id, %asked, "asking");
        let unreachable =
            |url: &Url, error: reqwest::Error, tracking_id: TrackingId| RoutingError::Unreachable {
                asked: asked.clone(),
                why: self.shared.reach.explain(url, &error.without_url()),
                tracking_id: Some(tracking_id),
            };
        let mut failures = 0;
        let (url, mut response) = loop {
            let url = self.address(ask)?;
            if let Err(error) = self.shared.reach.check(&url) {
                return Err(RoutingError::settings(error.to_string()));
            }
            match self.request(ask, &url, token, &tracking_id).send().await {
                Ok(response) => break (url, response),
                // Nothing was sent, so nothing can be done twice.
                Err(error)
                    if error.is_connect()
                        && failures < OTHER_HOSTS
                        && self.shared.hosts.fail(&url) =>
                {
                    failures += 1;
                }
                Err(error) => {
                    self.told(ask, None, None);
                    return Err(unreachable(&url, error, tracking_id));
                }
            }
        };
        let status = response.status().as_u16();
        let tracking_id = response
            .headers()
            .get("trackingid")
            .and_then(|value| value.to_str().ok())
            .filter(|id| !id.is_empty())
            .map_or(tracking_id, TrackingId::from);
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= BODY_LIMIT => {
                    bytes.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Err(RoutingError::BadAnswer {
                        why: format!("the answer of {asked} is too large"),
                        status: Some(status),
                        tracking_id: Some(tracking_id),
                    });
                }
                Ok(None) => break,
                Err(error) => return Err(unreachable(&url, error, tracking_id)),
            }
        }
        tracing::debug!(%tracking_id, %asked, status, "answered");
        let json = serde_json::from_slice::<Json>(&bytes).ok();
        self.told(ask, Some(status), json.as_ref());
        if (200..300).contains(&status) {
            return Ok(Answer {
                status,
                body: json,
                tracking_id,
            });
        }
        let body = json.or_else(|| {
            let text = String::from_utf8_lossy(&bytes);
            (!text.trim().is_empty()).then(|| Json::String(text.chars().take(2000).collect()))
        });
        // Whatever a refusal repeats of our request, the token is not shown or logged (contact-center 2.5).
        let body = body.map(|body| without_credentials(body, token));
        if status == 401 && token.is_some() {
            return Err(RoutingError::SignInNeeded {
                why: format!("{asked} was answered 401: the access token is not accepted"),
                status: Some(status),
                body,
                tracking_id: Some(tracking_id),
            });
        }
        Err(RoutingError::Refused {
            asked,
            status,
            body,
            tracking_id,
        })
    }

    /// Where the request goes: the catalog may name another host for it.
    fn address(&self, ask: &Ask) -> Result<Url, RoutingError> {
        let resolved = self.shared.hosts.resolve(&ask.url);
        checked(resolved.as_str(), ["https", "http"])
    }

    fn told(&self, ask: &Ask, status: Option<u16>, answer: Option<&Json>) {
        self.shared.tap.tell(Crossing::Exchange {
            method: word(ask.method),
            url: ask.url.as_str(),
            request: ask.body.as_ref(),
            status,
            answer,
        });
    }

    fn request(
        &self,
        ask: &Ask,
        url: &Url,
        token: Option<&Secret>,
        tracking_id: &TrackingId,
    ) -> reqwest::RequestBuilder {
        let method = match ask.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let mut request = self
            .shared
            .client
            .request(method, url.clone())
            .header("trackingid", tracking_id.as_str())
            .header("spark-user-agent", &self.shared.user_agent)
            .header("cisco-no-http-redirect", "true")
            .header("accept", "application/json");
        if let Some(token) = token {
            request = request.bearer_auth(token.reveal());
            if let Some(device) = self.shared.device_url.borrow().as_deref() {
                request = request.header("cisco-device-url", device);
            }
        }
        if let Some(org) = &ask.organization {
            request = request.header("x-organization-id", org.as_str());
        }
        match &ask.body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

fn word(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
    }
}
