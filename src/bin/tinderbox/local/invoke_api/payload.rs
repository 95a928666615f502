//! The event of a call: its size, and that it is JSON.

use super::error::ApiError;
use super::operation::{InvocationType, InvokeCall};
use crate::event;
use crate::limits::EVENT_BYTES_MAX;
use crate::local::EventFormat;
use crate::local::http::Body;
use crate::local::invocation::InvokeRequest;

/// The longest event of an asynchronous invocation: 1 MB since late 2025.
const ASYNC_BYTES_MAX: usize = 1024 * 1024;

/// What the AWS CLI does to an event that is not encoded, which leads to events like this one.
const CLI_HINT: &str = "the body is binary: AWS CLI version 2 decodes --payload as Base64 unless \
                        it has the option --cli-binary-format raw-in-base64-out";

/// The longest event of an invocation of this type, in bytes.
pub fn event_limit(invocation_type: InvocationType) -> usize {
    match invocation_type.is_asynchronous() {
        true => ASYNC_BYTES_MAX,
        false => EVENT_BYTES_MAX,
    }
}

/// The event, if Lambda would take it. `length` is that of the whole body; only as much of it as
/// the limit allows has to be in `body`.
pub fn event(
    body: Vec<u8>,
    length: u64,
    call: &InvokeCall,
    format: EventFormat,
) -> Result<Vec<u8>, ApiError> {
    let limit = event_limit(call.invocation_type);
    if length > limit as u64 {
        return Err(too_large(length, call.invocation_type));
    }
    match format {
        EventFormat::Binary => Ok(body),
        EventFormat::Json if body.is_empty() => Ok(b"{}".to_vec()),
        EventFormat::Json => match event::check_json(&body) {
            Ok(()) => Ok(body),
            Err(reason) => Err(not_json(&body, &reason)),
        },
    }
}

/// The request of a call whose body is complete, which the engine takes on.
pub fn invoke_request(
    call: &InvokeCall,
    body: Body,
    format: EventFormat,
) -> Result<InvokeRequest, ApiError> {
    let event = event(body.bytes, body.length, call, format)?;
    let mut request = InvokeRequest::new(event);
    if format == EventFormat::Binary
        && let Some(content_type) = &call.content_type
    {
        request.content_type.clone_from(content_type);
    }
    if let Some(trace_id) = &call.trace_id {
        request.trace_id.clone_from(trace_id);
    }
    request.client_context.clone_from(&call.client_context);
    request.tenant_id.clone_from(&call.tenant_id);
    request.is_stream = call.invocation_type == InvocationType::ResponseStream;
    request.wants_log_tail = call.wants_log_tail;
    request.attempt = call.attempt;
    Ok(request)
}

fn not_json(body: &[u8], reason: &str) -> ApiError {
    let mut text = format!(
        "Could not parse request body into json: Could not parse payload into json: {reason}"
    );
    if is_binary(body) {
        text += &format!(" ({CLI_HINT})");
    }
    ApiError::invalid_content(text)
}

/// Whether no person wrote this as JSON.
fn is_binary(body: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' && !b"\t\n\r".contains(byte);
    std::str::from_utf8(body).is_err() || body.iter().any(is_control)
}

fn too_large(length: u64, invocation_type: InvocationType) -> ApiError {
    let name = match invocation_type.is_asynchronous() {
        true => "Event",
        false => "RequestResponse",
    };
    let limit = event_limit(invocation_type);
    let text = format!(
        "{length} byte payload is too large for the {name} invocation type (limit {limit} bytes)"
    );
    ApiError::new(413, "RequestEntityTooLargeException", text)
}
