//! Random stories: what may happen to a desk, in any order, as often as it likes.

use deskline_core::{
    Action, CallId, CallingFact, Directory, InteractionId, LinkState, MediaFact, Page, Problem,
    SdpKind, Station, StationOption, Verb, input::DeviceState, view::Can,
};
use proptest::prelude::*;

use crate::frames::TaskFrame;

const CUSTOMER: &str = "+14085550123";

/// Interactions of a story. The last is reserved under one id and assigned under another.
pub(crate) const IDS: [&str; 4] = ["I", "J", "R", "N"];
pub(crate) const CALLS: [&str; 3] = ["c1", "c2", "c3"];

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Somebody wants something, sensible or not.
    Wish(Wish),
    /// Somebody clicks a control of some task, if it is shown as working.
    Click(u8, u8),
    /// The centre says something about a contact.
    Task(TaskFrame),
    /// The centre says something about the agent.
    Agent(u8),
    /// A frame of before once more, or too late.
    Again(u8),
    /// A contact comes in and gets as far as this, as it should.
    Life(u8, u8),
    /// The agent logs in or out, and it gets as far as this, as it should.
    Shift(u8),
    /// Some open request is answered.
    Http(u8, HttpAnswer),
    /// The calling service.
    Calling(u8, u8),
    /// Media.
    Media(u8, u8),
    /// Socket and lines come and go.
    Link(u8),
    /// Time passes; what falls due happens at its moment.
    Wait(u32),
    /// Time passes and nobody looks until it is over.
    Sleep(u32),
}

#[derive(Debug, Clone)]
pub(crate) struct Wish(u8, u8);

#[derive(Debug, Clone)]
pub(crate) enum HttpAnswer {
    Good,
    Odd,
    Refused,
    Unreachable,
    SignedOut,
}

/// A whole story: station, whether wrap-up ends by itself, and what happens.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) is_browser: bool,
    pub(crate) has_timer: bool,
    pub(crate) steps: Vec<Step>,
    /// The contact as the centre tells it after a last relogin.
    pub(crate) refreshed: u8,
}

