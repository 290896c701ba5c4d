//! One task: its data, what we know besides it, and how it is shown.

use std::time::Duration;

use deskline_wire::{Json, Object, TaskData, task_data::number_of};

use crate::{
    CallId, CommandId, InteractionId, WallMs,
    controls::{self, Circumstances},
    facts::{self, LegState},
    view::{self, ConsultKind, Phase},
};

/// The agent's leg of a voice task in this client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) call: CallId,
    /// The agent answered it here.
    pub(crate) is_answered: bool,
}

/// An armed auto wrap-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AutoWrapupTimer {
    pub(crate) at: Duration,
    pub(crate) ends_at: WallMs,
    pub(crate) is_cancellable: bool,
    pub(crate) code: (String, String),
}

/// Who waits for an accept to go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Accepter {
    /// The agent or a script.
    Command(CommandId),
    /// Auto-answer.
    Auto,
}

/// An accept of a voice task that has not gone through yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepting {
    pub(crate) by: Accepter,
    /// Until when the leg must be there.
    pub(crate) leg_until: Duration,
}

/// A task: the last data of the centre, and what only we know.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Task {
    pub(crate) id: InteractionId,
    pub(crate) data: TaskData,
    /// `task:incoming` was told.
    pub(crate) is_announced: bool,
    /// The centre gave it to this agent.
    pub(crate) is_assigned: bool,
    /// The contact is over for this agent and nothing is owed.
    pub(crate) is_over: bool,
    /// It left the collection; only its last view is still told.
    pub(crate) is_removed: bool,
    /// `task:end` was told, with this "wrap-up required" (O-43).
    pub(crate) told_end: Option<bool>,
    /// When it leaves the collection by itself (O-17).
    pub(crate) remove_at: Option<Duration>,
    pub(crate) leg: Option<Leg>,
    pub(crate) voice: Voice,
    pub(crate) is_muted: bool,
    pub(crate) accepting: Option<Accepting>,
    pub(crate) auto_wrapup: Option<AutoWrapupTimer>,
    /// The timer that has run out and whose wrap-up is being asked for.
    pub(crate) wrapping_up: Option<AutoWrapupTimer>,
    /// The agent kept wrap-up open, or finished it (O-30).
    pub(crate) is_auto_wrapup_settled: bool,
    /// A relogin happened; the next `AgentContact` refreshes it (O-35).
    pub(crate) is_stale: bool,
    pub(crate) offered_at: WallMs,
    /// When the recording was paused, while it is.
    pub(crate) recording_paused_at: Option<WallMs>,
    /// What this agent asked last, until the consult is over.
    pub(crate) asked: Option<Asked>,
}

/// Whether the sound of a call is where it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// It comes as calls do: its leg rings, and the agent answers.
    Expected,
    /// The call was met in its midst, and its leg should ring again until then.
    Awaited(Duration),
    /// It did not: the agent was told.
    Missing,
}

/// A consult this agent asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Id or number.
    pub(crate) to: String,
    pub(crate) kind: ConsultKind,
}

impl Task {
    pub(crate) fn new(id: InteractionId, data: Object, wall: WallMs) -> Self {
        Self {
            id,
            data: TaskData(data),
            is_announced: false,
            is_assigned: false,
            is_over: false,
            is_removed: false,
            told_end: None,
            remove_at: None,
            leg: None,
            voice: Voice::Expected,
            is_muted: false,
            accepting: None,
            auto_wrapup: None,
            wrapping_up: None,
            is_auto_wrapup_settled: false,
            is_stale: false,
            offered_at: wall,
            recording_paused_at: None,
            asked: None,
        }
    }

    /// The time of day was set: our own notes of it follow.
    pub(crate) fn time_was_set(&mut self, by_ms: i64) {
        self.offered_at = self.offered_at.moved(by_ms);
        self.recording_paused_at = self.recording_paused_at.map(|at| at.moved(by_ms));
        if let Some(timer) = &mut self.auto_wrapup {
            timer.ends_at = timer.ends_at.moved(by_ms);
        }
    }

