//! The answers to an invocation: an outcome as one reply or as frames, and what a caller gets that
//! does not wait.

use serde_json::{Map, json};

use super::operation::InvocationType;
use crate::local::http::Reply;
use crate::local::outcome::Outcome;
use crate::{base64, event_stream};

/// The most bytes of a log that `LogType=Tail` returns.
const LOG_TAIL_BYTES_MAX: usize = 4096;

/// What was executed, for the headers of the answer.
#[derive(Clone, Copy)]
pub struct Executed<'a> {
    /// The id in the log.
    pub request_id: &'a str,
    /// `$LATEST`, or the number of a version.
    pub version: &'a str,
    pub trace_id: &'a str,
}

/// The function's response or its error, with the end of the log if the caller wanted it.
pub fn outcome_reply(outcome: Outcome, executed: Executed<'_>, tail: Option<&[u8]>) -> Reply {
    // A runtime sends errors as application/vnd.aws.lambda.error+json, which callers do not see.
    let content_type = match outcome.error_type {
        Some(_) => "application/json",
        None => &outcome.content_type,
    };
    let mut reply = Reply::new(200, content_type, outcome.body);
    if outcome.error_type.is_some() {
        reply = reply.with_header("X-Amz-Function-Error", "Unhandled");
    }
    if let Some(tail) = tail {
        reply = reply.with_header("X-Amz-Log-Result", encode_tail(tail));
    }
    with_executed(reply, executed)
}

/// The head of a streamed response, whose body is frames.
pub fn stream_head(executed: Executed<'_>) -> Reply {
    with_executed(Reply::new(200, event_stream::CONTENT_TYPE, ""), executed)
}

/// The frame of a part of a streamed response.
pub fn stream_chunk(bytes: &[u8]) -> Vec<u8> {
    event_stream::encode("PayloadChunk", bytes)
}

/// The last frame of a streamed response.
pub fn stream_end(outcome: &Outcome, tail: Option<&[u8]>) -> Vec<u8> {
    let mut fields = Map::new();
    if let Some(error_type) = &outcome.error_type {
        let details = String::from_utf8_lossy(&outcome.body).into_owned();
        fields.insert("ErrorCode".to_string(), error_type.as_str().into());
        fields.insert("ErrorDetails".to_string(), details.into());
    }
    if let Some(tail) = tail {
        fields.insert("LogResult".to_string(), encode_tail(tail).into());
    }
    event_stream::encode("InvokeComplete", json!(fields).to_string().as_bytes())
}

/// The answer to a call that does not wait for the function: an event that is queued, or one that
/// would have been accepted.
pub fn immediate_reply(invocation_type: InvocationType, request_id: &str, trace_id: &str) -> Reply {
    let reply = match invocation_type {
        InvocationType::InvokeAsync => Reply::json(202, &json!({ "Status": 202 })),
        InvocationType::DryRun => Reply::empty(204),
        _ => Reply::empty(202),
    };
    reply
        .with_header("X-Amzn-RequestId", request_id)
        .with_header("X-Amzn-Trace-Id", trace_id)
}

fn with_executed(reply: Reply, executed: Executed<'_>) -> Reply {
    reply
        .with_header("X-Amzn-RequestId", executed.request_id)
        .with_header("X-Amz-Executed-Version", executed.version)
        .with_header("X-Amzn-Trace-Id", executed.trace_id)
}

fn encode_tail(log: &[u8]) -> String {
    let start = log.len().saturating_sub(LOG_TAIL_BYTES_MAX);
    base64::encode(&log[start..])
}
