//! The diagnostic events of a desk: the latest in memory, and whoever listens. Nothing here
//! leaves the process.

use std::collections::VecDeque;

use deskline_core::Metric;

use crate::handle::MetricListener;

/// How many are kept; about a minute of a busy desk.
const KEPT: usize = 128;

/// The latest metrics and those who hear each one.
#[derive(Default)]
pub(crate) struct Measurements {
    latest: VecDeque<Metric>,
    listeners: Vec<MetricListener>,
}

impl Measurements {
    pub(crate) fn keep(&mut self, metric: Metric) {
        self.listeners.retain_mut(|listener| listener(&metric));
        if self.latest.len() == KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(metric);
    }

    pub(crate) fn listen(&mut self, listener: MetricListener) {
        self.listeners.push(listener);
    }

    pub(crate) fn kept(&self) -> Vec<Metric> {
        self.latest.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use deskline_core::{
        WallMs,
        metrics::{Name, Subject},
    };

    use super::*;

    #[test]
    fn only_the_latest_are_kept() {
        let mut measurements = Measurements::default();
        let name = Name::Succeeded(Subject::TaskHold);
        for at in 0..200 {
            measurements.keep(Metric::new(name, name.services(), WallMs(at), []));
        }
        let kept = measurements.kept();
        assert_eq!(kept.len(), KEPT);
        assert_eq!(kept.last().map(|metric| metric.at.0), Some(199));
    }
}
