//! A far side that answers by script, and a clock that is turned by hand.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use deskline_core::{CallId, CallingFact, CallingRequest, LinkState, Now, Pace, SdpKind, WallMs};
use deskline_wire::{Catalog, Json, json};

use crate::{
    ClientNames, FailoverRecord,
    effect::{Effect, Reply, Request, SocketEvent, SocketId, Ticket, Verb},
    phone::{Event, Phone, Settings},
};

/// How the far side treats one request.
#[derive(Debug, Clone)]
pub(super) enum Scripted {
    Answer(u16, Json, Option<u64>),
    /// Nobody answers, and that is known at once.
    Refused,
    /// Nobody answers until the request's own limit.
    Silence,
}

pub(super) fn status(status: u16) -> Scripted {
    Scripted::Answer(status, json!({}), None)
}

pub(super) fn error_code(status: u16, code: u32) -> Scripted {
    Scripted::Answer(status, json!({ "errorCode": code }), None)
}

pub(super) fn retry_after(status: u16, seconds: u64) -> Scripted {
    Scripted::Answer(status, json!({ "message": "later" }), Some(seconds))
}

#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) at: Duration,
    pub(super) request: Request,
}

struct Rule {
    verb: Verb,
    part: String,
    answers: VecDeque<Scripted>,
    then: Option<Scripted>,
}

pub(super) struct World {
    pub(super) phone: Phone,
    pub(super) now: Duration,
    pub(super) sent: Vec<Sent>,
    pub(super) facts: Vec<(Duration, CallingFact)>,
    pub(super) frames: Vec<(Duration, SocketId, Json)>,
    pub(super) opened: Vec<(Duration, SocketId, String)>,
    pub(super) closed: Vec<(Duration, SocketId, u16, &'static str)>,
    pub(super) renewals: Vec<Duration>,
    pub(super) record: Option<FailoverRecord>,
    pub(super) device_url: Option<String>,
    /// Whether the event socket opens, authorises and answers pings by itself.
    pub(super) opens: bool,
    pub(super) authorises: bool,
    pub(super) pongs: bool,
    pub(super) renews: bool,
    rules: Vec<Rule>,
    to_come: Vec<(Duration, u64, Event)>,
    count: u64,
    devices: u32,
    last_socket: u64,
    link: LinkState,
}

impl World {
    pub(super) fn new() -> Self {
        Self::seeded(7)
    }

    pub(super) fn seeded(seed: u64) -> Self {
        Self {
            phone: Phone::new(
                Settings {
                    pace: Pace::REAL,
                    region_url: "https://region.test/v1/region".into(),
                    rtms_domain: None,
                    names: ClientNames::default(),
                    raw_events: false,
                },
                seed,
            ),
            now: Duration::ZERO,
            sent: Vec::new(),
            facts: Vec::new(),
            frames: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            renewals: Vec::new(),
            record: None,
            device_url: None,
            opens: true,
            authorises: true,
            pongs: true,
            renews: true,
            rules: Vec::new(),
            to_come: Vec::new(),
            count: 0,
            devices: 0,
            last_socket: 0,
            link: LinkState::Off,
        }
    }

    /// A desk whose line is registered on p1.
    pub(super) fn registered() -> Self {
        let mut world = Self::new();
        world.connect();
        world.register();
        assert_eq!(world.registrations(), [true], "the line registers");
        world.forget();
        world
    }

    /// A registered desk where leg `c1` rings with OFFER 1.
    pub(super) fn ringing() -> Self {
        let mut world = Self::registered();
        world.ring("c1");
        world.offer("c1", 1);
        world
    }

    /// A leg `c1` that is established with seq 1.
    pub(super) fn established() -> Self {
        let mut world = Self::ringing();
        world.answer("c1");
        world.local("c1", SdpKind::Answer);
        world.ok("c1", 1);
        assert!(world.has(|fact| matches!(fact, CallingFact::Established { .. })));
        world
    }

