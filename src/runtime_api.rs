//! The Runtime API's calls, and what its answers mean.
//!
//! Sources: AWS Lambda Developer Guide, "Runtime API"; the server code of AWS's Runtime Interface
//! Emulator, whose state machine says what a lost connection leaves behind.

use crate::buffer::{Buffer, FixedBytes};
use crate::config::Endpoint;
use crate::connection::{Connection, MessageReader};
use crate::diagnostics::{self, EXIT_API};
use crate::failure::Failure;
use crate::limits::{EVENT_REGION_BYTES, ID_BYTES_MAX, REPLY_READ_BYTES_MAX};
#[cfg(feature = "platform")]
use crate::limits::{RETRY_MS_MAX, TENANT_ID_BYTES_MAX};
use crate::response::Response;
use crate::sys::{self, Pause};
use crate::wire::api_headers;
use crate::wire::http1::Framing;
use crate::wire::{equal, find};

#[cfg(feature = "platform")]
mod platform;
#[cfg(feature = "platform")]
pub use platform::WorkerLink;

/// Our side of the conversation.
#[repr(C)] // what is used most stands first: a large offset takes three bytes more
pub struct RuntimeApi {
    connection: Connection,
    /// The next event was asked for on this connection.
    next_requested: bool,
    /// An answer was sent, and the connection lost before the reply.
    reply_lost: bool,
    /// The connection was lost, and nothing went well since.
    lost: bool,
    /// Before the next event is asked for again when there was none.
    pause: Pause,
    /// Ends the streamed response of the event in hand; see `stream`.
    pub end_stream: Option<EndStream>,
    /// A part of it was sent.
    pub stream_started: bool,
    /// The connection broke within it.
    pub stream_failed: bool,
    /// In a worker of a pool, until it is ready.
    #[cfg(feature = "platform")]
    pub seat: Option<WorkerLink>,
    /// How long the next try waits, in milliseconds, after the connection was lost once more.
    #[cfg(feature = "platform")]
    retry_ms: u64,
    /// A snapshot was restored: an error before the first event is one of that.
    #[cfg(feature = "platform")]
    pub restored: bool,
    /// Waits for the next event in another way; see `shutdown` and `host`.
    #[cfg(feature = "platform")]
    pub wait: Option<fn(&Connection)>,
    /// What has to be done behind the answer, before the next event is asked for.
    #[cfg(feature = "platform")]
    pub afterwards: Option<fn()>,
    /// Where the Runtime API is.
    pub endpoint: Endpoint,
    /// The ids of the event in hand; none yet during init.
    pub request_id: FixedBytes<ID_BYTES_MAX>,
    /// Its tenant, for log records.
    #[cfg(feature = "platform")]
    pub tenant_id: FixedBytes<TENANT_ID_BYTES_MAX>,
    invocation_id: FixedBytes<ID_BYTES_MAX>,
}

/// Ends a streamed response. False: nothing of it was sent, and an ordinary answer is wanted.
pub type EndStream =
    fn(&mut RuntimeApi, &mut MessageReader, &mut Response, &Result<(), Failure>) -> bool;

impl RuntimeApi {
    /// Nobody to talk to.
    pub const fn new() -> RuntimeApi {
        RuntimeApi {
            connection: Connection::new(),
            next_requested: false,
            reply_lost: false,
            lost: false,
            pause: Pause::new(),
            end_stream: None,
            stream_started: false,
            stream_failed: false,
            #[cfg(feature = "platform")]
            seat: None,
            #[cfg(feature = "platform")]
            retry_ms: 0,
            #[cfg(feature = "platform")]
            restored: false,
            #[cfg(feature = "platform")]
            wait: None,
            #[cfg(feature = "platform")]
            afterwards: None,
            endpoint: Endpoint::new(),
            request_id: FixedBytes::new(),
            #[cfg(feature = "platform")]
            tenant_id: FixedBytes::new(),
            invocation_id: FixedBytes::new(),
        }
    }

