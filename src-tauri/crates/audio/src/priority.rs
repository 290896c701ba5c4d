//! The urgency of the thread that moves sound.

/// Asks the system to run the calling thread before others. A system that refuses is obeyed: sound then takes its turn.
#[cfg(target_os = "linux")]
pub fn raise_priority() {
    /// What sound servers give their clients.
    const NICE: i32 = -11;
    // On Linux the calling "process" is the calling thread.
    match rustix::process::setpriority_process(None, NICE) {
        Ok(()) => tracing::debug!(nice = NICE, "the thread's priority is raised"),
        Err(error) => tracing::debug!(%error, "the thread's priority stays as it is"),
    }
}

/// Asks the system to run the calling thread before others; here the system knows by itself.
#[cfg(not(target_os = "linux"))]
pub fn raise_priority() {
    tracing::debug!("the thread's priority stays as it is");
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_thread_that_asks_is_raised() {
        let mine = || rustix::process::getpriority_process(None).ok();
        let before = mine();
        std::thread::spawn(raise_priority).join().ok();
        assert_eq!(mine(), before);
    }
}
