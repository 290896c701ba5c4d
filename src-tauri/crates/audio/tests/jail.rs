//! The system calls us on a thread that must never wait. Here that thread is in a jail of the kernel's (a filter, which
//! works within a container's own, too): any system call but its own exit kills it; so does waiting for a lock, which is
//! one.
//!
//! The media thread works at the other ends of the rings meanwhile, so that whoever wanted a lock would have to wait.

#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#![allow(clippy::unwrap_used, unsafe_code)]

use std::ffi::{c_int, c_long, c_ulong};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deskline_audio::devices::backend::Health;
use deskline_audio::devices::rings::{self, Source};
use deskline_audio::{FRAME, SILENCE};

const PR_SET_SECCOMP: c_int = 22;
const PR_SET_NO_NEW_PRIVS: c_int = 38;
const SECCOMP_MODE_FILTER: c_ulong = 2;

/// One instruction of the filter, as the kernel wants it.
#[repr(C)]
struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    value: u32,
}

#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

/// Locks the calling thread up: from now on it may end, and nothing else. Whether the kernel did it.
fn lock_up(exit: c_long) -> bool {
    const LOAD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const ALLOW: u32 = 0x7fff_0000;
    const KILL_THREAD: u32 = 0;
    let step = |code, if_false, value| Instruction {
        code,
        if_true: 0,
        if_false,
        value,
    };
    let instructions = [
        // The number of the system call is the first thing the filter sees.
        step(LOAD, 0, 0),
        step(JUMP_IF_EQUAL, 1, u32::try_from(exit).unwrap()),
        step(RETURN, 0, ALLOW),
        step(RETURN, 0, KILL_THREAD),
    ];
    let program = Program {
        length: instructions.len() as u16,
        instructions: instructions.as_ptr(),
    };
    let (yes, no): (c_ulong, c_ulong) = (1, 0);
    // SAFETY: the kernel copies the program, which outlives both calls.
    unsafe {
        prctl(PR_SET_NO_NEW_PRIVS, yes, no, no, no) == 0
            && prctl(
                PR_SET_SECCOMP,
                SECCOMP_MODE_FILTER,
                std::ptr::from_ref(&program),
            ) == 0
    }
}

#[cfg(target_arch = "x86_64")]
const SYS: (c_long, c_long) = (60, 186);
#[cfg(target_arch = "aarch64")]
const SYS: (c_long, c_long) = (93, 178);

unsafe extern "C" {
    fn prctl(option: c_int, ...) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
}

const OUT: i64 = -1;
const REFUSED: i64 = -2;

/// Does work in the jail; whether it came out alive. The thread is left by its own exit, so nothing is dropped there.
fn survives_the_jail(work: impl FnOnce() + Send + 'static) -> bool {
    let state = Arc::new(AtomicI64::new(0));
    let shared = Arc::clone(&state);
    let thread = std::thread::spawn(move || {
        // SAFETY: plain system calls without pointers; the thread keeps nothing that others wait for.
        unsafe {
            let (exit, gettid) = SYS;
            shared.store(syscall(gettid), Ordering::SeqCst);
            if lock_up(exit) {
                work();
                shared.store(OUT, Ordering::SeqCst);
            } else {
                shared.store(REFUSED, Ordering::SeqCst);
            }
            syscall(exit, 0 as c_long);
        }
    });
    // It cannot be joined: it never returns to the library that would tell.
    std::mem::forget(thread);
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        match state.load(Ordering::SeqCst) {
            OUT => return true,
            REFUSED => panic!("this kernel has no jail"),
            0 => {}
            id => {
                let lives = std::path::Path::new(&format!("/proc/self/task/{id}")).exists();
                if !lives && state.load(Ordering::SeqCst) != OUT {
                    return false;
                }
            }
        }
        assert!(Instant::now() < deadline, "neither done nor dead");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn who_waits_for_a_lock_does_not_survive() {
    let lock = Arc::new(Mutex::new(0));
    let held = lock.lock().unwrap();
    let wanted = Arc::clone(&lock);
    assert!(!survives_the_jail(move || {
        *wanted.lock().unwrap() += 1;
    }));
    drop(held);
}

#[test]
fn who_asks_the_kernel_for_anything_does_not_survive() {
    assert!(!survives_the_jail(|| {
        // SAFETY: it only asks who it is.
        unsafe { syscall(SYS.1) };
    }));
}

#[test]
fn who_only_counts_survives() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    assert!(survives_the_jail(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    }));
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

/// Callbacks of one sample format, with every number of channels and many periods.
macro_rules! callbacks {
    ($rate:expr, $rounds:expr, $sample:ty, $to:expr, $from:expr) => {{
        let health = Arc::new(Health::default());
        let (mut sink, mut capture) = rings::capture($rate, Arc::clone(&health));
        let (mut source, mut playback) = rings::playback($rate, Arc::clone(&health));
        let mut bell = Source::ringing($rate);
        let input: Vec<$sample> = vec![Default::default(); 8 * 4_096];
        let mut output: Vec<$sample> = vec![Default::default(); 8 * 4_096];
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, watched) = (Arc::clone(&stop), Arc::clone(&health));
        let other_end = std::thread::spawn(move || {
            let mut frames = 0usize;
            while !stopped.load(Ordering::Relaxed) {
                let mut frame = SILENCE;
                capture.read(&mut frame);
                playback.write(&[0.1; FRAME]);
                watched.leaves.store(frames % 64 == 63, Ordering::Relaxed);
                let _ = (capture.latency(), playback.slips());
                frames += 1;
            }
            frames
        });
        let alive = survives_the_jail(move || {
            for round in 0..$rounds {
                let channels = 1 + round % 8;
                let period = [1, 7, 64, 160, 441, 480, 1_023, 4_096][round / 8 % 8];
                let samples = channels * period;
                sink.take(&input[..samples], channels, $to);
                source.fill(&mut output[..samples], channels, $from);
                bell.fill(&mut output[..samples], channels, $from);
            }
            // Nothing may be freed in there.
            std::mem::forget((sink, source, bell, input, output));
        });
        stop.store(true, Ordering::Relaxed);
        let frames = other_end.join().unwrap();
        assert!(alive, "samples of {}", stringify!($sample));
        assert!(frames > 0, "nobody was at the other end");
    }};
}

#[test]
fn callbacks_make_no_system_call_and_wait_for_no_lock() {
    const ROUNDS: usize = 4_096;
    callbacks!(48_000, ROUNDS, f32, |sample| sample, |sample| sample);
    callbacks!(
        44_100,
        ROUNDS,
        i16,
        |sample: i16| f32::from(sample) / 32_768.0,
        |sample: f32| (sample * 32_767.0) as i16
    );
    callbacks!(
        16_000,
        ROUNDS,
        i32,
        |sample: i32| sample as f32 / 2_147_483_648.0,
        |sample: f32| (sample * 2_147_483_000.0) as i32
    );
    callbacks!(
        8_000,
        ROUNDS,
        u8,
        |sample: u8| (f32::from(sample) - 128.0) / 128.0,
        |sample: f32| (sample * 127.0 + 128.0) as u8
    );
}
