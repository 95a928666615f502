//! The Runtime API as a state machine: which call is legal when, and the caller's answer.
//!
//! The expectations are those of AWS's emulator, driven byte by byte (see the table of phases in
//! its `core/states.go`).

use crate::fake_runtime::{INIT_ERROR, ManualRuntime, NEXT};
use crate::harness::short_timeout;

#[test]
fn answer_without_event_is_400() {
    let lambda = ManualRuntime::start(&[]);
    let mut runtime = lambda.connect();
    for last in ["response", "error"] {
        runtime.post(&format!("/2018-06-01/runtime/invocation/x/{last}"), b"1");
        let reply = runtime.reply();
        assert_eq!(
            (reply.status, reply.field("errorType").as_str()),
            (400, "InvalidRequestID")
        );
    }
}

#[test]
fn wrong_id_is_400_and_next_repeats_the_event() {
    let lambda = ManualRuntime::start(&[]);
    let caller = lambda.call("\"once\"");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    runtime.post("/2018-06-01/runtime/invocation/wrong/response", b"1");
    runtime.get(NEXT);
    assert_eq!(runtime.reply().status, 400);
    let again = runtime.reply();
    assert_eq!(
        (again.id(), again.body.as_slice()),
        (id.clone(), b"\"once\"".as_slice())
    );
    assert_eq!(runtime.respond(&id, b"2").status, 202);
    assert_eq!(caller.reply().as_bytes(), b"2");
}

#[test]
fn repeated_next_returns_the_same_event() {
    let lambda = ManualRuntime::start(&[]);
    let caller = lambda.call("1");
    let mut first = lambda.connect();
    let event = first.next();
    drop(first);
    let mut second = lambda.connect();
    for _ in 0..3 {
        let again = second.next();
        assert_eq!(again.id(), event.id());
        assert_eq!(
            again.header("Lambda-Runtime-Deadline-Ms"),
            event.header("Lambda-Runtime-Deadline-Ms")
        );
    }
    second.respond(&event.id(), b"1");
    assert_eq!(caller.reply().as_bytes(), b"1");
}

