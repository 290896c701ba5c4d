//! A call that changes its address and goes on.
//!
//! The library binds its sockets when a call begins and knows each by the address it had then. When that address goes,
//! or the way to the far side leads elsewhere (another network, a VPN, a new lease after sleep), the socket behind the
//! name is replaced and the far side is asked from the new address, by a connectivity check that nominates it. A far
//! side that knows ICE moves with the first such check; no description has to be exchanged, which matters because the
//! way to the service is often away at that moment as well (ADR 0013).

mod check;
mod judge;
mod socket;

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    TokioRuntime,
};

use self::socket::Socket;
use super::{BindPolicy, Relays};

/// What the sockets of one connection share.
#[derive(Default)]
pub(super) struct Shared {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The far side's ICE password: with it checks are signed.
    password: Option<String>,
    /// The name of the socket through which media left last.
    speaking: Option<SocketAddr>,
    /// Sockets that are elsewhere than their name says.
    moved: Vec<(SocketAddr, SocketAddr)>,
}

impl Shared {
    /// The far side's description is another.
    pub(super) fn set_password(&self, password: &str) {
        self.with(|known| known.password = Some(password.to_owned()));
    }

    /// Our description with the addresses the sockets have by now.
    pub(super) fn rename(&self, description: &str) -> String {
        let moved = self.with(|known| known.moved.clone());
        let mut out = String::with_capacity(description.len());
        for line in description.lines() {
            let there = moved.iter().find_map(|(home, now)| {
                let old = format!(" {} {} ", home.ip(), home.port());
                (line.starts_with("a=candidate:") && line.contains(&old))
                    .then(|| line.replacen(&old, &format!(" {} {} ", now.ip(), now.port()), 1))
            });
            out.push_str(there.as_deref().unwrap_or(line));
            out.push('\n');
        }
        out
    }

    fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password is not for logs.
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// The library's runtime, but for its sockets.
#[derive(Debug)]
pub(super) struct Roaming {
    library: TokioRuntime,
    policy: BindPolicy,
    relays: Option<Arc<Relays>>,
    shared: Arc<Shared>,
}

impl Roaming {
    pub(super) fn new(
        policy: &BindPolicy,
        relays: Option<&Arc<Relays>>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            library: TokioRuntime,
            policy: policy.clone(),
            relays: relays.cloned(),
            shared,
        }
    }
}

impl Runtime for Roaming {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        self.library.spawn(future)
    }

    fn spawn_reactor(
        &self,
        size: usize,
        future: Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Box<dyn JoinHandle> {
        self.library.spawn_reactor(size, future)
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let socket = Socket::new(
            socket,
            self.policy.clone(),
            self.relays.clone(),
            Arc::clone(&self.shared),
        )?;
        Ok(Arc::new(socket))
    }

    fn wrap_tcp_listener(&self, listener: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.library.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        far: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        self.library.connect_tcp(far)
    }

    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        self.library.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.library.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.library.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.library.block_on(future);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_where_the_socket_is_by_now() {
        let shared = Shared::default();
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        shared.with(|known| known.moved.push((at("10.1.0.2:5000"), at("10.2.0.2:6000"))));
        let raw = "a=candidate:1 1 udp 1 10.1.0.2 5000 typ host\na=candidate:2 1 udp 1 10.1.0.2 50001 typ host\nc=IN IP4 10.1.0.2\n";
        assert_eq!(
            shared.rename(raw),
            "a=candidate:1 1 udp 1 10.2.0.2 6000 typ host\na=candidate:2 1 udp 1 10.1.0.2 50001 typ host\nc=IN IP4 10.1.0.2\n"
        );
    }
}
