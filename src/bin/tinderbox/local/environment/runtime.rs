//! The runtime's side of the environment: the calls of the Runtime API as transitions.
//!
//! What is legal when, and what an illegal call changes, is AWS's classic state machine: an id is
//! judged before the phase, a repeated `/next` gives the same event again, a waiting `/next` is
//! never abandoned by the server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::state::Phase;
use super::{Environment, wait};
use crate::local::invocation::{Invocation, Outcome};

/// The answer to `/next`.
pub enum Next {
    Event(Arc<Invocation>),
    Refused(Refusal),
}

/// An answer that is being received.
pub struct Answer {
    /// The process that gives it.
    generation: u64,
    /// What it answers.
    pub invocation: Arc<Invocation>,
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

impl Environment {
    /// Waits for an event, without limit.
    pub fn next(&self, is_open: impl Fn() -> bool) -> Next {
        if self.settings.concurrency.is_some() {
            return self.next_of_many(is_open);
        }
        let mut state = self.lock();
        if state.is_dying {
            return Next::Refused(Refusal::Gone);
        }
        match (state.phase, &state.current) {
            (Phase::Running, Some(current)) => return Next::Event(current.clone()),
            (Phase::Started | Phase::Ready | Phase::ResponseSent, _) => {}
            (Phase::Stopped, _) => return Next::Refused(Refusal::Gone),
            (phase, _) => return Next::Refused(refused(phase, "Ready")),
        }
        let (ticket, generation) = state.wait_in_line();
        self.progress.notify_all();
        loop {
            if state.is_dying || state.generation != generation {
                return Next::Refused(Refusal::Gone);
            }
            if let Some(invocation) = state.take_event(ticket) {
                return Next::Event(invocation);
            }
            state = wait(&self.event, state);
        }
    }

    /// An answer or an error for this id is about to be received: nothing else is, meanwhile.
    ///
    /// What it gives is for `finish_answer` or `cut_answer`.
    pub fn begin_answer(&self, id: &str, attempt_id: Option<&str>) -> Result<Answer, Refusal> {
        let mut state = self.lock();
        if state.is_killed {
            return Err(Refusal::Gone);
        }
        if self.settings.concurrency.is_some() {
            let generation = state.generation;
            return state
                .flights
                .begin(id, attempt_id)
                .map(|invocation| Answer {
                    generation,
                    invocation,
                });
        }
        let is_current = state.current.as_ref().is_some_and(|current| {
            current.submission.request_id == id
                && attempt_id.is_none_or(|attempt_id| attempt_id == current.attempt_id)
        });
        let Some(current) = state.current.clone().filter(|_| is_current) else {
            return Err(Refusal::UnknownId);
        };
        match state.phase {
            Phase::Running => {
                state.phase = Phase::InvocationResponse;
                Ok(Answer {
                    generation: state.generation,
                    invocation: current,
                })
            }
            phase => Err(refused(phase, "InvocationResponse")),
        }
    }

    /// The answer is whole. `Gone` when the event has come to another end meanwhile.
    pub fn finish_answer(&self, answer: &Answer, outcome: Outcome) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.is_killed || state.generation != answer.generation {
            return Err(Refusal::Gone);
        }
        let mut settled = Ok(());
        if self.settings.concurrency.is_some() {
            settled = state.flights.settle(&answer.invocation, outcome);
        } else {
            state.phase = Phase::ResponseSent;
            state.settle(outcome);
        }
        self.progress.notify_all();
        settled
    }

    /// The answer broke off. What the event comes to depends on what the process does next.
    pub fn cut_answer(&self, answer: &Answer) {
        let mut state = self.lock();
        if state.is_killed || state.generation != answer.generation {
            return;
        }
        if self.settings.concurrency.is_none() {
            state.phase = Phase::ResponseSent;
            return;
        }
        let outcome = Outcome::truncated(&answer.invocation.submission.request_id);
        let _ = state.flights.settle(&answer.invocation, outcome);
        self.progress.notify_all();
    }

    /// An init error is about to be received; the number is for `finish_init_error`.
    pub fn begin_init_error(&self) -> Result<u64, Refusal> {
        let mut state = self.lock();
        match state.phase {
            _ if state.is_killed => Err(Refusal::Gone),
            Phase::Started => {
                state.phase = Phase::InitError;
                Ok(state.generation)
            }
            phase => Err(refused(phase, "InitError")),
        }
    }

    /// The init error is whole. It is told to the client once the process has ended.
    pub fn finish_init_error(&self, generation: u64, outcome: Outcome) {
        let mut state = self.lock();
        if state.generation == generation {
            state.init_error = Some(outcome);
        }
    }

    /// A snapshot is taken, and restored at once. How long init took.
    pub fn restore(&self) -> Result<Duration, Refusal> {
        let mut state = self.lock();
        match state.phase {
            Phase::Started if state.restored.is_none() && !state.is_killed => {
                let now = Instant::now();
                state.restored = Some(now);
                Ok(now.duration_since(state.started))
            }
            phase => Err(refused(phase, "Restoring")),
        }
    }

    /// A restore error is about to be received; the number is for `finish_init_error`.
    pub fn begin_restore_error(&self) -> Result<u64, Refusal> {
        let phase = {
            let state = self.lock();
            if state.restored.is_some() {
                drop(state);
                return self.begin_init_error();
            }
            state.phase
        };
        Err(refused(phase, "RestoreError"))
    }

    /// A connection of the Runtime API is open; its thread says when it no longer is.
    pub fn connection_opens(&self) {
        self.lock().connections += 1;
    }

    /// See `connection_opens`.
    pub fn connection_closes(&self) {
        self.lock().connections -= 1;
        self.control.notify_all();
    }
}

pub fn refused(from: Phase, to: &str) -> Refusal {
    Refusal::Phase(format!(
        "Transition from {} to {to} is not allowed",
        from.name()
    ))
}
