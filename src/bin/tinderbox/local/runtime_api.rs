//! The Runtime API, version 2018-06-01, as AWS's classic server answers it.
//!
//! Each connection has a thread, which serves one request after another; pipelined requests wait in
//! the read buffer, so a runtime may send its answer and the next `GET` at once.

mod extension;
mod posted;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::connections;
use super::dispatch;
use super::environment::{Environment, Next, Refusal};
use super::http::{Body, Connection, ConnectionClosed, Framing, Reply, Request, Timeouts};
use super::invocation::{Invocation, Message};
use super::log_lines;
use super::outcome::Outcome;
use super::permits::{Evictable, Permits, Rules};
use crate::limits::PAYLOAD_BYTES_MAX;

const BASE: &str = "/2018-06-01";
const EXTENSION_BASE: &str = "/2020-01-01/extension";

/// How long a client may take for a head after its first byte.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the bootstrap may take to send and to read, in addition to the function's timeout.
const TRANSFER_GRACE: Duration = Duration::from_secs(60);

/// The reply to a connection without a permit.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
    Connection: close\r\nContent-Length: 86\r\n\r\n\
    {\"errorMessage\":\"Too many connections, or no threads\",\
    \"errorType\":\"ServiceException\"}\n";

/// An idle connection that has sent a request keeps its permit: it is the bootstrap's, which
/// requests no event while it handles one.
pub fn permit_rules(capacity: usize) -> Rules {
    Rules {
        capacity,
        evictable: Evictable::NeverServed,
        refusal: REFUSAL,
    }
}

/// Serves connections forever. `others` give up threads if the system has no more.
pub fn serve(
    listener: &TcpListener,
    permits: &Arc<Permits>,
    others: &[Arc<Permits>],
    timeout: Duration,
    environment: &Arc<Environment>,
) -> ! {
    let transfer = Some(timeout.saturating_add(TRANSFER_GRACE));
    let timeouts = Timeouts {
        first: None,
        idle: None,
        head: Some(HEAD_TIMEOUT),
        body: transfer,
        stall: transfer,
        send: transfer,
    };
    connections::serve(listener, permits, others, timeouts, || {
        let counted = CountedConnection::new(environment);
        move |connection| serve_connection(connection, &counted.0)
    })
}

/// The environment, which counts the connection until this is dropped.
struct CountedConnection(Arc<Environment>);

impl CountedConnection {
    fn new(environment: &Arc<Environment>) -> CountedConnection {
        environment.connection_opened();
        CountedConnection(environment.clone())
    }
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}

fn serve_connection(mut connection: Connection, environment: &Environment) {
    while let Ok(request) = connection.read_request() {
        let mut call = Call {
            connection: &mut connection,
            request: &request,
            environment,
        };
        if call.route().is_err() {
            return;
        }
    }
}

/// One call. Each method replies to it; `Err` if the reply was the connection's last.
struct Call<'a> {
    connection: &'a mut Connection,
    request: &'a Request,
    environment: &'a Environment,
}

