//! Many agents at one sandbox: how long the centre's news takes to their views, and what each of them costs.
//!
//! The sandbox is a process of its own, so that its cost stands apart. All agents live in this process: the real
//! owner and the real way to routing each, at a desk phone, without line and sound. The clock starts when the order
//! for an event is written to the sandbox's director and stops when the view is told; the order's own way is
//! therefore part of the figure.

use std::{
    collections::HashMap,
    fmt::Write as _,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use deskline_core::{Action, Pace, Secret, Settings, Station, StationOption};
use deskline_session::{Adapters, DeskHandle, Owner, view::Change};
use deskline_tests::cli;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    sync::{Notify, mpsc, watch},
    time::{interval, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Figure, process};

const FEW: usize = 10;
const MANY: usize = 1_000;
/// Agents who sign in at the same time.
const ABREAST: usize = 16;
const EVENTS_PER_SECOND: u64 = 10;
const SECONDS: u64 = 60;
/// Time for the sign-ins' aftermath to pass before anything is measured.
const SETTLE: Duration = Duration::from_secs(5);
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// The sandbox in its own process.
struct Centre {
    child: Child,
    ready: Value,
    _folder: tempfile::TempDir,
}

impl Centre {
    async fn start(agents: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Without voice in the client no desk waits for the line it does not have here.
        let mut scenario = "[settings]\nweb_rtc_enabled = false\n".to_owned();
        for index in 0..agents {
            writeln!(scenario, "[[agent]]\nname = \"Agent N{index:04}\"").unwrap();
        }
        let file = folder.path().join("crowd.toml");
        std::fs::write(&file, scenario).unwrap();
        let mut child = Command::new(cli())
            .args(["sandbox", "--scenario"])
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).await.unwrap();
        Self {
            child,
            ready: serde_json::from_str(&line).unwrap(),
            _folder: folder,
        }
    }

    fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }
}

/// One connection to the director, kept.
struct Director {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Director {
    async fn connect(centre: &Centre) -> Self {
        let base = centre.ready["baseUrl"].as_str().unwrap();
        let host = base.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream: BufReader::new(stream),
            host,
        }
    }

    async fn order(&mut self, order: &Value) -> Value {
        let body = order.to_string();
        let request = format!(
            "POST /director HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await.unwrap();
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await.unwrap();
        serde_json::from_slice(&answer).unwrap()
    }
}

/// When the view was last told of something, by the event's name.
#[derive(Default)]
struct Told {
    at: Mutex<HashMap<String, Instant>>,
    news: Notify,
}

impl Told {
    fn forget(&self) {
        self.at.lock().unwrap().clear();
    }

