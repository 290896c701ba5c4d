//! Stories of the centre in virtual time.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::settings::RingOrder;

/// Two agents at work, browser voice, and a centre that answers at once.
struct Floor {
    centre: Centre,
    now: Moment,
    ada: AgentId,
    bo: AgentId,
    log: Vec<Outgoing>,
}

impl Floor {
    fn new(settings: Settings) -> Self {
        let centre = Centre::new(Roster::default(), settings, 7);
        let (ada, bo) = (
            centre.roster.members[0].id.clone(),
            centre.roster.members[1].id.clone(),
        );
        let mut floor = Self {
            centre,
            now: Moment(1_767_261_600_000),
            ada: ada.clone(),
            bo: bo.clone(),
            log: Vec::new(),
        };
        for agent in [ada, bo] {
            floor.say(Input::SocketOpened(agent.clone()));
            floor.login(&agent, Device::Browser, "");
        }
        floor
    }

    fn login(&mut self, agent: &AgentId, device: Device, number: &str) {
        let form = LoginForm {
            team_id: "t".to_owned(),
            device,
            dial_number: number.to_owned(),
            device_id: String::new(),
        };
        self.say(Input::Login(agent.clone(), form));
    }

    fn say(&mut self, input: Input) -> Vec<String> {
        let out = self.centre.handle(self.now, input);
        self.log.extend(out.clone());
        out.iter().map(|one| self.word(one)).collect()
    }

    fn word(&self, one: &Outgoing) -> String {
        match one {
            Outgoing::Frame(agent, frame) => {
                let name = self.centre.roster.member(agent).unwrap().names().0;
                format!("{name}: {}", frame["data"]["type"].as_str().unwrap())
            }
            Outgoing::Ring(ring) => format!(
                "ring {}",
                self.centre.roster.member(&ring.agent).unwrap().names().0
            ),
            Outgoing::Connect(_, audio) => format!(
                "connect customer={} third={} legs={}",
                audio.customer,
                audio.third,
                audio.legs.len()
            ),
            Outgoing::EndLeg(_) => "end leg".to_owned(),
            Outgoing::Rekey(..) => "rekey".to_owned(),
        }
    }

    fn pass(&mut self, ms: u64) -> Vec<String> {
        self.now = self.now.after_ms(ms);
        self.say(Input::Tick)
    }

    fn available(&mut self, agent: &AgentId) -> Vec<String> {
        let change = StateChange {
            state: "Available".to_owned(),
            aux_code: "0".to_owned(),
            reason: String::new(),
            changed_by: None,
        };
        self.say(Input::SetState(agent.clone(), change))
    }

    fn leg_of(&self, agent: &AgentId) -> LegId {
        let rings = self.log.iter().rev();
        rings
            .filter_map(|one| match one {
                Outgoing::Ring(ring) if ring.agent == *agent => Some(ring.leg.clone()),
                Outgoing::Ring(_)
                | Outgoing::Frame(..)
                | Outgoing::Connect(..)
                | Outgoing::EndLeg(_)
                | Outgoing::Rekey(..) => None,
            })
            .next()
            .unwrap()
    }

    fn offer(&mut self, offer: Offer) -> (InteractionId, Vec<String>) {
        let id = InteractionId::new(format!("contact-{}", self.log.len()));
        let said = self.say(Input::Offer(id.clone(), offer));
        (id, said)
    }

    /// Ada is Available, rung and connected.
    fn call(&mut self) -> InteractionId {
        let ada = self.ada.clone();
        self.available(&ada);
        let (id, _) = self.offer(Offer {
            agent: Some(ada.clone()),
            ..Offer::default()
        });
        let leg = self.leg_of(&ada);
        self.say(Input::LegConnected(leg));
        id
    }

    fn task(&mut self, agent: &AgentId, id: &InteractionId, command: Command) -> Vec<String> {
        self.say(Input::Task(agent.clone(), id.clone(), command))
    }

    fn last(&self, kind: &str) -> Value {
        let frames = self.log.iter().rev().filter_map(|one| match one {
            Outgoing::Frame(_, frame) => Some(frame),
            Outgoing::Ring(_)
            | Outgoing::Connect(..)
            | Outgoing::EndLeg(_)
            | Outgoing::Rekey(..) => None,
        });
        frames
            .into_iter()
            .find(|frame| frame["data"]["type"] == kind)
            .unwrap()["data"]
            .clone()
    }
}

fn floor() -> Floor {
    Floor::new(Settings::default())
}

