//! str0m as a far side that decides itself about every packet's source, number and time: a server with a full ICE agent
//! and one host candidate, which may do in mid-call whatever the standard lets it do.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use deskline_voice::codec::{Codec, CodecKind, Decoder, Encoder, Wishes};
use serde_json::{Value, json};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpWrite, SeqNo};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

const PACKET: Duration = Duration::from_millis(20);
const TICKS: u32 = 960;

/// What the ear keeps: a fifth of a second.
const EAR: usize = 9_600;

type Reply = Result<Value, String>;
type Order = (String, Value, oneshot::Sender<Reply>);

/// A handle to one call; the call ends with it.
pub(crate) struct Str0m {
    orders: mpsc::Sender<Order>,
}

impl Str0m {
    /// Opens a port on the loopback.
    pub(crate) async fn open() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let local = socket.local_addr().unwrap();
        let config = RtcConfig::new().set_rtp_mode(true).clear_codecs();
        let mut rtc = config.enable_opus(true, false).build(Instant::now());
        rtc.add_local_candidate(Candidate::host(local, Protocol::Udp).unwrap());
        let opus = Codec {
            payload_type: 111,
            kind: CodecKind::Opus,
            fmtp: None,
        };
        let (orders, inbox) = mpsc::channel(1);
        let call = Call {
            rtc,
            socket,
            local,
            pending: None,
            mid: None,
            encoder: Encoder::new(Wishes::of(&opus, Some(20))).unwrap(),
            decoder: Decoder::new().unwrap(),
            ear: Vec::new(),
            hz: 0.0,
            said: 0,
            sequence: 1_000,
            timestamp: 1_000,
            next: None,
            is_silent: false,
        };
        tokio::spawn(call.run(inbox));
        Self { orders }
    }

    /// Lets it do one thing and gives what came of it, or why it could not.
    pub(crate) async fn ask(&mut self, verb: &str, wish: &Value) -> Reply {
        let (reply, replied) = oneshot::channel();
        let order = (verb.to_owned(), wish.clone(), reply);
        self.orders.send(order).await.map_err(|_| "it has gone")?;
        replied.await.map_err(|_| "it has gone")?
    }
}

struct Call {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    pending: Option<SdpPendingOffer>,
    mid: Option<Mid>,
    encoder: Encoder,
    decoder: Decoder,
    ear: Vec<f32>,
    hz: f64,
    /// Samples of the tone so far.
    said: u64,
    sequence: u64,
    timestamp: u32,
    /// When the next packet is due, once connected.
    next: Option<Instant>,
    /// Whether it was agreed that it sends nothing.
    is_silent: bool,
}

