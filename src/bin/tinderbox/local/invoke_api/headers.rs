//! Headers of a call that reach the function. All have limits: they become the head of one reply of
//! the Runtime API, for which a bootstrap has a buffer of fixed size.
//!
//! Limits: API reference, "Invoke" (client context: 3,583 bytes of base64; tenant id: 256 bytes of
//! some characters). AWS documents none for a trace header; Lambda's own has under 200 bytes.

use super::error::{ApiError, Violation};
use crate::local::http::Request;
use crate::{base64, json};

const CLIENT_CONTEXT_BYTES_MAX: usize = 3583;
const TENANT_ID_BYTES_MAX: usize = 256;
const TRACE_ID_BYTES_MAX: usize = 1024;
const CONTENT_TYPE_BYTES_MAX: usize = 1024;

/// Together they are less than half of the head that this project's bootstrap accepts.
const _: () = assert!(
    CLIENT_CONTEXT_BYTES_MAX + TENANT_ID_BYTES_MAX + TRACE_ID_BYTES_MAX + CONTENT_TYPE_BYTES_MAX
        < 16 * 1024
);

/// The number of the attempt in `amz-sdk-request: attempt=1; max=3`.
pub fn attempt(request: &Request) -> Option<u32> {
    let mut members = request.header("amz-sdk-request")?.split(';');
    let number = members.find_map(|member| member.trim().strip_prefix("attempt="))?;
    number.trim().parse().ok()
}

pub fn trace_id(request: &Request) -> Result<Option<String>, ApiError> {
    bounded(request, "X-Amzn-Trace-Id", TRACE_ID_BYTES_MAX)
}

pub fn content_type(request: &Request) -> Result<Option<String>, ApiError> {
    bounded(request, "Content-Type", CONTENT_TYPE_BYTES_MAX)
}

fn bounded(request: &Request, name: &str, bytes_max: usize) -> Result<Option<String>, ApiError> {
    match request.header(name) {
        Some(value) if value.len() > bytes_max => Err(ApiError::invalid_parameter(format!(
            "{name} is too long: {} bytes, and the limit is {bytes_max}",
            value.len()
        ))),
        value => Ok(value.map(str::to_string)),
    }
}

/// The client context, decoded: an object in JSON.
pub fn client_context(request: &Request) -> Result<Option<String>, ApiError> {
    let Some(encoded) = request.header("X-Amz-Client-Context") else {
        return Ok(None);
    };
    if encoded.len() > CLIENT_CONTEXT_BYTES_MAX {
        return Err(ApiError::invalid_content(format!(
            "Client context is too long: {} bytes of Base64, and the limit is \
             {CLIENT_CONTEXT_BYTES_MAX}",
            encoded.len()
        )));
    }
    let bytes = base64::decode(encoded.as_bytes());
    let bytes = bytes.filter(|bytes| is_object(bytes));
    match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => Ok(Some(text)),
        None => Err(ApiError::invalid_content(
            "Client context must be a valid Base64-encoded JSON object.",
        )),
    }
}

fn is_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{") && json::check(bytes).is_ok()
}

pub fn tenant_id(request: &Request) -> Result<Option<String>, ApiError> {
    let Some(id) = request.header("X-Amz-Tenant-Id") else {
        return Ok(None);
    };
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/=+-@ ".contains(&byte);
    let constraint = if id.len() > TENANT_ID_BYTES_MAX {
        format!("Member must have length less than or equal to {TENANT_ID_BYTES_MAX}")
    } else if !id.bytes().all(is_allowed) {
        r"Member must satisfy regular expression pattern: [a-zA-Z0-9\._:\/=+\-@ ]+".to_string()
    } else {
        return Ok(Some(id.to_string()));
    };
    Err(ApiError::validation(&[Violation {
        value: id,
        member: "tenantId",
        constraint,
    }]))
}
