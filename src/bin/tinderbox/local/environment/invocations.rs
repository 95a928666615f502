//! The client's transitions: an event is offered, accepted and released, and gets an outcome and an
//! end. Pure, as `state`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::state::{BACKOFF_MAX, EXIT_TIMEOUT, Phase, State};
use crate::local::invocation::Invocation;
use crate::local::outcome::{InitFailure, Outcome};

/// How long the supervisor may take to start a process.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// The state of an offered event.
pub enum Offer {
    /// A process will get it: it has an outcome before its deadline.
    Accepted,
    Failed(InitFailure),
    /// No process waits for an event; a start is requested.
    Waiting,
}

impl State {
    /// A client offers an event. In one step it is accepted for a process that waits for an event,
    /// or it fails, or a start is requested; `waiting_since` is the time of its first offer.
    ///
    /// An init failure goes to events that waited for that process; a later event gets a new start.
    pub fn offer(
        &mut self,
        now: Instant,
        waiting_since: Instant,
        received: Instant,
        invocation: impl FnOnce() -> Arc<Invocation>,
    ) -> Offer {
        if self.phase == Phase::Ready && self.ending.is_none() {
            self.accept(now, invocation());
            return Offer::Accepted;
        }
        if self.phase == Phase::Stopped && !self.start_requested {
            let known = match self.limits.is_concurrent {
                true => self.init_failure.clone(), // several clients wait for it
                false => self.init_failure.take(),
            };
            if let Some((failed, failure)) = known
                && failed >= received
            {
                return Offer::Failed(failure);
            }
            self.start_requested = true;
        }
        if self.is_stuck(now) || now >= waiting_since + self.offer_timeout() {
            return Offer::Failed(InitFailure::Unavailable);
        }
        Offer::Waiting
    }

    /// How long an offer waits at most: the exit of one process, and start, init, restore and exit
    /// of another. Each of these has a timeout of its own; this one is a safety net.
    pub fn offer_timeout(&self) -> Duration {
        2 * (EXIT_TIMEOUT + self.limits.init_timeout) + BACKOFF_MAX + START_TIMEOUT
    }

    fn accept(&mut self, now: Instant, invocation: Arc<Invocation>) {
        if self.limits.is_concurrent {
            return self.in_flight.accept(now, invocation);
        }
        self.accepted = now;
        self.deadline = now + self.limits.timeout;
        self.finished = None;
        self.has_outcome = false;
        self.outcome = None;
        self.current = Some(invocation.clone());
        self.held = Some(invocation);
    }

    /// Makes the accepted event available to `/next`, unless it already has an outcome.
    pub fn release(&mut self, id: &str) {
        match self.limits.is_concurrent {
            true => self.in_flight.release(id),
            false => self.pending = self.held.take(),
        }
    }

    /// The outcome of an accepted event; the error is the time of the next check.
    pub fn poll_outcome(&mut self, now: Instant, id: &str) -> Result<Outcome, Instant> {
        if self.limits.is_concurrent {
            return self.in_flight.poll_outcome(now, id, self.limits.timeout);
        }
        if self.outcome.is_none() {
            match self.ending {
                None if now < self.deadline => return Err(self.deadline),
                None => self.time_out(now),
                Some(_) if self.is_stuck(now) => self.set_outcome(Outcome::unavailable(id)),
                // Its answer may still be in a socket's buffer.
                Some(ending) => return Err(ending.since() + EXIT_TIMEOUT),
            }
        }
        self.outcome.take().ok_or(self.deadline)
    }

    /// The duration of the event, once the process has finished it; the error is the time of the
    /// next check.
    pub fn poll_end(&mut self, now: Instant) -> Result<Duration, Instant> {
        let requested_next = self.phase == Phase::Ready && self.ending.is_none();
        let is_finished = requested_next || self.phase == Phase::Stopped || self.is_stuck(now);
        if self.has_outcome && is_finished {
            let finished = self.finished.unwrap_or(now);
            return Ok(finished.duration_since(self.accepted));
        }
        match self.ending {
            None if now < self.deadline => return Err(self.deadline),
            None => self.time_out(now),
            Some(_) => {}
        }
        Err(self
            .ending
            .map_or(now, |ending| ending.since() + EXIT_TIMEOUT))
    }
}
