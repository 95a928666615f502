//! Refusals and answers, member by member.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{
    ApiError, Executed, InvocationType, http_refusal, immediate_reply, outcome_reply, stream_chunk,
    stream_end, stream_head,
};
use super::{body, header, invoke, invoke_with};
use crate::event_stream;
use crate::local::outcome::Outcome;

const EXECUTED: Executed<'_> = Executed {
    request_id: "the-id",
    version: "7",
    trace_id: "Root=1",
};

#[test]
fn refusal_has_the_members_of_its_kind() {
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST";
    let not_found = format!("Function not found: {arn}");
    for (error, expected) in [
        (
            ApiError::new(404, "ResourceNotFoundException", not_found.clone()),
            json!({ "Type": "User", "Message": not_found }),
        ),
        (
            ApiError::invalid_content("Could not parse request body into json: x"),
            json!({ "Type": "User", "message": "Could not parse request body into json: x" }),
        ),
        (
            ApiError::invalid_parameter("x"),
            json!({ "Type": "User", "message": "x" }),
        ),
        (
            ApiError::function_is_busy(),
            json!({
                "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
                "Type": "User",
                "message": "Rate Exceeded.",
            }),
        ),
        (
            ApiError::too_many_requests(),
            json!({
                "Reason": "ConcurrentInvocationLimitExceeded",
                "Type": "User",
                "message": "Rate Exceeded.",
            }),
        ),
        (
            ApiError::new(400, "ValidationException", "1 validation error detected: x"),
            json!({ "message": "1 validation error detected: x" }),
        ),
        (
            ApiError::new(413, "RequestEntityTooLargeException", "x"),
            json!({ "Type": "User", "message": "x" }),
        ),
        (
            ApiError::new(500, "ServiceException", "x"),
            json!({ "Type": "Service", "Message": "x" }),
        ),
    ] {
        let reply = error.reply();
        assert_eq!(reply.status, error.status);
        assert_eq!(body(&reply), expected);
        assert_eq!(header(&reply, "X-Amzn-ErrorType"), Some(error.error_type));
        assert_eq!(header(&reply, "Content-Type"), Some("application/json"));
        assert_eq!(header(&reply, "X-Amzn-RequestId").map(str::len), Some(36));
    }
    assert_eq!(ApiError::function_is_busy().status, 429);
    assert_eq!(
        (
            ApiError::stopping().status,
            ApiError::not_emulated("x").status
        ),
        (503, 501)
    );
}

#[test]
fn refusal_of_the_http_layer_is_json_with_a_name() {
    for status in [400, 403, 404, 405, 408, 413, 417, 429, 431, 501, 503, 505] {
        let reply = http_refusal(status, "why \"it\" is refused");
        assert_eq!(reply.status, status);
        assert_eq!(body(&reply), json!({ "message": "why \"it\" is refused" }));
        let name = header(&reply, "X-Amzn-ErrorType").expect("a name");
        assert!(name.ends_with("Exception"), "{name}");
        assert_eq!(header(&reply, "Content-Type"), Some("application/json"));
    }
}

#[test]
fn response_is_answered_with_its_type_and_what_was_executed() {
    let outcome = Outcome::response(b"\0\x01".to_vec(), "image/png");
    let reply = outcome_reply(outcome, EXECUTED, None);
    assert_eq!((reply.status, &reply.body[..]), (200, &b"\0\x01"[..]));
    for (name, value) in [
        ("Content-Type", Some("image/png")),
        ("X-Amzn-RequestId", Some("the-id")),
        ("X-Amz-Executed-Version", Some("7")),
        ("X-Amzn-Trace-Id", Some("Root=1")),
        ("X-Amz-Function-Error", None),
        ("X-Amz-Log-Result", None),
    ] {
        assert_eq!(header(&reply, name), value, "{name}");
    }
}

#[test]
fn error_of_the_function_is_200_unhandled_in_json() {
    let posted = Outcome::posted_error(
        b"{\"errorType\":\"X\"}".to_vec(),
        "application/vnd.aws.lambda.error+json",
        "X".to_string(),
    );
    let timed_out = Outcome::timed_out("the-id", Duration::from_secs(1));
    for (outcome, expected) in [
        (posted, json!({ "errorType": "X" })),
        (
            Outcome::too_large(),
            json!({
                "errorType": "Function.ResponseSizeTooLarge",
                "errorMessage": "Response payload size exceeded maximum allowed payload size \
                                 (6291556 bytes).",
            }),
        ),
        (
            timed_out,
            json!({
                "errorType": "Sandbox.Timedout",
                "errorMessage": "RequestId: the-id Error: Task timed out after 1.00 seconds",
            }),
        ),
    ] {
        let reply = outcome_reply(outcome, EXECUTED, None);
        assert_eq!((reply.status, body(&reply)), (200, expected));
        assert_eq!(header(&reply, "X-Amz-Function-Error"), Some("Unhandled"));
        assert_eq!(header(&reply, "Content-Type"), Some("application/json"));
        assert_eq!(header(&reply, "X-Amz-Executed-Version"), Some("7"));
    }
}