    async fn when(&self, name: &str) -> Instant {
        loop {
            let news = self.news.notified();
            if let Some(at) = self.at.lock().unwrap().get(name) {
                return *at;
            }
            news.await;
        }
    }
}

/// A desk without line and sound.
struct Desk {
    name: String,
    told: Arc<Told>,
    _token: watch::Sender<Option<Secret>>,
    _device: watch::Sender<Option<String>>,
    _handle: DeskHandle,
    _stop: DropGuard,
}

async fn sit_down(u2c: String, index: usize, card: Value) -> Desk {
    let (routing, asked) = mpsc::unbounded_channel();
    let (calling, _) = mpsc::unbounded_channel();
    let (media, _) = mpsc::unbounded_channel();
    let settings = Settings {
        automatic_relogin: true,
        ..Settings::default()
    };
    let adapters = Adapters {
        routing,
        calling,
        media,
    };
    let (owner, desk, facts) = Owner::new(settings, adapters);
    let token = card["accessToken"].as_str().unwrap().to_owned();
    let (token, token_out) = watch::channel(Some(Secret::new(token)));
    let (device, device_url) = watch::channel(None);
    let config = deskline_routing::Config {
        services: deskline_routing::Services {
            u2c,
            ..deskline_routing::Services::default()
        },
        session: deskline_routing::SessionOptions::default(),
        token: token_out,
        renew: None,
        device_url,
        pace: Pace::default(),
        jitter: true,
        client: ("deskline".to_owned(), "0".to_owned()),
        tap: deskline_wire::tap::Tap::default(),
    };
    let stop = CancellationToken::new();
    tokio::spawn(deskline_routing::run(config, asked, facts, stop.clone()));
    tokio::spawn(owner.run(stop.clone()));
    let told = Arc::new(Told::default());
    let sink = Arc::clone(&told);
    desk.subscribe(move |update| {
        // What a window gets is serialised; that belongs to the way.
        std::hint::black_box(serde_json::to_string(&update).unwrap().len());
        if let Change::Event { name, .. } = update.change {
            sink.at.lock().unwrap().insert(name, Instant::now());
            sink.news.notify_waiters();
        }
        true
    })
    .await
    .unwrap();
    desk.sign_in().await.unwrap();
    desk.station_login(Station {
        team_id: card["teamId"].as_str().unwrap().into(),
        option: StationOption::Extension,
        dial_number: Some(format!("{}", 20_000 + index)),
    })
    .await
    .unwrap();
    desk.act(Action::SetState {
        state: "Available".to_owned(),
        aux_code_id: "0".to_owned(),
        reason: Some("Available".to_owned()),
    })
    .await
    .unwrap();
    Desk {
        name: card["agentId"].as_str().unwrap().to_owned(),
        told,
        _token: token,
        _device: device,
        _handle: desk,
        _stop: stop.drop_guard(),
    }
}

/// What one crowd gave.
struct Crowd {
    latencies_ms: Vec<f64>,
    sign_in_s: f64,
    client_cpu_ms: f64,
    sandbox_cpu_ms: f64,
    client_kb: f64,
    sandbox_kb: f64,
}

/// The next event for an agent: the order, and what the view is told of it.
fn event(kind: u64, desk: &Desk, contact: Option<&str>) -> (Value, &'static str) {
    match kind {
        0 => (
            json!({ "do": "agentState", "agent": desk.name, "state": "Available", "auxCodeId": "0", "reason": "Available" }),
            "agent:stateChange",
        ),
        1 => (
            json!({ "do": "offer", "agent": desk.name, "media": "chat" }),
            "task:incoming",
        ),
        _ => (
            json!({ "do": "hangUp", "interactionId": contact }),
            "task:end",
        ),
    }
}

async fn crowd(agents: usize) -> Crowd {
    let ours = std::process::id();
    let client_before = process::pss_mb(ours);
    let centre = Centre::start(agents).await;
    let sandbox_before = process::pss_mb(centre.pid());
    let u2c = centre.ready["u2c"].as_str().unwrap().to_owned();
    let cards = centre.ready["agents"].as_array().unwrap().clone();
    let begin = Instant::now();
    let desks: Vec<Desk> = stream::iter(cards.into_iter().take(agents).enumerate())
        .map(|(index, card)| sit_down(u2c.clone(), index, card))
        .buffered(ABREAST)
        .collect()
        .await;
    let sign_in_s = begin.elapsed().as_secs_f64();
    eprintln!("agents: {agents} signed in after {sign_in_s:.1} s");
    tokio::time::sleep(SETTLE).await;

    let mut director = Director::connect(&centre).await;
    let (client_cpu, sandbox_cpu) = (
        process::cpu_seconds(ours),
        process::cpu_seconds(centre.pid()),
    );
    let mut ticks = interval(Duration::from_millis(1_000 / EVENTS_PER_SECOND));
    let mut latencies_ms = Vec::new();
    let mut contact = None;
    let begin = Instant::now();
    for number in 0..SECONDS * EVENTS_PER_SECOND {
        ticks.tick().await;
        // A prime stride visits agents all over the crowd, three events each.
        let visit = usize::try_from(number / 3).unwrap();
        let desk = &desks[(visit * 337) % desks.len()];
        let (order, name) = event(number % 3, desk, contact.as_deref());
        desk.told.forget();
        let start = Instant::now();
        let answer = director.order(&order).await;
        let at = timeout(ARRIVES_WITHIN, desk.told.when(name)).await;
        let at = at.unwrap_or_else(|_| panic!("{order} → {answer}: no {name} within 10 s"));
        latencies_ms.push((at - start).as_secs_f64() * 1_000.0);
        if let Some(id) = answer["interactionId"].as_str() {
            contact = Some(id.to_owned());
        }
    }
    #[allow(clippy::cast_precision_loss)]
    let count = agents as f64;
    let minutes = begin.elapsed().as_secs_f64() / 60.0;
    let per_agent = |seconds: f64| seconds * 1_000.0 / minutes / count;
    let per_agent_kb = |mb: f64| mb * 1_024.0 / count;
    Crowd {
        latencies_ms,
        sign_in_s,
        client_cpu_ms: per_agent(process::cpu_seconds(ours) - client_cpu),
        sandbox_cpu_ms: per_agent(process::cpu_seconds(centre.pid()) - sandbox_cpu),
        client_kb: per_agent_kb(process::pss_mb(ours) - client_before),
        sandbox_kb: per_agent_kb(process::pss_mb(centre.pid()) - sandbox_before),
    }
}

pub(crate) async fn measure() -> Vec<Figure> {
    let few = crowd(FEW).await;
    let many = crowd(MANY).await;
    let p99 = |name, crowd: &Crowd| Figure::quantile(name, "ms", crowd.latencies_ms.clone(), 0.99);
    let p50 = |name, crowd: &Crowd| Figure::quantile(name, "ms", crowd.latencies_ms.clone(), 0.5);
    let one = |name, unit, value| Figure::median(name, unit, vec![value]);
    let (few_p99, many_p99) = (
        p99("agents.event-to-view.p99.10-agents", &few),
        p99("agents.event-to-view.p99.1000-agents", &many),
    );
    let growth = many_p99.value() / few_p99.value();
    vec![
        p50("agents.event-to-view.p50.10-agents", &few),
        few_p99,
        p50("agents.event-to-view.p50.1000-agents", &many),
        many_p99,
        one("agents.event-to-view.p99.growth-10-to-1000", "×", growth),
        one("agents.sign-in-all.1000-agents", "s", many.sign_in_s),
        one(
            "agents.client-cpu.10-agents",
            "ms/min/agent",
            few.client_cpu_ms,
        ),
        one(
            "agents.client-cpu.1000-agents",
            "ms/min/agent",
            many.client_cpu_ms,
        ),
        one(
            "agents.sandbox-cpu.10-agents",
            "ms/min/agent",
            few.sandbox_cpu_ms,
        ),
        one(
            "agents.sandbox-cpu.1000-agents",
            "ms/min/agent",
            many.sandbox_cpu_ms,
        ),
        one(
            "agents.client-memory.10-agents",
            "KB PSS/agent",
            few.client_kb,
        ),
        one(
            "agents.client-memory.1000-agents",
            "KB PSS/agent",
            many.client_kb,
        ),
        one(
            "agents.sandbox-memory.10-agents",
            "KB PSS/agent",
            few.sandbox_kb,
        ),
        one(
            "agents.sandbox-memory.1000-agents",
            "KB PSS/agent",
            many.sandbox_kb,
        ),
    ]
}
