//! A story: a signed-in desk, frames that arrive, time that passes, and what was told and asked.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use deskline_core::{
    Action, CallId, CallingFact, CallingRequest, CommandError, CommandId, Desk, Effect, Event,
    Input, InteractionId, MediaFact, MediaRequest, Metric, Now, Problem, Profile, RequestId, Rest,
    RoutingFact, RoutingRequest, SdpKind, Settings, SignedIn, StationOption, TrackingId, Verb,
    WallMs,
    profile::{AuxCode, WrapUpRules},
    view,
};
use deskline_wire::{Catalog, Frame, Json, json};

pub(crate) use deskline_core::Kind;

pub(crate) const ME: &str = "A";
pub(crate) const BROWSER: StationOption = StationOption::Browser;
pub(crate) const EXTENSION: StationOption = StationOption::Extension;

pub(crate) struct Story {
    desk: Desk,
    at: Duration,
    next: u64,
    outcomes: BTreeMap<CommandId, Result<Json, CommandError>>,
    requests: Vec<(RequestId, Rest)>,
    told: Vec<String>,
    pub(crate) events: Vec<Event>,
    pub(crate) calling: Vec<CallingRequest>,
    pub(crate) media: Vec<MediaRequest>,
    pub(crate) routing: Vec<RoutingRequest>,
    pub(crate) metrics: Vec<Metric>,
    /// What was told and settled, in order: event names, and `settled <command>`.
    pub(crate) order: Vec<String>,
}

pub(crate) fn code(id: &str, name: &str, is_default: bool) -> AuxCode {
    AuxCode {
        id: id.to_owned(),
        name: name.to_owned(),
        is_system: false,
        is_default,
    }
}

pub(crate) fn profile() -> Profile {
    Profile {
        json: json!({ "agentId": ME, "agentName": "Ada Brandt", "defaultDn": "1001" }),
        agent_profile_id: "P1".to_owned(),
        agent_name: "Ada Brandt".to_owned(),
        teams: vec![("T".to_owned(), "Claims".to_owned())],
        voice_options: ["BROWSER", "EXTENSION", "AGENT_DN"]
            .map(str::to_owned)
            .to_vec(),
        web_rtc_enabled: true,
        idle_codes: vec![code("i1", "Lunch", false), code("0", "Available", false)],
        wrapup_codes: vec![code("w2", "Other", false), code("w1", "Sale", true)],
        wrap_up: WrapUpRules {
            auto_wrapup: Some(false),
            interval_ms: None,
            allow_cancel: false,
        },
        outdial_ep: Some("E".to_owned()),
        outdial_ani_id: Some("ANI".to_owned()),
        address_book_id: Some("AB".to_owned()),
        is_outdial_enabled: true,
        is_end_call_enabled: true,
        is_end_consult_enabled: true,
        recovery_limit_ms: 50_000,
        ..Profile::default()
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        automatic_relogin: true,
        raw_events: true,
        ..Settings::default()
    }
}

