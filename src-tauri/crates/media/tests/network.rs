//! A call whose machine changes its network: real interfaces in network namespaces of their own.
//!
//! Every test runs itself again in a namespace, where it is the agent's machine. That one runs itself once more, in
//! another namespace: the far side, reached through two cables called `wifi` and `lan`.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout
)]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use common::{Engine, PATIENCE};
use deskline_core::{CallId, LinkState, MediaRequest, SdpKind};
use deskline_media::AudioMode;
use deskline_sandbox::peer::{OfferShape, Peer, PeerOptions, Voice};

/// Which part this process plays; the test's own part if it is not set.
const PART: &str = "DESKLINE_NETWORK_PART";

/// The far side, beyond both cables.
const EDGE: &str = "10.9.0.1";

/// A gap is measured with this; the promise is one second, and a busy machine is forgiven another.
const PROMISE: Duration = Duration::from_millis(2_000);

fn shell(line: &str) {
    let done = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(done.status.success(), "{line}: {done:?}");
}

/// Whether this process is the one in the namespace. If not, that one is started and waited for.
fn is_inside(test: &str) -> bool {
    if std::env::var_os(PART).is_some() {
        return true;
    }
    let may = Command::new("unshare")
        .args(["--net", "ip", "link", "set", "lo", "up"])
        .output();
    if !may.is_ok_and(|done| done.status.success()) {
        println!(
            "skipped: network namespaces may not be made here (they need root, unshare and ip)"
        );
        return false;
    }
    let done = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(PART, "near")
        .output()
        .unwrap();
    // What it says of itself as a test is not said twice: somebody counts it.
    let said = String::from_utf8_lossy(&done.stdout);
    for line in said.lines().filter(|line| !line.starts_with("test ")) {
        println!("{line}");
    }
    let why = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{test}: {}\n{why}", done.status);
    false
}

/// The far side's process.
struct Far {
    process: Child,
    orders: ChildStdin,
    words: Receiver<String>,
}

impl Far {
    /// Starts it and lays the two cables; the call would take `wifi`.
    fn start() -> Self {
        let mut process = Command::new("unshare")
            .arg("--net")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "far_side", "--nocapture"])
            .env(PART, "far")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, words) = channel();
        let out = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if let Some((_, word)) = line.split_once("far: ") {
                    let _ = told.send(word.to_owned());
                }
            }
        });
        let orders = process.stdin.take().unwrap();
        let mut far = Self {
            process,
            orders,
            words,
        };
        assert_eq!(far.word(), "ready");
        let pid = far.process.id();
        let there = format!("nsenter -t {pid} -n");
        shell("ip link set lo up");
        shell(&format!(
            "{there} ip link set lo up; {there} ip addr add {EDGE}/32 dev lo"
        ));
        for (name, net, metric) in [("wifi", 1, 100), ("lan", 2, 200)] {
            shell(&format!(
                "ip link add {name} type veth peer name {name}-far netns {pid}
                 {there} ip addr add 10.{net}.0.1/24 dev {name}-far
                 {there} ip link set {name}-far up"
            ));
            up(name, net, metric);
        }
        far.say("bind");
        assert_eq!(far.word(), "bound");
        far
    }

    fn say(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    fn word(&mut self) -> String {
        self.words
            .recv_timeout(PATIENCE)
            .expect("the far side answers")
    }

    /// The longest time without a packet of the agent since the last question, and how many packets came.
    fn gap(&mut self) -> (Duration, u64) {
        self.say("gap");
        let word = self.word();
        let (gap, count) = word.split_once(' ').unwrap();
        (
            Duration::from_millis(gap.parse().unwrap()),
            count.parse().unwrap(),
        )
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Plugs a cable in.
fn up(name: &str, net: u8, metric: u16) {
    shell(&format!(
        "ip addr replace 10.{net}.0.2/24 dev {name}
         ip link set {name} up
         ip route replace {EDGE}/32 via 10.{net}.0.1 dev {name} metric {metric}"
    ));
}

/// What the far side's process does: it obeys.
#[tokio::test]
async fn far_side() {
    if std::env::var(PART).as_deref() != Ok("far") {
        return;
    }
    println!("far: ready");
    let (order, mut orders) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let _ = order.send(line);
        }
    });
    let mut peer: Option<Peer> = None;
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let (mut count, mut first) = (0, 0);
    let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
    loop {
        tokio::select! {
            order = orders.recv() => match order.as_deref().map(|line| line.split_once(' ').unwrap_or((line, ""))) {
                None => return,
                Some(("bind", _)) => {
                    let options = PeerOptions { voice: Voice::Tone { hz: 660.0 }, bind: EDGE.parse().unwrap(), offer: OfferShape::default() };
                    peer = Some(Peer::start(options).await.unwrap());
                    println!("far: bound");
                }
                Some(("offer", _)) => {
                    let offer = peer.as_ref().unwrap().offer().await.unwrap();
                    println!("far: {}", offer.replace("\r\n", "\n").replace('\n', "|"));
                }
                Some(("answer", text)) => {
                    peer.as_ref().unwrap().accept_answer(&text.replace('|', "\n")).await.unwrap();
                    println!("far: taken");
                }
                Some(("gap", _)) => {
                    println!("far: {} {}", longest.max(last.elapsed()).as_millis(), count - first);
                    (longest, last, first) = (Duration::ZERO, Instant::now(), count);
                }
                Some((other, _)) => panic!("{other}?"),
            },
            _ = looks.tick() => {
                let now = peer.as_ref().map_or(0, |peer| peer.counters().packets_received);
                if now > count {
                    longest = longest.max(last.elapsed());
                    (count, last) = (now, Instant::now());
                }
            }
        }
    }
}

