#![allow(clippy::unwrap_used)]

use deskline_core::{
    Action, Directory, Echo, Noise, Page, Secret, StationOption, Verb, VoiceSettings,
};
use deskline_wire::{Json, json};

use super::{Command, TASK_VERBS, read};
use crate::json_rpc::Fault;

fn call(method: &str, params: Json) -> Result<Command, Fault> {
    read(method, params.as_object().unwrap().clone(), false)
}

fn field(outcome: Result<Command, Fault>) -> String {
    match outcome.unwrap_err() {
        Fault::BadParameter { field, .. } => field,
        Fault::Unparsable | Fault::NoRequest | Fault::UnknownMethod(_) | Fault::Failed(_) => {
            panic!("another fault")
        }
    }
}

#[test]
fn every_task_method_wants_its_task_and_nothing_else() {
    for verb in TASK_VERBS {
        let method = format!("task.{verb}");
        assert_eq!(field(call(&method, json!({}))), "taskId", "{method}");
        assert_eq!(
            field(call(&method, json!({"taskId": 7}))),
            "taskId",
            "{method}"
        );
        let mut accepted = needed(verb).as_object().unwrap().clone();
        assert!(read(&method, accepted.clone(), false).is_ok(), "{method}");
        for name in accepted.keys() {
            let mut without = accepted.clone();
            without.remove(name);
            assert_eq!(field(read(&method, without, false)), *name, "{method}");
        }
        accepted.insert("surprise".to_owned(), json!(1));
        assert_eq!(
            field(read(&method, accepted, false)),
            "surprise",
            "{method}"
        );
    }
}

/// The least each task method wants.
fn needed(verb: &str) -> Json {
    match verb {
        "consult" | "transfer" => json!({"taskId": "I", "to": "B", "destinationType": "agent"}),
        "endConsult" => json!({"taskId": "I", "isConsult": true}),
        "wrapup" => json!({"taskId": "I", "auxCodeId": "w", "wrapUpReason": "r"}),
        "sendDigits" => json!({"taskId": "I", "digits": "1"}),
        _ => json!({"taskId": "I"}),
    }
}

#[test]
fn the_voice_is_set_by_words_and_the_rest_is_as_by_default() {
    let wanted = |device: &str, settings| {
        Command::Act(Action::SetVoice {
            device: device.to_owned(),
            settings,
        })
    };
    assert_eq!(
        call("media.setVoice", json!({})).unwrap(),
        wanted("", VoiceSettings::default())
    );
    let given =
        json!({"device": "M", "echo": "off", "noise": "strong", "farNoise": true, "gain": false});
    let settings = VoiceSettings {
        echo: Echo::Off,
        noise: Noise::Strong,
        far_noise: true,
        gain: false,
    };
    assert_eq!(
        call("media.setVoice", given).unwrap(),
        wanted("M", settings)
    );
    assert_eq!(
        field(call("media.setVoice", json!({"noise": "much"}))),
        "noise"
    );
    assert_eq!(field(call("media.setVoice", json!({"bass": 3}))), "bass");
    assert_eq!(
        call("media.hearOriginal", json!({"on": true})).unwrap(),
        Command::Act(Action::HearOriginal(true))
    );
    assert_eq!(field(call("media.hearOriginal", json!({}))), "on");
}

#[test]
fn unknown_methods_are_not_found_whatever_their_parameters() {
    for method in [
        "task.explode",
        "task.",
        "tasks.get",
        "",
        "session.signin",
        "sandbox.direct",
    ] {
        let outcome = call(method, json!({"x": 1}));
        assert_eq!(outcome, Err(Fault::UnknownMethod(method.to_owned())));
    }
}

#[test]
fn the_sandbox_is_directed_only_where_there_is_one() {
    let order = json!({"do": "offer", "from": "1"});
    let read = read("sandbox.direct", order.as_object().unwrap().clone(), true).unwrap();
    assert_eq!(read, Command::Direct(order.as_object().unwrap().clone()));
}

