//! The Invoke API as callers see it: statuses, headers, invocation types, accepted events.

use std::time::{Duration, Instant};

use crate::fake_runtime::ManualRuntime;
use crate::harness::call;
use crate::wire::{Wire, post};

#[test]
fn response_has_lambdas_status_and_headers() {
    let lambda = ManualRuntime::start(&[]);
    let request = lambda
        .server
        .request("{}")
        .with_header("X-Amzn-Trace-Id", "Root=1-2-3");
    let caller = call(request);
    let mut runtime = lambda.connect();
    let event = runtime.next();
    assert_eq!(event.header("Lambda-Runtime-Trace-Id"), Some("Root=1-2-3"));
    runtime.respond(&event.id(), b"[]");
    let reply = caller.reply();
    assert_eq!(
        (reply.status_code, reply.as_bytes()),
        (200, b"[]".as_slice())
    );
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    assert_eq!(reply.header("X-Amz-Executed-Version"), Some("$LATEST"));
    assert_eq!(reply.header("X-Amzn-RequestId"), Some(event.id().as_str()));
    assert_eq!(reply.header("X-Amzn-Trace-Id"), Some("Root=1-2-3"));
    assert_eq!(reply.header("X-Amz-Function-Error"), None);
}

#[test]
fn event_malformed_is_400_with_line_and_column() {
    let lambda = ManualRuntime::start(&[]);
    for (event, place) in [
        (
            b"{".as_slice(),
            "EOF while parsing an object at line 1 column 1",
        ),
        (b"{}\n}", "trailing characters at line 2 column 1"),
        (b"\"\xff\"", "invalid unicode code point at line 1 column 2"),
    ] {
        let reply = lambda.server.invoke(event);
        assert_eq!(reply.status_code, 400);
        let error_type = reply.header("X-Amzn-ErrorType");
        assert_eq!(error_type, Some("InvalidRequestContentException"));
        let body = reply.as_str().expect("text");
        assert!(
            body.contains("Could not parse request body into json"),
            "{body}"
        );
        assert!(body.contains(place), "{body}");
    }
    assert!(
        !lambda.server.stderr().contains("START"),
        "nothing reaches the function"
    );
}

#[test]
fn event_absent_becomes_an_empty_object() {
    let lambda = ManualRuntime::start(&[]);
    let url = lambda.server.url();
    let caller = call(minreq::post(url));
    let mut runtime = lambda.connect();
    let event = runtime.next();
    assert_eq!(event.body, b"{}");
    runtime.respond(&event.id(), b"1");
    assert_eq!(caller.reply().as_bytes(), b"1");
}

#[test]
fn binary_option_accepts_any_bytes_with_their_type() {
    let lambda = ManualRuntime::start(&["--binary"]);
    let mut runtime = lambda.connect();
    for event in [b"".as_slice(), b"{", b"\0\xff\r\n"] {
        let request = lambda
            .server
            .request(event)
            .with_header("Content-Type", "image/png");
        let caller = call(request);
        let reply = runtime.next();
        assert_eq!(
            (reply.body.as_slice(), reply.header("Content-Type")),
            (event, Some("image/png"))
        );
        runtime.respond(&reply.id(), event);
        assert_eq!(caller.reply().as_bytes(), event);
    }
}

#[test]
fn asynchronous_call_is_202_and_is_handled() {
    let lambda = ManualRuntime::start(&[]);
    let request = lambda.server.request("\"later\"");
    let reply = call(request.with_header("X-Amz-Invocation-Type", "Event")).reply();
    assert_eq!((reply.status_code, reply.as_bytes()), (202, b"".as_slice()));
    let mut runtime = lambda.connect();
    let event = runtime.next();
    assert_eq!(event.body, b"\"later\"");
    assert_eq!(reply.header("X-Amzn-RequestId"), Some(event.id().as_str()));
    assert_eq!(
        runtime.respond(&event.id(), b"nobody reads this").status,
        202
    );
    runtime.get(crate::fake_runtime::NEXT);
    lambda.server.wait_for_stderr("REPORT RequestId: ");
}

