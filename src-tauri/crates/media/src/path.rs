//! Whether packets find their way, as the agent is told. Pure: it is told the time.

use std::time::{Duration, Instant};

use deskline_core::LinkState;

/// Silence on the path that, with ICE in doubt, means it is dead.
const SILENT: Duration = Duration::from_secs(3);

/// A path that did not come up for so long is called lost.
const NEVER_UP: Duration = Duration::from_secs(10);

/// A lost path is given up after this.
const GIVE_UP: Duration = Duration::from_secs(30);

/// What the transport says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransportState {
    /// ICE and DTLS are done: packets can flow.
    Connected,
    /// ICE has not heard from the far side for a while.
    Doubtful,
    /// ICE or DTLS gave up.
    Failed,
}

/// State of one call's path.
#[derive(Debug)]
pub(crate) struct Path {
    state: LinkState,
    since: Instant,
    doubtful: bool,
    failed: bool,
}

impl Path {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            state: LinkState::Off,
            since: now,
            doubtful: false,
            failed: false,
        }
    }

    /// A new connection is being set up; one that was there before is being restored.
    pub(crate) fn restart(&mut self, now: Instant) -> Option<LinkState> {
        self.doubtful = false;
        self.failed = false;
        if self.state == LinkState::Off {
            self.since = now;
            return None;
        }
        self.to(now, LinkState::Restoring)
    }

    /// News of the transport.
    pub(crate) fn transport(&mut self, now: Instant, state: TransportState) -> Option<LinkState> {
        match state {
            TransportState::Connected => {
                self.doubtful = false;
                self.failed = false;
                self.to(now, LinkState::Up)
            }
            TransportState::Doubtful => {
                self.doubtful = true;
                None
            }
            TransportState::Failed => {
                self.failed = true;
                (self.state != LinkState::Failed).then(|| self.to(now, LinkState::Lost))?
            }
        }
    }

    /// Time passes; `last` is when the last packet came.
    pub(crate) fn tick(&mut self, now: Instant, last: Option<Instant>) -> Option<LinkState> {
        let quiet = last.is_none_or(|last| now.saturating_duration_since(last) >= SILENT);
        let lasted = now.saturating_duration_since(self.since);
        match self.state {
            LinkState::Off | LinkState::Restoring if lasted >= NEVER_UP => {
                self.to(now, LinkState::Lost)
            }
            LinkState::Up if self.doubtful && quiet => self.to(now, LinkState::Lost),
            LinkState::Lost | LinkState::Failed if self.is_heard_again(last) => {
                self.doubtful = false;
                self.to(now, LinkState::Up)
            }
            LinkState::Lost if lasted >= GIVE_UP => self.to(now, LinkState::Failed),
            LinkState::Off
            | LinkState::Up
            | LinkState::Lost
            | LinkState::Restoring
            | LinkState::Failed => None,
        }
    }

    fn is_heard_again(&self, last: Option<Instant>) -> bool {
        !self.failed && last.is_some_and(|last| last > self.since)
    }

    fn to(&mut self, now: Instant, state: LinkState) -> Option<LinkState> {
        if self.state == state {
            return None;
        }
        self.state = state;
        self.since = now;
        Some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(zero: Instant, ms: u64) -> Instant {
        zero + Duration::from_millis(ms)
    }

    #[test]
    fn a_dead_path_is_lost_within_five_seconds_and_failed_half_a_minute_later() {
        let zero = Instant::now();
        let mut path = Path::new(zero);
        assert_eq!(
            path.transport(at(zero, 60), TransportState::Connected),
            Some(LinkState::Up)
        );
        let last = Some(at(zero, 10_000));
        assert_eq!(path.tick(at(zero, 12_900), last), None);
        assert_eq!(
            path.transport(at(zero, 13_000), TransportState::Doubtful),
            None
        );
        assert_eq!(path.tick(at(zero, 13_000), last), Some(LinkState::Lost));
        assert_eq!(path.tick(at(zero, 42_900), last), None);
        assert_eq!(path.tick(at(zero, 43_000), last), Some(LinkState::Failed));
        assert_eq!(path.tick(at(zero, 99_000), last), None);
    }

    #[test]
    fn a_quiet_path_is_not_lost_while_ice_is_sure_of_it() {
        let zero = Instant::now();
        let mut path = Path::new(zero);
        path.transport(zero, TransportState::Connected);
        assert_eq!(path.tick(at(zero, 60_000), Some(zero)), None);
    }

    #[test]
    fn packets_bring_a_lost_path_back() {
        let zero = Instant::now();
        let mut path = Path::new(zero);
        path.transport(zero, TransportState::Connected);
        path.transport(at(zero, 4_000), TransportState::Doubtful);
        assert_eq!(
            path.tick(at(zero, 4_000), Some(zero)),
            Some(LinkState::Lost)
        );
        assert_eq!(
            path.tick(at(zero, 5_000), Some(at(zero, 4_900))),
            Some(LinkState::Up)
        );
    }

    #[test]
    fn a_path_that_never_comes_up_is_lost_too() {
        let zero = Instant::now();
        let mut path = Path::new(zero);
        assert_eq!(path.tick(at(zero, 9_900), None), None);
        assert_eq!(path.tick(at(zero, 10_000), None), Some(LinkState::Lost));
    }

    #[test]
    fn another_connection_restores_the_path_or_loses_it_for_good() {
        let zero = Instant::now();
        let mut path = Path::new(zero);
        assert_eq!(path.restart(zero), None, "the first is no restoring");
        path.transport(zero, TransportState::Connected);
        path.transport(at(zero, 1_000), TransportState::Failed);
        assert_eq!(path.restart(at(zero, 2_000)), Some(LinkState::Restoring));
        assert_eq!(
            path.transport(at(zero, 2_500), TransportState::Connected),
            Some(LinkState::Up)
        );
        assert_eq!(path.restart(at(zero, 3_000)), Some(LinkState::Restoring));
        assert_eq!(path.tick(at(zero, 13_000), None), Some(LinkState::Lost));
        assert_eq!(path.tick(at(zero, 43_000), None), Some(LinkState::Failed));
    }

    #[test]
    fn a_failed_transport_is_lost_at_once() {
        let zero = Instant::now();
        let mut path = Path::new(zero);
        path.transport(zero, TransportState::Connected);
        assert_eq!(
            path.transport(zero, TransportState::Failed),
            Some(LinkState::Lost)
        );
        assert_eq!(path.transport(zero, TransportState::Failed), None);
    }
}