#[test]
fn a_call_is_reserved_offered_rung_assigned_and_recorded() {
    let mut floor = floor();
    let ada = floor.ada.clone();
    floor.available(&ada);
    let (_, said) = floor.offer(Offer::default());
    assert_eq!(
        said,
        [
            "Ada: AgentContactReserved",
            "Ada: AgentOfferContact",
            "ring Ada"
        ]
    );
    let leg = floor.leg_of(&ada);
    let said = floor.say(Input::LegConnected(leg));
    assert_eq!(
        said,
        [
            "Ada: AgentContactAssigned",
            "Ada: ContactRecordingStarted",
            "connect customer=true third=false legs=0"
        ]
    );
}

#[test]
fn the_leg_rings_where_the_switch_says() {
    for (ring_order, place) in [
        (RingOrder::BeforeReservation, 0),
        (RingOrder::Between, 1),
        (RingOrder::AfterOffer, 2),
    ] {
        let mut floor = Floor::new(Settings {
            ring_order,
            ..Settings::default()
        });
        let ada = floor.ada.clone();
        floor.available(&ada);
        let (_, said) = floor.offer(Offer::default());
        assert_eq!(said.iter().position(|word| word == "ring Ada"), Some(place));
    }
}

#[test]
fn an_offer_that_answers_itself_comes_when_the_client_has_its_leg() {
    for alerts in [true, false] {
        let mut floor = floor();
        let ada = floor.ada.clone();
        floor.available(&ada);
        let (_, said) = floor.offer(Offer {
            auto_answer: true,
            ..Offer::default()
        });
        assert_eq!(said, ["Ada: AgentContactReserved", "ring Ada"]);
        let leg = floor.leg_of(&ada);
        let said = if alerts {
            floor.say(Input::LegAlerting(leg.clone()))
        } else {
            floor.pass(250)
        };
        assert_eq!(said, ["Ada: AgentOfferContact"]);
        assert!(floor.pass(250).is_empty(), "once");
        assert_eq!(
            floor.say(Input::LegConnected(leg))[0],
            "Ada: AgentContactAssigned"
        );
    }
}

#[test]
fn rona_comes_after_exactly_the_ring_time_and_sends_the_agent_idle() {
    let mut floor = floor();
    let ada = floor.ada.clone();
    floor.available(&ada);
    floor.offer(Offer::default());
    assert!(floor.pass(17_999).is_empty());
    assert_eq!(
        floor.pass(1),
        [
            "Ada: AgentOfferContactRona",
            "end leg",
            "Ada: AgentStateChangeSuccess"
        ]
    );
    let state = floor.last("AgentStateChangeSuccess");
    assert_eq!(
        (state["subStatus"].as_str(), state["auxCodeId"].as_str()),
        (
            Some("Idle"),
            Some(crate::fixtures::aux_code_id("RONA").as_str())
        )
    );
    assert!(floor.centre.newest().is_none(), "the customer gave up");
    assert!(floor.available(&ada).len() == 1, "nothing rings again");
}

#[test]
fn an_offer_that_was_answered_knows_no_rona() {
    let mut floor = floor();
    floor.call();
    assert!(floor.pass(60_000).is_empty());
}

#[test]
fn a_contact_goes_to_whoever_has_waited_longest() {
    let mut floor = floor();
    let (ada, bo) = (floor.ada.clone(), floor.bo.clone());
    floor.available(&bo);
    floor.pass(1_000);
    floor.available(&ada);
    assert_eq!(
        floor.offer(Offer::default()).1[0],
        "Bo: AgentContactReserved"
    );
    assert_eq!(
        floor.offer(Offer::default()).1[0],
        "Ada: AgentContactReserved"
    );
    assert!(
        floor.offer(Offer::default()).1.is_empty(),
        "the third waits"
    );
}

#[test]
fn during_hold_nobody_hears_and_after_it_everybody_does() {
    let mut floor = floor();
    let (id, ada) = (floor.call(), floor.ada.clone());
    let main = id.as_str().to_owned();
    let said = floor.task(&ada, &id, Command::Hold(main.clone()));
    assert_eq!(
        said,
        [
            "Ada: AgentContactHeld",
            "connect customer=false third=false legs=0"
        ]
    );
    let said = floor.task(&ada, &id, Command::Resume(Some(main)));
    assert_eq!(
        said,
        [
            "Ada: AgentContactUnheld",
            "connect customer=true third=false legs=0"
        ]
    );
}

#[test]
fn a_paused_recording_resumes_by_itself_and_says_so() {
    let mut floor = floor();
    let (id, ada) = (floor.call(), floor.ada.clone());
    floor.task(&ada, &id, Command::PauseRecording);
    floor.task(&ada, &id, Command::ResumeRecording(false));
    floor.task(&ada, &id, Command::PauseRecording);
    assert_eq!(
        floor.pass(30_000),
        ["Ada: ContactRecordingResumed"],
        "the first pause's timer resumes nothing"
    );
    assert_eq!(floor.last("ContactRecordingResumed")["autoResumed"], true);
    assert!(floor.pass(60_000).is_empty());
}

