//! One socket that can be moved, as the library sees it.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rtc::crypto::RTCCryptoProvider;
use tokio::time::{Interval, MissedTickBehavior};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime as _, TokioRuntime, Transmit};

use super::Shared;
use super::check::{self, Kind};
use super::judge::{Judge, Step, Way};
use crate::transport::tunnel::Tunnel;
use crate::transport::{BindPolicy, Relays, addresses};

/// How often the way to the far side is judged.
const LOOK: Duration = Duration::from_millis(100);

/// A socket under the name it had first.
pub(super) struct Socket {
    home: SocketAddr,
    policy: BindPolicy,
    relays: Option<Arc<Relays>>,
    /// Streams to relays, by the addresses the library knows these by.
    tunnels: Mutex<Vec<(SocketAddr, Tunnel)>>,
    shared: Arc<Shared>,
    crypto: Arc<dyn RTCCryptoProvider>,
    looks: Mutex<Interval>,
    place: Mutex<Place>,
}

/// Where it is.
struct Place {
    inner: Arc<dyn AsyncUdpSocket>,
    bound: SocketAddr,
    /// How often it has been elsewhere before.
    moves: u32,
    /// Where media goes.
    far: Option<SocketAddr>,
    /// The library's last check of the far side.
    last_check: Vec<u8>,
    judge: Judge,
}

fn plain(contents: &[u8], destination: SocketAddr) -> Transmit<'_> {
    Transmit {
        destination,
        ecn: None,
        contents,
        segment_size: None,
        src_ip: None,
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket")
            .field("home", &self.home)
            .field("bound", &lock(&self.place).bound)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Socket {
    pub(super) fn new(
        socket: UdpSocket,
        policy: BindPolicy,
        relays: Option<Arc<Relays>>,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        let home = socket.local_addr()?;
        let crypto = rtc::crypto::default_provider().map_err(io::Error::other)?;
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            home,
            policy,
            relays,
            tunnels: Mutex::new(Vec::new()),
            shared,
            crypto,
            looks: Mutex::new(looks),
            place: Mutex::new(Place {
                inner: TokioRuntime.wrap_udp_socket(socket)?,
                bound: home,
                moves: 0,
                far: None,
                last_check: Vec::new(),
                judge: Judge::new(Instant::now()),
            }),
        })
    }

    fn inner(&self) -> Arc<dyn AsyncUdpSocket> {
        Arc::clone(&lock(&self.place).inner)
    }

    /// The way to the far side from here; nothing is sent for that.
    fn way(&self, far: SocketAddr, bound: IpAddr) -> Way {
        let from = addresses::toward(far.ip()).filter(|from| match &self.policy {
            BindPolicy::Interfaces => true,
            BindPolicy::Only(allowed) => allowed.iter().any(|one| IpAddr::V4(*one) == *from),
        });
        let gone = from != Some(bound) && UdpSocket::bind((bound, 0)).is_err();
        Way { from, gone }
    }

    /// Whether the call's media leaves here.
    fn is_speaking(&self) -> bool {
        self.shared.with(|known| known.speaking) == Some(self.home)
    }

    fn look(&self) {
        if !self.is_speaking() {
            return;
        }
        let mut place = lock(&self.place);
        let now = Instant::now();
        let Some(far) = place.far.filter(|_| place.judge.wants_a_look(now)) else {
            return;
        };
        let bound = place.bound.ip();
        let way = self.way(far, bound);
        match place.judge.step(now, bound, way) {
            Step::Stay => {}
            Step::Ask => {
                let mut nobody = Context::from_waker(std::task::Waker::noop());
                if let Some(check) = self.check(&place)
                    && let Poll::Ready(Err(error)) =
                        place.inner.poll_send(&mut nobody, &plain(&check, far))
                {
                    tracing::debug!(%error, "the far side was not asked");
                }
            }
            Step::Move(address) => match self.go(&mut place, address, far) {
                Ok(()) => {
                    tracing::info!(from = %bound, to = %address, "the call goes on from another address");
                }
                // It went while we looked: the next look finds another, or none.
                Err(error) => tracing::warn!(%address, %error, "an address cannot be used"),
            },
        }
    }

    fn go(&self, place: &mut Place, address: IpAddr, far: SocketAddr) -> io::Result<()> {
        let socket = UdpSocket::bind((address, 0))?;
        let bound = socket.local_addr()?;
        place.moves += 1;
        if let Some(check) = self.check(place) {
            socket.send_to(&check, far)?;
        }
        place.inner = TokioRuntime.wrap_udp_socket(socket)?;
        place.bound = bound;
        self.shared.with(|known| {
            known.moved.retain(|(home, _)| *home != self.home);
            known.moved.push((self.home, bound));
        });
        Ok(())
    }

    /// What asks the far side from here; nothing before the library has asked it once.
    fn check(&self, place: &Place) -> Option<Vec<u8>> {
        let password = self.shared.with(|known| known.password.clone())?;
        check::renewed(&place.last_check, &password, place.moves, &*self.crypto)
            .inspect_err(|error| tracing::debug!(%error, "the far side cannot be asked"))
            .ok()
    }

    /// Sends to a relay behind a stream; false if this is none.
    fn tunnelled(&self, transmit: &Transmit<'_>) -> bool {
        let behind = |relays: &Arc<Relays>| relays.behind(transmit.destination).cloned();
        let (Some(relays), Some(relay)) = (&self.relays, self.relays.as_ref().and_then(behind))
        else {
            return false;
        };
        let mut tunnels = lock(&self.tunnels);
        let known = tunnels
            .iter()
            .position(|(address, _)| *address == transmit.destination);
        let index = known.unwrap_or_else(|| {
            tunnels.push((transmit.destination, Tunnel::to(&relay, relays)));
            tunnels.len() - 1
        });
        tunnels[index].1.send(transmit.contents);
        true
    }

    /// A datagram that came through a stream.
    fn poll_tunnels(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<usize> {
        let (Some(buffer), Some(about)) = (bufs.first_mut(), meta.first_mut()) else {
            return Poll::Pending;
        };
        for (address, tunnel) in lock(&self.tunnels).iter() {
            if let Poll::Ready(datagram) = tunnel.poll_back(cx) {
                let length = datagram.len().min(buffer.len());
                buffer[..length].copy_from_slice(&datagram[..length]);
                *about = RecvMeta::default();
                about.addr = *address;
                about.len = length;
                about.stride = length.max(1);
                return Poll::Ready(1);
            }
        }
        Poll::Pending
    }

    fn sent(&self, transmit: &Transmit<'_>) {
        match check::kind(transmit.contents) {
            Kind::Media => {
                let mut place = lock(&self.place);
                if place.far != Some(transmit.destination) {
                    place.far = Some(transmit.destination);
                    place.judge = Judge::new(Instant::now());
                }
                drop(place);
                self.shared.with(|known| known.speaking = Some(self.home));
            }
            Kind::Check => {
                let mut place = lock(&self.place);
                transmit.contents.clone_into(&mut place.last_check);
            }
            Kind::Answer | Kind::Other => {}
        }
    }

    fn received(&self, packet: &[u8], from: SocketAddr) {
        let mut place = lock(&self.place);
        if place.far == Some(from) {
            let is_answer = check::kind(packet) == Kind::Answer;
            place.judge.heard(Instant::now(), is_answer);
        }
    }
}

