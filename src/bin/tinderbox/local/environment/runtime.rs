//! The runtime's side of the environment: the calls of the Runtime API, each a step.

use std::sync::Arc;
use std::time::Duration;

use super::calls::{Answer, Asked, Refusal};
use super::{Environment, Look};
use crate::local::invocation::{Invocation, Outcome};

/// The answer to `/next`.
pub enum Next {
    Event(Arc<Invocation>),
    Refused(Refusal),
}

impl Environment {
    /// Waits for an event, without limit: Lambda may have none for hours.
    ///
    /// Of several events at once, one is for who is still there to take it.
    pub fn next(&self, is_open: impl Fn() -> bool) -> Next {
        let waiter = match self.step(|state, now| state.ask(now)) {
            Asked::Event(invocation) => return Next::Event(invocation),
            Asked::Refused(refusal) => return Next::Refused(refusal),
            Asked::Waits(waiter) => waiter,
        };
        let is_concurrent = self.settings.concurrency.is_some();
        self.wait_until(&self.event, |state, now| {
            if is_concurrent && !is_open() {
                state.actions.wake_runtimes = true; // whoever else waits has it
                return Look::Done(Next::Refused(Refusal::Gone));
            }
            match state.take_event(now, waiter) {
                Ok(Some(invocation)) => Look::Done(Next::Event(invocation)),
                Ok(None) => Look::Later,
                Err(refusal) => Look::Done(Next::Refused(refusal)),
            }
        })
    }

    /// See `State::begin_answer`; likewise those below.
    pub fn begin_answer(&self, id: &str, attempt_id: Option<&str>) -> Result<Answer, Refusal> {
        self.step(|state, _| state.begin_answer(id, attempt_id))
    }

    pub fn finish_answer(&self, answer: &Answer, outcome: Outcome) -> Result<(), Refusal> {
        self.step(|state, _| state.finish_answer(answer, outcome))
    }

    pub fn cut_answer(&self, answer: &Answer) {
        self.step(|state, _| state.cut_answer(answer));
    }

    pub fn begin_init_error(&self) -> Result<u64, Refusal> {
        self.step(|state, _| state.begin_init_error())
    }

    pub fn begin_restore_error(&self) -> Result<u64, Refusal> {
        self.step(|state, _| state.begin_restore_error())
    }

    pub fn finish_init_error(&self, generation: u64, outcome: Outcome) {
        self.step(|state, _| state.finish_init_error(generation, outcome));
    }

    pub fn restore(&self) -> Result<Duration, Refusal> {
        self.step(|state, now| state.restore(now))
    }

    /// A connection of the Runtime API is open; its thread says when it no longer is.
    pub fn connection_opens(&self) {
        self.step(|state, _| state.connections += 1);
    }

    /// See `connection_opens`.
    pub fn connection_closes(&self) {
        self.step(|state, _| {
            state.connections -= 1;
            state.actions.wake_keepers = true;
        });
    }
}
