//! The environments of one function, and the calls that wait for one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::call::Call;
use super::slab::Key;
use crate::process::Program;
use crate::settings::Settings;

/// A function with its environments.
pub struct Pool {
    pub settings: Arc<Settings>,
    pub program: Arc<Program>,
    pub environments: Vec<Key>,
    /// Calls that no environment has accepted, in their order.
    pub waiting: VecDeque<Call>,
    /// Asynchronous calls that may not wait for an environment yet: each with the time of its next
    /// attempt.
    pub events: VecDeque<(Option<Instant>, Call)>,
}

impl Pool {
    /// A function without environments.
    pub fn new(settings: Settings, program: Program) -> Pool {
        Pool {
            settings: Arc::new(settings),
            program: Arc::new(program),
            environments: Vec::new(),
            waiting: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes the first asynchronous call whose time has come; the error is the time of the next
    /// one.
    pub fn take_event(&mut self, now: Instant) -> Result<Call, Option<Instant>> {
        let due = |&(time, _): &(Option<Instant>, Call)| time.is_none_or(|time| time <= now);
        match self.events.iter().position(due) {
            Some(index) => self.events.remove(index).map(|(_, call)| call).ok_or(None),
            None => Err(self.events.iter().filter_map(|(time, _)| *time).min()),
        }
    }
}
