//! A process that registers itself as an extension, in order to be notified of the shutdown.

use super::api_calls::Refusal;
use super::{Environment, Poll};
use crate::clock;

impl Environment {
    /// Registers the process; the identifier of the extension.
    pub fn register_extension(&self) -> Result<String, Refusal> {
        let identifier = clock::uuid();
        self.step(|state, _| state.register_extension(&identifier))?;
        Ok(identifier)
    }

    /// Whether this is the registered identifier.
    pub fn is_extension(&self, identifier: Option<&str>) -> bool {
        self.step(|state, _| identifier.is_some() && state.extension.as_deref() == identifier)
    }

    /// Waits until the process has exited: an extension without events gets nothing else.
    pub fn wait_for_process_exit(&self) {
        let generation = self.step(|state, _| state.generation);
        self.wait_until(&self.event_ready, |state, _| {
            match state.ending.is_some() || state.generation != generation {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        });
    }
}
