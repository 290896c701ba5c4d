//! Directories: where to ask, and the page cache (contact-center 5.4).

use std::time::Duration;

use deskline_wire::{Json, json};

use super::Desk;
use crate::{
    CommandError, CommandId, Directory, Effect, Kind, Method, Page, Problem, RequestId, Rest,
    RoutingRequest, failure,
    operation::{self, percent_encode},
    pending::Waiter,
};

/// How long a page may be shown again without asking.
const FRESH_FOR: Duration = Duration::from_secs(5 * 60);

/// A directory question under way.
#[derive(Debug)]
pub(super) struct Look {
    request: RequestId,
    command: CommandId,
    method: &'static str,
    cache_as: Option<String>,
}

/// Pages seen lately; its key is the whole question (O-26).
#[derive(Debug, Default)]
pub(super) struct Cache {
    pages: Vec<(String, Duration, Json)>,
}

impl Cache {
    fn find(&self, key: &str, at: Duration) -> Option<&Json> {
        self.pages
            .iter()
            .find(|(known, since, _)| known == key && at.saturating_sub(*since) < FRESH_FOR)
            .map(|(_, _, page)| page)
    }

    fn keep(&mut self, key: String, at: Duration, page: Json) {
        self.pages
            .retain(|(known, since, _)| *known != key && at.saturating_sub(*since) < FRESH_FOR);
        self.pages.push((key, at, page));
    }
}

impl Desk {
    pub(super) fn look(&mut self, command: CommandId, directory: Directory, page: Page) {
        let Some(agent) = &self.agent else { return };
        let org = percent_encode(agent.org.as_str());
        let (method, path) = match directory {
            Directory::Agents { media_type, state } => {
                let media_type = media_type.unwrap_or_else(|| "telephony".to_owned());
                let operation = operation::buddies(
                    &agent.profile.agent_profile_id,
                    &media_type,
                    state.as_deref(),
                );
                return self.ask(operation, None, Waiter::Command(command));
            }
            Directory::Queues => (
                "getQueues",
                format!(
                    "/organization/{org}/v2/contact-service-queue?{}",
                    queues(&page)
                ),
            ),
            Directory::EntryPoints => (
                "getEntryPoints",
                format!("/organization/{org}/v2/entry-point?{}", entry_points(&page)),
            ),
            Directory::AddressBook(id) => {
                let Some(id) = id.or_else(|| agent.profile.address_book_id.clone()) else {
                    return self.refuse(
                        command,
                        CommandError::ours(
                            Kind::Invalid,
                            "NoAddressBook",
                            "AddressBook: addressBookId is not available for the current agent.",
                        ),
                    );
                };
                (
                    "getEntries",
                    format!(
                        "/organization/{org}/v2/address-book/{}/entry?{}",
                        percent_encode(&id),
                        address_book(&page)
                    ),
                )
            }
            Directory::OutdialAnis(id) => {
                let Some(id) = id.or_else(|| agent.profile.outdial_ani_id.clone()) else {
                    return self.refuse(
                        command,
                        CommandError::ours(
                            Kind::Invalid,
                            "NoOutdialAni",
                            "the profile names no caller number list",
                        ),
                    );
                };
                let query = anis(&page);
                let separator = if query.is_empty() { "" } else { "?" };
                (
                    "getOutdialAniEntries",
                    format!(
                        "organization/{org}/v2/outdial-ani/{}/entry{separator}{query}",
                        percent_encode(&id)
                    ),
                )
            }
        };
        let is_plain = page.search.is_none()
            && page.filter.is_none()
            && page.attributes.is_none()
            && page.sort_by.is_none();
        let cache_as = (is_plain && method != "getOutdialAniEntries").then(|| path.clone());
        if let Some(page) = cache_as
            .as_ref()
            .and_then(|key| self.cache.find(key, self.now.at))
        {
            let page = page.clone();
            self.measure_nothing(command);
            return self.settle(command, page);
        }
        let request = self.request_id();
        self.looks.push(Look {
            request,
            command,
            method,
            cache_as,
        });
        self.out.push(Effect::Routing(RoutingRequest::Send(
            request,
            Rest {
                method: Method::Get,
                path,
                body: None,
            },
        )));
    }

