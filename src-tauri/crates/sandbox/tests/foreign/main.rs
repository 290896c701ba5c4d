//! A foreign client, written from the protocol pages alone, against the sandbox over real sockets.

#![allow(clippy::unwrap_used, missing_docs)]

mod calls;
mod client;
mod directing;
mod failover;
mod hostile;
mod identity;
mod scenes;
mod session;
mod verbs;