    /// Waits for the next event, however long it takes, and sets `_X_AMZN_TRACE_ID` to its trace
    /// id. `kept` is the answer to the one before.
    #[inline(never)]
    pub fn next(&mut self, inbox: &mut MessageReader, kept: &Buffer) {
        loop {
            if !self.next_requested {
                #[cfg(feature = "platform")]
                if !self.reply_lost
                    && let Some(work) = self.afterwards.take()
                {
                    work();
                }
                self.connection.send(&self.endpoint, self.endpoint.next());
                self.next_requested = true;
            }
            #[cfg(feature = "platform")]
            if let Some(wait) = self.wait.filter(|_| inbox.is_empty()) {
                wait(&self.connection);
            }
            if !inbox.receive(&self.connection, EVENT_REGION_BYTES) {
                self.lose(inbox);
                continue;
            }
            self.next_requested = false;
            if inbox.head.close {
                self.disconnect(inbox);
            }
            match inbox.head.status {
                200 if inbox.head.framing != Framing::UntilClose => {}
                204 => {
                    self.pause.wait();
                    continue;
                }
                #[cfg(feature = "platform")]
                500.. if self.endpoint.retry_unreachable && self.retry_ms < RETRY_MS_MAX => {
                    log_reply(inbox);
                    self.retry();
                    continue;
                }
                _ => exit_refused(inbox),
            }
            let request_id = inbox.value(api_headers::REQUEST_ID);
            let invocation_id = inbox.value(api_headers::INVOCATION_ID);
            let bytes = request_id.len().max(invocation_id.len());
            // The second is repeated in a header, as it is.
            let fits = find(invocation_id, 0, b'\r') >= invocation_id.len();
            if request_id.is_empty() || bytes > ID_BYTES_MAX || !fits {
                diagnostics::fatal(EXIT_API, b"request id empty or too long: ", request_id);
            }
            if self.reply_lost
                && equal(self.request_id.get(), request_id)
                && equal(self.invocation_id.get(), invocation_id)
            {
                // It never got the answer; the handler has run, and must not run again.
                self.post(inbox, kept);
                continue;
            }
            self.request_id.set(request_id);
            self.invocation_id.set(invocation_id);
            #[cfg(feature = "platform")]
            self.tenant_id.set(inbox.value(api_headers::TENANT_ID));
            self.reply_lost = false;
            self.pause.reset();
            self.reset_backoff();
            return sys::set_trace_id(inbox.value(api_headers::TRACE_ID));
        }
    }

    /// Answers the event in hand with what the handler made of it, and asks for the next one in the
    /// same breath where that is right.
    #[inline(never)]
    pub fn answer(
        &mut self,
        inbox: &mut MessageReader,
        response: &mut Response,
        outcome: &Result<(), Failure>,
    ) {
        if let Some(end) = self.end_stream.take()
            && end(self, inbox, response, outcome)
        {
            return;
        }
        self.post(inbox, self.write_answer(response, outcome));
    }