    /// Drops what was seen so far.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
        self.facts.clear();
        self.frames.clear();
        self.opened.clear();
        self.closed.clear();
    }

    pub(super) fn connect(&mut self) {
        self.request(CallingRequest::Connect(Arc::new(catalog())));
    }

    pub(super) fn register(&mut self) {
        self.request(CallingRequest::Register);
    }

    pub(super) fn answer(&mut self, call: &str) {
        self.request(CallingRequest::Answer(call.into()));
    }

    pub(super) fn local(&mut self, call: &str, kind: SdpKind) {
        self.request(CallingRequest::Local(
            call.into(),
            kind,
            Ok(format!("v=0 ours for {call}\n")),
        ));
    }

    pub(super) fn request(&mut self, request: CallingRequest) {
        self.handle(Event::Request(request));
        self.settle();
    }

    /// The next requests to this place are treated like this, one each; later ones as usual.
    pub(super) fn script(
        &mut self,
        verb: Verb,
        part: &str,
        answers: impl IntoIterator<Item = Scripted>,
    ) {
        let answers = answers.into_iter().collect();
        self.rules.insert(
            0,
            Rule {
                verb,
                part: part.into(),
                answers,
                then: None,
            },
        );
    }

    /// All further requests to this place are treated like this.
    pub(super) fn always(&mut self, verb: Verb, part: &str, answer: Scripted) {
        let rule = Rule {
            verb,
            part: part.into(),
            answers: VecDeque::new(),
            then: Some(answer),
        };
        self.rules.insert(0, rule);
    }

    /// Back to the usual answers.
    pub(super) fn heal(&mut self) {
        self.rules.clear();
    }

    pub(super) fn ring(&mut self, call: &str) {
        self.event(json!({
            "eventType": "mobius.call", "callId": call, "deviceId": self.device(), "correlationId": "",
            "callerId": { "from": "\"Pat\" <sip:+15550100@x>" },
        }));
    }

    pub(super) fn offer(&mut self, call: &str, seq: u64) {
        let sdp = format!("v=0 offer {seq}");
        self.media(
            call,
            json!({ "messageType": "OFFER", "seq": seq, "sdp": sdp }),
        );
    }

    pub(super) fn ok(&mut self, call: &str, seq: u64) {
        self.media(call, json!({ "messageType": "OK", "seq": seq }));
    }

    pub(super) fn media(&mut self, call: &str, message: Json) {
        self.event(json!({
            "eventType": "mobius.media", "callId": call, "deviceId": self.device(), "message": message,
        }));
    }

    pub(super) fn disconnected(&mut self, call: &str) {
        self.event(json!({ "eventType": "mobius.calldisconnected", "callId": call }));
    }

    /// An event on the active socket.
    pub(super) fn event(&mut self, data: Json) {
        self.count += 1;
        let frame = json!({ "id": format!("frame-{}", self.count), "data": data });
        self.frame(&frame);
    }

    /// A frame on the active socket.
    pub(super) fn frame(&mut self, frame: &Json) {
        let socket = self.socket();
        self.on_socket(socket, SocketEvent::Text(frame.to_string()));
    }

    pub(super) fn on_socket(&mut self, socket: SocketId, event: SocketEvent) {
        self.handle(Event::Socket(socket, event));
        self.settle();
    }

    pub(super) fn close(&mut self, code: u16, reason: &str) {
        let socket = self.socket();
        self.on_socket(
            socket,
            SocketEvent::Closed {
                code,
                reason: reason.into(),
            },
        );
    }

    /// The socket opened last.
    pub(super) fn socket(&self) -> SocketId {
        SocketId(self.last_socket)
    }

    /// The id of the registered device.
    pub(super) fn device(&self) -> String {
        format!("mobius-of-device-{}", self.devices)
    }

    /// The state of the link that was told last, whenever that was.
    pub(super) fn shown(&self) -> LinkState {
        self.link
    }

