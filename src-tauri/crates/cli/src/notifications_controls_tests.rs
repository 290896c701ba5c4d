//! One decision about the controls: the rules, what a window gets and what a script gets say the same, and all say what
//! the tables of contact-center 9 say, written out a second time beside the reference of the desk.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "the reference of the desk needs more of it")]
#[path = "../../core/tests/model/matrix.rs"]
mod matrix;

use std::{sync::Arc, time::Duration};

use deskline_core::{
    Action, CallId, CallingFact, CommandId, Desk, Effect, Event, Input, InteractionId, Now,
    Profile, RoutingFact, Settings, SignedIn, StationOption, Verb, WallMs, view::Phase,
};
use deskline_session::view::TaskView;
use deskline_wire::{Catalog, Frame, Json, json};

use self::matrix::{KEYS, Seat, Shown, Surface, yes};
use super::{line, shown};

const ME: &str = "A";
const CUSTOMER: &str = "+14085550123";
const SITUATIONS: u64 = 12_000;

/// Reads a situation off a number, digit by digit.
struct Digits(u64);

impl Digits {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let length = u64::try_from(from.len()).unwrap();
        let digit = usize::try_from(self.0 % length).unwrap();
        self.0 /= length;
        from[digit]
    }

    fn flip(&mut self) -> bool {
        self.pick(&[false, true])
    }
}

struct Situation {
    option: StationOption,
    profile: Profile,
    data: Json,
    is_asked: bool,
    end: &'static str,
}

/// One of about six million situations, sensible or not.
fn situation(number: u64) -> Situation {
    let mut digits = Digits(number);
    let option = digits.pick(&[
        StationOption::Browser,
        StationOption::Browser,
        StationOption::Extension,
        StationOption::AgentDn,
    ]);
    let profile = Profile {
        json: json!({ "agentId": ME }),
        voice_options: vec!["BROWSER".to_owned(), "EXTENSION".to_owned()],
        web_rtc_enabled: digits.pick(&[true, true, false]),
        is_end_call_enabled: digits.flip(),
        is_end_consult_enabled: digits.pick(&[true, true, false]),
        ..Profile::default()
    };
    let end = digits.pick(&[
        "AgentContactAssigned",
        "AgentContactAssigned",
        "",
        "AgentWrapup",
    ]);
    let media_type = digits.pick(&["telephony", "telephony", "telephony", "chat", "email"]);
    let state = digits.pick(&[
        "connected",
        "hold",
        "consult",
        "consulting",
        "conference",
        "post_call",
        "new",
    ]);
    let consult_state = digits.pick(&[
        "",
        "consultInitiated",
        "consulting",
        "consultCompleted",
        "conferencing",
        "consultReserved",
    ]);
    let consult_leg = digits.pick(&[
        "none",
        "open",
        "held",
        "without me",
        "nobody else",
        "elsewhere",
    ]);
    let others = digits.pick(&[0, 0, 1, 2, 6]);
    let (is_held, is_customer_gone, is_asked) = (digits.flip(), digits.flip(), digits.flip());
    let (is_paused, is_child, am_i_on_main) = (
        digits.flip(),
        digits.pick(&[false, false, false, true]),
        digits.pick(&[true, true, true, false]),
    );

    let mut participants = json!({
        CUSTOMER: { "id": CUSTOMER, "pType": "Customer", "type": "Customer", "hasLeft": is_customer_gone },
        ME: { "id": ME, "pType": "Agent", "type": "Agent", "hasJoined": !end.is_empty(), "hasLeft": false,
            "consultState": consult_state, "isConsulted": is_asked },
        "B": { "id": "B", "pType": "Agent", "type": "Agent", "hasJoined": true, "hasLeft": false },
    });
    let mut on_main = vec![CUSTOMER.to_owned()];
    on_main.extend(am_i_on_main.then(|| ME.to_owned()));
    for n in 0..others {
        let id = format!("C{n}");
        participants[&id] =
            json!({ "id": id, "pType": "Agent", "type": "Agent", "hasLeft": n == 5 });
        on_main.push(id);
    }
    let mut media = json!({ "I": { "mediaResourceId": "I", "mType": "mainCall", "isHold": is_held, "participants": on_main } });
    let on_leg = match consult_leg {
        "without me" => vec!["B", "C0"],
        "nobody else" => vec![ME],
        "elsewhere" => vec![ME, "+1999"],
        _ => vec![ME, "B"],
    };
    let mut data = json!({ "interactionId": "I", "mediaResourceId": "I", "agentId": ME });
    if consult_leg != "none" {
        media["L"] = json!({ "mediaResourceId": "L", "mType": "consult", "isHold": consult_leg == "held", "participants": on_leg });
        data["consultMediaResourceId"] = "L".into();
    }
    let mut details = json!({ "isPaused": is_paused.to_string() });
    if is_child {
        details["relationshipType"] = "consult".into();
        details["parentInteractionId"] = "P".into();
    }
    data["interaction"] = json!({ "interactionId": "I", "mainInteractionId": "I", "mediaType": media_type, "state": state,
        "owner": if is_asked { "B" } else { ME }, "participants": participants, "media": media,
        "callProcessingDetails": details });
    Situation {
        option,
        profile,
        data,
        is_asked,
        end,
    }
}