#[test]
fn second_answer_is_403() {
    let lambda = ManualRuntime::start(&[]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    assert_eq!(runtime.respond(&id, b"\"first\"").status, 202);
    for last in ["response", "error"] {
        runtime.post(
            &format!("/2018-06-01/runtime/invocation/{id}/{last}"),
            b"\"second\"",
        );
        let reply = runtime.reply();
        let error_type = reply.field("errorType");
        assert_eq!(
            (reply.status, error_type.as_str()),
            (403, "InvalidStateTransition")
        );
        let message = reply.field("errorMessage");
        assert!(message.contains("ResponseSent"), "{message}");
    }
    assert_eq!(caller.reply().as_bytes(), b"\"first\"");
    runtime.get(NEXT);
    assert!(runtime.is_silent());
    let caller = lambda.call("2");
    let next = runtime.reply();
    assert_eq!(next.body, b"2");
    let old = lambda.connect().respond(&id, b"1");
    assert_eq!(old.status, 400, "an id of an earlier event");
    runtime.respond(&next.id(), b"2");
    assert_eq!(caller.reply().as_bytes(), b"2");
}

#[test]
fn answer_while_next_waits_is_403() {
    let lambda = ManualRuntime::start(&[]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    runtime.respond(&id, b"1");
    caller.reply();
    runtime.get(NEXT);
    assert!(runtime.is_silent());
    let reply = lambda.connect().respond(&id, b"1");
    assert_eq!(reply.status, 403);
    assert!(reply.field("errorMessage").contains("Ready"));
}

#[test]
fn first_waiting_connection_gets_the_event() {
    let lambda = ManualRuntime::start(&[]);
    let mut first = lambda.connect();
    first.get(NEXT);
    assert!(first.is_silent());
    let mut second = lambda.connect();
    second.get(NEXT);
    assert!(second.is_silent());
    let caller = lambda.call("1");
    let event = first.reply();
    assert!(second.is_silent());
    first.respond(&event.id(), b"1");
    caller.reply();
    first.get(NEXT);
    assert!(first.is_silent());
    let caller = lambda.call("2");
    let event = second.reply();
    second.respond(&event.id(), b"2");
    assert_eq!(caller.reply().as_bytes(), b"2");
}

#[test]
fn connection_that_was_closed_while_it_waited_gets_no_event() {
    let lambda = ManualRuntime::start(&[]);
    let mut dead = lambda.connect();
    dead.get(NEXT);
    assert!(dead.is_silent());
    drop(dead);
    let caller = lambda.call("1");
    let mut alive = lambda.connect();
    let event = alive.next();
    alive.respond(&event.id(), b"1");
    assert_eq!(caller.reply().as_bytes(), b"1");
}

#[test]
fn unknown_response_mode_is_400_and_the_event_times_out() {
    let timeout = short_timeout();
    let lambda = ManualRuntime::start(&["--timeout", &timeout.to_string()]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    let path = format!("/2018-06-01/runtime/invocation/{id}/response");
    let mode = "Lambda-Runtime-Function-Response-Mode: buffered\r\n";
    runtime.send(crate::wire::post(&path, mode, b"1"));
    let reply = runtime.reply();
    let error_type = reply.field("errorType");
    assert_eq!(
        (reply.status, error_type.as_str()),
        (400, "InvalidFunctionResponseMode")
    );
    runtime.get(NEXT);
    assert_eq!(runtime.reply().status, 403);
    assert_eq!(runtime.respond(&id, b"1").status, 403);
    let reply = caller.reply();
    let text = format!("Task timed out after {timeout:.2} seconds");
    assert!(reply.as_str().expect("text").contains(&text));
}

#[test]
fn streamed_response_with_error_trailer_has_failed() {
    let lambda = ManualRuntime::start(&[]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    let head = format!(
        "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: x\r\n\
         Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\
         Trailer: Lambda-Runtime-Function-Error-Type\r\n\r\n5\r\nhello\r\n0\r\n\
         Lambda-Runtime-Function-Error-Type: Function.Midway\r\n\r\n"
    );
    runtime.send(head);
    assert_eq!(runtime.reply().status, 202);
    let reply = caller.reply();
    assert_eq!(reply.header("X-Amz-Function-Error"), Some("Unhandled"));
    let text = reply.as_str().expect("text");
    assert!(text.contains("Function.Midway"), "{text}");
}

#[test]
fn posted_init_error_is_the_callers_answer() {
    let timeout = short_timeout().to_string();
    let lambda = ManualRuntime::start(&["--init-timeout", &timeout]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let body = br#"{"errorType":"Function.Init","errorMessage":"no"}"#;
    let header = "Lambda-Runtime-Function-Error-Type: Function.Init\r\n";
    runtime.send(crate::wire::post(INIT_ERROR, header, body));
    assert_eq!(runtime.reply().status, 202);
    runtime.get(NEXT);
    assert_eq!(runtime.reply().status, 403);
    runtime.post(INIT_ERROR, body);
    assert_eq!(runtime.reply().status, 403);
    let reply = caller.reply();
    assert_eq!(reply.as_bytes(), body);
    assert_eq!(reply.header("X-Amz-Function-Error"), Some("Unhandled"));
    lambda
        .server
        .wait_for_stderr("the bootstrap posted an init error and was killed");
    lambda.server.wait_for_stderr("Error Type: Function.Init");
}

#[test]
fn init_error_after_next_is_403() {
    let lambda = ManualRuntime::start(&[]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    runtime.post(INIT_ERROR, b"{}");
    assert_eq!(runtime.reply().status, 403);
    runtime.respond(&id, b"1");
    runtime.post(INIT_ERROR, b"{}");
    assert_eq!(runtime.reply().status, 403);
    assert_eq!(caller.reply().as_bytes(), b"1");
}

#[test]
fn truncated_answer_is_an_error_at_the_next_request() {
    let lambda = ManualRuntime::start(&[]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    let path = format!("/2018-06-01/runtime/invocation/{id}/response");
    runtime.send(&crate::wire::post(&path, "", &[b'x'; 100])[..150]);
    drop(runtime);
    // The server notices the end of that connection asynchronously.
    lambda.wait_for_phase("ResponseSent");
    let mut runtime = lambda.connect();
    runtime.get(NEXT);
    let reply = caller.reply();
    let text = reply.as_str().expect("text");
    assert!(text.contains("Runtime.TruncatedResponse"), "{text}");
    assert!(runtime.is_silent());
}

#[test]
fn attempt_id_wrong_is_400() {
    let lambda = ManualRuntime::start(&[]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let event = runtime.next();
    let attempt = event
        .header("Lambda-Runtime-Invocation-Id")
        .expect("an attempt id");
    let path = format!("/2018-06-01/runtime/invocation/{}/response", event.id());
    for (value, status) in [("wrong", 400), (attempt, 202)] {
        let header = format!("Lambda-Runtime-Invocation-Id: {value}\r\n");
        runtime.send(crate::wire::post(&path, &header, value.as_bytes()));
        assert_eq!(runtime.reply().status, status);
    }
    assert_eq!(caller.reply().as_bytes(), attempt.as_bytes());
}