    pub(crate) fn is_telephony(&self) -> bool {
        self.data
            .interaction()
            .is_some_and(deskline_wire::Interaction::is_telephony)
    }

    pub(crate) fn is_wrap_up_required(&self) -> bool {
        self.data.flag("wrapUpRequired")
    }

    pub(crate) fn is_campaign_reservation(&self) -> bool {
        self.data.text("type") == Some("AgentOfferCampaignReservation")
    }

    /// Merges a frame's data. A frame without an interaction never takes ours away (headless 7.3): if it
    /// tells of a failure nothing changes (O-09), else only what it says does.
    pub(crate) fn merge(&mut self, newer: &Object, me: &str) {
        if matches!(newer.get("interaction"), Some(Json::Object(_)))
            || !self.data.0.contains_key("interaction")
        {
            self.data.merge(newer.clone());
        } else if !is_failure(newer) {
            for (key, value) in newer.iter().filter(|(key, _)| *key != "interaction") {
                self.data.0.insert(key.clone(), value.clone());
            }
        }
        self.settle_flags(me);
    }

    /// Recomputes what follows from the data: the conference flag (O-18), the consulted flag once
    /// the agent owns the contact (O-07), and whether the contact is theirs already.
    pub(crate) fn settle_flags(&mut self, me: &str) {
        let Some(interaction) = self.data.interaction() else {
            return;
        };
        let has_joined = interaction
            .participant(me)
            .is_some_and(|participant| participant.flag("hasJoined"));
        let is_owner = interaction.text("owner") == Some(me);
        let is_conference = facts::is_conference(&self.data);
        if has_joined {
            self.is_assigned = true;
        }
        self.data.set_flag("isConferenceInProgress", is_conference);
        if is_owner && self.is_assigned && self.data.flag("isConsulted") {
            self.data.set_flag("isConsulted", false);
        }
    }

    /// Where the task is. In this order: over → `ended`; wrap-up owed → `wrapUp`; not this agent's yet →
    /// `offered`, or `reserved` while it was not announced; consult leg of this agent → `consulting`;
    /// two agents on the main leg → `conference`; main leg on hold → `held`; else `connected`.
    pub(crate) fn phase(&self, me: &str) -> Phase {
        if self.is_removed {
            return Phase::Ended;
        }
        if self.is_wrap_up_required() {
            return Phase::WrapUp;
        }
        if self.is_over {
            return Phase::Ended;
        }
        if !self.is_assigned {
            return if self.is_announced {
                Phase::Offered
            } else {
                Phase::Reserved
            };
        }
        let Some(interaction) = self.data.interaction() else {
            return Phase::Connected;
        };
        if interaction.is_state("wrapUp")
            && interaction
                .participant(me)
                .is_some_and(|participant| participant.flag("isWrappedUp"))
        {
            return Phase::Ended;
        }
        if matches!(
            facts::task_state(interaction, me),
            LegState::Consult | LegState::Consulting
        ) {
            return Phase::Consulting;
        }
        if self.data.flag("isConferenceInProgress") {
            return Phase::Conference;
        }
        if facts::main_media(&self.data).is_some_and(deskline_wire::Media::is_held) {
            return Phase::Held;
        }
        Phase::Connected
    }

    /// A detail of the contact: what the flow says, else what the call brought.
    fn detail(&self, key: &str) -> Option<&str> {
        self.data.interaction().and_then(|interaction| {
            interaction
                .associated(key)
                .filter(|text| !text.is_empty())
                .or_else(|| interaction.detail(key).filter(|text| !text.is_empty()))
        })
    }

    /// The customer's number or address: who called, or who is called.
    pub(crate) fn customer_number(&self) -> Option<&str> {
        let interaction = self.data.interaction()?;
        let is_outbound = interaction.direction() == Some("OUTBOUND");
        self.detail(if is_outbound { "dn" } else { "ani" })
            .or_else(|| {
                interaction
                    .participants()
                    .find(|(_, participant)| participant.is_kind("Customer"))
                    .map(|(key, _)| key)
            })
    }

