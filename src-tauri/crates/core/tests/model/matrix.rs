//! The controls, written out a second time from the tables of contact-center 9.1 and 9.2.
//!
//! Nothing here comes from the product's code: it reads plain JSON, and every rule stands as the table has it,
//! visible and enabled apart. The front tests of the command line use it too.

use deskline_wire::Json;

/// The keys of `can` (headless section 3).
pub(crate) const KEYS: [&str; 18] = [
    "accept",
    "decline",
    "toggleMute",
    "hold",
    "resume",
    "pauseRecording",
    "resumeRecording",
    "consult",
    "endConsult",
    "consultTransfer",
    "consultConference",
    "transfer",
    "exitConference",
    "transferConference",
    "end",
    "wrapup",
    "sendDigits",
    "cancelAutoWrapupTimer",
];

/// Who looks, from where, and what the profile allows.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Seat {
    pub(crate) me: &'static str,
    pub(crate) is_browser: bool,
    pub(crate) is_phone: bool,
    pub(crate) web_rtc: bool,
    pub(crate) end_call: bool,
    pub(crate) end_consult: bool,
}

/// Which of the three surfaces is drawn (headless section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    Nothing,
    Offer,
    Talk,
    WrapUp,
}

/// What the tables need besides the data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) surface: Surface,
    pub(crate) is_leg_answered: bool,
    pub(crate) is_timer_cancellable: bool,
    /// The client's `isConsulted`.
    pub(crate) is_consulted: bool,
}

/// `status` of 9.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Initiated,
    Accepted,
    BeingConsulted,
    BeingConsultedAccepted,
    Completed,
    Other,
}

static NULL: Json = Json::Null;

/// Walks into objects; `Null` where the path ends early.
pub(crate) fn at<'a>(json: &'a Json, path: &[&str]) -> &'a Json {
    path.iter()
        .fold(json, |json, key| json.get(key).unwrap_or(&NULL))
}

pub(crate) fn word<'a>(json: &'a Json, path: &[&str]) -> &'a str {
    at(json, path).as_str().unwrap_or_default()
}

/// Booleans travel as booleans or as text (7.5).
pub(crate) fn yes(json: &Json, path: &[&str]) -> bool {
    match at(json, path) {
        Json::Bool(value) => *value,
        Json::String(text) => text.eq_ignore_ascii_case("true"),
        Json::Null | Json::Number(_) | Json::Array(_) | Json::Object(_) => false,
    }
}

fn members(media: &Json) -> Vec<&str> {
    let list = at(media, &["participants"]).as_array();
    list.into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect()
}

fn medias<'a>(data: &'a Json, kind: &str) -> Vec<&'a Json> {
    let all = at(data, &["interaction", "media"]).as_object();
    all.into_iter()
        .flat_map(|all| all.values())
        .filter(|media| word(media, &["mType"]) == kind)
        .collect()
}

pub(crate) fn main_media(data: &Json) -> &Json {
    medias(data, "mainCall").first().copied().unwrap_or(&NULL)
}

pub(crate) fn consult_media(data: &Json) -> Option<&Json> {
    medias(data, "consult").last().copied()
}

/// `n` of 9.1.
pub(crate) fn agents(data: &Json) -> usize {
    members(main_media(data))
        .into_iter()
        .filter(|id| {
            let who = at(data, &["interaction", "participants", id]);
            let kind = word(who, &["pType"]);
            who.is_object()
                && !["Customer", "Supervisor", "VVA"].contains(&kind)
                && !yes(who, &["hasLeft"])
        })
        .count()
}

pub(crate) fn is_customer_there(data: &Json) -> bool {
    members(main_media(data)).into_iter().any(|id| {
        let who = at(data, &["interaction", "participants", id]);
        word(who, &["pType"]) == "Customer" && !yes(who, &["hasLeft"])
    })
}

fn is_secondary(data: &Json) -> bool {
    let details = at(data, &["interaction", "callProcessingDetails"]);
    let parent = word(details, &["parentInteractionId"]);
    word(data, &["interaction", "mediaType"]) == "telephony"
        && word(details, &["relationshipType"]) == "consult"
        && !parent.is_empty()
        && parent != word(data, &["interaction", "interactionId"])
}

/// `legState` and `taskState` of 9.1, as words.
pub(crate) fn states<'a>(data: &'a Json, me: &str) -> (&'a str, &'a str) {
    let state = word(data, &["interaction", "state"]);
    let consult_state = word(data, &["interaction", "participants", me, "consultState"]);
    let has_consult = consult_media(data).is_some();
    let counts = (has_consult && !consult_state.is_empty() && state != "wrapUp")
        || (!has_consult && consult_state == "consultCompleted");
    let leg = if counts {
        match consult_state {
            "consultInitiated" => "consult",
            "consultCompleted" if state == "connected" => "connected",
            "consultCompleted" => "consultCompleted",
            "conferencing" => "conference",
            _ => "consulting",
        }
    } else {
        state
    };
    let task = if is_secondary(data) {
        if state == "conference" {
            "conference"
        } else {
            "consulting"
        }
    } else if ["wrapUp", "post_call"].contains(&state) && consult_state == "consultCompleted" {
        "consultCompleted"
    } else {
        leg
    };
    (leg, task)
}

