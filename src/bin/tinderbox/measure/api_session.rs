//! The Runtime API session of one process: its requests, and how it answered each event.

use std::time::Instant;

use super::reply_templates::ReplyTemplates;
use super::wire::{Head, HttpVersion, Method};

const RUNTIME_BASE: &[u8] = b"/2018-06-01/runtime/";
const EXTENSION_BASE: &[u8] = b"/2020-01-01/extension/";

const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\
     Content-Length: 68\r\n\r\n\
     {\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\
     Content-Length: 19\r\n\r\n404 page not found\n";
const INIT_ERROR_ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n\
     Content-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
const REGISTERED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
     Lambda-Extension-Identifier: 8efd3a5e-0000-4000-8000-00000000e0e0\r\n\
     Content-Length: 76\r\n\r\n\
     {\"functionName\":\"function\",\"functionVersion\":\"$LATEST\",\"handler\":\"function\"}";

/// The longest quotation from an error of the function.
const QUOTED_CHARACTERS: usize = 200;

/// Which answers are right.
#[derive(Clone, Default)]
pub struct AnswerCheck {
    /// The expected bytes; `None` accepts any.
    pub expected: Option<Vec<u8>>,
    /// Errors are right too.
    pub accepts_errors: bool,
}

impl AnswerCheck {
    /// Why the answer is wrong, if it is.
    fn fault(&self, head: &Head, is_error: bool, body: &[u8]) -> Option<String> {
        match &self.expected {
            _ if is_error && self.accepts_errors => None,
            _ if is_error => Some(format!("returned the error {}", error_text(body))),
            _ if head.has_error_type && !self.accepts_errors => {
                Some("reported an error within its response".to_string())
            }
            Some(expected) if body != expected.as_slice() => Some(format!(
                "returned {} bytes that differ from the expected answer",
                body.len()
            )),
            _ => None,
        }
    }
}

/// The answer to an event.
pub struct Answer {
    /// When its last byte was received.
    pub at: Instant,
    /// How many connections had been opened by then.
    pub connections: u64,
    /// Why it is wrong, if it is.
    pub fault: Option<String>,
}

/// How to reply to a request.
pub enum Reply {
    /// Hold the request until there is an event.
    Hold,
    /// Hold the request; there will be no reply.
    HoldForever,
    /// Accept an answer.
    Accepted,
    /// Send this whole message.
    Text(&'static str),
}

/// The session of one process.
pub struct ApiSession {
    templates: ReplyTemplates,
    check: AnswerCheck,
    /// The HTTP version of the outstanding event's request, if an event is outstanding.
    outstanding: Option<HttpVersion>,
    /// When the first request for an event was complete.
    pub first_next: Option<Instant>,
    /// The number of events sent.
    pub events: u64,
    /// The number of connections opened.
    pub connections: u64,
    pub init_error: Option<String>,
    answer: Option<Answer>,
    /// A violation of the protocol; it makes the next answer wrong.
    protocol_fault: Option<String>,
}

impl ApiSession {
    /// A session in which every event has these bytes.
    pub fn new(event: &[u8], arn: &str, check: AnswerCheck) -> ApiSession {
        ApiSession {
            templates: ReplyTemplates::new(event, arn),
            check,
            outstanding: None,
            first_next: None,
            events: 0,
            connections: 0,
            init_error: None,
            answer: None,
            protocol_fault: None,
        }
    }

    /// Prepares the next event, for a client of this version.
    pub fn prepare_event(&mut self, version: HttpVersion) {
        self.events += 1;
        self.outstanding = Some(version);
        self.answer = None;
        self.templates.prepare_event(version);
    }

    /// The bytes of the event that was prepared last.
    pub fn event(&self, version: HttpVersion) -> &[u8] {
        self.templates.event(version)
    }

    /// The reply to an answer.
    pub fn accepted(&self) -> &[u8] {
        self.templates.accepted()
    }

    /// The answer to the last event, once it has been received.
    pub fn take_answer(&mut self) -> Option<Answer> {
        self.answer.take()
    }

    /// Records a violation of the protocol, unless there is an earlier one.
    pub fn record_protocol_fault(&mut self, what: &str) {
        self.protocol_fault.get_or_insert_with(|| what.to_string());
    }

    /// The recorded violation of the protocol.
    pub fn take_protocol_fault(&mut self) -> Option<String> {
        self.protocol_fault.take()
    }

    /// Handles one complete request.
    pub fn handle(&mut self, head: &Head, path: &[u8], body: &[u8], at: Instant) -> Reply {
        let Some(call) = strip_base(path, RUNTIME_BASE) else {
            return match strip_base(path, EXTENSION_BASE) {
                Some(b"register") => Reply::Text(REGISTERED),
                Some(b"event/next") => Reply::HoldForever,
                _ => Reply::Text(NOT_FOUND),
            };
        };
        match (head.method, call) {
            (Method::Get, b"invocation/next") => {
                self.first_next.get_or_insert(at);
                Reply::Hold
            }
            (Method::Post, b"init/error") => {
                self.init_error = Some(error_text(body));
                Reply::Text(INIT_ERROR_ACCEPTED)
            }
            (Method::Post, _) => match call.strip_prefix(b"invocation/") {
                Some(call) => self.handle_answer(head, call, body, at),
                None => Reply::Text(NOT_FOUND),
            },
            _ => Reply::Text(NOT_FOUND),
        }
    }

    /// `ID/response` or `ID/error`.
    fn handle_answer(&mut self, head: &Head, call: &[u8], body: &[u8], at: Instant) -> Reply {
        let id_length = call.iter().position(|&byte| byte == b'/');
        let (id, kind) = call.split_at(id_length.unwrap_or(call.len()));
        let is_error = match kind {
            b"/response" => false,
            b"/error" => true,
            _ => return Reply::Text(NOT_FOUND),
        };
        let is_current = self
            .outstanding
            .is_some_and(|version| self.templates.is_current(id, version));
        if !is_current {
            let id = String::from_utf8_lossy(id).into_owned();
            self.record_protocol_fault(&format!("answered the unknown event '{id}'"));
            return Reply::Text(BAD_REQUEST);
        }
        self.outstanding = None;
        let fault = self.check.fault(head, is_error, body);
        self.answer = Some(Answer {
            at,
            connections: self.connections,
            fault: fault.or(self.protocol_fault.take()),
        });
        Reply::Accepted
    }
}

/// The rest of a path after the base, also of a target in absolute form.
fn strip_base<'a>(path: &'a [u8], base: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = path.strip_prefix(base) {
        return Some(rest);
    }
    let rest = path.strip_prefix(b"http://")?;
    let slash = rest.iter().position(|&byte| byte == b'/')?;
    rest[slash..].strip_prefix(base)
}

/// An error's type and message, or the beginning of the body, on one line.
fn error_text(body: &[u8]) -> String {
    let whole = || String::from_utf8_lossy(body).trim().to_string();
    let text = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(value) => match (value["errorType"].as_str(), value["errorMessage"].as_str()) {
            (Some(kind), Some(message)) => format!("{kind}: {message}"),
            _ => whole(),
        },
        Err(_) => whole(),
    };
    let mut line: String = text.chars().take(QUOTED_CHARACTERS).collect();
    line = line.replace(char::is_control, " ");
    match line.is_empty() {
        true => "without a text".to_string(),
        false => line,
    }
}
