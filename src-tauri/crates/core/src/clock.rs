//! Time as the rules see it.

use std::time::Duration;

/// Milliseconds since the Unix epoch, for what is shown or compared with the far side's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct WallMs(pub i64);

/// The moment something happens: two clocks that are never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Now {
    /// Steady time since the desk started, sleep of the machine included; deadlines are counted on it.
    pub at: Duration,
    /// Time of day; it may jump.
    pub wall: WallMs,
}

/// How many times faster than real the protocol clocks run (`--time-scale`); 1 in normal life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace(f64);

impl Pace {
    /// Real time.
    pub const REAL: Self = Self(1.0);

    /// A pace from 1 to 1000; other values are brought into that range.
    #[must_use]
    pub fn new(times: f64) -> Self {
        Self(if times.is_finite() {
            times.clamp(1.0, 1000.0)
        } else {
            1.0
        })
    }

    /// How long to really wait for a protocol time.
    #[must_use]
    pub fn real(self, protocol: Duration) -> Duration {
        protocol.div_f64(self.0)
    }

    /// How much protocol time passes in a real time.
    #[must_use]
    pub fn protocol(self, real: Duration) -> Duration {
        real.mul_f64(self.0)
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::REAL
    }
}
