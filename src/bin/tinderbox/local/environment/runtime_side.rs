//! The runtime's side of the environment: each call of the Runtime API is a step.

use std::sync::Arc;
use std::time::Duration;

use super::api_calls::{Answer, NextReply, Refusal};
use super::{Environment, Poll};
use crate::local::invocation::Invocation;
use crate::local::outcome::Outcome;

/// The answer to `/next`.
pub enum Next {
    Event(Arc<Invocation>),
    Refused(Refusal),
}

impl Environment {
    /// Waits for an event, without limit: Lambda may have none for hours.
    ///
    /// A concurrent environment gives no event to a connection that `is_open` reports as closed.
    pub fn next(&self, is_open: impl Fn() -> bool) -> Next {
        let waiter = match self.step(|state, now| state.request_next(now)) {
            NextReply::Event(invocation) => return Next::Event(invocation),
            NextReply::Refused(refusal) => return Next::Refused(refusal),
            NextReply::Waiting(waiter) => waiter,
        };
        let is_concurrent = self.settings.concurrency.is_some();
        self.wait_until(&self.event_ready, |state, now| {
            if is_concurrent && !is_open() {
                state.actions.wake_runtimes = true; // another waiter gets the event
                return Poll::Ready(Next::Refused(Refusal::Gone));
            }
            match state.take_event(now, waiter) {
                Ok(Some(invocation)) => Poll::Ready(Next::Event(invocation)),
                Ok(None) => Poll::Pending,
                Err(refusal) => Poll::Ready(Next::Refused(refusal)),
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

    pub fn abort_answer(&self, answer: &Answer) {
        self.step(|state, _| state.abort_answer(answer));
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
        self.step(|state, now| state.restore_snapshot(now))
    }

    /// A connection of the Runtime API was opened; `connection_closed` follows.
    pub fn connection_opened(&self) {
        self.step(|state, _| state.connections += 1);
    }

    /// See `connection_opened`.
    pub fn connection_closed(&self) {
        self.step(|state, _| {
            state.connections -= 1;
            state.actions.wake_supervisors = true;
        });
    }
}
