//! What the loop serves: a handler, and what it has to do while there is no event.

use crate::connection::Connection;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::response::Response;
use crate::shutdown;

/// What differs between a native function and a host of handlers.
pub trait Service {
    /// Handles an event: the answer is in the response, or the error is returned.
    fn handle(
        &mut self,
        invocation: &Invocation<'_>,
        response: &mut Response,
    ) -> Result<(), Failure>;

    /// Whether work has to be done between the answer and the request for the next event. Asked
    /// once, after each event; the answer leaves without that request then.
    fn has_work_after_answer(&self) -> bool {
        false
    }

    /// Does that work.
    fn after_answer(&mut self) {}

    /// Waits until the connection is readable.
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

    /// A read waits as well; only a function with a shutdown hook waits for a signal, too.
    fn idle(&mut self, connection: &Connection) {
        shutdown::wait_for_event_or_signal(connection);
    }
}
