//! The identity service's door: pages for people, forms for clients. It has a gate of its own, because its bodies are
//! forms and its errors have other shapes.

use std::sync::Arc;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};

use super::{Encrypted, Shared, answer, ok, text_header, verbs, with_cors};
use crate::hub::Hub;
use crate::identity::{Access, Authorize, Caller, Decision, Fields, Problem, hash_of, pages};
use crate::journal;
use crate::names::{AgentId, fresh};
use crate::roster::{Member, ORG_ID};

/// Longest form read.
const FORM_LIMIT: usize = 64 * 1024;
/// The browser's session.
const COOKIE: &str = "sandbox_session";

/// Both families of paths (sign-in section 7).
pub(crate) fn router(hub: Arc<Hub>) -> Router {
    let mut router = Router::new();
    for path in ["/v1/authorize", "/idb/oauth2/v1/authorize"] {
        router = router.route(path, get(authorize));
    }
    for path in ["/v1/access_token", "/idb/oauth2/v1/access_token"] {
        router = router.route(path, post(token));
    }
    for path in [
        "/v1/device/authorize",
        "/helperservice/v1/actions/device/authorize",
    ] {
        router = router.route(path, post(device_start));
    }
    for path in ["/v1/device/token", "/helperservice/v1/actions/device/token"] {
        router = router.route(path, post(device_poll));
    }
    for path in ["/v1/revoke", "/idb/oauth2/v1/revoke"] {
        router = router.route(path, post(revoke));
    }
    for path in ["/v1/logout", "/idb/oauth2/v1/logout"] {
        router = router.route(path, any(logout));
    }
    router
        .route("/v1/authorize/decision", post(decision))
        .route("/verify", get(verify).post(verified))
        .route("/idb/oauth2/v1/tokens/me", delete(revoke_me).get(alive))
        .route("/v1/people/me", get(people_me))
        .route("/v1/userinfo", get(userinfo))
        .route("/v1/.well-known/openid-configuration", get(discovery))
        .route("/v1/verification", get(keys))
        .layer(middleware::from_fn_with_state(Arc::clone(&hub), gate))
        .with_state(hub)
}

/// A form, as the gate read it; none if the body was of another kind.
#[derive(Clone)]
struct Form(Option<Fields>);

/// The address this request came to.
#[derive(Clone)]
struct Base(String);

/// Outage, form, journal.
async fn gate(State(hub): Shared, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let origin = parts.headers.get(header::ORIGIN).cloned();
    let asked = parts
        .headers
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .cloned();
    if parts.method == Method::OPTIONS {
        return with_cors(
            StatusCode::NO_CONTENT.into_response(),
            origin,
            asked.as_ref(),
            None,
        );
    }
    let tls = parts.extensions.get::<Encrypted>().is_some_and(|it| it.0);
    let bytes = to_bytes(body, FORM_LIMIT).await.unwrap_or_default();
    let form = form_in(&parts.headers, &bytes);
    let (method, uri) = (parts.method.clone(), parts.uri.clone());
    let tracking = text_header(&parts.headers, "trackingid");
    let now = hub.now();
    let outage = hub.lock().identity.outage(now);
    let verb = verbs::identity_verb(&method, uri.path());
    let mut plan = verb
        .map(|verb| hub.lock().faults.plan(verb))
        .unwrap_or_default();
    if let Some(refuse) = plan.refuse.as_mut().filter(|it| it.body.is_none()) {
        // In all the words in which errors are told here.
        let error = refuse.reason.as_deref().unwrap_or("server_error");
        let text = "refused by the director";
        refuse.body = Some(json!({
            "error": error, "error_description": text, "message": text, "errors": [{"description": error}],
            "trackingId": fresh(),
        }));
    }
    let response = if let Some((status, retry_after)) = outage {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let body =
            json!({"message": "the identity service is down", "errors": [], "trackingId": fresh()});
        let mut response = answer(status, &body);
        if let Some(seconds) = retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    } else if let Some(response) = super::ordered(&hub, verb, &plan).await {
        response
    } else {
        parts.extensions.insert(Form(form.clone()));
        parts.extensions.insert(Base(hub.base(tls).to_owned()));
        next.run(Request::from_parts(parts, axum::body::Body::from(bytes)))
            .await
    };
    if let Some(late) = plan.late {
        tokio::time::sleep(late).await;
    }
    let entry = journal::Request {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: noted_query(&uri),
        tracking_id: tracking.clone(),
        agent: None,
        body: form.as_ref().map(noted),
        status: response.status().as_u16(),
        tls,
        host: None,
    };
    hub.lock().journal.request(now, entry);
    with_cors(response, origin, None, Some(tracking.unwrap_or_else(fresh)))
}

