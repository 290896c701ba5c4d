//! What happens after the work in hand.

use deskline_core::{Action, QueuedState};

use super::{Answer, Desk};
use crate::arguments::{Line, WantedState};

/// Queues a state for after the work in hand; null takes it back. Without work it is asked at once.
#[tauri::command]
pub(crate) async fn queue_state(front: Desk<'_>, wanted: Option<WantedState>) -> Answer {
    let wanted = wanted.map(|wanted| QueuedState {
        state: wanted.state.word().to_owned(),
        aux_code_id: wanted.aux_code_id.into_text(),
        reason: wanted
            .reason
            .map(Line::into_text)
            .filter(|reason| !reason.is_empty()),
    });
    front.act(Action::QueueState(wanted)).await
}

/// Leaves the station after the work in hand, or stays after all. Without work it is asked at once.
#[tauri::command]
pub(crate) async fn queue_sign_out(front: Desk<'_>, wanted: bool) -> Answer {
    front.act(Action::QueueSignOut(wanted)).await
}
