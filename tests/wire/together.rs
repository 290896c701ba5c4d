//! Two desks and a customer: consult, swap, conference, and who hears whom at every step.
//!
//! Everybody hums a pitch of their own, so that a spectrum tells who is heard.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use deskline_sandbox::peer::Voice;
use deskline_sandbox::{Contact, InteractionId, Sandbox};
use deskline_tests::{Agent, AgentOptions, sound};
use serde_json::{Value, json};

use crate::centre;

const ADA_HZ: f32 = 440.0;
const BO_HZ: f32 = 720.0;
const CUSTOMER_HZ: f32 = 1_150.0;
const PITCHES: [(&str, f32); 3] = [
    ("Ada", ADA_HZ),
    ("Bo", BO_HZ),
    ("the customer", CUSTOMER_HZ),
];

/// Everybody speaks at −20 dBFS or louder; 20 dB less is nobody's voice any more.
const HEARD_DB: f32 = -40.0;
const UNHEARD_DB: f32 = -50.0;
const SOON: Duration = Duration::from_secs(20);

/// A desk with a humming microphone and a recorded speaker.
struct Desk {
    agent: Agent,
    id: String,
    speaker: PathBuf,
}

impl Desk {
    async fn start(sandbox: &Sandbox, index: usize, folder: &Path, hz: f32) -> Self {
        let member = sandbox.agents().remove(index);
        let microphone = folder.join(format!("{index}-in.wav"));
        let speaker = folder.join(format!("{index}-out.wav"));
        sound::write_tone(&microphone, hz, 120.0);
        let options = AgentOptions {
            audio: Some(format!(
                "files:{},{}",
                microphone.display(),
                speaker.display()
            )),
            ..AgentOptions::default()
        };
        let mut agent = Agent::start(sandbox, &member, options);
        agent.available(&member).await;
        Self {
            agent,
            id: member.id.as_str().to_owned(),
            speaker,
        }
    }

    async fn ok(&mut self, method: &str, parameters: Value) -> Value {
        self.agent.ok(method, parameters).await
    }

    async fn phase(&mut self, task: &str, phase: &str) -> Value {
        self.agent
            .sees(task, phase, |view| view["phase"] == phase)
            .await
    }

    /// The id of a leg's media: `mainCall` or `consult`.
    async fn media(&mut self, task: &str, kind: &str) -> String {
        let answer = self.ok("task.get", json!({ "taskId": task })).await;
        let media = answer["data"]["interaction"]["media"].as_object().unwrap();
        let found = media.values().find(|media| media["mType"] == kind);
        found
            .and_then(|media| media["mediaResourceId"].as_str())
            .unwrap_or_else(|| panic!("no {kind} in {media:?}"))
            .to_owned()
    }

    fn levels(&self) -> [f32; 3] {
        PITCHES.map(|(_, hz)| sound::level_at(&self.speaker, hz))
    }
}

/// Levels of the three voices at the customer's ear.
fn at_the_customer(sandbox: &Sandbox, task: &str) -> [f32; 3] {
    let id = InteractionId::new(task);
    PITCHES.map(|(_, hz)| sandbox.heard_at(&id, hz).unwrap())
}

