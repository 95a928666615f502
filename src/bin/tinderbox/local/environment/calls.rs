//! The calls of the Runtime API as transitions. Pure, as `state`.
//!
//! What is legal when, and what an illegal call changes, is AWS's classic state machine: an id is
//! judged before the phase, a repeated `/next` gives the same event again, a waiting `/next` is
//! never abandoned by the server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::state::{Phase, State};
use crate::local::invocation::{Invocation, Outcome};

/// An answer that is being received.
#[derive(Clone)]
pub struct Answer {
    /// The process that gives it.
    generation: u64,
    /// What it answers.
    pub invocation: Arc<Invocation>,
}

/// A connection that waits in `/next`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Waiter {
    ticket: u64,
    generation: u64,
}

/// What comes of asking for an event at once.
pub enum Asked {
    Event(Arc<Invocation>),
    Refused(Refusal),
    Waits(Waiter),
}

/// Why a call is not served.
pub enum Refusal {
    /// The id is not that of the event in hand.
    UnknownId,
    /// Not in this phase; the text names both.
    Phase(String),
    /// The event's time is up; its caller knows.
    TooLate,
    /// The process that calls has ended or is being killed: close its connection.
    Gone,
}

impl State {
    /// A `/next`: it takes its place in line, which ends the event before, or init.
    pub fn ask(&mut self, now: Instant) -> Asked {
        if self.dying_since.is_some() {
            return Asked::Refused(Refusal::Gone);
        }
        match (self.phase, &self.current) {
            (Phase::Stopped, _) => return Asked::Refused(Refusal::Gone),
            (Phase::Started, _) => self.end_init(now),
            (Phase::InitError, _) => return Asked::Refused(refused(Phase::InitError, "Ready")),
            _ if self.limits.is_concurrent => {}
            (Phase::Running, Some(current)) => return Asked::Event(current.clone()),
            (Phase::Ready, _) => {}
            (Phase::ResponseSent, _) => self.finish(now, Outcome::truncated),
            (phase, _) => return Asked::Refused(refused(phase, "Ready")),
        }
        self.phase = Phase::Ready;
        self.actions.wake_clients = true;
        self.tickets += 1;
        if !self.limits.is_concurrent {
            self.line.push_back(self.tickets);
        }
        Asked::Waits(Waiter {
            ticket: self.tickets,
            generation: self.generation,
        })
    }

    /// The event for a connection that waits, if it is its turn.
    pub fn take_event(
        &mut self,
        now: Instant,
        waiter: Waiter,
    ) -> Result<Option<Arc<Invocation>>, Refusal> {
        if self.dying_since.is_some() || self.generation != waiter.generation {
            return Err(Refusal::Gone);
        }
        if self.limits.is_concurrent {
            let taken = self.flights.take(now);
            self.actions.wake_clients |= taken.is_some(); // its time begins
            return Ok(taken);
        }
        if self.line.front() != Some(&waiter.ticket) {
            return Ok(None);
        }
        let taken = self.pending.take();
        if taken.is_some() {
            self.line.pop_front();
            self.phase = Phase::Running;
        }
        Ok(taken)
    }

    /// An answer or an error for this id is about to be received: nothing else is, meanwhile.
    ///
    /// What it gives is for `finish_answer` or `cut_answer`.
    pub fn begin_answer(&mut self, id: &str, attempt_id: Option<&str>) -> Result<Answer, Refusal> {
        let generation = self.generation;
        if self.is_killed {
            return Err(Refusal::Gone);
        }
        if self.limits.is_concurrent {
            let begun = self.flights.begin(id, attempt_id);
            return begun.map(|invocation| Answer {
                generation,
                invocation,
            });
        }
        let is_current = self.current.as_ref().is_some_and(|current| {
            current.submission.request_id == id
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

    /// The answer is whole. `Gone` when the event has come to another end meanwhile.
    pub fn finish_answer(&mut self, answer: &Answer, outcome: Outcome) -> Result<(), Refusal> {
        if self.is_of_no_process(answer) {
            return Err(Refusal::Gone);
        }
        self.actions.wake_clients = true;
        if self.limits.is_concurrent {
            return self.flights.settle(&answer.invocation, outcome);
        }
        self.phase = Phase::ResponseSent;
        self.settle(outcome);
        Ok(())
    }

    /// The answer broke off. What the event comes to depends on what the process does next.
    pub fn cut_answer(&mut self, answer: &Answer) {
        if self.is_of_no_process(answer) {
            return;
        }
        if !self.limits.is_concurrent {
            self.phase = Phase::ResponseSent;
            return;
        }
        let outcome = Outcome::truncated(&answer.invocation.submission.request_id);
        let _ = self.flights.settle(&answer.invocation, outcome);
        self.actions.wake_clients = true;
    }

    /// The process that began the answer is gone or was killed. A connection can outlive it:
    /// somebody else may hold it.
    fn is_of_no_process(&self, answer: &Answer) -> bool {
        let is_stopped = self.phase == Phase::Stopped;
        is_stopped || self.is_killed || self.generation != answer.generation
    }

    /// An init error is about to be received; the number is for `finish_init_error`.
    pub fn begin_init_error(&mut self) -> Result<u64, Refusal> {
        match self.phase {
            _ if self.is_killed => Err(Refusal::Gone),
            Phase::Started => {
                self.phase = Phase::InitError;
                Ok(self.generation)
            }
            phase => Err(refused(phase, "InitError")),
        }
    }

    /// The init error is whole. It is told to the client once the process has ended.
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

    /// A snapshot is taken, and restored at once. How long init took.
    pub fn restore(&mut self, now: Instant) -> Result<Duration, Refusal> {
        match self.phase {
            Phase::Started if self.restored.is_none() && !self.is_killed => {
                self.restored = Some(now);
                self.actions.wake_keepers = true; // its time begins anew
                Ok(now.duration_since(self.started))
            }
            phase => Err(refused(phase, "Restoring")),
        }
    }

    /// The process registers itself as an extension of this identifier. Only during init, as on
    /// Lambda.
    pub fn register(&mut self, identifier: &str) -> Result<(), Refusal> {
        match self.phase {
            Phase::Started if !self.is_killed => {
                self.extension = Some(identifier.to_string());
                Ok(())
            }
            phase => Err(refused(phase, "Registered")),
        }
    }
}

/// A transition that this phase does not have.
pub fn refused(from: Phase, to: &str) -> Refusal {
    Refusal::Phase(format!(
        "Transition from {} to {to} is not allowed",
        from.name()
    ))
}
