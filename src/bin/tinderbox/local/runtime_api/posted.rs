//! Posted responses and errors, and the outcome that each becomes.

use serde_json::{Value, json};

use crate::base64;
use crate::local::http::Body;
use crate::local::outcome::Outcome;

/// The header, and the trailer, with the type of an error.
pub const ERROR_TYPE: &str = "Lambda-Runtime-Function-Error-Type";
const ERROR_BODY: &str = "Lambda-Runtime-Function-Error-Body";
const ERROR_CAUSE_JSON: &str = "application/vnd.aws.lambda.error.cause+json";

/// A posted response. If its trailers report an error, that is the outcome: the caller of a
/// response stream has the first part of the response, any other caller nothing of it.
pub fn response(content_type: &str, body: Body) -> Outcome {
    if let Some(error_type) = body.trailer(ERROR_TYPE) {
        let encoded = body.trailer(ERROR_BODY).unwrap_or_default();
        let error = base64::decode(encoded.as_bytes()).unwrap_or_default();
        return error_outcome(error, "application/json", classify(error_type));
    }
    Outcome::response(body.bytes, content_type)
}

/// A posted error.
pub fn error(error_type: &str, content_type: &str, body: Body) -> Outcome {
    let error_type = classify(error_type);
    if content_type.eq_ignore_ascii_case(ERROR_CAUSE_JSON) {
        let body = without_cause(&body.bytes);
        return Outcome::posted_error(body, "application/json", error_type);
    }
    error_outcome(body.bytes, content_type, error_type)
}

fn error_outcome(body: Vec<u8>, content_type: &str, error_type: String) -> Outcome {
    if body.is_empty() {
        // Only the header is known then (OpenAPI of the Runtime API).
        let body = json!({ "errorType": error_type, "errorMessage": "" });
        return Outcome::posted_error(body.to_string().into(), "application/json", error_type);
    }
    Outcome::posted_error(body, content_type, error_type)
}

/// AWS keeps a type that contains `Runtime.` or `Function.`, a capital and another letter.
fn classify(error_type: &str) -> String {
    let is_known = ["Runtime.", "Function."].iter().any(|category| {
        error_type.match_indices(category).any(|(at, _)| {
            let reason = &error_type.as_bytes()[at + category.len()..];
            reason.first().is_some_and(u8::is_ascii_uppercase)
                && reason.get(1).is_some_and(u8::is_ascii_alphabetic)
        })
    });
    match is_known {
        true => error_type.to_string(),
        false if error_type.starts_with("Function.") => "Function.Unknown".to_string(),
        false => "Runtime.Unknown".to_string(),
    }
}

/// The cause is for X-Ray; the caller gets the three usual fields, of which Node names one `trace`.
fn without_cause(body: &[u8]) -> Vec<u8> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
        return b"\"Invalid error body\"".to_vec();
    };
    let wanted = ["errorMessage", "errorType", "stackTrace", "trace"];
    fields.retain(|name, _| wanted.contains(&name.as_str()));
    Value::Object(fields).to_string().into_bytes()
}
