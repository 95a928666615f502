//! What the server of a process knows of it: what was asked, and how each event was answered.

use std::time::Instant;

use super::packet::Packets;
use super::wire::{Head, Method};

const PREFIX: &[u8] = b"/2018-06-01/runtime/";
const EXTENSIONS: &[u8] = b"/2020-01-01/extension/";

const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\
     Content-Length: 68\r\n\r\n\
     {\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\
     Content-Length: 19\r\n\r\n404 page not found\n";
const ACCEPTED_INIT_ERROR: &str = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n\
     Content-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
const REGISTERED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
     Lambda-Extension-Identifier: 8efd3a5e-0000-4000-8000-00000000e0e0\r\n\
     Content-Length: 76\r\n\r\n\
     {\"functionName\":\"function\",\"functionVersion\":\"$LATEST\",\"handler\":\"function\"}";

/// The longest text of a function's that is shown.
const SHOWN_CHARACTERS: usize = 200;

/// What counts as a right answer.
#[derive(Clone, Default)]
pub struct Judge {
    /// These bytes; without them, any.
    pub expected: Option<Vec<u8>>,
    /// An error is as good as a response.
    pub accepts_errors: bool,
}

/// How an event was answered.
pub struct Answer {
    /// When the answer had come whole.
    pub at: Instant,
    /// Connections that had been opened by then.
    pub connections: u64,
    /// Why it is not right.
    pub fault: Option<String>,
}

/// What to do with a request.
pub enum Reply {
    /// Hold it until there is an event.
    Hold,
    /// Hold it; there will be nothing.
    HoldForEver,
    /// An answer has come.
    Accepted,
    /// This whole message.
    Text(&'static str),
}

/// The state of one process's events.
pub struct Desk {
    packets: Packets,
    judge: Judge,
    /// The framing of the event in hand, if there is one.
    in_hand: Option<bool>,
    /// When the first request for an event had come whole.
    pub first_next: Option<Instant>,
    /// Events that were sent.
    pub events: u64,
    /// Connections that were opened.
    pub connections: u64,
    pub init_error: Option<String>,
    answer: Option<Answer>,
    /// What it did wrong besides answering; a reason not to trust the next answer.
    complaint: Option<String>,
}

impl Desk {
    /// For a process that is sent these events.
    pub fn new(event: &[u8], arn: &str, judge: Judge) -> Desk {
        Desk {
            packets: Packets::new(event, arn),
            judge,
            in_hand: None,
            first_next: None,
            events: 0,
            connections: 0,
            init_error: None,
            answer: None,
            complaint: None,
        }
    }

    /// The next event.
    pub fn make_event(&mut self, is_http_1_0: bool) {
        self.events += 1;
        self.in_hand = Some(is_http_1_0);
        self.answer = None;
        self.packets.make_event(is_http_1_0);
    }

    /// The bytes of the event that was made last.
    pub fn event(&self, is_http_1_0: bool) -> &[u8] {
        self.packets.event(is_http_1_0)
    }

    /// The reply to an answer.
    pub fn accepted(&self) -> &[u8] {
        self.packets.accepted()
    }

    /// The answer to the event that was sent last, once it is there.
    pub fn take_answer(&mut self) -> Option<Answer> {
        self.answer.take()
    }

    /// Something is wrong with what the process sends.
    pub fn complain(&mut self, what: &str) {
        self.complaint.get_or_insert_with(|| what.to_string());
    }

    /// What was wrong, if anything was.
    pub fn take_complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }

    /// One complete request.
    pub fn handle(&mut self, head: &Head, path: &[u8], body: &[u8], at: Instant) -> Reply {
        let Some(call) = behind(path, PREFIX) else {
            return match behind(path, EXTENSIONS) {
                Some(b"register") => Reply::Text(REGISTERED),
                Some(b"event/next") => Reply::HoldForEver,
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
                Reply::Text(ACCEPTED_INIT_ERROR)
            }
            (Method::Post, _) => match call.strip_prefix(b"invocation/") {
                Some(call) => self.take_in(head, call, body, at),
                None => Reply::Text(NOT_FOUND),
            },
            _ => Reply::Text(NOT_FOUND),
        }
    }

    /// `ID/response` or `ID/error`.
    fn take_in(&mut self, head: &Head, call: &[u8], body: &[u8], at: Instant) -> Reply {
        let id_length = call.iter().position(|&byte| byte == b'/');
        let (id, kind) = call.split_at(id_length.unwrap_or(call.len()));
        let is_error = match kind {
            b"/response" => false,
            b"/error" => true,
            _ => return Reply::Text(NOT_FOUND),
        };
        let is_current = self
            .in_hand
            .is_some_and(|framing| self.packets.is_current(id, framing));
        if !is_current {
            let id = String::from_utf8_lossy(id).into_owned();
            self.complain(&format!("answered the event '{id}', which is not in hand"));
            return Reply::Text(BAD_REQUEST);
        }
        self.in_hand = None;
        let fault = match &self.judge.expected {
            _ if is_error && self.judge.accepts_errors => None,
            _ if is_error => Some(format!("answered with the error {}", error_text(body))),
            _ if head.names_error && !self.judge.accepts_errors => {
                Some("ended its response with an error".to_string())
            }
            Some(expected) if body != expected.as_slice() => Some(format!(
                "answered with {} bytes that are not those expected",
                body.len()
            )),
            _ => None,
        };
        self.answer = Some(Answer {
            at,
            connections: self.connections,
            fault: fault.or(self.complaint.take()),
        });
        Reply::Accepted
    }
}

/// What follows a prefix, also in a target of absolute form.
fn behind<'a>(path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = path.strip_prefix(prefix) {
        return Some(rest);
    }
    let rest = path.strip_prefix(b"http://")?;
    let slash = rest.iter().position(|&byte| byte == b'/')?;
    rest[slash..].strip_prefix(prefix)
}

/// An error's type and message, or as much of the body as is good to read.
fn error_text(body: &[u8]) -> String {
    let whole = || String::from_utf8_lossy(body).trim().to_string();
    let text = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(value) => match (value["errorType"].as_str(), value["errorMessage"].as_str()) {
            (Some(kind), Some(message)) => format!("{kind}: {message}"),
            _ => whole(),
        },
        Err(_) => whole(),
    };
    let mut line: String = text.chars().take(SHOWN_CHARACTERS).collect();
    line = line.replace(char::is_control, " ");
    match line.is_empty() {
        true => "without a text".to_string(),
        false => line,
    }
}
