//! `http:`: a web server that is started once. Events become HTTP requests to it.

use crate::host::deadline::Deadline;
use crate::host::protocol::{ChildSetup, Event, EventError, Link, ProcessError, Protocol};
use crate::host::web::Web;
use crate::response::Response;
use crate::sys::{Descriptor, Environment};

/// Our side of HTTP.
pub struct HttpApp {
    web: Web,
}

impl HttpApp {
    /// Not started.
    pub fn new(web: Web, _environment: &Environment) -> HttpApp {
        HttpApp { web }
    }
}

impl Protocol for HttpApp {
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
