//! The environments of one version of a function, and the calls that wait for one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::call::Call;
use super::functions_api::Configuration;
use super::slab::Key;

/// A version of a function with its environments.
pub struct Pool {
    pub configuration: Arc<Configuration>,
    /// How many environments there may be, and so calls at once.
    pub environments_max: usize,
    /// Another configuration has taken its place: it ends with its last call.
    pub is_retired: bool,
    pub environments: Vec<Key>,
    /// Calls that no environment has accepted, in their order.
    pub waiting: VecDeque<Call>,
    /// Asynchronous calls that may not wait for an environment yet: each with the time of its next
    /// attempt.
    pub events: VecDeque<(Option<Instant>, Call)>,
}

impl Pool {
    /// A version without environments.
    pub fn new(configuration: Arc<Configuration>, environments_max: usize) -> Pool {
        Pool {
            configuration,
            environments_max,
            is_retired: false,
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
