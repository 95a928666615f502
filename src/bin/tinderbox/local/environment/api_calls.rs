//! The calls of the Runtime API as transitions. Pure, as `state`.
//!
//! Which call is legal when, and what an illegal call changes, follows AWS's classic state machine:
//! an id is checked before the phase, a repeated `/next` returns the same event again, the server
//! never abandons a waiting `/next`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::state::{Phase, State};
use crate::local::invocation::Invocation;
use crate::local::outcome::Outcome;

/// An answer that is being received.
#[derive(Clone)]
pub struct Answer {
    /// The process that sends it.
    generation: u64,
    /// The answered invocation.
    pub invocation: Arc<Invocation>,
}

/// A connection that waits in `/next`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Waiter {
    id: u64,
    generation: u64,
}

/// The immediate result of a `/next`.
pub enum NextReply {
    Event(Arc<Invocation>),
    Refused(Refusal),
    Waiting(Waiter),
}

/// Why a call is refused.
pub enum Refusal {
    /// The id is not that of the current event.
    UnknownId,
    /// Illegal in this phase; the text names both phases.
    Phase(String),
    /// The event timed out; its caller has the outcome.
    TimedOut,
    /// The calling process has exited or is being killed: close its connection.
    Gone,
}

impl State {
    /// A `/next`: it joins the waiters, which ends the previous event, or init.
    pub fn request_next(&mut self, now: Instant) -> NextReply {
        if self.ending.is_some() {
            return NextReply::Refused(Refusal::Gone);
        }
        match (self.phase, &self.current) {
            (Phase::Stopped, _) => return NextReply::Refused(Refusal::Gone),
            (Phase::Started, _) => self.end_init(now),
            (Phase::InitError, _) => return NextReply::Refused(refused(Phase::InitError, "Ready")),
            _ if self.limits.is_concurrent => {}
            (Phase::Running, Some(current)) => return NextReply::Event(current.clone()),
            (Phase::Ready, _) => {}
            (Phase::ResponseSent, _) => self.finish_event(now, Outcome::truncated),
            (phase, _) => return NextReply::Refused(refused(phase, "Ready")),
        }
        self.phase = Phase::Ready;
        NextReply::Waiting(self.join_waiters())
    }

    fn join_waiters(&mut self) -> Waiter {
        self.last_waiter_id += 1;
        if !self.limits.is_concurrent {
            self.waiters.push_back(self.last_waiter_id);
        }
        Waiter {
            id: self.last_waiter_id,
            generation: self.generation,
        }
    }

    /// A connection that waits in `/next` is gone: another one gets the event.
    pub fn leave_waiters(&mut self, waiter: Waiter) {
        self.waiters.retain(|&id| id != waiter.id);
    }

    /// The event for a waiting connection, if it is its turn.
    pub fn take_event(
        &mut self,
        now: Instant,
        waiter: Waiter,
    ) -> Result<Option<Arc<Invocation>>, Refusal> {
        if self.ending.is_some() || self.generation != waiter.generation {
            return Err(Refusal::Gone);
        }
        if self.limits.is_concurrent {
            return Ok(self.in_flight.take_event(now));
        }
        if self.waiters.front() != Some(&waiter.id) {
            return Ok(None);
        }
        let taken = self.pending.take();
        if taken.is_some() {
            self.waiters.pop_front();
            self.phase = Phase::Running;
        }
        Ok(taken)
    }

    /// An answer or an error for this id is about to be received; no other is, meanwhile. The
    /// returned value is for `finish_answer` or `abort_answer`.
    pub fn begin_answer(&mut self, id: &str, attempt_id: Option<&str>) -> Result<Answer, Refusal> {
        let generation = self.generation;
        if self.is_killed() {
            return Err(Refusal::Gone);
        }
        if self.limits.is_concurrent {
            let begun = self.in_flight.begin_answer(id, attempt_id);
            return begun.map(|invocation| Answer {
                generation,
                invocation,
            });
        }
        let is_current = self.current.as_ref().is_some_and(|current| {
            current.request.id == id
                && attempt_id.is_none_or(|attempt_id| attempt_id == current.attempt_id)
        });
        let Some(current) = self.current.clone().filter(|_| is_current) else {
            return Err(Refusal::UnknownId);
        };
        match self.phase {
            Phase::Running => {
                self.phase = Phase::InvocationResponse;
                Ok(Answer {
                    generation,
                    invocation: current,
                })
            }
            phase => Err(refused(phase, "InvocationResponse")),
        }
    }

