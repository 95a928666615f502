//! The Invoke API: `POST /2015-03-31/functions/{name}/invocations`, as Lambda answers it, and
//! `/2021-11-15/functions/{name}/response-streaming-invocations`, which streams the response; the
//! old `/2014-11-13/functions/{name}/invoke-async`. Pure.
//!
//! Statuses, headers and error bodies are those of Lambda's API reference ("Invoke"), and, where
//! they differ, those of production (recorded by localstack/localstack). Without `--binary` an
//! event is JSON, as on Lambda, and an empty body is `{}`.

mod error;
mod function_ref;
mod headers;

use std::time::Duration;

use serde_json::json;

pub use error::ApiError;
pub use function_ref::FunctionRef;
use headers::Headers;

use super::EventFormat;
use super::functions_api::{self, ManageCall};
use super::http::{Body, Reply, Request, Timeouts};
use super::invocation::InvokeRequest;
use super::outcome::Outcome;
use crate::{base64, event};

/// The longest event of a synchronous invocation. (A response may be 100 bytes longer.)
const SYNC_BYTES_MAX: usize = 6 * 1024 * 1024;

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
    wants_log_tail: bool,
    attempt: Option<u32>,
    pub invocation_type: InvocationType,
    headers: Headers,
}

/// What a request asks for.
pub fn route(request: &Request) -> Result<Operation, ApiError> {
    if let Some(call) = ManageCall::route(&request.method, &request.path, &request.query) {
        return call.map(Operation::Manage);
    }
    let invocation_type = invocation_type(request)?;
    let name = request.path.split('/').nth(3).unwrap_or_default();
    Ok(Operation::Invoke(InvokeCall {
        function: FunctionRef::parse(name, &request.query)?,
        wants_log_tail: wants_log_tail(request)?,
        attempt: attempt(request),
        invocation_type,
        headers: Headers::of(request),
    }))
}

fn wants_log_tail(request: &Request) -> Result<bool, ApiError> {
    match request.header("X-Amz-Log-Type") {
        None | Some("None") => Ok(false),
        Some("Tail") => Ok(true),
        Some(other) => {
            let constraint = "Member must satisfy enum value set: [None, Tail]";
            Err(ApiError::validation(other, "logType", constraint))
        }
    }
}

/// The number of this attempt, which SDKs send (`attempt=2; max=3`).
fn attempt(request: &Request) -> Option<u32> {
    let value = request.header("amz-sdk-request")?;
    let mut parts = value.split(';').map(str::trim);
    parts
        .find_map(|part| part.strip_prefix("attempt="))?
        .parse()
        .ok()
}

/// The reply to a connection that finds no place: Lambda's answer to too many calls at once.
pub fn refusal() -> Reply {
    ApiError::too_many_requests().reply()
}

/// A refusal of the HTTP layer.
pub fn http_refusal(status: u16, text: &str) -> Reply {
    ApiError::of_http(status, text).reply()
}

/// The invocation types of Lambda's API, and a streamed response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum InvocationType {
    RequestResponse,
    ResponseStream,
    Event,
    /// An event by the old operation.
    Async,
    DryRun,
}

impl InvocationType {
    /// The most bytes of an event.
    pub fn event_bytes_max(self) -> usize {
        match self {
            InvocationType::Event | InvocationType::Async => ASYNC_BYTES_MAX,
            _ => SYNC_BYTES_MAX,
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
        ["", "2014-11-13", "functions", name, "invoke-async"]
        | ["", "2014-11-13", "functions", name, "invoke-async", ""] => {
            (name, InvocationType::Async)
        }
        ["", date, _, ..] if is_api_version(date) => {
            let known = functions_api::refusal(&request.method, &request.path);
            let what = || format!("{} {}", request.method, request.path);
            return Err(known.unwrap_or_else(|| ApiError::not_emulated(&what())));
        }
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
    if default == InvocationType::Async {
        return Ok(default);
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

/// A date, as the paths of AWS's APIs begin.
fn is_api_version(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_at = |(index, byte): (usize, &u8)| match index {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    bytes.len() == 10 && bytes.iter().enumerate().all(is_at)
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
        event::check_json(&event).map_err(|reason| not_json(&event, &reason))?;
    }
    let mut invoke = InvokeRequest::new(event);
    invoke.is_stream = call.invocation_type == InvocationType::ResponseStream;
    invoke.wants_log_tail = call.wants_log_tail;
    invoke.attempt = call.attempt;
    call.headers.apply(format, &mut invoke)?;
    Ok(invoke)
}

/// An event that is no JSON. One that is no text either has most likely gone through the AWS CLI,
/// version 2, which decodes payloads from base64.
fn not_json(event: &[u8], reason: &str) -> ApiError {
    let hint = match std::str::from_utf8(event) {
        Ok(_) => "",
        Err(_) => {
            " (the body is no text: the AWS CLI, version 2, takes --payload as base64; give it \
             --cli-binary-format raw-in-base64-out)"
        }
    };
    ApiError::invalid_content(format!(
        "Could not parse request body into json: Could not parse payload into json: {reason}{hint}"
    ))
}

/// The last frame of a response stream, as JSON.
pub fn invoke_complete(outcome: &Outcome, tail: Option<&[u8]>) -> String {
    let mut end = match &outcome.error_type {
        Some(error_type) => {
            let details = String::from_utf8_lossy(&outcome.body);
            json!({ "ErrorCode": error_type, "ErrorDetails": details })
        }
        None => json!({}),
    };
    if let Some(tail) = tail {
        end["LogResult"] = base64::encode(tail).into();
    }
    end.to_string()
}

fn event_too_large(length: u64, invocation_type: InvocationType) -> ApiError {
    let name = match invocation_type {
        InvocationType::Event | InvocationType::Async => "Event",
        _ => "RequestResponse",
    };
    let limit = invocation_type.event_bytes_max();
    ApiError {
        status: 413,
        error_type: "RequestEntityTooLargeException",
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

/// The reply to an asynchronous call.
pub fn accepted_reply(call: InvocationType, invoke: &InvokeRequest) -> Reply {
    match call {
        InvocationType::Async => Reply::json(202, &json!({ "Status": 202 }))
            .with_header("X-Amzn-RequestId", invoke.id.clone()),
        _ => empty_reply(202, invoke),
    }
}

/// The reply with an outcome, and the end of the log for a caller who wants it.
pub fn outcome_reply(outcome: Outcome, invoke: &InvokeRequest, tail: Option<&[u8]>) -> Reply {
    let mut reply = match outcome.error_type {
        // The runtime's own type of error documents does not reach callers.
        Some(_) => Reply::new(200, "application/json", outcome.body)
            .with_header("X-Amz-Function-Error", "Unhandled"),
        None => Reply::new(200, &outcome.content_type, outcome.body),
    };
    if let Some(tail) = tail {
        reply = reply.with_header("X-Amz-Log-Result", base64::encode(tail));
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
