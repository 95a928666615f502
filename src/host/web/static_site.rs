//! `static:`: the files of a folder, without a process.
//!
//! | path | answer |
//! |---|---|
//! | of a file | the file |
//! | `/about`, where there is `about.html` | that, before a folder `about` |
//! | of a folder, with a slash at its end | its `index.html` |
//! | of a folder, without the slash | 301, to the same with the slash |
//! | any other | `200.html` of the site with the status 200 (an application of one page), else `404.html` with 404, else a text |

use crate::failure::Failure;
use crate::host::deadline::Deadline;
use crate::host::errors::set;
use crate::host::paths::strip_nul;
use crate::host::protocol::EventError;
use crate::host::web::reply::TEXT;
use crate::host::web::static_files::{Found, Path, StaticFiles, decode_path, is_read, send_file};
use crate::host::web::{Incoming, Web};
use crate::http_event::HttpEvent;
use crate::invocation::Invocation;
use crate::response::Response;
use crate::sys::Environment;

/// A folder whose files are served.
pub struct StaticSite {
    web: Web,
    files: StaticFiles,
}

impl StaticSite {
    /// The folder at this path, which has a NUL at its end.
    ///
    /// # Errors
    /// The system cannot open its files.
    pub fn new(
        web: Web,
        environment: &Environment,
        folder: &'static [u8],
    ) -> Result<StaticSite, &'static Failure> {
        let files = StaticFiles::new(environment, strip_nul(folder));
        if !files.is_usable() {
            return Err(UNUSABLE);
        }
        // So that other events come to us, and their error does not advise to set the variable.
        web.settings.events_path.set(b"/");
        Ok(StaticSite { web, files })
    }

    /// Answers an event. An error is in the response; this is its type as the platform's metrics
    /// know it.
    pub fn handle_event(
        &mut self,
        invocation: &Invocation<'_>,
        deadline: &Deadline,
        response: &mut Response,
    ) -> Result<(), &'static [u8]> {
        let incoming = self.web.read_event(invocation, deadline, response);
        let outcome = incoming.and_then(|incoming| match incoming {
            Incoming::Request(request) => self.answer(&request, response),
            Incoming::Event(_) => Err(EventError::Reported(set(
                response,
                "Runtime.NotAnHttpEvent",
                &[NOT_HTTP],
            ))),
            Incoming::Answered => Ok(()),
        });
        match outcome {
            Err(EventError::Reported(error_type)) => Err(error_type),
            _ => Ok(()),
        }
    }

    #[inline(never)] // its stack is for one event
    fn answer(
        &mut self,
        request: &HttpEvent<'_>,
        response: &mut Response,
    ) -> Result<(), EventError> {
        let (mut decoded, mut path) = (Path::new(), Path::new());
        let mut found = Found::Nothing;
        if decode_path(&mut self.web, request, &mut decoded) {
            let decoded = decoded.as_bytes();
            let is_folder = decoded.ends_with(b"/");
            let suffix: &[u8] = if is_folder { b"index.html" } else { b"" };
            found = self.files.find(decoded, suffix, &mut path);
            if !is_folder
                && !matches!(found, Found::File(..))
                && let page @ Found::File(..) = self.files.find(decoded, b".html", &mut path)
            {
                found = page;
            }
        }
        match found {
            Found::Nothing => self.answer_unknown(request, response),
            _ if !is_read(request) => {
                let lines = &mut self.web.memory.request_head;
                lines.set(b"Allow: GET, HEAD\r\n");
                lines.push(TEXT);
                self.web
                    .send_short(405, b"Method Not Allowed\n", request, response)
            }
            Found::File(file, bytes) => {
                send_file(&file, bytes, &path, 200, &mut self.web, request, response)
            }
            Found::Folder => self.web.redirect_to_folder(request, response),
        }
    }

    /// Answers for a path that nothing has.
    fn answer_unknown(
        &mut self,
        request: &HttpEvent<'_>,
        response: &mut Response,
    ) -> Result<(), EventError> {
        let mut path = Path::new();
        let pages: [(&[u8], u16); 2] = [(b"200.html", 200), (b"404.html", 404)];
        for (name, status) in pages {
            if let Found::File(file, bytes) = self.files.find(b"", name, &mut path) {
                let web = &mut self.web;
                return send_file(&file, bytes, &path, status, web, request, response);
            }
        }
        self.web.memory.request_head.set(TEXT);
        self.web.send_short(404, b"Not Found\n", request, response)
    }
}

const UNUSABLE: &Failure = &Failure::new(
    "Runtime.InvalidEntrypoint",
    "static: needs openat2, which came with Linux 5.6: this system does not have it, or filters it",
);

const NOT_HTTP: &[u8] = b"the event is no HTTP request of API Gateway, a Function URL or a load \
    balancer, and static files take no others";
