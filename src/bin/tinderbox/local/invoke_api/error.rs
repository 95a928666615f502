//! Errors of the Invoke API itself, in the form of Lambda's.

use serde_json::json;

use crate::clock;
use crate::local::http::Reply;

/// The answer to a call that reaches no function.
pub struct ApiError {
    pub status: u16,
    /// AWS's name of the error.
    pub error_type: &'static str,
    pub text: String,
}

impl ApiError {
    pub fn invalid_parameter(text: String) -> ApiError {
        ApiError {
            status: 400,
            error_type: "InvalidParameterValueException",
            text,
        }
    }

    pub fn invalid_content(text: String) -> ApiError {
        ApiError {
            status: 400,
            error_type: "InvalidRequestContentException",
            text,
        }
    }

    pub fn unknown_operation(status: u16, error_type: &'static str) -> ApiError {
        ApiError {
            status,
            error_type,
            text: "unknown operation: use POST /2015-03-31/functions/NAME/invocations".to_string(),
        }
    }

    /// Lambda's answer to more concurrent calls than an account may make.
    pub fn too_many_requests() -> ApiError {
        ApiError {
            status: 429,
            error_type: "TooManyRequestsException",
            text: "Rate Exceeded.".to_string(),
        }
    }

    /// The function was deleted while the call waited.
    pub fn function_deleted(arn: &str) -> ApiError {
        ApiError {
            status: 404,
            error_type: "ResourceNotFoundException",
            text: format!("Function not found: {arn}"),
        }
    }

    /// The tool stops: SDKs send the call again.
    pub fn stopping() -> ApiError {
        ApiError {
            status: 503,
            error_type: "ServiceUnavailableException",
            text: "tinderbox run is stopping".to_string(),
        }
    }

    /// The error as a reply; the forms of the body differ, as on Lambda.
    pub fn reply(&self) -> Reply {
        let text = &self.text;
        let body = match self.status {
            413 => json!({ "Type": "User", "message": text }),
            503 => json!({ "Type": "Service", "Message": text }),
            429 => {
                let reason = "ConcurrentInvocationLimitExceeded";
                json!({ "Reason": reason, "Type": "User", "message": text })
            }
            _ => json!({ "Type": "User", "Message": text }),
        };
        Reply::json(self.status, &body)
            .with_header("X-Amzn-RequestId", clock::uuid())
            .with_header("X-Amzn-ErrorType", self.error_type)
    }
}
