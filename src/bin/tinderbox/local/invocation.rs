//! An invoke request, and its delivery to the function.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use super::outcome::Outcome;
use crate::clock;

/// How many messages may wait for a slow caller before the function has to wait.
pub const MESSAGES_MAX: usize = 16;

/// A caller's request.
pub struct InvokeRequest {
    pub id: String,
    pub event: Vec<u8>,
    pub content_type: String,
    pub trace_id: String,
    /// JSON, already decoded from base64.
    pub client_context: Option<String>,
    pub tenant_id: Option<String>,
    /// Where chunks of the response go, for a caller of a response stream.
    pub stream: Option<SyncSender<Message>>,
    pub received: Instant,
}

/// What a waiting caller is sent.
pub enum Message {
    /// A chunk of the response, for a caller of a response stream.
    Chunk(Vec<u8>),
    /// The last message. The body is empty if the response was sent in chunks.
    Outcome(Outcome),
}

impl InvokeRequest {
    /// A request with nothing but an event.
    pub fn new(event: Vec<u8>) -> InvokeRequest {
        InvokeRequest {
            id: clock::uuid(),
            event,
            content_type: "application/json".to_string(),
            trace_id: clock::trace_id(),
            client_context: None,
            tenant_id: None,
            stream: None,
            received: Instant::now(),
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
