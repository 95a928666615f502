//! The Invoke API: `POST /2015-03-31/functions/{name}/invocations`, as Lambda answers it, and
//! `/2021-11-15/functions/{name}/response-streaming-invocations`, which streams the response.
//!
//! There is one function, which answers to any name, ARN or qualified name. Statuses, headers and
//! error bodies are those of Lambda's API reference ("Invoke"). Without `--binary` an event is
//! JSON, as on Lambda, and an empty body is `{}`.

mod error;
mod headers;

use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::EventFormat;
use super::budget::Budget;
use super::connections;
use super::dispatch::Job;
use super::functions_api::{self, Functions, ManageCall};
use super::http::{Connection, ConnectionClosed, Reply, Request, Timeouts};
use super::invocation::{InvokeRequest, MESSAGES_MAX, Message};
use super::outcome::Outcome;
use super::permits::{Evictable, Permits, Rules};
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::output::diagnostic;
use crate::{event, event_stream, sys};
pub use error::ApiError;

/// The longest event of an asynchronous invocation: 1 MB since late 2025.
const ASYNC_BYTES_MAX: usize = 1024 * 1024;

/// The most bytes that the events of all callers may use at once; calls above it are refused.
const EVENTS_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The same for queued asynchronous invocations.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
const QUEUE_COUNT_MAX: usize = 1000;

/// How long a caller may take for a head and for a body, may pause within them, and may leave a
/// connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
const BODY_TIMEOUT: Duration = Duration::from_secs(120);
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

const TIMEOUTS: Timeouts = Timeouts {
    first: Some(HEAD_TIMEOUT),
    idle: Some(IDLE_TIMEOUT),
    head: Some(HEAD_TIMEOUT),
    body: Some(BODY_TIMEOUT),
    stall: Some(STALL_TIMEOUT),
    send: Some(STALL_TIMEOUT),
};

/// The reply to a connection without a permit: Lambda's answer to too many calls at once.
const REFUSAL: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n\
    X-Amzn-ErrorType: TooManyRequestsException\r\nConnection: close\r\nContent-Length: 87\r\n\r\n\
    {\"Reason\":\"ConcurrentInvocationLimitExceeded\",\"Type\":\"User\",\
    \"message\":\"Rate Exceeded.\"}";

/// Every idle connection of a caller may be evicted.
pub fn permit_rules(capacity: usize) -> Rules {
    Rules {
        capacity,
        evictable: Evictable::Idle,
        refusal: REFUSAL,
    }
}

/// Where invoke requests go, and which are accepted.
#[derive(Clone)]
pub struct InvokeServer {
    jobs: Sender<Job>,
    event_format: EventFormat,
    events: Arc<Budget>,
    queue: Arc<Budget>,
    functions: Arc<Mutex<Functions>>,
}

impl InvokeServer {
    /// A server with unused budgets.
    pub fn new(
        jobs: Sender<Job>,
        event_format: EventFormat,
        functions: Arc<Mutex<Functions>>,
    ) -> InvokeServer {
        let space = sys::address_space_max();
        InvokeServer {
            jobs,
            event_format,
            events: Budget::new(EVENTS_BYTES_MAX.min(space / 4), usize::MAX),
            queue: Budget::new(QUEUE_BYTES_MAX.min(space / 8), QUEUE_COUNT_MAX),
            functions,
        }
    }
}

/// Serves connections forever.
pub fn serve(listener: &TcpListener, permits: &Arc<Permits>, server: &InvokeServer) -> ! {
    connections::serve(listener, permits, &[], TIMEOUTS, || {
        let server = server.clone();
        move |connection| serve_connection(connection, &server)
    })
}

fn serve_connection(mut connection: Connection, server: &InvokeServer) {
    while let Ok(request) = connection.read_request() {
        if handle(&mut connection, &request, server).is_err() {
            return;
        }
    }
}

/// The invocation types of Lambda's API, and a streamed response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InvocationType {
    RequestResponse,
    ResponseStream,
    Event,
    DryRun,
}

