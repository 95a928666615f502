//! The client's side of the environment: events in, outcomes out, and the end of it all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::state::{InitFailure, Phase};
use super::turns::Offer;
use super::{Environment, Look};
use crate::local::clock;
use crate::local::invocation::{Invocation, Outcome, Submission};
use crate::local::process;

/// How long `shut_down` waits for the undertaker.
const SHUT_DOWN: Duration = Duration::from_secs(5);

/// From SIGTERM to SIGKILL, where there is an internal extension (Developer Guide, "Lambda
/// execution environment lifecycle").
const NOTICE: Duration = Duration::from_millis(500);

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
    /// Waits until the event is in hand of a process that has asked for one, and is started for it
    /// if there is none. Its time begins; it is handed on by `release`.
    pub fn offer(&self, submission: &Arc<Submission>) -> Result<(), InitFailure> {
        let timeout_ms = u64::try_from(self.settings.timeout.as_millis()).unwrap_or(u64::MAX);
        let attempt_id = clock::uuid();
        let began = Instant::now();
        self.wait_until(&self.progress, |state, now| {
            let invocation = || {
                Arc::new(Invocation {
                    submission: submission.clone(),
                    attempt_id: attempt_id.clone(),
                    deadline_ms: clock::now_ms().saturating_add(timeout_ms),
                })
            };
            match state.offer(now, began, submission.submitted, invocation) {
                Offer::Accepted => Look::Done(Ok(())),
                Offer::Failed(failure) => Look::Done(Err(failure)),
                Offer::Waiting => Look::At(began + state.wait_max()),
            }
        })
    }

    /// Hands the event in hand on to the process. Apart from `offer` so that the START line is
    /// written between the two.
    pub fn release(&self, id: &str) {
        self.step(|state, _| state.release(id));
    }

    /// Waits for the outcome of the event in hand; kills the process when the time is up.
    pub fn outcome(&self, id: &str) -> Outcome {
        self.wait_until(&self.progress, |state, now| match state.outcome(now, id) {
            Ok(outcome) => Look::Done(outcome),
            Err(time) => Look::At(time),
        })
    }

    /// Waits until the process asks for more, or is gone; kills it when the time is up. Where
    /// several events are handled at once, there is nothing to wait for: this one is done.
    pub fn end(&self, duration: Duration) -> End {
        if self.settings.concurrency.is_some() {
            let mut end = End::without_event(duration);
            end.init = self.step(|state, _| state.init.take());
            return end;
        }
        self.wait_until(&self.progress, |state, now| match state.end(now) {
            Ok(duration) => Look::Done(End {
                duration,
                init: state.init.take(),
                restore: state.restore.take(),
                peak_kib: state.process.and_then(process::peak_kib),
            }),
            Err(time) => Look::At(time),
        })
    }

    /// Kills the process and all that it started, after its notice if it has one; false when some
    /// of it would not die.
    pub fn shut_down(&self) -> bool {
        let has_notice = self.step(|state, _| {
            state.closing = true;
            let has_notice = state.extension.is_some() || state.limits.is_concurrent;
            state.actions.terminate = state.process.filter(|_| has_notice);
            state.actions.terminate.is_some()
        });
        if has_notice {
            self.wait_until_stopped(NOTICE);
        }
        self.step(|state, now| {
            state.kill(now);
            state.actions.wake_keepers = true;
        });
        self.wait_until_stopped(SHUT_DOWN)
    }

    fn wait_until_stopped(&self, at_most: Duration) -> bool {
        let end = Instant::now() + at_most;
        self.wait_until(&self.progress, |state, now| {
            let is_stopped = state.phase == Phase::Stopped;
            match is_stopped || now >= end {
                true => Look::Done(is_stopped),
                false => Look::At(end),
            }
        })
    }
}
