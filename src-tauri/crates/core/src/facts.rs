//! Questions about an interaction that rules and controls share (contact-center 6.6, 8.7, 9.1).

use deskline_wire::{Interaction, Media, TaskData};

/// Whether the agent owns the contact; without an owner, whether the event was for them.
pub(crate) fn is_primary(data: &TaskData, me: &str) -> bool {
    match data
        .interaction()
        .and_then(|interaction| interaction.text("owner"))
        .filter(|owner| !owner.is_empty())
    {
        Some(owner) => owner == me,
        None => data.text("agentId") == Some(me),
    }
}

/// Whether some main leg lists the agent.
pub(crate) fn is_in_main_call(interaction: Interaction<'_>, me: &str) -> bool {
    interaction
        .media()
        .any(|(_, media)| media.is_kind("mainCall") && media.lists(me))
}

/// Whether the agent is not, or no longer, a participant.
pub(crate) fn is_gone(interaction: Interaction<'_>, me: &str) -> bool {
    interaction
        .participant(me)
        .is_none_or(|participant| participant.flag("hasLeft"))
}

/// The main leg: under the interaction's own id, else by its kind (O-18).
pub(crate) fn main_media<'a>(data: &'a TaskData) -> Option<Media<'a>> {
    let interaction = data.interaction()?;
    data.text("interactionId")
        .and_then(|id| interaction.media_at(id))
        .filter(|media| !media.is_kind("consult"))
        .or_else(|| interaction.main_media())
}

/// Agents (and others who count) on the main leg: not customers, supervisors or virtual agents, and still there.
pub(crate) fn agents_on_main(data: &TaskData) -> usize {
    let (Some(interaction), Some(media)) = (data.interaction(), main_media(data)) else {
        return 0;
    };
    media
        .participants()
        .filter_map(|id| interaction.participant(id))
        .filter(|participant| {
            !["Customer", "Supervisor", "VVA"]
                .iter()
                .any(|kind| participant.is_kind(kind))
                && !participant.flag("hasLeft")
        })
        .count()
}

/// Whether two or more agents share the main leg.
pub(crate) fn is_conference(data: &TaskData) -> bool {
    agents_on_main(data) >= 2
}

/// The secondary side of an entry-point consult: a voice contact that is the child of another.
pub(crate) fn is_secondary_ep_dn(interaction: Interaction<'_>) -> bool {
    interaction.is_telephony()
        && interaction.detail("relationshipType") == Some("consult")
        && interaction
            .detail("parentInteractionId")
            .filter(|parent| !parent.is_empty())
            .is_some_and(|parent| interaction.text("interactionId") != Some(parent))
}

/// Who is being asked: the first other id on the last consult leg that lists the agent.
pub(crate) fn consulted_id<'a>(interaction: Interaction<'a>, me: &str) -> Option<&'a str> {
    let media = interaction.consult_media()?;
    if !media.lists(me) {
        return None;
    }
    media.participants().find(|id| *id != me && !id.is_empty())
}

/// Whom a consult transfer or conference goes to, and as what (contact-center 8.7).
pub(crate) fn consult_target(data: &TaskData, me: &str) -> Option<(String, String)> {
    let interaction = data.interaction()?;
    let consulted = consulted_id(interaction, me)?;
    // A capacity-based team: the leg lists a number that belongs to a participant under another key.
    let by_number = interaction
        .participant(consulted)
        .is_none()
        .then(|| {
            interaction.participants().find(|(_, participant)| {
                participant.is_kind("dn")
                    && participant.text("type") == Some("Agent")
                    && participant.text("dn") == Some(consulted)
            })
        })
        .flatten();
    let (to, participant) = match by_number {
        Some((key, participant)) => (key.to_owned(), participant),
        None => {
            let participant = interaction.participant(consulted)?;
            let to = if participant.text("type") == Some("EpDn") {
                participant.text("epId")
            } else {
                participant.text("id")
            };
            (to?.to_owned(), participant)
        }
    };
    let kind = participant
        .text("pType")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let destination_type = match kind.as_str() {
        "" => "agent",
        "dn" => "dialNumber",
        "ep-dn" | "epdn" => "entryPoint",
        other => other,
    }
    .to_owned();
    (!to.is_empty()).then_some((to, destination_type))
}

