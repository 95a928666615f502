//! Deadlines and bounds that hold on a slow or busy machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::api::{Event, now_ms};
use crate::support::{bound, slowness};

/// `RESTART_MS_MAX` of `src/limits.rs`: the longest restart where no deadline bounds it.
const RESTART_MS_MAX: u64 = 10_000;

/// A window that a test waits out is at most so many times longer on a slow machine: such tests are
/// many, and some limits of the runtime (`RESTART_MS_MAX`) do not grow with it.
const WINDOW_FACTOR_MAX: u64 = 4;

/// A window in milliseconds: the native one, longer on a slow machine.
pub fn bound_ms(native_ms: u64) -> u64 {
    let window_ms = bound(native_ms).as_millis() as u64;
    window_ms.min(native_ms * WINDOW_FACTOR_MAX)
}

/// A bound in whole seconds, as a worker reads it.
pub fn bound_s(native_s: u64) -> u64 {
    bound_ms(native_s * 1_000).div_ceil(1_000)
}

/// Sets the deadline of an event to this number of milliseconds from now, more on a slow machine.
pub fn due_in(event: Event, native_ms: u64) -> Event {
    event.deadline(&(now_ms() + bound_ms(native_ms)).to_string())
}

/// A window for a deadline that a restart, which may take longer, must not outlast: long enough for
/// this machine, and always shorter than a restart without a deadline.
pub fn window_within_restart_ms(native_ms: u64) -> u64 {
    bound_ms(native_ms).min(RESTART_MS_MAX / 2)
}

/// The end of such a window and of a restart without a deadline lie on the two sides of this.
pub fn between_window_and_restart_ms(window_ms: u64) -> u64 {
    (window_ms + RESTART_MS_MAX) / 2
}

/// How late this machine wakes a sleeping thread, measured while a test runs.
pub struct WakeUpDelay {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Duration>,
}

impl WakeUpDelay {
    /// Starts to measure.
    pub fn start() -> WakeUpDelay {
        const NAP: Duration = Duration::from_millis(1);
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut longest = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                let begin = Instant::now();
                std::thread::sleep(NAP);
                longest = longest.max(begin.elapsed().saturating_sub(NAP));
            }
            longest
        });
        WakeUpDelay { stop, thread }
    }

    /// The time that a chain of this number of processes may lose to the machine: each is woken
    /// with the longest delay that was measured.
    pub fn of_chain(self, processes: u32) -> Duration {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the measuring thread") * processes * slowness()
    }
}
