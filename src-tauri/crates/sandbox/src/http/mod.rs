//! The HTTP face: one router behind one gate that does CORS, tokens, faults and the journal.

mod agents;
mod config;
mod director;
mod discovery;
mod identity;
mod mobius;
mod paging;
mod side;
mod tasks;
mod verbs;
mod wdm;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, patch, post, put};
use serde_json::{Value, json};

use crate::centre::{Action, Input, Refusal};
use crate::faults::{Plan, Refuse};
use crate::hub::Hub;
use crate::journal;
use crate::names::{AgentId, InteractionId, fresh};
use crate::socket;

pub(crate) use discovery::{BACKUPS, PRIMARIES};
pub(crate) use mobius::reoffer;

/// Longest request body read.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// How long the body of a request may take.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// Header names browsers ask for (`calling.md` 5.1); `*` does not cover `authorization`.
const ALLOWED_HEADERS: &str = "authorization, content-type, accept, cisco-device-url, spark-user-agent, trackingid, \
                               cisco-no-http-redirect, if-none-match, x-organization-id, x-prelogin-userid, type, appid";

/// Whether a connection is encrypted; set by the listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encrypted(pub(crate) bool);

/// Which address a connection came to: the main one, or that of another host of the calling service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Door(pub(crate) usize);

impl Door {
    /// The address where everything is served.
    pub(crate) const MAIN: Self = Self(0);
}

/// A request as the gate let it through.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The token's agent; an empty id on open endpoints.
    pub(crate) agent: AgentId,
    /// The JSON body; null without one.
    pub(crate) body: Value,
    /// Over TLS.
    pub(crate) tls: bool,
    /// Where it came in.
    pub(crate) door: Door,
    /// What the director ordered for it.
    pub(crate) plan: Plan,
    /// The query.
    pub(crate) query: BTreeMap<String, String>,
}

impl Call {
    /// A string field of the body.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.body.get(field).and_then(Value::as_str)
    }
}

pub(crate) type Shared = State<Arc<Hub>>;

/// The whole HTTP face.
pub(crate) fn router(hub: Arc<Hub>) -> Router {
    let device = "/api/v1/calling/web/devices/{device}";
    let call = "/api/v1/calling/web/devices/{device}/calls/{call}";
    Router::new()
        .route("/u2c/api/v1/limited/catalog", get(discovery::catalog))
        .route("/u2c/api/v1/catalog", get(discovery::catalog))
        .route("/v1/region", get(discovery::region))
        .route("/v1/notification/subscribe", post(agents::subscribe))
        .route("/v1/notification/ws/{id}", get(socket::notification::open))
        .route("/v1/agents/login", post(agents::login))
        .route("/v1/agents/logout", post(agents::logout))
        .route("/v1/agents/reload", post(agents::reload))
        .route("/v1/agents/session/state", put(agents::state))
        .route("/v1/agents/buddyList", post(agents::buddies))
        .route("/v1/tasks", post(tasks::outdial))
        .route("/v1/tasks/", post(tasks::outdial))
        .route("/v1/tasks/{id}/{*command}", post(tasks::command))
        .route(
            "/v1/dialer/campaign/{campaign}/preview-task/{id}/accept",
            post(tasks::accept_preview),
        )
        .route(
            "/v1/dialer/campaign/{campaign}/preview-task/{id}/skip",
            post(tasks::drop_preview),
        )
        .route(
            "/v1/dialer/campaign/{campaign}/preview-task/{id}/remove",
            post(tasks::drop_preview),
        )
        .route("/organization/{org}", get(config::organization))
        .route("/organization/{org}/{*resource}", get(config::resource))
        .route("/ai/event", post(side::ai_event))
        .route("/ai/transcripts/list", post(side::transcripts))
        .route("/wdm/api/v1/devices", post(wdm::register).get(wdm::list))
        .route(
            "/wdm/api/v1/devices/{id}",
            put(wdm::refresh).delete(wdm::remove).get(wdm::show),
        )
        .route(
            "/mercury/v1/apps/wx2/registrations/{id}/messages",
            get(socket::mercury::open),
        )
        .route("/api/v1/ping", get(discovery::ping))
        .route("/api/v1/calling/web/", get(discovery::servers))
        .route("/api/v1/calling/web", get(discovery::servers))
        .route("/api/v1/calling/web/device", post(mobius::register))
        .route("/api/v1/calling/web/devices", get(mobius::list))
        .route(device, delete(mobius::deregister))
        .route(&format!("{device}/status"), post(mobius::keepalive))
        .route(&format!("{device}/call"), post(mobius::dial))
        .route(call, patch(mobius::signal).delete(mobius::hang_up))
        .route(&format!("{call}/media"), post(mobius::media))
        .route(&format!("{call}/status"), post(mobius::status))
        .route(
            "/api/v1/calling/web/services/{service}/{what}",
            post(mobius::service),
        )
        .route("/metrics/api/v1/{*rest}", any(side::swallow))
        .route("/telemetry/api/v1/{*rest}", any(side::swallow))
        .route("/client-logs/api/v1/logs/urls", post(side::upload_urls))
        .route("/client-logs/api/v1/logs/meta", post(side::swallow))
        .route("/client-logs/upload/{id}", put(side::swallow))
        .route("/director", post(director::act))
        .route("/director/{verb}", post(director::act_by_path))
        .fallback(nothing_here)
        .method_not_allowed_fallback(nothing_here)
        .layer(middleware::from_fn_with_state(Arc::clone(&hub), gate))
        .with_state(Arc::clone(&hub))
        .merge(identity::router(hub))
}

