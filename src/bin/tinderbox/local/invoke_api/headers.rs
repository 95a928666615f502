//! What a call's headers tell the function. All of it is bounded: it goes into the head of one
//! reply of the Runtime API, for which a bootstrap has so much room and no more.
//!
//! Limits: API reference, "Invoke" (client context: 3,583 bytes of base64; tenant id: 256, of some
//! letters). AWS names none for a trace header; Lambda's own has under 200 bytes.

use super::Fault;
use crate::base64;
use crate::local::http::Request;
use crate::local::invocation::Submission;

const CLIENT_CONTEXT_BYTES_MAX: usize = 3583;
const TENANT_ID_BYTES_MAX: usize = 256;
const TRACE_ID_BYTES_MAX: usize = 1024;
const CONTENT_TYPE_BYTES_MAX: usize = 1024;

/// With the rest of the head, all of it is less than half of what this project's bootstrap takes.
const _: () = assert!(
    CLIENT_CONTEXT_BYTES_MAX + TENANT_ID_BYTES_MAX + TRACE_ID_BYTES_MAX + CONTENT_TYPE_BYTES_MAX
        < 16 * 1024
);

/// So much of a value that is refused is told.
const SHOWN_LETTERS: usize = 64;

/// Takes over what is for the function.
pub fn take(request: &Request, raw: bool, submission: &mut Submission) -> Result<(), Fault> {
    if raw && let Some(content_type) = bounded(request, "Content-Type", CONTENT_TYPE_BYTES_MAX)? {
        submission.content_type = content_type;
    }
    if let Some(trace_id) = bounded(request, "X-Amzn-Trace-Id", TRACE_ID_BYTES_MAX)? {
        submission.trace_id = trace_id;
    }
    if let Some(encoded) = request.header("X-Amz-Client-Context") {
        submission.client_context = Some(client_context(encoded)?);
    }
    if let Some(id) = request.header("X-Amz-Tenant-Id") {
        submission.tenant_id = Some(tenant_id(id)?);
    }
    Ok(())
}

fn bounded(request: &Request, name: &str, bytes_max: usize) -> Result<Option<String>, Fault> {
    match request.header(name) {
        Some(value) if value.len() > bytes_max => Err(Fault(
            400,
            "InvalidParameterValueException",
            format!("{name} has {} bytes; {bytes_max} at most", value.len()),
        )),
        value => Ok(value.map(str::to_string)),
    }
}

fn client_context(encoded: &str) -> Result<String, Fault> {
    let fault = |text| Fault(400, "InvalidRequestContentException", text);
    if encoded.len() > CLIENT_CONTEXT_BYTES_MAX {
        let length = encoded.len();
        return Err(fault(format!(
            "Client context has {length} bytes of base64; {CLIENT_CONTEXT_BYTES_MAX} at most"
        )));
    }
    let text = base64::decode(encoded.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok());
    let is_object = |text: &String| {
        let value = serde_json::from_str::<serde_json::Value>(text);
        value.is_ok_and(|value| value.is_object())
    };
    text.filter(is_object).ok_or_else(|| {
        fault("Client context must be a valid Base64-encoded JSON object.".to_string())
    })
}

fn tenant_id(id: &str) -> Result<String, Fault> {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/=+-@ ".contains(&byte);
    let constraint = if id.len() > TENANT_ID_BYTES_MAX {
        format!("Member must have length less than or equal to {TENANT_ID_BYTES_MAX}")
    } else if !id.bytes().all(is_known) {
        r"Member must satisfy regular expression pattern: [a-zA-Z0-9\._:\/=+\-@ ]+".to_string()
    } else {
        return Ok(id.to_string());
    };
    let mut shown: String = id.chars().take(SHOWN_LETTERS).collect();
    if shown.len() < id.len() {
        shown += "...";
    }
    Err(Fault(
        400,
        "ValidationException",
        format!(
            "1 validation error detected: Value '{shown}' at 'tenantId' failed to satisfy \
             constraint: {constraint}"
        ),
    ))
}
