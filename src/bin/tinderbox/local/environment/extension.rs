//! A process that registers itself as an extension, for the notice of its end alone.

use super::runtime::{Refusal, refused};
use super::state::Phase;
use super::{Environment, wait};
use crate::local::clock;

impl Environment {
    /// Registers the process; its identifier. Only during init, as on Lambda.
    pub fn register(&self) -> Result<String, Refusal> {
        let mut state = self.lock();
        match state.phase {
            Phase::Started if !state.is_killed => {
                let identifier = clock::uuid();
                state.extension = Some(identifier.clone());
                Ok(identifier)
            }
            phase => Err(refused(phase, "Registered")),
        }
    }

    /// Whether this is the identifier that was given out.
    pub fn is_extension(&self, identifier: Option<&str>) -> bool {
        let state = self.lock();
        identifier.is_some() && state.extension.as_deref() == identifier
    }

    /// Waits until the process has ended: it has asked for no events.
    pub fn wait_for_the_end(&self) {
        let mut state = self.lock();
        let generation = state.generation;
        while !state.is_dying && state.generation == generation {
            state = wait(&self.event, state);
        }
    }
}
