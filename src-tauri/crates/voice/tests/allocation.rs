//! The media thread's tick must not wait for memory: once made, voice processing allocates and frees nothing.

#![allow(clippy::unwrap_used, unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use deskline_voice::FRAME;
use deskline_voice::process::{Far, Near, Noise, Settings};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Counts what happens inside a tick.
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

fn counted(work: impl FnOnce()) -> usize {
    COUNT.set(0);
    INSIDE.set(true);
    work();
    INSIDE.set(false);
    COUNT.get()
}

#[test]
fn a_tick_neither_allocates_nor_frees() {
    assert!(counted(|| drop(std::hint::black_box(vec![0u8; 100]))) >= 2);
    let all = Settings {
        echo: true,
        noise: Noise::Strong,
        gain: true,
    };
    let mut near = Near::new(all);
    let mut far = Far::new();
    let mut most = 0;
    for n in 0..600usize {
        let mut played: [f32; FRAME] =
            std::array::from_fn(|k| (((n * FRAME + k) * 7_919 % 1_000) as f32 - 500.0) / 2_000.0);
        let mut heard = played.map(|sample| 0.3 * sample);
        let used = counted(|| {
            if n == 300 {
                near.set(Settings::default());
            }
            if n == 400 {
                near.set(all);
            }
            far.bypass(n % 100 > 50);
            far.clean(&mut played);
            near.render(&played);
            near.capture(&mut heard);
        });
        // The first ticks may fill what the libraries keep for later.
        if n >= 10 {
            most = most.max(used);
        }
    }
    assert_eq!(most, 0, "allocations in a tick");
}