impl InvocationType {
    fn event_bytes_max(self) -> usize {
        match self {
            InvocationType::Event => ASYNC_BYTES_MAX,
            _ => PAYLOAD_BYTES_MAX,
        }
    }
}

fn handle(
    connection: &mut Connection,
    request: &Request,
    server: &InvokeServer,
) -> Result<(), ConnectionClosed> {
    if let Some(call) = ManageCall::route(&request.method, &request.path, &request.query) {
        return manage(connection, request, &call, server);
    }
    if let Some(error) = functions_api::refusal(&request.method, &request.path) {
        return connection.reply(request, &error.reply());
    }
    let invocation_type = match invocation_type(request) {
        Ok(invocation_type) => invocation_type,
        Err(error) => return connection.reply(request, &error.reply()),
    };
    let limit = invocation_type.event_bytes_max();
    let reserved = server.events.reserve(request.stored_body_bytes_max(limit));
    let Some(mut share) = reserved else {
        return connection.reply(request, &ApiError::too_many_requests().reply());
    };
    let body = connection.read_body(request, limit)?;
    share.shrink_to(body.bytes.len());
    let invoke = match body.length > limit as u64 {
        true => Err(event_too_large(body.length, invocation_type)),
        false => invoke_request(request, body.bytes, server.event_format),
    };
    let mut invoke = match invoke {
        Ok(invoke) => invoke,
        Err(error) => return connection.reply(request, &error.reply()),
    };
    let (reply, messages) = mpsc::sync_channel(MESSAGES_MAX);
    let is_stream = invocation_type == InvocationType::ResponseStream;
    invoke.stream = is_stream.then(|| reply.clone());
    let invoke = Arc::new(invoke);
    if invocation_type == InvocationType::DryRun {
        return connection.reply(request, &empty_reply(204, &invoke));
    }
    let mut shares = vec![share];
    if invocation_type == InvocationType::Event {
        match server.queue.reserve(invoke.event.len()) {
            Some(share) => shares.push(share),
            None => return connection.reply(request, &ApiError::too_many_requests().reply()),
        }
    }
    let job = Job {
        request: invoke.clone(),
        reply,
        _shares: shares,
    };
    // The dispatcher lives as long as the process.
    server.jobs.send(job).map_err(|_| ConnectionClosed)?;
    match invocation_type {
        InvocationType::Event => connection.reply(request, &empty_reply(202, &invoke)),
        InvocationType::ResponseStream => stream_response(connection, &messages, &invoke),
        InvocationType::RequestResponse | InvocationType::DryRun => {
            let Ok(Message::Outcome(outcome)) = messages.recv() else {
                return Err(ConnectionClosed);
            };
            connection.reply(request, &outcome_reply(outcome, &invoke))
        }
    }
}

/// The engine has to act on the change that `manage` returns: start, replace or stop environments.
fn manage(
    connection: &mut Connection,
    request: &Request,
    call: &ManageCall,
    server: &InvokeServer,
) -> Result<(), ConnectionClosed> {
    let limit = Functions::body_bytes_max(call);
    let body = connection.read_body(request, limit)?;
    if body.length > limit as u64 {
        return connection.reply(request, &Functions::body_too_large(call));
    }
    let functions = server.functions.lock();
    let mut functions = functions.unwrap_or_else(PoisonError::into_inner);
    let (reply, change) = functions.manage(call, &body.bytes);
    drop(functions);
    if let Some(change) = change {
        diagnostic(&format!("{change}"));
    }
    connection.reply(request, &reply)
}

