//! How much slower this machine is now than an idle one: what every bound of the tests grows with.
//!
//! Other work on the processors delays a process by a factor, not by a constant. Three ratios are
//! measured: what a process takes to start and end, what a sleep of 1 ms takes, and what a loop
//! takes compared with the processor time that it uses. The largest is the factor. It is measured
//! at the first bound that a test program needs, and every few seconds after that in a thread of
//! its own; the largest factor so far counts, since the other work may stop and come back within a
//! test. A bound on a hang may grow, a test that *compares* must compare within one run.

use super::sys;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// On an idle machine of 2020 or later a process starts and ends within this time (0.7 ms
/// measured, 2 ms where tests run side by side).
const PROCESS: Duration = Duration::from_millis(2);

/// The length of the sleep that is measured, and what it takes on an idle machine (the timer slack
/// is 50 us, prctl(2)).
const SLEEP: Duration = Duration::from_millis(1);
const SLEEP_ELAPSED: Duration = Duration::from_micros(1_300);

/// The processor time of the loop that is measured: several time slices.
const LOOP: Duration = Duration::from_millis(10);

/// The factor is measured again after this time.
const REMEASURED_AFTER: Duration = Duration::from_secs(3);

/// A higher value means a stalled machine, and bounds have to be finite.
const FACTOR_MAX: f64 = 16.0;

/// The largest factor so far, as bits.
static FACTOR: AtomicU64 = AtomicU64::new(0);

/// How many times slower than an idle machine this one is: from 1 to 16.
pub fn factor() -> f64 {
    static MEASURING: OnceLock<()> = OnceLock::new();
    MEASURING.get_or_init(|| {
        remeasure();
        println!("machine: {:.1} times slower than idle", largest());
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(REMEASURED_AFTER);
                remeasure();
            }
        });
    });
    largest()
}

fn largest() -> f64 {
    f64::from_bits(FACTOR.load(Ordering::Relaxed))
}

fn remeasure() {
    let ratios = [process_ratio(), sleep_ratio(), loop_ratio()];
    let factor = ratios.into_iter().fold(1.0, f64::max).min(FACTOR_MAX);
    // The bits of positive numbers are ordered as the numbers are.
    FACTOR.fetch_max(factor.to_bits(), Ordering::Relaxed);
}

/// The median of five measurements, compared with what is expected.
fn median_ratio(expected: Duration, measure: impl Fn() -> Duration) -> f64 {
    let mut all: [Duration; 5] = std::array::from_fn(|_| measure());
    all.sort_unstable();
    all[2].as_secs_f64() / expected.as_secs_f64()
}

fn process_ratio() -> f64 {
    median_ratio(PROCESS, || {
        let begin = Instant::now();
        let mut command = Command::new("/bin/true");
        let child = super::spawn(command.stdin(Stdio::null()));
        child.wait_with_output().expect("/bin/true ends");
        begin.elapsed()
    })
}

fn sleep_ratio() -> f64 {
    median_ratio(SLEEP_ELAPSED, || {
        let begin = Instant::now();
        std::thread::sleep(SLEEP);
        begin.elapsed()
    })
}

fn loop_ratio() -> f64 {
    let (begin, used) = (Instant::now(), sys::thread_time());
    while sys::thread_time() - used < LOOP {
        for number in 0..1_000 {
            black_box(number);
        }
    }
    begin.elapsed().as_secs_f64() / (sys::thread_time() - used).as_secs_f64()
}

/// How late this machine wakes a thread that sleeps, watched beside a test: the test compares its
/// own delays with it.
pub struct Wakeups(Arc<Watch>);

struct Watch {
    is_stopped: AtomicBool,
    latest_us: AtomicU64,
}

impl Wakeups {
    /// Watching from now on, until this is dropped.
    pub fn watch() -> Wakeups {
        let watch = Arc::new(Watch {
            is_stopped: AtomicBool::new(false),
            latest_us: AtomicU64::new(0),
        });
        let shared = Arc::clone(&watch);
        std::thread::spawn(move || {
            while !shared.is_stopped.load(Ordering::Relaxed) {
                let begin = Instant::now();
                std::thread::sleep(SLEEP);
                let late = begin.elapsed().saturating_sub(SLEEP);
                let late_us = late.as_micros() as u64;
                shared.latest_us.fetch_max(late_us, Ordering::Relaxed);
            }
        });
        Wakeups(watch)
    }

    /// The latest wake-up so far.
    pub fn latest(&self) -> Duration {
        Duration::from_micros(self.0.latest_us.load(Ordering::Relaxed))
    }
}

impl Drop for Wakeups {
    fn drop(&mut self) {
        self.0.is_stopped.store(true, Ordering::Relaxed);
    }
}

/// The margin that the runtime leaves before a deadline, in milliseconds, for a time until then:
/// 2 % of it, at least 50 and at most 500 (`MARGIN_MS_MIN` in `src/limits.rs`).
fn margin_ms(until_deadline_ms: u64) -> u64 {
    (until_deadline_ms / 50).clamp(50, 500)
}

/// A deadline for a handler that will miss it, and whether the answer was in time.
pub struct Window {
    /// The time from now to the deadline, in milliseconds: long enough that the runtime's margin
    /// has as many milliseconds more as the machine is slower.
    pub ms: u64,
    wakeups: Wakeups,
}

impl Window {
    /// At least this time, in milliseconds of an idle machine at native speed; whole seconds.
    pub fn of_seconds(native_s: u64) -> Window {
        let mut window = Window::of_ms(native_s * 1_000);
        window.ms = window.ms.next_multiple_of(1_000);
        window
    }

    /// At least this time, in milliseconds of an idle machine at native speed.
    pub fn of_ms(native_ms: u64) -> Window {
        let native_ms = native_ms * u64::from(super::slowness());
        let margin_ms = margin_ms(native_ms) as f64;
        // An idle machine needs no more than the margin that there is.
        let slower = match factor() {
            factor if factor < IDLE_FACTOR => 0.0,
            factor => factor,
        };
        let longer_ms = (margin_ms * slower).min(WIDEST_MARGIN_MS) as u64 * 50;
        Window {
            ms: native_ms.max(longer_ms),
            wakeups: Wakeups::watch(),
        }
    }

    /// The latest time of the answer, when the handler is killed at `deadline_ms` less the margin:
    /// the deadline, or later where this machine delayed the threads in between by more than the
    /// margin.
    pub fn latest_ms(&self, deadline_ms: u64) -> u64 {
        deadline_ms + self.excess_ms()
    }

    /// Whether this machine delayed threads by more than the margin.
    pub fn is_exceeded(&self) -> bool {
        self.excess_ms() > 0
    }

    /// Four wake-ups lie between the end of the handler's time and the arrival of the answer: of
    /// the runtime, of the handler that is killed, of the runtime again, of the server.
    fn excess_ms(&self) -> u64 {
        let delay_ms = 4 * self.wakeups.latest().as_millis() as u64;
        delay_ms.saturating_sub(margin_ms(self.ms))
    }
}

/// A wider margin would need a window over 12 seconds.
const WIDEST_MARGIN_MS: f64 = 250.0;

/// Below this factor, only the tests themselves delay the tests.
const IDLE_FACTOR: f64 = 1.5;
