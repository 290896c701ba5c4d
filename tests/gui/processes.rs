//! The processes of the app, found by their parents: other windows of the same program may run beside us.

use std::fs;
use std::time::{Duration, Instant};

use crate::page::PATIENCE;

/// The first descendant of `ancestor` with this name (as in `/proc/…/comm`, at most 15 letters).
pub(crate) fn descendant(ancestor: u32, name: &str) -> Option<u32> {
    let all: Vec<(u32, u32, String)> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let (before, after) = stat.rsplit_once(')')?;
            let comm = before.split_once('(')?.1.to_owned();
            let mut fields = after.split_whitespace();
            let state = fields.next()?;
            let parent = fields.next()?.parse().ok()?;
            (state != "Z").then_some((pid, parent, comm))
        })
        .collect();
    let mut family = vec![ancestor];
    let mut index = 0;
    while let Some(&parent) = family.get(index) {
        index += 1;
        for (pid, its_parent, comm) in &all {
            if *its_parent == parent {
                if comm == name {
                    return Some(*pid);
                }
                family.push(*pid);
            }
        }
    }
    None
}

/// Waits for such a descendant.
pub(crate) async fn await_descendant(ancestor: u32, name: &str, except: Option<u32>) -> u32 {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(pid) = descendant(ancestor, name).filter(|pid| Some(*pid) != except) {
            return pid;
        }
        assert!(Instant::now() < until, "there is no {name}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends a signal to one process of ours.
pub(crate) fn signal(pid: u32, signal: &str) {
    let status = std::process::Command::new("kill")
        .args([signal, &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "kill {signal} {pid}");
}

/// Waits until a process is gone.
pub(crate) async fn gone(pid: u32) -> bool {
    let until = Instant::now() + Duration::from_secs(12);
    while fs::metadata(format!("/proc/{pid}")).is_ok() {
        if Instant::now() > until {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    true
}
