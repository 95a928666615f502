//! The outcome of an event: a response or an error, in Lambda's words where it has some.

use std::process::ExitStatus;
use std::time::Duration;

use serde_json::json;

use crate::limits::PAYLOAD_BYTES_MAX;
use crate::process;

/// The error type of a timeout.
pub const TIMED_OUT: &str = "Sandbox.Timedout";

/// The error type of an exit before the answer.
pub const EXITED: &str = "Runtime.ExitError";

/// The error type of an exit because of the memory limit, in the REPORT line alone: the caller gets
/// `Runtime.ExitError` with `signal: killed` (REPORT lines of production in public logs).
pub const OUT_OF_MEMORY: &str = "Runtime.OutOfMemory";

/// The one answer to a caller.
#[derive(Clone)]
pub struct Outcome {
    pub body: Vec<u8>,
    pub content_type: String,
    /// Set for an error; the REPORT line has it.
    pub error_type: Option<String>,
}

/// Why a process did not request an event.
#[derive(Clone)]
pub enum InitFailure {
    /// It posted `/init/error`.
    Posted(Outcome),
    /// It exited.
    Exited(ExitStatus),
    /// It was killed after the init timeout.
    TimedOut,
    /// It could not be started, for this reason.
    NotStarted(String),
    /// The previous process does not exit, so no other can be started.
    Unavailable,
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

    /// The function's own error, as posted.
    pub fn posted_error(body: Vec<u8>, content_type: &str, error_type: String) -> Outcome {
        Outcome {
            body,
            content_type: content_type.to_string(),
            error_type: Some(error_type),
        }
    }

    /// The response exceeds Lambda's limit.
    pub fn too_large() -> Outcome {
        Outcome::platform_error(
            "Function.ResponseSizeTooLarge",
            &format!(
                "Response payload size exceeded maximum allowed payload size ({PAYLOAD_BYTES_MAX} \
                 bytes)."
            ),
        )
    }

    /// The tool stops before the answer.
    pub fn service_error(text: &str) -> Outcome {
        Outcome::platform_error("ServiceException", text)
    }

    /// The connection closed within the response, or the caller missed a part of it.
    pub fn truncated(id: &str) -> Outcome {
        let text = format!("RequestId: {id} Error: The response is incomplete");
        Outcome::platform_error("Runtime.TruncatedResponse", &text)
    }

    /// The function timed out.
    pub fn timed_out(id: &str, timeout: Duration) -> Outcome {
        let text = format!("RequestId: {id} Error: {}", timed_out_text(timeout));
        Outcome::platform_error(TIMED_OUT, &text)
    }

    /// The process exited before its response.
    pub fn exited(id: &str, status: ExitStatus) -> Outcome {
        let what = match process::exit_text(status) {
            Some(text) => format!("Runtime exited with error: {text}"),
            None => "Runtime exited without providing a reason".to_string(),
        };
        let text = format!("RequestId: {id} Error: {what}");
        Outcome::platform_error(EXITED, &text)
    }

    /// The process was killed, or has exited, and the kernel does not release it.
    pub fn unavailable(id: &str) -> Outcome {
        let text =
            format!("RequestId: {id} Error: The bootstrap's process does not exit after SIGKILL");
        Outcome::platform_error("Runtime.Unavailable", &text)
    }

    /// The process did not request an event.
    pub fn init_failure(id: &str, failure: InitFailure, timeout: Duration) -> Outcome {
        match failure {
            InitFailure::Posted(outcome) => outcome,
            InitFailure::Exited(status) => Outcome::exited(id, status),
            InitFailure::TimedOut => {
                let seconds = timeout.as_secs_f64();
                let text = format!(
                    "RequestId: {id} Error: Init timed out after {seconds:.2} seconds: the \
                     bootstrap did not request an event"
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

    /// Lambda's own message about a process that exited or could not be started, for the log.
    pub fn platform_message(&self, id: &str) -> Option<String> {
        const TYPES: [&str; 2] = ["Runtime.ExitError", "Runtime.InvalidEntrypoint"];
        if !TYPES.contains(&self.error_type.as_deref()?) {
            return None;
        }
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        let message = body["errorMessage"].as_str()?;
        // A function may post an error of the same type.
        let is_own = message.starts_with(&format!("RequestId: {id} Error: "));
        is_own.then(|| message.to_string())
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

/// Lambda's words for a timeout, in the answer and in the log.
pub fn timed_out_text(timeout: Duration) -> String {
    format!("Task timed out after {:.2} seconds", timeout.as_secs_f64())
}
