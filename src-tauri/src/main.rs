//! Deskline's window: the shell around the desk. It makes windows, commands, tray and notifications, and hands
//! everything else over; it knows no rule of a call.
//!
//! Start reading at [`commands`] (what the page may ask), [`front`] (who answers) and [`running`] (what is behind).
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod account;
mod arguments;
mod check;
mod commands;
mod demo;
mod devices;
mod front;
mod logging;
mod lookout;
mod options;
mod picture;
mod practice;
mod running;
mod shell;
mod tray;
mod webview;
mod windows;

use clap::Parser as _;
use deskline_platform::folders::Folders;

/// The words the scripted fronts know: the window's program offers them too.
const SCRIPTED: [&str; 4] = ["headless", "record", "sandbox", "secret"];

fn main() -> std::process::ExitCode {
    if std::env::args()
        .nth(1)
        .is_some_and(|word| SCRIPTED.contains(&word.as_str()))
    {
        return deskline_cli::run(std::env::args_os());
    }
    let options = options::Options::parse();
    let folders = Folders::of_user();
    let logs = folders.as_ref().map(|folders| folders.logs.as_path());
    if let Err(error) = logging::start(&options.log, logs) {
        eprintln!("deskline: {error}");
        return std::process::ExitCode::from(2);
    }
    match shell::run(&options) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("deskline: {error}");
            std::process::ExitCode::from(error.status())
        }
    }
}
