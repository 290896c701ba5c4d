//! One far side: sends the script's packets as the script's network would have delivered them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpWrite, SeqNo};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use tokio::net::UdpSocket;
use tokio::sync::{oneshot, watch};

/// What is sent, and what becomes of it on the way.
pub(crate) struct Script {
    packets: Vec<Vec<u8>>,
    /// One-way delay of each packet; none when it is lost. Empty: everything arrives at once.
    network: Vec<Option<Duration>>,
    repeat: bool,
    /// Whether the near side's own packets go back to it as they are; then there are no others.
    reflect: bool,
}

impl Script {
    /// Nothing of our own: what comes in goes out again, unopened. What is then heard is the near side's own voice
    /// after one way through all of its sender and all of its receiver.
    pub(crate) fn mirror() -> Self {
        Self {
            packets: Vec::new(),
            network: Vec::new(),
            repeat: false,
            reflect: true,
        }
    }

    /// Reads an `.opkt` file and, unless its name is `none`, a trace.
    pub(crate) fn read(packets: &str, trace: &str, repeat: bool) -> Self {
        let bytes = std::fs::read(packets).unwrap();
        let mut rest = bytes.as_slice();
        let mut found = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (packet, after) = after.split_at(usize::from(u16::from_le_bytes(*length)));
            found.push(packet.to_vec());
            rest = after;
        }
        Self {
            packets: found,
            network: if trace == "none" {
                Vec::new()
            } else {
                read_trace(trace)
            },
            repeat,
            reflect: false,
        }
    }

    fn packet(&self, index: usize) -> Option<&[u8]> {
        let index = if self.repeat && !self.packets.is_empty() {
            index % self.packets.len()
        } else {
            index
        };
        self.packets.get(index).map(Vec::as_slice)
    }

    fn delay(&self, index: usize) -> Option<Duration> {
        if self.network.is_empty() {
            return Some(Duration::ZERO);
        }
        self.network[index % self.network.len()]
    }
}

/// What a peer has done so far.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
    /// The longest time a packet left after it was due, in microseconds.
    pub(crate) late_us: AtomicU64,
    /// Packets that left more than 5 ms after they were due: with many of them the run is disturbed.
    pub(crate) late: AtomicU64,
    pub(crate) is_over: AtomicBool,
}

/// A handle to a far side; it ends when the handle is dropped.
pub(crate) struct Peer {
    pub(crate) offer: String,
    pub(crate) tally: Arc<Tally>,
    pub(crate) ended: watch::Receiver<bool>,
    answer: Option<oneshot::Sender<SdpAnswer>>,
    _hang_up: oneshot::Sender<()>,
}

impl Peer {
    /// Opens a socket and makes an offer; the script starts half a second after the connection stands.
    pub(crate) async fn start(script: Arc<Script>, bind: IpAddr) -> Self {
        let socket = UdpSocket::bind((bind, 0)).await.unwrap();
        let local = socket.local_addr().unwrap();
        let mut rtc = RtcConfig::new()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .build(Instant::now());
        rtc.add_local_candidate(Candidate::host(local, Protocol::Udp).unwrap());
        let mut change = rtc.sdp_api();
        let mid = change.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        let (offer, pending) = change.apply().unwrap();
        let (answer, answered) = oneshot::channel::<SdpAnswer>();
        let (hang_up, hung_up) = oneshot::channel();
        let (end, ended) = watch::channel(false);
        let tally = Arc::new(Tally::default());
        let line = Line {
            rtc,
            socket,
            local,
            mid,
            script,
            tally: Arc::clone(&tally),
            waiting: BinaryHeap::new(),
            mirrored: Vec::new(),
            started: None,
            next: 0,
            end,
        };
        tokio::spawn(async move {
            let Ok(answer) = answered.await else { return };
            let mut line = line;
            line.rtc.sdp_api().accept_answer(pending, answer).unwrap();
            line.run(hung_up).await;
        });
        Self {
            offer: offer.to_sdp_string(),
            tally,
            ended,
            answer: Some(answer),
            _hang_up: hang_up,
        }
    }

    /// Takes the near side's answer.
    pub(crate) fn answer(&mut self, sdp: &str) {
        let sdp = sdp.replace("\r\n", "\n");
        let answer = SdpAnswer::from_sdp_string(&sdp.replace('\n', "\r\n")).unwrap();
        let _ = self.answer.take().unwrap().send(answer);
    }
}

/// When a datagram arrives, the packet's index, where it goes, and what it is.
type OnItsWay = (Instant, usize, SocketAddr, Vec<u8>);

struct Line {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    mid: Mid,
    script: Arc<Script>,
    tally: Arc<Tally>,
    waiting: BinaryHeap<Reverse<OnItsWay>>,
    mirrored: Vec<(u64, u32, Vec<u8>)>,
    started: Option<Instant>,
    next: usize,
    end: watch::Sender<bool>,
}

/// Time for the near side to get ready before the first packet; a script that repeats has no beginning to miss.
const SETTLE: Duration = Duration::from_millis(500);
const SETTLE_REPEATED: Duration = Duration::from_millis(20);
const PACKET: Duration = Duration::from_millis(20);