    /// Lets time pass; everything that falls due happens in order.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..200_000 {
            let next_event = self
                .to_come
                .iter()
                .map(|(at, order, _)| (*at, *order))
                .min();
            let next_tick = self.phone.deadline();
            let at = [next_event.map(|(at, _)| at), next_tick]
                .into_iter()
                .flatten()
                .min();
            let Some(at) = at.filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(at);
            match next_event {
                Some(event) if event.0 <= self.now => {
                    let place = self
                        .to_come
                        .iter()
                        .position(|(a, o, _)| (*a, *o) == event)
                        .unwrap();
                    let (_, _, event) = self.to_come.swap_remove(place);
                    self.handle(event);
                }
                Some(_) | None => self.handle(Event::Tick),
            }
        }
        panic!(
            "a deadline that never goes away: {:?}",
            self.phone.deadline()
        );
    }

    /// Lets exactly one thing happen that needs no time.
    pub(super) fn next_event(&mut self) {
        let next = self
            .to_come
            .iter()
            .map(|(at, order, _)| (*at, *order))
            .min()
            .unwrap();
        assert!(next.0 <= self.now, "nothing is due");
        let place = self
            .to_come
            .iter()
            .position(|(at, o, _)| (*at, *o) == next)
            .unwrap();
        let (_, _, event) = self.to_come.swap_remove(place);
        self.handle(event);
    }

    /// Lets happen what needs no time.
    pub(super) fn settle(&mut self) {
        self.pass(Duration::ZERO);
    }

    pub(super) fn handle(&mut self, event: Event) {
        let now = Now {
            at: self.now,
            wall: self.wall(),
        };
        for effect in self.phone.handle(now, event) {
            self.perform(effect);
        }
    }

    pub(super) fn wall(&self) -> WallMs {
        WallMs(1_800_000_000_000 + i64::try_from(self.now.as_millis()).unwrap())
    }

    pub(super) fn requests(&self, verb: Verb, part: &str) -> Vec<&Sent> {
        self.sent
            .iter()
            .filter(|sent| sent.request.verb == verb && sent.request.url.contains(part))
            .collect()
    }

    /// Addresses of all attempts to register the line.
    pub(super) fn posts(&self) -> Vec<String> {
        self.requests(Verb::Post, "/device")
            .into_iter()
            .filter(|sent| sent.request.url.ends_with("/calling/web/device"))
            .map(|sent| host(&sent.request.url))
            .collect()
    }

    /// When the line was tried to register, in seconds.
    pub(super) fn post_times(&self) -> Vec<u64> {
        self.sent
            .iter()
            .filter(|sent| sent.request.url.ends_with("/calling/web/device"))
            .map(|sent| sent.at.as_secs())
            .collect()
    }

    pub(super) fn keepalives(&self) -> Vec<Duration> {
        self.requests(Verb::Post, "/status")
            .into_iter()
            .filter(|sent| !sent.request.url.contains("/calls/"))
            .map(|sent| sent.at)
            .collect()
    }

    /// ROAP messages we posted: kind and number.
    pub(super) fn roap(&self) -> Vec<(String, u64)> {
        self.requests(Verb::Post, "/media")
            .into_iter()
            .map(|sent| {
                let roap = &sent.request.body.as_ref().unwrap()["localMedia"]["roap"];
                (
                    roap["messageType"].as_str().unwrap().to_owned(),
                    roap["seq"].as_u64().unwrap(),
                )
            })
            .collect()
    }

    /// The causes of all DELETEs of legs.
    pub(super) fn causes(&self) -> Vec<u64> {
        self.requests(Verb::Delete, "/calls/")
            .into_iter()
            .map(|sent| {
                sent.request.body.as_ref().unwrap()["causecode"]
                    .as_u64()
                    .unwrap()
            })
            .collect()
    }

    pub(super) fn has(&self, matches: impl Fn(&CallingFact) -> bool) -> bool {
        self.facts.iter().any(|(_, fact)| matches(fact))
    }

    pub(super) fn count(&self, matches: impl Fn(&CallingFact) -> bool) -> usize {
        self.facts.iter().filter(|(_, fact)| matches(fact)).count()
    }

    pub(super) fn ended(&self) -> usize {
        self.count(|fact| matches!(fact, CallingFact::Ended { .. }))
    }

    /// Offers reported to the desk.
    pub(super) fn offers(&self) -> Vec<String> {
        self.facts
            .iter()
            .filter_map(|(_, fact)| match fact {
                CallingFact::Remote {
                    kind: SdpKind::Offer,
                    sdp,
                    ..
                } => Some(sdp.clone()),
                _ => None,
            })
            .collect()
    }

    /// Outcomes of `Register`.
    pub(super) fn registrations(&self) -> Vec<bool> {
        self.facts
            .iter()
            .filter_map(|(_, fact)| match fact {
                CallingFact::Registered(result) => Some(result.is_ok()),
                _ => None,
            })
            .collect()
    }

    pub(super) fn links(&self) -> Vec<LinkState> {
        self.facts
            .iter()
            .filter_map(|(_, fact)| match fact {
                CallingFact::Link(state, _) => Some(*state),
                _ => None,
            })
            .collect()
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Fact(fact) => {
                if let CallingFact::Link(state, _) = &fact {
                    self.link = *state;
                }
                self.facts.push((self.now, fact));
            }
            Effect::Ask(ticket, mut request) => {
                if let Some(first) = request.first.take() {
                    self.sent.push(Sent {
                        at: self.now,
                        request: *first,
                    });
                }
                self.sent.push(Sent {
                    at: self.now,
                    request: request.clone(),
                });
                let scripted = self.scripted(&request);
                let (wait, reply) = self.reply(&request, scripted);
                self.later(wait, Event::Reply(ticket, reply));
            }
            Effect::Forget(ticket) => {
                self.to_come
                    .retain(|(_, _, event)| !is_reply_to(event, &ticket));
            }
            Effect::Open(socket, url) => {
                self.last_socket = socket.0;
                self.opened.push((self.now, socket, url));
                let event = if self.opens {
                    SocketEvent::Opened
                } else {
                    SocketEvent::Failed {
                        status: None,
                        text: "refused".into(),
                    }
                };
                self.later(Duration::ZERO, Event::Socket(socket, event));
            }
            Effect::Authorise(socket, id) => {
                self.frames.push((
                    self.now,
                    socket,
                    json!({ "id": id, "type": "authorization" }),
                ));
                if self.authorises {
                    let frame = json!({
                        "id": format!("buffer-{}", socket.0),
                        "data": { "eventType": "mercury.buffer_state" },
                    });
                    let event = SocketEvent::Text(frame.to_string());
                    self.later(Duration::ZERO, Event::Socket(socket, event));
                }
            }
            Effect::Send(socket, text) => {
                let frame: Json = serde_json::from_str(&text).unwrap();
                if frame["type"] == "ping" && self.pongs {
                    let pong = json!({ "id": frame["id"], "type": "pong" }).to_string();
                    self.later(
                        Duration::ZERO,
                        Event::Socket(socket, SocketEvent::Text(pong)),
                    );
                }
                self.frames.push((self.now, socket, frame));
            }
            Effect::Close(socket, code, reason) => {
                self.closed.push((self.now, socket, code, reason));
            }
            Effect::Renew => {
                self.renewals.push(self.now);
                self.later(Duration::ZERO, Event::Renewed(self.renews));
            }
            Effect::DeviceUrl(url) => self.device_url = url,
            Effect::Save(record) => self.record = record,
        }
    }

    fn later(&mut self, wait: Duration, event: Event) {
        self.count += 1;
        self.to_come.push((self.now + wait, self.count, event));
    }

    fn scripted(&mut self, request: &Request) -> Option<Scripted> {
        let rule = self.rules.iter_mut().find(|rule| {
            rule.verb == request.verb
                && request.url.contains(&rule.part)
                && (rule.then.is_some() || !rule.answers.is_empty())
        })?;
        rule.answers.pop_front().or_else(|| rule.then.clone())
    }

    fn reply(&mut self, request: &Request, scripted: Option<Scripted>) -> (Duration, Reply) {
        let nobody = Reply {
            trouble: Some("nobody answers".into()),
            ..Reply::default()
        };
        match scripted {
            Some(Scripted::Refused) => (Duration::ZERO, nobody),
            Some(Scripted::Silence) => (request.limit, nobody),
            Some(Scripted::Answer(status, body, retry_after)) => {
                let reply = Reply {
                    status: Some(status),
                    body,
                    retry_after,
                    ..Reply::default()
                };
                (Duration::ZERO, reply)
            }
            None => {
                let body = self.usual(request);
                let etag = Some(format!("etag-{}", self.sent.len()));
                (
                    Duration::ZERO,
                    Reply {
                        status: Some(200),
                        body,
                        etag,
                        ..Reply::default()
                    },
                )
            }
        }
    }

    fn usual(&mut self, request: &Request) -> Json {
        let url = &request.url;
        match request.verb {
            Verb::Get if url.contains("region.test") => {
                json!({ "clientRegion": "US-EAST", "countryCode": "US" })
            }
            Verb::Get if url.contains("/calling/web/") => json!({
                "primary": { "uris": ["https://p1.test/api/v1", "https://p2.test/api/v1"] },
                "backup": { "uris": ["https://b1.test/api/v1"] },
            }),
            Verb::Post if url.contains("wdm.test") => {
                self.devices += 1;
                let n = self.devices;
                json!({
                    "url": format!("https://wdm.test/wdm/api/v1/devices/device-{n}"),
                    "webSocketUrl": format!("wss://mercury.test/device-{n}/messages"),
                    "userId": "user",
                    "features": { "developer": [] },
                })
            }
            Verb::Post if url.ends_with("/calling/web/device") => {
                let base = url.trim_end_matches("device");
                let client = request.body.as_ref().unwrap()["clientDeviceUri"]
                    .as_str()
                    .unwrap();
                let id = format!("mobius-of-{}", client.rsplit('/').next().unwrap());
                json!({
                    "device": { "deviceId": id, "uri": format!("{base}devices/{id}") },
                    "keepaliveInterval": 30, "rehomingIntervalMin": 60, "rehomingIntervalMax": 120,
                })
            }
            Verb::Get | Verb::Post | Verb::Put | Verb::Patch | Verb::Delete => json!({}),
        }
    }
}

pub(super) fn catalog() -> Catalog {
    Catalog::from_json(&catalog_json())
}

pub(super) fn catalog_json() -> Json {
    json!({
        "serviceLinks": {
            "wdm": "https://wdm.test/wdm/api/v1",
            "mobius": "https://h1.test/api/v1",
            "wcc-calling-rtms-domain": "https://rtms.sandbox.test/",
        },
        "hostCatalog": { "clusters": [
            { "host": "h1.test", "ttl": -1, "priority": 1, "id": "urn:TEAM:one:mobius" },
            { "host": "h2.test", "ttl": -1, "priority": 2, "id": "urn:TEAM:two:mobius" },
        ]},
    })
}

/// The first label of the host.
pub(super) fn host(url: &str) -> String {
    let rest = url.split("//").nth(1).unwrap_or(url);
    rest.split(['.', '/', ':'])
        .next()
        .unwrap_or(rest)
        .to_owned()
}

pub(super) fn call(id: &str) -> CallId {
    id.into()
}

fn is_reply_to(event: &Event, ticket: &Ticket) -> bool {
    matches!(event, Event::Reply(of, _) if of == ticket)
}