/// A desk in that situation, and the last event it told about the task.
fn play(situation: &Situation) -> (Desk, Event) {
    let mut desk = Desk::new(Settings::default());
    let mut last = None;
    let mut handle = |desk: &mut Desk, input: Input| {
        let now = Now {
            at: Duration::ZERO,
            wall: WallMs(1_000_000_000_000),
        };
        for effect in desk.handle(now, input) {
            if let Effect::Publish(event) = effect
                && matches!(event.as_ref(), Event::Task { .. })
            {
                last = Some(*event);
            }
        }
    };
    let frame = |kind: &str, data: Json| {
        let frame = Frame::from_json(json!({ "type": kind, "data": data })).unwrap();
        Input::Routing(RoutingFact::Frame(Box::new(frame)))
    };
    let named = |name: &str| {
        let mut data = situation.data.clone();
        data["type"] = name.into();
        frame("RoutingMessage", data)
    };
    let call = CallId::from("c");
    handle(&mut desk, Input::Do(CommandId(1), Action::SignIn));
    handle(
        &mut desk,
        Input::Routing(RoutingFact::SignedIn(Box::new(SignedIn {
            agent_id: ME.into(),
            org_id: "ORG".into(),
            profile: Arc::new(situation.profile.clone()),
            catalog: Arc::new(Catalog::default()),
        }))),
    );
    handle(&mut desk, Input::Calling(CallingFact::Connected(Ok(()))));
    let relogin = json!({ "type": "AgentReloginSuccess", "deviceType": situation.option.word(), "teamId": "T" });
    handle(&mut desk, frame("AgentReloginSuccess", relogin));
    handle(&mut desk, Input::Calling(CallingFact::Registered(Ok(()))));
    assert!(desk.agent().is_some(), "signed in");
    let ringing = CallingFact::Ringing {
        call: call.clone(),
        name: None,
        number: None,
    };
    handle(&mut desk, Input::Calling(ringing));
    // An offer comes before anybody joined.
    let mut offer = situation.data.clone();
    offer["interaction"]["participants"][ME]["hasJoined"] = false.into();
    offer["type"] = if situation.is_asked {
        "AgentOfferConsult".into()
    } else {
        "AgentContactReserved".into()
    };
    handle(&mut desk, frame("RoutingMessage", offer));
    if !situation.end.is_empty() {
        let accept = Action::Task(InteractionId::from("I"), Verb::Accept);
        handle(&mut desk, Input::Do(CommandId(2), accept));
        handle(&mut desk, Input::Calling(CallingFact::Answered { call }));
        handle(&mut desk, named(situation.end));
    }
    (desk, last.expect("the task was told"))
}

#[test]
fn rules_window_and_scripts_show_the_controls_of_the_tables() {
    let mut seen_on = [0_u32; KEYS.len()];
    for n in 0..SITUATIONS {
        // A prime step visits all corners of the space.
        let number = n.wrapping_mul(7_368_787);
        let situation = situation(number);
        let (desk, event) = play(&situation);
        let (task, data) = desk.task(&InteractionId::from("I")).unwrap();
        let profile = &situation.profile;
        let expected: Json = matrix::can(
            &data,
            Seat {
                me: ME,
                is_browser: situation.option == StationOption::Browser,
                is_phone: situation.option != StationOption::Browser,
                web_rtc: profile.web_rtc_enabled,
                end_call: profile.is_end_call_enabled,
                end_consult: profile.is_end_consult_enabled,
            },
            Shown {
                surface: match task.phase {
                    Phase::Reserved | Phase::Ended => Surface::Nothing,
                    Phase::Offered => Surface::Offer,
                    Phase::WrapUp => Surface::WrapUp,
                    Phase::Connected | Phase::Held | Phase::Consulting | Phase::Conference => {
                        Surface::Talk
                    }
                },
                is_leg_answered: situation.option == StationOption::Browser
                    && !situation.end.is_empty()
                    && data["interaction"]["mediaType"] == "telephony",
                is_timer_cancellable: false,
                is_consulted: yes(&data, &["isConsulted"]),
            },
        )
        .into_iter()
        .map(|(key, is_on)| (key.to_owned(), Json::Bool(is_on)))
        .collect::<deskline_wire::Object>()
        .into();

        let window = &shown(&TaskView::from(&task))["can"];
        let (_, params) = line(&event).unwrap();
        let script = &params["task"]["can"];
        let why = || format!("situation {number}, {:?}: {data:#}", task.phase);
        for (key, seen) in KEYS.iter().zip(&mut seen_on) {
            assert_eq!(window[key], expected[key], "{key} in the window, {}", why());
            assert_eq!(script[key], expected[key], "{key} for a script, {}", why());
            *seen += u32::from(expected[key] == true);
        }
        assert_eq!(window.as_object().unwrap().len(), KEYS.len(), "no key more");
    }
    let never: Vec<_> = KEYS
        .iter()
        .zip(seen_on)
        .filter(|(_, times)| *times == 0)
        .map(|(key, _)| *key)
        .collect();
    assert_eq!(
        never,
        ["cancelAutoWrapupTimer"],
        "every control is on somewhere"
    );
}