    /// The answer is complete. `Gone` if the event has got another outcome meanwhile.
    pub fn finish_answer(&mut self, answer: &Answer, outcome: Outcome) -> Result<(), Refusal> {
        if self.is_stale(answer) {
            return Err(Refusal::Gone);
        }
        if self.limits.is_concurrent {
            return self.in_flight.set_outcome(&answer.invocation, outcome);
        }
        self.phase = Phase::ResponseSent;
        self.set_outcome(outcome);
        Ok(())
    }

    /// The connection closed within the answer. The outcome depends on the next step of the
    /// process.
    pub fn abort_answer(&mut self, answer: &Answer) {
        if self.is_stale(answer) {
            return;
        }
        if !self.limits.is_concurrent {
            self.phase = Phase::ResponseSent;
            return;
        }
        let outcome = Outcome::truncated(&answer.invocation.request.id);
        let _ = self.in_flight.set_outcome(&answer.invocation, outcome);
    }

    /// Whether the process that began the answer is gone or was killed. A connection can outlive
    /// it, if another process inherited it.
    fn is_stale(&self, answer: &Answer) -> bool {
        let is_stopped = self.phase == Phase::Stopped;
        is_stopped || self.is_killed() || self.generation != answer.generation
    }

    /// An init error is about to be received; the number is for `finish_init_error`.
    pub fn begin_init_error(&mut self) -> Result<u64, Refusal> {
        match self.phase {
            _ if self.is_killed() => Err(Refusal::Gone),
            Phase::Started => {
                self.phase = Phase::InitError;
                Ok(self.generation)
            }
            phase => Err(refused(phase, "InitError")),
        }
    }

    /// The init error is complete. The client gets it once the process has exited.
    pub fn finish_init_error(&mut self, generation: u64, outcome: Outcome) {
        if self.generation == generation && self.phase == Phase::InitError {
            self.init_error = Some(outcome);
        }
    }

    /// A restore error is about to be received; the number is for `finish_init_error`.
    pub fn begin_restore_error(&mut self) -> Result<u64, Refusal> {
        match self.restored {
            Some(_) => self.begin_init_error(),
            None => Err(refused(self.phase, "RestoreError")),
        }
    }

    /// A snapshot is taken, and restored at once. Returns the duration of init.
    pub fn restore_snapshot(&mut self, now: Instant) -> Result<Duration, Refusal> {
        match self.phase {
            Phase::Started if self.restored.is_none() && !self.is_killed() => {
                self.restored = Some(now);
                Ok(now.duration_since(self.started))
            }
            phase => Err(refused(phase, "Restoring")),
        }
    }

    /// Whether this is the registered identifier of an extension.
    pub fn is_extension(&self, identifier: Option<&str>) -> bool {
        identifier.is_some() && self.extension.as_deref() == identifier
    }

    /// The process registers itself as an extension with this identifier. Only during init, as on
    /// Lambda.
    pub fn register_extension(&mut self, identifier: &str) -> Result<(), Refusal> {
        match self.phase {
            Phase::Started if !self.is_killed() => {
                self.extension = Some(identifier.to_string());
                Ok(())
            }
            phase => Err(refused(phase, "Registered")),
        }
    }
}

/// A transition that is illegal in this phase.
pub fn refused(from: Phase, to: &str) -> Refusal {
    Refusal::Phase(format!(
        "Transition from {} to {to} is not allowed",
        from.name()
    ))
}