struct Scene {
    far: Far,
    engine: Engine,
    id: CallId,
}

impl Scene {
    async fn connected() -> Self {
        let mut far = Far::start();
        let mut engine = Engine::start(AudioMode::None);
        let id = CallId::from("c1");
        exchange(&mut far, &mut engine, &id).await;
        engine.path(&id, LinkState::Up).await;
        engine.first_audio(&id).await;
        let mut scene = Self { far, engine, id };
        scene.flows("before anything happens").await;
        scene
    }

    /// Asserts that packets come and go now.
    async fn flows(&mut self, when: &str) {
        let before = self.engine.fresh_sample(&self.id).await;
        self.far.gap();
        let after = self.engine.fresh_sample(&self.id).await;
        let (gap, count) = self.far.gap();
        assert!(after.received > before.received + 20, "{when}: {after:?}");
        assert!(count > 20, "{when}: {count} packets, longest gap {gap:?}");
    }

    /// Does something to the network and waits until packets come and go again; says how long there were none, in
    /// the direction that lacked them longer.
    async fn after(&mut self, what: &str, act: impl FnOnce()) -> Duration {
        self.far.gap();
        let before = self.engine.fresh_sample(&self.id).await;
        act();
        let mut lacking = 0;
        for second in 1..=3 {
            let sample = self.engine.sample(&self.id).await;
            lacking = (before.received + 50 * second).saturating_sub(sample.received);
        }
        // One packet in 20 ms; those on their way and a second that is a bit short count as well.
        let missed = Duration::from_millis(20 * lacking);
        let (gap, count) = self.far.gap();
        println!(
            "{what}: the far side heard nothing for {gap:?} ({count} packets), we missed {missed:?}"
        );
        self.flows(what).await;
        gap.max(missed)
    }
}

async fn exchange(far: &mut Far, engine: &mut Engine, id: &CallId) -> String {
    far.say("offer");
    let offer = far.word().replace('|', "\n");
    engine.ask(MediaRequest::Answer(id.clone(), offer));
    let answer = engine.local(id, SdpKind::Answer).await;
    far.say(&format!("answer {}", answer.trim_end().replace('\n', "|")));
    assert_eq!(far.word(), "taken");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_follows_its_machine_to_another_network() {
    if !is_inside("a_call_follows_its_machine_to_another_network") {
        return;
    }
    let mut scene = Scene::connected().await;
    let gone = scene
        .after("the address is taken away", || {
            shell("ip addr flush dev wifi")
        })
        .await;
    assert!(gone < PROMISE, "{gone:?}");
    up("wifi", 1, 100);
    // What still carries is not left for what would be preferred.
    scene.flows("a better network comes").await;
    let off = scene
        .after("the cable in use goes dead", || {
            shell("ip link set lan down")
        })
        .await;
    assert!(off < PROMISE, "{off:?}");
    // What we say of ourselves is where we are.
    up("lan", 2, 200);
    let answer = exchange(&mut scene.far, &mut scene.engine, &scene.id).await;
    assert!(answer.contains("10.1.0.2"), "{answer}");
    scene.flows("after a re-offer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_follows_a_vpn_up_and_down() {
    if !is_inside("a_call_follows_a_vpn_up_and_down") {
        return;
    }
    let mut scene = Scene::connected().await;
    // What leaves through the tunnel with the old address is thrown away there; what comes in still comes.
    let pid = scene.far.process.id();
    shell(&format!(
        "nsenter -t {pid} -n sh -c 'echo 1 > /proc/sys/net/ipv4/conf/lan-far/rp_filter'"
    ));
    // A tunnel knows its other end; this cable has to learn of it first.
    let greeting = std::net::UdpSocket::bind("10.2.0.2:0").unwrap();
    greeting.send_to(&[0], "10.2.0.1:9").unwrap();
    let tunnel = format!("{EDGE}/32 via 10.2.0.1 dev lan metric 50");
    let risen = scene
        .after("the tunnel takes the traffic", || {
            shell(&format!("ip route add {tunnel}"));
        })
        .await;
    assert!(risen < PROMISE, "{risen:?}");
    let fallen = scene
        .after("the tunnel goes", || {
            shell(&format!("ip route del {tunnel}; ip addr flush dev lan"));
        })
        .await;
    assert!(fallen < PROMISE, "{fallen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_any_network_is_lost_and_comes_back_with_the_next() {
    if !is_inside("a_call_without_any_network_is_lost_and_comes_back_with_the_next") {
        return;
    }
    let mut scene = Scene::connected().await;
    shell("ip addr flush dev wifi; ip addr flush dev lan");
    scene.engine.path(&scene.id, LinkState::Lost).await;
    let plugged = Instant::now();
    up("lan", 2, 200);
    scene.engine.path(&scene.id, LinkState::Up).await;
    println!("up {:?} after the network", plugged.elapsed());
    assert!(plugged.elapsed() < PROMISE, "{:?}", plugged.elapsed());
    scene.flows("after a time without network").await;
}
