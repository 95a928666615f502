//! `static:`: the files of a folder, without a process.

use crate::host::deadline::Deadline;
use crate::host::protocol::EventError;
use crate::host::web::Web;
use crate::invocation::Invocation;
use crate::response::Response;

/// A folder whose files are served.
pub struct StaticSite {
    web: Web,
    /// Its path, with a NUL at its end.
    folder: &'static [u8],
}

impl StaticSite {
    /// The folder at this path, which has a NUL at its end.
    pub fn new(web: Web, folder: &'static [u8]) -> StaticSite {
        StaticSite { web, folder }
    }

    /// Answers an event. An error is in the response; this is its type as the platform's metrics
    /// know it.
    pub fn handle_event(
        &mut self,
        invocation: &Invocation<'_>,
        deadline: &Deadline,
        response: &mut Response,
    ) -> Result<(), &'static [u8]> {
        let _ = self.folder;
        match self.web.read_event(invocation, deadline, response) {
            Err(EventError::Reported(error_type)) => Err(error_type),
            _ => Ok(()),
        }
    }
}
