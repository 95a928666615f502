//! `fastcgi:`: a FastCGI server of PHP that is started once. Events become FastCGI requests to it.

use crate::host::deadline::Deadline;
use crate::host::protocol::{ChildSetup, Event, EventError, Link, ProcessError, Protocol};
use crate::host::web::Web;
use crate::response::Response;
use crate::sys::Descriptor;

/// Our side of FastCGI.
pub struct FastCgi {
    web: Web,
}

impl FastCgi {
    /// Not started.
    pub fn new(web: Web, _front_controller: &'static [u8]) -> FastCgi {
        FastCgi { web }
    }
}

impl Protocol for FastCgi {
    fn open(&mut self, _setup: &mut ChildSetup) -> Result<Option<Descriptor>, usize> {
        Ok(None)
    }

    fn wait_until_ready(&mut self, _: &mut Link, _: &Deadline) -> Result<(), ProcessError> {
        Ok(())
    }

    fn handle_event(
        &mut self,
        event: &mut Event<'_>,
        _link: &mut Link,
        response: &mut Response,
    ) -> Result<(), EventError> {
        self.web
            .read_event(event.invocation, event.deadline, response)?;
        Err(ProcessError::ProtocolViolation.into())
    }

    fn watches_idle_channel(&self) -> bool {
        false
    }

    fn logs_errors_itself(&self) -> bool {
        false
    }
}
