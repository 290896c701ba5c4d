//! Group Q and the whole matrix of contact-center 9.3, as `can` shows it (headless section 3).

use deskline_core::{
    CallId, CallingFact, StationOption, Verb,
    profile::WrapUpRules,
    view::{Can, Phase, Recording},
};
use deskline_wire::json;

use crate::support::{BROWSER, Contact, EXTENSION, ME, Story, profile};

const CUSTOMER: &str = "+14085550123";
const NOTHING: Can = Can {
    accept: false,
    decline: false,
    toggle_mute: false,
    hold: false,
    resume: false,
    pause_recording: false,
    resume_recording: false,
    consult: false,
    end_consult: false,
    consult_transfer: false,
    consult_conference: false,
    transfer: false,
    exit_conference: false,
    transfer_conference: false,
    end: false,
    wrapup: false,
    send_digits: false,
    cancel_auto_wrapup_timer: false,
};

// --- the matrix ---------------------------------------------------------------

/// Contact-center 9.3, word for word: ● enabled, ○ disabled, – hidden. "To main" and "to consult"
/// have no key of their own (they are `resume` and `hold` of a given leg), so they are left out.
const MATRIX: &str = "
| end                       | ● | ○ | ○ | ○ | ● | ○ | ○ | ● | ○ | ○ | ● | ○ |
| mute                      | ● | ● | ● | ● | ● | – | ● | ● | ● | ● | ● | ● |
| hold/resume               | ● | ● | ○ | ○ | ○ | – | ● | ○ | ○ | ○ | ○ | ● |
| rec pause                 | ● | ● | – | – | – | – | ● | – | – | – | – | – |
| transfer                  | ● | ● | – | – | – | – | ● | – | – | – | – | – |
| consult                   | ● | ● | ○ | ○ | ○ | – | ● | ● | ○ | ○ | ○ | ● |
| end consult               | – | – | ● | ● | ● | ● | – | – | ● | ● | ● | – |
| consult transfer          | – | – | ○ | ○ | ● | – | – | – | ○ | ○ | ● | – |
| merge                     | – | – | ○ | ○ | ● | – | – | – | ○ | ○ | ● | – |
| c.transfer (consult bar)  | – | – | ○ | ● | ○ | – | – | – | ○ | ● | ○ | – |
| merge (consult bar)       | – | – | ○ | ● | ○ | – | – | – | ○ | ● | ○ | – |
| mute (consult bar)        | – | – | ● | – | – | ● | – | – | ● | – | – | – |
| exit conf                 | – | – | – | – | – | – | – | ● | – | – | – | ○ |
| wrapup                    | – | – | – | – | – | – | – | – | – | – | – | – |
";

/// Whether a control is visible and enabled in a column of the matrix (from 0).
fn enabled(control: &str, column: usize) -> bool {
    let row = MATRIX
        .lines()
        .find_map(|line| {
            let mut cells = line.split('|').skip(1).map(str::trim);
            (cells.next() == Some(control)).then(|| cells.collect::<Vec<_>>())
        })
        .unwrap();
    row[column] == "●"
}

/// A column as `can` has to show it: `hold` only while not held, `resume` only while held; what
/// stands in both bars counts if either is enabled; the asked side may mute too (headless 7.14).
fn expected(column: usize, is_held: bool, is_conference: bool) -> Can {
    let on = |control: &str| enabled(control, column);
    let is_handed_over = on("consult transfer") || on("c.transfer (consult bar)");
    Can {
        toggle_mute: on("mute") || on("mute (consult bar)"),
        hold: on("hold/resume") && !is_held,
        resume: on("hold/resume") && is_held,
        pause_recording: on("rec pause"),
        consult: on("consult"),
        end_consult: on("end consult"),
        consult_transfer: is_handed_over,
        consult_conference: on("merge") || on("merge (consult bar)"),
        transfer: on("transfer"),
        exit_conference: on("exit conf"),
        transfer_conference: is_handed_over && is_conference,
        end: on("end"),
        wrapup: on("wrapup"),
        // Has no control there: a leg that is answered takes digits.
        send_digits: true,
        ..NOTHING
    }
}

