//! The Runtime API, version 2018-06-01, as AWS's classic server answers it.
//!
//! A connection is served by a thread of its own, one request after another; requests that come
//! early wait in its buffer, so a runtime may send its answer and the next `GET` at once.

mod extension;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::connections::{Gate, Rules};
use super::dispatch;
use super::environment::{Environment, Next, Refusal};
use super::http::{Body, Closed, Connection, Framing, Reply, Request, Waits};
use super::invocation::{Invocation, Message, Outcome, PAYLOAD_BYTES_MAX};
use super::report;
use crate::base64;

const BASE: &str = "/2018-06-01";
const EXTENSION_BASE: &str = "/2020-01-01/extension";
const ERROR_TYPE: &str = "Lambda-Runtime-Function-Error-Type";
const ERROR_BODY: &str = "Lambda-Runtime-Function-Error-Body";
const ERROR_CAUSE_JSON: &str = "application/vnd.aws.lambda.error.cause+json";

/// How long a client has for a head, once that has begun.
const HEAD_MAX: Duration = Duration::from_secs(30);

/// What the bootstrap may take over the function's time, to send and to read, before it counts as
/// gone.
const OVER_TIME: Duration = Duration::from_secs(60);

/// What a connection gets that has no place.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
    Connection: close\r\nContent-Length: 86\r\n\r\n\
    {\"errorMessage\":\"Too many connections, or no threads\",\
    \"errorType\":\"ServiceException\"}\n";

/// The rules for connections. One that has been served may wait for as long as it likes: it is the
/// bootstrap's, which asks for no event while it handles one.
pub fn rules(places: usize, timeout: Duration) -> Rules {
    let at_most = Some(timeout.saturating_add(OVER_TIME));
    Rules {
        places,
        waits: Waits {
            first: None,
            idle: None,
            head: Some(HEAD_MAX),
            body: at_most,
            stall: at_most,
            send: at_most,
        },
        served_may_leave: false,
        refusal: REFUSAL,
    }
}

/// Serves connections for ever. `others` give back threads when there are none.
pub fn serve(
    listener: &TcpListener,
    gate: &Arc<Gate>,
    others: &[Arc<Gate>],
    environment: &Arc<Environment>,
) -> ! {
    gate.serve(listener, others, || {
        let opened = Opened::new(environment);
        move |connection| serve_connection(connection, &opened.0)
    })
}

/// The environment, which knows of the connection until this is dropped.
struct Opened(Arc<Environment>);

impl Opened {
    fn new(environment: &Arc<Environment>) -> Opened {
        environment.connection_opens();
        Opened(environment.clone())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.connection_closes();
    }
}

fn serve_connection(mut connection: Connection, environment: &Environment) {
    while let Ok(request) = connection.request() {
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

/// One call. Every method answers it; `Err` when that was the connection's last.
struct Call<'a> {
    connection: &'a mut Connection,
    request: &'a Request,
    environment: &'a Environment,
}

impl Call<'_> {
    fn route(&mut self) -> Result<(), Closed> {
        let request = self.request;
        if let Some(path) = request.path.strip_prefix(EXTENSION_BASE) {
            return self.extension(path);
        }
        let snapstart = self.environment.settings().snapstart;
        let path = request.path.strip_prefix(BASE).unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        match (parts.as_slice(), request.method.as_str()) {
            (["", "ping"], "GET") => self.text(200, "pong"),
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
            ) => self.text(405, ""),
            _ => self.text(404, "404 page not found\n"),
        }
    }

    fn next(&mut self) -> Result<(), Closed> {
        let connection = &*self.connection;
        match self.environment.next(|| connection.is_open()) {
            Next::Event(invocation) => {
                let reply = event_reply(&invocation, &self.environment.settings().arn());
                self.connection.reply(self.request, &reply)
            }
            Next::Refused(refusal) => self.refuse(refusal),
        }
    }

    fn response(&mut self, id: &str) -> Result<(), Closed> {
        self.answer(id, true, response_outcome)
    }

    fn error(&mut self, id: &str) -> Result<(), Closed> {
        self.answer(id, false, |request, body| {
            error_outcome(request, body.bytes)
        })
    }

    fn answer(
        &mut self,
        id: &str,
        may_stream: bool,
        outcome: fn(&Request, Body) -> Outcome,
    ) -> Result<(), Closed> {
        let attempt_id = self.request.header("Lambda-Runtime-Invocation-Id");
        let answer = match self.environment.begin_answer(id, attempt_id) {
            Ok(answer) => answer,
            Err(refusal) => return self.refuse(refusal),
        };
        // The answer stays begun for ever then: AWS's emulator, too, is stuck until the time is up.
        if let Some(mode) = self.request.header("Lambda-Runtime-Function-Response-Mode")
            && mode != "streaming"
        {
            return self.json(400, "InvalidFunctionResponseMode", mode);
        }
        let stream = answer.invocation.submission.stream.clone();
        let mut is_sent = true;
        let body = match stream.filter(|_| may_stream) {
            // Who wanted it may be gone; the function is heard to its end all the same.
            Some(caller) => {
                let at_most = self.environment.settings().timeout;
                self.connection.pieces(self.request, &mut |piece| {
                    let piece = Message::Piece(piece.to_vec());
                    is_sent = is_sent && dispatch::send(&caller, piece, at_most);
                })
            }
            None => self.connection.body(self.request, PAYLOAD_BYTES_MAX),
        };
        let Ok(body) = body else {
            self.environment.cut_answer(&answer);
            return Err(Closed);
        };
        let is_too_large = body.length > PAYLOAD_BYTES_MAX as u64;
        let outcome = match is_too_large {
            true => Outcome::too_large(body.length),
            false if !is_sent => Outcome::truncated(id), // a piece is missing: no whole response
            false => outcome(self.request, body),
        };
        match self.environment.finish_answer(&answer, outcome) {
            Err(refusal) => self.refuse(refusal),
            Ok(()) if is_too_large => self.json(
                413,
                "RequestEntityTooLarge",
                &format!("Exceeded maximum allowed payload size ({PAYLOAD_BYTES_MAX} bytes)."),
            ),
            Ok(()) => self.accepted(),
        }
    }

    fn init_error(&mut self, begun: Result<u64, Refusal>) -> Result<(), Closed> {
        let generation = match begun {
            Ok(generation) => generation,
            Err(refusal) => return self.refuse(refusal),
        };
        let body = self.connection.body(self.request, PAYLOAD_BYTES_MAX)?;
        let outcome = error_outcome(self.request, body.bytes);
        self.environment.finish_init_error(generation, outcome);
        self.accepted()
    }

    /// What was connected before a snapshot is connected to nothing after it: so is this.
    fn restore(&mut self) -> Result<(), Closed> {
        match self.environment.restore() {
            Ok(init) => {
                report::restored(init);
                self.text(200, "").and(Err(Closed))
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> Result<(), Closed> {
        match refusal {
            Refusal::UnknownId => self.json(400, "InvalidRequestID", "Invalid request ID"),
            Refusal::Phase(text) => self.json(403, "InvalidStateTransition", &text),
            Refusal::TooLate => self.json(410, "InvokeTimeout", "The event's time was up"),
            Refusal::Gone => Err(Closed),
        }
    }

    fn accepted(&mut self) -> Result<(), Closed> {
        let reply = Reply::new(202, "application/json", b"{\"status\":\"OK\"}\n");
        self.connection.reply(self.request, &reply)
    }

    fn json(&mut self, status: u16, error_type: &str, text: &str) -> Result<(), Closed> {
        let body = json!({ "errorMessage": text, "errorType": error_type });
        let body = format!("{body}\n");
        let reply = Reply::new(status, "application/json", body.as_bytes());
        self.connection.reply(self.request, &reply)
    }

    fn text(&mut self, status: u16, text: &str) -> Result<(), Closed> {
        self.connection
            .reply(self.request, &Reply::text(status, text))
    }
}

/// The headers in the order in which net/http sorts them; absent ones are left out.
fn event_reply<'a>(invocation: &'a Invocation, arn: &str) -> Reply<'a> {
    let submission = &invocation.submission;
    let all = [
        ("Content-Type", Some(submission.content_type.clone())),
        (
            "Lambda-Runtime-Aws-Request-Id",
            Some(submission.request_id.clone()),
        ),
        ("Lambda-Runtime-Aws-Tenant-Id", submission.tenant_id.clone()),
        (
            "Lambda-Runtime-Client-Context",
            submission.client_context.clone(),
        ),
        (
            "Lambda-Runtime-Deadline-Ms",
            Some(invocation.deadline_ms.to_string()),
        ),
        (
            "Lambda-Runtime-Invocation-Id",
            Some(invocation.attempt_id.clone()),
        ),
        ("Lambda-Runtime-Invoked-Function-Arn", Some(arn.to_string())),
        ("Lambda-Runtime-Trace-Id", Some(submission.trace_id.clone())),
    ];
    Reply {
        status: 200,
        headers: all
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
        body: &submission.event,
        framing: Framing::Unsized,
    }
}

/// What is behind a response that failed midway is its error: the caller of a stream has seen the
/// response's beginning, another one has nothing of it.
fn response_outcome(request: &Request, body: Body) -> Outcome {
    if let Some(error_type) = body.trailer(ERROR_TYPE) {
        let encoded = body.trailer(ERROR_BODY).unwrap_or_default();
        let error = base64::decode(encoded.as_bytes()).unwrap_or_default();
        return posted_error(error, "application/json", classify(error_type));
    }
    let content_type = request.header("Content-Type").unwrap_or("application/json");
    Outcome::response(body.bytes, content_type)
}

fn error_outcome(request: &Request, body: Vec<u8>) -> Outcome {
    let error_type = classify(request.header(ERROR_TYPE).unwrap_or_default());
    let content_type = request.header("Content-Type").unwrap_or("application/json");
    if content_type.eq_ignore_ascii_case(ERROR_CAUSE_JSON) {
        let body = without_cause(&body);
        return Outcome::posted_error(body, "application/json", error_type);
    }
    posted_error(body, content_type, error_type)
}

fn posted_error(body: Vec<u8>, content_type: &str, error_type: String) -> Outcome {
    if body.is_empty() {
        // The header is then all that is known (OpenAPI of the Runtime API).
        let body = json!({ "errorType": error_type, "errorMessage": "" });
        return Outcome::posted_error(body.to_string().into(), "application/json", error_type);
    }
    Outcome::posted_error(body, content_type, error_type)
}

/// AWS keeps what contains `Runtime.` or `Function.`, a capital and another letter.
fn classify(error_type: &str) -> String {
    let is_known = ["Runtime.", "Function."].iter().any(|category| {
        error_type.match_indices(category).any(|(at, _)| {
            let reason = &error_type.as_bytes()[at + category.len()..];
            reason.first().is_some_and(u8::is_ascii_uppercase)
                && reason.get(1).is_some_and(u8::is_ascii_alphabetic)
        })
    });
    match is_known {
        true => error_type.to_string(),
        false if error_type.starts_with("Function.") => "Function.Unknown".to_string(),
        false => "Runtime.Unknown".to_string(),
    }
}

/// The cause goes to X-Ray; the caller gets the three usual fields.
fn without_cause(body: &[u8]) -> Vec<u8> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
        return b"\"Invalid error body\"".to_vec();
    };
    fields.retain(|name, _| ["errorMessage", "errorType", "stackTrace"].contains(&name.as_str()));
    Value::Object(fields).to_string().into_bytes()
}
