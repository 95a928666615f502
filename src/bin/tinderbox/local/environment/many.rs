//! Several events at once, as Lambda Managed Instances have it: up to N wait in `/next`, up to N
//! are in hand, their ids keep them apart.
//!
//! A time-out kills nothing: the process goes on, and its late answer is refused with 410. Where
//! all are busy, AWS refuses a call; here it waits, which is kinder to who tries things out.
//! Sources: Developer Guide, "Lambda Managed Instances"; the server code of AWS's emulator.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::End;
use super::runtime::{Next, Refusal, refused};
use super::state::Phase;
use super::{Environment, wait, wait_for};
use crate::local::clock;
use crate::local::invocation::{Invocation, Outcome, Submission};

/// So many ids of events whose time was up are remembered, as by AWS's server.
const LATE_MAX: usize = 1000;

/// The events that are not done, by request id.
#[derive(Default)]
pub struct Flights {
    all: HashMap<String, Flight>,
    /// Those that no `/next` has taken yet.
    waiting: VecDeque<Arc<Invocation>>,
    late: VecDeque<String>,
}

struct Flight {
    invocation: Arc<Invocation>,
    /// When a `/next` took it.
    taken: Option<Instant>,
    is_answered: bool,
    outcome: Option<Outcome>,
}

impl Flights {
    fn add(&mut self, invocation: Arc<Invocation>) {
        let id = invocation.submission.request_id.clone();
        let flight = Flight {
            invocation: invocation.clone(),
            taken: None,
            is_answered: false,
            outcome: None,
        };
        self.all.insert(id, flight);
        self.waiting.push_back(invocation);
    }

    fn take(&mut self) -> Option<Arc<Invocation>> {
        let invocation = self.waiting.pop_front()?;
        if let Some(flight) = self.all.get_mut(&invocation.submission.request_id) {
            flight.taken = Some(Instant::now());
        }
        Some(invocation)
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
        if flight.taken.is_none() || flight.is_answered {
            return Err(refused(Phase::ResponseSent, "InvocationResponse"));
        }
        flight.is_answered = true;
        Ok(flight.invocation.clone())
    }

    /// The answer is whole.
    pub fn settle(&mut self, invocation: &Invocation, outcome: Outcome) -> Result<(), Refusal> {
        let flight = self.all.get_mut(&invocation.submission.request_id);
        flight.ok_or(Refusal::TooLate)?.outcome = Some(outcome);
        Ok(())
    }

    /// The process is gone: what was not answered has failed.
    pub fn fail(&mut self, outcome: impl Fn(&str) -> Outcome) {
        self.waiting.clear();
        for (id, flight) in &mut self.all {
            flight.outcome.get_or_insert_with(|| outcome(id));
        }
    }

    /// Takes the outcome of an event, or makes one when its time is up; else what is left of it.
    fn outcome(&mut self, id: &str, timeout: Duration) -> Result<Outcome, Option<Duration>> {
        let Some(flight) = self.all.get_mut(id) else {
            return Err(None);
        };
        let outcome = match (flight.outcome.take(), flight.taken) {
            (Some(outcome), _) => outcome,
            (None, None) => return Err(None),
            (None, Some(taken)) => {
                let left = timeout.saturating_sub(taken.elapsed());
                if !left.is_zero() {
                    return Err(Some(left));
                }
                self.late.push_back(id.to_string());
                if self.late.len() > LATE_MAX {
                    self.late.pop_front();
                }
                Outcome::timed_out(id, timeout)
            }
        };
        self.all.remove(id);
        Ok(outcome)
    }
}

impl Environment {
    /// Has an event handled, and waits until it is.
    pub fn handle(&self, submission: Arc<Submission>) -> (Outcome, End) {
        let timeout = self.settings.timeout;
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let id = submission.request_id.clone();
        let began = Instant::now();
        let mut state = self.lock();
        state.flights.add(Arc::new(Invocation {
            submission,
            attempt_id: clock::uuid(),
            deadline_ms: clock::now_ms().saturating_add(timeout_ms),
        }));
        self.event.notify_all();
        loop {
            state = match state.flights.outcome(&id, timeout) {
                Ok(outcome) => {
                    let mut end = End::without_event(began.elapsed());
                    end.init = state.init.take();
                    return (outcome, end);
                }
                Err(None) => wait(&self.progress, state),
                Err(Some(left)) => wait_for(&self.progress, state, left),
            };
        }
    }

    /// Waits for an event, without limit. It is for who is still there to take it.
    pub fn next_of_many(&self, is_open: impl Fn() -> bool) -> Next {
        let mut state = self.lock();
        match state.phase {
            _ if state.is_dying => return Next::Refused(Refusal::Gone),
            Phase::Stopped => return Next::Refused(Refusal::Gone),
            Phase::InitError => return Next::Refused(refused(Phase::InitError, "Ready")),
            Phase::Started => state.end_init(Instant::now()),
            _ => {}
        }
        let generation = state.generation;
        self.progress.notify_all();
        loop {
            if state.is_dying || state.generation != generation || !is_open() {
                // Whoever else waits has it.
                self.event.notify_all();
                return Next::Refused(Refusal::Gone);
            }
            if let Some(invocation) = state.flights.take() {
                self.progress.notify_all(); // its time begins
                return Next::Event(invocation);
            }
            state = wait(&self.event, state);
        }
    }
}