fn talking() -> Contact {
    Contact::voice("I").state("connected").joined()
}

fn asking(contact: Contact) -> Contact {
    contact
        .agent("C")
        .state("consult")
        .held(true)
        .consult(&[ME, "C"], false)
        .me(json!({ "consultState": "consultInitiated" }))
}

fn consulting(contact: Contact) -> Contact {
    asking(contact)
        .state("consulting")
        .me(json!({ "consultState": "consulting" }))
}

fn on_main(contact: Contact) -> Contact {
    consulting(contact).held(false).consult(&[ME, "C"], true)
}

fn consult_done(contact: Contact) -> Contact {
    contact
        .state("hold")
        .held(true)
        .me(json!({ "consultState": "consultCompleted" }))
}

fn conference() -> Contact {
    talking()
        .agent("B")
        .state("conference")
        .on_main(&[CUSTOMER, ME, "B"])
        .me(json!({ "consultState": "conferencing" }))
}

/// I am B of the matrix: somebody asked me, and I answered.
fn asked() -> Contact {
    Contact::voice("I")
        .owned_by("B")
        .agent("B")
        .state("consulting")
        .on_main(&[CUSTOMER, "B"])
        .held(true)
        .consult(&["B", ME], false)
        .me(json!({ "isConsulted": true, "consultState": "consulting", "hasJoined": true }))
}

/// What I can do in this app, talking on an answered leg, once the contact looks like this.
fn can(contact: &Contact) -> Can {
    let mut story = Story::logged_in(BROWSER);
    story.connected("I");
    show(&mut story, contact)
}

fn show(story: &mut Story, contact: &Contact) -> Can {
    // The one frame that updates a task and does nothing else.
    story.frame("CampaignContactUpdated", contact);
    story.task("I").can
}

#[test]
fn matrix_connected() {
    assert_eq!(can(&talking()), expected(0, false, false));
}

#[test]
fn matrix_held() {
    let held = talking().state("hold").held(true);
    assert_eq!(can(&held), expected(1, true, false));
}

#[test]
fn matrix_consult_asked() {
    assert_eq!(can(&asking(talking())), expected(2, true, false));
}

#[test]
fn matrix_consulting() {
    assert_eq!(can(&consulting(talking())), expected(3, true, false));
}

#[test]
fn matrix_consulting_on_main() {
    assert_eq!(can(&on_main(talking())), expected(4, false, false));
}

#[test]
fn matrix_consulted() {
    let mut story = Story::logged_in(BROWSER);
    story.frame(
        "AgentContactReserved",
        &asked().me(json!({ "hasJoined": false })),
    );
    story.rings("c1");
    story.frame(
        "AgentOfferConsult",
        &asked().me(json!({ "hasJoined": false })),
    );
    story.verb("I", Verb::Accept);
    story.calling(CallingFact::Answered {
        call: CallId::from("c1"),
    });
    story.frame("AgentConsulting", &asked());
    assert_eq!(story.task("I").can, expected(5, true, false));
}

#[test]
fn matrix_consult_done_held() {
    assert_eq!(can(&consult_done(talking())), expected(6, true, false));
}

#[test]
fn matrix_conference() {
    assert_eq!(can(&conference()), expected(7, false, true));
}

#[test]
fn matrix_conference_consult_asked() {
    assert_eq!(can(&asking(conference())), expected(8, true, true));
}

#[test]
fn matrix_conference_consulting() {
    assert_eq!(can(&consulting(conference())), expected(9, true, true));
}

#[test]
fn matrix_conference_consulting_on_main() {
    assert_eq!(can(&on_main(conference())), expected(10, false, true));
}

#[test]
fn matrix_conference_consult_done_held() {
    assert_eq!(can(&consult_done(conference())), expected(11, true, true));
}

// --- the published cases --------------------------------------------------------

#[test]
fn case_255_a_connected_call() {
    let can = can(&talking());
    assert!(
        can.end
            && can.toggle_mute
            && can.hold
            && can.pause_recording
            && can.transfer
            && can.consult
    );
    assert!(!can.consult_transfer && !can.consult_conference && !can.end_consult);
}

