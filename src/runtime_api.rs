//! The Runtime API's requests, and the meaning of its replies.
//!
//! Sources: AWS Lambda Developer Guide, "Runtime API"; the server code of AWS's Runtime Interface
//! Emulator, whose state machine determines the state after a lost connection.

use crate::buffer::{Buffer, FixedBytes};
use crate::config::Endpoint;
use crate::connection::Connection;
use crate::diagnostics::{self, EXIT_API};
use crate::limits::{
    EVENT_REGION_BYTES, HAS_EXTRAS, ID_BYTES_MAX, REPLY_READ_BYTES_MAX, TENANT_ID_BYTES_MAX,
};
use crate::message_reader::MessageReader;
use crate::sys::{self, Pause};
use crate::wire::api_headers;
use crate::wire::http1::Framing;
use crate::wire::{bytes_eq, find_from};

mod extras;
use extras::Extras;

/// A client of the Runtime API.
#[repr(C)] // frequently used fields first: a large offset takes three bytes more
pub struct RuntimeApi {
    pub connection: Connection,
    /// The request for the next event was sent on this connection.
    pub next_requested: bool,
    /// The request for the next event is appended to the answer. The platform may freeze the
    /// process after that request, so this is false where work is left to do, and where the
    /// endpoint has no pipelining.
    pub next_in_answer: bool,
    /// An answer was sent, and the connection was lost before the reply.
    pub reply_lost: bool,
    /// The connection was lost, and no reply came since.
    lost_once: bool,
    /// The pause before the request for the next event is repeated, after a reply without an event.
    pause: Pause,
    pub extras: Extras,
    /// Where the Runtime API is.
    pub endpoint: Endpoint,
    /// The request id of the current event; empty during init.
    pub request_id: FixedBytes<ID_BYTES_MAX>,
    /// The tenant of the current event, for log records.
    pub tenant_id: FixedBytes<TENANT_ID_BYTES_MAX>,
    invocation_id: FixedBytes<ID_BYTES_MAX>,
}

impl RuntimeApi {
    /// Not connected, no current event.
    pub const fn new() -> RuntimeApi {
        RuntimeApi {
            connection: Connection::new(),
            next_requested: false,
            next_in_answer: false,
            reply_lost: false,
            lost_once: false,
            pause: Pause::new(),
            extras: Extras::new(),
            endpoint: Endpoint::new(),
            request_id: FixedBytes::new(),
            tenant_id: FixedBytes::new(),
            invocation_id: FixedBytes::new(),
        }
    }

    /// Sends the request for the next event.
    pub fn request_next(&mut self) {
        self.connection.send(&self.endpoint, self.endpoint.next());
        self.next_requested = true;
    }

    /// Reads the reply to the request for the next event, without a time limit. True: it is an
    /// event, and `_X_AMZN_TRACE_ID` is set to its trace id. False: there is none, and it has to be
    /// requested again unless `next_requested` is set.
    ///
    /// `previous_answer` is sent again if the server delivers the previous event once more, because
    /// the answer was lost with its connection.
    #[inline(never)]
    pub fn read_next(&mut self, reader: &mut MessageReader, previous_answer: &Buffer) -> bool {
        if !reader.receive(&self.connection, EVENT_REGION_BYTES) {
            self.on_disconnect(reader);
            return false;
        }
        self.next_requested = false;
        if reader.head.close {
            self.disconnect(reader);
        }
        match reader.head.status {
            200 if reader.head.framing != Framing::UntilClose => {}
            204 => {
                self.pause.wait();
                return false;
            }
            500.. if self.may_retry() => {
                log_reply(reader);
                self.wait_before_retry();
                return false;
            }
            _ => exit_refused(reader),
        }
        let request_id = reader.value(api_headers::REQUEST_ID);
        let invocation_id = reader.value(api_headers::INVOCATION_ID);
        let bytes = request_id.len().max(invocation_id.len());
        // The invocation id is copied to a header of the answer, so it must not have a CR.
        let is_valid = find_from(invocation_id, 0, b'\r') >= invocation_id.len();
        if request_id.is_empty() || bytes > ID_BYTES_MAX || !is_valid {
            diagnostics::fatal(
                EXIT_API,
                b"event id empty, too long or with a CR: ",
                request_id,
            );
        }
        if self.reply_lost
            && bytes_eq(self.request_id.as_bytes(), request_id)
            && bytes_eq(self.invocation_id.as_bytes(), invocation_id)
        {
            // The server did not get the answer. The handler has run, and must not run again.
            self.send_and_check(reader, previous_answer);
            return false;
        }
        self.request_id.set(request_id);
        self.invocation_id.set(invocation_id);
        if HAS_EXTRAS {
            self.tenant_id.set(reader.value(api_headers::TENANT_ID));
        }
        self.reply_lost = false;
        self.pause.reset();
        self.reset_backoff();
        sys::set_trace_id(reader.value(api_headers::TRACE_ID));
        true
    }

