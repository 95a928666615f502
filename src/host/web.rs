//! Web applications: an event that is an HTTP request becomes one to a process or a file, and what
//! comes back becomes the answer in the shape of the event.
//!
//! | variable | meaning |
//! |---|---|
//! | `TINDERBOX_EVENTS_PATH` | the path to which events are posted that are no HTTP requests |
//! | `TINDERBOX_STREAM` | `1`: answers are streamed, where the source of the event can |
//! | `TINDERBOX_STRIP_PREFIX` | removed from the path of each request |
//! | `TINDERBOX_READY_PATH` | asked during init, until the application answers |
//! | `TINDERBOX_WARMUP` | `1`: events that only keep an environment warm are answered at once |

pub mod exchange;
pub mod fastcgi;
mod http_answer;
pub mod http_app;
mod http_request;
pub mod own_answer;
pub mod reply;
pub mod static_files;
pub mod static_site;
mod upstream;

use crate::buffer::FixedBytes;
use crate::diagnostics::diagnostic_by_deadline;
use crate::failure::Failure;
use crate::host::deadline::Deadline;
use crate::host::errors::set;
use crate::host::protocol::EventError;
use crate::host::web::reply::write_own_answer;
use crate::host::web::static_files::Path;
use crate::http_event::{EventFault, HttpEvent, Source};
use crate::invocation::Invocation;
use crate::limits::{
    ANSWER_HEAD_BYTES_MAX, EVENT_BYTES_MAX, REQUEST_HEAD_BYTES_MAX, RESPONSE_BYTES_MAX,
    TRIM_AFTER_EVENTS, TRIM_KEEP_BYTES,
};
use crate::response::Response;
use crate::sys::{Environment, TakeOnce};
use crate::wire::bytes_eq;
use crate::wire::json;

/// Bytes around a body in a request: the headers of FastCGI records, 8 for each 65,535 bytes.
const BODY_FRAMING_BYTES: usize = 1024;

/// The regions of a request and its answer, touched as far as they are used.
pub struct Memory {
    pub request_head: FixedBytes<REQUEST_HEAD_BYTES_MAX>,
    pub request_body: FixedBytes<{ EVENT_BYTES_MAX + BODY_FRAMING_BYTES }>,
    pub answer_head: FixedBytes<ANSWER_HEAD_BYTES_MAX>,
    pub answer_body: FixedBytes<RESPONSE_BYTES_MAX>,
    /// The path of the current request, decoded.
    pub path: Path,
    /// Consecutive events that needed little of it.
    pub small_events: u32,
}

static MEMORY: TakeOnce<Memory> = TakeOnce::new(Memory {
    request_head: FixedBytes::new(),
    request_body: FixedBytes::new(),
    answer_head: FixedBytes::new(),
    answer_body: FixedBytes::new(),
    path: Path::new(),
    small_events: 0,
});

/// The longest path in a variable, in bytes.
const PATH_BYTES_MAX: usize = 1024;

/// What the environment says about web applications.
pub struct Settings {
    /// Answers are streamed.
    pub streams: bool,
    /// The source of the current event takes streams.
    takes_stream: bool,
    /// Warm-up events are answered at once.
    pub answers_warmup: bool,
    /// Removed from paths; may be empty.
    pub strip_prefix: FixedBytes<PATH_BYTES_MAX>,
    /// Where other events go; empty: nowhere.
    pub events_path: FixedBytes<PATH_BYTES_MAX>,
    /// Asked during init; empty: nothing is.
    pub ready_path: FixedBytes<PATH_BYTES_MAX>,
    /// One of them is longer than that.
    has_long_path: bool,
}

static SETTINGS: TakeOnce<Settings> = TakeOnce::new(Settings {
    streams: false,
    takes_stream: false,
    answers_warmup: false,
    strip_prefix: FixedBytes::new(),
    events_path: FixedBytes::new(),
    ready_path: FixedBytes::new(),
    has_long_path: false,
});

impl Settings {
    /// Reads the environment.
    fn read(&mut self, environment: &Environment) {
        let mut longest = 0;
        let mut value = |name| {
            let value = environment.get(name).unwrap_or_default();
            longest = longest.max(value.len());
            value
        };
        self.streams = bytes_eq(value(b"TINDERBOX_STREAM="), b"1");
        self.answers_warmup = bytes_eq(value(b"TINDERBOX_WARMUP="), b"1");
        self.strip_prefix.set(value(b"TINDERBOX_STRIP_PREFIX="));
        self.events_path.set(value(b"TINDERBOX_EVENTS_PATH="));
        self.ready_path.set(value(b"TINDERBOX_READY_PATH="));
        self.has_long_path = longest > PATH_BYTES_MAX;
    }

    /// Whether the answer to the current event is streamed.
    pub fn streams_answer(&self) -> bool {
        self.streams && self.takes_stream
    }