#[test]
fn case_256_a_held_call() {
    let can = can(&talking().state("hold").held(true));
    assert!(!can.end && !can.hold);
    assert!(can.resume && can.transfer && can.consult);
}

#[test]
fn case_257_a_consult_that_nobody_has_answered() {
    let can = can(&asking(talking()));
    assert!(!can.end && !can.hold && !can.resume && !can.transfer);
    assert!(!can.pause_recording && !can.resume_recording);
    assert!(can.end_consult);
    assert!(!can.consult_transfer && !can.consult_conference);
}

#[test]
fn case_258_a_consult_on_its_leg() {
    let can = can(&consulting(talking()));
    assert!(can.consult_transfer && can.consult_conference && can.end_consult);
    assert!(
        !can.transfer_conference,
        "only while a conference is in progress"
    );
}

#[test]
fn case_259_a_conference() {
    let shown = can(&conference());
    assert!(shown.exit_conference && shown.consult);
    assert!(!shown.transfer && !shown.pause_recording && !shown.hold && !shown.resume);
    for (agents, is_consult_possible) in [(6, true), (7, false)] {
        let others: Vec<String> = (1..agents).map(|number| format!("B{number}")).collect();
        let mut on_leg = vec![CUSTOMER, ME];
        on_leg.extend(others.iter().map(String::as_str));
        let contact = others
            .iter()
            .fold(talking().state("conference"), |contact, id| {
                contact.agent(id)
            })
            .on_main(&on_leg);
        assert_eq!(
            can(&contact).consult,
            is_consult_possible,
            "{agents} agents"
        );
    }
}

#[test]
fn case_260_a_phone_whose_agent_may_not_end_calls() {
    let mut limited = profile();
    limited.is_end_call_enabled = false;
    let mut story = Story::with(limited, EXTENSION);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    assert_eq!(story.task("I").phase, Phase::Offered);
    assert_eq!(story.task("I").can, NOTHING, "it rings on the phone");
    story.frame("AgentContactAssigned", &talking());
    let can = story.task("I").can;
    assert!(!can.end && !can.toggle_mute && !can.send_digits);
    assert!(can.hold && can.transfer && can.consult && can.pause_recording);
}

#[test]
fn a_phone_whose_agent_may_end_calls() {
    for option in [EXTENSION, StationOption::AgentDn] {
        let mut story = Story::logged_in(option);
        story.frame("AgentContact", &talking());
        assert!(story.task("I").can.end, "{option:?}");
    }
}

#[test]
fn case_261_an_agent_who_may_not_end_consults() {
    let mut limited = profile();
    limited.is_end_consult_enabled = false;
    let mut story = Story::with(limited, BROWSER);
    story.connected("I");
    assert!(!show(&mut story, &consulting(talking())).end_consult);
    assert!(!show(&mut story, &asking(talking())).end_consult);
}

#[test]
fn case_262_wrap_up_leaves_wrap_up_alone() {
    let mut story = Story::logged_in(BROWSER);
    let contact = story.connected("I");
    story.frame("AgentWrapup", &contact);
    let task = story.task("I");
    assert_eq!(task.phase, Phase::WrapUp);
    assert_eq!(
        task.can,
        Can {
            wrapup: true,
            ..NOTHING
        }
    );
}

#[test]
fn the_timer_can_be_stopped_where_the_centre_allows_it() {
    for allow_cancel in [true, false] {
        let mut timed = profile();
        timed.wrap_up = WrapUpRules {
            auto_wrapup: Some(true),
            interval_ms: Some(30_000),
            allow_cancel,
        };
        let mut story = Story::with(timed, EXTENSION);
        story.frame("AgentContact", &talking());
        assert!(
            !story.task("I").can.cancel_auto_wrapup_timer,
            "no timer yet"
        );
        story.frame("AgentWrapup", &talking());
        assert_eq!(
            story.task("I").can,
            Can {
                wrapup: true,
                cancel_auto_wrapup_timer: allow_cancel,
                ..NOTHING
            }
        );
    }
}

