//! The Invoke API as Lambda answers it: which operation a request is, which calls and events are
//! refused and in which words, and what the answers look like. Values in, values out: no socket, no
//! clock but for the ids of refusals.
//!
//! - `POST /2015-03-31/functions/{name}/invocations`
//! - `POST /2021-11-15/functions/{name}/response-streaming-invocations`, which streams the response
//! - `POST /2014-11-13/functions/{name}/invoke-async/`, an older asynchronous invocation
//! - the calls that manage functions (`functions_api`), of which the routing is here
//!
//! A call is handled in three steps: `route` with the head alone, `invoke_request` with the body,
//! and after the function's answer `outcome_reply`, or `stream_head`, `stream_chunk` and
//! `stream_end`.
//! Without `--binary` an event is JSON, as on Lambda, and an empty body is `{}`.

mod answer;
mod error;
mod headers;
mod operation;
mod payload;
mod reference;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use answer::{Executed, immediate_reply, outcome_reply, stream_chunk, stream_end, stream_head};
pub use error::{ApiError, Violation, http_refusal};
pub use operation::{InvocationType, InvokeCall, Operation, route};
pub use payload::{event_limit, invoke_request};
pub use reference::{FunctionRef, Names};

use super::http::{Reply, Timeouts};

/// How long a caller may take for a head and for a body, may pause within them, and may leave a
/// connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const BODY_TIMEOUT: Duration = Duration::from_secs(120);
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

pub const TIMEOUTS: Timeouts = Timeouts {
    first: Some(HEAD_TIMEOUT),
    idle: Some(IDLE_TIMEOUT),
    head: Some(HEAD_TIMEOUT),
    body: Some(BODY_TIMEOUT),
    stall: Some(STALL_TIMEOUT),
    send: Some(STALL_TIMEOUT),
};

/// The reply to a connection that finds no place: Lambda's answer to too many calls at once.
pub fn refusal() -> Reply {
    ApiError::too_many_requests().reply()
}
