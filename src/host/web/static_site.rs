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
use crate::host::web::reply::{Reply, ReplyTo};
use crate::host::web::static_files::{
    Found, Path, StaticFiles, decode_path, end_location, is_read, send_file,
};
use crate::host::web::{Incoming, Memory, Web};
use crate::http_event::HttpEvent;
use crate::invocation::Invocation;
use crate::response::Response;
use crate::sys::Environment;
use crate::wire::slice_or_empty;

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
                self.web.memory.request_head.set(NOT_ALLOWED);
                self.send_short(405, b"Method Not Allowed\n", request, response)
            }
            Found::File(file, bytes) => {
                send_file(&file, bytes, &path, 200, &mut self.web, request, response)
            }
            Found::Folder => self.redirect(request, response),
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
        self.send_short(404, b"Not Found\n", request, response)
    }

    /// Redirects to the path with a slash at its end. The location is relative, so it is right
    /// behind a stage, a prefix or another host, and names no other host itself.
    fn redirect(
        &mut self,
        request: &HttpEvent<'_>,
        response: &mut Response,
    ) -> Result<(), EventError> {
        // A name with a colon would name a scheme without the dot before it (RFC 3986, 4.2).
        const START: &[u8] = b"Location: ./";
        let lines = &mut self.web.memory.request_head;
        request.write_path(b"", &mut |piece| {
            let slash = piece.iter().rposition(|&byte| byte == b'/');
            let name = slash.map_or(0, |slash| slash + 1);
            if name > 0 {
                lines.set(START);
            }
            lines.push(slice_or_empty(piece, name, piece.len()));
        });
        end_location(request, &mut |piece| lines.push(piece));
        if lines.as_bytes().len() <= LOCATION_BYTES_MAX {
            return self.send_short(301, b"", request, response);
        }
        self.web.memory.request_head.set(TEXT);
        self.send_short(414, b"URI Too Long\n", request, response)
    }

    /// Answers with a short body and the header lines in the region of a request's head.
    fn send_short(
        &mut self,
        status: u16,
        body: &[u8],
        request: &HttpEvent<'_>,
        response: &mut Response,
    ) -> Result<(), EventError> {
        let to = ReplyTo::Request {
            source: request.source(),
            is_head: request.is_head(),
        };
        let Memory {
            request_head: lines,
            answer_head,
            answer_body,
            ..
        } = &mut *self.web.memory;
        let mut reply = Reply::new(to, self.web.settings, answer_head, answer_body, response);
        reply.start(status, lines.as_bytes());
        reply.write(body);
        reply.finish()
    }
}

/// The longest line of a location, in bytes: more than fronts take as a target.
const LOCATION_BYTES_MAX: usize = 16 * 1024;

/// The header lines of the answers that are a text of our own.
const NOT_ALLOWED: &[u8] = b"Allow: GET, HEAD\r\nContent-Type: text/plain; charset=utf-8\r\n";
const TEXT: &[u8] = NOT_ALLOWED.split_at(b"Allow: GET, HEAD\r\n".len()).1;

const UNUSABLE: &Failure = &Failure::new(
    "Runtime.InvalidEntrypoint",
    "static: needs openat2, which came with Linux 5.6: this system does not have it, or filters it",
);

const NOT_HTTP: &[u8] = b"the event is no HTTP request of API Gateway, a Function URL or a load \
    balancer, and static files take no others";
