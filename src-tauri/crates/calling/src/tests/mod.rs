//! Cases of calling section 7, in virtual time, and what they play against.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod answering;
mod call;
mod finding;
mod leaving;
mod property;
mod registration;
mod shell;
mod socket;
mod world;

use std::time::Duration;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
