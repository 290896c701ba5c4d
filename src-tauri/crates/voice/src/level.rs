//! How loud it is.

/// The quietest level there is, in dBFS.
pub const FLOOR_DB: f32 = -100.0;

/// Root mean square of some samples in dBFS; a full-scale sine is about -3.
#[must_use]
pub fn level_db(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return FLOOR_DB;
    }
    let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
    (10.0 * power.max(1e-10).log10()).max(FLOOR_DB)
}
