//! Finding whom to reach, calling out, and leaving for the browser.

use deskline_core::Action;
use deskline_core::dial_plan::NumberProblem;
use deskline_session::view::{DirectoryKind, DirectoryPage};

use super::{Answer, Desk};
use crate::arguments::{Id, Number, Query, Target};
use crate::front::{may_be_opened, refusal};

/// One page of a directory.
#[tauri::command]
pub(crate) async fn directory(
    front: Desk<'_>,
    kind: DirectoryKind,
    query: Query,
) -> Answer<DirectoryPage> {
    let search = query.search.into_text();
    front.directory(kind, &search, query.page).await
}

/// Why a number cannot be called: `tooShort`, `notAllowed` or `invalid`; null if the dial plan takes it.
#[tauri::command]
pub(crate) async fn check_number(front: Desk<'_>, number: Number) -> Answer<Option<&'static str>> {
    let problem = front.check_number(&number.into_text()).await?;
    Ok(problem.map(|problem| match problem {
        NumberProblem::TooShort => "tooShort",
        NumberProblem::NotAllowed => "notAllowed",
        NumberProblem::Invalid => "invalid",
    }))
}

/// Calls a customer.
#[tauri::command]
pub(crate) async fn start_outdial(
    front: Desk<'_>,
    destination: Target,
    origin: Option<Target>,
) -> Answer {
    let action = Action::Outdial {
        destination: destination.into_text(true),
        origin: origin.map(|origin| origin.into_text(true)),
    };
    front.act(action).await
}

/// Takes a previewed campaign contact.
#[tauri::command]
pub(crate) async fn accept_preview(front: Desk<'_>, task_id: Id) -> Answer {
    let task = task_id.into_interaction();
    front.act(Action::AcceptPreview(task)).await
}

/// Opens the page a contact's data name in the system's browser. Only `https` addresses get this far.
#[tauri::command]
pub(crate) async fn open_task(front: Desk<'_>, task_id: Id) -> Answer {
    let page = front.page_of(task_id).await?;
    // The contact's data are the centre's: what the system is asked to open is looked at here once more.
    if !may_be_opened(&page) {
        return Err(refusal("Browser", "the contact names no web page"));
    }
    // Starting a program waits for it on some systems.
    let opened = tokio::task::spawn_blocking(|| {
        tauri_plugin_opener::open_url(page, None::<&str>).map_err(|error| error.to_string())
    });
    let opened = opened.await.map_err(|error| error.to_string());
    opened
        .and_then(|opened| opened)
        .map_err(|why| refusal("Browser", format!("the page could not be opened: {why}")))
}