/// Sends a response in frames while it arrives; the last frame has the outcome.
fn stream_response(
    connection: &mut Connection,
    messages: &Receiver<Message>,
    invoke: &InvokeRequest,
) -> Result<(), ConnectionClosed> {
    let mut head = Reply::new(200, event_stream::CONTENT_TYPE, "");
    head.headers.extend(common_headers(invoke));
    connection.start_chunks(&head)?;
    loop {
        match messages.recv().map_err(|_| ConnectionClosed)? {
            Message::Chunk(bytes) => {
                connection.send_chunk(&event_stream::encode("PayloadChunk", &bytes))?;
            }
            Message::Outcome(outcome) => {
                let end = match &outcome.error_type {
                    Some(error_type) => {
                        let details = String::from_utf8_lossy(&outcome.body);
                        json!({ "ErrorCode": error_type, "ErrorDetails": details })
                    }
                    None => json!({}),
                };
                let end = event_stream::encode("InvokeComplete", end.to_string().as_bytes());
                connection.send_chunk(&end)?;
                return connection.finish_chunks();
            }
        }
    }
}

fn invocation_type(request: &Request) -> Result<InvocationType, ApiError> {
    let parts: Vec<&str> = request.path.split('/').collect();
    let (name, default) = match parts.as_slice() {
        ["", "2015-03-31", "functions", name, "invocations"] => {
            (name, InvocationType::RequestResponse)
        }
        [
            "",
            "2021-11-15",
            "functions",
            name,
            "response-streaming-invocations",
        ] => (name, InvocationType::ResponseStream),
        _ => {
            return Err(ApiError::unknown_operation(
                404,
                "UnknownOperationException",
            ));
        }
    };
    if name.is_empty() || request.method != "POST" {
        return Err(ApiError::unknown_operation(
            405,
            "MethodNotAllowedException",
        ));
    }
    match request.header("X-Amz-Invocation-Type") {
        None | Some("RequestResponse") => Ok(default),
        Some("Event") if default == InvocationType::ResponseStream => {
            Err(ApiError::invalid_parameter(
                "X-Amz-Invocation-Type 'Event' is not possible with a response stream".to_string(),
            ))
        }
        Some("Event") => Ok(InvocationType::Event),
        Some("DryRun") => Ok(InvocationType::DryRun),
        Some(other) => Err(ApiError::invalid_parameter(format!(
            "invalid X-Amz-Invocation-Type '{other}': expected RequestResponse, Event or DryRun"
        ))),
    }
}

fn invoke_request(
    request: &Request,
    mut event: Vec<u8>,
    format: EventFormat,
) -> Result<InvokeRequest, ApiError> {
    if format == EventFormat::Json {
        if event.is_empty() {
            event = b"{}".to_vec();
        }
        event::check_json(&event).map_err(|reason| {
            let text = format!("Could not parse request body into json: {reason}");
            ApiError::invalid_content(text)
        })?;
    }
    let mut invoke = InvokeRequest::new(event);
    headers::apply(request, format, &mut invoke)?;
    Ok(invoke)
}

fn event_too_large(length: u64, invocation_type: InvocationType) -> ApiError {
    let name = match invocation_type {
        InvocationType::Event => "Event",
        _ => "RequestResponse",
    };
    let limit = invocation_type.event_bytes_max();
    ApiError {
        status: 413,
        error_type: "RequestTooLargeException",
        text: format!(
            "{length} byte payload is too large for the {name} invocation type (limit {limit} \
             bytes)"
        ),
    }
}

fn empty_reply(status: u16, invoke: &InvokeRequest) -> Reply {
    Reply::empty(status).with_header("X-Amzn-RequestId", invoke.id.clone())
}

fn outcome_reply(outcome: Outcome, invoke: &InvokeRequest) -> Reply {
    let mut reply = Reply::new(200, &outcome.content_type, outcome.body);
    if outcome.error_type.is_some() {
        reply = reply.with_header("X-Amz-Function-Error", "Unhandled");
    }
    reply.headers.extend(common_headers(invoke));
    reply
}

/// The headers of every answer.
fn common_headers(invoke: &InvokeRequest) -> [(&'static str, String); 3] {
    [
        ("X-Amzn-RequestId", invoke.id.clone()),
        ("X-Amz-Executed-Version", "$LATEST".to_string()),
        ("X-Amzn-Trace-Id", invoke.trace_id.clone()),
    ]
}
