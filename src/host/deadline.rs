//! How long a call may take, found out only when that matters.
//!
//! The clock is a system call, and most events are answered before anybody has to look at it. So
//! the deadline of an event is what its header says, until something waits for it; only then it is
//! converted to the monotonic clock.

use core::cell::Cell;

use crate::invocation::Invocation;
use crate::limits::{DEADLINE_AHEAD_MS_MAX, MARGIN_MS_MAX, MARGIN_MS_MIN};
use crate::sys::{self, Environment, monotonic_ms, set_log_deadline};
use crate::wire::number::parse_decimal;

/// The deadline of a call.
pub struct Deadline {
    /// The deadline in the event's header, in milliseconds since the Unix epoch.
    header_ms: Option<u64>,
    /// The time of an event whose deadline has passed or is implausible, in milliseconds.
    timeout_ms: Option<u64>,
    resolved: Cell<Option<Resolved>>,
}

/// A deadline on our clocks.
#[derive(Clone, Copy, Default)]
struct Resolved {
    /// When this was found out, in milliseconds since the Unix epoch; 0: without the clock.
    now_ms: u64,
    /// The same on the monotonic clock.
    #[cfg(feature = "web")]
    monotonic_ms: u64,
    /// The time of the handler in all, without the margin, in milliseconds.
    limit_ms: Option<u64>,
    /// The end of that on the monotonic clock, in milliseconds.
    end_ms: Option<u64>,
    /// The deadline that the handler is shown, in milliseconds since the Unix epoch.
    shown_ms: Option<u64>,
}

impl Deadline {
    /// This time on the monotonic clock, in milliseconds, if there is a limit.
    #[inline(never)]
    pub fn at(end_ms: Option<u64>) -> Deadline {
        let resolved = Resolved {
            end_ms,
            ..Resolved::default()
        };
        Deadline {
            header_ms: None,
            timeout_ms: None,
            resolved: Cell::new(Some(resolved)),
        }
    }

    /// No time limit.
    pub fn none() -> Deadline {
        Deadline::at(None)
    }

    /// It has passed: calls do not wait.
    pub fn passed() -> Deadline {
        Deadline::at(Some(0))
    }

    /// That of an event. Where the event brings no deadline, or one that has passed, `timeout_ms`
    /// counts, if the function has a timeout.
    ///
    /// `clock_ms` is when the clock was read last, in milliseconds since the Unix epoch. A deadline
    /// before that has passed, and one more than a day after it may be implausible: for these the
    /// clock is read now. For all others it is read when something waits.
    pub fn of_event(
        invocation: &Invocation<'_>,
        timeout_ms: Option<u64>,
        clock_ms: u64,
    ) -> Deadline {
        let deadline = Deadline {
            header_ms: invocation.deadline_ms(),
            timeout_ms,
            resolved: Cell::new(None),
        };
        let left_ms = |header_ms: u64| header_ms.checked_sub(clock_ms);
        let left_ms = deadline.header_ms.and_then(left_ms).unwrap_or_default();
        set_log_deadline(None);
        if left_ms == 0 || left_ms > DEADLINE_AHEAD_MS_MAX {
            deadline.resolve();
        }
        deadline
    }

    /// The end of the time on the monotonic clock, in milliseconds, if there is a limit.
    pub fn end_ms(&self) -> Option<u64> {
        self.resolve().end_ms
    }

    /// Whether the end has come.
    #[cfg(feature = "web")]
    pub fn has_passed(&self) -> bool {
        self.end_ms().is_some_and(|end_ms| end_ms <= monotonic_ms())
    }

    /// The time that the handler had in all, in milliseconds.
    pub fn limit_ms(&self) -> u64 {
        self.resolve().limit_ms.unwrap_or_default()
    }

    /// The deadline that the handler is given, in milliseconds since the Unix epoch.
    pub fn shown_ms(&self) -> Option<u64> {
        match self.resolved.get() {
            Some(resolved) => resolved.shown_ms,
            None => self.header_ms,
        }
    }

    /// When the clock was read for it, in milliseconds since the Unix epoch, if it was.
    pub fn clock_ms(&self) -> Option<u64> {
        let resolved = self.resolved.get()?;
        (resolved.now_ms != 0).then_some(resolved.now_ms)
    }

    /// What the clocks showed when they were read for it, or show now: milliseconds since the Unix
    /// epoch, and of the monotonic clock.
    #[cfg(feature = "web")]
    pub fn clocks_ms(&self) -> [u64; 2] {
        match self.resolve() {
            Resolved { now_ms: 0, .. } => clocks_ms(),
            resolved => [resolved.now_ms, resolved.monotonic_ms],
        }
    }

    /// Makes sure that no write to the log waits longer than this.
    pub fn bound_log(&self) {
        self.resolve();
    }

    /// Whether the clock had to be read, or there is no limit to wait for.
    pub fn is_resolved(&self) -> bool {
        self.resolved.get().is_some()
    }

    fn resolve(&self) -> Resolved {
        if let Some(resolved) = self.resolved.get() {
            return resolved;
        }
        let mut resolved = Resolved::default();
        if self.header_ms.is_some() || self.timeout_ms.is_some() {
            let [now_ms, monotonic_ms] = clocks_ms();
            let left_ms = self
                .header_ms
                .and_then(|header_ms| header_ms.checked_sub(now_ms))
                .filter(|&left_ms| left_ms > 0 && left_ms <= DEADLINE_AHEAD_MS_MAX);
            let limit_ms = left_ms.or(self.timeout_ms).map(subtract_margin);
            resolved = Resolved {
                now_ms,
                #[cfg(feature = "web")]
                monotonic_ms,
                limit_ms,
                end_ms: limit_ms.map(|limit_ms| monotonic_ms.saturating_add(limit_ms)),
                shown_ms: match left_ms {
                    Some(_) => self.header_ms,
                    None => self
                        .timeout_ms
                        .map(|timeout_ms| now_ms.saturating_add(timeout_ms)),
                },
            };
        }
        self.resolved.set(Some(resolved));
        // Writes to the log are bounded by it too.
        set_log_deadline(resolved.end_ms);
        resolved
    }
}

/// The time since the Unix epoch, and that of the monotonic clock, in milliseconds.
pub fn clocks_ms() -> [u64; 2] {
    [sys::now_ms(), monotonic_ms()]
}

/// The time until a handler is stopped, which is before its deadline, in milliseconds.
fn subtract_margin(time_ms: u64) -> u64 {
    let margin_ms = (time_ms / 50).clamp(MARGIN_MS_MIN, MARGIN_MS_MAX);
    // Of a very short time, half is better than nothing.
    time_ms.saturating_sub(margin_ms).max(time_ms / 2).max(1)
}

/// The timeout of the function, in milliseconds, as the environment has it.
pub fn timeout_ms(environment: &Environment) -> Option<u64> {
    environment
        .get(b"AWS_LAMBDA_FUNCTION_TIMEOUT=")
        .and_then(parse_decimal)
        .filter(|&seconds| seconds > 0)
        .map(|seconds| (seconds as u64).saturating_mul(1000))
}
