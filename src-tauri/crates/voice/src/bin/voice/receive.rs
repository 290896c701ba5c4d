//! `voice receive`: packets through a trace, on a virtual clock.
//!
//! `meanDelayMs` is what a packet waits between its arrival and its playing, on average: what browsers report as
//! `jitterBufferDelay / jitterBufferEmittedCount`; `p95DelayMs` is what 95 of 100 packets wait at most. `concealedPct` counts what was neither received nor had a copy.

use std::time::{Duration, Instant};

use deskline_voice::RATE;
use deskline_voice::codec::CodecKind;
use deskline_voice::receiver::{Packet, Playout, Receiver};

use super::files::{options, write_f32};

/// Between two packets as they are sent.
const PACKET_MS: f64 = 20.0;

/// Between two frames as they are played.
const TICK_MS: f64 = 10.0;

/// A trace may not say more than this about one packet: a minute.
const MOST_DELAY_MS: f64 = 60_000.0;

/// Plays the packets as the trace delivers them and writes what is heard.
///
/// # Errors
/// What is wrong with the options or files, in one line.
pub(crate) fn command(words: &[&str]) -> Result<String, String> {
    let given = options(words, &["packets", "trace", "out"])?;
    let packets = read_packets(given["packets"])?;
    let path = given["trace"];
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let trace = trace_of(&text).map_err(|error| format!("{path}, {error}"))?;
    let mut arrivals: Vec<(f64, usize)> = trace
        .iter()
        .filter(|row| row.index < packets.len() && !row.lost)
        .map(|row| (row.index as f64 * PACKET_MS + row.delay_ms, row.index))
        .collect();
    arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));

    let sent_ms = packets.len() as f64 * PACKET_MS;
    let last_ms = arrivals.last().map_or(0.0, |last| last.0).max(sent_ms);
    let mut heard: Vec<f32> = Vec::with_capacity(((last_ms + 1_000.0) * 48.0) as usize);
    let mut waits = Vec::new();
    let mut counters = Playout::default();
    let mut waiting = arrivals.into_iter().peekable();
    let zero = Instant::now();
    let after = |ms: f64| zero + Duration::from_secs_f64(ms / 1_000.0);
    let mut receiver = Receiver::new().map_err(|error| error.to_string())?;
    let cpu_before = cpu_ms();
    for tick in 0u64.. {
        let now_ms = tick as f64 * TICK_MS;
        while let Some((at, index)) = waiting.next_if(|(at, _)| *at <= now_ms) {
            let packet = Packet {
                ssrc: 1,
                sequence: index as u16,
                timestamp: (index as u32).wrapping_mul(RATE / 50),
                kind: CodecKind::Opus,
                payload: packets[index].clone(),
            };
            receiver.insert(packet, after(at));
        }
        let (frame, is_real) = receiver.get_10ms(after(now_ms));
        if now_ms >= sent_ms && waiting.peek().is_none() && !is_real {
            break; // everything is said
        }
        heard.extend_from_slice(&frame);
        let before = std::mem::replace(&mut counters, receiver.counters());
        let played = counters.played - before.played;
        let each = (counters.waited_ms - before.waited_ms) / played.max(1) as f64;
        waits.extend((0..played).map(|_| each));
    }
    let cpu = cpu_ms() - cpu_before;
    write_f32(given["out"], &heard)?;
    waits.sort_by(f64::total_cmp);
    let percent = |part: u64| part as f64 * 100.0 / counters.samples.max(1) as f64;
    Ok(format!(
        concat!(
            r#"{{"meanDelayMs":{:.1},"p95DelayMs":{:.1},"concealedPct":{:.2},"cpuMsPerSecond":{:.3},"#,
            r#""recoveredPct":{:.2},"stretchedPct":{:.2},"late":{}}}"#
        ),
        counters.waited_ms / counters.played.max(1) as f64,
        waits.get(waits.len() * 95 / 100).copied().unwrap_or(0.0),
        percent(counters.concealed - counters.recovered),
        cpu / (heard.len() as f64 / f64::from(RATE)).max(0.001),
        percent(counters.recovered),
        percent(counters.stretched),
        counters.late,
    ))
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    index: usize,
    lost: bool,
    delay_ms: f64,
}

fn read_packets(path: &str) -> Result<Vec<Vec<u8>>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let mut packets = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let length = rest
            .get(..2)
            .map(|two| usize::from(u16::from_le_bytes([two[0], two[1]])));
        let packet = length.and_then(|length| rest.get(2..2 + length));
        let Some(packet) = packet else {
            return Err(format!("{path} breaks off in packet {}", packets.len()));
        };
        packets.push(packet.to_vec());
        rest = &rest[2 + packet.len()..];
    }
    Ok(packets)
}

fn trace_of(text: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .map(|(n, line)| (n + 1, line.trim()))
    {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let row = match cells.as_slice() {
            [""] => continue,
            // The delay of a packet that never came means nothing, whatever is written there.
            [index, lost, ..] if whole(lost) == Some(1) => whole(index).zip(Some((true, 0.0))),
            [index, lost, delay, ..] if whole(lost) == Some(0) => delay
                .parse::<f64>()
                .ok()
                .filter(|ms| (0.0..=MOST_DELAY_MS).contains(ms))
                .and_then(|ms| whole(index).zip(Some((false, ms)))),
            _ => None,
        };
        match row {
            Some((index, (lost, delay_ms))) => rows.push(Row {
                index,
                lost,
                delay_ms,
            }),
            None if number == 1 => {} // a headline
            None => {
                return Err(format!("line {number}: not index,lost,delay in ms: {line}"));
            }
        }
    }
    Ok(rows)
}

/// A whole number, also if it is written as tables of numbers are: `1.000000e+00`.
fn whole(word: &str) -> Option<usize> {
    let number = word.parse::<f64>().ok()?;
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    is_whole.then_some(number as usize)
}

/// Processor time of this process in milliseconds.
fn cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split_whitespace()
        .next()
        .and_then(|ns| ns.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_as_people_and_programs_write_it() {
        let rows = |text| trace_of(text).map(|rows| rows.len());
        let expected = [
            Row {
                index: 0,
                lost: false,
                delay_ms: 20.5,
            },
            Row {
                index: 1,
                lost: true,
                delay_ms: 0.0,
            },
        ];
        for text in [
            "0,0,20.5\n1,1,0\n",
            "index,lost,delay\r\n0, 0, 20.5\r\n1, 1,\r\n",
            "0,0,20.5\n1,1\n",
            "0,0,20.5\n1,1,nan",
            "0.0e+00,0.0e+00,2.05e+01\n1.0,1.0,-1",
        ] {
            assert_eq!(trace_of(text).as_deref(), Ok(&expected[..]), "{text}");
        }
        assert_eq!(rows(""), Ok(0));
    }

    #[test]
    fn nonsense_in_a_trace_is_named_with_its_line() {
        for wrong in [
            "1,0", "1,0,-5", "1,0,nan", "1,0,inf", "1,2,20", "1.5,0,20", "-1,0,20", "one",
        ] {
            let error = trace_of(&format!("0,0,20\n{wrong}\n")).unwrap_err();
            assert!(error.starts_with("line 2: "), "{error}");
            assert!(error.ends_with(wrong), "{error}");
        }
    }
}