impl Call<'_> {
    fn route(&mut self) -> Result<(), ConnectionClosed> {
        let request = self.request;
        if let Some(path) = request.path.strip_prefix(EXTENSION_BASE) {
            return self.extension(path);
        }
        let snapstart = self.environment.settings().snapstart;
        let path = request.path.strip_prefix(BASE).unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        match (parts.as_slice(), request.method.as_str()) {
            (["", "ping"], "GET") => self.reply_text(200, "pong"),
            (["", "runtime", "invocation", "next"], "GET") => self.next(),
            (["", "runtime", "invocation", id, "response"], "POST") => self.response(id),
            (["", "runtime", "invocation", id, "error"], "POST") => self.error(id),
            (["", "runtime", "init", "error"], "POST") => {
                self.init_error(self.environment.begin_init_error())
            }
            (["", "runtime", "restore", "next"], "GET") if snapstart => self.restore(),
            (["", "runtime", "restore", "error"], "POST") if snapstart => {
                self.init_error(self.environment.begin_restore_error())
            }
            (
                ["", "ping"]
                | ["", "runtime", "invocation", "next"]
                | ["", "runtime", "invocation", _, "response" | "error"]
                | ["", "runtime", "init", "error"],
                _,
            ) => self.reply_text(405, ""),
            _ => self.reply_text(404, "404 page not found\n"),
        }
    }

    fn next(&mut self) -> Result<(), ConnectionClosed> {
        let connection = &*self.connection;
        match self.environment.next(|| connection.is_open()) {
            Next::Event(invocation) => {
                let reply = event_reply(&invocation, &self.environment.settings().arn());
                self.connection.reply(self.request, &reply)
            }
            Next::Refused(refusal) => self.refuse(refusal),
        }
    }

    fn response(&mut self, id: &str) -> Result<(), ConnectionClosed> {
        let caller = |invocation: &Invocation| invocation.request.stream.clone();
        self.answer(id, caller, posted::response)
    }

    fn error(&mut self, id: &str) -> Result<(), ConnectionClosed> {
        self.answer(id, |_| None, posted::error)
    }

    /// Receives an answer; `caller` is where its parts go, if it is streamed.
    fn answer(
        &mut self,
        id: &str,
        caller: impl FnOnce(&Invocation) -> Option<std::sync::mpsc::SyncSender<Message>>,
        outcome: fn(&Request, Body) -> Outcome,
    ) -> Result<(), ConnectionClosed> {
        let attempt_id = self.request.header("Lambda-Runtime-Invocation-Id");
        let answer = match self.environment.begin_answer(id, attempt_id) {
            Ok(answer) => answer,
            Err(refusal) => return self.refuse(refusal),
        };
        // The event then stays in this phase until its timeout, as in AWS's emulator.
        if let Some(mode) = self.request.header("Lambda-Runtime-Function-Response-Mode")
            && mode != "streaming"
        {
            return self.reply_error(400, "InvalidFunctionResponseMode", mode);
        }
        let mut is_sent = true;
        let body = match caller(&answer.invocation) {
            // The caller may be gone; the response is read to its end nevertheless.
            Some(caller) => {
                let timeout = self.environment.settings().timeout;
                self.connection
                    .read_body_in_parts(self.request, &mut |part| {
                        let chunk = Message::Chunk(part.to_vec());
                        is_sent = is_sent && dispatch::send(&caller, chunk, timeout);
                    })
            }
            None => self.connection.read_body(self.request, PAYLOAD_BYTES_MAX),
        };
        let Ok(body) = body else {
            self.environment.abort_answer(&answer);
            return Err(ConnectionClosed);
        };
        let is_too_large = body.length > PAYLOAD_BYTES_MAX as u64;
        let outcome = match is_too_large {
            true => Outcome::too_large(),
            false if !is_sent => Outcome::truncated(id), // the caller missed a chunk
            false => outcome(self.request, body),
        };
        match self.environment.finish_answer(&answer, outcome) {
            Err(refusal) => self.refuse(refusal),
            Ok(()) if is_too_large => self.reply_error(
                413,
                "RequestEntityTooLarge",
                &format!("Exceeded maximum allowed payload size ({PAYLOAD_BYTES_MAX} bytes)."),
            ),
            Ok(()) => self.reply_accepted(),
        }
    }

    fn init_error(&mut self, begun: Result<u64, Refusal>) -> Result<(), ConnectionClosed> {
        let generation = match begun {
            Ok(generation) => generation,
            Err(refusal) => return self.refuse(refusal),
        };
        let body = self.connection.read_body(self.request, PAYLOAD_BYTES_MAX)?;
        let outcome = posted::error(self.request, body);
        self.environment.finish_init_error(generation, outcome);
        self.reply_accepted()
    }

    /// Connections do not survive a snapshot, so this one is closed after the reply.
    fn restore(&mut self) -> Result<(), ConnectionClosed> {
        match self.environment.restore() {
            Ok(init) => {
                log_lines::restored(init);
                self.reply_text(200, "").and(Err(ConnectionClosed))
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> Result<(), ConnectionClosed> {
        match refusal {
            Refusal::UnknownId => self.reply_error(400, "InvalidRequestID", "Invalid request ID"),
            Refusal::Phase(text) => self.reply_error(403, "InvalidStateTransition", &text),
            Refusal::TimedOut => {
                let text = "The invocation timed out before this answer";
                self.reply_error(410, "InvokeTimeout", text)
            }
            Refusal::Gone => Err(ConnectionClosed),
        }
    }

    fn reply_accepted(&mut self) -> Result<(), ConnectionClosed> {
        let reply = Reply::new(202, "application/json", "{\"status\":\"OK\"}\n");
        self.connection.reply(self.request, &reply)
    }

    fn reply_error(
        &mut self,
        status: u16,
        error_type: &str,
        text: &str,
    ) -> Result<(), ConnectionClosed> {
        let body = json!({ "errorMessage": text, "errorType": error_type });
        let body = format!("{body}\n");
        let reply = Reply::new(status, "application/json", body);
        self.connection.reply(self.request, &reply)
    }

    fn reply_text(&mut self, status: u16, text: &str) -> Result<(), ConnectionClosed> {
        self.connection
            .reply(self.request, &Reply::text(status, text))
    }
}

/// The headers in the order in which net/http sorts them; absent ones are left out.
fn event_reply(invocation: &Invocation, arn: &str) -> Reply {
    let request = &invocation.request;
    let deadline_ms = invocation.deadline_ms.to_string();
    let attempt_id = invocation.attempt_id.clone();
    let all = [
        ("Content-Type", Some(request.content_type.clone())),
        ("Lambda-Runtime-Aws-Request-Id", Some(request.id.clone())),
        ("Lambda-Runtime-Aws-Tenant-Id", request.tenant_id.clone()),
        (
            "Lambda-Runtime-Client-Context",
            request.client_context.clone(),
        ),
        ("Lambda-Runtime-Deadline-Ms", Some(deadline_ms)),
        ("Lambda-Runtime-Invocation-Id", Some(attempt_id)),
        ("Lambda-Runtime-Invoked-Function-Arn", Some(arn.to_string())),
        ("Lambda-Runtime-Trace-Id", Some(request.trace_id.clone())),
    ];
    Reply {
        status: 200,
        headers: all
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
        body: request.event.clone(),
        framing: Framing::UnknownLength,
    }
}
