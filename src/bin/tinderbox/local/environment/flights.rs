//! Several events at once, as Lambda Managed Instances have it: up to N wait in `/next`, up to N
//! are in hand, their ids keep them apart. Pure, as `state`.
//!
//! A timeout kills nothing: the process goes on, and its late answer is refused with 410. Where
//! all are busy, AWS refuses a call; here it waits, which is kinder to who tries things out, but no
//! longer than an event may take.
//! Sources: Developer Guide, "Lambda Managed Instances"; the server code of AWS's emulator.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::calls::{Refusal, refused};
use super::state::Phase;
use crate::local::invocation::{Invocation, Outcome};

/// So many ids of events whose time was up are remembered, as by AWS's server.
const LATE_MAX: usize = 1000;

/// The events that are not done, by request id.
#[derive(Clone, Default)]
pub struct Flights {
    all: HashMap<String, Flight>,
    /// Those that are released, and no `/next` has taken yet.
    waiting: VecDeque<Arc<Invocation>>,
    late: VecDeque<String>,
}

#[derive(Clone)]
struct Flight {
    invocation: Arc<Invocation>,
    /// When it was taken in hand, and, later, when a `/next` took it.
    since: Instant,
    is_taken: bool,
    is_answered: bool,
    outcome: Option<Outcome>,
}

impl Flights {
    /// An event is in hand; `release` hands it on.
    pub fn hold(&mut self, now: Instant, invocation: Arc<Invocation>) {
        let id = invocation.submission.request_id.clone();
        let flight = Flight {
            invocation,
            since: now,
            is_taken: false,
            is_answered: false,
            outcome: None,
        };
        self.all.insert(id, flight);
    }

    /// The event is for whoever asks, unless it has an outcome already.
    pub fn release(&mut self, id: &str) {
        if let Some(flight) = self.all.get(id)
            && flight.outcome.is_none()
        {
            self.waiting.push_back(flight.invocation.clone());
        }
    }

    /// The next event for who asks.
    pub fn take(&mut self, now: Instant) -> Option<Arc<Invocation>> {
        let invocation = self.waiting.pop_front()?;
        if let Some(flight) = self.all.get_mut(&invocation.submission.request_id) {
            flight.is_taken = true;
            flight.since = now;
        }
        Some(invocation)
    }

    /// Whether an event waits for who asks.
    #[cfg(test)]
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// An answer for this id is about to be received.
    pub fn begin(
        &mut self,
        id: &str,
        attempt_id: Option<&str>,
    ) -> Result<Arc<Invocation>, Refusal> {
        let Some(flight) = self.all.get_mut(id) else {
            let late = self.late.iter().position(|late| late == id);
            return Err(match late.and_then(|at| self.late.remove(at)) {
                Some(_) => Refusal::TooLate,
                None => Refusal::UnknownId,
            });
        };
        if attempt_id.is_some_and(|attempt_id| attempt_id != flight.invocation.attempt_id) {
            return Err(Refusal::UnknownId);
        }
        if !flight.is_taken || flight.is_answered {
            return Err(refused(Phase::ResponseSent, "InvocationResponse"));
        }
        flight.is_answered = true;
        Ok(flight.invocation.clone())
    }

    /// The answer is whole.
    pub fn settle(&mut self, invocation: &Invocation, outcome: Outcome) -> Result<(), Refusal> {
        let flight = self.all.get_mut(&invocation.submission.request_id);
        let flight = flight.ok_or(Refusal::TooLate)?;
        flight.outcome.get_or_insert(outcome);
        Ok(())
    }

    /// The process is gone: what was not answered has failed.
    pub fn fail(&mut self, outcome: impl Fn(&str) -> Outcome) {
        self.waiting.clear();
        for (id, flight) in &mut self.all {
            flight.outcome.get_or_insert_with(|| outcome(id));
        }
    }

    /// Takes the outcome of an event, makes one when its time is up, or says when that will be.
    pub fn outcome(
        &mut self,
        now: Instant,
        id: &str,
        timeout: Duration,
    ) -> Result<Outcome, Instant> {
        let Some(flight) = self.all.get_mut(id) else {
            return Ok(Outcome::unavailable(id)); // taken before: never asked for
        };
        let outcome = match flight.outcome.take() {
            Some(outcome) => outcome,
            None if now < flight.since + timeout => return Err(flight.since + timeout),
            None => {
                if flight.is_taken {
                    self.late.push_back(id.to_string());
                }
                if self.late.len() > LATE_MAX {
                    self.late.pop_front();
                }
                Outcome::timed_out(id, timeout)
            }
        };
        self.all.remove(id);
        self.waiting
            .retain(|waiting| waiting.submission.request_id != id);
        Ok(outcome)
    }
}
