//! Which controls are visible and enabled: the one function window and scripts share
//! (contact-center section 9; the surfaces of headless section 3 on top).

use deskline_wire::TaskData;

use crate::{
    StationOption,
    facts::{self, LegState},
    view::{Can, Phase},
};

/// Agents a conference may have at most (contact-center 9.1).
const CONFERENCE_LIMIT: usize = 7;

/// What the controls depend on besides the task's data.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Circumstances<'a> {
    pub(crate) me: &'a str,
    pub(crate) option: Option<StationOption>,
    pub(crate) web_rtc_enabled: bool,
    pub(crate) is_end_call_enabled: bool,
    pub(crate) is_end_consult_enabled: bool,
    pub(crate) phase: Phase,
    pub(crate) is_leg_answered: bool,
    pub(crate) is_timer_cancellable: bool,
}

/// How far a consult is, seen from this agent (the `status` of 9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// I asked, nobody answered.
    Initiated,
    /// I asked and talk to them.
    Accepted,
    /// I am asked and have not answered.
    Asked,
    /// I am asked and talk to the asker.
    BeingConsulted,
    /// The consult is over.
    Completed,
    /// No consult.
    None,
}

/// Computes the controls of one task.
#[allow(clippy::too_many_lines)]
pub(crate) fn can(data: &TaskData, given: Circumstances<'_>) -> Can {
    let mut can = Can::default();
    let Some(interaction) = data.interaction() else {
        // Without an interaction only what needs none is offered: the way out of wrap-up.
        if given.phase == Phase::WrapUp {
            can.wrapup = true;
            can.cancel_auto_wrapup_timer = given.is_timer_cancellable;
        }
        return can;
    };
    let me = given.me;
    let is_browser = given.option == Some(StationOption::Browser);
    let is_phone = matches!(
        given.option,
        Some(StationOption::Extension | StationOption::AgentDn)
    );
    let is_call = interaction.is_telephony();
    let is_web_call = is_browser && given.web_rtc_enabled && is_call;

    match given.phase {
        Phase::Reserved | Phase::Ended => return can,
        Phase::WrapUp => {
            can.wrapup = true;
            can.cancel_auto_wrapup_timer = given.is_timer_cancellable;
            return can;
        }
        Phase::Offered => {
            can.accept = is_web_call || !is_call && (is_browser || is_phone);
            can.decline = is_web_call;
            return can;
        }
        Phase::Connected | Phase::Held | Phase::Consulting | Phase::Conference => {}
    }

    let is_sound_possible = (is_browser && given.web_rtc_enabled) || is_phone;
    let is_conference = data.flag("isConferenceInProgress");
    let consult_media = interaction.consult_media();
    let main = facts::main_media(data);
    let is_customer_there = main.is_some_and(|media| {
        media
            .participants()
            .filter_map(|id| interaction.participant(id))
            .any(|participant| participant.is_kind("Customer") && !participant.flag("hasLeft"))
    });
    let is_secondary = facts::is_secondary_ep_dn(interaction);
    let was_asked = is_secondary
        || data.flag("isConsulted")
        || interaction
            .participant(me)
            .is_some_and(|participant| participant.flag("isConsulted"));
    let status = match facts::task_state(interaction, me) {
        LegState::Consult if was_asked => Status::Asked,
        LegState::Consult => Status::Initiated,
        LegState::Consulting if was_asked => Status::BeingConsulted,
        LegState::Consulting => Status::Accepted,
        LegState::ConsultCompleted => Status::Completed,
        LegState::Connected | LegState::Conference | LegState::Other => Status::None,
    };
    let leg = facts::leg_state(interaction, me);
    let is_consult_leg_held = data
        .text("consultMediaResourceId")
        .and_then(|id| interaction.media_at(id))
        .is_some_and(deskline_wire::Media::is_held);
    let is_on_main = facts::is_in_main_call(interaction, me);
    let is_held = if is_on_main
        && (matches!(leg, LegState::Consult | LegState::Consulting) && !is_consult_leg_held
            || leg == LegState::ConsultCompleted)
    {
        true
    } else {
        main.is_some_and(deskline_wire::Media::is_held)
    };
    let is_consult_held = consult_media.is_some_and(|media| media.lists(me) && media.is_held());

    let is_asking = matches!(status, Status::Initiated | Status::Accepted);
    let is_consult_open = is_asking || status == Status::BeingConsulted;
    let is_being_consulted = status == Status::BeingConsulted;
    let is_completed = status == Status::Completed;
    let has_no_status = matches!(status, Status::None | Status::Completed);

    can.end = (is_browser || given.is_end_call_enabled || !is_call)
        && (!is_held || (is_conference && !is_completed))
        && (has_no_status || is_consult_held);
    // Also the asked side may mute (headless 7.14).
    can.toggle_mute = is_web_call;
    let is_hold_possible = is_call
        && is_sound_possible
        && !is_being_consulted
        && ((!is_conference && consult_media.is_none())
            || (is_conference && is_completed && is_held));
    can.hold = is_hold_possible && !is_held;
    can.resume = is_hold_possible && is_held;
    let is_recording_possible = is_call && is_sound_possible && !is_conference && !is_consult_open;
    let is_paused = interaction.detail_flag("isPaused");
    can.pause_recording = is_recording_possible && !is_paused;
    can.resume_recording = is_recording_possible && is_paused;
    can.transfer = (!is_browser || given.web_rtc_enabled) && !is_conference && !is_consult_open;
    can.exit_conference = is_conference && !is_consult_open && !(is_held && is_completed);
    can.consult = is_call
        && is_sound_possible
        && !is_being_consulted
        && facts::agents_on_main(data) < CONFERENCE_LIMIT
        && consult_media.is_none()
        && is_customer_there
        && !(is_held && is_conference && !is_completed);
    can.end_consult =
        given.is_end_consult_enabled && is_call && is_sound_possible && is_consult_open;
    // The control stands in the main bar (while the consult leg waits) and in the consult bar (while it does not).
    let is_hand_over_possible = status == Status::Accepted && is_customer_there;
    // Section 9 does not ask whom it would reach: without anybody the verb says so itself (8.7).
    can.consult_transfer = is_hand_over_possible;
    can.consult_conference = is_hand_over_possible;
    can.transfer_conference = is_hand_over_possible && is_conference;
    can.send_digits = is_web_call && given.is_leg_answered;
    can
}
