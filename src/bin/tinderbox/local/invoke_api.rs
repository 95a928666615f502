//! The Invoke API: `POST /2015-03-31/functions/{name}/invocations`, as Lambda answers it, and
//! `/2021-11-15/functions/{name}/response-streaming-invocations`, which sends a response as it
//! comes.
//!
//! There is one function, so every name is its name, also an ARN or one with a qualifier.
//! Statuses, headers and error bodies are those of Lambda's API reference ("Invoke"). Without
//! `--raw` an event is JSON, as on Lambda, and an empty body is `{}`.

mod headers;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use serde_json::json;

use super::budget::Budget;
use super::clock;
use super::connections::{Gate, Rules};
use super::dispatch::Job;
use super::http::{Closed, Connection, Framing, Reply, Request, Waits};
use super::invocation::{MESSAGES_MAX, Message, Outcome, PAYLOAD_BYTES_MAX, Submission};
use crate::{event, event_stream, sys};

/// The longest event of an asynchronous invocation: 1 MB since late 2025.
const ASYNC_BYTES_MAX: usize = 1024 * 1024;

/// The most that the events of all callers may take up at once; beyond it, calls are refused.
const EVENTS_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The same for asynchronous invocations, which wait without their callers.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
const QUEUE_COUNT_MAX: usize = 1000;

/// How long a caller has for a head and for a body, may pause within them, and may leave a kept
/// connection unused.
const HEAD_MAX: Duration = Duration::from_secs(30);
const BODY_MAX: Duration = Duration::from_secs(120);
const PAUSE_MAX: Duration = Duration::from_secs(30);
const IDLE_MAX: Duration = Duration::from_secs(600);