#[test]
fn signing_in_takes_a_token_or_none() {
    assert_eq!(
        call("session.signIn", json!({})).unwrap(),
        Command::SignIn(None)
    );
    assert_eq!(
        call("session.signIn", json!({"accessToken": "a_b_c"})).unwrap(),
        Command::SignIn(Some(Secret::new("a_b_c")))
    );
    assert_eq!(
        field(call("session.signIn", json!({"accessToken": 1}))),
        "accessToken"
    );
    assert_eq!(
        field(call("session.signIn", json!({"token": "x"}))),
        "token"
    );
}

#[test]
fn a_station_is_read_word_by_word() {
    let Command::Act(Action::StationLogin(station)) = call(
        "station.login",
        json!({"teamId": "T", "loginOption": "EXTENSION", "dialNumber": "1001"}),
    )
    .unwrap() else {
        panic!("not a login")
    };
    assert_eq!(station.option, StationOption::Extension);
    assert_eq!(station.dial_number.as_deref(), Some("1001"));
    let missing = [
        (json!({"loginOption": "BROWSER"}), "teamId"),
        (json!({"teamId": "T"}), "loginOption"),
        (
            json!({"teamId": "T", "loginOption": "browser"}),
            "loginOption",
        ),
        (
            json!({"teamId": "T", "loginOption": "BROWSER", "dialNumber": 5}),
            "dialNumber",
        ),
    ];
    for (params, name) in missing {
        assert_eq!(field(call("station.change", params)), name);
    }
}

#[test]
fn states_are_two() {
    assert_eq!(
        field(call(
            "agent.setState",
            json!({"state": "Busy", "auxCodeId": "0"})
        )),
        "state"
    );
    assert_eq!(
        field(call("agent.setState", json!({"state": "Idle"}))),
        "auxCodeId"
    );
    assert!(
        call(
            "agent.setState",
            json!({"state": "Idle", "auxCodeId": "7", "lastStateChangeReason": "Lunch"})
        )
        .is_ok()
    );
}

#[test]
fn directories_take_a_page_and_their_own_words() {
    let agents = call(
        "directory.agents",
        json!({"mediaType": "chat", "pageSize": 5}),
    )
    .unwrap();
    let wanted = Directory::Agents {
        media_type: Some("chat".to_owned()),
        state: Some("Available".to_owned()),
    };
    let page = Page {
        page_size: Some(5),
        ..Page::default()
    };
    assert_eq!(agents, Command::Act(Action::Look(wanted, page)));
    assert_eq!(field(call("directory.queues", json!({"page": -1}))), "page");
    assert_eq!(
        field(call("directory.queues", json!({"page": 1.5}))),
        "page"
    );
    assert_eq!(
        field(call("directory.queues", json!({"mediaType": "chat"}))),
        "mediaType"
    );
    assert!(call("outdial.anis", json!({"outdialANI": "x", "search": "a"})).is_ok());
    assert!(
        call(
            "directory.addressBook",
            json!({"addressBookId": "b", "sortOrder": "asc"})
        )
        .is_ok()
    );
}

#[test]
fn null_is_as_good_as_absent() {
    assert_eq!(
        call("task.hold", json!({"taskId": "I", "mediaResourceId": null})).unwrap(),
        Command::Act(Action::Task(
            "I".into(),
            Verb::Hold {
                media_resource_id: None
            }
        ))
    );
    assert_eq!(field(call("task.hold", json!({"taskId": null}))), "taskId");
}

#[test]
fn digits_are_tones_or_pauses() {
    let send = |digits: &str| call("task.sendDigits", json!({"taskId": "I", "digits": digits}));
    assert!(send("12*#ABCD,0").is_ok());
    for bad in ["", "12x", "a", "1 2"] {
        assert_eq!(field(send(bad)), "digits", "{bad}");
    }
}

#[test]
fn an_empty_wrap_up_reason_is_for_the_desk_to_refuse() {
    let read = call(
        "task.wrapup",
        json!({"taskId": "I", "auxCodeId": "", "wrapUpReason": ""}),
    );
    assert!(read.is_ok(), "the text of the refusal is the desk's");
}
