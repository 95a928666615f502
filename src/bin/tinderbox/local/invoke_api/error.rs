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

    /// No operation of Lambda's API has this path, or this method.
    pub fn unknown_operation(status: u16, error_type: &'static str) -> ApiError {
        ApiError {
            status,
            error_type,
            text: "unknown operation: use POST /2015-03-31/functions/NAME/invocations".to_string(),
        }
    }

    /// An operation of Lambda's API that has no answer here.
    pub fn not_emulated(what: &str) -> ApiError {
        ApiError {
            status: 501,
            error_type: "NotImplementedException",
            text: format!("tinderbox run does not emulate {what}"),
        }
    }

    /// A value that AWS's model of the API does not allow.
    pub fn validation(value: &str, member: &str, constraint: &str) -> ApiError {
        const SHOWN_CHARACTERS: usize = 256;
        let shown: String = value.chars().take(SHOWN_CHARACTERS).collect();
        ApiError {
            status: 400,
            error_type: "ValidationException",
            text: format!(
                "1 validation error detected: Value '{shown}' at '{member}' failed to satisfy \
                 constraint: {constraint}"
            ),
        }
    }

    /// The HTTP layer refuses a request.
    pub fn of_http(status: u16, text: &str) -> ApiError {
        ApiError {
            status,
            error_type: match status {
                413 => "RequestEntityTooLargeException",
                501 | 505 => "NotImplementedException",
                _ => "InvalidRequestException",
            },
            text: text.to_string(),
        }
    }

    /// Lambda's answer to more concurrent calls than an account may make.
    pub fn too_many_requests() -> ApiError {
        ApiError::throttled("ConcurrentInvocationLimitExceeded")
    }

    /// The same for a function.
    pub fn too_many_environments() -> ApiError {
        ApiError::throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
    }

    /// The text of this error is its reason: the message is always the same.
    fn throttled(reason: &str) -> ApiError {
        ApiError {
            status: 429,
            error_type: "TooManyRequestsException",
            text: reason.to_string(),
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
        let body = match (self.status, self.error_type) {
            (413, _) | (_, "ValidationException") => json!({ "message": text }),
            (404, _) => json!({ "Type": "User", "Message": text }),
            (429, _) => {
                let reason = &self.text;
                json!({ "Reason": reason, "Type": "User", "message": "Rate Exceeded." })
            }
            (500.., _) => json!({ "Type": "Service", "Message": text }),
            _ => json!({ "Type": "User", "message": text }),
        };
        Reply::json(self.status, &body)
            .with_header("X-Amzn-RequestId", clock::uuid())
            .with_header("X-Amzn-ErrorType", self.error_type)
    }
}