impl Call {
    async fn run(mut self, mut inbox: mpsc::Receiver<Order>) {
        let mut buffer = vec![0; 2_048];
        while let Some(wanted) = self.poll() {
            let wake = self.next.map_or(wanted, |next| next.min(wanted));
            tokio::select! {
                order = inbox.recv() => {
                    let Some((verb, wish, reply)) = order else { break };
                    let done = self.obey(&verb, &wish);
                    let _ = reply.send(done);
                }
                received = self.socket.recv_from(&mut buffer) => {
                    let Ok((length, source)) = received else { continue };
                    if let Ok(receive) = Receive::new(Protocol::Udp, source, self.local, &buffer[..length]) {
                        let _ = self.rtc.handle_input(Input::Receive(Instant::now(), receive));
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            while self.next.is_some_and(|next| next <= Instant::now()) {
                self.say();
            }
            let _ = self.rtc.handle_input(Input::Timeout(Instant::now()));
        }
        self.rtc.disconnect();
    }

    fn obey(&mut self, verb: &str, wish: &Value) -> Reply {
        match verb {
            "start" => {
                self.hz = wish["hz"].as_f64().ok_or("hz?")?;
                Ok(Value::Null)
            }
            "offer" => {
                let direction = match wish["direction"].as_str() {
                    Some("sendonly") => Direction::SendOnly,
                    Some("inactive") => Direction::Inactive,
                    _ => Direction::SendRecv,
                };
                let mut change = self.rtc.sdp_api();
                match self.mid {
                    Some(mid) => change.set_direction(mid, direction),
                    None => {
                        let kind = MediaKind::Audio;
                        self.mid = Some(change.add_media(kind, direction, None, None, None));
                    }
                }
                if wish["iceRestart"] == true {
                    change.ice_restart(true);
                }
                // Without a change there is nothing to offer; the last thing said is not offered again by this library.
                let (offer, pending) = change.apply().ok_or("nothing to offer")?;
                self.pending = Some(pending);
                Ok(json!(offer.to_sdp_string()))
            }
            "answer" => {
                let offer = SdpOffer::from_sdp_string(&text(wish)).map_err(|e| e.to_string())?;
                let answer = self.rtc.sdp_api().accept_offer(offer);
                Ok(json!(answer.map_err(|e| e.to_string())?.to_sdp_string()))
            }
            "accept" => {
                let answer = SdpAnswer::from_sdp_string(&text(wish)).map_err(|e| e.to_string())?;
                let pending = self.pending.take().ok_or("nothing is offered")?;
                let done = self.rtc.sdp_api().accept_answer(pending, answer);
                done.map_err(|e| e.to_string()).map(|()| Value::Null)
            }
            // A new source, another number, another time: from the next packet on.
            "jump" => {
                let mid = self.mid.ok_or("no media")?;
                if wish["source"] == true {
                    let mut direct = self.rtc.direct_api();
                    let ssrc = direct.new_ssrc();
                    direct
                        .reset_stream_tx(mid, None, ssrc, None)
                        .ok_or("no stream")?;
                    self.sequence = 30_000;
                }
                self.sequence += wish["packets"].as_u64().unwrap_or(0);
                let ticks = wish["ticks"].as_u64().unwrap_or(0) as u32;
                self.timestamp = self.timestamp.wrapping_add(ticks);
                Ok(Value::Null)
            }
            "heard" => Ok(self.heard()),
            "state" => Ok(json!({"connected": self.rtc.is_connected()})),
            _ => Err(format!("{verb}?")),
        }
    }

    fn say(&mut self) {
        self.next = self.next.map(|next| next + PACKET);
        let mut payload = None;
        while payload.is_none() {
            let mut frame = [0.0; 480];
            for sample in &mut frame {
                let turns = self.hz * self.said as f64 / 48_000.0;
                *sample = (0.3 * (std::f64::consts::TAU * turns).sin()) as f32;
                self.said += 1;
            }
            payload = self.encoder.push(&frame);
        }
        if self.is_silent {
            self.timestamp = self.timestamp.wrapping_add(TICKS);
            return;
        }
        let (number, time, now) = (SeqNo::from(self.sequence), self.timestamp, Instant::now());
        self.sequence += 1;
        self.timestamp = self.timestamp.wrapping_add(TICKS);
        let mut direct = self.rtc.direct_api();
        let stream = self.mid.and_then(|mid| direct.stream_tx_by_mid(mid, None));
        if let (Some(stream), Some(payload)) = (stream, payload) {
            stream.write_rtp(RtpWrite::new(111.into(), number, time, now, payload));
        }
    }

    /// Level and pitch of the last fifth of a second.
    fn heard(&self) -> Value {
        if self.ear.len() < EAR {
            return json!({"hz": 0.0, "db": -120.0});
        }
        let wave = &self.ear[self.ear.len() - EAR..];
        let begun = wave.windows(2).filter(|two| two[0] < 0.0 && two[1] >= 0.0);
        let hz = begun.count() as f64 * 48_000.0 / EAR as f64;
        json!({"hz": hz, "db": deskline_audio::level_db(wave)})
    }

    /// Moves what the library has to say.
    fn poll(&mut self) -> Option<Instant> {
        while self.rtc.is_alive() {
            match self.rtc.poll_output().ok()? {
                Output::Timeout(at) => return Some(at),
                Output::Transmit(datagram) => {
                    let _ = self
                        .socket
                        .try_send_to(&datagram.contents, datagram.destination);
                }
                Output::Event(Event::Connected) => self.next = Some(Instant::now()),
                Output::Event(Event::MediaAdded(added)) => self.mid = Some(added.mid),
                Output::Event(Event::MediaChanged(changed)) => {
                    self.is_silent = !changed.direction.is_sending();
                }
                Output::Event(Event::RtpPacket(packet)) => {
                    self.decoder
                        .decode(CodecKind::Opus, &packet.payload, &mut self.ear);
                    let surplus = self.ear.len().saturating_sub(EAR);
                    self.ear.drain(..surplus);
                }
                Output::Event(_) => {}
            }
        }
        None
    }
}

fn text(wish: &Value) -> String {
    wish["sdp"].as_str().unwrap_or_default().to_owned()
}
