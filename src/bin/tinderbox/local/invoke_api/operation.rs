//! Which operation a request is, from its head alone: the event is not read before the call is
//! known to be acceptable.

use super::error::{ApiError, Violation};
use super::headers;
use super::reference::{FunctionRef, Names};
use crate::local::functions_api::{self, ManageCall};
use crate::local::http::Request;

/// What a caller wants.
pub enum Operation {
    Invoke(InvokeCall),
    /// A call that reads or changes functions; `Functions::manage` answers it.
    Manage(ManageCall),
}

/// An invocation, without its event.
#[derive(Debug)]
pub struct InvokeCall {
    pub function: FunctionRef,
    pub invocation_type: InvocationType,
    /// The caller wants the end of the log: `X-Amz-Log-Type: Tail`.
    pub wants_log_tail: bool,
    /// Which attempt of an SDK this is, counted from 1 (`amz-sdk-request`): a later one may be an
    /// event that has been handled before.
    pub attempt: Option<u32>,
    pub trace_id: Option<String>,
    /// Decoded: JSON.
    pub client_context: Option<String>,
    pub tenant_id: Option<String>,
    pub content_type: Option<String>,
}

/// The invocation types of Lambda's API, and its two other ways to invoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvocationType {
    RequestResponse,
    /// The response is streamed.
    ResponseStream,
    Event,
    DryRun,
    /// `Event`, by the call that came before it and has an answer of its own.
    InvokeAsync,
}

impl InvocationType {
    /// The caller does not wait for the function.
    pub fn is_asynchronous(self) -> bool {
        matches!(self, InvocationType::Event | InvocationType::InvokeAsync)
    }
}

/// The operation that a request is.
pub fn route(request: &Request) -> Result<Operation, ApiError> {
    let (method, path) = (request.method.as_str(), request.path.as_str());
    if let Some((name, kind)) = invoke_path(path) {
        return match method {
            "POST" => invoke_call(request, name, kind).map(Operation::Invoke),
            _ => Err(ApiError::method_not_allowed()),
        };
    }
    if let Some(call) = ManageCall::route(method, path, &request.query) {
        return call.map(Operation::Manage);
    }
    Err(functions_api::refusal(method, path).unwrap_or_else(ApiError::unknown_operation))
}

/// The function's part of the path, and what the call is without a header.
fn invoke_path(path: &str) -> Option<(&str, InvocationType)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut parts = path.strip_prefix('/')?.split('/');
    let found = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    if parts.next().is_some() {
        return None;
    }
    match found {
        ["2015-03-31", "functions", name, "invocations"] => {
            Some((name, InvocationType::RequestResponse))
        }
        [
            "2021-11-15",
            "functions",
            name,
            "response-streaming-invocations",
        ] => Some((name, InvocationType::ResponseStream)),
        ["2014-11-13", "functions", name, "invoke-async"] => {
            Some((name, InvocationType::InvokeAsync))
        }
        _ => None,
    }
}

fn invoke_call(
    request: &Request,
    name: &str,
    kind: InvocationType,
) -> Result<InvokeCall, ApiError> {
    let function = FunctionRef::from_request(name, &request.query, Names::Namespaced)?;
    let (invocation_type, wants_log_tail) = match kind {
        InvocationType::InvokeAsync => (kind, false),
        _ => (invocation_type(request, kind)?, log_type(request)?),
    };
    if request.header("X-Amz-Durable-Execution-Name").is_some() {
        return Err(ApiError::not_emulated(
            "durable executions (X-Amz-Durable-Execution-Name)",
        ));
    }
    Ok(InvokeCall {
        function,
        invocation_type,
        wants_log_tail,
        attempt: headers::attempt(request),
        trace_id: headers::trace_id(request)?,
        client_context: headers::client_context(request)?,
        tenant_id: headers::tenant_id(request)?,
        content_type: headers::content_type(request)?,
    })
}

fn invocation_type(request: &Request, kind: InvocationType) -> Result<InvocationType, ApiError> {
    let is_stream = kind == InvocationType::ResponseStream;
    match request.header("X-Amz-Invocation-Type") {
        None | Some("RequestResponse") => Ok(kind),
        Some("DryRun") => Ok(InvocationType::DryRun),
        Some("Event") if !is_stream => Ok(InvocationType::Event),
        Some(other) => Err(not_in_set(
            other,
            "invocationType",
            match is_stream {
                true => "[RequestResponse, DryRun]",
                false => "[DryRun, RequestResponse, Event]",
            },
        )),
    }
}

fn log_type(request: &Request) -> Result<bool, ApiError> {
    match request.header("X-Amz-Log-Type") {
        None | Some("None") => Ok(false),
        Some("Tail") => Ok(true),
        Some(other) => Err(not_in_set(other, "logType", "[None, Tail]")),
    }
}

fn not_in_set(value: &str, member: &'static str, set: &str) -> ApiError {
    ApiError::validation(&[Violation {
        value,
        member,
        constraint: format!("Member must satisfy enum value set: {set}"),
    }])
}
