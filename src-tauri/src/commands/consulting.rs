//! Asking others, handing over, talking together.

use deskline_core::Verb;

use super::{Answer, Desk};
use crate::arguments::{ConsultTo, Id, Target, TransferTo};

/// Asks a colleague, a queue, a number or an entry point; the customer waits as long as the centre sees fit.
#[tauri::command]
pub(crate) async fn consult(
    front: Desk<'_>,
    task_id: Id,
    to: Target,
    destination_type: ConsultTo,
) -> Answer {
    let verb = Verb::Consult {
        to: to.into_text(destination_type == ConsultTo::DialNumber),
        destination_type: destination_type.word().to_owned(),
        hold_participants: None,
    };
    front.task(task_id, verb).await
}

/// Stops asking, in the way the contact's state calls for.
#[tauri::command]
pub(crate) async fn end_consult(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::StopConsult).await
}

/// Talks on the other leg.
#[tauri::command]
pub(crate) async fn switch_call(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::SwitchCall).await
}

/// Hands over to whom was asked.
#[tauri::command]
pub(crate) async fn consult_transfer(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::ConsultTransfer).await
}

/// Hands over unasked.
#[tauri::command]
pub(crate) async fn transfer(
    front: Desk<'_>,
    task_id: Id,
    to: Target,
    destination_type: TransferTo,
) -> Answer {
    let verb = Verb::Transfer {
        to: to.into_text(destination_type == TransferTo::DialNumber),
        destination_type: destination_type.word().to_owned(),
    };
    front.task(task_id, verb).await
}

/// Joins whom was asked, the customer and the agent.
#[tauri::command]
pub(crate) async fn consult_conference(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::ConsultConference).await
}

/// Leaves the conference.
#[tauri::command]
pub(crate) async fn exit_conference(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::ExitConference).await
}

/// Hands the conference over.
#[tauri::command]
pub(crate) async fn transfer_conference(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::TransferConference).await
}
