//! The rules against real proxies and real TLS servers on this machine.
#![allow(clippy::unwrap_used)]

mod hosts;
mod net;
mod proxy;
mod tls;
