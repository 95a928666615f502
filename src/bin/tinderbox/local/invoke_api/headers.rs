//! Headers of a call that reach the function. All have limits: they become the head of one reply of
//! the Runtime API, for which a bootstrap has a buffer of fixed size.
//!
//! Limits: API reference, "Invoke" (client context: 3,583 bytes of base64; tenant id: 256 bytes of
//! some characters). AWS documents none for a trace header; Lambda's own has under 200 bytes.

use super::error::ApiError;
use crate::base64;
use crate::local::EventFormat;
use crate::local::http::Request;
use crate::local::invocation::InvokeRequest;

const CLIENT_CONTEXT_BYTES_MAX: usize = 3583;
const TENANT_ID_BYTES_MAX: usize = 256;
const TRACE_ID_BYTES_MAX: usize = 1024;
const CONTENT_TYPE_BYTES_MAX: usize = 1024;

/// Together they are less than half of the head that this project's bootstrap accepts.
const _: () = assert!(
    CLIENT_CONTEXT_BYTES_MAX + TENANT_ID_BYTES_MAX + TRACE_ID_BYTES_MAX + CONTENT_TYPE_BYTES_MAX
        < 16 * 1024
);

/// How much of a refused value is quoted.
const QUOTED_CHARACTERS: usize = 64;

/// The headers that are for the function.
pub struct Headers {
    content_type: Option<String>,
    trace_id: Option<String>,
    client_context: Option<String>,
    tenant_id: Option<String>,
}

impl Headers {
    /// Those of a request.
    pub fn of(request: &Request) -> Headers {
        let header = |name| request.header(name).map(str::to_string);
        Headers {
            content_type: header("Content-Type"),
            trace_id: header("X-Amzn-Trace-Id"),
            client_context: header("X-Amz-Client-Context"),
            tenant_id: header("X-Amz-Tenant-Id"),
        }
    }

    /// Checks them, and copies them.
    pub fn apply(&self, format: EventFormat, invoke: &mut InvokeRequest) -> Result<(), ApiError> {
        if format == EventFormat::Binary
            && let Some(value) = &self.content_type
        {
            invoke.content_type = bounded(value, "Content-Type", CONTENT_TYPE_BYTES_MAX)?;
        }
        if let Some(value) = &self.trace_id {
            invoke.trace_id = bounded(value, "X-Amzn-Trace-Id", TRACE_ID_BYTES_MAX)?;
        }
        if let Some(encoded) = &self.client_context {
            invoke.client_context = Some(client_context(encoded)?);
        }
        if let Some(id) = &self.tenant_id {
            invoke.tenant_id = Some(tenant_id(id)?);
        }
        Ok(())
    }
}

fn bounded(value: &str, name: &str, bytes_max: usize) -> Result<String, ApiError> {
    match value.len() > bytes_max {
        true => Err(ApiError::invalid_parameter(format!(
            "{name} is too long: {} bytes, and the limit is {bytes_max}",
            value.len()
        ))),
        false => Ok(value.to_string()),
    }
}

fn client_context(encoded: &str) -> Result<String, ApiError> {
    if encoded.len() > CLIENT_CONTEXT_BYTES_MAX {
        return Err(ApiError::invalid_content(format!(
            "Client context is too long: {} bytes of Base64, and the limit is \
             {CLIENT_CONTEXT_BYTES_MAX}",
            encoded.len()
        )));
    }
    let text = base64::decode(encoded.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok());
    let is_object = |text: &String| {
        let value = serde_json::from_str::<serde_json::Value>(text);
        value.is_ok_and(|value| value.is_object())
    };
    text.filter(is_object).ok_or_else(|| {
        let text = "Client context must be a valid Base64-encoded JSON object.";
        ApiError::invalid_content(text.to_string())
    })
}

fn tenant_id(id: &str) -> Result<String, ApiError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/=+-@ ".contains(&byte);
    let constraint = if id.len() > TENANT_ID_BYTES_MAX {
        format!("Member must have length less than or equal to {TENANT_ID_BYTES_MAX}")
    } else if !id.bytes().all(is_allowed) {
        r"Member must satisfy regular expression pattern: [a-zA-Z0-9\._:\/=+\-@ ]+".to_string()
    } else {
        return Ok(id.to_string());
    };
    let mut quoted: String = id.chars().take(QUOTED_CHARACTERS).collect();
    if quoted.len() < id.len() {
        quoted += "...";
    }
    Err(ApiError {
        status: 400,
        error_type: "ValidationException",
        text: format!(
            "1 validation error detected: Value '{quoted}' at 'tenantId' failed to satisfy \
             constraint: {constraint}"
        ),
    })
}