/// Every key of `can` with its answer.
#[allow(
    clippy::too_many_lines,
    clippy::similar_names,
    clippy::nonminimal_bool,
    reason = "the rules stand as the tables have them"
)]
pub(crate) fn can(data: &Json, seat: Seat, shown: Shown) -> Vec<(&'static str, bool)> {
    let media_type = word(data, &["interaction", "mediaType"]);
    let call = media_type == "telephony";
    let (browser, phone, me) = (seat.is_browser, seat.is_phone, seat.me);
    let tel_sup = (browser && seat.web_rtc) || phone;

    let conf = agents(data) >= 2;
    let consult_any = consult_media(data).is_some();
    let cust = is_customer_there(data);
    let (leg, task) = states(data, me);
    let asked = shown.is_consulted
        || yes(data, &["interaction", "participants", me, "isConsulted"])
        || is_secondary(data);
    let status = match task {
        "consult" if asked => Status::BeingConsulted,
        "consult" => Status::Initiated,
        "consulting" if asked => Status::BeingConsultedAccepted,
        "consulting" => Status::Accepted,
        "consultCompleted" => Status::Completed,
        _ => Status::Other,
    };
    let on_main = members(main_media(data)).contains(&me);
    let my_consult = word(data, &["consultMediaResourceId"]);
    let is_consult_open =
        !yes(data, &["interaction", "media", my_consult, "isHold"]) || my_consult.is_empty();
    let held = if on_main
        && ((["consult", "consulting"].contains(&leg) && is_consult_open)
            || leg == "consultCompleted")
    {
        true
    } else {
        yes(main_media(data), &["isHold"])
    };
    let c_held =
        consult_media(data).is_some_and(|leg| members(leg).contains(&me) && yes(leg, &["isHold"]));

    let initiated = status == Status::Initiated;
    let accepted = status == Status::Accepted;
    let being = status == Status::BeingConsultedAccepted;
    let completed = status == Status::Completed;
    let ioa = initiated || accepted || being;
    let any_consult_status = ioa || status == Status::BeingConsulted;

    // (key, visible, enabled) as in 9.2; main bar and consult bar are two rows.
    let rules: Vec<(&'static str, bool, bool)> = match shown.surface {
        Surface::Nothing => Vec::new(),
        Surface::Offer => vec![
            (
                "accept",
                (browser && ((seat.web_rtc && call) || !call)) || (phone && !call),
                true,
            ),
            ("decline", browser && seat.web_rtc && call, true),
        ],
        Surface::WrapUp => vec![
            ("wrapup", true, true),
            ("cancelAutoWrapupTimer", true, shown.is_timer_cancellable),
        ],
        Surface::Talk => {
            let hold_visible = call && tel_sup && !being;
            let hold_enabled = (!conf && !consult_any) || (conf && completed && held);
            let recording = call && tel_sup && !conf && !ioa;
            let paused = yes(data, &["interaction", "callProcessingDetails", "isPaused"]);
            let bars = (initiated || accepted) && cust;
            let hand_over_main = accepted && c_held;
            let hand_over_consult = accepted && !c_held && cust;
            vec![
                (
                    "end",
                    browser || (seat.end_call && call) || !call,
                    (!held || (conf && !completed)) && (!any_consult_status || c_held),
                ),
                // The asked side may mute too (headless 7.14).
                ("toggleMute", browser && seat.web_rtc && call, true),
                ("hold", hold_visible && !held, hold_enabled),
                ("resume", hold_visible && held, hold_enabled),
                ("pauseRecording", recording && !paused, true),
                ("resumeRecording", recording && paused, true),
                (
                    "transfer",
                    (if browser { seat.web_rtc } else { true }) && !conf && !ioa,
                    true,
                ),
                ("exitConference", conf && !ioa, !(held && conf && completed)),
                ("consultConference", bars, hand_over_main),
                ("consultConference", bars, hand_over_consult),
                ("consultTransfer", bars, hand_over_main),
                ("consultTransfer", bars, hand_over_consult),
                ("transferConference", bars && conf, hand_over_main),
                ("transferConference", bars && conf, hand_over_consult),
                (
                    "consult",
                    call && tel_sup && !being,
                    agents(data) < 7 && !consult_any && cust && !(held && conf && !completed),
                ),
                (
                    "endConsult",
                    seat.end_consult && call && tel_sup && ioa,
                    true,
                ),
                (
                    "sendDigits",
                    browser && seat.web_rtc && call,
                    shown.is_leg_answered,
                ),
            ]
        }
    };
    KEYS.iter()
        .map(|key| {
            let is_on = rules
                .iter()
                .any(|(name, visible, enabled)| name == key && *visible && *enabled);
            (*key, is_on)
        })
        .collect()
}