/// What a connection gets that has no place: Lambda's words for too many calls at once.
const REFUSAL: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n\
    X-Amzn-ErrorType: TooManyRequestsException\r\nConnection: close\r\nContent-Length: 87\r\n\r\n\
    {\"Reason\":\"ConcurrentInvocationLimitExceeded\",\"Type\":\"User\",\
    \"message\":\"Rate Exceeded.\"}";

/// The rules for connections.
pub fn rules(places: usize) -> Rules {
    Rules {
        places,
        waits: Waits {
            first: Some(HEAD_MAX),
            idle: Some(IDLE_MAX),
            head: Some(HEAD_MAX),
            body: Some(BODY_MAX),
            stall: Some(PAUSE_MAX),
            send: Some(PAUSE_MAX),
        },
        served_may_leave: true,
        refusal: REFUSAL,
    }
}

/// Where submissions go, and what is let through.
#[derive(Clone)]
pub struct Front {
    jobs: Sender<Job>,
    raw: bool,
    events: Arc<Budget>,
    queue: Arc<Budget>,
}

impl Front {
    /// A front with nothing in it.
    pub fn new(jobs: Sender<Job>, raw: bool) -> Front {
        let space = sys::address_space_max();
        Front {
            jobs,
            raw,
            events: Budget::new(EVENTS_BYTES_MAX.min(space / 4), usize::MAX),
            queue: Budget::new(QUEUE_BYTES_MAX.min(space / 8), QUEUE_COUNT_MAX),
        }
    }
}

/// Serves connections for ever.
pub fn serve(listener: &TcpListener, gate: &Arc<Gate>, front: &Front) -> ! {
    gate.serve(listener, &[], || {
        let front = front.clone();
        move |connection| serve_connection(connection, &front)
    })
}

fn serve_connection(mut connection: Connection, front: &Front) {
    while let Ok(request) = connection.request() {
        if answer(&mut connection, &request, front).is_err() {
            return;
        }
    }
}

/// A call that is not served: status, AWS's name of the error, and a text.
struct Fault(u16, &'static str, String);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    RequestResponse,
    Stream,
    Event,
    DryRun,
}

fn answer(connection: &mut Connection, request: &Request, front: &Front) -> Result<(), Closed> {
    let kind = match kind_of_call(request) {
        Ok(kind) => kind,
        Err(fault) => return refuse(connection, request, &fault),
    };
    let limit = match kind {
        Kind::Event => ASYNC_BYTES_MAX,
        Kind::RequestResponse | Kind::Stream | Kind::DryRun => PAYLOAD_BYTES_MAX,
    };
    let Some(mut share) = front.events.share(request.body_bytes_max(limit)) else {
        return refuse(connection, request, &too_many());
    };
    let body = connection.body(request, limit)?;
    share.shrink_to(body.bytes.len());
    let submission = if body.length > limit as u64 {
        Err(too_large(body.length, kind, limit))
    } else {
        submission(request, body.bytes, front.raw)
    };
    let mut submission = match submission {
        Ok(submission) => submission,
        Err(fault) => return refuse(connection, request, &fault),
    };
    let (reply, messages) = mpsc::sync_channel(MESSAGES_MAX);
    submission.stream = (kind == Kind::Stream).then(|| reply.clone());
    let submission = Arc::new(submission);
    if kind == Kind::DryRun {
        return connection.reply(request, &empty(204, Framing::Absent, &submission));
    }
    let mut shares = vec![share];
    if kind == Kind::Event {
        match front.queue.share(submission.event.len()) {
            Some(share) => shares.push(share),
            None => return refuse(connection, request, &too_many()),
        }
    }
    let job = Job {
        submission: submission.clone(),
        reply,
        _shares: shares,
    };
    // The dispatcher lives as long as the process.
    front.jobs.send(job).map_err(|_| Closed)?;
    if kind == Kind::Event {
        return connection.reply(request, &empty(202, Framing::Sized, &submission));
    }
    if kind == Kind::Stream {
        return stream(connection, &messages, &submission);
    }
    let Ok(Message::Outcome(outcome)) = messages.recv() else {
        return Err(Closed);
    };
    connection.reply(request, &outcome_reply(&outcome, &submission))
}

/// Sends a response as it comes, in frames; the last one says how it came out.
fn stream(
    connection: &mut Connection,
    messages: &Receiver<Message>,
    submission: &Submission,
) -> Result<(), Closed> {
    let mut head = Reply::new(200, event_stream::CONTENT_TYPE, b"");
    head.headers.extend(about(submission));
    connection.begin_chunks(&head)?;
    loop {
        match messages.recv().map_err(|_| Closed)? {
            Message::Piece(bytes) => {
                connection.chunk(&event_stream::frame("PayloadChunk", &bytes))?;
            }
            Message::Outcome(outcome) => {
                let end = match &outcome.error_type {
                    Some(error_type) => {
                        let details = String::from_utf8_lossy(&outcome.body);
                        json!({ "ErrorCode": error_type, "ErrorDetails": details })
                    }
                    None => json!({}),
                };
                let end = event_stream::frame("InvokeComplete", end.to_string().as_bytes());
                connection.chunk(&end)?;
                return connection.end_chunks();
            }
        }
    }
}

fn kind_of_call(request: &Request) -> Result<Kind, Fault> {
    let parts: Vec<&str> = request.path.split('/').collect();
    let (name, streams) = match parts.as_slice() {
        ["", "2015-03-31", "functions", name, "invocations"] => (name, false),
        [
            "",
            "2021-11-15",
            "functions",
            name,
            "response-streaming-invocations",
        ] => (name, true),
        _ => {
            let text = "use POST /2015-03-31/functions/NAME/invocations".to_string();
            return Err(Fault(404, "UnknownOperationException", text));
        }
    };
    if name.is_empty() || request.method != "POST" {
        let text = "use POST /2015-03-31/functions/NAME/invocations".to_string();
        return Err(Fault(405, "MethodNotAllowedException", text));
    }
    match request.header("X-Amz-Invocation-Type") {
        None | Some("RequestResponse") if streams => Ok(Kind::Stream),
        None | Some("RequestResponse") => Ok(Kind::RequestResponse),
        Some("Event") if streams => Err(Fault(
            400,
            "InvalidParameterValueException",
            "a stream has no X-Amz-Invocation-Type 'Event'".to_string(),
        )),
        Some("Event") => Ok(Kind::Event),
        Some("DryRun") => Ok(Kind::DryRun),
        Some(other) => Err(Fault(
            400,
            "InvalidParameterValueException",
            format!("X-Amz-Invocation-Type '{other}' is none of RequestResponse, Event, DryRun"),
        )),
    }
}

fn submission(request: &Request, mut event: Vec<u8>, raw: bool) -> Result<Submission, Fault> {
    let content_error = |text| Fault(400, "InvalidRequestContentException", text);
    if event.is_empty() && !raw {
        event = b"{}".to_vec();
    }
    if !raw {
        event::check(&event).map_err(|fault| {
            content_error(format!("Could not parse request body into json: {fault}"))
        })?;
    }
    let mut submission = Submission::new(event);
    headers::take(request, raw, &mut submission)?;
    Ok(submission)
}

fn too_large(length: u64, kind: Kind, limit: usize) -> Fault {
    let kind = match kind {
        Kind::Event => "Event",
        Kind::RequestResponse | Kind::Stream | Kind::DryRun => "RequestResponse",
    };
    Fault(
        413,
        "RequestTooLargeException",
        format!(
            "{length} byte payload is too large for the {kind} invocation type (limit {limit} \
             bytes)"
        ),
    )
}

/// What Lambda says when more is called at once than an account may.
fn too_many() -> Fault {
    Fault(
        429,
        "TooManyRequestsException",
        "Rate Exceeded.".to_string(),
    )
}

fn empty(status: u16, framing: Framing, submission: &Submission) -> Reply<'static> {
    Reply {
        status,
        headers: vec![("X-Amzn-RequestId", submission.request_id.clone())],
        body: b"",
        framing,
    }
}

fn outcome_reply<'a>(outcome: &'a Outcome, submission: &Submission) -> Reply<'a> {
    let mut reply = Reply::new(200, &outcome.content_type, &outcome.body);
    if outcome.error_type.is_some() {
        reply
            .headers
            .push(("X-Amz-Function-Error", "Unhandled".to_string()));
    }
    reply.headers.extend(about(submission));
    reply
}

/// The headers that every answer has.
fn about(submission: &Submission) -> [(&'static str, String); 3] {
    [
        ("X-Amzn-RequestId", submission.request_id.clone()),
        ("X-Amz-Executed-Version", "$LATEST".to_string()),
        ("X-Amzn-Trace-Id", submission.trace_id.clone()),
    ]
}

fn refuse(connection: &mut Connection, request: &Request, fault: &Fault) -> Result<(), Closed> {
    let Fault(status, name, text) = fault;
    let body = match status {
        413 => json!({ "Type": "User", "message": text }),
        429 => {
            let reason = "ConcurrentInvocationLimitExceeded";
            json!({ "Reason": reason, "Type": "User", "message": text })
        }
        _ => json!({ "Type": "User", "Message": text }),
    };
    let body = body.to_string();
    let mut reply = Reply::new(*status, "application/json", body.as_bytes());
    reply.headers.push(("X-Amzn-RequestId", clock::uuid()));
    reply.headers.push(("X-Amzn-ErrorType", name.to_string()));
    connection.reply(request, &reply)
}
