//! Longer and shorter speech without a change of pitch: whole periods are put in or taken out (WSOLA).

use crate::{FRAME, level_db};

/// Lags that are tried: 2.5 to 15 ms, the pitch of any voice.
const SHORTEST: usize = 120;
const LONGEST: usize = 720;

/// What is looked at to find and to join: 10 ms.
const WINDOW: usize = 480;

/// Samples that must be there to stretch speech.
pub(super) const NEEDED: usize = LONGEST + WINDOW;

/// Lag and window in a pause, where nothing has to match: 5 ms.
const IN_PAUSE: usize = 240;

/// So much alike two periods must be to be joined unheard.
const ALIKE: f32 = 0.85;

/// Below this a sound is quiet in any case.
const QUIET_DB: f32 = -50.0;

/// Takes out one period near the front; gives the samples taken, 0 if it would be heard.
pub(super) fn shorten(pcm: &mut Vec<f32>, is_quiet: bool) -> usize {
    let Some((lag, window)) = lag(pcm, is_quiet) else {
        return 0;
    };
    if pcm.len() < lag + FRAME {
        return 0; // the next frame would not be whole
    }
    // Fades from the sound into what is one period later.
    for n in 0..window {
        let later = n as f32 / window as f32;
        pcm[n] = pcm[n] * (1.0 - later) + pcm[n + lag] * later;
    }
    pcm.drain(window..window + lag);
    lag
}

/// Puts in one period near the front; gives the samples put in, 0 if it would be heard.
pub(super) fn lengthen(pcm: &mut Vec<f32>, is_quiet: bool) -> usize {
    let Some((lag, window)) = lag(pcm, is_quiet) else {
        return 0;
    };
    let mut joined = Vec::with_capacity(pcm.len() + lag);
    joined.extend_from_slice(&pcm[..lag]);
    // Fades from what follows back to what was a period before.
    for n in 0..window {
        let later = n as f32 / window as f32;
        joined.push(pcm[n + lag] * (1.0 - later) + pcm[n] * later);
    }
    joined.extend_from_slice(&pcm[window..]);
    *pcm = joined;
    lag
}

/// Whether there is nothing but background at the front.
pub(super) fn is_quiet(pcm: &[f32], background_db: f32) -> bool {
    // The level of what is joined and a little more.
    level_db(&pcm[..pcm.len().min(NEEDED)]) < (background_db + 6.0).max(QUIET_DB)
}

fn lag(pcm: &[f32], is_quiet: bool) -> Option<(usize, usize)> {
    if is_quiet {
        return (pcm.len() >= 2 * IN_PAUSE).then_some((IN_PAUSE, IN_PAUSE));
    }
    if pcm.len() < NEEDED {
        return None;
    }
    let here = &pcm[..WINDOW];
    let power = |part: &[f32]| part.iter().map(|x| x * x).sum::<f32>();
    let mine = power(here);
    let likeness = |lag: usize| {
        let there = &pcm[lag..lag + WINDOW];
        let dot: f32 = here.iter().zip(there).map(|(a, b)| a * b).sum();
        dot / (mine * power(there)).sqrt().max(1e-9)
    };
    // Every fourth lag first, then the neighbours of the best.
    let coarse = (SHORTEST..=LONGEST)
        .step_by(4)
        .map(|lag| (lag, likeness(lag)))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    let fine = (coarse.0.saturating_sub(3).max(SHORTEST)..=(coarse.0 + 3).min(LONGEST))
        .map(|lag| (lag, likeness(lag)))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (fine.1 > ALIKE).then_some((fine.0, WINDOW))
}
