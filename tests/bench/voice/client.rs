//! Deskline's engine as a near side: answers, talks, listens; as many calls as wanted, one after the other or at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use deskline_core::{CallId, Echo, Input, MediaFact, MediaRequest, Noise, SdpKind, VoiceSettings};
use deskline_media::{AudioMode, Config, DeviceChoice};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::http::ask;

struct Near {
    url: String,
    requests: mpsc::UnboundedSender<MediaRequest>,
    facts: mpsc::Receiver<Input>,
    /// Calls of this round in which sound has come.
    heard: u64,
}

/// Rounds of `at-once` calls until there were `calls`; with `hold-ms` each round ends after that time of sound,
/// otherwise with the script. One line of figures every 50 calls, one at the end.
pub(crate) async fn run(options: &HashMap<&str, &str>) {
    let number = |name: &str| options.get(name).and_then(|word| word.parse::<u64>().ok());
    let audio = if options.contains_key("in") || options.contains_key("out") {
        AudioMode::Files {
            input: options.get("in").map(Into::into),
            output: options.get("out").map(Into::into),
        }
    } else if options.contains_key("devices") {
        AudioMode::Devices(DeviceChoice::default())
    } else {
        AudioMode::None
    };
    let (requests, inbox) = mpsc::unbounded_channel();
    let (outbox, facts) = mpsc::channel(1024);
    let stop = CancellationToken::new();
    let engine = tokio::spawn(deskline_media::run(
        Config::plain(audio),
        inbox,
        outbox,
        stop.clone(),
    ));
    let mut near = Near {
        url: options["url"].to_owned(),
        requests,
        facts,
        heard: 0,
    };
    if options.contains_key("plain") {
        // As with a headset in a quiet room; every microphone.
        let untreated = VoiceSettings {
            echo: Echo::Off,
            noise: Noise::Off,
            far_noise: false,
            gain: false,
        };
        let _ = near
            .requests
            .send(MediaRequest::Voice(String::new(), untreated));
    }
    println!("{}", json!({ "calls": 0, "process": process() }));
    let (wanted, at_once) = (number("calls").unwrap_or(1), number("at-once").unwrap_or(1));
    let hold = number("hold-ms").map(Duration::from_millis);
    let (mut done, mut said) = (0, 0);
    while done < wanted {
        let calls = near.round(at_once, hold).await;
        done += at_once;
        if done - said >= 50 || done >= wanted || at_once > 1 {
            said = done;
            println!(
                "{}",
                json!({ "calls": done, "process": process(), "round": calls })
            );
        }
    }
    stop.cancel();
    engine.await.unwrap().unwrap();
    println!(
        "{}",
        json!({ "calls": done, "ended": true, "process": process() })
    );
}

impl Near {
    /// Opens so many calls, holds them, reports and closes them.
    async fn round(&mut self, count: u64, hold: Option<Duration>) -> Value {
        let started = Instant::now();
        self.heard = 0;
        let mut open = Vec::new();
        for _ in 0..count {
            let offered: Value =
                serde_json::from_str(&ask(&self.url, "/offer", None).await).unwrap();
            let number = offered["call"].as_u64().unwrap();
            let call = CallId::from(format!("call-{number}").as_str());
            let sdp = offered["sdp"].as_str().unwrap().to_owned();
            let _ = self.requests.send(MediaRequest::Answer(call.clone(), sdp));
            let answer = self.local(&call).await;
            ask(&self.url, &format!("/answer/{number}"), Some(&answer)).await;
            open.push((number, call));
        }
        let mut last_samples = HashMap::new();
        let (url, first) = (self.url.clone(), open[0].0);
        let end = async move {
            match hold {
                Some(hold) => tokio::time::sleep(hold).await,
                None => {
                    ask(&url, &format!("/ended/{first}"), None).await;
                }
            }
        };
        tokio::pin!(end);
        loop {
            let fact = tokio::select! {
                () = &mut end => break,
                fact = self.facts.recv() => fact.unwrap(),
            };
            let Input::Media(fact) = fact else { continue };
            if let MediaFact::Failed { call, problem } = &fact {
                panic!("{call}: {problem:?}");
            }
            if matches!(fact, MediaFact::FirstAudio { .. }) {
                self.heard += 1;
            }
            if let MediaFact::Quality { call, sample } = fact {
                last_samples.insert(call.to_string(), format!("{sample:?}"));
            }
        }
        let held_process = process();
        for (number, call) in open {
            ask(
                &self.url,
                &format!("/report/{number}"),
                Some(&json!({ "sample": last_samples.get(&call.to_string()) }).to_string()),
            )
            .await;
            let _ = self.requests.send(MediaRequest::Close(call));
            ask(&self.url, &format!("/hangup/{number}"), Some("")).await;
        }
        json!({ "heard": self.heard, "held": held_process, "seconds": started.elapsed().as_secs_f64() })
    }

    async fn local(&mut self, wanted: &CallId) -> String {
        loop {
            let Input::Media(fact) = self.facts.recv().await.unwrap() else {
                continue;
            };
            match fact {
                MediaFact::Local {
                    call,
                    kind: SdpKind::Answer,
                    sdp,
                } if call == *wanted => return sdp,
                MediaFact::Failed { call, problem } => panic!("{call}: {problem:?}"),
                MediaFact::FirstAudio { .. } => self.heard += 1,
                _ => {}
            }
        }
    }
}

/// Memory, open files and threads of this process, as the kernel counts them.
fn process() -> Value {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let kilobytes = |name: &str| -> Option<f64> {
        let rest = rollup.lines().find_map(|line| line.strip_prefix(name))?;
        rest.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    let entries = |path: &str| std::fs::read_dir(path).map_or(0, Iterator::count);
    json!({
        "pssMb": kilobytes("Pss:").map(|kb| kb / 1024.0),
        "privateDirtyMb": kilobytes("Private_Dirty:").map(|kb| kb / 1024.0),
        "files": entries("/proc/self/fd"),
        "threads": entries("/proc/self/task"),
    })
}