    /// The task as shown.
    pub(crate) fn view(&self, given: &Given<'_>, pending: Vec<&'static str>) -> view::Task {
        let me = given.me;
        let phase = self.phase(me);
        let interaction = self.data.interaction();
        let detail = |key: &str| self.detail(key);
        let participant = interaction.and_then(|interaction| interaction.participant(me));
        let main = facts::main_media(&self.data);
        let customer = interaction.and_then(|interaction| {
            interaction
                .participants()
                .find(|(_, participant)| participant.is_kind("Customer"))
        });
        let is_outbound =
            interaction.and_then(deskline_wire::Interaction::direction) == Some("OUTBOUND");
        let number = self.customer_number();
        let lasts = self.rona_seconds();
        let is_offer = phase == Phase::Offered;
        view::Task {
            id: self.id.clone(),
            media_type: interaction
                .and_then(|interaction| interaction.text("mediaType"))
                .unwrap_or_default()
                .to_owned(),
            phase,
            is_muted: self.is_muted,
            is_held: main.is_some_and(deskline_wire::Media::is_held),
            consult: self.consult_view(me),
            conference_agents: self
                .data
                .flag("isConferenceInProgress")
                .then(|| facts::agents_on_main(&self.data)),
            participants: interaction.map(participants).unwrap_or_default(),
            recording: interaction.map_or(view::Recording::Off, recording),
            recording_paused_at: self.recording_paused_at,
            recording_resumes_at: self.recording_resumes_at(given),
            is_wrap_up_required: self.is_wrap_up_required(),
            auto_wrapup: self.auto_wrapup.as_ref().map(|timer| view::AutoWrapup {
                ends_at: timer.ends_at,
                is_cancellable: timer.is_cancellable,
            }),
            customer_name: detail("customerName")
                .or_else(|| customer.and_then(|(_, participant)| participant.text("name")))
                .unwrap_or_default()
                .to_owned(),
            customer_number: number.unwrap_or_default().to_owned(),
            queue: self
                .data
                .text("queueName")
                .filter(|name| !name.is_empty())
                .or_else(|| detail("virtualTeamName"))
                .unwrap_or_default()
                .to_owned(),
            is_outbound,
            started_at: participant
                .and_then(|participant| participant.time("joinTimestamp"))
                .or_else(|| interaction?.number("createdTimestamp"))
                .map(WallMs),
            hold_since: main
                .filter(|media| media.is_held())
                .and_then(deskline_wire::Media::held_since)
                .map(WallMs),
            offer_ends_at: lasts.filter(|_| is_offer).map(|seconds| {
                WallMs(
                    self.offered_at
                        .0
                        .saturating_add(given.pace_real_ms(seconds)),
                )
            }),
            offer_lasts_ms: lasts
                .filter(|_| is_offer)
                .and_then(|seconds| u64::try_from(given.pace_real_ms(seconds)).ok()),
            wrap_up_since: participant
                .filter(|_| phase == Phase::WrapUp)
                .and_then(|participant| {
                    participant
                        .time("wrapUpTimestamp")
                        .or_else(|| participant.time("lastUpdated"))
                })
                .map(WallMs),
            is_preview: self.is_campaign_reservation() && !self.is_assigned && !self.is_over,
            page_url: facts::page_url(&self.data).map(str::to_owned),
            is_auto_answering: self.data.flag("isAutoAnswering"),
            pending,
            variables: interaction.map(variables).unwrap_or_default(),
            can: controls::can(
                &self.data,
                Circumstances {
                    me,
                    option: given.option,
                    web_rtc_enabled: given.web_rtc_enabled,
                    is_end_call_enabled: given.is_end_call_enabled,
                    is_end_consult_enabled: given.is_end_consult_enabled,
                    phase,
                    is_leg_answered: self.leg.as_ref().is_some_and(|leg| leg.is_answered),
                    is_timer_cancellable: self
                        .auto_wrapup
                        .as_ref()
                        .is_some_and(|timer| timer.is_cancellable),
                },
            ),
        }
    }

