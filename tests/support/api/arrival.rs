//! Answers handed out while they arrive, for a server whose events come from somewhere else.

use super::{Post, ScriptedReply, Server};
use std::collections::{BTreeMap, VecDeque};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// A part of an answer, in the order in which the runtime sends them.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// The head of a streamed response.
    Start(Vec<(String, String)>),
    /// Bytes of a streamed response.
    Piece(Vec<u8>),
    /// The whole answer; of a streamed response its end, which may be missing.
    End(Post),
    /// The connection was closed without an answer: the platform fails the event.
    Abandoned,
}

/// Parts that nobody has taken yet.
#[derive(Default)]
pub struct Arrivals {
    waiting: BTreeMap<String, VecDeque<Arrival>>,
}

impl Arrivals {
    /// Adds a part of the answer to an event.
    pub(super) fn enter(&mut self, id: &str, arrival: Arrival) {
        let waiting = self.waiting.entry(id.to_string()).or_default();
        waiting.push_back(arrival);
    }
}

impl Server {
    /// Delivers an event as soon as the runtime asks for one.
    pub fn deliver(&self, reply: ScriptedReply) {
        self.more(vec![reply]);
    }

    /// Waits, up to a limit, for the next part of the answer to an event.
    pub fn next_arrival(&self, id: &str, at_most: Duration) -> Option<Arrival> {
        let end = Instant::now() + at_most;
        let mut state = self.shared.lock();
        loop {
            let arrivals = state.arrivals.as_mut().expect("a script that is observed");
            if let Some(arrival) = arrivals.waiting.get_mut(id).and_then(VecDeque::pop_front) {
                if matches!(arrival, Arrival::End(_) | Arrival::Abandoned) {
                    arrivals.waiting.remove(id);
                }
                return Some(arrival);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || state.stopping {
                return None;
            }
            let wait = self.shared.changed.wait_timeout(state, left);
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