impl Line {
    async fn run(mut self, mut hung_up: oneshot::Receiver<()>) {
        let mut buffer = vec![0; 2048];
        while let Some(wanted) = self.poll(None) {
            self.mirror();
            let now = Instant::now();
            self.release(now);
            let packet = self
                .started
                .filter(|_| self.script.packet(self.next).is_some())
                .map(|start| start + PACKET * self.next as u32);
            let due = self.waiting.peek().map(|Reverse(first)| first.0);
            let wake = [Some(wanted), packet, due]
                .into_iter()
                .flatten()
                .min()
                .unwrap();
            tokio::select! {
                _ = &mut hung_up => {
                    let _ = self.rtc.close();
                    self.poll(None);
                    break;
                }
                received = self.socket.recv_from(&mut buffer) => {
                    let Ok((length, source)) = received else { continue };
                    let now = Instant::now();
                    let Ok(receive) = Receive::new(Protocol::Udp, source, self.local, &buffer[..length]) else { continue };
                    if let Err(error) = self.rtc.handle_input(Input::Receive(now, receive)) {
                        eprintln!("not understood: {error}");
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            let now = Instant::now();
            if let Err(error) = self.rtc.handle_input(Input::Timeout(now)) {
                eprintln!("the call ends: {error}");
                break;
            }
            if packet.is_some_and(|at| at <= now) {
                self.say();
            }
            self.mirror();
            if self.started.is_some()
                && !self.script.reflect
                && self.script.packet(self.next).is_none()
                && self.waiting.is_empty()
            {
                self.end.send_replace(true);
            }
        }
        self.tally.is_over.store(true, Ordering::Relaxed);
        self.end.send_replace(true);
    }

    /// Sends back what came in.
    fn mirror(&mut self) {
        for (number, time, payload) in std::mem::take(&mut self.mirrored) {
            let now = Instant::now();
            let mut direct = self.rtc.direct_api();
            let Some(stream) = direct.stream_tx_by_mid(self.mid, None) else {
                return;
            };
            stream.write_rtp(RtpWrite::new(111.into(), number.into(), time, now, payload));
            self.poll(Some(Some((now, self.next))));
            self.next += 1;
        }
    }

    /// Writes the next packet of the script and puts the datagram it becomes on its way.
    fn say(&mut self) {
        let (index, start) = (self.next, self.started.unwrap());
        self.next += 1;
        let payload = self.script.packet(index).unwrap().to_vec();
        let mut direct = self.rtc.direct_api();
        let Some(stream) = direct.stream_tx_by_mid(self.mid, None) else {
            return;
        };
        let number = SeqNo::from(index as u64 + 1);
        stream.write_rtp(RtpWrite::new(
            111.into(),
            number,
            index as u32 * 960,
            Instant::now(),
            payload,
        ));
        let way = self
            .script
            .delay(index)
            .map(|delay| (start + PACKET * index as u32 + delay, index));
        self.poll(Some(way));
    }

    /// Moves what the library has to say; a datagram of RTP goes the way of the packet just written.
    fn poll(&mut self, way: Option<Option<(Instant, usize)>>) -> Option<Instant> {
        if way.is_some() {
            // Sending happens when time passes.
            self.rtc.handle_input(Input::Timeout(Instant::now())).ok()?;
        }
        while self.rtc.is_alive() {
            let output = self.rtc.poll_output();
            match output
                .inspect_err(|error| eprintln!("the call ends: {error}"))
                .ok()?
            {
                Output::Timeout(at) => return Some(at),
                Output::Transmit(datagram) => {
                    let is_rtp = matches!(*datagram.contents, [128..=191, kind, ..] if !(192..=223).contains(&kind));
                    match way {
                        Some(Some((due, index))) if is_rtp => {
                            self.waiting.push(Reverse((
                                due,
                                index,
                                datagram.destination,
                                datagram.contents.to_vec(),
                            )));
                        }
                        Some(None) if is_rtp => {}
                        _ => {
                            assert!(!is_rtp, "a packet left out of turn");
                            let _ = self
                                .socket
                                .try_send_to(&datagram.contents, datagram.destination);
                        }
                    }
                }
                Output::Event(event) => self.take(event),
            }
        }
        None
    }

    fn take(&mut self, event: Event) {
        if let Event::RtpPacket(packet) = event {
            self.tally.received.fetch_add(1, Ordering::Relaxed);
            if self.script.reflect {
                self.mirrored.push((
                    *packet.seq_no,
                    packet.header.timestamp,
                    packet.payload.to_vec(),
                ));
            }
        } else if matches!(event, Event::Connected) && self.started.is_none() {
            let settle = if self.script.repeat {
                SETTLE_REPEATED
            } else {
                SETTLE
            };
            self.started = Some(Instant::now() + settle);
        }
    }

    fn release(&mut self, now: Instant) {
        while let Some(Reverse((due, ..))) = self.waiting.peek() {
            if *due > now {
                break;
            }
            let Some(Reverse((due, _, to, datagram))) = self.waiting.pop() else {
                break;
            };
            let _ = self.socket.try_send_to(&datagram, to);
            self.tally.sent.fetch_add(1, Ordering::Relaxed);
            let late = u64::try_from((now - due).as_micros()).unwrap_or(u64::MAX);
            self.tally.late_us.fetch_max(late, Ordering::Relaxed);
            self.tally
                .late
                .fetch_add(u64::from(late > 5_000), Ordering::Relaxed);
        }
    }
}

fn read_trace(path: &str) -> Vec<Option<Duration>> {
    let mut network = Vec::new();
    for row in std::fs::read_to_string(path).unwrap().lines() {
        let fields: Vec<&str> = row.split(',').collect();
        let index: usize = fields[0].trim().parse().unwrap();
        let is_lost = fields[1].trim() == "1";
        let delay_ms: f64 = fields[2].trim().parse().unwrap();
        network.resize(network.len().max(index + 1), None);
        network[index] = (!is_lost).then(|| Duration::from_secs_f64(delay_ms / 1000.0));
    }
    network
}
