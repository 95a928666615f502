//! The Invoke API: `POST /2015-03-31/functions/{name}/invocations`, as Lambda answers it, and
//! `/2021-11-15/functions/{name}/response-streaming-invocations`, which streams the response. Pure.
//!
//! There is one function, which answers to any name, ARN or qualified name. Statuses, headers and
//! error bodies are those of Lambda's API reference ("Invoke"). Without `--binary` an event is
//! JSON, as on Lambda, and an empty body is `{}`.

mod error;
mod headers;

use std::time::Duration;

use serde_json::json;

pub use error::ApiError;
use headers::Headers;

use super::EventFormat;
use super::functions_api::{FunctionRef, ManageCall};
use super::http::{Body, Reply, Request, Timeouts};
use super::invocation::InvokeRequest;
use super::outcome::Outcome;
use crate::event;
use crate::limits::PAYLOAD_BYTES_MAX;

/// The longest event of an asynchronous invocation: 1 MB since late 2025.
const ASYNC_BYTES_MAX: usize = 1024 * 1024;

/// How long a caller may take for a head and for a body, may pause within them, and may leave a
/// connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const BODY_TIMEOUT: Duration = Duration::from_secs(120);
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

pub const TIMEOUTS: Timeouts = Timeouts {
    first: Some(HEAD_TIMEOUT),
    idle: Some(IDLE_TIMEOUT),
    head: Some(HEAD_TIMEOUT),
    body: Some(BODY_TIMEOUT),
    stall: Some(STALL_TIMEOUT),
    send: Some(STALL_TIMEOUT),
};

/// What a request asks for.
pub enum Operation {
    Invoke(InvokeCall),
    Manage(ManageCall),
}

/// An event for a function.
pub struct InvokeCall {
    pub function: FunctionRef,
    pub invocation_type: InvocationType,
    headers: Headers,
}

/// What a request asks for.
pub fn route(request: &Request) -> Result<Operation, ApiError> {
    if let Some(call) = ManageCall::route(&request.method, &request.path, &request.query) {
        return Ok(Operation::Manage(call));
    }
    let invocation_type = invocation_type(request)?;
    let name = request.path.split('/').nth(3).unwrap_or_default();
    Ok(Operation::Invoke(InvokeCall {
        function: FunctionRef::parse(name, &request.query),
        invocation_type,
        headers: Headers::of(request),
    }))
}

/// The reply to a connection that finds no place: Lambda's answer to too many calls at once.
pub fn refusal() -> Reply {
    ApiError::too_many_requests().reply()
}

/// A refusal of the HTTP layer.
pub fn http_refusal(status: u16, text: &str) -> Reply {
    Reply::text(status, text)
}

/// The invocation types of Lambda's API, and a streamed response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum InvocationType {
    RequestResponse,
    ResponseStream,
    Event,
    DryRun,
}

impl InvocationType {
    /// The most bytes of an event.
    pub fn event_bytes_max(self) -> usize {
        match self {
            InvocationType::Event => ASYNC_BYTES_MAX,
            _ => PAYLOAD_BYTES_MAX,
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

/// The request of a call whose body is complete.
pub fn invoke_request(
    call: &InvokeCall,
    body: Body,
    format: EventFormat,
) -> Result<InvokeRequest, ApiError> {
    if body.length > call.invocation_type.event_bytes_max() as u64 {
        return Err(event_too_large(body.length, call.invocation_type));
    }
    let mut event = body.bytes;
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
    invoke.is_stream = call.invocation_type == InvocationType::ResponseStream;
    call.headers.apply(format, &mut invoke)?;
    Ok(invoke)
}

/// The last frame of a response stream, as JSON.
pub fn invoke_complete(outcome: &Outcome) -> String {
    let end = match &outcome.error_type {
        Some(error_type) => {
            let details = String::from_utf8_lossy(&outcome.body);
            json!({ "ErrorCode": error_type, "ErrorDetails": details })
        }
        None => json!({}),
    };
    end.to_string()
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

/// A reply without a body.
pub fn empty_reply(status: u16, invoke: &InvokeRequest) -> Reply {
    Reply::empty(status).with_header("X-Amzn-RequestId", invoke.id.clone())
}

/// The reply with an outcome.
pub fn outcome_reply(outcome: Outcome, invoke: &InvokeRequest) -> Reply {
    let mut reply = Reply::new(200, &outcome.content_type, outcome.body);
    if outcome.error_type.is_some() {
        reply = reply.with_header("X-Amz-Function-Error", "Unhandled");
    }
    reply.headers.extend(common_headers(invoke));
    reply
}

/// The headers of every answer.
pub fn common_headers(invoke: &InvokeRequest) -> [(&'static str, String); 3] {
    [
        ("X-Amzn-RequestId", invoke.id.clone()),
        ("X-Amz-Executed-Version", invoke.version.clone()),
        ("X-Amzn-Trace-Id", invoke.trace_id.clone()),
    ]
}
