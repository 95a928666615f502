//! The client's transitions: an event is offered, taken in hand, released, and comes to an outcome
//! and an end. Pure, as `state`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::state::{BACK_OFF_MAX, DEATH_MAX, InitFailure, Phase, State};
use crate::local::invocation::{Invocation, Outcome};

/// What the keeper's own part of a start may take.
const START_MAX: Duration = Duration::from_secs(5);

/// What a client gets that offers an event.
pub enum Offer {
    /// The event is in hand: it has an outcome, in time.
    Accepted,
    Failed(InitFailure),
    /// No process waits for an event. One is wanted, from here on.
    Waiting,
}

impl State {
    /// A client has an event. In one step it is decided whether that is in hand of a process which
    /// waits for one, or has failed, or a process is wanted first; `waiting_since` is the time of
    /// its first offer.
    ///
    /// A failure is told to the event that waited for it; a later one gets a new start instead.
    pub fn offer(
        &mut self,
        now: Instant,
        waiting_since: Instant,
        submitted: Instant,
        invocation: impl FnOnce() -> Arc<Invocation>,
    ) -> Offer {
        if self.phase == Phase::Ready && self.dying_since.is_none() {
            self.take_in_hand(now, invocation());
            return Offer::Accepted;
        }
        if self.phase == Phase::Stopped && !self.start_is_wanted {
            let known = match self.limits.is_concurrent {
                true => self.init_failure.clone(), // so many wait for it
                false => self.init_failure.take(),
            };
            if let Some((failed, failure)) = known
                && failed >= submitted
            {
                return Offer::Failed(failure);
            }
            self.start_is_wanted = true;
            self.actions.wake_keepers = true;
        }
        if self.is_stuck(now) || now >= waiting_since + self.wait_max() {
            return Offer::Failed(InitFailure::Unavailable);
        }
        Offer::Waiting
    }

    /// When an offer that waits fails at the latest: after the end of one process, and start, init,
    /// restore and end of another. Each has a limit of its own; this is for what has none.
    pub fn wait_max(&self) -> Duration {
        2 * (DEATH_MAX + self.limits.init_timeout) + BACK_OFF_MAX + START_MAX
    }

    fn take_in_hand(&mut self, now: Instant, invocation: Arc<Invocation>) {
        if self.limits.is_concurrent {
            return self.flights.hold(now, invocation);
        }
        self.delivered = now;
        self.deadline = now + self.limits.timeout;
        self.finished = None;
        self.settled = false;
        self.outcome = None;
        self.current = Some(invocation.clone());
        self.held = Some(invocation);
    }

    /// Hands the event in hand on to whoever asks first, unless it has an outcome already.
    pub fn release(&mut self, id: &str) {
        match self.limits.is_concurrent {
            true => self.flights.release(id),
            false => self.pending = self.held.take(),
        }
        self.actions.wake_runtimes = true;
    }

    /// The outcome of the event in hand, or when it will have one at the latest.
    pub fn outcome(&mut self, now: Instant, id: &str) -> Result<Outcome, Instant> {
        if self.limits.is_concurrent {
            return self.flights.outcome(now, id, self.limits.timeout);
        }
        if self.outcome.is_none() {
            match self.dying_since {
                None if now < self.deadline => return Err(self.deadline),
                None => self.time_out(now),
                Some(_) if self.is_stuck(now) => self.settle(Outcome::unavailable(id)),
                // Its last words may be the answer.
                Some(since) => return Err(since + DEATH_MAX),
            }
        }
        self.outcome.take().ok_or(self.deadline)
    }

    /// How long the event in hand took, once the process is done with it, for good or ill; else
    /// when it will be at the latest.
    pub fn end(&mut self, now: Instant) -> Result<Duration, Instant> {
        let asked_for_more = self.phase == Phase::Ready && self.dying_since.is_none();
        let is_over = asked_for_more || self.phase == Phase::Stopped || self.is_stuck(now);
        if self.settled && is_over {
            let finished = self.finished.unwrap_or(now);
            return Ok(finished.duration_since(self.delivered));
        }
        match self.dying_since {
            None if now < self.deadline => return Err(self.deadline),
            None => self.time_out(now),
            Some(_) => {}
        }
        Err(self.dying_since.map_or(now, |since| since + DEATH_MAX))
    }
}
