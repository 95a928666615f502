//! Several events at once, as on Lambda Managed Instances: up to N connections wait in `/next`, up
//! to N events are in flight, and their ids distinguish them. Pure, as `state`.
//!
//! A timeout kills nothing: the process continues, and its late answer is refused with 410. If all
//! are busy, AWS refuses a call; here it waits, which is easier to use on a workstation, but no
//! longer than the function's timeout.
//! Sources: Developer Guide, "Lambda Managed Instances"; the server code of AWS's emulator.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::api_calls::{Refusal, refused};
use super::state::Phase;
use crate::local::invocation::Invocation;
use crate::local::outcome::Outcome;

/// How many ids of timed-out events are remembered, as by AWS's server.
const TIMED_OUT_IDS_MAX: usize = 1000;

/// The events that are not finished, by request id.
#[derive(Clone, Default)]
pub struct InFlight {
    events: HashMap<String, InFlightEvent>,
    /// Released events that no `/next` has taken.
    queue: VecDeque<Arc<Invocation>>,
    timed_out_ids: VecDeque<String>,
}

#[derive(Clone)]
struct InFlightEvent {
    invocation: Arc<Invocation>,
    stage: Stage,
    /// When it was accepted, and, later, when a `/next` took it.
    since: Instant,
    outcome: Option<Outcome>,
}

/// How far an event is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No `/next` has taken it.
    Accepted,
    /// The runtime has it.
    Delivered,
    /// Its answer is being received, or has been.
    Answered,
}

impl InFlight {
    /// Accepts an event; `release` makes it available.
    pub fn accept(&mut self, now: Instant, invocation: Arc<Invocation>) {
        let id = invocation.request.id.clone();
        let event = InFlightEvent {
            invocation,
            stage: Stage::Accepted,
            since: now,
            outcome: None,
        };
        self.events.insert(id, event);
    }

    /// Makes the event available to `/next`, unless it already has an outcome.
    pub fn release(&mut self, id: &str) {
        if let Some(event) = self.events.get(id)
            && event.outcome.is_none()
        {
            self.queue.push_back(event.invocation.clone());
        }
    }

    /// The next event for a connection that waits in `/next`.
    pub fn take_event(&mut self, now: Instant) -> Option<Arc<Invocation>> {
        let invocation = self.queue.pop_front()?;
        if let Some(event) = self.events.get_mut(&invocation.request.id) {
            event.stage = Stage::Delivered;
            event.since = now;
        }
        Some(invocation)
    }

    /// Whether an event waits for a `/next`.
    #[cfg(test)]
    pub fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// An answer for this id is about to be received.
    pub fn begin_answer(
        &mut self,
        id: &str,
        attempt_id: Option<&str>,
    ) -> Result<Arc<Invocation>, Refusal> {
        let Some(event) = self.events.get_mut(id) else {
            let index = self.timed_out_ids.iter().position(|known| known == id);
            return Err(match index.and_then(|at| self.timed_out_ids.remove(at)) {
                Some(_) => Refusal::TimedOut,
                None => Refusal::UnknownId,
            });
        };
        if attempt_id.is_some_and(|attempt_id| attempt_id != event.invocation.attempt_id) {
            return Err(Refusal::UnknownId);
        }
        if event.stage != Stage::Delivered {
            return Err(refused(Phase::ResponseSent, "InvocationResponse"));
        }
        event.stage = Stage::Answered;
        Ok(event.invocation.clone())
    }

    /// Sets an event's outcome, unless it has one.
    pub fn set_outcome(
        &mut self,
        invocation: &Invocation,
        outcome: Outcome,
    ) -> Result<(), Refusal> {
        let event = self.events.get_mut(&invocation.request.id);
        let event = event.ok_or(Refusal::TimedOut)?;
        event.outcome.get_or_insert(outcome);
        Ok(())
    }

    /// The process is gone: every event without an outcome has failed.
    pub fn fail_all(&mut self, outcome: impl Fn(&str) -> Outcome) {
        self.queue.clear();
        for (id, event) in &mut self.events {
            event.outcome.get_or_insert_with(|| outcome(id));
        }
    }

    /// Takes the outcome of an event, or that of its timeout; the error is the deadline.
    pub fn poll_outcome(
        &mut self,
        now: Instant,
        id: &str,
        timeout: Duration,
    ) -> Result<Outcome, Instant> {
        let Some(event) = self.events.get_mut(id) else {
            return Ok(Outcome::unavailable(id)); // taken before: never called so
        };
        let deadline = event.since + timeout;
        let outcome = match event.outcome.take() {
            Some(outcome) => outcome,
            None if now < deadline => return Err(deadline),
            None => {
                if event.stage != Stage::Accepted {
                    self.timed_out_ids.push_back(id.to_string());
                }
                if self.timed_out_ids.len() > TIMED_OUT_IDS_MAX {
                    self.timed_out_ids.pop_front();
                }
                Outcome::timed_out(id, timeout)
            }
        };
        self.events.remove(id);
        self.queue.retain(|queued| queued.request.id != id);
        Ok(outcome)
    }
}