/// Whether an offered task answers itself (contact-center 8.10).
pub(crate) fn is_auto_answered(data: &TaskData, me: &str, is_browser_voice: bool) -> bool {
    let Some(interaction) = data.interaction() else {
        return false;
    };
    let mine = is_own_outdial(interaction, me);
    if is_browser_voice && interaction.is_telephony() {
        return mine
            || interaction.participant(me).is_some_and(|participant| {
                participant.0.get("autoAnswerEnabled") == Some(&deskline_wire::Json::Bool(true))
            });
    }
    let is_written = matches!(interaction.text("mediaChannel"), Some("email" | "sms"));
    let was_routed = interaction
        .0
        .get("previousVTeams")
        .and_then(deskline_wire::Json::as_array)
        .is_some_and(|teams| !teams.is_empty());
    is_written && mine && !was_routed
}

fn is_own_outdial(interaction: Interaction<'_>, me: &str) -> bool {
    interaction.direction() == Some("OUTBOUND")
        && interaction.is_outdial()
        && interaction.detail("outdialAgentId") == Some(me)
        && interaction.text("owner") == Some(me)
        && !interaction.detail_flag("BLIND_TRANSFER_IN_PROGRESS")
}

/// Whether this agent is the asked side of the consult.
pub(crate) fn was_asked(data: &TaskData, me: &str) -> bool {
    let Some(interaction) = data.interaction() else {
        return false;
    };
    is_secondary_ep_dn(interaction)
        || data.flag("isConsulted")
        || interaction
            .participant(me)
            .is_some_and(|participant| participant.flag("isConsulted"))
}

/// Whether the customer is on the main leg.
pub(crate) fn is_customer_there(data: &TaskData) -> bool {
    let (Some(interaction), Some(media)) = (data.interaction(), main_media(data)) else {
        return false;
    };
    media
        .participants()
        .filter_map(|id| interaction.participant(id))
        .any(|participant| participant.is_kind("Customer") && !participant.flag("hasLeft"))
}

/// Where a swap of the legs leads, and the leg the centre is told (contact-center 8.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Swap {
    /// Talk to the customer: resume with the consult leg's id.
    ToMain(String),
    /// Talk to whom was asked: hold with the main leg's id.
    ToConsult(String),
}

/// The swap that is possible now; `None` where contact-center 9.2 shows neither switch enabled.
pub(crate) fn swap(data: &TaskData, me: &str) -> Option<Swap> {
    let interaction = data.interaction()?;
    let consult = interaction
        .consult_media()
        .filter(|media| media.lists(me))?;
    let state = task_state(interaction, me);
    if was_asked(data, me) {
        return None;
    }
    if consult.is_held() {
        let main = main_media(data)?.resource_id()?;
        return Some(Swap::ToConsult(main.to_owned()));
    }
    let is_somebody_there = is_customer_there(data) || data.flag("isConferenceInProgress");
    if state != LegState::Consulting || !is_somebody_there {
        return None;
    }
    let consult = consult
        .resource_id()
        .or_else(|| data.text("consultMediaResourceId"))?;
    Some(Swap::ToMain(consult.to_owned()))
}

/// How a consult is ended (contact-center 5.2, 8.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsultEnd {
    /// A consult, not a conference.
    pub(crate) is_consult: bool,
    /// The queue of a consult nobody has answered.
    pub(crate) queue_id: Option<String>,
    /// This is the asked side of an entry-point consult.
    pub(crate) is_secondary_ep_dn_agent: bool,
}

/// What the end of a consult has to say. `asked_queue` is the queue this agent asked last, if it was one.
pub(crate) fn consult_end(data: &TaskData, me: &str, asked_queue: Option<&str>) -> ConsultEnd {
    let interaction = data.interaction();
    let is_unanswered = interaction.is_none_or(|interaction| {
        !was_asked(data, me) && task_state(interaction, me) != LegState::Consulting
    });
    let is_queue = asked_queue.is_some()
        || data
            .text("destinationType")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("queue"));
    let queue_of_asked = || {
        let interaction = interaction?;
        interaction
            .participant(consulted_id(interaction, me)?)?
            .text("queueId")
            .filter(|id| !id.is_empty())
    };
    // Without a consult leg the consult went into the conference, or was never made.
    let has_leg = interaction.is_some_and(|interaction| interaction.consult_media().is_some());
    ConsultEnd {
        is_consult: has_leg || !data.flag("isConferenceInProgress"),
        queue_id: (is_queue && is_unanswered)
            .then(|| asked_queue.or_else(queue_of_asked))
            .flatten()
            .map(str::to_owned),
        is_secondary_ep_dn_agent: interaction.is_some_and(is_secondary_ep_dn),
    }
}

