//! The Runtime API's calls, and what its answers mean.
//!
//! Sources: AWS Lambda Developer Guide, "Runtime API"; the server code of AWS's Runtime Interface
//! Emulator, whose state machine says what a lost connection leaves behind.

use crate::buffer::{Buffer, Decimal, Text};
use crate::config::Endpoint;
use crate::connection::{Connection, Inbox, Trouble};
use crate::failure::Failure;
use crate::limits::{ERROR_TYPE_BYTES_MAX, ID_BYTES_MAX};
use crate::log;
use crate::response::Response;
use crate::sys;
use crate::wire::http1;

/// Exit code: the Runtime API is lost, or refused us. All exit codes are explained in the README.
pub const EXIT_API: i32 = 1;
/// Exit code: an init error was reported.
pub const EXIT_INIT: i32 = 3;
/// Exit code: a panic was reported.
pub const EXIT_PANIC: i32 = 101;

/// Our side of the conversation.
pub struct Api {
    connection: Connection,
    /// A response and the request for the next event leave together.
    pipeline: bool,
    /// The next event was asked for on this connection.
    asked: bool,
    /// An answer was sent, and the connection lost before the reply.
    doubtful: bool,
    /// The connection was lost, and nothing went well since.
    lost: bool,
    /// The ids of the event in hand; none yet during init.
    request_id: Text<ID_BYTES_MAX>,
    invocation_id: Text<ID_BYTES_MAX>,
}

impl Api {
    /// Nobody to talk to.
    pub const fn new() -> Api {
        Api {
            connection: Connection::new(),
            pipeline: false,
            asked: false,
            doubtful: false,
            lost: false,
            request_id: Text::new(),
            invocation_id: Text::new(),
        }
    }

    /// Says where the Runtime API is; connects to nothing yet.
    pub fn set(&mut self, (endpoint, pipeline): (Endpoint, bool)) {
        self.pipeline = pipeline;
        self.connection.endpoint = Some(endpoint);
    }

    fn endpoint(&self) -> &Endpoint {
        self.connection
            .endpoint
            .as_ref()
            .unwrap_or_else(|| sys::exit(EXIT_API))
    }

    /// Waits for the next event, however long it takes, and sets `_X_AMZN_TRACE_ID` to its trace
    /// id. `kept` is the answer to the one before.
    #[inline(never)]
    pub fn next(&mut self, inbox: &mut Inbox, kept: &Buffer) {
        loop {
            if !self.asked {
                self.send(self.endpoint().next);
                self.asked = true;
            }
            if let Err(trouble) = inbox.receive(&self.connection, false) {
                self.lose(inbox, trouble);
                continue;
            }
            self.asked = false;
            if inbox.head.close {
                self.hang_up(inbox);
            }
            match inbox.head.status {
                200 => {}
                204 => continue, // an emulator's way to say: not yet
                _ => refused(inbox, true),
            }
            let request_id = inbox.value(http1::REQUEST_ID);
            let invocation_id = inbox.value(http1::INVOCATION_ID);
            if request_id.is_empty() || !fits(request_id) || !fits(invocation_id) {
                log::fatal(EXIT_API, b"Runtime API: bad request id ", request_id);
            }
            let again =
                self.request_id.get() == request_id && self.invocation_id.get() == invocation_id;
            if self.doubtful && again {
                // It never got the answer; the handler has run, and must not run again.
                self.post(inbox, kept);
                continue;
            }
            self.request_id.set(request_id);
            self.invocation_id.set(invocation_id);
            self.doubtful = false;
            self.lost = false;
            return sys::set_trace_id(inbox.value(http1::TRACE_ID));
        }
    }

    /// Answers the event in hand with what the handler made of it, and asks for the next one in the
    /// same breath where that is right.
    #[inline(never)]
    pub fn answer(
        &mut self,
        inbox: &mut Inbox,
        response: &mut Response,
        outcome: Result<(), Failure>,
    ) {
        let error_type = response.finish(outcome).as_bytes();
        let buffer = response.buffer();
        self.address(buffer, error_type);
        if self.pipeline {
            buffer.append(self.endpoint().next);
        }
        self.post(inbox, buffer);
    }