    /// Prepends the head of the request to an answer, the last line first: the headers that frame
    /// the body come before. With an empty error type it is a response, else an error.
    pub fn prepend_request_head(&self, buffer: &mut Buffer, error_type: &[u8]) {
        buffer.prepend_header(ERROR_TYPE, error_type);
        let invocation_id = self.invocation_id.as_bytes();
        buffer.prepend_header(b"Lambda-Runtime-Invocation-Id: ", invocation_id);
        buffer.prepend(self.endpoint.request_tail());
        let request_id = self.request_id.as_bytes();
        buffer.prepend(if error_type.is_empty() {
            b"/response"
        } else {
            b"/error"
        });
        buffer.prepend_path_segment(request_id);
        let has_event = !request_id.is_empty();
        if !has_event {
            buffer.prepend(self.error_scope());
        }
        buffer.prepend(self.endpoint.path_prefix(has_event));
        buffer.prepend(b"POST");
    }

    /// Prepends the head of the request to an answer of known length, and appends the request for
    /// the next event if both may leave in one send.
    pub fn frame_answer(&self, buffer: &mut Buffer, error_type: &[u8]) {
        buffer.prepend(b"\r\n");
        buffer.prepend_number(buffer.body_bytes());
        buffer.prepend(b"Content-Length: ");
        self.prepend_request_head(buffer, error_type);
        self.append_next_request(buffer);
    }

    /// The path of an error before the first event.
    fn error_scope(&self) -> &'static [u8] {
        if HAS_EXTRAS && self.extras.is_restored {
            return b"restore";
        }
        b"init"
    }

    /// Appends the request for the next event to an answer, if both may leave in one send.
    pub fn append_next_request(&self, buffer: &mut Buffer) {
        if self.next_in_answer {
            buffer.append(self.endpoint.next());
        }
    }

    /// Sends an answer, and checks the reply.
    #[inline(never)]
    pub fn send_and_check(&mut self, reader: &mut MessageReader, answer: &Buffer) {
        let is_sent = self.send(answer.bytes());
        self.read_reply(reader, is_sent);
    }

    /// Sends. False: the connection is lost.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.connection.send(&self.endpoint, bytes)
    }

    /// Sends parts of a streamed response. False: the connection is lost.
    pub fn send_parts(&mut self, parts: [&[u8]; 4]) -> bool {
        self.connection.send_parts(&self.endpoint, parts)
    }

    /// Reads and checks the reply to an answer: accepted (2xx), too late or too large (410, 413:
    /// the server has answered the caller itself), or refused, which ends the process with exit
    /// code 1. `is_sent`: all of the answer was sent.
    #[inline]
    pub fn read_reply(&mut self, reader: &mut MessageReader, is_sent: bool) {
        self.next_requested = self.next_in_answer;
        self.reply_lost = !reader.receive(&self.connection, REPLY_READ_BYTES_MAX);
        if self.reply_lost {
            return self.on_disconnect(reader);
        }
        self.reset_backoff();
        match reader.head.status {
            200..=299 => {}
            410 | 413 => log_reply(reader),
            _ => exit_refused(reader),
        }
        // A reply may come before everything was sent: such a connection cannot be used again.
        if reader.head.close || !is_sent {
            self.disconnect(reader);
        }
    }

    /// Handles a lost connection: the first loss is tolerated; the second one without a reply
    /// between them ends the process with exit code 1. A worker of a pool first tries five times.
    #[inline(never)]
    fn on_disconnect(&mut self, reader: &mut MessageReader) {
        self.disconnect(reader);
        if self.may_retry() {
            return self.wait_before_retry();
        }
        if self.lost_once {
            diagnostics::fatal(EXIT_API, b"Runtime API: ", b"connection lost twice");
        }
        self.lost_once = true;
    }

    /// After a reply: a lost connection is tolerated again.
    fn reset_backoff(&mut self) {
        self.lost_once = false;
        self.extras.reset_retry();
    }

    #[inline(never)]
    fn disconnect(&mut self, reader: &mut MessageReader) {
        self.connection.close();
        reader.discard_unread();
        self.next_requested = false;
    }
}

/// The header of the error type, with its colon.
pub const ERROR_TYPE: &[u8] = b"Lambda-Runtime-Function-Error-Type: ";

/// Logs the status line and the first line of the body of a reply.
#[inline(never)]
fn log_reply(reader: &MessageReader) {
    diagnostics::diagnostic(b"Runtime API: ", reader.head());
    diagnostics::diagnostic(b"Runtime API: ", reader.body());
}

/// Logs a reply, and ends the process with exit code 1.
fn exit_refused(reader: &MessageReader) -> ! {
    log_reply(reader);
    sys::exit(EXIT_API)
}
