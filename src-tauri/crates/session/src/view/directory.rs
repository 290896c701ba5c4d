//! One page of a directory, the same for agents, queues, entry points, address book and caller numbers.

use deskline_core::{Directory, Page};
use deskline_wire::{Json, task_data::number_of};
use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;

/// Which directory is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum DirectoryKind {
    /// Colleagues.
    Agents,
    /// Queues.
    Queues,
    /// Entry points.
    EntryPoints,
    /// The address book of the profile.
    AddressBook,
    /// Numbers the agent may show when calling out.
    CallerNumbers,
}

/// Whether a colleague can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum Presence {
    /// Free.
    Available,
    /// With a contact.
    Busy,
    /// Finishing one.
    WrapUp,
    /// Not taking contacts.
    Idle,
    /// Not there.
    SignedOut,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct DirectoryItem {
    /// What a consult, transfer or call is given.
    pub id: String,
    /// What the agent reads; the id if the centre sent no name.
    pub name: String,
    /// Team, channel, description or number as the centre sent it; empty if unknown.
    pub detail: String,
    /// The number, if it has one.
    pub number: Option<String>,
    /// Whether a colleague can be reached; null for all else, and where the centre does not say.
    pub presence: Option<Presence>,
    /// Since when, ms since the epoch.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub since: Option<i64>,
    /// Channel of a queue or type of an entry point (`TELEPHONY`, `CHAT`, …).
    pub channel: Option<String>,
}

/// One page of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct DirectoryPage {
    /// Its entries, in the centre's order.
    pub items: Vec<DirectoryItem>,
    /// Number of this page, from 0.
    pub page: u32,
    /// How many pages there are.
    pub total_pages: u32,
}

/// Entries asked for at once.
const PAGE_SIZE: u32 = 50;

impl DirectoryKind {
    /// The directory of the core: everything the profile names, colleagues in every state.
    pub(crate) fn directory(self) -> Directory {
        match self {
            Self::Agents => Directory::Agents {
                media_type: None,
                state: None,
            },
            Self::Queues => Directory::Queues,
            Self::EntryPoints => Directory::EntryPoints,
            Self::AddressBook => Directory::AddressBook(None),
            Self::CallerNumbers => Directory::OutdialAnis(None),
        }
    }

    /// The question for one page.
    pub(crate) fn page(self, search: &str, page: u32) -> Page {
        Page {
            search: Some(search.to_owned()).filter(|search| !search.is_empty()),
            page: Some(page),
            page_size: Some(PAGE_SIZE),
            ..Page::default()
        }
    }
}

impl DirectoryPage {
    /// Searches where the centre cannot: the list of colleagues comes whole and takes no search (contact-center 5.1).
    pub(crate) fn searched(mut self, kind: DirectoryKind, search: &str) -> Self {
        if kind == DirectoryKind::Agents && !search.is_empty() {
            let search = search.to_lowercase();
            self.items.retain(|item| {
                [&item.name, &item.detail]
                    .into_iter()
                    .chain(&item.number)
                    .any(|text| text.to_lowercase().contains(&search))
            });
        }
        self
    }

    /// Reads the answer of a directory (contact-center 5.1 "Buddy", 5.4). Entries without an id or number to
    /// reach are left out; what is not understood of the others does no harm.
    ///
    /// `team_of` names a team by its id.
    #[must_use]
    pub fn of(
        kind: DirectoryKind,
        answer: &Json,
        team_of: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let count =
            |key: &str| number_of(answer.get(key)).and_then(|number| u32::try_from(number).ok());
        let items = answer
            .get("items")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(|entry| item(kind, entry, &team_of))
            .collect();
        Self {
            items,
            page: count("page").unwrap_or_default(),
            total_pages: count("totalPages").unwrap_or(1),
        }
    }
}

