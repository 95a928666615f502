//! `console:`: a command for each event, whose arguments are the event.

use crate::host::process::Process;
use crate::host::protocol::Event;
use crate::response::Response;

/// A command, to be run for each event.
pub struct Console {
    /// The path of its file, with a NUL at its end.
    pub path: &'static [u8],
    /// The path of the interpreter that runs it, with a NUL at its end; `None`: it is executable.
    pub interpreter: Option<&'static [u8]>,
    /// The process of the current event.
    pub process: Process,
}

impl Console {
    /// Handles an event. An error is in the response; this is its type as the platform's metrics
    /// know it.
    pub fn handle_event(
        &mut self,
        _event: Event<'_>,
        _response: &mut Response,
    ) -> Result<(), &'static [u8]> {
        let _ = (self.path, self.interpreter, &mut self.process);
        Err(b"Runtime.Unknown")
    }
}