/// Waits until exactly these voices are heard.
async fn hears(listener: &str, voices: [bool; 3], levels: impl Fn() -> [f32; 3]) {
    let end = Instant::now() + SOON;
    loop {
        let now = levels();
        let fits = now.iter().zip(voices).all(|(level, wanted)| {
            if wanted {
                *level > HEARD_DB
            } else {
                *level < UNHEARD_DB
            }
        });
        if fits {
            return;
        }
        assert!(
            Instant::now() < end,
            "{listener} should hear {voices:?} of {PITCHES:?} and hears {now:?} dBFS"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until all three hear exactly whom they should: rows Ada, Bo, customer; columns the voices in this order.
async fn all_hear(sandbox: &Sandbox, task: &str, ada: &Desk, bo: &Desk, wanted: [[bool; 3]; 3]) {
    tokio::join!(
        hears("Ada", wanted[0], || ada.levels()),
        hears("Bo", wanted[1], || bo.levels()),
        hears("the customer", wanted[2], || at_the_customer(sandbox, task)),
    );
}

const NOBODY: [bool; 3] = [false; 3];
const ONLY_ADA: [bool; 3] = [true, false, false];
const ONLY_BO: [bool; 3] = [false, true, false];
const ONLY_CUSTOMER: [bool; 3] = [false, false, true];

/// Two desks, the customer talking with Ada.
async fn call_with_ada(folder: &Path) -> (Sandbox, Desk, Desk, String) {
    let (sandbox, member) = centre(|_| {}).await;
    let mut ada = Desk::start(&sandbox, 0, folder, ADA_HZ).await;
    let bo = Desk::start(&sandbox, 1, folder, BO_HZ).await;
    let contact = Contact {
        agent: Some(member.name.clone()),
        voice: Some(Voice::Tone { hz: CUSTOMER_HZ }),
        ..Contact::default()
    };
    let id = sandbox.offer(contact).unwrap().as_str().to_owned();
    ada.agent
        .event_where("task:incoming", |event| event["taskId"] == id)
        .await;
    ada.ok("task.accept", json!({ "taskId": id })).await;
    ada.phase(&id, "connected").await;
    (sandbox, ada, bo, id)
}

/// Ada asks Bo, and Bo answers.
async fn consult(ada: &mut Desk, bo: &mut Desk, id: &str) {
    let ask = json!({ "taskId": id, "to": bo.id, "destinationType": "agent" });
    ada.ok("task.consult", ask).await;
    bo.agent
        .event_where("task:offerConsult", |event| event["taskId"] == id)
        .await;
    bo.ok("task.accept", json!({ "taskId": id })).await;
    ada.phase(id, "consulting").await;
    bo.phase(id, "consulting").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_desks_and_a_customer_from_the_call_to_both_wrap_ups() {
    let folder = tempfile::tempdir().unwrap();
    let (sandbox, mut ada, mut bo, id) = call_with_ada(folder.path()).await;
    let task = json!({ "taskId": id });
    tokio::join!(
        hears("Ada", ONLY_CUSTOMER, || ada.levels()),
        hears("the customer", ONLY_ADA, || at_the_customer(&sandbox, &id)),
    );

    consult(&mut ada, &mut bo, &id).await;
    let apart = [ONLY_BO, ONLY_ADA, NOBODY];
    all_hear(&sandbox, &id, &ada, &bo, apart).await;

    // To the customer and back: the consult leg is resumed to leave it, the main leg held to return.
    let asked = ada.media(&id, "consult").await;
    let switch = json!({ "taskId": id, "mediaResourceId": asked });
    ada.ok("task.resume", switch).await;
    ada.agent
        .sees(&id, "the consult on hold", |view| {
            view["consult"]["onHold"] == true
        })
        .await;
    let with_customer = [ONLY_CUSTOMER, NOBODY, ONLY_ADA];
    all_hear(&sandbox, &id, &ada, &bo, with_customer).await;
    let main = ada.media(&id, "mainCall").await;
    let back = json!({ "taskId": id, "mediaResourceId": main });
    ada.ok("task.hold", back).await;
    ada.agent
        .sees(&id, "the consult again", |view| {
            view["consult"]["onHold"] == false
        })
        .await;
    all_hear(&sandbox, &id, &ada, &bo, apart).await;

    ada.ok("task.consultConference", task.clone()).await;
    ada.phase(&id, "conference").await;
    bo.phase(&id, "conference").await;
    let together = [
        [false, true, true],
        [true, false, true],
        [true, true, false],
    ];
    all_hear(&sandbox, &id, &ada, &bo, together).await;

    ada.ok("task.exitConference", task.clone()).await;
    let left = ada.phase(&id, "wrapUp").await;
    assert_eq!(left["wrapUpRequired"], true);
    bo.phase(&id, "connected").await;
    tokio::join!(
        hears("Bo", ONLY_CUSTOMER, || bo.levels()),
        hears("the customer", ONLY_BO, || at_the_customer(&sandbox, &id)),
    );

    bo.ok("task.end", task.clone()).await;
    bo.phase(&id, "wrapUp").await;
    for desk in [&mut bo, &mut ada] {
        let done = json!({ "taskId": id, "auxCodeId": "done", "wrapUpReason": "Done" });
        desk.ok("task.wrapup", done).await;
        let rest = desk.ok("tasks.list", json!({})).await;
        assert_eq!(rest["tasks"], json!([]));
    }
    assert_eq!(bo.agent.end().await, 0);
    assert_eq!(ada.agent.end().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consulted_desk_becomes_the_owner() {
    let folder = tempfile::tempdir().unwrap();
    let (sandbox, mut ada, mut bo, id) = call_with_ada(folder.path()).await;
    let task = json!({ "taskId": id });
    consult(&mut ada, &mut bo, &id).await;
    ada.ok("task.consultTransfer", task.clone()).await;
    ada.phase(&id, "wrapUp").await;
    let view = bo.phase(&id, "connected").await;
    assert_eq!(view["can"]["end"], true);
    tokio::join!(
        hears("Bo", ONLY_CUSTOMER, || bo.levels()),
        hears("the customer", ONLY_BO, || at_the_customer(&sandbox, &id)),
    );
    sandbox.hang_up(None).unwrap();
    bo.phase(&id, "wrapUp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_asked_desk_ends_the_consult_and_the_customer_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (sandbox, mut ada, mut bo, id) = call_with_ada(folder.path()).await;
    consult(&mut ada, &mut bo, &id).await;
    let end = json!({ "taskId": id, "isConsult": true });
    bo.ok("task.endConsult", end).await;
    ada.phase(&id, "held").await;
    bo.agent
        .event_where("task:consultEnd", |event| event["taskId"] == id)
        .await;
    ada.ok("task.resume", json!({ "taskId": id })).await;
    tokio::join!(
        hears("Ada", ONLY_CUSTOMER, || ada.levels()),
        hears("the customer", ONLY_ADA, || at_the_customer(&sandbox, &id)),
    );
    assert_eq!(
        bo.ok("tasks.list", json!({})).await["tasks"],
        json!([]),
        "nothing is owed for a consult"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_colleague_is_heard_by_all_in_a_conference_and_by_nobody_else_before() {
    const COLLEAGUE_HZ: f32 = 660.0;
    let folder = tempfile::tempdir().unwrap();
    let (sandbox, mut ada, _bo, id) = call_with_ada(folder.path()).await;
    let dana = sandbox
        .colleague("Dana Field", true, Duration::from_millis(100))
        .unwrap();
    let speaker = ada.speaker.clone();
    let of_the_colleague = || {
        let customer = InteractionId::new(&id);
        let customer = sandbox.heard_at(&customer, COLLEAGUE_HZ).unwrap();
        [sound::level_at(&speaker, COLLEAGUE_HZ), customer, -120.0]
    };
    let ask = json!({ "taskId": id, "to": dana, "destinationType": "agent" });
    ada.ok("task.consult", ask).await;
    ada.phase(&id, "consulting").await;
    tokio::join!(
        hears("Ada, not the customer,", ONLY_ADA, of_the_colleague),
        hears("the customer", NOBODY, || at_the_customer(&sandbox, &id)),
    );
    ada.ok("task.consultConference", json!({ "taskId": id }))
        .await;
    ada.phase(&id, "conference").await;
    let both = [true, true, false];
    tokio::join!(
        hears("Ada and the customer", both, of_the_colleague),
        hears("Ada", ONLY_CUSTOMER, || ada.levels()),
        hears("the customer", ONLY_ADA, || at_the_customer(&sandbox, &id)),
    );
}
