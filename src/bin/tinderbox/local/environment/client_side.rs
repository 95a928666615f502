//! The client's side of the environment: events in, outcomes out, and the shutdown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::invocations::Offer;
use super::state::Phase;
use super::{Environment, Poll};
use crate::clock;
use crate::local::invocation::{Invocation, InvokeRequest};
use crate::local::outcome::{InitFailure, Outcome};
use crate::local::sandbox::tree::Tree;

/// How long `shut_down` waits for the reaper.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// From SIGTERM to SIGKILL, if there is an internal extension (Developer Guide, "Lambda execution
/// environment lifecycle").
const SIGTERM_GRACE: Duration = Duration::from_millis(500);

/// The end of an invocation.
pub struct End {
    /// From the release of the event until the next `/next`, or the exit of the process.
    pub duration: Duration,
    /// From the start of the process to its first `/next`; only for the first event after a start.
    pub init: Option<Duration>,
    /// From the restored snapshot to the first `/next`; likewise.
    pub restore: Option<Duration>,
    /// The largest resident size of the process so far, if it is running.
    pub peak_kib: Option<u64>,
}

impl End {
    /// The end of an event that no process got.
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
    /// Waits until a process that has requested an event accepts this one, and starts a process if
    /// there is none. The function's timeout begins; `release` delivers the event.
    pub fn offer(&self, request: &Arc<InvokeRequest>) -> Result<(), InitFailure> {
        let timeout_ms = u64::try_from(self.settings.timeout.as_millis()).unwrap_or(u64::MAX);
        let attempt_id = clock::uuid();
        let waiting_since = Instant::now();
        self.wait_until(&self.progress, |state, now| {
            let invocation = || {
                Arc::new(Invocation {
                    request: request.clone(),
                    attempt_id: attempt_id.clone(),
                    deadline_ms: clock::now_ms().saturating_add(timeout_ms),
                })
            };
            match state.offer(now, waiting_since, request.received, invocation) {
                Offer::Accepted => Poll::Ready(Ok(())),
                Offer::Failed(failure) => Poll::Ready(Err(failure)),
                Offer::Waiting => Poll::RecheckAt(waiting_since + state.offer_timeout()),
            }
        })
    }

    /// Delivers the accepted event. Separate from `offer`, so that the START line is written
    /// between the two.
    pub fn release(&self, id: &str) {
        self.with_tree(Tree::thaw);
        self.step(|state, _| state.release(id));
    }

    /// Waits for the outcome of the accepted event; kills the process after the timeout.
    pub fn wait_for_outcome(&self, id: &str) -> Outcome {
        self.wait_until(&self.progress, |state, now| {
            match state.poll_outcome(now, id) {
                Ok(outcome) => Poll::Ready(outcome),
                Err(time) => Poll::RecheckAt(time),
            }
        })
    }

    /// Waits until the process requests the next event, or is gone; kills it after the timeout. A
    /// concurrent environment does not wait: `duration` is the event's.
    pub fn wait_for_end(&self, duration: Duration) -> End {
        if self.settings.concurrency.is_some() {
            let mut end = End::without_event(duration);
            end.init = self.step(|state, _| state.init.take());
            return end;
        }
        let mut end = self.wait_until(&self.progress, |state, now| match state.poll_end(now) {
            Ok(duration) => Poll::Ready(End {
                duration,
                init: state.init.take(),
                restore: state.restore.take(),
                peak_kib: None,
            }),
            Err(time) => Poll::RecheckAt(time),
        });
        end.peak_kib = self.with_tree(Tree::sample_peak_kib).flatten();
        if self.settings.freeze {
            self.with_tree(Tree::freeze);
        }
        end
    }

    /// Kills the process and everything that it started, after SIGTERM if it is entitled to that;
    /// false if some of it does not exit.
    pub fn shut_down(&self) -> bool {
        self.with_tree(Tree::thaw); // for the processes that get SIGTERM
        let is_notified = self.step(|state, _| {
            state.shutting_down = true;
            let is_entitled = state.extension.is_some() || state.limits.is_concurrent;
            state.actions.terminate = state.process.filter(|_| is_entitled);
            state.actions.terminate.is_some()
        });
        if is_notified {
            self.wait_until_stopped(SIGTERM_GRACE);
        }
        self.step(|state, now| {
            state.kill(now);
            state.actions.wake_supervisors = true;
        });
        self.wait_until_stopped(SHUTDOWN_TIMEOUT)
    }

    fn wait_until_stopped(&self, timeout: Duration) -> bool {
        let end = Instant::now() + timeout;
        self.wait_until(&self.progress, |state, now| {
            let is_stopped = state.phase == Phase::Stopped;
            match is_stopped || now >= end {
                true => Poll::Ready(is_stopped),
                false => Poll::RecheckAt(end),
            }
        })
    }
}
