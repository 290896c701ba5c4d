//! From causes to the error a caller sees, worded as contact-center 2.6 and 2.7 prescribe.

use deskline_wire::{Frame, Json};

use crate::{
    CommandError, Kind, Problem, StationOption,
    operation::{Operation, Style},
};

/// Why a question to the centre failed.
#[derive(Debug, Clone)]
pub(crate) enum Cause<'a> {
    /// A failure event.
    Event(&'a Frame),
    /// An HTTP refusal, or nobody answered.
    Http(&'a Problem),
    /// No frame in time.
    Timeout,
    /// The same question is open.
    Pending,
    /// The socket closed meanwhile (O-44).
    ConnectionLost,
    /// A newer question took its place (O-04), or its task ended.
    Superseded(&'static str),
}

/// Words a failed operation.
pub(crate) fn of(
    operation: &Operation,
    cause: &Cause<'_>,
    login: Option<StationOption>,
) -> CommandError {
    let mut error = match operation.style {
        Style::Task => of_task(operation.method, cause),
        Style::Agent => of_agent(operation.method, cause),
    };
    error.code = match cause {
        Cause::Event(_) => operation.error_id.to_owned(),
        Cause::Http(_) => operation.http_error_id.to_owned(),
        Cause::Timeout => "Service.aqm.reqs.Timeout".to_owned(),
        Cause::Pending => "Service.aqm.reqs.Pending".to_owned(),
        Cause::ConnectionLost => "Deskline.ConnectionLost".to_owned(),
        Cause::Superseded(_) => "Deskline.Superseded".to_owned(),
    };
    if operation.method == "stationLogin" {
        let (message, field) = station_login_words(error.reason.as_deref(), login);
        error.message = message.to_owned();
        error.field_name = Some(field.to_owned());
    }
    error
}

fn kind(cause: &Cause<'_>) -> Kind {
    match cause {
        Cause::Event(_) => Kind::Refused,
        Cause::Http(problem) if problem.signed_out => Kind::SignedOut,
        Cause::Http(problem) if problem.status.is_none() => Kind::Unreachable,
        Cause::Http(_) => Kind::Refused,
        Cause::Timeout => Kind::Timeout,
        Cause::Pending => Kind::Pending,
        Cause::ConnectionLost => Kind::Unreachable,
        Cause::Superseded(_) => Kind::Superseded,
    }
}

fn of_task(method: &str, cause: &Cause<'_>) -> CommandError {
    let body = match cause {
        Cause::Http(problem) => problem.body.as_ref(),
        Cause::Event(_)
        | Cause::Timeout
        | Cause::Pending
        | Cause::ConnectionLost
        | Cause::Superseded(_) => None,
    };
    let text_of = |key: &str| {
        body.and_then(|body| body.get(key))
            .and_then(Json::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let message =
        text_of("errorMessage").unwrap_or_else(|| format!("Error while performing {method}"));
    let error_type = text_of("errorType").unwrap_or_else(|| "Error".to_owned());
    let error_data = text_of("errorData").unwrap_or_default();
    let reason_code = body
        .and_then(|body| body.get("reasonCode"))
        .filter(|code| !code.is_null())
        .cloned()
        .unwrap_or_else(|| Json::from(0));
    let mut error = bare(cause);
    error.text = thrown(&error_type, &message, &error_data);
    error.message = message;
    error.error_type = error_type;
    error.error_data = error_data;
    error.reason_code = reason_code;
    error
}

fn of_agent(method: &str, cause: &Cause<'_>) -> CommandError {
    let mut error = bare(cause);
    error.text = match (&error.reason, cause) {
        (Some(reason), Cause::Event(_)) => reason.clone(),
        _ => format!("Error while performing {method}"),
    };
    error.message = String::new();
    error.field_name = Some(String::new());
    error
}

/// The fields that do not depend on the wording.
fn bare(cause: &Cause<'_>) -> CommandError {
    let mut error = CommandError::ours(kind(cause), "Unknown", "");
    match cause {
        Cause::Event(frame) => {
            error.tracking_id = frame.tracking_id().unwrap_or_default().to_owned();
            error.reason = frame.text("reason").map(str::to_owned);
            error.event_reason_code = frame
                .data()
                .and_then(|data| data.get("reasonCode"))
                .filter(|code| !code.is_null())
                .cloned();
        }
        Cause::Http(problem) => {
            error.tracking_id = problem
                .tracking_id
                .as_ref()
                .map(|id| id.as_str().to_owned())
                .unwrap_or_default();
            error.status = problem.status;
            error.body = problem.body.clone();
            if problem.status.is_none() {
                error.reason = Some(problem.text.clone());
            }
        }
        Cause::ConnectionLost => error.reason = Some("connection lost".to_owned()),
        Cause::Superseded(why) => error.reason = Some((*why).to_owned()),
        Cause::Timeout | Cause::Pending => {}
    }
    error
}

fn thrown(error_type: &str, message: &str, error_data: &str) -> String {
    if error_data.is_empty() {
        format!("{error_type}: {message}")
    } else {
        format!("{error_type}: {message} ({error_data})")
    }
}

/// A task method that we would not even ask (the "local validation" column of 2.6).
pub(crate) fn invalid(code: &str, message: &str) -> CommandError {
    named(Kind::Invalid, code, "Error", message)
}

/// A task method that failed on this machine, under the name the device or engine gave.
pub(crate) fn named(kind: Kind, code: &str, error_type: &str, message: &str) -> CommandError {
    let mut error = CommandError::ours(kind, code, thrown(error_type, message, ""));
    error.message = message.to_owned();
    error.error_type = error_type.to_owned();
    error
}

/// `err.data` of station login (contact-center 2.7).
pub(crate) fn station_login_words(
    reason: Option<&str>,
    login: Option<StationOption>,
) -> (&'static str, &'static str) {
    let field = login.map_or("generic", StationOption::word);
    match (reason, login) {
        (Some("DUPLICATE_LOCATION"), Some(StationOption::Extension)) => {
            ("This extension is already in use", field)
        }
        (Some("DUPLICATE_LOCATION"), Some(StationOption::AgentDn)) => (
            "Dial number is in use. Try a different one. For help, reach out to your administrator or support team.",
            field,
        ),
        (Some("DUPLICATE_LOCATION"), _) => ("This value is already in use", field),
        (Some("INVALID_DIAL_NUMBER"), _) => (
            "Enter a valid dial number. For help, reach out to your administrator or support team.",
            field,
        ),
        _ => (
            "An error occurred while logging in to the station",
            "generic",
        ),
    }
}

/// The number failed the dial plan; nothing was sent.
pub(crate) fn invalid_dial_number(login: StationOption) -> CommandError {
    let (message, field) = station_login_words(Some("INVALID_DIAL_NUMBER"), Some(login));
    let mut error = CommandError::ours(Kind::Invalid, "InvalidDialNumber", "INVALID_DIAL_NUMBER");
    error.reason = Some("INVALID_DIAL_NUMBER".to_owned());
    error.message = message.to_owned();
    error.field_name = Some(field.to_owned());
    error
}

/// The station is logged in, but the line could not be registered (headless 7.5).
pub(crate) fn line(problem: &Problem) -> CommandError {
    let kind = if problem.signed_out {
        Kind::SignedOut
    } else if problem.status.is_some() {
        Kind::Refused
    } else if problem.name.as_deref() == Some("Timeout") {
        Kind::Timeout
    } else {
        Kind::Unreachable
    };
    let (message, field) = station_login_words(None, None);
    let mut error = CommandError::ours(
        kind,
        "LineNotRegistered",
        "Error while performing stationLogin",
    );
    error.message = message.to_owned();
    error.field_name = Some(field.to_owned());
    error.reason = Some(problem.text.clone());
    error.status = problem.status;
    error.body = problem.body.clone();
    error.tracking_id = tracking_id(problem);
    error
}

/// Sign-in did not get through.
pub(crate) fn sign_in(problem: &Problem) -> CommandError {
    let (kind, code) = if problem.signed_out {
        (Kind::SignedOut, "SignedOut")
    } else if let Some(name @ "BadAnswer") = problem.name.as_deref() {
        (Kind::Refused, name)
    } else if problem.name.as_deref() == Some("Timeout") {
        (Kind::Timeout, "Timeout")
    } else if problem.status.is_some() {
        (Kind::Refused, "SignIn")
    } else {
        (Kind::Unreachable, "SignIn")
    };
    let mut error = CommandError::ours(kind, code, problem.text.clone());
    error.status = problem.status;
    error.body = problem.body.clone();
    error.tracking_id = tracking_id(problem);
    error
}

fn tracking_id(problem: &Problem) -> String {
    problem
        .tracking_id
        .as_ref()
        .map(|id| id.as_str().to_owned())
        .unwrap_or_default()
}