impl AsyncUdpSocket for Socket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.home)
    }

    fn max_gso_segments(&self) -> usize {
        self.inner().max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner().max_gro_segments()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if self.tunnelled(transmit) {
            return Poll::Ready(Ok(transmit.contents.len()));
        }
        let sent = self.inner().poll_send(cx, transmit);
        match &sent {
            Poll::Ready(Ok(_)) => self.sent(transmit),
            Poll::Ready(Err(error)) => {
                let mut place = lock(&self.place);
                if place.far == Some(transmit.destination) {
                    tracing::debug!(%error, "a packet did not leave");
                    place.judge.failed();
                    // It is lost, as packets are; the connection is not.
                    return Poll::Ready(Ok(transmit.contents.len()));
                }
            }
            Poll::Pending => {}
        }
        sent
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        while lock(&self.looks).poll_tick(cx).is_ready() {
            self.look();
        }
        if let Poll::Ready(count) = self.poll_tunnels(cx, bufs, meta) {
            return Poll::Ready(Ok(count));
        }
        let received = self.inner().poll_recv(cx, bufs, meta);
        match &received {
            Poll::Ready(Ok(count)) => {
                for (buffer, about) in bufs.iter().zip(meta.iter()).take(*count) {
                    self.received(&buffer[..about.len.min(buffer.len())], about.addr);
                }
            }
            Poll::Ready(Err(error)) if self.is_speaking() => {
                tracing::debug!(%error, "the socket is not usable");
                lock(&self.place).judge.failed();
                // The next look wakes us, and may find another place.
                return Poll::Pending;
            }
            Poll::Ready(Err(_)) | Poll::Pending => {}
        }
        received
    }
}
