//! Task commands and the dialer (`contact-center.md` 5.2, 5.3): read here, decided by the centre.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::{Call, Shared, accepted, bad_field, problem};
use crate::centre::{Action, Command, Destination, Input};
use crate::names::InteractionId;

pub(crate) async fn command(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path((id, path)): Path<(String, String)>,
) -> Response {
    let id = InteractionId::new(id);
    let command = match read(&path, &call) {
        Ok(Some(command)) => command,
        Ok(None) => {
            return problem(
                StatusCode::NOT_FOUND,
                "Not Found",
                "no such command",
                &path,
                404,
            );
        }
        Err((field, message)) => return bad_field(field, message),
    };
    {
        let state = hub.lock();
        let Some(it) = state
            .centre
            .interaction(&id)
            .filter(|it| it.party(call.agent.as_str()).is_some())
        else {
            return problem(
                StatusCode::NOT_FOUND,
                "Not Found",
                "Interaction not found",
                "interactionId",
                404,
            );
        };
        let media = command.media();
        let consult = it.consult.as_ref().map(|consult| consult.media.id.as_str());
        if media.is_some_and(|media| media != it.main.id && Some(media) != consult) {
            return bad_field("mediaResourceId", "Invalid mediaResourceId");
        }
    }
    accepted(
        &hub,
        &call,
        command.action(),
        Some(id.clone()),
        Input::Task(call.agent.clone(), id, command),
    )
}

type BadField = (&'static str, &'static str);

fn read(path: &str, call: &Call) -> Result<Option<Command>, BadField> {
    let text = |field: &str| call.text(field).filter(|text| !text.is_empty());
    Ok(Some(match path.trim_matches('/') {
        "accept" => Command::Accept,
        "hold" => Command::Hold(
            text("mediaResourceId")
                .ok_or(("mediaResourceId", "Invalid mediaResourceId"))?
                .to_owned(),
        ),
        "unhold" => Command::Resume(text("mediaResourceId").map(ToOwned::to_owned)),
        "record/pause" => Command::PauseRecording,
        "record/resume" => Command::ResumeRecording(flag(call, "autoResumed").unwrap_or(false)),
        "consult" => Command::Consult(
            destination(call)?,
            flag(call, "holdParticipants").unwrap_or(true),
        ),
        "consult/accept" => Command::ConsultAccept,
        "consult/end" => Command::EndConsult(text("queueId").map(ToOwned::to_owned)),
        "cancelCtq" => Command::CancelCtq,
        "consult/transfer" => {
            destination(call)?;
            Command::ConsultTransfer
        }
        "consult/conference" => {
            destination(call)?;
            Command::ConsultConference
        }
        "transfer" => Command::Transfer(destination(call)?),
        "conference/exit" => Command::ExitConference,
        "conference/transfer" => Command::TransferConference,
        "end" => Command::End,
        dropping if dropping.starts_with("conference/participants/") => {
            let inner = dropping.trim_start_matches("conference/participants/");
            match inner.strip_suffix("/drop") {
                Some(who) if !who.is_empty() => Command::DropParticipant(who.to_owned()),
                Some(_) | None => return Ok(None),
            }
        }
        "wrapup" => {
            text("auxCodeId").ok_or(("auxCodeId", "AuxCodeId is required"))?;
            text("wrapUpReason").ok_or(("wrapUpReason", "WrapUpReason is required"))?;
            Command::Wrapup
        }
        _ => return Ok(None),
    }))
}

fn destination(call: &Call) -> Result<Destination, BadField> {
    let to = call
        .text("to")
        .filter(|to| !to.is_empty())
        .ok_or(("to", "to is required"))?;
    let kind = call.text("destinationType").unwrap_or_default();
    Destination::new(to, kind).ok_or((
        "destinationType",
        "destinationType must be agent, queue, dialNumber or entryPoint",
    ))
}

fn flag(call: &Call, field: &str) -> Option<bool> {
    call.body.get(field).and_then(Value::as_bool)
}

pub(crate) async fn outdial(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    let Some(destination) = call.text("destination").filter(|text| !text.is_empty()) else {
        return bad_field("destination", "destination is required");
    };
    if call.text("entryPointId").is_none_or(str::is_empty) {
        return bad_field("entryPointId", "entryPointId is required");
    }
    let input = Input::Outdial(call.agent.clone(), destination.to_owned());
    accepted(&hub, &call, Action::Outdial, None, input)
}

pub(crate) async fn accept_preview(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path((campaign, id)): Path<(String, String)>,
) -> Response {
    let id = InteractionId::new(id);
    let input = Input::AcceptPreview(call.agent.clone(), campaign, id.clone());
    accepted(&hub, &call, Action::AcceptPreview, Some(id), input)
}

/// Skip or removal of a preview contact: later generations of the client ask for it (`contact-center.md` Appendix B).
pub(crate) async fn drop_preview(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path((campaign, id)): Path<(String, String)>,
) -> Response {
    let id = InteractionId::new(id);
    let input = Input::DropPreview(call.agent.clone(), campaign, id.clone());
    accepted(&hub, &call, Action::AcceptPreview, Some(id), input)
}