    /// Makes the answer ready to be sent.
    pub fn write_answer<'a>(
        &self,
        response: &'a mut Response,
        outcome: &Result<(), Failure>,
    ) -> &'a Buffer {
        let error_type = response.finish(outcome);
        let buffer = response.buffer();
        self.address(buffer, error_type, |buffer| {
            buffer.prepend(b"\r\n");
            buffer.prepend_number(buffer.body_bytes());
            buffer.prepend(b"Content-Length: ");
        });
        self.append_next_request(buffer);
        buffer
    }

    /// Asks for the next event in the same breath where that is right.
    pub fn append_next_request(&self, buffer: &mut Buffer) {
        if self.is_pipelined() {
            buffer.append(self.endpoint.next());
        }
    }

    /// Whether the next event is asked for together with the answer. The platform may freeze us
    /// once it has been: not while there is something to do.
    fn is_pipelined(&self) -> bool {
        #[cfg(feature = "platform")]
        if self.afterwards.is_some() {
            return false;
        }
        self.endpoint.pipeline
    }

    /// Reports that init failed, or that the handler panicked, and nothing after it.
    pub fn report(&mut self, inbox: &mut MessageReader, response: &mut Response, failure: Failure) {
        self.endpoint.pipeline = false;
        let outcome = Err(failure);
        #[cfg(feature = "platform")]
        if let Some(seat) = &self.seat {
            return self.send_init_error_to_parent(seat, response, &outcome);
        }
        self.answer(inbox, response, &outcome);
    }

    /// Puts the head of its request before an answer, the last line first; `frame` puts what says
    /// how long it is.
    pub fn address(&self, buffer: &mut Buffer, error_type: &[u8], frame: impl FnOnce(&mut Buffer)) {
        frame(buffer);
        buffer.prepend_header(ERROR_TYPE, error_type);
        buffer.prepend_header(b"Lambda-Runtime-Invocation-Id: ", self.invocation_id.get());
        buffer.prepend(self.endpoint.host());
        let request_id = self.request_id.get();
        buffer.prepend(if error_type.is_empty() {
            b"/response"
        } else {
            b"/error"
        });
        buffer.prepend_path_segment(request_id);
        let is_of_event = !request_id.is_empty();
        if !is_of_event {
            buffer.prepend(self.phase());
        }
        buffer.prepend(self.endpoint.base(is_of_event));
        buffer.prepend(b"POST");
    }

    /// Where the environment is before its first event.
    fn phase(&self) -> &'static [u8] {
        #[cfg(feature = "platform")]
        if self.restored {
            return b"restore";
        }
        b"init"
    }

    /// Sends an answer, and judges the reply.
    #[inline(never)]
    fn post(&mut self, inbox: &mut MessageReader, answer: &Buffer) {
        let sent = self.send(answer.bytes());
        self.settle(inbox, sent);
    }

    /// Sends. False: the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.connection.send(&self.endpoint, bytes)
    }

    /// Sends more of a streamed response.
    pub fn send_parts(&mut self, parts: [&[u8]; 4]) -> bool {
        self.connection.send_parts(&self.endpoint, parts)
    }

    /// Judges the reply to an answer, before anything that follows it.
    #[inline]
    pub fn settle(&mut self, inbox: &mut MessageReader, sent: bool) {
        self.next_requested = self.is_pipelined();
        self.reply_lost = !inbox.receive(&self.connection, REPLY_READ_BYTES_MAX);
        if self.reply_lost {
            return self.lose(inbox);
        }
        self.reset_backoff();
        match inbox.head.status {
            200..=299 => {}
            // Too late and too large: the caller has its answer, from the server.
            410 | 413 => log_reply(inbox),
            _ => exit_refused(inbox),
        }
        // An early reply may come while we still send: the rest of this connection is no good.
        if inbox.head.close || !sent {
            self.disconnect(inbox);
        }
    }

    /// After the connection broke: once is forgiven.
    #[inline(never)]
    fn lose(&mut self, inbox: &mut MessageReader) {
        self.disconnect(inbox);
        #[cfg(feature = "platform")]
        if self.endpoint.retry_unreachable && self.retry_ms < RETRY_MS_MAX {
            return self.retry();
        }
        if self.lost {
            diagnostics::fatal(EXIT_API, b"Runtime API: ", b"closed twice");
        }
        self.lost = true;
    }

    /// All went well: what comes is forgiven again.
    fn reset_backoff(&mut self) {
        self.lost = false;
        #[cfg(feature = "platform")]
        {
            self.retry_ms = 0;
        }
    }

    #[inline(never)]
    fn disconnect(&mut self, inbox: &mut MessageReader) {
        self.connection.close();
        inbox.cut();
        self.next_requested = false;
    }
}

/// The header that holds the type of an error, with its colon.
pub const ERROR_TYPE: &[u8] = b"Lambda-Runtime-Function-Error-Type: ";

/// Logs what the server said.
#[inline(never)]
fn log_reply(inbox: &MessageReader) {
    diagnostics::diagnostic(b"Runtime API: ", inbox.head());
    diagnostics::diagnostic(b"Runtime API: ", inbox.body());
}

/// Logs what the server said, and ends the process.
fn exit_refused(inbox: &MessageReader) -> ! {
    log_reply(inbox);
    sys::exit(EXIT_API)
}