/// A page the contact's data name, to be opened outside: the first `https` address among the call variables and
/// details, those named like an address first.
pub(crate) fn page_url(data: &TaskData) -> Option<&str> {
    let interaction = data.interaction()?;
    let mut found: Option<&str> = None;
    for section in [
        "callAssociatedData",
        "callAssociatedDetails",
        "callProcessingDetails",
        "callFlowParams",
    ] {
        let entries = interaction
            .0
            .get(section)
            .and_then(deskline_wire::Json::as_object);
        for (key, entry) in entries.into_iter().flatten() {
            let Some(address) = entry
                .get("value")
                .unwrap_or(entry)
                .as_str()
                .and_then(address)
            else {
                continue;
            };
            let key = key.to_ascii_lowercase();
            if ["url", "uri", "link"].iter().any(|word| key.contains(word)) {
                return Some(address);
            }
            found.get_or_insert(address);
        }
    }
    found
}

/// The text, if it is one `https` address with a host and without anything that does not belong into an address.
fn address(text: &str) -> Option<&str> {
    let text = text.trim();
    let scheme = text.get(..8)?;
    let host = text.get(8..)?.split(['/', '?', '#']).next()?;
    (scheme.eq_ignore_ascii_case("https://")
        && !host.is_empty()
        && !host.contains('@')
        && text.len() <= 4_000
        && text.bytes().all(|byte| {
            byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`')
        }))
    .then_some(text)
}

/// Where the agent's own leg stands (the `taskState` of contact-center 9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LegState {
    /// Asked, not answered.
    Consult,
    /// Asked and answered.
    Consulting,
    /// A consult is over and the customer still waits.
    ConsultCompleted,
    /// Talking.
    Connected,
    /// Several agents.
    Conference,
    /// Any other state word of the interaction.
    Other,
}

/// The leg state before the two exceptions of 9.1 (`legState`).
pub(crate) fn leg_state(interaction: Interaction<'_>, me: &str) -> LegState {
    let has_consult = interaction.consult_media().is_some();
    let consult_state = interaction
        .participant(me)
        .and_then(|participant| participant.text("consultState"))
        .filter(|state| !state.is_empty());
    let applies = match consult_state {
        Some(state) if has_consult => !interaction.is_state("wrapUp") && !state.is_empty(),
        Some(state) => state == "consultCompleted",
        None => false,
    };
    if applies {
        return match consult_state {
            Some("consultInitiated") => LegState::Consult,
            Some("consultCompleted") if interaction.is_state("connected") => LegState::Connected,
            Some("consultCompleted") => LegState::ConsultCompleted,
            Some("conferencing") => LegState::Conference,
            _ => LegState::Consulting,
        };
    }
    by_word(interaction)
}

fn by_word(interaction: Interaction<'_>) -> LegState {
    if interaction.is_state("consult") {
        LegState::Consult
    } else if interaction.is_state("consulting") {
        LegState::Consulting
    } else if interaction.is_state("conference") {
        LegState::Conference
    } else if interaction.is_state("connected") {
        LegState::Connected
    } else {
        LegState::Other
    }
}

/// The task state of contact-center 9.1.
pub(crate) fn task_state(interaction: Interaction<'_>, me: &str) -> LegState {
    if is_secondary_ep_dn(interaction) {
        return if interaction.is_state("conference") {
            LegState::Conference
        } else {
            LegState::Consulting
        };
    }
    let is_completed = interaction
        .participant(me)
        .and_then(|participant| participant.text("consultState"))
        == Some("consultCompleted");
    if is_completed && (interaction.is_state("wrapUp") || interaction.is_state("post_call")) {
        return LegState::ConsultCompleted;
    }
    leg_state(interaction, me)
}
