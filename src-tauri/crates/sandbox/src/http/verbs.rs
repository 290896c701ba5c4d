//! Which director's verb a request answers to.

use axum::http::Method;
use serde_json::Value;

/// The verb of a request, if faults can be ordered for it.
pub(crate) fn verb_of(method: &Method, path: &str, body: &Value) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["u2c", ..]) => Some("catalog"),
        ("GET", ["v1", "region"]) => Some("region"),
        ("POST", ["v1", "notification", "subscribe"]) => Some("subscribe"),
        ("GET", ["organization", _, "v2", "contact-service-queue"]) => Some("queues"),
        ("GET", ["organization", _, "v2", "entry-point"]) => Some("entryPoints"),
        ("GET", ["organization", _, "v2", "address-book", ..]) => Some("addressBook"),
        ("GET", ["organization", _, "v2", "outdial-ani", ..]) => Some("outdialAnis"),
        ("GET", ["organization", ..]) => Some("config"),
        ("POST", ["v1", "agents", what]) => crate::faults::verb(what),
        ("PUT", ["v1", "agents", "session", "state"]) => Some("state"),
        ("POST", ["v1", "tasks"]) => Some("outdial"),
        ("POST", ["v1", "tasks", _, rest @ ..]) => task_verb(&rest.join("/")),
        ("POST", ["v1", "dialer", ..]) => Some("acceptPreview"),
        ("POST", ["ai", "event"]) => Some("aiEvent"),
        ("POST", ["ai", "transcripts", ..]) => Some("transcripts"),
        ("POST", ["wdm", ..]) => Some("wdmRegister"),
        ("PUT", ["wdm", ..]) => Some("wdmRefresh"),
        ("DELETE", ["wdm", ..]) => Some("wdmDelete"),
        ("GET", ["wdm", ..]) => Some("wdmList"),
        ("POST", ["metrics" | "telemetry", ..]) => Some("metrics"),
        ("POST" | "PUT", ["client-logs", ..]) => Some("upload"),
        ("GET", ["api", "v1", "ping"]) => Some("ping"),
        (method, ["api", "v1", "calling", "web", rest @ ..]) => calling_verb(method, rest, body),
        _ => None,
    }
}

/// The verb of a request to the identity service, in either family of paths.
pub(crate) fn identity_verb(method: &Method, path: &str) -> Option<&'static str> {
    match (method.as_str(), path.rsplit('/').next()?) {
        ("POST", "access_token") => Some("token"),
        ("POST", "authorize") => Some("deviceAuthorize"),
        ("POST", "token") => Some("deviceToken"),
        ("GET", "authorize") => Some("authorize"),
        ("POST", "revoke") => Some("revoke"),
        ("DELETE", "me") => Some("revoke"),
        ("GET", "me") if path == "/v1/people/me" => Some("people"),
        ("GET", "userinfo") => Some("userinfo"),
        _ => None,
    }
}

fn task_verb(command: &str) -> Option<&'static str> {
    match command {
        "consult/accept" => Some("consultAccept"),
        "participants/drop" => None,
        other => crate::faults::verb(other),
    }
}

fn calling_verb(method: &str, rest: &[&str], body: &Value) -> Option<&'static str> {
    match (method, rest) {
        ("GET", []) => Some("discovery"),
        ("POST", ["device"]) => Some("register"),
        ("GET", ["devices"]) => Some("listDevices"),
        ("POST", ["devices", _, "status"]) => Some("keepalive"),
        ("DELETE", ["devices", _]) => Some("deregister"),
        ("POST", ["devices", _, "call"]) => Some("dial"),
        ("PATCH", ["devices", _, "calls", _]) => {
            match body.get("callState").and_then(Value::as_str) {
                Some("sig_alerting") => Some("alerting"),
                Some(_) | None => Some("connected"),
            }
        }
        ("DELETE", ["devices", _, "calls", _]) => Some("deleteCall"),
        ("POST", ["devices", _, "calls", _, "media"]) => Some("media"),
        ("POST", ["devices", _, "calls", _, "status"]) => Some("callStatus"),
        ("POST", ["services", ..]) => Some("callHold"),
        _ => None,
    }
}

/// Whether a frame, not the HTTP answer, confirms requests of this verb.
pub(crate) fn is_confirmed_by_frame(verb: &str) -> bool {
    matches!(
        verb,
        "login"
            | "logout"
            | "reload"
            | "state"
            | "buddyList"
            | "accept"
            | "hold"
            | "resume"
            | "pauseRecording"
            | "resumeRecording"
            | "consult"
            | "consultAccept"
            | "endConsult"
            | "cancelCtq"
            | "consultTransfer"
            | "transfer"
            | "consultConference"
            | "exitConference"
            | "transferConference"
            | "end"
            | "wrapup"
            | "outdial"
            | "acceptPreview"
    )
}
