//! The client's side of the environment: events in, outcomes out, and the end of it all.

use std::process::ExitStatus;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use super::state::{Phase, State};
use super::{Environment, wait, wait_for};
use crate::local::clock;
use crate::local::invocation::{Invocation, Outcome, Submission};
use crate::local::process;
use crate::sys;

/// How long `shut_down` waits for the undertaker.
const SHUT_DOWN: Duration = Duration::from_secs(5);

/// From SIGTERM to SIGKILL, where there is an internal extension (Developer Guide, "Lambda
/// execution environment lifecycle").
const NOTICE: Duration = Duration::from_millis(500);

/// Why a process never asked for an event.
pub enum InitFailure {
    /// It posted `/init/error`.
    Posted(Outcome),
    /// It ended first.
    Exited(ExitStatus),
    /// It was killed: its time for init was up.
    TimedOut,
    /// It could not be started at all, for this reason.
    NotStarted(String),
}

/// How an invocation came to its end.
pub struct End {
    /// From handing the event over until the next `/next`, or the process's death.
    pub duration: Duration,
    /// From the process's start to its first `/next`; with the first event after a start only.
    pub init: Option<Duration>,
    /// From the restored snapshot to the first `/next`; likewise.
    pub restore: Option<Duration>,
    /// The greatest resident size of the process so far, if it lives to tell.
    pub peak_kib: Option<u64>,
}

impl End {
    /// The end of an event that nothing was handed to.
    pub fn without_event(duration: Duration) -> End {
        End {
            duration,
            init: None,
            restore: None,
            peak_kib: None,
        }
    }
}

impl Environment {
    /// Waits until the process asks for an event; has it started when there is none.
    ///
    /// A failure is told to the event that waited for it; a later one gets a new start instead.
    pub fn wait_until_ready(&self, submitted: Instant) -> Result<(), InitFailure> {
        let mut state = self.lock();
        state
            .init_failure
            .take_if(|(failed, _)| *failed < submitted);
        loop {
            if state.phase == Phase::Ready && !state.is_dying {
                return Ok(());
            }
            if state.phase == Phase::Stopped && !state.start_is_wanted {
                if let Some((_, failure)) = state.init_failure.take() {
                    return Err(failure);
                }
                state.start_is_wanted = true;
                self.control.notify_all();
            }
            state = wait(&self.progress, state);
        }
    }

    /// Hands an event to the process, which has asked for one; its time begins.
    pub fn deliver(&self, submission: Arc<Submission>) {
        let timeout = self.settings.timeout;
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let invocation = Invocation {
            submission,
            attempt_id: clock::uuid(),
            deadline_ms: clock::now_ms().saturating_add(timeout_ms),
        };
        self.lock().deliver(Arc::new(invocation), timeout);
        self.event.notify_all();
    }

    /// Waits for the event's outcome; kills the process when the time is up.
    pub fn wait_for_outcome(&self) -> Outcome {
        let mut state = self.lock();
        loop {
            if let Some(outcome) = state.outcome.take() {
                return outcome;
            }
            state = self.wait_within_time(state);
        }
    }

    /// Waits until the process asks for more, or is gone; kills it when the time is up.
    pub fn wait_for_end(&self) -> End {
        let mut state = self.lock();
        while !state.invocation_is_over() {
            state = self.wait_within_time(state);
        }
        End {
            duration: state.duration(),
            init: state.init.take(),
            restore: state.restore.take(),
            peak_kib: state.process.and_then(process::peak_kib),
        }
    }

    /// Kills the process and all that it started, after its notice if it has one; false when some
    /// of it would not die.
    pub fn shut_down(&self) -> bool {
        let mut state = self.lock();
        state.closing = true;
        if (state.extension.is_some() || self.settings.concurrency.is_some())
            && let Some(pid) = state.process
        {
            sys::terminate(pid);
            state = self.wait_until_stopped(state, NOTICE);
        }
        state.kill();
        self.control.notify_all();
        self.wait_until_stopped(state, SHUT_DOWN).phase == Phase::Stopped
    }

    fn wait_until_stopped<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        at_most: Duration,
    ) -> MutexGuard<'a, State> {
        let end = Instant::now() + at_most;
        while state.phase != Phase::Stopped {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = wait_for(&self.progress, state, left);
        }
        state
    }

    fn wait_within_time<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.is_dying {
            return wait(&self.progress, state);
        }
        let left = state.time_left();
        if left.is_zero() {
            state.time_out(self.settings.timeout);
            return state;
        }
        wait_for(&self.progress, state, left)
    }
}