    /// Notes when the recording was paused. The centre's clock counts only for the frame that says so itself,
    /// and never more than ours; a pause met in mid-life has no time.
    pub(crate) fn note_recording(&mut self, now: WallMs) {
        let is_paused = self
            .data
            .interaction()
            .is_some_and(|interaction| recording(interaction) == view::Recording::Paused);
        if !is_paused {
            self.recording_paused_at = None;
        } else if self.recording_paused_at.is_none()
            && self.data.text("type") == Some("ContactRecordingPaused")
        {
            let told = number_of(self.data.0.get("eventTime")).unwrap_or(now.0);
            self.recording_paused_at = Some(WallMs(told.min(now.0)));
        }
    }

    /// When the centre goes on recording by itself: `pauseDuration` seconds after the pause (contact-center 7.5).
    fn recording_resumes_at(&self, given: &Given<'_>) -> Option<WallMs> {
        let paused_at = self.recording_paused_at?;
        let seconds = number_of(
            self.data
                .interaction()?
                .0
                .get("callProcessingDetails")?
                .get("pauseDuration"),
        )
        .filter(|seconds| (1..=86_400).contains(seconds))?;
        Some(WallMs(
            paused_at.0.saturating_add(given.pace_real_ms(seconds)),
        ))
    }

    /// Whether a consult leg lists the agent.
    pub(crate) fn is_consulting(&self, me: &str) -> bool {
        self.data
            .interaction()
            .and_then(deskline_wire::Interaction::consult_media)
            .is_some_and(|media| media.lists(me))
    }

    /// Forgets what was asked once the consult is over.
    pub(crate) fn note_consult(&mut self) {
        let is_over = matches!(
            self.data.text("type"),
            Some(
                "AgentConsultEnded"
                    | "AgentConsultFailed"
                    | "AgentCtqCancelled"
                    | "AgentCtqFailed"
                    | "AgentConsultConferenced"
                    | "AgentConsultTransferred"
                    | "AgentConsultConferenceEnded"
            )
        );
        if is_over {
            self.asked = None;
        }
    }

    fn consult_view(&self, me: &str) -> Option<view::Consult> {
        let interaction = self.data.interaction()?;
        let media = interaction.consult_media()?;
        if !media.lists(me) {
            return None;
        }
        let asked = self.asked.as_ref();
        let other = media
            .participants()
            .find(|id| *id != me)
            .unwrap_or_default();
        let to = if other.is_empty() {
            asked.map_or("", |asked| asked.to.as_str())
        } else {
            other
        };
        let participant = interaction.participant(other);
        let is_answered = match facts::task_state(interaction, me) {
            LegState::Consulting | LegState::Conference => true,
            LegState::Consult => false,
            LegState::ConsultCompleted | LegState::Connected | LegState::Other => {
                participant.is_some_and(|participant| participant.flag("hasJoined"))
            }
        };
        let began = interaction.participant(me).and_then(|participant| {
            participant
                .time("consultTimestamp")
                .or_else(|| participant.time("lastUpdated"))
        });
        Some(view::Consult {
            is_answered,
            to: to.to_owned(),
            name: participant
                .and_then(|participant| participant.text("name"))
                .or_else(|| interaction.detail("consultDestinationAgentName"))
                .unwrap_or(to)
                .to_owned(),
            is_on_hold: media.is_held(),
            kind: asked
                .map(|asked| asked.kind)
                .or_else(|| self.data.text("destinationType").and_then(consult_kind))
                .or_else(|| consult_kind(participant?.text("pType")?))
                .unwrap_or(ConsultKind::Agent),
            is_consulted: facts::was_asked(&self.data, me),
            since: media
                .held_since()
                .filter(|_| media.is_held())
                .or(began)
                .map(WallMs),
            can_switch: facts::swap(&self.data, me).is_some(),
        })
    }