#[test]
fn the_state_of_an_agent_returns_after_wrap_up() {
    let mut floor = floor();
    let (id, ada) = (floor.call(), floor.ada.clone());
    let said = floor.task(&ada, &id, Command::End);
    assert_eq!(said, ["Ada: ContactEnded", "Ada: AgentWrapup", "end leg"]);
    assert!(
        floor.offer(Offer::default()).1.is_empty(),
        "wrap-up keeps the agent busy"
    );
    let said = floor.task(&ada, &id, Command::Wrapup);
    assert_eq!(
        said[..3],
        [
            "Ada: AgentWrappedUp",
            "Ada: AgentStateChangeSuccess",
            "Ada: AgentContactReserved"
        ]
    );
    assert!(floor.centre.interaction(&id).is_none());
}

#[test]
fn a_customer_who_hangs_up_while_it_rings_leaves_no_wrap_up() {
    let mut floor = floor();
    let ada = floor.ada.clone();
    floor.available(&ada);
    let (id, _) = floor.offer(Offer::default());
    assert_eq!(
        floor.say(Input::HangUp(id)),
        ["Ada: ContactEnded", "end leg"]
    );
    let ended = floor.last("ContactEnded");
    assert_eq!(
        (
            ended["interaction"]["state"].as_str(),
            ended["agentsPendingWrapUp"].as_array().map(Vec::len)
        ),
        (Some("new"), Some(0))
    );
}

#[test]
fn in_a_consult_the_two_agents_hear_each_other_and_the_customer_nobody() {
    let mut floor = floor();
    let (id, ada, bo) = (floor.call(), floor.ada.clone(), floor.bo.clone());
    let said = floor.task(
        &ada,
        &id,
        Command::Consult(Destination::Agent(bo.as_str().to_owned()), true),
    );
    assert_eq!(
        said,
        [
            "Ada: AgentContactHeld",
            "connect customer=false third=false legs=0",
            "Ada: AgentConsultCreated",
            "Bo: AgentContactReserved",
            "Bo: AgentOfferConsult",
            "ring Bo",
        ]
    );
    let leg = floor.leg_of(&bo);
    let said = floor.say(Input::LegConnected(leg));
    assert_eq!(
        said,
        [
            "Ada: AgentConsulting",
            "Bo: AgentConsulting",
            "connect customer=false third=false legs=1",
            "connect customer=false third=false legs=1",
        ]
    );
    let said = floor.task(&ada, &id, Command::ConsultConference);
    let said = said.last().map(String::as_str);
    assert_eq!(
        said,
        Some("connect customer=true third=false legs=1"),
        "one leg carries the customer for both"
    );
    let said = floor.task(&ada, &id, Command::ExitConference);
    assert!(
        said.contains(&"connect customer=true third=false legs=0".to_owned()),
        "Bo's leg carries on: {said:?}"
    );
}

#[test]
fn failure_frames_come_bare_or_complete() {
    let mut floor = floor();
    let (id, ada) = (floor.call(), floor.ada.clone());
    floor.task(&ada, &id, Command::Wrapup);
    let bare = floor.last("AgentWrapupFailed");
    assert_eq!(
        (bare["reason"].as_str(), bare.get("interaction")),
        (Some("NOT_IN_WRAPUP"), None)
    );
    floor.centre.settings.failure_with_interaction = true;
    floor.task(&ada, &id, Command::Wrapup);
    assert!(floor.last("AgentWrapupFailed")["interaction"]["participants"].is_object());
}

#[test]
fn a_lost_leg_ends_the_contact_with_wrap_up() {
    let mut floor = floor();
    let _ = floor.call();
    let leg = floor.leg_of(&floor.ada.clone());
    assert_eq!(
        floor.say(Input::LegGone(leg)),
        ["Ada: ContactEnded", "Ada: AgentWrapup", "end leg"]
    );
}

#[test]
fn logging_out_during_a_call_ends_it() {
    let mut floor = floor();
    let (id, ada) = (floor.call(), floor.ada.clone());
    let said = floor.say(Input::Logout(ada));
    assert_eq!(
        said.last().map(String::as_str),
        Some("Ada: AgentLogoutSuccess")
    );
    assert!(said.contains(&"end leg".to_owned()) && floor.centre.interaction(&id).is_none());
}

