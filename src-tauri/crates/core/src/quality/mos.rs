//! How a conversation is judged by people: the E-model of ITU-T G.107, in the form its default values give.
//!
//! R = 93.2 − Id − Ie,eff. The rest of the model (room noise, side tone, talker echo) is that of its default
//! telephone, and the advantage factor is 0.

/// R of an undisturbed connection: Ro − Is with the default values of G.107.
const UNDISTURBED: f64 = 93.2;

/// How a voice is coded, as far as lost packets matter to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// G.711 with concealment (G.113, Appendix I: Ie 0, Bpl 25.1).
    G711,
    /// Opus without redundancy, with neural concealment. No recommendation lists it; Ie 0, Bpl 10.5 fit what PESQ-WB
    /// says of 5, 10 and 20 % random loss (3.03, 2.49, 1.76).
    Opus,
    /// Opus whose packets carry the one before once more: Bpl 35 fits 4.09, 3.74, 2.93 on the same traces.
    OpusWithRedundancy,
}

impl Coding {
    /// Robustness against lost packets.
    fn bpl(self) -> f64 {
        match self {
            Self::G711 => 25.1,
            Self::Opus => 10.5,
            Self::OpusWithRedundancy => 35.0,
        }
    }
}

/// The transmission rating R, 0 to 93.2. `lost_pct` is what is missing at the ear in per cent (lost or late, and not
/// recovered), `delay_ms` the time from mouth to ear. What is not finite counts as 0.
#[must_use]
pub fn rating(coding: Coding, lost_pct: f64, delay_ms: f64) -> f64 {
    let lost = if lost_pct.is_finite() {
        lost_pct.clamp(0.0, 100.0)
    } else {
        0.0
    };
    // G.107, 7-29 with Ie = 0 and BurstR = 1.
    let equipment = 95.0 * lost / (lost + coding.bpl());
    (UNDISTURBED - delay_impairment(delay_ms) - equipment).clamp(0.0, 100.0)
}

/// Estimated MOS, 1 to 4.5 (G.107, Annex B); arguments as for [`rating`].
#[must_use]
pub fn mos(coding: Coding, lost_pct: f64, delay_ms: f64) -> f64 {
    let r = rating(coding, lost_pct, delay_ms);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

/// Idd, what delay alone costs (G.107, 7-27 and 7-28). Echo is taken to be cancelled.
fn delay_impairment(delay_ms: f64) -> f64 {
    if !delay_ms.is_finite() || delay_ms <= 100.0 {
        return 0.0;
    }
    let x = (delay_ms / 100.0).log2();
    let sixth = |value: f64| (1.0 + value.powi(6)).powf(1.0 / 6.0);
    25.0 * (sixth(x) - 3.0 * sixth(x / 3.0) + 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undisturbed_connection_has_the_figures_of_the_recommendation() {
        let r = rating(Coding::G711, 0.0, 0.0);
        assert!((r - 93.2).abs() < 1e-9);
        assert!((mos(Coding::G711, 0.0, 0.0) - 4.41).abs() < 0.01);
    }

    #[test]
    fn delay_costs_what_the_recommendation_says() {
        // G.107: Idd from the formula; 150 ms hardly matter, 400 ms (the limit of G.114) do.
        for (delay, idd) in [
            (100.0, 0.0),
            (150.0, 0.16),
            (200.0, 3.0),
            (300.0, 14.8),
            (400.0, 24.1),
        ] {
            let cost = 93.2 - rating(Coding::Opus, 0.0, delay);
            assert!((cost - idd).abs() < 0.1, "{delay} ms: {cost}");
        }
    }

    #[test]
    fn loss_costs_what_was_measured() {
        let near = |coding, loss, wanted: f64| {
            let is = mos(coding, loss, 90.0);
            assert!((is - wanted).abs() < 0.25, "{coding:?} {loss} %: {is}");
        };
        for (loss, plain, redundant) in [(5.0, 3.03, 4.09), (10.0, 2.49, 3.74), (20.0, 1.76, 2.93)]
        {
            near(Coding::Opus, loss, plain);
            near(Coding::OpusWithRedundancy, loss, redundant);
        }
        // G.113: 2 % on G.711 with concealment is about R 86.
        assert!((rating(Coding::G711, 2.0, 0.0) - 86.2).abs() < 0.2);
    }

    #[test]
    fn more_loss_or_delay_is_never_better_and_nonsense_is_no_panic() {
        for coding in [Coding::G711, Coding::Opus, Coding::OpusWithRedundancy] {
            let mut before = f64::INFINITY;
            for loss in 0..=100 {
                let now = mos(coding, f64::from(loss), 150.0);
                assert!(now <= before && (1.0..=4.5).contains(&now));
                before = now;
            }
            let mut before = f64::INFINITY;
            for delay in 0..200 {
                let now = rating(coding, 1.0, f64::from(delay) * 10.0);
                assert!(now <= before + 1e-9, "{delay}");
                before = now;
            }
            for odd in [f64::NAN, f64::INFINITY, -5.0, 1e300] {
                assert!(mos(coding, odd, odd).is_finite());
            }
        }
    }
}
