//! The Runtime API as a state machine: what is legal when, and what a caller gets for it.
//!
//! The expectations are those of AWS's emulator, driven byte by byte (see the table of phases in
//! its `core/states.go`).

use crate::bench::{Bench, INIT_ERROR, NEXT};

#[test]
fn an_answer_without_an_event_is_400() {
    let bench = Bench::start(&[]);
    let mut runtime = bench.connect();
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
fn a_wrong_id_is_400_and_next_gives_the_same_event_again() {
    let bench = Bench::start(&[]);
    let caller = bench.call("\"once\"");
    let mut runtime = bench.connect();
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
fn a_repeated_next_gives_the_same_event_also_on_another_connection() {
    let bench = Bench::start(&[]);
    let caller = bench.call("1");
    let mut first = bench.connect();
    let event = first.next();
    drop(first);
    let mut second = bench.connect();
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
fn a_second_answer_is_403_and_next_waits() {
    let bench = Bench::start(&[]);
    let caller = bench.call("1");
    let mut runtime = bench.connect();
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
    let caller = bench.call("2");
    let next = runtime.reply();
    assert_eq!(next.body, b"2");
    let old = bench.connect().respond(&id, b"1");
    assert_eq!(old.status, 400, "an id of an earlier event");
    runtime.respond(&next.id(), b"2");
    assert_eq!(caller.reply().as_bytes(), b"2");
}

#[test]
fn an_answer_while_next_waits_is_403_for_the_last_id() {
    let bench = Bench::start(&[]);
    let caller = bench.call("1");
    let mut runtime = bench.connect();
    let id = runtime.next().id();
    runtime.respond(&id, b"1");
    caller.reply();
    runtime.get(NEXT);
    assert!(runtime.is_silent());
    let reply = bench.connect().respond(&id, b"1");
    assert_eq!(reply.status, 403);
    assert!(reply.field("errorMessage").contains("Ready"));
}

#[test]
fn the_first_of_two_waiting_connections_gets_the_event() {
    let bench = Bench::start(&[]);
    let mut first = bench.connect();
    first.get(NEXT);
    assert!(first.is_silent());
    let mut second = bench.connect();
    second.get(NEXT);
    assert!(second.is_silent());
    let caller = bench.call("1");
    let event = first.reply();
    assert!(second.is_silent());
    first.respond(&event.id(), b"1");
    caller.reply();
    first.get(NEXT);
    assert!(first.is_silent());
    let caller = bench.call("2");
    let event = second.reply();
    second.respond(&event.id(), b"2");
    assert_eq!(caller.reply().as_bytes(), b"2");
}

#[test]
fn an_event_swallowed_by_a_dead_connection_is_had_by_asking_again() {
    let bench = Bench::start(&[]);
    let mut dead = bench.connect();
    dead.get(NEXT);
    assert!(dead.is_silent());
    drop(dead);
    let caller = bench.call("1");
    let mut alive = bench.connect();
    // The server does not watch for the client's end, so the dead connection is first in line.
    bench.is_in("Running");
    let event = alive.next();
    alive.respond(&event.id(), b"1");
    assert_eq!(caller.reply().as_bytes(), b"1");
}

#[test]
fn an_unknown_response_mode_is_400_and_the_event_is_stuck_until_its_time_is_up() {
    let bench = Bench::start(&["--timeout", "0.5"]);
    let caller = bench.call("1");
    let mut runtime = bench.connect();
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
    assert!(
        reply
            .as_str()
            .expect("text")
            .contains("Task timed out after 0.50 seconds")
    );
}

#[test]
fn the_streaming_mode_is_taken_and_what_fails_midway_has_failed() {
    let bench = Bench::start(&[]);
    let caller = bench.call("1");
    let mut runtime = bench.connect();
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
fn an_init_error_is_the_callers_answer_and_ends_everything_else() {
    let bench = Bench::start(&["--init-timeout", "0.5"]);
    let caller = bench.call("1");
    let mut runtime = bench.connect();
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
    bench
        .server
        .says("the bootstrap reported an init error and was killed");
    bench.server.says("Error Type: Function.Init");
}

#[test]
fn an_init_error_after_next_is_403() {
    let bench = Bench::start(&[]);
    let caller = bench.call("1");
    let mut runtime = bench.connect();
    let id = runtime.next().id();
    runtime.post(INIT_ERROR, b"{}");
    assert_eq!(runtime.reply().status, 403);
    runtime.respond(&id, b"1");
    runtime.post(INIT_ERROR, b"{}");
    assert_eq!(runtime.reply().status, 403);
    assert_eq!(caller.reply().as_bytes(), b"1");
}

#[test]
fn an_answer_that_breaks_off_is_an_error_once_the_runtime_asks_for_more() {
    let bench = Bench::start(&[]);
    let caller = bench.call("1");
    let mut runtime = bench.connect();
    let id = runtime.next().id();
    let path = format!("/2018-06-01/runtime/invocation/{id}/response");
    runtime.send(&crate::wire::post(&path, "", &[b'x'; 100])[..150]);
    drop(runtime);
    // The server sees the end of that connection in its own time.
    bench.is_in("ResponseSent");
    let mut runtime = bench.connect();
    runtime.get(NEXT);
    let reply = caller.reply();
    let text = reply.as_str().expect("text");
    assert!(text.contains("Runtime.TruncatedResponse"), "{text}");
    assert!(runtime.is_silent());
}

#[test]
fn an_attempt_id_that_is_echoed_must_be_the_right_one() {
    let bench = Bench::start(&[]);
    let caller = bench.call("1");
    let mut runtime = bench.connect();
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