#[test]
fn a_patient_customer_waits_for_the_next_agent_and_then_gives_up() {
    let mut floor = floor();
    let (ada, bo) = (floor.ada.clone(), floor.bo.clone());
    floor.available(&ada);
    let (id, _) = floor.offer(Offer {
        patience_ms: Some(60_000),
        ..Offer::default()
    });
    floor.pass(18_000);
    assert!(floor.centre.interaction(&id).is_some_and(|it| it.waiting));
    assert!(
        floor
            .available(&bo)
            .contains(&"Bo: AgentContactReserved".to_owned())
    );
    floor.pass(18_000);
    floor.pass(24_000);
    assert!(floor.centre.interaction(&id).is_none());
}

fn commands() -> impl Strategy<Value = Command> {
    let to = prop_oneof![Just(0), Just(1), Just(2), Just(3), Just(4)];
    let target = to.prop_map(|which| {
        let roster = Roster::default();
        match which {
            0 => Destination::Agent(roster.members[1].id.as_str().to_owned()),
            1 => Destination::Agent(roster.colleagues[0].id.clone()),
            2 => Destination::DialNumber("+14085550100".to_owned()),
            3 => Destination::Queue(roster.queues[0].id.clone()),
            _ => Destination::EntryPoint(crate::names::named("entry-point", "Partners")),
        }
    });
    prop_oneof![
        Just(Command::Hold("contact-4".to_owned())),
        Just(Command::Resume(None)),
        Just(Command::PauseRecording),
        Just(Command::ResumeRecording(false)),
        (target.clone(), any::<bool>()).prop_map(|(to, hold)| Command::Consult(to, hold)),
        target.prop_map(Command::Transfer),
        Just(Command::EndConsult(None)),
        Just(Command::CancelCtq),
        Just(Command::ConsultTransfer),
        Just(Command::ConsultConference),
        Just(Command::ExitConference),
        Just(Command::TransferConference),
        Just(Command::End),
        Just(Command::Wrapup),
        Just(Command::Accept),
    ]
}

proptest! {
    /// Whatever agents do, contact frames are complete, one leg at most carries the customer, legs end once, and once everybody
    /// has wrapped up nothing is left.
    #[test]
    fn whatever_agents_do_the_centre_stays_consistent(story in proptest::collection::vec((any::<bool>(), commands(), 0..4_u64, any::<bool>()), 0..40)) {
        let mut floor = floor();
        let (id, ada, bo) = (floor.call(), floor.ada.clone(), floor.bo.clone());
        floor.available(&bo);
        for (first, command, seconds, answer) in story {
            let agent = if first { ada.clone() } else { bo.clone() };
            floor.task(&agent, &id, command);
            if answer {
                let rung: Vec<LegId> = floor.log.iter().filter_map(|one| match one {
                    Outgoing::Ring(ring) => Some(ring.leg.clone()),
                    Outgoing::Frame(..) | Outgoing::Connect(..) | Outgoing::EndLeg(_) | Outgoing::Rekey(..) => None,
                }).collect();
                floor.say(Input::LegConnected(rung.last().unwrap().clone()));
            }
            floor.pass(seconds * 1_000);
            if let Some(it) = floor.centre.interaction(&id) {
                let carriers = it.parties.iter().filter(|party| !party.left && party.audio.as_ref().is_some_and(|audio| audio.customer)).count();
                prop_assert!(carriers <= 1, "{carriers} legs carry the customer");
            }
        }
        floor.say(Input::HangUp(id.clone()));
        floor.pass(60_000);
        for agent in [&ada, &bo] {
            floor.task(agent, &id, Command::Wrapup);
        }
        prop_assert!(floor.centre.interaction(&id).is_none(), "somebody still has to do with it");
        let mut ended = std::collections::BTreeSet::new();
        for one in &floor.log {
            match one {
                Outgoing::Frame(agent, frame) => {
                    let data = &frame["data"];
                    prop_assert_eq!(data["agentId"].as_str(), Some(agent.as_str()));
                    let is_failure = data["type"].as_str().is_some_and(|kind| kind.ends_with("Failed")) && data["interaction"].is_null();
                    if frame["type"] == "RoutingMessage" && !is_failure {
                        let it = &data["interaction"];
                        prop_assert!(it["participants"][agent.as_str()].is_object(), "{}", data["type"]);
                        let main = it["mainInteractionId"].as_str().unwrap();
                        prop_assert!(it["media"][main].is_object());
                        prop_assert!(it["callProcessingDetails"].as_object().unwrap().values().all(Value::is_string));
                    }
                }
                Outgoing::EndLeg(leg) => prop_assert!(ended.insert(leg.clone()), "a leg ends once"),
                Outgoing::Connect(leg, _) => prop_assert!(!ended.contains(leg), "an ended leg is connected"),
                Outgoing::Ring(_) | Outgoing::Rekey(..) => {}
            }
        }
    }
}