async fn nothing_here() -> Response {
    problem(
        StatusCode::NOT_FOUND,
        "Not Found",
        "no such resource",
        "",
        404,
    )
}

/// An error body the task layer of clients understands (`contact-center.md` 2.4).
pub(crate) fn problem(
    status: StatusCode,
    kind: &str,
    message: &str,
    data: &str,
    code: u64,
) -> Response {
    let body = json!({
        "errorType": kind, "errorMessage": message, "errorData": data, "reasonCode": code, "message": message,
        "trackingId": fresh(),
    });
    answer(status, &body)
}

/// A bad field of a body.
pub(crate) fn bad_field(field: &str, message: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "Bad Request", message, field, 400)
}

/// A JSON answer.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// 200 with JSON.
pub(crate) fn ok(body: &Value) -> Response {
    answer(StatusCode::OK, body)
}

/// Accepts a command that a frame confirms: 202 at once, the frames after the centre's reaction time.
pub(crate) fn accepted(
    hub: &Arc<Hub>,
    call: &Call,
    action: Action,
    id: Option<InteractionId>,
    input: Input,
) -> Response {
    let reaction = Duration::from_millis(hub.lock().centre.settings.reaction_ms);
    let delay = reaction + call.plan.delay.unwrap_or_default();
    if let Some(refuse) = &call.plan.refuse {
        let campaign = if let Input::AcceptPreview(_, campaign, _) = &input {
            Some(campaign.clone())
        } else {
            None
        };
        let refusal = Refusal {
            event: refuse.event.clone(),
            reason: refuse.reason.clone(),
            reason_code: refuse.reason_code,
            campaign,
        };
        hub.feed_after(delay, Input::Fail(call.agent.clone(), id, action, refusal));
    } else if !call.plan.dropped {
        hub.feed_after(delay, input);
    }
    answer(StatusCode::ACCEPTED, &json!({}))
}

/// CORS, token, faults, journal: in this order, for every request.
async fn gate(State(hub): Shared, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let origin = parts.headers.get(header::ORIGIN).cloned();
    let tracking = text_header(&parts.headers, "trackingid");
    let asked = parts
        .headers
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .cloned();
    let (method, uri) = (parts.method.clone(), parts.uri.clone());
    if method == Method::OPTIONS {
        return with_cors(
            StatusCode::NO_CONTENT.into_response(),
            origin,
            asked.as_ref(),
            None,
        );
    }
    let tls = parts.extensions.get::<Encrypted>().is_some_and(|it| it.0);
    let door = parts.extensions.get::<Door>().copied();
    let door = door.unwrap_or(Door::MAIN);
    let is_socket = parts.headers.get(header::UPGRADE).is_some();
    let (body, too_long) = match if is_socket {
        Ok(axum::body::Bytes::new())
    } else {
        match tokio::time::timeout(BODY_PATIENCE, to_bytes(body, BODY_LIMIT)).await {
            Ok(read) => read,
            // Nobody waits for the rest: the connection ends.
            Err(_) => return crate::director::dropped(),
        }
    } {
        Ok(bytes) => (bytes, false),
        Err(_) => (axum::body::Bytes::new(), true),
    };
    let path = uri.path().to_owned();
    let parsed: Option<Result<Value, String>> = (!body.is_empty())
        .then(|| serde_json::from_slice(&body).map_err(|error| error.to_string()));
    let value = match &parsed {
        Some(Ok(value)) => value.clone(),
        Some(Err(_)) | None => Value::Null,
    };
    let (agent, refused) = admit(&hub, &parts.headers, &path, is_socket);
    let verb = verbs::verb_of(&method, &path, &value);
    let plan = verb
        .map(|verb| hub.lock().faults.plan(verb))
        .unwrap_or_default();
    let late = plan.late;
    let is_upload = path.starts_with("/client-logs/upload/");
    let response = if too_long {
        problem(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Payload Too Large",
            "the body is too long",
            "",
            413,
        )
    } else if let Some(response) = crate::director::away(&hub, &path, agent.as_ref(), door) {
        response
    } else if door != Door::MAIN && !path.starts_with("/api/v1/") {
        nothing_here().await
    } else if let Some(response) = refused {
        response
    } else if let Some(Err(error)) = parsed.as_ref().filter(|_| !is_upload) {
        problem(
            StatusCode::BAD_REQUEST,
            "Bad Request",
            &format!("the body is not JSON: {error}"),
            "body",
            400,
        )
    } else if let Some(response) = ordered(&hub, verb, &plan).await {
        response
    } else {
        let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
        let call = Call {
            agent: agent.clone().unwrap_or_else(|| AgentId::new("")),
            body: value.clone(),
            tls,
            door,
            plan,
            query,
        };
        let mut request = Request::from_parts(parts, Body::from(body));
        request.extensions_mut().insert(call);
        next.run(request).await
    };
    if let Some(late) = late {
        tokio::time::sleep(late).await;
    }
    let entry = journal::Request {
        method: method.to_string(),
        path,
        query: uri.query().map(ToOwned::to_owned),
        tracking_id: tracking.clone(),
        agent,
        body: (!value.is_null()).then_some(value),
        status: response.status().as_u16(),
        tls,
        host: discovery::host_name(door),
    };
    let now = hub.now();
    hub.lock().journal.request(now, entry);
    with_cors(response, origin, None, Some(tracking.unwrap_or_else(fresh)))
}

