//! An event on its way to the function, and what it came to.

use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use serde_json::json;

use super::clock;
use super::environment::InitFailure;
use super::process;

/// The longest event and the longest response: 6 MiB and 100 bytes (AWS's `MaxPayloadSize`).
pub const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024 + 100;

/// The error type of an event whose time was up.
pub const TIMED_OUT: &str = "Sandbox.Timedout";

/// What a caller hands in.
pub struct Submission {
    pub request_id: String,
    pub event: Vec<u8>,
    pub content_type: String,
    pub trace_id: String,
    /// JSON text, no longer base64.
    pub client_context: Option<String>,
    pub tenant_id: Option<String>,
    /// Where a response goes as it comes, when the caller wants a stream.
    pub stream: Option<SyncSender<Message>>,
    pub submitted: Instant,
}

/// What a caller who waits is told.
pub enum Message {
    /// A piece of the response, to one who wants a stream.
    Piece(Vec<u8>),
    /// How it came out: the last that is said. The body is empty where it went in pieces.
    Outcome(Outcome),
}

/// So many messages may wait for a slow caller; then the function has to.
pub const MESSAGES_MAX: usize = 16;

impl Submission {
    /// An event with nothing but itself.
    pub fn new(event: Vec<u8>) -> Submission {
        Submission {
            request_id: clock::uuid(),
            event,
            content_type: "application/json".to_string(),
            trace_id: clock::trace_id(),
            client_context: None,
            tenant_id: None,
            stream: None,
            submitted: Instant::now(),
        }
    }
}

/// A submission that has been handed to the function.
pub struct Invocation {
    pub submission: Arc<Submission>,
    /// Differs from one delivery of the same request id to the next.
    pub attempt_id: String,
    /// Milliseconds since the epoch.
    pub deadline_ms: u64,
}

/// The one answer a caller gets.
#[derive(Clone)]
pub struct Outcome {
    pub body: Vec<u8>,
    pub content_type: String,
    /// Present when the function failed; the type is for the REPORT line.
    pub error_type: Option<String>,
}

impl Outcome {
    /// The function's response.
    pub fn response(body: Vec<u8>, content_type: &str) -> Outcome {
        Outcome {
            body,
            content_type: content_type.to_string(),
            error_type: None,
        }
    }

    /// The function's own error, as it posted it.
    pub fn posted_error(body: Vec<u8>, content_type: &str, error_type: String) -> Outcome {
        Outcome {
            body,
            content_type: content_type.to_string(),
            error_type: Some(error_type),
        }
    }

    /// The response is longer than Lambda takes.
    pub fn too_large(length: u64) -> Outcome {
        Outcome::platform_error(
            "Function.ResponseSizeTooLarge",
            &format!(
                "Response payload size ({length} bytes) exceeded maximum allowed payload size \
                 ({PAYLOAD_BYTES_MAX} bytes)."
            ),
        )
    }

    /// The response broke off, and the process asked for the next event.
    pub fn truncated(id: &str) -> Outcome {
        let text = format!("RequestId: {id} Error: The response was not sent to its end");
        Outcome::platform_error("Runtime.TruncatedResponse", &text)
    }

    /// The function's time was up.
    pub fn timed_out(id: &str, timeout: Duration) -> Outcome {
        let text = format!("RequestId: {id} Error: {}", timed_out_text(timeout));
        Outcome::platform_error(TIMED_OUT, &text)
    }

    /// The process ended before it answered.
    pub fn exited(id: &str, status: ExitStatus) -> Outcome {
        let what = match process::exit_text(status) {
            Some(text) => format!("Runtime exited with error: {text}"),
            None => "Runtime exited without providing a reason".to_string(),
        };
        let text = format!("RequestId: {id} Error: {what}");
        Outcome::platform_error("Runtime.ExitError", &text)
    }

    /// The process was killed, or has ended, and the system does not let go of it.
    pub fn unavailable(id: &str) -> Outcome {
        let text = format!(
            "RequestId: {id} Error: the bootstrap's process does not end, although it was killed"
        );
        Outcome::platform_error("Runtime.Unavailable", &text)
    }

    /// The process never asked for an event.
    pub fn init_failure(id: &str, failure: InitFailure, limit: Duration) -> Outcome {
        match failure {
            InitFailure::Posted(outcome) => outcome,
            InitFailure::Exited(status) => Outcome::exited(id, status),
            InitFailure::TimedOut => {
                let seconds = limit.as_secs_f64();
                let text = format!(
                    "RequestId: {id} Error: Init timed out after {seconds:.2} seconds: the \
                     bootstrap never asked for an event"
                );
                Outcome::platform_error(TIMED_OUT, &text)
            }
            InitFailure::NotStarted(reason) => {
                let text = format!("RequestId: {id} Error: {reason}");
                Outcome::platform_error("Runtime.InvalidEntrypoint", &text)
            }
            InitFailure::Unavailable => Outcome::unavailable(id),
        }
    }

    fn platform_error(error_type: &str, text: &str) -> Outcome {
        let body = json!({ "errorType": error_type, "errorMessage": text });
        Outcome {
            body: body.to_string().into_bytes(),
            content_type: "application/json".to_string(),
            error_type: Some(error_type.to_string()),
        }
    }
}

/// What Lambda says of it, in the answer and in the log.
pub fn timed_out_text(timeout: Duration) -> String {
    format!("Task timed out after {:.2} seconds", timeout.as_secs_f64())
}