fn form_in(headers: &HeaderMap, bytes: &Bytes) -> Option<Fields> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    kind.starts_with("application/x-www-form-urlencoded")
        .then(|| url::form_urlencoded::parse(bytes).into_owned().collect())
}

/// A form as the journal may keep it: secrets as hashes.
fn noted(form: &Fields) -> Value {
    let is_open = |name: &str| {
        matches!(
            name,
            "grant_type"
                | "client_id"
                | "redirect_uri"
                | "scope"
                | "token_type_hint"
                | "self_contained_token"
                | "decision"
                | "agent"
        )
    };
    form.iter()
        .map(|(name, value)| {
            let shown = if is_open(name) {
                value.clone()
            } else {
                hash_of(value)
            };
            (name.clone(), json!(shown))
        })
        .collect()
}

fn noted_query(uri: &Uri) -> Option<String> {
    let query = uri.query()?;
    let fields = url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| {
        let shown = match name.as_ref() {
            "state" | "userCode" | "token" | "login_hint" => hash_of(&value),
            _ => value.into_owned(),
        };
        (name, shown)
    });
    Some(
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish(),
    )
}

fn html(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    for (name, value) in pages::HEADERS {
        response.headers_mut().insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}

fn redirect(to: &str, cookie: Option<&str>) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    let headers = response.headers_mut();
    match HeaderValue::from_str(to) {
        Ok(to) => headers.insert(header::LOCATION, to),
        Err(_) => {
            return html(
                StatusCode::BAD_REQUEST,
                pages::note("Sign-in did not work", "The way back is no address."),
            );
        }
    };
    if let Some(cookie) = cookie.and_then(|cookie| {
        HeaderValue::from_str(&format!(
            "{COOKIE}={cookie}; HttpOnly; SameSite=Lax; Path=/"
        ))
        .ok()
    }) {
        headers.insert(header::SET_COOKIE, cookie);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn cookie_in(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::COOKIE)?
        .to_str()
        .ok()?
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

fn members(hub: &Hub) -> Vec<Member> {
    hub.lock().centre.roster.members.clone()
}

/// The agent a form names, else the first.
fn agent_in(members: &[Member], form: &Fields) -> AgentId {
    let named = form
        .get("agent")
        .and_then(|word| members.iter().find(|member| member.is_called(word)));
    named
        .or_else(|| members.first())
        .map_or_else(|| AgentId::new(""), |member| member.id.clone())
}

async fn authorize(
    State(hub): Shared,
    axum::Extension(Base(base)): axum::Extension<Base>,
    Query(query): Query<Fields>,
    headers: HeaderMap,
) -> Response {
    let members = members(&hub);
    let first = agent_in(&members, &Fields::new());
    let now = hub.now();
    let became = hub
        .lock()
        .identity
        .authorize(&query, cookie_in(&headers), &base, now, &first);
    match became {
        Authorize::Refused(why) => html(
            StatusCode::BAD_REQUEST,
            pages::note("Sign-in did not work", why),
        ),
        Authorize::Back(to) => redirect(&to, None),
        Authorize::Ask(question) => html(StatusCode::OK, pages::consent(&question, &members)),
    }
}

async fn decision(
    State(hub): Shared,
    axum::Extension(Base(base)): axum::Extension<Base>,
    axum::Extension(Form(form)): axum::Extension<Form>,
) -> Response {
    let form = form.unwrap_or_default();
    let agent = agent_in(&members(&hub), &form);
    let decision = match form.get("decision").map(String::as_str) {
        Some("allow") => Decision::Allow,
        Some(_) | None => Decision::Deny,
    };
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let now = hub.now();
    let mut state = hub.lock();
    let to = state.identity.decide(
        field("request"),
        field("csrf"),
        decision,
        &agent,
        None,
        &base,
        now,
    );
    match to {
        Some(to) => {
            let cookie = (decision == Decision::Allow).then(|| state.identity.open_session(&agent));
            redirect(&to, cookie.as_deref())
        }
        None => html(
            StatusCode::BAD_REQUEST,
            pages::note(
                "Sign-in did not work",
                "This question was answered before, or too late.",
            ),
        ),
    }
}

/// `Authorization: Basic`, percent-decoded, as id and secret.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let pair = STANDARD.decode(text.strip_prefix("Basic ")?).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let decoded = |text: &str| {
        url::form_urlencoded::parse(format!("x={text}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    Some((decoded(id), decoded(secret)))
}

/// Answers a form of a client.
fn answered(
    hub: &Hub,
    headers: &HeaderMap,
    form: Option<&Fields>,
    is_poll: bool,
    ask: impl FnOnce(&mut crate::hub::State, &Caller<'_>, &Fields) -> Result<Value, Problem>,
) -> Response {
    let mut state = hub.lock();
    let Some(form) = form else {
        let problem = Problem {
            status: 415,
            error: "invalid_request",
            description: "the body must be application/x-www-form-urlencoded".to_owned(),
        };
        let body = state.identity.tell(&problem);
        return answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, &body);
    };
    let basic = basic(headers);
    let caller = match &basic {
        Some((id, secret)) => Caller {
            id: Some(id),
            secret: Some(secret),
        },
        None => Caller {
            id: form.get("client_id").map(String::as_str),
            secret: form.get("client_secret").map(String::as_str),
        },
    };
    let mut response = match ask(&mut state, &caller, form) {
        Ok(body) => ok(&body),
        Err(problem) => {
            let body = if is_poll {
                state.identity.tell_poll(&problem)
            } else {
                state.identity.tell(&problem)
            };
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
            answer(status, &body)
        }
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn token(
    State(hub): Shared,
    axum::Extension(Base(base)): axum::Extension<Base>,
    axum::Extension(Form(form)): axum::Extension<Form>,
    headers: HeaderMap,
) -> Response {
    let now = hub.now();
    answered(
        &hub,
        &headers,
        form.as_ref(),
        false,
        |state, caller, form| state.identity.token(caller, form, &base, now),
    )
}

async fn device_start(
    State(hub): Shared,
    axum::Extension(Base(base)): axum::Extension<Base>,
    axum::Extension(Form(form)): axum::Extension<Form>,
    headers: HeaderMap,
) -> Response {
    let now = hub.now();
    let first = agent_in(&members(&hub), &Fields::new());
    answered(&hub, &headers, form.as_ref(), false, |state, _, form| {
        let field = |name: &str| form.get(name).map(String::as_str);
        state
            .identity
            .device_start(field("client_id"), field("scope"), &base, now, &first)
    })
}

async fn device_poll(
    State(hub): Shared,
    axum::Extension(Base(base)): axum::Extension<Base>,
    axum::Extension(Form(form)): axum::Extension<Form>,
    headers: HeaderMap,
) -> Response {
    let now = hub.now();
    let with_basic = basic(&headers).is_some();
    answered(
        &hub,
        &headers,
        form.as_ref(),
        true,
        |state, caller, form| {
            if !with_basic {
                return Err(Problem {
                    status: 401,
                    error: "invalid_client",
                    description: "Basic authentication is required".to_owned(),
                });
            }
            let field = |name: &str| form.get(name).map(String::as_str);
            let identity = &mut state.identity;
            identity.device_poll(
                caller,
                field("grant_type"),
                field("device_code"),
                &base,
                now,
            )
        },
    )
}

async fn verify(State(hub): Shared, Query(query): Query<Fields>) -> Response {
    let code = query
        .get("userCode")
        .map(String::as_str)
        .unwrap_or_default();
    let members = members(&hub);
    let now = hub.now();
    let state = hub.lock();
    let asks = state.identity.device_of(code, now);
    html(StatusCode::OK, pages::verify(code, asks, &members))
}

async fn verified(
    State(hub): Shared,
    axum::Extension(Form(form)): axum::Extension<Form>,
) -> Response {
    let form = form.unwrap_or_default();
    let agent = agent_in(&members(&hub), &form);
    let is_allowed = form
        .get("decision")
        .is_some_and(|decision| decision == "allow");
    let code = form.get("userCode").map(String::as_str).unwrap_or_default();
    let now = hub.now();
    let is_known = hub
        .lock()
        .identity
        .device_decide(code, is_allowed.then_some(agent), now);
    match (is_known, is_allowed) {
        (true, true) => html(
            StatusCode::OK,
            pages::note("The device is signed in", "You can close this tab."),
        ),
        (true, false) => html(
            StatusCode::OK,
            pages::note("The device is not signed in", "Access was not allowed."),
        ),
        (false, _) => html(
            StatusCode::BAD_REQUEST,
            pages::note("That did not work", "No device waits for this code."),
        ),
    }
}

async fn revoke(
    State(hub): Shared,
    axum::Extension(Form(form)): axum::Extension<Form>,
) -> Response {
    let now = hub.now();
    if let Some(token) = form.as_ref().and_then(|form| form.get("token")) {
        hub.lock().identity.revoke(token, now);
    }
    ok(&json!({}))
}

/// The holder of the bearer token: minted, or one of the fixed ones, which may do everything.
fn holder(hub: &Hub, headers: &HeaderMap) -> Option<(AgentId, Option<Access>)> {
    let token = bearer(headers)?;
    let now = hub.now();
    let state = hub.lock();
    if let Some(access) = state.identity.holder(token, now) {
        return Some((access.agent.clone(), Some(access.clone())));
    }
    let member = state.centre.roster.by_token(token)?;
    Some((member.id.clone(), None))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

async fn revoke_me(State(hub): Shared, headers: HeaderMap) -> Response {
    if holder(&hub, &headers).is_none() {
        return no_token();
    }
    let now = hub.now();
    if let Some(token) = bearer(&headers) {
        hub.lock().identity.revoke(token, now);
    }
    ok(&json!({}))
}

async fn alive(State(hub): Shared, headers: HeaderMap) -> Response {
    match holder(&hub, &headers) {
        Some(_) => ok(&json!({})),
        None => no_token(),
    }
}

fn no_token() -> Response {
    let body = json!({
        "message": "The request requires a valid access token set in the Authorization request header.",
        "errors": [{"description": "The request requires a valid access token set in the Authorization request header."}],
        "trackingId": fresh(),
    });
    answer(StatusCode::UNAUTHORIZED, &body)
}

fn no_scope(scope: &str) -> Response {
    let body = json!({
        "message": format!("The access token lacks the scope {scope}."),
        "errors": [{"description": format!("The access token lacks the scope {scope}.")}], "trackingId": fresh(),
    });
    answer(StatusCode::FORBIDDEN, &body)
}

/// What a request for a person's data lacks.
enum Lacking {
    Token,
    Scope,
}

impl Lacking {
    fn told(self, scope: &str) -> Response {
        match self {
            Self::Token => no_token(),
            Self::Scope => no_scope(scope),
        }
    }
}

/// The agent who holds the token, if the token has the scope.
fn person(hub: &Hub, headers: &HeaderMap, scope: &str) -> Result<Member, Lacking> {
    let (agent, access) = holder(hub, headers).ok_or(Lacking::Token)?;
    if access.is_some_and(|access| !access.may(scope)) {
        return Err(Lacking::Scope);
    }
    hub.lock()
        .centre
        .roster
        .member(&agent)
        .cloned()
        .ok_or(Lacking::Token)
}

async fn people_me(State(hub): Shared, headers: HeaderMap) -> Response {
    let member = match person(&hub, &headers, "spark:people_read") {
        Ok(member) => member,
        Err(lacking) => return lacking.told("spark:people_read"),
    };
    let urn = |kind: &str, id: &str| STANDARD_NO_PAD.encode(format!("ciscospark://us/{kind}/{id}"));
    let (first, last) = member.names();
    ok(&json!({
        "id": urn("PEOPLE", member.id.as_str()), "emails": [pages::mail(&member)], "displayName": member.name,
        "firstName": first, "lastName": last, "orgId": urn("ORGANIZATION", ORG_ID), "type": "person",
    }))
}

async fn userinfo(State(hub): Shared, headers: HeaderMap) -> Response {
    match person(&hub, &headers, "openid") {
        Ok(member) => ok(&json!({
            "sub": member.id.as_str(), "name": member.name, "email": pages::mail(&member),
        })),
        Err(lacking) => lacking.told("openid"),
    }
}

async fn logout(
    State(hub): Shared,
    axum::Extension(Base(base)): axum::Extension<Base>,
    Query(query): Query<Fields>,
    headers: HeaderMap,
) -> Response {
    let goto = query.get("goto").map(String::as_str);
    let mut state = hub.lock();
    match state
        .identity
        .close_session(cookie_in(&headers), goto, &base)
    {
        Some(to) => redirect(to, Some("")),
        None => html(
            StatusCode::OK,
            pages::note("You are signed out", "You can close this tab."),
        ),
    }
}

async fn discovery(axum::Extension(Base(base)): axum::Extension<Base>) -> Response {
    ok(&json!({
        "issuer": format!("{base}/idb"), "authorization_endpoint": format!("{base}/v1/authorize"),
        "token_endpoint": format!("{base}/v1/access_token"), "userinfo_endpoint": format!("{base}/v1/userinfo"),
        "jwks_uri": format!("{base}/v1/verification"), "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }))
}

async fn keys(State(hub): Shared) -> Response {
    ok(&hub.lock().identity.keys())
}
