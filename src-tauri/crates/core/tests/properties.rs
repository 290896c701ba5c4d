//! Promises of the desk, kept in every story: whatever arrives, in whatever order, however often.
//!
//! The normal run tells the same stories every time. `PROPTEST_CASES=20000 cargo test -p deskline-core
//! --test properties` tells that many others, new ones each time.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    dead_code,
    unused_imports,
    missing_docs
)]

#[path = "properties/frames.rs"]
mod frames;
#[path = "properties/story.rs"]
mod story;
#[path = "conformance/support.rs"]
mod support;
#[path = "properties/world.rs"]
mod world;

use std::cell::RefCell;

use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestRunner};

use crate::world::{Seen, World};

#[test]
fn the_desk_keeps_its_promises_in_every_story() {
    let is_exploring = std::env::var_os("PROPTEST_CASES").is_some();
    let mut config = Config {
        source_file: Some(file!()),
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..Config::default()
    };
    if !is_exploring {
        config.rng_seed = RngSeed::Fixed(0x00de_5c11_e000_0001);
    }
    let is_long_enough = config.cases >= 256;
    let seen = RefCell::new(Seen::default());
    let told = TestRunner::new(config).run(&story::stories(), |story| {
        let mut seen = seen.borrow_mut();
        let mut world = World::new(&story, &mut seen);
        for step in &story.steps {
            world.step(&story, step);
        }
        world.refresh(&story);
        world.end();
        Ok(())
    });
    if let Err(error) = told {
        panic!("{error}");
    }
    if !is_long_enough {
        return;
    }
    // The stories are no empty talk.
    let seen = seen.into_inner();
    assert_eq!(seen.phases.len(), 8, "every phase was there: {seen:?}");
    assert_eq!(seen.clicks.len(), 18, "every control was clicked: {seen:?}");
    assert_eq!(seen.kinds.len(), 8, "every kind of failure: {seen:?}");
    assert!(seen.auto_wrapups > 0 && seen.announcements > 100 && seen.rings > 20);
}