pub(crate) fn stories() -> impl Strategy<Value = Story> {
    let steps = prop::collection::vec(step(), 1..40);
    (any::<bool>(), any::<bool>(), steps, any::<u8>()).prop_map(
        |(is_browser, has_timer, steps, refreshed)| Story {
            is_browser,
            has_timer,
            steps,
            refreshed,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<u8>;
    let damage = prop::option::weighted(0.2, prop::collection::vec(any(), 1..6));
    let frame = (any(), any(), any(), damage).prop_map(|(name, id, shape, damage)| TaskFrame {
        name,
        id,
        shape,
        damage,
    });
    let http = prop_oneof![
        4 => Just(HttpAnswer::Good),
        1 => Just(HttpAnswer::Odd),
        2 => Just(HttpAnswer::Refused),
        1 => Just(HttpAnswer::Unreachable),
        1 => Just(HttpAnswer::SignedOut),
    ];
    prop_oneof![
        5 => (any(), any()).prop_map(|(wish, id)| Step::Wish(Wish(wish, id))),
        6 => (any(), any()).prop_map(|(task, control)| Step::Click(task, control)),
        10 => frame.prop_map(Step::Task),
        2 => any().prop_map(Step::Agent),
        2 => any().prop_map(Step::Again),
        4 => (any(), any()).prop_map(|(id, far)| Step::Life(id, far)),
        1 => any().prop_map(Step::Shift),
        3 => (any(), http).prop_map(|(which, answer)| Step::Http(which, answer)),
        3 => (any(), any()).prop_map(|(call, kind)| Step::Calling(call, kind)),
        2 => (any(), any()).prop_map(|(call, kind)| Step::Media(call, kind)),
        1 => any().prop_map(Step::Link),
        3 => (0_u32..30_000).prop_map(Step::Wait),
        1 => (0_u32..90_000).prop_map(Step::Sleep),
    ]
}

pub(crate) fn pick<T>(from: &[T], number: u8) -> &T {
    &from[usize::from(number) % from.len()]
}

// --- wishes -----------------------------------------------------------------------

impl Wish {
    pub(crate) fn action(&self) -> Action {
        let id = InteractionId::from(*pick(&IDS, self.1));
        let station = |option: StationOption, number: &str| Station {
            team_id: "T".into(),
            option,
            dial_number: Some(number.to_owned()),
        };
        let browser = station(StationOption::Browser, "");
        let extension = station(StationOption::Extension, "1001");
        match self.0 % 48 {
            0 => Action::SignIn,
            1 => Action::SignOut,
            2 => Action::StationLogin(browser),
            3 => Action::StationLogin(extension),
            4 => Action::StationLogin(station(StationOption::AgentDn, "12")),
            5 => Action::StationChange(browser),
            6 => Action::StationChange(extension),
            7 => Action::StationLogout { reason: None },
            8 => Action::SetState {
                state: "Available".to_owned(),
                aux_code_id: "0".to_owned(),
                reason: None,
            },
            9 => Action::Look(Directory::Queues, Page::default()),
            10 => Action::Look(
                Directory::Agents {
                    media_type: None,
                    state: None,
                },
                Page::default(),
            ),
            11 => Action::Look(Directory::OutdialAnis(None), Page::default()),
            12 => Action::Outdial {
                destination: CUSTOMER.to_owned(),
                origin: None,
            },
            13 => Action::AcceptPreview(id),
            14 => Action::Task(InteractionId::from("nobody"), Verb::Accept),
            other => Action::Task(id, verb(other - 15)),
        }
    }
}

pub(crate) fn queue_consult() -> Verb {
    verb(9)
}

fn verb(number: u8) -> Verb {
    let consult = |to: &str, destination_type: &str| Verb::Consult {
        to: to.to_owned(),
        destination_type: destination_type.to_owned(),
        hold_participants: None,
    };
    let end_consult = |queue_id: Option<&str>| Verb::EndConsult {
        is_consult: number.is_multiple_of(2),
        queue_id: queue_id.map(str::to_owned),
        is_secondary_ep_dn_agent: number.is_multiple_of(3),
    };
    let wrapup = |code: &str| Verb::Wrapup {
        aux_code_id: code.to_owned(),
        reason: "Sale".to_owned(),
    };
    match number % 24 {
        0 | 1 => Verb::Accept,
        2 => Verb::Decline,
        3 => Verb::ToggleMute,
        4 => Verb::Hold {
            media_resource_id: None,
        },
        5 => Verb::Resume {
            media_resource_id: None,
        },
        6 => Verb::PauseRecording,
        7 => Verb::ResumeRecording {
            auto_resumed: false,
        },
        8 => consult("B", "agent"),
        9 | 10 => consult("Q", "queue"),
        11 => end_consult(None),
        12 => end_consult(Some("Q")),
        13 => Verb::ConsultTransfer,
        14 => Verb::Transfer {
            to: "Q".to_owned(),
            destination_type: "queue".to_owned(),
        },
        15 => Verb::ConsultConference,
        16 => Verb::ExitConference,
        17 => Verb::TransferConference,
        18 => Verb::End,
        19 => wrapup("w1"),
        20 => wrapup(""),
        21 => Verb::CancelAutoWrapupTimer,
        22 => Verb::SendDigits("1#,".to_owned()),
        _ => Verb::SendDigits("x".to_owned()),
    }
}

/// The controls: is it shown as working, what a click asks, under which method name it is pending.
pub(crate) fn controls(can: &Can) -> [(bool, Verb, &'static str); 18] {
    [
        (can.accept, Verb::Accept, "accept"),
        (can.decline, Verb::Decline, "decline"),
        (can.toggle_mute, Verb::ToggleMute, "toggleMute"),
        (can.hold, verb(4), "hold"),
        (can.resume, verb(5), "resume"),
        (can.pause_recording, verb(6), "pauseRecording"),
        (can.resume_recording, verb(7), "resumeRecording"),
        (can.consult, verb(8), "consult"),
        (
            can.end_consult,
            Verb::EndConsult {
                is_consult: true,
                queue_id: None,
                is_secondary_ep_dn_agent: false,
            },
            "endConsult",
        ),
        (
            can.consult_transfer,
            Verb::ConsultTransfer,
            "consultTransfer",
        ),
        (
            can.consult_conference,
            Verb::ConsultConference,
            "consultConference",
        ),
        (can.transfer, verb(14), "transfer"),
        (can.exit_conference, Verb::ExitConference, "exitConference"),
        (
            can.transfer_conference,
            Verb::TransferConference,
            "transferConference",
        ),
        (can.end, Verb::End, "end"),
        (can.wrapup, verb(19), "wrapup"),
        (can.send_digits, verb(22), "sendDigits"),
        (
            can.cancel_auto_wrapup_timer,
            Verb::CancelAutoWrapupTimer,
            "cancelAutoWrapupTimer",
        ),
    ]
}

// --- calling and media --------------------------------------------------------------

fn problem(status: Option<u16>) -> Problem {
    Problem {
        text: "it did not work".to_owned(),
        status,
        ..Problem::default()
    }
}

pub(crate) fn calling(call: u8, kind: u8) -> CallingFact {
    let call = CallId::from(*pick(&CALLS, call));
    let sdp = "v=0".to_owned();
    match kind % 14 {
        0 | 1 => CallingFact::Ringing {
            call,
            name: None,
            number: None,
        },
        2 => CallingFact::Remote {
            call,
            kind: SdpKind::Offer,
            sdp,
        },
        3 => CallingFact::Remote {
            call,
            kind: SdpKind::Answer,
            sdp,
        },
        4 => CallingFact::OfferWanted { call },
        5 | 6 => CallingFact::Answered { call },
        7 => CallingFact::Established { call },
        8 => CallingFact::AnswerFailed {
            call,
            problem: problem(Some(404)),
        },
        9 => CallingFact::Ended { call },
        10 => CallingFact::Registered(Ok(())),
        11 => CallingFact::Registered(Err(problem(Some(403)))),
        12 => CallingFact::Connected(Err(problem(None))),
        _ => CallingFact::Connected(Ok(())),
    }
}

pub(crate) fn media(call: u8, kind: u8) -> MediaFact {
    let call = CallId::from(*pick(&CALLS, call));
    match kind % 9 {
        0 => MediaFact::Local {
            call,
            kind: SdpKind::Answer,
            sdp: "v=0".to_owned(),
        },
        1 => MediaFact::Failed {
            call,
            problem: problem(None),
        },
        2 => MediaFact::Path {
            call,
            state: LinkState::Up,
        },
        3 => MediaFact::Path {
            call,
            state: LinkState::Failed,
        },
        4 => MediaFact::FirstAudio { call, after_ms: 80 },
        5 => MediaFact::Muted { call, muted: true },
        6 => MediaFact::Muted { call, muted: false },
        7 => MediaFact::DigitsSent {
            call,
            result: Ok(()),
        },
        _ => MediaFact::Devices(DeviceState {
            missing_microphone: Some("Desk microphone".to_owned()),
            ..DeviceState::default()
        }),
    }
}