    /// Reports that init failed, or that the handler panicked, and nothing after it.
    pub fn report(&mut self, inbox: &mut Inbox, response: &mut Response, failure: Failure) {
        self.pipeline = false;
        self.answer(inbox, response, Err(failure));
    }

    /// Puts the head of its request before an answer, from its end to its beginning.
    #[inline(never)]
    fn address(&self, buffer: &mut Buffer, error_type: &[u8]) {
        let length = Decimal::new(buffer.body_bytes());
        buffer.prepend(b"\r\nContent-Length: %\r\n", &[length.text()]);
        let mut call: &[u8] = b"/response";
        if !error_type.is_empty() {
            let right = error_type.len() <= ERROR_TYPE_BYTES_MAX
                && error_type.iter().all(u8::is_ascii_graphic);
            let error_type = if right {
                error_type
            } else {
                b"Runtime.Unknown"
            };
            buffer.prepend(b"\r\nLambda-Runtime-Function-Error-Type: %", &[error_type]);
            call = b"/error";
        }
        let invocation_id = self.invocation_id.get();
        if !invocation_id.is_empty() {
            buffer.prepend(b"\r\nLambda-Runtime-Invocation-Id: %", &[invocation_id]);
        }
        let request_id = self.request_id.get();
        let about: &[u8] = if request_id.is_empty() {
            b"init"
        } else {
            b"invocation/"
        };
        let endpoint = self.endpoint();
        let fields = [endpoint.prefix, about, request_id, call, endpoint.authority];
        buffer.prepend(
            b"POST %/2018-06-01/runtime/%%% HTTP/1.1\r\nHost: %",
            &fields,
        );
    }

    /// Sends an answer, and judges the reply before anything that follows it.
    #[inline(never)]
    fn post(&mut self, inbox: &mut Inbox, answer: &Buffer) {
        let sent = self.send(answer.bytes());
        self.asked = self.pipeline;
        if let Err(trouble) = inbox.receive(&self.connection, true) {
            self.doubtful = true;
            return self.lose(inbox, trouble);
        }
        self.doubtful = false;
        self.lost = false;
        // 410 and 413, too late and too large: the caller has its answer, from the server.
        if !matches!(inbox.head.status, 200..=299) {
            refused(inbox, inbox.head.status != 410 && inbox.head.status != 413);
        }
        // An early reply may come while we still send: the rest of this connection is no good.
        if inbox.head.close || !sent {
            self.hang_up(inbox);
        }
    }

    /// Sends, and connects before where need be. False: the connection is lost.
    #[inline(never)]
    fn send(&mut self, bytes: &[u8]) -> bool {
        let Some(sent) = self.connection.send(bytes) else {
            log::fatal(EXIT_API, b"no Runtime API at ", self.endpoint().authority)
        };
        sent
    }

    /// After the connection broke: once is forgiven.
    #[inline(never)]
    fn lose(&mut self, inbox: &mut Inbox, trouble: Trouble) {
        self.hang_up(inbox);
        if matches!(trouble, Trouble::Closed) && !self.lost {
            self.lost = true;
            return;
        }
        log::fatal(EXIT_API, b"Runtime API: ", trouble.text().as_bytes())
    }

    fn hang_up(&mut self, inbox: &mut Inbox) {
        self.connection.close();
        inbox.cut();
        self.asked = false;
    }
}

/// Whether an id can enter a path and a header as it is.
fn fits(id: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'?' | b'#' | b'%');
    id.len() <= ID_BYTES_MAX && id.iter().all(fits)
}

/// Logs what the server said, and ends the process if that is the end.
fn refused(inbox: &Inbox, last: bool) {
    let status = Decimal::new(inbox.head.status.into());
    log::line(b"Runtime API: refused: ", status.text());
    log::line(b"Runtime API: ", inbox.body());
    if last {
        sys::exit(EXIT_API);
    }
}
