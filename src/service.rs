//! The interface between the loop and a handler, and the work between events.

use crate::connection::Connection;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::response::Response;
use crate::shutdown;

/// What the loop calls: implemented by a native handler and by the host.
pub trait Service {
    /// Whether the address of the Runtime API may be an IPv6 address: local servers on a
    /// workstation have one. A program without std would need 1,200 bytes for it.
    const ACCEPTS_IPV6: bool = cfg!(feature = "std");

    /// Handles an event: writes the response, or returns the error.
    fn handle(
        &mut self,
        invocation: &Invocation<'_>,
        response: &mut Response,
    ) -> Result<(), Failure>;

    /// Whether there is work between the answer and the request for the next event. Called once
    /// after each event; if true, the answer is sent without that request.
    fn has_work_after_answer(&self) -> bool {
        false
    }

    /// Does that work.
    fn after_answer(&mut self) {}

    /// After a restore from a snapshot, before the first event. The JSON of an error may be in the
    /// response.
    fn after_restore(&mut self, _response: &mut Response) -> Result<(), Failure> {
        Ok(())
    }

    /// Waits until the connection is readable, where there is something else to watch; otherwise it
    /// returns at once, and the read that follows waits.
    fn idle(&mut self, connection: &Connection);
}

/// A handler that is linked into the program.
pub struct Native<H>(pub H);

impl<H> Service for Native<H>
where
    H: FnMut(&Invocation<'_>, &mut Response) -> Result<(), Failure>,
{
    fn handle(
        &mut self,
        invocation: &Invocation<'_>,
        response: &mut Response,
    ) -> Result<(), Failure> {
        (self.0)(invocation, response)
    }

    /// Waits only for a function with a shutdown hook, which needs the signal; else the read waits.
    fn idle(&mut self, connection: &Connection) {
        shutdown::wait_for_event_or_signal(connection);
    }
}
