//! Refusals in the form of Lambda's: a status, a name in a header, and a body in JSON.
//!
//! The shape of a body follows from the name, as in AWS's model of the API: some have `Message` and
//! some `message`; an error of the layer that validates values has no `Type`. Clients read the name
//! from the header and either spelling of the text. Sources: AWS's model (lambda, 2015-03-31);
//! production's answers recorded by localstack/localstack (tests/aws/services/lambda_) and in
//! ex-aws/ex_aws#442.

use serde_json::{Map, Value, json};

use crate::clock;
use crate::local::http::Reply;

/// The most characters of a refused value that a message quotes: more than any valid value has.
const QUOTED_CHARACTERS_MAX: usize = 512;

/// The answer to a call that reaches no function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    pub status: u16,
    /// AWS's name of the error.
    pub error_type: &'static str,
    pub text: String,
    /// Which limit was exceeded, for `TooManyRequestsException`.
    pub reason: Option<&'static str>,
}

impl ApiError {
    pub fn new(status: u16, error_type: &'static str, text: impl Into<String>) -> ApiError {
        ApiError {
            status,
            error_type,
            text: text.into(),
            reason: None,
        }
    }

    /// A value that Lambda's model allows and Lambda does not.
    pub fn invalid_parameter(text: impl Into<String>) -> ApiError {
        ApiError::new(400, "InvalidParameterValueException", text)
    }

    /// An event or a client context that is not what Lambda accepts.
    pub fn invalid_content(text: impl Into<String>) -> ApiError {
        ApiError::new(400, "InvalidRequestContentException", text)
    }

    /// Values that Lambda's model does not allow.
    pub fn validation(violations: &[Violation]) -> ApiError {
        let texts: Vec<String> = violations.iter().map(Violation::text).collect();
        let errors = match texts.len() {
            1 => "error",
            _ => "errors",
        };
        let text = format!(
            "{} validation {errors} detected: {}",
            texts.len(),
            texts.join("; ")
        );
        ApiError::new(400, "ValidationException", text)
    }

    /// More concurrent calls than the account may make.
    pub fn too_many_requests() -> ApiError {
        ApiError::rate_exceeded("ConcurrentInvocationLimitExceeded")
    }

    /// More concurrent calls than the function may handle.
    pub fn function_is_busy() -> ApiError {
        ApiError::rate_exceeded("ReservedFunctionConcurrentInvocationLimitExceeded")
    }

    fn rate_exceeded(reason: &'static str) -> ApiError {
        ApiError {
            reason: Some(reason),
            ..ApiError::new(429, "TooManyRequestsException", "Rate Exceeded.")
        }
    }

    /// The tool stops before the function has answered. Clients send the call again after a 503.
    pub fn stopping() -> ApiError {
        let text = "tinderbox run is stopping: the function's answer is lost";
        ApiError::new(503, "ServiceException", text)
    }

    /// The function was deleted while the call waited.
    pub fn function_deleted(arn: &str) -> ApiError {
        let text = format!("Function not found: {arn}");
        ApiError::new(404, "ResourceNotFoundException", text)
    }

    /// A part of Lambda that does not exist here.
    pub fn not_emulated(what: &str) -> ApiError {
        let text = format!("tinderbox run does not emulate {what}");
        ApiError::new(501, "NotImplementedException", text)
    }

    /// A path that Lambda does not know.
    pub fn unknown_operation() -> ApiError {
        ApiError::new(404, "UnknownOperationException", UNKNOWN_OPERATION)
    }

    /// A known path with another method.
    pub fn method_not_allowed() -> ApiError {
        ApiError::new(405, "MethodNotAllowedException", UNKNOWN_OPERATION)
    }

    /// The error as a reply.
    pub fn reply(&self) -> Reply {
        let text = match self.error_type {
            "ResourceNotFoundException" | "ServiceException" | "AccessDeniedException" => "Message",
            _ => "message",
        };
        let mut body = Map::new();
        if let Some(reason) = self.reason {
            body.insert("Reason".to_string(), reason.into());
        }
        match (self.error_type, self.status) {
            ("ValidationException" | "AccessDeniedException", _) => {}
            (_, 500..) => {
                body.insert("Type".to_string(), "Service".into());
            }
            _ => {
                body.insert("Type".to_string(), "User".into());
            }
        }
        body.insert(text.to_string(), self.text.as_str().into());
        refusal(self.status, self.error_type, &body.into())
    }
}

const UNKNOWN_OPERATION: &str =
    "unknown operation: use POST /2015-03-31/functions/NAME/invocations";

/// A value that breaks a rule of Lambda's model.
pub struct Violation<'a> {
    pub value: &'a str,
    /// The member's name in the model: `functionName`.
    pub member: &'a str,
    pub constraint: String,
}

impl Violation<'_> {
    fn text(&self) -> String {
        let mut characters = self.value.chars();
        let mut value: String = characters.by_ref().take(QUOTED_CHARACTERS_MAX).collect();
        if !characters.as_str().is_empty() {
            value += "...";
        }
        let Violation {
            member, constraint, ..
        } = self;
        format!("Value '{value}' at '{member}' failed to satisfy constraint: {constraint}")
    }
}

/// A refusal of the HTTP layer, before there is a call: clients of Lambda parse JSON only.
pub fn http_refusal(status: u16, text: &str) -> Reply {
    let error_type = match status {
        400 => "BadRequestException",
        403 => "AccessDeniedException",
        404 => "UnknownOperationException",
        405 => "MethodNotAllowedException",
        408 => "RequestTimeoutException",
        413 => "RequestEntityTooLargeException",
        417 => "ExpectationFailedException",
        429 => "TooManyRequestsException",
        431 => "RequestHeaderFieldsTooLargeException",
        501 => "NotImplementedException",
        503 => "ServiceException",
        505 => "HttpVersionNotSupportedException",
        _ => "ServiceException",
    };
    refusal(status, error_type, &json!({ "message": text }))
}

fn refusal(status: u16, error_type: &str, body: &Value) -> Reply {
    Reply::json(status, body)
        .with_header("X-Amzn-RequestId", clock::uuid())
        .with_header("X-Amzn-ErrorType", error_type)
}