impl Story {
    /// Nobody is signed in.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            desk: Desk::new(settings),
            at: Duration::ZERO,
            next: 0,
            outcomes: BTreeMap::new(),
            requests: Vec::new(),
            told: Vec::new(),
            events: Vec::new(),
            calling: Vec::new(),
            media: Vec::new(),
            routing: Vec::new(),
            metrics: Vec::new(),
            order: Vec::new(),
        }
    }

    /// Signed in, and logged in with this device.
    pub(crate) fn logged_in(option: StationOption) -> Self {
        Self::with(profile(), option)
    }

    pub(crate) fn with(profile: Profile, option: StationOption) -> Self {
        let mut story = Self::new(settings());
        let sign_in = story.begin_sign_in(profile);
        story.calling(CallingFact::Connected(Ok(())));
        story.relogged_in(option, json!({}));
        story.calling(CallingFact::Registered(Ok(())));
        assert!(story.ok(sign_in).is_object());
        story.forget();
        story
    }

    /// Signed in, no station.
    pub(crate) fn signed_in() -> Self {
        let mut story = Self::new(settings());
        let sign_in = story.begin_sign_in(profile());
        story.calling(CallingFact::Connected(Ok(())));
        story.agent_frame(
            "AgentReloginFailed",
            "AgentReloginFailed",
            json!({ "reason": "AGENT_NOT_FOUND" }),
        );
        assert!(story.ok(sign_in).is_object());
        story.forget();
        story
    }

    pub(crate) fn begin_sign_in(&mut self, profile: Profile) -> CommandId {
        let command = self.act(Action::SignIn);
        self.input(Input::Routing(RoutingFact::SignedIn(Box::new(SignedIn {
            agent_id: ME.into(),
            org_id: "ORG".into(),
            profile: Arc::new(profile),
            catalog: Arc::new(Catalog::default()),
        }))));
        command
    }

    pub(crate) fn relogged_in(&mut self, option: StationOption, more: Json) {
        let mut data = json!({
            "deviceType": option.word(), "dn": "1001", "teamId": "T", "auxCodeId": "i1", "subStatus": "Idle",
            "channelsMap": {"telephony": ["c"]}, "lastStateChangeTimestamp": 5, "lastIdleCodeChangeTimestamp": 6,
        });
        overlay(&mut data, more);
        self.agent_frame("AgentReloginSuccess", "AgentReloginSuccess", data);
    }

    pub(crate) fn forget(&mut self) {
        self.requests.clear();
        self.told.clear();
        self.events.clear();
        self.calling.clear();
        self.media.clear();
        self.routing.clear();
        self.metrics.clear();
        self.order.clear();
    }

    // --- what happens -------------------------------------------------------

    pub(crate) fn input(&mut self, input: Input) {
        let now = Now {
            at: self.at,
            wall: WallMs(1_000_000_000_000 + i64::try_from(self.at.as_millis()).unwrap()),
        };
        for effect in self.desk.handle(now, input) {
            match effect {
                Effect::Publish(event) => {
                    if let Event::Task { name, .. } | Event::Agent { name, .. } = event.as_ref() {
                        if *name != "task:updated" {
                            self.told.push((*name).to_owned());
                        }
                        self.order.push((*name).to_owned());
                    }
                    if let Event::Raw { kind, .. } = event.as_ref() {
                        self.order.push(format!("raw {kind}"));
                    }
                    self.events.push(*event);
                }
                Effect::Settle(command, outcome) => {
                    assert!(
                        self.outcomes.insert(command, *outcome).is_none(),
                        "settled twice"
                    );
                    self.order.push(format!("settled {}", command.0));
                }
                Effect::Routing(RoutingRequest::Send(request, rest)) => {
                    self.requests.push((request, rest));
                }
                Effect::Routing(request) => self.routing.push(request),
                Effect::Calling(request) => self.calling.push(request),
                Effect::Media(request) => self.media.push(request),
                Effect::Measure(metric) => self.metrics.push(*metric),
            }
        }
    }

    pub(crate) fn act(&mut self, action: Action) -> CommandId {
        self.next += 1;
        let command = CommandId(self.next);
        self.input(Input::Do(command, action));
        command
    }

    pub(crate) fn verb(&mut self, id: &str, verb: Verb) -> CommandId {
        self.act(Action::Task(InteractionId::from(id), verb))
    }

    pub(crate) fn hold(&mut self, id: &str) -> CommandId {
        self.verb(
            id,
            Verb::Hold {
                media_resource_id: None,
            },
        )
    }

    /// A frame with this top-level type and this wire name.
    pub(crate) fn raw(&mut self, kind: &str, name: &str, mut data: Json) {
        data.as_object_mut()
            .unwrap()
            .insert("type".to_owned(), name.into());
        let frame = json!({ "type": kind, "orgId": "ORG", "trackingId": "N1", "data": data });
        let frame = Frame::from_json(frame).unwrap();
        self.input(Input::Routing(RoutingFact::Frame(Box::new(frame))));
    }

    pub(crate) fn agent_frame(&mut self, kind: &str, name: &str, mut data: Json) {
        overlay(&mut data, json!({ "agentId": ME, "orgId": "ORG" }));
        self.raw(kind, name, data);
    }

    /// A task frame with a complete interaction.
    pub(crate) fn frame(&mut self, name: &str, contact: &Contact) {
        self.raw("RoutingMessage", name, contact.data());
    }

    pub(crate) fn http(&mut self, request: RequestId, status: u16, body: Json, tracking: &str) {
        self.input(Input::Routing(RoutingFact::Refused {
            request,
            problem: Problem {
                text: format!("status {status}"),
                status: Some(status),
                body: Some(body),
                tracking_id: Some(TrackingId::from(tracking)),
                ..Problem::default()
            },
        }));
    }

    /// The request was refused, or nobody answered it.
    pub(crate) fn refused(&mut self, request: RequestId, problem: Problem) {
        self.input(Input::Routing(RoutingFact::Refused { request, problem }));
    }

    pub(crate) fn answered(&mut self, request: RequestId, body: Json) {
        self.input(Input::Routing(RoutingFact::Answered {
            request,
            status: 202,
            body,
        }));
    }

    pub(crate) fn calling(&mut self, fact: CallingFact) {
        self.input(Input::Calling(fact));
    }

    pub(crate) fn rings(&mut self, call: &str) {
        self.calling(CallingFact::Ringing {
            call: CallId::from(call),
            name: None,
            number: None,
        });
        self.calling(CallingFact::Remote {
            call: CallId::from(call),
            kind: SdpKind::Offer,
            sdp: "v=0".to_owned(),
        });
    }

    /// What is known of the sound of a task's call.
    pub(crate) fn sample(&self, id: &str) -> Option<deskline_core::CallSample> {
        self.desk.sample(&InteractionId::from(id))
    }

    pub(crate) fn media(&mut self, fact: MediaFact) {
        self.input(Input::Media(fact));
    }

    /// A voice task on this desk, offered with its leg ringing.
    pub(crate) fn offered(&mut self, id: &str) -> Contact {
        let contact = Contact::voice(id).state("new");
        self.frame("AgentContactReserved", &contact);
        self.rings(&format!("call-{id}"));
        self.frame("AgentOfferContact", &contact);
        contact
    }

    /// A voice task that the agent talks on. For phone devices the centre says so; here the leg is answered.
    pub(crate) fn connected(&mut self, id: &str) -> Contact {
        self.offered(id);
        let call = CallId(format!("call-{id}"));
        let accept = self.verb(id, Verb::Accept);
        self.media(MediaFact::Local {
            call: call.clone(),
            kind: SdpKind::Answer,
            sdp: "answer".to_owned(),
        });
        self.calling(CallingFact::Answered { call });
        self.ok(accept);
        let contact = Contact::voice(id).state("connected").joined();
        self.frame("AgentContactAssigned", &contact);
        self.forget();
        contact
    }

    /// Lets time pass; everything that falls due meanwhile happens at its moment.
    pub(crate) fn wait(&mut self, ms: u64) {
        let target = self.at + Duration::from_millis(ms);
        while let Some((due, _)) = self.desk.deadline().filter(|(due, _)| *due <= target) {
            self.at = self.at.max(due);
            self.input(Input::Tick);
        }
        self.at = target;
    }

    // --- what is known ------------------------------------------------------

    pub(crate) fn outcome(&self, command: CommandId) -> Option<&Result<Json, CommandError>> {
        self.outcomes.get(&command)
    }

    pub(crate) fn is_open(&self, command: CommandId) -> bool {
        !self.outcomes.contains_key(&command)
    }

    #[track_caller]
    pub(crate) fn ok(&self, command: CommandId) -> Json {
        match self.outcome(command) {
            Some(Ok(result)) => result.clone(),
            other => panic!("not done: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn error(&self, command: CommandId) -> CommandError {
        match self.outcome(command) {
            Some(Err(error)) => error.clone(),
            other => panic!("not failed: {other:?}"),
        }
    }

    /// Takes the requests sent since the last look.
    pub(crate) fn sent(&mut self) -> Vec<(RequestId, Rest)> {
        std::mem::take(&mut self.requests)
    }

    /// Takes the one request sent since the last look: its path and body.
    #[track_caller]
    pub(crate) fn only_sent(&mut self) -> (String, Json) {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        let (_, rest) = sent.remove(0);
        (rest.path, rest.body.unwrap_or(Json::Null))
    }

    /// Takes the names of the public events told since the last look, `task:updated` left out.
    pub(crate) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    #[track_caller]
    pub(crate) fn task(&self, id: &str) -> view::Task {
        self.desk.task(&InteractionId::from(id)).unwrap().0
    }

    #[track_caller]
    pub(crate) fn data(&self, id: &str) -> Json {
        self.desk.task(&InteractionId::from(id)).unwrap().1
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.desk.task(&InteractionId::from(id)).is_some()
    }
}

/// Writes every key of `more` into `onto`, objects by the same rule, null removes.
pub(crate) fn overlay(onto: &mut Json, more: Json) {
    let (Some(onto), Json::Object(more)) = (onto.as_object_mut(), more) else {
        return;
    };
    for (key, value) in more {
        match (onto.get_mut(&key), value) {
            (Some(slot @ Json::Object(_)), value @ Json::Object(_)) => overlay(slot, value),
            (_, Json::Null) => {
                onto.remove(&key);
            }
            (_, value) => {
                onto.insert(key, value);
            }
        }
    }
}

/// The data of a task frame, with a complete interaction.
#[derive(Clone)]
pub(crate) struct Contact {
    data: Json,
}

impl Contact {
    pub(crate) fn voice(id: &str) -> Self {
        Self {
            data: json!({
                "interactionId": id, "mediaResourceId": id, "agentId": ME, "orgId": "ORG", "owner": ME,
                "interaction": {
                    "interactionId": id, "mainInteractionId": id, "mediaType": "telephony", "mediaChannel": "telephony",
                    "state": "new", "owner": ME, "contactDirection": {"type": "INBOUND"}, "outboundType": null,
                    "previousVTeams": [], "createdTimestamp": 1_000_000_000_000_i64,
                    "participants": {
                        "+14085550123": {"id": "+14085550123", "pType": "Customer", "type": "Customer", "hasJoined": true, "hasLeft": false},
                        ME: {"id": ME, "pType": "Agent", "type": "Agent", "name": "Ada Brandt", "hasJoined": false, "hasLeft": false, "isWrapUp": false, "autoAnswerEnabled": false},
                    },
                    "media": { id: {"mediaResourceId": id, "mType": "mainCall", "isHold": false, "holdTimestamp": null, "participants": ["+14085550123", ME]} },
                    "callProcessingDetails": {"ani": "+14085550123", "customerName": "Jo Rivera", "virtualTeamName": "Claims", "ronaTimeout": "18", "recordInProgress": "true", "isPaused": "false"},
                },
            }),
        }
    }

    pub(crate) fn digital(id: &str, media_type: &str) -> Self {
        Self::voice(id)
            .with(json!({ "interaction": { "mediaType": media_type, "mediaChannel": media_type } }))
    }

    pub(crate) fn with(mut self, more: Json) -> Self {
        overlay(&mut self.data, more);
        self
    }

    pub(crate) fn state(self, state: &str) -> Self {
        self.with(json!({ "interaction": { "state": state } }))
    }

    pub(crate) fn joined(self) -> Self {
        self.with(json!({ "interaction": { "participants": { ME: { "hasJoined": true } } } }))
    }

    /// Makes this agent the owner of the contact.
    pub(crate) fn owned_by(self, owner: &str) -> Self {
        self.with(json!({ "owner": owner, "interaction": { "owner": owner } }))
    }

    pub(crate) fn id(&self) -> String {
        self.data["interactionId"].as_str().unwrap().to_owned()
    }

    pub(crate) fn held(self, is_held: bool) -> Self {
        let id = self.id();
        self.with(json!({ "interaction": { "media": { id: { "isHold": is_held } } } }))
    }

    /// Adds another agent to the participants.
    pub(crate) fn agent(self, id: &str) -> Self {
        self.with(json!({ "interaction": { "participants": { id: {
            "id": id, "pType": "Agent", "type": "Agent", "name": id, "hasJoined": true, "hasLeft": false } } } }))
    }

    /// Puts these on the main leg.
    pub(crate) fn on_main(self, who: &[&str]) -> Self {
        let id = self.id();
        self.with(json!({ "interaction": { "media": { id: { "participants": who } } } }))
    }

    /// Adds a consult leg with these on it.
    pub(crate) fn consult(self, who: &[&str], is_held: bool) -> Self {
        self.with(json!({ "consultMediaResourceId": "C", "interaction": { "media": { "C": {
            "mediaResourceId": "C", "mType": "consult", "isHold": is_held, "participants": who } } } }))
    }

    pub(crate) fn me(self, more: Json) -> Self {
        self.with(json!({ "interaction": { "participants": { ME: more } } }))
    }

    pub(crate) fn data(&self) -> Json {
        self.data.clone()
    }
}
