//! Random sequences: what may happen to a desk, in any order.

use deskline_core::Verb;
use deskline_wire::{Json, json};
use proptest::prelude::*;

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Something happens at the centre by itself.
    Centre(u8, u8),
    /// A contact gets this far, as it should if nothing else comes between.
    Life(u8, u8),
    /// Some command on some task, sensible or not.
    Verb(u8, u8),
    /// A control that is shown as working is clicked.
    Click(u8, u8),
    /// A command of the agent or the dialer.
    Agent(u8),
    /// The next request is not treated as it should.
    Fault(u8),
    /// The next frames are lost, doubled, swapped or late.
    Mischief(u8),
    /// A frame of before, once more.
    Again(u8),
    /// A word nobody knows, or about a contact nobody knows.
    Nonsense(u8),
    /// The far side of the line and the sound engine take their time, or fail.
    Slow(u8),
    /// What they were asked is done now.
    Progress,
    /// Microphone button pressed on the headset.
    Headset(u8, bool),
    /// The socket is lost and back; what was sent meanwhile is gone.
    Socket(u8),
    /// The program starts anew.
    Restart(bool),
    /// Time passes, milliseconds.
    Wait(u16),
}

/// A whole sequence.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    pub(crate) is_browser: bool,
    pub(crate) has_auto_wrap_up: bool,
    pub(crate) steps: Vec<Step>,
}

pub(crate) fn sequences() -> impl Strategy<Value = Sequence> {
    let steps = prop::collection::vec(step(), 1..45);
    (prop::bool::weighted(0.7), any::<bool>(), steps).prop_map(
        |(is_browser, has_auto_wrap_up, steps)| Sequence {
            is_browser,
            has_auto_wrap_up,
            steps,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<u8>;
    prop_oneof![
        14 => (any(), any()).prop_map(|(what, which)| Step::Centre(what, which)),
        8 => (any(), any()).prop_map(|(far, which)| Step::Life(far, which)),
        7 => (any(), any()).prop_map(|(verb, task)| Step::Verb(verb, task)),
        16 => (any(), any()).prop_map(|(task, control)| Step::Click(task, control)),
        2 => any().prop_map(Step::Agent),
        3 => any().prop_map(Step::Fault),
        3 => any().prop_map(Step::Mischief),
        2 => any().prop_map(Step::Again),
        1 => any().prop_map(Step::Nonsense),
        2 => any().prop_map(Step::Slow),
        3 => Just(Step::Progress),
        1 => (any(), prop::bool::ANY).prop_map(|(task, muted)| Step::Headset(task, muted)),
        1 => any().prop_map(Step::Socket),
        1 => prop::bool::ANY.prop_map(Step::Restart),
        3 => (0_u16..30_000).prop_map(Step::Wait),
    ]
}

/// A command with its public name and what its request must carry.
pub(crate) struct Wish {
    pub(crate) name: &'static str,
    pub(crate) verb: Verb,
    pub(crate) body: Json,
}

fn wish(name: &'static str, verb: Verb, body: Json) -> Wish {
    Wish { name, verb, body }
}

/// The verbs of section 8 with all their shapes of arguments.
#[allow(clippy::too_many_lines)]
pub(crate) fn verb(number: u8, task: &str) -> Wish {
    let leg = |number: u8| (number >= 100).then(|| format!("C-{task}"));
    let leg_body = |number: u8| leg(number).map_or(Json::Null, Json::String);
    let hold = |number| {
        let verb = Verb::Hold {
            media_resource_id: leg(number),
        };
        wish("hold", verb, leg_body(number))
    };
    let resume = |number| {
        let verb = Verb::Resume {
            media_resource_id: leg(number),
        };
        wish("resume", verb, leg_body(number))
    };
    let consult = |to: &str, kind: &str, hold: Option<bool>| {
        let mut body = json!({ "to": to, "destinationType": kind });
        if let Some(hold) = hold {
            body["holdParticipants"] = hold.into();
        }
        let verb = Verb::Consult {
            to: to.to_owned(),
            destination_type: kind.to_owned(),
            hold_participants: hold,
        };
        wish("consult", verb, body)
    };
    let end_consult = |is_consult: bool, queue_id: Option<&str>| {
        let body = json!({ "isConsult": is_consult, "queueId": queue_id });
        let verb = Verb::EndConsult {
            is_consult,
            queue_id: queue_id.map(str::to_owned),
            is_secondary_ep_dn_agent: false,
        };
        wish("endConsult", verb, body)
    };
    let transfer = |to: &str, kind: &str| {
        let verb = Verb::Transfer {
            to: to.to_owned(),
            destination_type: kind.to_owned(),
        };
        let body = json!({ "to": to, "destinationType": kind });
        wish("transfer", verb, body)
    };
    let wrapup = |code: &str, reason: &str| {
        let verb = Verb::Wrapup {
            aux_code_id: code.to_owned(),
            reason: reason.to_owned(),
        };
        let body = json!({ "auxCodeId": code, "wrapUpReason": reason });
        wish("wrapup", verb, body)
    };
    let digits = |digits: &str| {
        wish(
            "sendDigits",
            Verb::SendDigits(digits.to_owned()),
            digits.into(),
        )
    };
    match number % 33 {
        0 | 1 => wish("accept", Verb::Accept, Json::Null),
        2 => wish("decline", Verb::Decline, Json::Null),
        3 | 4 => wish("toggleMute", Verb::ToggleMute, Json::Null),
        5 => hold(number),
        6 => resume(number),
        7 => wish("pauseRecording", Verb::PauseRecording, Json::Null),
        8 => wish(
            "resumeRecording",
            Verb::ResumeRecording {
                auto_resumed: false,
            },
            Json::Null,
        ),
        9 => consult("B", "agent", None),
        10 => consult("+1999", "dialNumber", Some(true)),
        11 => consult("EP", "entryPoint", Some(false)),
        12..=14 => consult("Q", "queue", None),
        15 | 16 => end_consult(true, None),
        17 => end_consult(false, None),
        18 => end_consult(true, Some("Q")),
        19 => transfer("B", "agent"),
        20 => transfer("Q", "queue"),
        21 => wish("consultTransfer", Verb::ConsultTransfer, Json::Null),
        22 => wish("consultConference", Verb::ConsultConference, Json::Null),
        23 => wish("exitConference", Verb::ExitConference, Json::Null),
        24 => wish("transferConference", Verb::TransferConference, Json::Null),
        25 => wish("end", Verb::End, Json::Null),
        26 | 27 => wrapup("w2", "Other"),
        28 => wrapup("", "Other"),
        29 => digits("12#,"),
        30 => digits("x"),
        32 => wish("switchCall", Verb::SwitchCall, Json::Null),
        _ => wish(
            "cancelAutoWrapupTimer",
            Verb::CancelAutoWrapupTimer,
            Json::Null,
        ),
    }
}

/// What a click on this control does; legs are switched as the window does it.
pub(crate) fn click(control: &str, number: u8, task: &str) -> Wish {
    let number = match control {
        "accept" => 0,
        "decline" => 2,
        "toggleMute" => 3,
        "hold" => 5,
        "resume" => 6,
        "pauseRecording" => 7,
        "resumeRecording" => 8,
        "consult" => 9 + number % 4,
        "endConsult" => 15,
        "consultTransfer" => 21,
        "consultConference" => 22,
        "transfer" => 19 + number % 2,
        "exitConference" => 23,
        "transferConference" => 24,
        "end" => 25,
        "wrapup" => 26,
        "sendDigits" => 29,
        _ => 31,
    };
    verb(number, task)
}
