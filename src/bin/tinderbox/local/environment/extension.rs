//! A process that registers itself as an extension, for the notice of its end alone.

use super::calls::Refusal;
use super::{Environment, Look};
use crate::local::clock;

impl Environment {
    /// Registers the process; its identifier.
    pub fn register(&self) -> Result<String, Refusal> {
        let identifier = clock::uuid();
        self.step(|state, _| state.register(&identifier))?;
        Ok(identifier)
    }

    /// Whether this is the identifier that was given out.
    pub fn is_extension(&self, identifier: Option<&str>) -> bool {
        self.step(|state, _| identifier.is_some() && state.extension.as_deref() == identifier)
    }

    /// Waits until the process has ended: it has asked for no events.
    pub fn wait_for_the_end(&self) {
        let generation = self.step(|state, _| state.generation);
        self.wait_until(&self.event, |state, _| {
            let has_ended = state.dying_since.is_some() || state.generation != generation;
            if has_ended {
                Look::Done(())
            } else {
                Look::Later
            }
        });
    }
}
