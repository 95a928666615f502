//! The errors of the management calls, in Lambda's words.

use crate::local::invoke_api::{ApiError, Violation};
use crate::settings;

/// There is no such function, version or alias; `qualifier` is shown if it was part of the call.
pub fn function_not_found(name: &str, qualifier: Option<&str>) -> ApiError {
    not_found(format!("Function not found: {}", arn(name, qualifier)))
}

/// Something else does not exist.
pub fn not_found(text: String) -> ApiError {
    error(404, "ResourceNotFoundException", text)
}

/// It exists already, or is in use.
pub fn conflict(text: String) -> ApiError {
    error(409, "ResourceConflictException", text)
}

/// A value that Lambda's model allows and Lambda does not.
pub fn invalid(text: impl Into<String>) -> ApiError {
    error(400, "InvalidParameterValueException", text.into())
}

/// A value that Lambda's model does not allow.
pub fn validation(value: &str, member: &str, constraint: &str) -> ApiError {
    let constraint = constraint.to_string();
    ApiError::validation(&[Violation {
        value,
        member,
        constraint,
    }])
}

/// A body that is no JSON, or a member of a wrong type.
pub fn serialization(text: String) -> ApiError {
    error(400, "SerializationException", text)
}

/// The caller has seen an older revision.
pub fn stale_revision(call: &str) -> ApiError {
    let text = format!(
        "The Revision Id provided does not match the latest Revision Id. Call the {call} API to \
         retrieve the latest Revision Id"
    );
    error(412, "PreconditionFailedException", text)
}

/// More than this tool stores.
pub fn storage_exceeded(text: &str) -> ApiError {
    error(400, "CodeStorageExceededException", text.to_string())
}

/// A package or a request that is too large.
pub fn too_large(text: String) -> ApiError {
    error(413, "RequestEntityTooLargeException", text)
}

/// A failure of the workstation, such as a full disk.
pub fn internal(text: String) -> ApiError {
    error(500, "ServiceException", text)
}

/// A part of Lambda that does not exist here.
pub fn not_emulated(what: &str) -> ApiError {
    ApiError::not_emulated(what)
}

fn error(status: u16, error_type: &'static str, text: String) -> ApiError {
    ApiError::new(status, error_type, text)
}

/// The ARN of a function, of a version or of an alias.
pub fn arn(name: &str, qualifier: Option<&str>) -> String {
    let arn = settings::arn(name);
    match qualifier {
        Some(qualifier) => format!("{arn}:{qualifier}"),
        None => arn,
    }
}
