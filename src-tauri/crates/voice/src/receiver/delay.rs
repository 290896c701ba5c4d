//! How late packets come, and the delay that follows from it. With forgetting; told the time.

use std::time::Instant;

use super::{ms, samples_of};

/// Least delay aimed at.
const FLOOR: i64 = ms(20);

/// Greatest delay aimed at.
const CAP: i64 = ms(300);

/// Share of the packets that may come too late.
const LATE_SHARE: f32 = 0.005;

/// Share of the copies that may come too late: what is lost for it is little, and waiting for more is heard by all.
const LATE_COPIES: f32 = 0.03;

/// A stall longer than [`CAP`], of the network or of this machine, is over when a packet comes so little after the
/// fastest, or later than the one before it: what was held up comes all at once, each later packet less late. The
/// packets of such a stall say nothing about the delay to choose: none would have helped.
const CAUGHT_UP: i64 = ms(20);

/// On top of what was seen: one step of the histogram and most of a tick.
const MARGIN: i64 = ms(12);

/// Weight that is left of a packet when the next comes: a time constant of some 30 s of usual packets. A stall that
/// comes every few seconds has to be remembered from one to the next.
const FORGET: f32 = 1.0 - 1.0 / 1_500.0;

/// Weight that is left of the counted losses when the next packet comes: some 4 s.
const FORGET_LOSS: f32 = 0.995;

/// Losses beyond this share make it worth waiting for the copy in the next packet.
const LOSSY: f32 = 0.01;

/// Weight of the newest run of lost packets.
const NEW_RUN: f32 = 0.05;

/// More lost in a row than this, usually, are bursts until they are no more than [`SINGLE`].
const BURSTS: f32 = 1.8;
const SINGLE: f32 = 1.3;

/// Where packets reach back, so many are waited for in bursts: measured, three give 0.24 PESQ at 20 % for 40 ms more
/// than one, and each more would give 0.1 for 20 ms.
const AHEAD: i64 = 3;

/// The step of the histogram.
const STEP: i64 = ms(4);

/// Delays of the recent past.
pub(super) struct Delays {
    start: Instant,
    /// Smallest delay of each of the last seconds, newest last.
    fastest: [i64; 10],
    second: u64,
    /// Delays above the fastest in steps of [`STEP`], the last for all beyond.
    histogram: [f32; 80],
    total: f32,
    lost: f32,
    counted: f32,
    /// Length of a packet in samples.
    packet: i64,
    has_copies: bool,
    /// Whether packets know more than the one before them.
    reach_back: bool,
    /// Packets lost in a row, usually, and whether that makes them bursts.
    run: f32,
    in_bursts: bool,
    /// See [`CAUGHT_UP`]; and how late the packet before was.
    is_stalled: bool,
    above: i64,
}

impl Delays {
    pub(super) fn new(start: Instant, packet: i64) -> Self {
        Self {
            start,
            fastest: [i64::MAX; 10],
            second: 0,
            histogram: [0.0; 80],
            total: 0.0,
            lost: 0.0,
            counted: 0.0,
            packet,
            has_copies: false,
            reach_back: false,
            run: 1.0,
            in_bursts: false,
            is_stalled: false,
            above: 0,
        }
    }

    /// Samples since the stream began.
    pub(super) fn since_start(&self, now: Instant) -> i64 {
        samples_of(now.saturating_duration_since(self.start))
    }

    /// A packet of `samples` that belongs to `at` came; `has_copy` of the one before.
    pub(super) fn push(&mut self, at: i64, samples: i64, has_copy: bool, arrival: Instant) {
        let delay = self.since_start(arrival) - at;
        let second = arrival.saturating_duration_since(self.start).as_secs();
        if second != self.second {
            let passed = second.saturating_sub(self.second).min(10) as usize;
            self.second = second;
            self.fastest.rotate_left(passed.max(1) % 10);
            let from = 10 - passed.max(1);
            self.fastest[from..].fill(i64::MAX);
        }
        self.fastest[9] = self.fastest[9].min(delay);
        let above = (delay - self.fastest()).max(0);
        let is_catching_up = above > CAUGHT_UP && above < self.above;
        self.is_stalled = above > CAP || (self.is_stalled && is_catching_up);
        self.above = above;
        if !self.is_stalled {
            let slot = ((above / STEP) as usize).min(self.histogram.len() - 1);
            for weight in &mut self.histogram {
                *weight *= FORGET;
            }
            self.histogram[slot] += 1.0;
            self.total = self.total * FORGET + 1.0;
        }
        self.lost *= FORGET_LOSS;
        self.counted = self.counted * FORGET_LOSS + 1.0;
        self.packet = samples;
        self.has_copies |= has_copy;
    }

    /// So many packets were passed over; each may still come ([`Delays::found`]).
    pub(super) fn missed(&mut self, packets: i64) {
        let packets = packets.clamp(0, 50) as f32;
        if packets > 0.0 {
            self.run += NEW_RUN * (packets - self.run);
            // A delay that goes up and down with every burst is worse than one too long.
            self.in_bursts = self.run > if self.in_bursts { SINGLE } else { BURSTS };
        }
        self.lost += packets;
        self.counted += packets;
    }

    /// A packet that was counted as missing came after all.
    pub(super) fn found(&mut self) {
        self.lost = (self.lost - 1.0).max(0.0);
    }

    /// A packet was found to know more than the one before it.
    pub(super) fn reach_back(&mut self) {
        self.has_copies = true;
        self.reach_back = true;
    }

    /// Delay of the fastest packets of the last ten seconds.
    pub(super) fn fastest(&self) -> i64 {
        self.fastest
            .iter()
            .copied()
            .min()
            .filter(|delay| *delay != i64::MAX)
            .unwrap_or(0)
    }

    /// Share of the packets that were lost lately.
    pub(super) fn loss(&self) -> f32 {
        self.lost / self.counted.max(1.0)
    }

    /// The delay above the fastest packets at which all but [`LATE_SHARE`] are in time, and where packets are lost
    /// all but [`LATE_COPIES`] of the copies, or of what ends a burst where that repairs it.
    pub(super) fn target(&self) -> i64 {
        let mut wanted = self.quantile(LATE_SHARE);
        if self.has_copies && self.loss() > LOSSY {
            let ahead = if self.reach_back && self.in_bursts {
                AHEAD
            } else {
                1
            };
            wanted = wanted.max(self.quantile(LATE_COPIES) + ahead * self.packet);
        }
        (wanted + MARGIN).clamp(FLOOR, CAP)
    }

    fn quantile(&self, late: f32) -> i64 {
        let mut beyond = self.total * late;
        let mut slot = self.histogram.len() - 1;
        while slot > 0 && self.histogram[slot] < beyond {
            beyond -= self.histogram[slot];
            slot -= 1;
        }
        slot as i64 * STEP
    }
}