#[test]
fn invoke_async_is_202_with_its_status_and_is_handled() {
    let lambda = ManualRuntime::start(&[]);
    let mut runtime = lambda.connect();
    for path in ["invoke-async/", "invoke-async"] {
        let url = format!(
            "http://127.0.0.1:{}/2014-11-13/functions/function/{path}",
            lambda.server.port
        );
        let reply = call(minreq::post(url).with_body(path.len().to_string())).reply();
        let expected = (202, b"{\"Status\":202}".as_slice());
        assert_eq!((reply.status_code, reply.as_bytes()), expected);
        let event = runtime.next();
        assert_eq!(event.body, path.len().to_string().as_bytes());
        runtime.respond(&event.id(), b"1");
    }
}

#[test]
fn error_of_the_function_reaches_the_caller_as_json() {
    let lambda = ManualRuntime::start(&[]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    let error = b"{\"errorType\":\"X\"}";
    runtime.send(post(
        &format!("/2018-06-01/runtime/invocation/{id}/error"),
        "Content-Type: application/vnd.aws.lambda.error+json\r\n",
        error,
    ));
    assert_eq!(runtime.reply().status, 202);
    let reply = caller.reply();
    assert_eq!((reply.status_code, reply.as_bytes()), (200, &error[..]));
    assert_eq!(reply.header("X-Amz-Function-Error"), Some("Unhandled"));
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
}

#[test]
fn dry_run_is_204_and_reaches_no_function() {
    let lambda = ManualRuntime::start(&[]);
    let request = lambda
        .server
        .request("{}")
        .with_header("X-Amz-Invocation-Type", "DryRun");
    let reply = call(request).reply();
    assert_eq!((reply.status_code, reply.as_bytes()), (204, b"".as_slice()));
    assert!(!lambda.server.stderr().contains("START"));
    let bad = lambda
        .server
        .request("{")
        .with_header("X-Amz-Invocation-Type", "DryRun");
    assert_eq!(call(bad).reply().status_code, 400);
}

#[test]
fn client_context_is_decoded_to_one_line() {
    let lambda = ManualRuntime::start(&[]);
    let mut runtime = lambda.connect();
    for (encoded, context) in [
        ("e30=", "{}"),
        ("e30", "{}"),
        ("eyJhIjoiYj8+In0=", r#"{"a":"b?>"}"#),
        ("eyJhIjoiw6kifQ==", "{\"a\":\"é\"}"),
        ("ewoiYSI6MQp9", "{ \"a\":1 }"),
    ] {
        let request = lambda
            .server
            .request("1")
            .with_header("X-Amz-Client-Context", encoded);
        let caller = call(request);
        let event = runtime.next();
        assert_eq!(event.header("Lambda-Runtime-Client-Context"), Some(context));
        runtime.respond(&event.id(), b"1");
        caller.reply();
    }
}

#[test]
fn invoke_options_reach_the_function() {
    let lambda = ManualRuntime::start(&[]);
    let port = lambda.server.port.to_string();
    let context = "{\"key\":\"v\"}";
    let caller = std::thread::spawn(move || {
        crate::harness::run_tool(&[
            "invoke",
            "--port",
            &port,
            "--event=[7]",
            "--function-name=any:$LATEST",
            "--tenant-id",
            "blue",
            "--client-context",
            context,
        ])
    });
    let mut runtime = lambda.connect();
    let event = runtime.next();
    assert_eq!(event.body, b"[7]");
    assert_eq!(event.header("Lambda-Runtime-Client-Context"), Some(context));
    assert_eq!(event.header("Lambda-Runtime-Aws-Tenant-Id"), Some("blue"));
    runtime.respond(&event.id(), b"answer");
    let caller = caller.join().expect("the caller ends");
    assert_eq!(
        (caller.code, caller.text().as_str(), caller.stderr.as_str()),
        (0, "answer", "")
    );
}

#[test]
fn invoke_function_error_is_printed_with_exit_status_1() {
    let lambda = ManualRuntime::start(&[]);
    let port = lambda.server.port.to_string();
    let caller = std::thread::spawn(move || crate::harness::run_tool(&["invoke", "--port", &port]));
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    runtime.post(
        &format!("/2018-06-01/runtime/invocation/{id}/error"),
        b"{\"errorType\":\"X\"}",
    );
    assert_eq!(runtime.reply().status, 202);
    let caller = caller.join().expect("the caller ends");
    assert_eq!(
        (caller.code, caller.text().as_str()),
        (1, "{\"errorType\":\"X\"}")
    );
    let line = "tinderbox: the function failed (X-Amz-Function-Error: Unhandled)\n";
    assert_eq!(caller.stderr, line);
}

#[test]
fn invoke_invocation_type_is_sent() {
    let lambda = ManualRuntime::start(&[]);
    let port = lambda.server.port.to_string();
    for kind in ["Event", "DryRun"] {
        let call =
            crate::harness::run_tool(&["invoke", "--port", &port, "--invocation-type", kind]);
        assert_eq!(
            (call.code, call.stdout.len(), call.stderr.as_str()),
            (0, 0, "")
        );
    }
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    runtime.respond(&id, b"1");
}

#[test]
fn concurrent_callers_are_served_in_turn() {
    let lambda = ManualRuntime::start(&[]);
    let callers: Vec<_> = (0..8)
        .map(|number| (number, lambda.call(number.to_string())))
        .collect();
    let mut runtime = lambda.connect();
    for _ in 0..8 {
        let event = runtime.next();
        // No other event is in flight: a repeated request returns this one.
        assert_eq!(runtime.next().id(), event.id());
        runtime.respond(&event.id(), &event.body);
    }
    runtime.get(crate::fake_runtime::NEXT);
    for (number, caller) in callers {
        assert_eq!(caller.reply().as_bytes(), number.to_string().as_bytes());
    }
    assert!(runtime.is_silent());
    let log = lambda.server.stderr();
    let turns: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split_once(" RequestId: "))
        .map(|(what, _)| what)
        .filter(|what| ["START", "END"].contains(what))
        .collect();
    assert_eq!(turns, ["START", "END"].repeat(8));
}

#[test]
fn caller_disconnect_leaves_the_next_call_working() {
    let lambda = ManualRuntime::start(&[]);
    let mut gone = Wire::connect(lambda.server.port);
    gone.post("/2015-03-31/functions/f/invocations", b"\"given up\"");
    let mut runtime = lambda.connect();
    let event = runtime.next();
    assert_eq!(event.body, b"\"given up\"");
    drop(gone);
    assert_eq!(runtime.respond(&event.id(), b"1").status, 202);
    let caller = lambda.call("2");
    let event = runtime.next();
    assert_eq!(event.body, b"2");
    runtime.respond(&event.id(), b"2");
    assert_eq!(caller.reply().as_bytes(), b"2");
}

#[test]
fn caller_keep_alive_with_chunks_is_served() {
    let lambda = ManualRuntime::start(&[]);
    let mut caller = Wire::connect(lambda.server.port);
    let mut runtime = lambda.connect();
    for number in 0..3 {
        let event = format!("[{number}]");
        caller.send("POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: x\r\n");
        caller.send("Transfer-Encoding: chunked\r\n\r\n");
        caller.send(crate::wire::chunked(event.as_bytes(), 2));
        let reply = runtime.next();
        assert_eq!(reply.body, event.as_bytes());
        runtime.respond(&reply.id(), event.as_bytes());
        assert_eq!(caller.reply().body, event.as_bytes());
    }
}

#[test]
fn answer_is_sent_before_the_next_request() {
    let lambda = ManualRuntime::start(&["--timeout", "20"]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    let began = Instant::now();
    runtime.respond(&id, b"1");
    assert_eq!(caller.reply().as_bytes(), b"1");
    assert!(began.elapsed() < Duration::from_secs(10));
}
