//! Configuration and directories: all plain GETs below the organisation (`contact-center.md` 5.4, 5.5).

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::paging::page;
use super::{Call, Shared, bad_field, ok, problem};
use crate::fixtures;
use crate::roster::ORG_ID;

pub(crate) async fn organization(Path(org): Path<String>) -> Response {
    if org == ORG_ID {
        ok(&fixtures::organization())
    } else {
        not_found("organization", &org)
    }
}

pub(crate) async fn resource(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path((org, resource)): Path<(String, String)>,
) -> Response {
    if org != ORG_ID {
        return not_found("organization", &org);
    }
    let state = hub.lock();
    let (roster, settings) = (&state.centre.roster, &state.centre.settings);
    let parts: Vec<&str> = resource
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    match parts.as_slice() {
        ["user", "by-ci-user-id", id] => match roster
            .members
            .iter()
            .find(|member| member.id.as_str() == *id)
        {
            Some(member) => ok(&fixtures::user(member)),
            None => not_found("user", id),
        },
        ["agent-profile", id] => ok(&fixtures::agent_profile(id, settings)),
        ["site", id] if *id == fixtures::site_id() => ok(&fixtures::site()),
        ["multimedia-profile", id] => ok(&fixtures::multimedia_profile(id)),
        ["dial-plan"] => ok(&fixtures::dial_plan()),
        ["v2", "team"] => page(fixtures::teams(roster), &call.query),
        ["v2", "auxiliary-code"] => page(fixtures::aux_codes(), &call.query),
        ["v2", "organization-setting"] => {
            page(vec![fixtures::organization_setting(settings)], &call.query)
        }
        ["v2", "tenant-configuration"] => {
            page(vec![fixtures::tenant_configuration(settings)], &call.query)
        }
        ["v2", "org-url-mapping"] => page(fixtures::url_mappings(), &call.query),
        ["v2", "ai-feature"] => page(fixtures::ai_features(settings), &call.query),
        ["v2", "contact-service-queue"] => page(fixtures::queues(roster), &call.query),
        ["v2", "entry-point"] => page(fixtures::entry_points(), &call.query),
        ["v2", "address-book", book, "entry"] if *book == fixtures::address_book_id() => {
            page(fixtures::address_book(), &call.query)
        }
        ["v2", "outdial-ani", list, "entry"] if *list == fixtures::outdial_ani_id() => {
            page(fixtures::outdial_anis(), &call.query)
        }
        ["v2", "address-book" | "outdial-ani", id, "entry"] => not_found("list", id),
        [] => bad_field("path", "the path ends after the organisation"),
        [..] => not_found("resource", &resource),
    }
}

fn not_found(what: &str, id: &str) -> Response {
    problem(
        StatusCode::NOT_FOUND,
        "Not Found",
        &format!("no such {what}"),
        id,
        404,
    )
}