    pub(super) fn looked(&mut self, request: RequestId, answer: Result<Json, Problem>) {
        let Some(index) = self.looks.iter().position(|look| look.request == request) else {
            return;
        };
        let look = self.looks.remove(index);
        match answer {
            // A page is kept for minutes: something that is none must not become an empty one.
            Ok(body) if !body.is_object() && !body.is_array() => {
                let mut error = CommandError::ours(
                    Kind::Refused,
                    "BadAnswer",
                    format!("Error while performing {}", look.method),
                );
                error.message = String::new();
                error.field_name = Some(String::new());
                error.reason = Some("the answer is no page of a directory".to_owned());
                self.refuse(look.command, error);
            }
            Ok(body) => {
                let page = page_of(body);
                if let Some(key) = look.cache_as {
                    self.cache.keep(key, self.now.at, page.clone());
                }
                self.settle(look.command, page);
            }
            Err(problem) => {
                let mut error = failure::sign_in(&problem);
                error.code = "Service.reqs.generic.failure".to_owned();
                error.text = format!("Error while performing {}", look.method);
                error.message = String::new();
                error.field_name = Some(String::new());
                error.reason = Some(problem.text);
                self.refuse(look.command, error);
            }
        }
    }

    pub(super) fn end_all_looks(&mut self) {
        self.end_all_assists();
        for look in std::mem::take(&mut self.looks) {
            self.refuse(
                look.command,
                CommandError::ours(Kind::SignedOut, "SignedOut", "signed out meanwhile"),
            );
        }
    }
}

fn page_of(body: Json) -> Json {
    let meta = |key: &str| {
        body.get("meta")
            .and_then(|meta| meta.get(key))
            .cloned()
            .unwrap_or(Json::Null)
    };
    let page = meta("page");
    let total_pages = meta("totalPages");
    let items = match body.get("data") {
        Some(Json::Array(items)) => items.clone(),
        _ => body.as_array().cloned().unwrap_or_default(),
    };
    json!({
        "items": items,
        "page": if page.is_null() { 0.into() } else { page },
        "totalPages": if total_pages.is_null() { 1.into() } else { total_pages },
    })
}

/// Builds a form-encoded query from those parts that are set.
fn query(parts: &[(&str, Option<String>)]) -> String {
    parts
        .iter()
        .filter_map(|(name, value)| {
            let value = value.as_ref().filter(|value| !value.is_empty())?;
            Some(format!(
                "{name}={}",
                percent_encode(value).replace("%20", "+")
            ))
        })
        .collect::<Vec<_>>()
        .join("&")
}

fn number(value: Option<u32>, otherwise: u32) -> Option<String> {
    Some(value.unwrap_or(otherwise).to_string())
}

fn queues(page: &Page) -> String {
    query(&[
        ("page", number(page.page, 0)),
        ("pageSize", number(page.page_size, 100)),
        ("filter", page.filter.clone()),
        ("attributes", page.attributes.clone()),
        ("search", page.search.clone()),
        ("sortBy", page.sort_by.clone()),
        ("sortOrder", page.sort_order.clone()),
    ])
}

fn entry_points(page: &Page) -> String {
    query(&[
        ("page", number(page.page, 0)),
        ("pageSize", number(page.page_size, 100)),
        (
            "sortOrder",
            page.sort_order.clone().or_else(|| Some("asc".to_owned())),
        ),
        ("search", page.search.clone()),
        ("filter", page.filter.clone()),
        ("attributes", page.attributes.clone()),
        ("sortBy", page.sort_by.clone()),
    ])
}

fn address_book(page: &Page) -> String {
    query(&[
        ("page", number(page.page, 0)),
        ("pageSize", number(page.page_size, 100)),
        ("filter", page.filter.clone()),
        ("attributes", page.attributes.clone()),
        ("search", page.search.clone()),
        ("sortBy", page.sort_by.clone()),
        ("sortOrder", page.sort_order.clone()),
    ])
}

fn anis(page: &Page) -> String {
    query(&[
        ("page", page.page.map(|page| page.to_string())),
        ("pageSize", page.page_size.map(|size| size.to_string())),
        ("search", page.search.clone()),
        ("filter", page.filter.clone()),
        ("attributes", page.attributes.clone()),
    ])
}
