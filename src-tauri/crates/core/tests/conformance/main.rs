//! The published cases of the contact-centre protocol, told as stories of one desk in virtual time.
//!
//! Each test is named after its case; `support` holds the story-teller.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, missing_docs)]

mod agent;
mod assistant;
mod clocks;
mod collection;
mod conference;
mod consult;
mod controls;
mod correlation;
mod directories;
mod errors;
mod golden;
mod handling;
mod late;
mod legs;
mod metrics;
mod next_state;
mod outdial;
mod relogin;
mod shown;
mod support;
mod transfer;
mod wrap_up;
