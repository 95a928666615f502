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
/// Exit code: the configuration is wrong.
pub const EXIT_CONFIG: i32 = 2;
/// Exit code: an init error was reported.
pub const EXIT_INIT: i32 = 3;
/// Exit code: a panic was reported.
pub const EXIT_PANIC: i32 = 101;

/// The head of an answer, but for its content type.
const ANSWER: &[u8] =
    b"POST %/2018-06-01/runtime/%%% HTTP/1.1\r\nHost: %%%%%\r\nContent-Length: %\r\n";
const INVOCATION_ID: &[u8] = b"\r\nLambda-Runtime-Invocation-Id: ";
const ERROR_TYPE: &[u8] = b"\r\nLambda-Runtime-Function-Error-Type: ";

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
    /// Connects to nothing yet.
    pub const fn new(endpoint: Endpoint, pipeline: bool) -> Api {
        Api {
            connection: Connection::new(endpoint),
            pipeline,
            asked: false,
            doubtful: false,
            lost: false,
            request_id: Text::new(),
            invocation_id: Text::new(),
        }
    }

    /// Waits for the next event, however long it takes, and sets `_X_AMZN_TRACE_ID` to its trace id.
    /// `kept` is the answer to the one before.
    #[inline(never)]
    pub fn next(&mut self, inbox: &mut Inbox, kept: &Buffer) {
        loop {
            if !self.asked {
                self.send(self.connection.endpoint.next);
                self.asked = true;
            }
            if let Err(trouble) = inbox.receive(&self.connection, false) {
                self.lose(inbox, trouble);
                continue;
            }
            self.asked = false;
            if inbox.close {
                self.hang_up(inbox);
            }
            match inbox.status {
                200 => {}
                204 => continue, // an emulator's way to say: not yet
                _ => refused(inbox, true),
            }
            let mut values = [b"".as_slice(); 3];
            http1::values(inbox.head(), &NAMES, &mut values);
            let [request_id, invocation_id, trace_id] = values;
            if request_id.is_empty() || !fits(request_id) || !fits(invocation_id) {
                log::fatal(EXIT_API, [b"Runtime API: bad request id ", request_id, b""]);
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
            return sys::set_trace_id(trace_id);
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
            buffer.append(self.connection.endpoint.next);
        }
        self.post(inbox, buffer);
    }

    /// Reports that init failed, or that the handler panicked, and nothing after it.
    pub fn report(&mut self, inbox: &mut Inbox, response: &mut Response, failure: Failure) {
        self.pipeline = false;
        self.answer(inbox, response, Err(failure));
    }

    /// Puts the head of its request before an answer.
    #[inline(never)]
    fn address(&self, buffer: &mut Buffer, error_type: &[u8]) {
        let right =
            error_type.len() <= ERROR_TYPE_BYTES_MAX && error_type.iter().all(u8::is_ascii_graphic);
        let error_type = if right {
            error_type
        } else {
            b"Runtime.Unknown"
        };
        let with = |value: &[u8], name: &'static [u8]| if value.is_empty() { b"" } else { name };
        let (request_id, invocation_id) = (self.request_id.get(), self.invocation_id.get());
        let length = Decimal::new(buffer.body_bytes());
        let fields = [
            self.connection.endpoint.prefix,
            if request_id.is_empty() {
                b"init"
            } else {
                b"invocation/"
            },
            request_id,
            if error_type.is_empty() {
                b"/response"
            } else {
                b"/error"
            },
            self.connection.endpoint.authority,
            with(invocation_id, INVOCATION_ID),
            invocation_id,
            with(error_type, ERROR_TYPE),
            error_type,
            length.text(),
        ];
        buffer.prepend(ANSWER, &fields);
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
        if !matches!(inbox.status, 200..=299) {
            refused(inbox, inbox.status != 410 && inbox.status != 413);
        }
        // An early reply may come while we still send: the rest of this connection is no good.
        if inbox.close || !sent {
            self.hang_up(inbox);
        }
    }

    /// Sends, and connects before where need be. False: the connection is lost.
    fn send(&mut self, bytes: &[u8]) -> bool {
        self.connection.send(bytes).unwrap_or_else(|number| {
            let (place, number) = (self.connection.endpoint.authority, Decimal::new(number));
            log::fatal(EXIT_API, [b"no Runtime API at ", place, number.text()])
        })
    }

    /// After the connection broke: once is forgiven.
    #[inline(never)]
    fn lose(&mut self, inbox: &mut Inbox, trouble: Trouble) {
        self.hang_up(inbox);
        let text = match trouble {
            Trouble::Closed if !self.lost => {
                self.lost = true;
                return;
            }
            Trouble::Closed => "connection closed twice",
            Trouble::Broken(text) => text,
        };
        log::fatal(EXIT_API, [b"Runtime API: ", text.as_bytes(), b""])
    }

    fn hang_up(&mut self, inbox: &mut Inbox) {
        self.connection.close();
        inbox.cut();
        self.asked = false;
    }
}

/// The headers of an event that the runtime itself needs.
const NAMES: [&[u8]; 3] = [
    b"lambda-runtime-aws-request-id",
    b"lambda-runtime-invocation-id",
    b"lambda-runtime-trace-id",
];

/// Whether an id can enter a path and a header as it is.
fn fits(id: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'?' | b'#' | b'%');
    id.len() <= ID_BYTES_MAX && id.iter().all(fits)
}

/// Logs what the server said, and ends the process if that is the end.
fn refused(inbox: &Inbox, last: bool) {
    let status = Decimal::new(inbox.status.into());
    log::line([b"Runtime API: refused: ", status.text(), b""]);
    log::line([inbox.body().trim_ascii(), b"", b""]);
    if last {
        sys::exit(EXIT_API);
    }
}
