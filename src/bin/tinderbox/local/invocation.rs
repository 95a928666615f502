//! An invoke request, and its delivery to the function.

use std::sync::Arc;
use std::time::Instant;

use super::http::Reused;
use super::invoke_api::Executed;
use crate::clock;
use crate::settings::LATEST;

/// A caller's request.
pub struct InvokeRequest {
    pub id: String,
    /// The version that handles it: `$LATEST` or a number.
    pub version: String,
    /// The function's ARN, with the qualifier if there was one.
    pub arn: String,
    pub event: Arc<Reused>,
    pub content_type: String,
    pub trace_id: String,
    /// JSON, already decoded from base64.
    pub client_context: Option<String>,
    pub tenant_id: Option<String>,
    /// The caller wants the response while it arrives.
    pub is_stream: bool,
    /// The caller wants the last lines of the log.
    pub wants_log_tail: bool,
    /// The number of the caller's attempt at this call.
    pub attempt: Option<u32>,
    pub received: Instant,
}

impl InvokeRequest {
    /// A request with nothing but an event.
    pub fn new(event: Vec<u8>) -> InvokeRequest {
        InvokeRequest {
            id: clock::uuid(),
            version: LATEST.to_string(),
            arn: String::new(),
            event: Arc::new(event.into()),
            content_type: "application/json".to_string(),
            trace_id: clock::trace_id(),
            client_context: None,
            tenant_id: None,
            is_stream: false,
            wants_log_tail: false,
            attempt: None,
            received: Instant::now(),
        }
    }
}

impl InvokeRequest {
    /// What the headers of an answer say of the request.
    pub fn executed(&self) -> Executed<'_> {
        Executed {
            request_id: &self.id,
            version: &self.version,
            trace_id: &self.trace_id,
        }
    }
}

/// The delivery of a request to the function.
pub struct Invocation {
    pub request: Arc<InvokeRequest>,
    /// Differs between deliveries of the same request.
    pub attempt_id: String,
    /// Milliseconds since the epoch.
    pub deadline_ms: u64,
}
