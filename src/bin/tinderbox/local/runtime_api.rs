//! The Runtime API's paths and replies. Pure.
//!
//! Sources: the OpenAPI description of the Runtime API, version 2018-06-01; the observed behaviour
//! of AWS's emulator, whose server is Lambda's own.

mod clients;
pub mod posted;

pub use clients::Clients;

use std::time::Duration;

use serde_json::json;

use super::http::{Framing, Payload, Reply, Request, Timeouts};
use super::invocation::Invocation;

const BASE: &str = "/2018-06-01";
const EXTENSION_BASE: &str = "/2020-01-01/extension";

/// The header with which an extension identifies itself.
pub const EXTENSION_IDENTIFIER: &str = "Lambda-Extension-Identifier";

/// How long a client may take for a head after its first byte.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the bootstrap may take to send and to read, in addition to the function's timeout.
const TRANSFER_GRACE: Duration = Duration::from_secs(60);

/// How long a bootstrap is waited for. Between its requests without limit: it may be busy.
pub fn timeouts(timeout: Duration) -> Timeouts {
    let transfer = Some(timeout.saturating_add(TRANSFER_GRACE));
    Timeouts {
        first: None,
        idle: None,
        head: Some(HEAD_TIMEOUT),
        body: transfer,
        stall: transfer,
        send: transfer,
    }
}

/// What a request asks for.
pub enum Route {
    Ping,
    Next,
    /// A response to, or an error of, the event with this id.
    Response(String),
    Error(String),
    InitError,
    Restore,
    RestoreError,
    Register,
    ExtensionNext,
    /// No such path or method: a status and a text.
    Refused(u16, &'static str),
}

/// What a request asks for, in an environment with or without snapshots.
pub fn route(request: &Request, snapstart: bool) -> Route {
    const UNKNOWN: Route = Route::Refused(404, "404 page not found\n");
    let method = request.method.as_str();
    if let Some(path) = request.path.strip_prefix(EXTENSION_BASE) {
        return match (path, method) {
            ("/register", "POST") => Route::Register,
            ("/event/next", "GET") => Route::ExtensionNext,
            _ => UNKNOWN,
        };
    }
    let path = request.path.strip_prefix(BASE).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    match (parts.as_slice(), method) {
        (["", "ping"], "GET") => Route::Ping,
        (["", "runtime", "invocation", "next"], "GET") => Route::Next,
        (["", "runtime", "invocation", id, "response"], "POST") => Route::Response(id.to_string()),
        (["", "runtime", "invocation", id, "error"], "POST") => Route::Error(id.to_string()),
        (["", "runtime", "init", "error"], "POST") => Route::InitError,
        (["", "runtime", "restore", "next"], "GET") if snapstart => Route::Restore,
        (["", "runtime", "restore", "error"], "POST") if snapstart => Route::RestoreError,
        (
            ["", "ping"]
            | ["", "runtime", "invocation", "next"]
            | ["", "runtime", "invocation", _, "response" | "error"]
            | ["", "runtime", "init", "error"],
            _,
        ) => Route::Refused(405, ""),
        _ => UNKNOWN,
    }
}

/// The headers in the order in which net/http sorts them; absent ones are left out.
pub fn event_reply(invocation: &Invocation) -> Reply {
    let request = &invocation.request;
    let deadline_ms = invocation.deadline_ms.to_string();
    let attempt_id = invocation.attempt_id.clone();
    let all = [
        ("Content-Type", Some(request.content_type.clone())),
        ("Lambda-Runtime-Aws-Request-Id", Some(request.id.clone())),
        ("Lambda-Runtime-Aws-Tenant-Id", request.tenant_id.clone()),
        (
            "Lambda-Runtime-Client-Context",
            request.client_context.clone(),
        ),
        ("Lambda-Runtime-Deadline-Ms", Some(deadline_ms)),
        ("Lambda-Runtime-Invocation-Id", Some(attempt_id)),
        (
            "Lambda-Runtime-Invoked-Function-Arn",
            Some(request.arn.clone()),
        ),
        ("Lambda-Runtime-Trace-Id", Some(request.trace_id.clone())),
    ];
    Reply {
        status: 200,
        headers: all
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
        body: Payload::Shared(request.event.clone()),
        framing: Framing::UnknownLength,
    }
}

/// The reply to an answer.
pub fn accepted() -> Reply {
    Reply::new(202, "application/json", "{\"status\":\"OK\"}\n")
}

/// The reply to a call that is refused.
pub fn error_reply(status: u16, error_type: &str, text: &str) -> Reply {
    let body = json!({ "errorMessage": text, "errorType": error_type });
    Reply::new(status, "application/json", format!("{body}\n"))
}

/// The reply to a connection that finds no place.
pub fn refusal() -> Reply {
    error_reply(503, "ServiceException", "Too many connections")
}