#[test]
fn case_263_recording_flags_travel_as_text() {
    let recording = |in_progress: &str, paused: &str| {
        talking().with(json!({ "interaction": { "callProcessingDetails": {
            "recordInProgress": in_progress, "isPaused": paused } } }))
    };
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContact", &recording("true", "false"));
    let shown = story.task("I");
    assert_eq!(shown.recording, Recording::On);
    assert!(shown.can.pause_recording && !shown.can.resume_recording);

    let can = show(&mut story, &recording("true", "true"));
    assert_eq!(story.task("I").recording, Recording::Paused);
    assert!(!can.pause_recording && can.resume_recording);

    show(&mut story, &recording("false", "false"));
    assert_eq!(story.task("I").recording, Recording::Off);
}

// --- surfaces and conditions (9.2) ------------------------------------------------

#[test]
fn while_ringing_only_accept_and_decline() {
    let mut story = Story::logged_in(BROWSER);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    assert_eq!(story.task("I").phase, Phase::Reserved);
    assert_eq!(story.task("I").can, NOTHING);
    story.rings("c1");
    assert_eq!(
        story.task("I").can,
        Can {
            accept: true,
            decline: true,
            ..NOTHING
        }
    );
}

#[test]
fn a_written_contact_is_accepted_here_whatever_the_station() {
    for option in [BROWSER, EXTENSION] {
        let mut story = Story::logged_in(option);
        story.frame("AgentContactReserved", &Contact::digital("I", "chat"));
        assert_eq!(
            story.task("I").can,
            Can {
                accept: true,
                ..NOTHING
            }
        );
        story.frame(
            "AgentContactAssigned",
            &Contact::digital("I", "chat").state("connected").joined(),
        );
        assert_eq!(
            story.task("I").can,
            Can {
                end: true,
                transfer: true,
                ..NOTHING
            }
        );
    }
}

#[test]
fn this_app_without_web_rtc_has_no_voice() {
    let mut without = profile();
    without.web_rtc_enabled = false;
    let mut story = Story::new(crate::support::settings());
    story.begin_sign_in(without);
    story.relogged_in(BROWSER, json!({}));
    story.frame("AgentContact", &talking());
    assert_eq!(
        story.task("I").can,
        Can {
            end: true,
            ..NOTHING
        }
    );
}

#[test]
fn without_the_customer_nobody_is_consulted_and_nothing_handed_over() {
    let gone = |contact: Contact| {
        contact
            .with(json!({ "interaction": { "participants": { CUSTOMER: { "hasLeft": true } } } }))
    };
    assert!(!can(&gone(talking())).consult);
    let shown = can(&gone(consulting(talking())));
    assert!(!shown.consult_transfer && !shown.consult_conference);
    assert!(shown.end_consult);
    let elsewhere = talking().on_main(&[ME]);
    assert!(!can(&elsewhere).consult);
}

#[test]
fn case_258_section_9_does_not_ask_whom_a_hand_over_would_reach() {
    let alone = consulting(talking()).consult(&[ME], false);
    let shown = can(&alone);
    assert!(shown.consult_transfer && shown.consult_conference);
    assert!(shown.end_consult);
}

#[test]
fn before_answering_the_asked_side_is_offered_the_consult() {
    let mut story = Story::logged_in(BROWSER);
    let contact = asked()
        .state("consult")
        .me(json!({ "consultState": "consultReserved", "hasJoined": false }));
    story.frame("AgentContactReserved", &contact);
    story.rings("c1");
    story.frame("AgentOfferConsult", &contact);
    assert_eq!(
        story.task("I").can,
        Can {
            accept: true,
            decline: true,
            ..NOTHING
        }
    );
}

#[test]
fn the_secondary_side_of_an_entry_point_consult_is_the_asked_side() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = talking().with(json!({ "interaction": { "callProcessingDetails": {
        "relationshipType": "consult", "parentInteractionId": "parent" } } }));
    story.frame("AgentContact", &contact);
    let task = story.task("I");
    assert_eq!(task.phase, Phase::Consulting);
    assert_eq!(
        task.can,
        Can {
            end_consult: true,
            ..NOTHING
        }
    );
}

#[test]
fn after_the_end_nothing_can_be_done() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContact", &talking());
    story.frame("ContactEnded", &talking());
    assert_eq!(story.task("I").phase, Phase::Ended);
    assert_eq!(story.task("I").can, NOTHING);
}
