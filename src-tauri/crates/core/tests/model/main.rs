//! The desk against a reference: random sequences of commands and facts, in a small contact centre.
//!
//! `docs/MODEL.md` says what is compared and how to run more of it.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    missing_docs
)]

mod centre;
mod matrix;
mod questions;
mod reference;
mod steps;
mod world;

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
};

use deskline_wire::Json;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use crate::{
    steps::{Sequence, sequences},
    world::{Seen, World},
};

/// How many sequences every run tells, and the seed they come from.
const SEQUENCES: u32 = 2_000;
const SEED: u64 = 0x00de_5c11_e000_0003;
/// One runner for each core of a small machine.
const RUNNERS: u32 = 2;

#[test]
fn the_desk_does_what_the_reference_does() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let sequences = number("DESKLINE_SEQUENCES").map_or(SEQUENCES, |n| u32::try_from(n).unwrap());
    let seed = number("DESKLINE_SEED").unwrap_or(SEED);
    std::panic::set_hook(Box::new(|_| {}));
    let runs: Vec<_> = std::thread::scope(|scope| {
        let runners: Vec<_> = (0..RUNNERS)
            .map(|runner| {
                let share = sequences / RUNNERS;
                scope.spawn(move || run(seed + u64::from(runner), share))
            })
            .collect();
        runners
            .into_iter()
            .map(|runner| runner.join().unwrap())
            .collect()
    });
    drop(std::panic::take_hook());
    let mut seen = Seen::default();
    for run in runs {
        match run {
            Ok(more) => seen.add(more),
            Err(failure) => panic!("{failure}"),
        }
    }
    println!("{sequences} sequences from seed {seed:#x}: {seen:?}");
    if sequences >= SEQUENCES {
        seen.assert_is_no_empty_talk();
    }
}

/// Tells this many sequences from this seed; what was seen, or the shortest sequence that fails.
fn run(seed: u64, sequences: u32) -> Result<Seen, String> {
    let config = Config {
        cases: sequences,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 1_500,
        ..Config::default()
    };
    let seen = RefCell::new(Seen::default());
    let (told, failed_at) = (Cell::new(0_u32), Cell::new(0_u32));
    let outcome = TestRunner::new(config).run(&self::sequences(), |sequence| {
        told.set(told.get() + 1);
        let outcome = catch_unwind(AssertUnwindSafe(|| tell(&sequence, false)));
        match outcome {
            Ok(more) => {
                seen.borrow_mut().add(more);
                Ok(())
            }
            Err(_) => {
                // Once more, with everything that happens written down.
                let panic = catch_unwind(AssertUnwindSafe(|| tell(&sequence, true)))
                    .expect_err("the same sequence fails the same way");
                if failed_at.get() == 0 {
                    failed_at.set(told.get());
                }
                let text = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                    .unwrap_or_default();
                Err(TestCaseError::fail(text))
            }
        }
    });
    outcome.map_err(|error| {
        format!(
            "seed {seed:#x}, sequence {} of this runner:\n{error}",
            failed_at.get()
        )
    })?;
    Ok(seen.into_inner())
}

fn tell(sequence: &Sequence, is_told: bool) -> Seen {
    let mut world = World::new(sequence, is_told);
    for step in &sequence.steps {
        world.step(step);
    }
    world.end()
}

/// Writes every key of `more` into `onto`, whole values.
fn put(onto: &mut Json, more: Json) {
    if let (Some(onto), Json::Object(more)) = (onto.as_object_mut(), more) {
        onto.extend(more);
    }
}
