//! From the core's tasks to those that are shown.

use deskline_core::view as core_view;

use super::task::{
    AutoWrapup, Can, Conference, Consult, ConsultState, ConsultType, Customer, Direction,
    Participant, Phase, Recording, TaskView, Variable,
};

impl From<core_view::Phase> for Phase {
    fn from(phase: core_view::Phase) -> Self {
        match phase {
            core_view::Phase::Reserved => Self::Reserved,
            core_view::Phase::Offered => Self::Offered,
            core_view::Phase::Connected => Self::Connected,
            core_view::Phase::Held => Self::Held,
            core_view::Phase::Consulting => Self::Consulting,
            core_view::Phase::Conference => Self::Conference,
            core_view::Phase::WrapUp => Self::WrapUp,
            core_view::Phase::Ended => Self::Ended,
        }
    }
}

impl From<core_view::Recording> for Recording {
    fn from(recording: core_view::Recording) -> Self {
        match recording {
            core_view::Recording::Off => Self::Off,
            core_view::Recording::On => Self::On,
            core_view::Recording::Paused => Self::Paused,
        }
    }
}

impl From<core_view::ConsultKind> for ConsultType {
    fn from(kind: core_view::ConsultKind) -> Self {
        match kind {
            core_view::ConsultKind::Agent => Self::Agent,
            core_view::ConsultKind::Queue => Self::Queue,
            core_view::ConsultKind::DialNumber => Self::DialNumber,
            core_view::ConsultKind::EntryPoint => Self::EntryPoint,
        }
    }
}

impl From<core_view::Can> for Can {
    fn from(can: core_view::Can) -> Self {
        Self {
            accept: can.accept,
            decline: can.decline,
            toggle_mute: can.toggle_mute,
            hold: can.hold,
            resume: can.resume,
            pause_recording: can.pause_recording,
            resume_recording: can.resume_recording,
            consult: can.consult,
            end_consult: can.end_consult,
            consult_transfer: can.consult_transfer,
            consult_conference: can.consult_conference,
            transfer: can.transfer,
            exit_conference: can.exit_conference,
            transfer_conference: can.transfer_conference,
            end: can.end,
            wrapup: can.wrapup,
            send_digits: can.send_digits,
            cancel_auto_wrapup_timer: can.cancel_auto_wrapup_timer,
        }
    }
}

impl From<&core_view::Task> for TaskView {
    fn from(task: &core_view::Task) -> Self {
        Self {
            task_id: task.id.as_str().to_owned(),
            media_type: task.media_type.clone(),
            phase: task.phase.into(),
            muted: task.is_muted,
            held: task.is_held,
            consult: task.consult.as_ref().map(|consult| Consult {
                state: if consult.is_answered {
                    ConsultState::Answered
                } else {
                    ConsultState::Asked
                },
                to: consult.to.clone(),
                name: consult.name.clone(),
                on_hold: consult.is_on_hold,
                kind: consult.kind.into(),
                is_consulted: consult.is_consulted,
                since: consult.since.map(|at| at.0),
                can_switch: consult.can_switch,
            }),
            conference: task.conference_agents.map(|agents| Conference { agents }),
            participants: task
                .participants
                .iter()
                .map(|participant| Participant {
                    id: participant.id.clone(),
                    kind: participant.kind.clone(),
                    name: participant.name.clone(),
                    has_joined: participant.has_joined,
                    has_left: participant.has_left,
                    is_consulted: participant.is_consulted,
                })
                .collect(),
            recording: task.recording.into(),
            recording_paused_at: task.recording_paused_at.map(|at| at.0),
            recording_resumes_at: task.recording_resumes_at.map(|at| at.0),
            wrap_up_required: task.is_wrap_up_required,
            auto_wrapup: task.auto_wrapup.map(|timer| AutoWrapup {
                ends_at: timer.ends_at.0,
                cancellable: timer.is_cancellable,
            }),
            customer: Customer {
                name: task.customer_name.clone(),
                number: task.customer_number.clone(),
            },
            queue: task.queue.clone(),
            direction: if task.is_outbound {
                Direction::Outbound
            } else {
                Direction::Inbound
            },
            started_at: task.started_at.map(|at| at.0),
            hold_since: task.hold_since.map(|at| at.0),
            offer_ends_at: task.offer_ends_at.map(|at| at.0),
            offer_lasts_ms: task.offer_lasts_ms,
            wrap_up_since: task.wrap_up_since.map(|at| at.0),
            preview: task.is_preview,
            open_url: task.page_url.is_some(),
            auto_answering: task.is_auto_answering,
            pending: task.pending.iter().map(|&word| word.to_owned()).collect(),
            variables: task
                .variables
                .iter()
                .map(|(name, value, is_sensitive)| Variable {
                    name: name.clone(),
                    value: value.clone(),
                    is_sensitive: *is_sensitive,
                })
                .collect(),
            can: task.can.into(),
        }
    }
}