/// The token's agent, or the answer to a missing, unknown or expired token.
fn admit(
    hub: &Hub,
    headers: &HeaderMap,
    path: &str,
    is_socket: bool,
) -> (Option<AgentId>, Option<Response>) {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let now = hub.now();
    let mut state = hub.lock();
    let granted = bearer
        .and_then(|token| state.identity.holder(token, now))
        .map(|access| access.agent.clone());
    let is_granted = granted.is_some();
    let agent = granted.or_else(|| {
        bearer
            .and_then(|token| state.centre.roster.by_token(token))
            .map(|member| member.id.clone())
    });
    let is_open = is_socket
        || path == "/u2c/api/v1/limited/catalog"
        || path == "/v1/region"
        || ["/director", "/metrics/", "/telemetry/", "/client-logs/"]
            .iter()
            .any(|prefix| path.starts_with(prefix));
    if is_open {
        return (agent, None);
    }
    let refused = match &agent {
        // A granted token has an end of its own; only the fixed ones are told once that they are over.
        Some(agent) if !is_granted && state.expired.remove(agent) => {
            Some("the access token has expired")
        }
        Some(_) => None,
        None => Some("the access token is missing or unknown"),
    };
    let refused = refused.map(|why| {
        problem(
            StatusCode::UNAUTHORIZED,
            "Unauthorized",
            why,
            "authorization",
            401,
        )
    });
    (agent, refused)
}

/// What the director ordered for requests that no frame confirms, and refusals by status for all.
pub(super) async fn ordered(
    hub: &Hub,
    verb: Option<&'static str>,
    plan: &Plan,
) -> Option<Response> {
    let by_frame = verb.is_some_and(|verb| verbs::is_confirmed_by_frame(verb) || verb == "media");
    if let Some(refuse) = plan
        .refuse
        .as_ref()
        .filter(|refuse| refuse.status.is_some() || !by_frame || verb == Some("media"))
    {
        return Some(refusal(refuse));
    }
    if by_frame {
        return None;
    }
    if plan.dropped {
        hub.stop.cancelled().await;
    }
    if let Some(delay) = plan.delay {
        tokio::time::sleep(delay).await;
    }
    None
}

fn refusal(refuse: &Refuse) -> Response {
    let status = refuse
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = refuse
        .reason
        .as_deref()
        .unwrap_or("refused by the director");
    let mut body = json!({
        "errorType": status.canonical_reason().unwrap_or("Error"), "errorMessage": reason, "errorData": "",
        "reasonCode": refuse.reason_code.unwrap_or(u64::from(status.as_u16())), "message": reason, "trackingId": fresh(),
    });
    if let Some(code) = refuse.error_code {
        body["errorCode"] = json!(code);
    }
    let mut response = answer(status, refuse.body.as_ref().unwrap_or(&body));
    if let Some(seconds) = refuse.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn with_cors(
    mut response: Response,
    origin: Option<HeaderValue>,
    asked: Option<&HeaderValue>,
    tracking: Option<String>,
) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        origin.unwrap_or(HeaderValue::from_static("*")),
    );
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let expose = HeaderValue::from_static("trackingid, retry-after, etag");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, expose);
    if let Some(tracking) = tracking {
        if let Ok(value) = HeaderValue::from_str(&tracking) {
            headers.insert(HeaderName::from_static("trackingid"), value);
        }
        return response;
    }
    let methods = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(asked));
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    );
    headers.insert(
        HeaderName::from_static("access-control-allow-private-network"),
        HeaderValue::from_static("true"),
    );
    response
}

/// The names of `calling.md` 5.1, and whatever else is asked for.
fn allowed_headers(asked: Option<&HeaderValue>) -> HeaderValue {
    let mut names: Vec<String> = ALLOWED_HEADERS
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    for name in asked
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .split(',')
    {
        let name = name.trim().to_ascii_lowercase();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("authorization"))
}

fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(ToOwned::to_owned)
}