#[test]
fn exit_of_the_runtime_has_the_words_of_lambda() {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    for (status, expected) in [
        (0, "Runtime exited without providing a reason"),
        (127 << 8, "Runtime exited with error: exit status 127"),
    ] {
        let outcome = Outcome::exited("the-id", ExitStatus::from_raw(status));
        let reply = outcome_reply(outcome, EXECUTED, None);
        let expected = format!("RequestId: the-id Error: {expected}");
        let expected = json!({ "errorType": "Runtime.ExitError", "errorMessage": expected });
        assert_eq!(body(&reply), expected);
    }
}

#[test]
fn tail_of_the_log_is_its_last_4096_bytes_in_base64() {
    let log: Vec<u8> = (0..5000).map(|at| b'a' + (at % 26) as u8).collect();
    for (log, expected) in [
        (&log[..], &log[904..]),
        (b"START\n", b"START\n"),
        (b"", b""),
    ] {
        let outcome = Outcome::response(b"1".to_vec(), "application/json");
        let end = stream_end(&outcome, Some(log));
        let reply = outcome_reply(outcome, EXECUTED, Some(log));
        let encoded = header(&reply, "X-Amz-Log-Result")
            .expect("a log")
            .to_string();
        let decoded = crate::base64::decode(encoded.as_bytes());
        assert_eq!(decoded.as_deref(), Some(expected));
        let (event_type, fields) = complete(&end);
        assert_eq!(event_type, "InvokeComplete");
        assert_eq!(fields, json!({ "LogResult": encoded }));
    }
}

fn complete(frame: &[u8]) -> (String, Value) {
    let decoded = event_stream::decode(frame)
        .expect("a frame")
        .expect("a whole frame");
    assert_eq!(decoded.length, frame.len());
    let fields = serde_json::from_slice(decoded.payload).expect("JSON");
    (decoded.event_type, fields)
}

#[test]
fn stream_has_a_head_chunks_and_an_outcome() {
    let head = stream_head(EXECUTED);
    assert_eq!(head.status, 200);
    let content_type = Some("application/vnd.amazon.eventstream");
    assert_eq!(header(&head, "Content-Type"), content_type);
    assert_eq!(header(&head, "X-Amz-Executed-Version"), Some("7"));
    let chunk = stream_chunk(b"\0part");
    let chunk = event_stream::decode(&chunk)
        .expect("a frame")
        .expect("a whole frame");
    assert_eq!(
        (chunk.event_type.as_str(), chunk.payload),
        ("PayloadChunk", &b"\0part"[..])
    );
    let done = Outcome::response(Vec::new(), "text/plain");
    assert_eq!(complete(&stream_end(&done, None)).1, json!({}));
    let failed = Outcome::posted_error(b"{\"a\":1}".to_vec(), "x", "Some.Error".to_string());
    let expected = json!({
        "ErrorCode": "Some.Error",
        "ErrorDetails": "{\"a\":1}",
        "LogResult": "bG9n",
    });
    assert_eq!(complete(&stream_end(&failed, Some(b"log"))).1, expected);
}

#[test]
fn call_that_does_not_wait_is_answered_at_once() {
    for (kind, status, expected) in [
        (InvocationType::Event, 202, ""),
        (InvocationType::DryRun, 204, ""),
        (InvocationType::InvokeAsync, 202, "{\"Status\":202}"),
    ] {
        let reply = immediate_reply(kind, "the-id", "Root=1");
        assert_eq!(
            (reply.status, &reply.body[..]),
            (status, expected.as_bytes())
        );
        assert_eq!(header(&reply, "X-Amzn-RequestId"), Some("the-id"));
        assert_eq!(header(&reply, "X-Amz-Executed-Version"), None);
    }
}

/// Every refusal of a call can be read by a client: JSON with a text, and a name in a header.
#[test]
fn refusal_of_any_call_is_json_with_a_text_and_a_name() {
    let refused = [
        invoke("POST /2015-03-31/functions/a!b/invocations HTTP/1.1\n"),
        invoke("POST /2015-03-31/functions/a:1/invocations?Qualifier=2 HTTP/1.1\n"),
        invoke("GET /2015-03-31/functions/a/invocations HTTP/1.1\n"),
        invoke("PATCH /2015-03-31/functions/a HTTP/1.1\n"),
        invoke("PUT /2019-09-25/functions/a/event-invoke-config HTTP/1.1\n"),
        invoke_with("X-Amz-Invocation-Type: x\n"),
        invoke_with("X-Amz-Log-Type: x\n"),
        invoke_with("X-Amz-Client-Context: x\n"),
        invoke_with("X-Amz-Tenant-Id: {}\n"),
    ];
    for error in refused {
        let reply = error.expect_err("a refusal").reply();
        let shown = body(&reply);
        let text = shown.get("message").or(shown.get("Message"));
        assert!(
            text.and_then(Value::as_str)
                .is_some_and(|text| text.len() > 10),
            "{shown}"
        );
        let name = header(&reply, "X-Amzn-ErrorType").expect("a name");
        assert!(name.ends_with("Exception") && !name.contains(':'), "{name}");
    }
}
