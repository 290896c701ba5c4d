//! When a notification socket counts as lost, and when to try again (contact-center 3.6, 3.7).
//!
//! Pure: it is told the time and what happened and answers with what to do. Times are protocol
//! time since the adapter began.
//!
//! Two points differ from the JavaScript SDK on purpose. Attempts never overlap and never end
//! (O-13, O-50). And a socket that stays open but silent is given up [`HALF_OPEN_GRACE`] after
//! the connection was shown as failed: until then frames may resume on it (case 045), after that
//! waiting longer helps nobody. A path that is dead for good is usually found sooner, by the
//! operating system, because heartbeats go unacknowledged (see `socket`).

use std::time::Duration;

use deskline_core::LinkState;

/// Silence after which the connection counts as lost.
pub(crate) const LOST_AFTER: Duration = Duration::from_secs(8);
/// Silence after which it counts as failed, unless the tenant says otherwise (O-14).
pub(crate) const FAILED_AFTER: Duration = Duration::from_secs(50);
/// How long after that an open but silent socket is still listened to.
pub(crate) const HALF_OPEN_GRACE: Duration = Duration::from_secs(16);
/// Wait before the first attempt; doubles with each failure.
pub(crate) const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait between two attempts.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(16);

/// One thing to do, in the order given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Show this state.
    Show(LinkState),
    /// Say that the socket closed.
    SocketLost,
    /// Say that a new socket is proven alive.
    SocketBack,
    /// Subscribe and open a new socket; the answer is [`Supervision::opened`] or
    /// [`Supervision::attempt_failed`].
    Attempt,
    /// Close the socket that is open.
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Socket {
    Closed,
    /// `is_proven`: a heartbeat was answered since the Welcome.
    Open {
        is_proven: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    None,
    At(Duration),
    UnderWay,
}

/// Watches over one session's notification socket.
#[derive(Debug)]
pub(crate) struct Supervision {
    socket: Socket,
    last_frame: Duration,
    is_lost: bool,
    is_failed: bool,
    shown: LinkState,
    retry: Retry,
    failures: u32,
    limit: Duration,
    jitter: Jitter,
}

impl Supervision {
    /// A session whose first socket has just been welcomed.
    pub(crate) fn new(now: Duration, limit: Duration, jitter: Jitter) -> Self {
        Self {
            socket: Socket::Open { is_proven: true },
            last_frame: now,
            is_lost: false,
            is_failed: false,
            shown: LinkState::Up,
            retry: Retry::None,
            failures: 0,
            limit,
            jitter,
        }
    }

    /// Sets the silence after which the connection counts as failed (O-14).
    pub(crate) fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// A frame of any kind arrived.
    pub(crate) fn frame(&mut self, now: Duration, is_keepalive: bool) -> Vec<Step> {
        let Socket::Open { is_proven } = self.socket else {
            return Vec::new();
        };
        let mut steps = Vec::new();
        self.last_frame = self.last_frame.max(now);
        let was_silent = std::mem::take(&mut self.is_lost) | std::mem::take(&mut self.is_failed);
        if is_proven {
            if was_silent {
                self.show(LinkState::Up, &mut steps);
            }
        } else {
            self.show(LinkState::Restoring, &mut steps);
            if is_keepalive {
                self.socket = Socket::Open { is_proven: true };
                self.failures = 0;
                steps.push(Step::SocketBack);
            }
        }
        steps
    }

    /// The socket closed, by whatever cause.
    pub(crate) fn closed(&mut self, now: Duration) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.socket == Socket::Closed {
            return steps;
        }
        self.socket = Socket::Closed;
        steps.push(Step::SocketLost);
        self.show_trouble(&mut steps);
        self.retry = Retry::At(now + self.next_wait());
        steps
    }

    /// The attempt under way got a socket and a Welcome.
    pub(crate) fn opened(&mut self, now: Duration) -> Vec<Step> {
        let mut steps = Vec::new();
        self.socket = Socket::Open { is_proven: false };
        self.retry = Retry::None;
        self.last_frame = self.last_frame.max(now);
        self.is_lost = false;
        self.is_failed = false;
        self.show(LinkState::Restoring, &mut steps);
        // A server that welcomes and drops at once is not asked every second for ever.
        self.failures = self.failures.saturating_add(1);
        steps
    }

    /// The attempt under way came to nothing.
    pub(crate) fn attempt_failed(&mut self, now: Duration) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.retry == Retry::UnderWay {
            self.failures = self.failures.saturating_add(1);
            self.retry = Retry::At(now + self.next_wait());
            self.show_trouble(&mut steps);
        }
        steps
    }

    /// Somebody does not want to wait for the next attempt.
    pub(crate) fn try_now(&mut self, now: Duration) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.is_silent() && self.socket != Socket::Closed {
            steps.push(Step::Close);
            steps.extend(self.closed(now));
        }
        if let Retry::At(_) = self.retry {
            self.retry = Retry::At(now);
        }
        steps.extend(self.tick(now));
        steps
    }

    /// The machine slept: what is open is not to be trusted, and nobody waits for the next attempt.
    pub(crate) fn woke(&mut self, now: Duration) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.socket != Socket::Closed {
            steps.push(Step::Close);
            steps.extend(self.closed(now));
        }
        if let Retry::At(_) = self.retry {
            self.retry = Retry::At(now);
        }
        steps.extend(self.tick(now));
        steps
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Duration) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.is_failed && now >= self.last_frame + self.limit {
            self.is_failed = true;
            self.show(LinkState::Failed, &mut steps);
        }
        if !self.is_silent() && self.socket != Socket::Closed && now >= self.lost_at() {
            self.is_lost = true;
            self.show(LinkState::Lost, &mut steps);
        }
        if self.socket != Socket::Closed && now >= self.given_up_at() {
            steps.push(Step::Close);
            steps.extend(self.closed(now));
        }
        if let Retry::At(at) = self.retry
            && now >= at
        {
            self.retry = Retry::UnderWay;
            if !self.is_failed {
                self.show(LinkState::Restoring, &mut steps);
            }
            steps.push(Step::Attempt);
        }
        steps
    }

    /// When [`Self::tick`] has something to do next.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let is_open = self.socket != Socket::Closed;
        [
            (!self.is_failed).then_some(self.last_frame + self.limit),
            (is_open && !self.is_silent()).then(|| self.lost_at()),
            is_open.then(|| self.given_up_at()),
            match self.retry {
                Retry::At(at) => Some(at),
                Retry::None | Retry::UnderWay => None,
            },
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn is_silent(&self) -> bool {
        self.is_lost || self.is_failed
    }

    fn lost_at(&self) -> Duration {
        self.last_frame + LOST_AFTER
    }

    fn given_up_at(&self) -> Duration {
        // A tenant that waits very long for recovery does not want to wait on a dead socket.
        self.last_frame + self.limit.min(FAILED_AFTER) + HALF_OPEN_GRACE
    }

    /// Failed stays shown while attempts go on: it is reported once, until one succeeds.
    fn show_trouble(&mut self, steps: &mut Vec<Step>) {
        if !self.is_failed {
            self.show(LinkState::Lost, steps);
        }
    }

    fn show(&mut self, state: LinkState, steps: &mut Vec<Step>) {
        if self.shown != state {
            self.shown = state;
            steps.push(Step::Show(state));
        }
    }

    fn next_wait(&mut self) -> Duration {
        let doubled = FIRST_WAIT.saturating_mul(1 << self.failures.min(10));
        doubled.min(LONGEST_WAIT).mul_f64(self.jitter.next())
    }
}

/// Spreads the attempts of many clients that lost the same server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Jitter {
    /// Exact waits, for tests.
    Off,
    /// Waits between four and six fifths of the plan, from a sequence that begins here.
    Seed(u64),
}

impl Jitter {
    fn next(&mut self) -> f64 {
        match self {
            Self::Off => 1.0,
            Self::Seed(state) => {
                // Knuth's multiplier; the upper bits are the good ones.
                *state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let above = u32::try_from((*state >> 40) % 401).unwrap_or_default();
                f64::from(800 + above) / 1000.0
            }
        }
    }
}

#[cfg(test)]
#[path = "supervision_tests.rs"]
mod tests;
