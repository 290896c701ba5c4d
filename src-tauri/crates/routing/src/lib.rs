//! The way to the routing service: REST and the notification socket.
//!
//! [`run`] is a task with an inbox of [`deskline_core::RoutingRequest`] and an outbox of
//! [`deskline_core::RoutingFact`]. It signs in, keeps one socket alive, sends what it is asked to
//! send and passes frames on as they came. It deliberately does not know what a frame means,
//! which command waits for it, or what a task is: those are the rules of `core`.
//!
//! Start reading at [`run`]; when a connection counts as lost is decided in `supervision`.

mod adapter;
mod address;
mod assistant;
mod catalog;
mod config;
mod http;
mod problem;
mod profile;
mod sign_in;
mod socket;
mod subscription;
mod supervision;

pub use adapter::run;
pub use config::{Config, DEFAULT_U2C, Renew, Services, SessionOptions};
