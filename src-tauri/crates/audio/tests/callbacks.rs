//! The system calls us on a thread that must never wait: nothing it calls may allocate or free memory.

#![allow(clippy::unwrap_used, unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use deskline_audio::devices::backend::Health;
use deskline_audio::devices::rings::{self, Source};
use deskline_audio::{FRAME, SILENCE};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Counts what happens inside a callback.
struct Counting;

fn count() {
    if INSIDE.get() {
        COUNT.set(COUNT.get() + 1);
    }
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn as_a_callback(work: impl FnOnce()) -> usize {
    COUNT.set(0);
    INSIDE.set(true);
    work();
    INSIDE.set(false);
    COUNT.get()
}

#[test]
fn the_counter_counts() {
    assert!(as_a_callback(|| drop(std::hint::black_box(vec![0u8; 100]))) >= 2);
}

#[test]
fn callbacks_neither_allocate_nor_free() {
    let health = Arc::new(Health::default());
    let (mut sink, mut capture) = rings::capture(44_100, Arc::clone(&health));
    let (mut source, mut playback) = rings::playback(44_100, Arc::clone(&health));
    let mut ringing = Source::ringing(44_100);
    let input = vec![1_000i16; 2 * 441];
    let mut output = vec![0.0f32; 2 * 441];
    for round in 0..1_000 {
        let allocations = as_a_callback(|| {
            // More than the ring holds, too.
            for _ in 0..if round % 100 == 0 { 60 } else { 1 } {
                sink.take(&input, 2, |sample| f32::from(sample) / 32_768.0);
            }
            source.fill(&mut output, 2, |sample| sample);
            ringing.fill(&mut output, 2, |sample| sample);
        });
        assert_eq!(allocations, 0, "round {round}");
        let allocations = as_a_callback(|| {
            let mut frame = SILENCE;
            capture.read(&mut frame);
            playback.write(&[0.1; FRAME]);
        });
        assert_eq!(allocations, 0, "on the media thread, round {round}");
    }
}