fn item(
    kind: DirectoryKind,
    entry: &Json,
    team_of: &impl Fn(&str) -> Option<String>,
) -> Option<DirectoryItem> {
    let text = |key: &str| {
        entry
            .get(key)
            .and_then(Json::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let number = text("number").or_else(|| text("dn"));
    let (id, name, detail, channel, presence) = match kind {
        DirectoryKind::Agents => (
            text("agentId").or_else(|| text("id"))?,
            text("agentName").or_else(|| text("name")),
            text("teamName").or_else(|| team_of(&text("teamId")?)),
            None,
            presence(entry),
        ),
        DirectoryKind::Queues => {
            let channel = text("channelType");
            (text("id")?, text("name"), channel.clone(), channel, None)
        }
        DirectoryKind::EntryPoints => (
            text("id")?,
            text("name"),
            text("description"),
            text("channelType").or_else(|| text("type")),
            None,
        ),
        DirectoryKind::AddressBook | DirectoryKind::CallerNumbers => {
            let number = number.clone()?;
            (
                text("id").unwrap_or_else(|| number.clone()),
                text("name").or_else(|| Some(number.clone())),
                Some(number),
                None,
                None,
            )
        }
    };
    let since = ["lastStateChangeTimestamp", "stateSince", "since"]
        .iter()
        .find_map(|key| number_of(entry.get(*key)))
        .filter(|_| presence.is_some());
    Some(DirectoryItem {
        name: name.unwrap_or_else(|| id.clone()),
        id,
        detail: detail.unwrap_or_default(),
        number,
        presence,
        since,
        channel,
    })
}

/// What the centre's words say about a colleague: `subStatus` is finer than `state`, where both are sent.
fn presence(entry: &Json) -> Option<Presence> {
    ["subStatus", "state"].iter().find_map(|key| {
        let word: String = entry
            .get(*key)?
            .as_str()?
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        match word.as_str() {
            "available" => Some(Presence::Available),
            "engaged" | "connected" | "busy" | "oncall" | "ringing" | "reserved" | "hold"
            | "consulting" | "conference" => Some(Presence::Busy),
            "wrapup" => Some(Presence::WrapUp),
            "idle" | "notresponding" | "rona" => Some(Presence::Idle),
            "loggedout" | "signedout" | "offline" | "logout" => Some(Presence::SignedOut),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use deskline_wire::json;

    use super::*;

    fn page(kind: DirectoryKind, answer: &Json) -> DirectoryPage {
        DirectoryPage::of(kind, answer, |id| (id == "T").then(|| "Claims".to_owned()))
    }

    #[test]
    fn a_colleague_has_a_team_and_a_presence() {
        let answer = json!({ "items": [
            { "agentId": "B", "agentName": "Ben", "state": "Available", "teamId": "T", "dn": "1002" },
            { "agentId": "C", "agentName": "Cem", "state": "Idle", "subStatus": "Wrap-Up", "teamId": "X",
              "lastStateChangeTimestamp": 1_767_261_600_000_i64 },
            { "agentId": "D", "state": "Meditating", "unknown": { "deep": [1] } },
            { "agentName": "nobody to reach" },
            17,
        ], "page": 0, "totalPages": 1 });
        let page = page(DirectoryKind::Agents, &answer);
        assert_eq!(page.items.len(), 3);
        let [ben, cem, dee] = page.items.as_slice() else {
            panic!("three entries");
        };
        assert_eq!(
            (ben.detail.as_str(), ben.presence, ben.number.as_deref()),
            ("Claims", Some(Presence::Available), Some("1002"))
        );
        assert_eq!(
            (cem.detail.as_str(), cem.presence, cem.since),
            ("", Some(Presence::WrapUp), Some(1_767_261_600_000))
        );
        assert_eq!((dee.name.as_str(), dee.presence), ("D", None));
    }

    #[test]
    fn queues_have_channels_and_numbers_their_number() {
        let answer = json!({ "items": [{ "id": "q", "name": "Billing", "channelType": "TELEPHONY" }],
            "page": 2, "totalPages": 7 });
        let queues = page(DirectoryKind::Queues, &answer);
        assert_eq!((queues.page, queues.total_pages), (2, 7));
        assert_eq!(queues.items[0].channel.as_deref(), Some("TELEPHONY"));
        let answer = json!({ "items": [
            { "id": "a", "name": "Head office", "number": "+4930123" },
            { "id": "b", "name": "without a number" },
            { "number": "+4930456" },
        ] });
        let book = page(DirectoryKind::AddressBook, &answer);
        let seen: Vec<_> = book
            .items
            .iter()
            .map(|item| (item.id.as_str(), item.name.as_str(), item.detail.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("a", "Head office", "+4930123"),
                ("+4930456", "+4930456", "+4930456")
            ]
        );
        assert_eq!((book.page, book.total_pages), (0, 1));
    }

    #[test]
    fn colleagues_are_searched_here_and_all_else_by_the_centre() {
        let answer = json!({ "items": [
            { "agentId": "B", "agentName": "Ben Ölander", "teamId": "T", "dn": "1002" },
            { "agentId": "C", "agentName": "Cem", "teamId": "X" },
        ] });
        let found = |search: &str| {
            let page = page(DirectoryKind::Agents, &answer).searched(DirectoryKind::Agents, search);
            page.items
                .into_iter()
                .map(|item| item.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(found("ölan"), ["B"]);
        assert_eq!(found("CLAIMS"), ["B"]);
        assert_eq!(found("100"), ["B"]);
        assert_eq!(found("e"), ["B", "C"]);
        let queues = json!({ "items": [{ "id": "q", "name": "Billing" }] });
        let queues = page(DirectoryKind::Queues, &queues).searched(DirectoryKind::Queues, "zzz");
        assert_eq!(queues.items.len(), 1);
        assert_eq!(
            DirectoryKind::Queues.page("zzz", 3).search.as_deref(),
            Some("zzz")
        );
        assert_eq!(DirectoryKind::Queues.page("", 3).search, None);
    }

    #[test]
    fn nonsense_is_an_empty_page() {
        for answer in [json!(null), json!({ "items": "many" }), json!([])] {
            assert!(page(DirectoryKind::Agents, &answer).items.is_empty());
        }
    }
}