    /// Writes an answer of our own, as the application's would be sent.
    pub fn write_own_answer(
        &self,
        source: Source,
        status: u16,
        why: &[u8],
        response: &mut Response,
    ) {
        write_own_answer(source, self.streams_answer(), status, why, response);
    }

    /// What is wrong with them.
    pub fn fault(&self) -> Option<&'static Failure> {
        const BAD_PATH: &Failure = &Failure::fixed(
            "Runtime.InvalidConfiguration",
            "TINDERBOX_EVENTS_PATH and TINDERBOX_READY_PATH begin with a slash, and have no spaces",
        );
        const LONG_PATH: &Failure = &Failure::fixed(
            "Runtime.InvalidConfiguration",
            "TINDERBOX_STRIP_PREFIX, TINDERBOX_EVENTS_PATH, TINDERBOX_READY_PATH: up to 1024 bytes",
        );
        let is_path = |path: &[u8]| {
            path.is_empty() || path.starts_with(b"/") && path.iter().all(u8::is_ascii_graphic)
        };
        const { assert!(PATH_BYTES_MAX == 1024, "the message has the number") };
        let paths = [self.events_path.as_bytes(), self.ready_path.as_bytes()];
        match paths.into_iter().all(is_path) {
            _ if self.has_long_path => Some(LONG_PATH),
            true => None,
            false => Some(BAD_PATH),
        }
    }
}

/// What all kinds of web applications share.
pub struct Web {
    pub settings: &'static mut Settings,
    pub memory: &'static mut Memory,
}

/// What has to be done with an event.
pub enum Incoming<'a> {
    /// It is a request.
    Request(HttpEvent<'a>),
    /// It is to be posted to `TINDERBOX_EVENTS_PATH`.
    Event(&'a [u8]),
    /// Nothing: the response has its answer.
    Answered,
}

impl Web {
    /// `None` on the second call: the memory is static.
    pub fn new(environment: &Environment) -> Option<Web> {
        let (settings, memory) = (SETTINGS.take()?, MEMORY.take()?);
        settings.read(environment);
        Some(Web { settings, memory })
    }

    /// Finds out what an event is. A malformed request is answered with 400 here, and a warm-up
    /// event as well.
    ///
    /// # Errors
    /// `Runtime.NotAnHttpEvent`, without a path for other events.
    pub fn read_event<'a>(
        &mut self,
        invocation: &Invocation<'a>,
        deadline: &Deadline,
        response: &mut Response,
    ) -> Result<Incoming<'a>, EventError> {
        self.trim();
        let event = invocation.event();
        let read = HttpEvent::read(event);
        self.settings.takes_stream = read.as_ref().is_ok_and(HttpEvent::takes_stream);
        match read {
            Ok(request) => Ok(Incoming::Request(request)),
            Err(EventFault::Malformed(source, fault)) => {
                deadline.bound_log();
                diagnostic_by_deadline(b"malformed HTTP event, answered with 400: ", fault);
                self.settings.write_own_answer(source, 400, fault, response);
                Ok(Incoming::Answered)
            }
            Err(EventFault::NotHttp) if self.settings.answers_warmup && is_warmup(event) => {
                let _ = response.write(b"null");
                Ok(Incoming::Answered)
            }
            Err(EventFault::NotHttp) if !self.settings.events_path.as_bytes().is_empty() => {
                Ok(Incoming::Event(event))
            }
            Err(EventFault::NotHttp) => Err(EventError::Reported(set(
                response,
                "Runtime.NotAnHttpEvent",
                &[
                    b"the event is no HTTP request of API Gateway, a Function URL or a load \
                    balancer: set TINDERBOX_EVENTS_PATH to the path that takes other events",
                ],
            ))),
        }
    }

    /// Returns the pages that large events have used to the kernel, after many that needed few: as
    /// the loop does with its regions.
    fn trim(&mut self) {
        let Memory {
            request_body,
            answer_body,
            small_events,
            ..
        } = &mut *self.memory;
        let used = request_body
            .as_bytes()
            .len()
            .max(answer_body.as_bytes().len());
        *small_events = small_events.saturating_add(1);
        if used > TRIM_KEEP_BYTES {
            *small_events = 0;
        } else if *small_events == TRIM_AFTER_EVENTS {
            request_body.release_pages();
            answer_body.release_pages();
        }
        request_body.set(b"");
        answer_body.set(b"");
    }
}

/// Whether an event only keeps an environment warm: those of Bref and of the Serverless Framework's
/// plugin for it.
fn is_warmup(event: &[u8]) -> bool {
    let Ok([warmer, source]) = json::members(event, [b"warmer", b"source"]) else {
        return false;
    };
    let is_plugin = |text: json::Text<'_>| text.is(b"serverless-plugin-warmup");
    warmer.is_some_and(json::is_true) || source.and_then(json::string).is_some_and(is_plugin)
}