    /// Seconds an offer lasts (contact-center 9.4).
    fn rona_seconds(&self) -> Option<i64> {
        let interaction = self.data.interaction()?;
        interaction
            .associated("ronaTimeout")
            .and_then(|text| text.trim().parse().ok())
            .or_else(|| interaction.detail("ronaTimeout")?.trim().parse().ok())
            .or_else(|| number_of(self.data.0.get("ronaTimeout")))
            .filter(|seconds| (1..=86_400).contains(seconds))
    }
}

/// Whether a frame tells that something did not happen.
fn is_failure(data: &Object) -> bool {
    data.get("type")
        .and_then(Json::as_str)
        .is_some_and(|name| name.ends_with("Failed"))
}

/// What a view depends on besides the task.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) me: &'a str,
    pub(crate) option: Option<crate::StationOption>,
    pub(crate) web_rtc_enabled: bool,
    pub(crate) is_end_call_enabled: bool,
    pub(crate) is_end_consult_enabled: bool,
    pub(crate) pace: crate::Pace,
}

impl Given<'_> {
    /// Real milliseconds of a protocol time in seconds.
    fn pace_real_ms(&self, seconds: i64) -> i64 {
        let protocol = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        i64::try_from(self.pace.real(protocol).as_millis()).unwrap_or(i64::MAX)
    }
}

fn recording(interaction: deskline_wire::Interaction<'_>) -> view::Recording {
    let is_running = interaction.detail_flag("recordInProgress");
    if interaction.detail_flag("isPaused")
        && (is_running || interaction.detail_flag("recordingStarted"))
    {
        view::Recording::Paused
    } else if is_running {
        view::Recording::On
    } else {
        view::Recording::Off
    }
}

fn participants(interaction: deskline_wire::Interaction<'_>) -> Vec<view::Participant> {
    interaction
        .participants()
        .map(|(key, participant)| view::Participant {
            id: key.to_owned(),
            kind: participant.text("pType").unwrap_or_default().to_owned(),
            name: participant
                .text("name")
                .filter(|name| !name.is_empty())
                .unwrap_or(key)
                .to_owned(),
            has_joined: participant.flag("hasJoined"),
            has_left: participant.flag("hasLeft"),
            is_consulted: participant.flag("isConsulted"),
        })
        .collect()
}

/// Reads what a consult goes to, in the words of commands, frames and participants (contact-center 7.1, 7.3).
pub(crate) fn consult_kind(word: &str) -> Option<ConsultKind> {
    let word: String = word
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    match word.as_str() {
        "agent" => Some(ConsultKind::Agent),
        "queue" => Some(ConsultKind::Queue),
        "dn" | "dialnumber" => Some(ConsultKind::DialNumber),
        "epdn" | "entrypoint" | "ep" => Some(ConsultKind::EntryPoint),
        _ => None,
    }
}

/// Call data the header shows already: who calls, whom, through which queue.
const SHOWN_ELSEWHERE: [&str; 6] = [
    "ani",
    "dn",
    "dnis",
    "customerName",
    "virtualTeamName",
    "ronaTimeout",
];

fn variables(interaction: deskline_wire::Interaction<'_>) -> Vec<(String, String, bool)> {
    interaction
        .0
        .get("callAssociatedData")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .filter(|(key, _)| !SHOWN_ELSEWHERE.contains(&key.as_str()))
        .filter_map(|(key, variable)| {
            let value = match variable.get("value")? {
                Json::String(text) => text.clone(),
                Json::Null => return None,
                other @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => {
                    other.to_string()
                }
            };
            let name = variable
                .get("displayName")
                .and_then(Json::as_str)
                .filter(|name| !name.is_empty())
                .unwrap_or(key);
            Some((
                name.to_owned(),
                value,
                deskline_wire::truth(variable.get("isSensitive")),
            ))
        })
        .collect()
}
