//! The real window, driven through WebDriver, against a contact centre in this process.
//!
//! It runs inside `support/desktop-session.sh` with `DESKLINE_APP` naming the app, built with
//! `--features tauri/custom-protocol`. Read the stories; how they are staged is in `stage`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod account;
mod calls;
mod connection;
mod consult;
mod devices;
mod digital;
mod look;
mod looks;
mod outdial;
mod page;
mod picture;
mod privacy;
mod processes;
mod quality;
mod shell;
mod sound;
mod stage;
