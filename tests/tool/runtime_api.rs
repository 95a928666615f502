//! The Runtime API: framing of events, headers, limits, and the results of answers and errors.

use crate::fake_runtime::{ManualRuntime, NEXT, PAYLOAD_BYTES_MAX, response_path};
use crate::harness::call;
use crate::wire::{chunked, post};

#[test]
fn event_over_2048_bytes_is_one_chunk() {
    let lambda = ManualRuntime::start(&["--binary"]);
    let mut runtime = lambda.connect();
    for size in [
        0,
        1,
        2047,
        2048,
        2049,
        65_535,
        65_536,
        65_537,
        1 << 20,
        6 * 1024 * 1024,
    ] {
        let event: Vec<u8> = (0..size).map(|at| (at * 7 % 251) as u8).collect();
        let caller = lambda.call(event.clone());
        let reply = runtime.next();
        assert!(reply.body == event, "{size}");
        let length = size.to_string();
        if size <= 2048 {
            assert_eq!(reply.header("Content-Length"), Some(length.as_str()));
            assert_eq!(reply.header("Transfer-Encoding"), None);
        } else {
            assert_eq!(reply.header("Content-Length"), None);
            assert_eq!(reply.header("Transfer-Encoding"), Some("chunked"));
        }
        assert_eq!(runtime.respond(&reply.id(), &event).status, 202);
        assert!(caller.reply().as_bytes() == event, "{size}");
    }
}

#[test]
fn next_reply_has_lambdas_headers_in_order() {
    let lambda = ManualRuntime::start(&["--function-name", "name", "--timeout", "5"]);
    let request = lambda
        .server
        .request("{}")
        .with_header("X-Amz-Client-Context", "eyJhIjogMX0=");
    let caller = call(request.with_header("X-Amz-Tenant-Id", "blue"));
    let mut runtime = lambda.connect();
    let reply = runtime.next();
    let names: Vec<&str> = reply
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let expected = [
        "Content-Type",
        "Lambda-Runtime-Aws-Request-Id",
        "Lambda-Runtime-Aws-Tenant-Id",
        "Lambda-Runtime-Client-Context",
        "Lambda-Runtime-Deadline-Ms",
        "Lambda-Runtime-Invocation-Id",
        "Lambda-Runtime-Invoked-Function-Arn",
        "Lambda-Runtime-Trace-Id",
        "Date",
        "Content-Length",
    ];
    assert_eq!(names, expected);
    let header = |name| reply.header(name).expect("just seen");
    assert_eq!(header("Content-Type"), "application/json");
    assert_eq!(header("Lambda-Runtime-Client-Context"), "{\"a\": 1}");
    assert_eq!(header("Lambda-Runtime-Aws-Tenant-Id"), "blue");
    assert!(header("Lambda-Runtime-Invoked-Function-Arn").ends_with(":function:name"));
    let trace = header("Lambda-Runtime-Trace-Id");
    assert!(
        trace.starts_with("Root=1-") && trace.ends_with(";Sampled=0"),
        "{trace}"
    );
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ms = now.expect("after 1970").as_millis() as i64;
    let deadline_ms: i64 = header("Lambda-Runtime-Deadline-Ms")
        .parse()
        .expect("a number");
    assert!(
        (1..=5000).contains(&(deadline_ms - now_ms)),
        "{deadline_ms} {now_ms}"
    );
    let id = reply.id();
    let dashes: Vec<usize> = id.match_indices('-').map(|(at, _)| at).collect();
    assert_eq!((id.len(), dashes), (36, vec![8, 13, 18, 23]));
    runtime.respond(&id, b"1");
    caller.reply();
}

#[test]
fn accepted_reply_has_lambdas_bytes() {
    let lambda = ManualRuntime::start(&[]);
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    let reply = runtime.respond(&id, b"1");
    let names: Vec<&str> = reply
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        (reply.status, names),
        (202, vec!["Content-Type", "Date", "Content-Length"])
    );
    assert_eq!(reply.body, b"{\"status\":\"OK\"}\n");
    caller.reply();
}

#[test]
fn pipelined_answer_and_next_are_served_in_order() {
    let lambda = ManualRuntime::start(&[]);
    let mut runtime = lambda.connect();
    runtime.get(NEXT);
    for number in 0..200 {
        let event = number.to_string();
        let caller = lambda.call(event.clone());
        let reply = runtime.reply();
        assert_eq!(reply.body, event.as_bytes());
        let mut both = post(&response_path(&reply.id()), "", event.as_bytes());
        both.extend(format!("GET {NEXT} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        runtime.send(both);
        assert_eq!(runtime.reply().status, 202);
        assert_eq!(caller.reply().as_bytes(), event.as_bytes());
    }
}

#[test]
fn response_one_byte_over_limit_is_413() {
    let lambda = ManualRuntime::start(&[]);
    let mut runtime = lambda.connect();
    for (size, status) in [
        (PAYLOAD_BYTES_MAX, 202),
        (PAYLOAD_BYTES_MAX + 1, 413),
        (20 << 20, 413),
    ] {
        for is_chunked in [false, true] {
            let caller = lambda.call("1");
            let path = response_path(&runtime.next().id());
            let body = vec![b'x'; size];
            if is_chunked {
                runtime.send(format!(
                    "POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                ));
                runtime.send(chunked(&body, 100_000));
            } else {
                runtime.post(&path, &body);
            }
            let reply = runtime.reply();
            assert_eq!(reply.status, status);
            let answer = caller.reply();
            if status == 413 {
                assert_eq!(reply.field("errorType"), "RequestEntityTooLarge");
                let text = answer.as_str().expect("text");
                assert!(text.contains("Function.ResponseSizeTooLarge"), "{text}");
                assert!(text.contains("payload size (6291556 bytes)."), "{text}");
            } else {
                assert!(answer.as_bytes() == body);
            }
        }
    }
}

#[test]
fn posted_error_reaches_the_caller_unchanged() {
    let lambda = ManualRuntime::start(&[]);
    let mut runtime = lambda.connect();
    runtime.get(NEXT);
    let cause = "Content-Type: application/vnd.aws.lambda.error.cause+json\r\n";
    let unknown = r#"{"errorMessage":"","errorType":"Runtime.Unknown"}"#;
    for (headers, body, expected, error_type) in [
        (
            "Lambda-Runtime-Function-Error-Type: Function.Mine\r\n",
            "{}",
            "{}",
            "Function.Mine",
        ),
        (
            "Lambda-Runtime-Function-Error-Type: unhandled\r\n",
            "text",
            "text",
            "Runtime.Unknown",
        ),
        (
            "Lambda-Runtime-Function-Error-Type: Function.x\r\n",
            "1",
            "1",
            "Function.Unknown",
        ),
        (
            "Lambda-Runtime-Function-Error-Type: a Runtime.Ab\r\n",
            "1",
            "1",
            "a Runtime.Ab",
        ),
        ("", "", unknown, "Runtime.Unknown"),
        (
            cause,
            r#"{"errorType":"T","errorCause":{}}"#,
            r#"{"errorType":"T"}"#,
            "Runtime.Unknown",
        ),
        (cause, "{", "\"Invalid error body\"", "Runtime.Unknown"),
    ] {
        let caller = lambda.call("1");
        let id = runtime.reply().id();
        let path = format!("/2018-06-01/runtime/invocation/{id}/error");
        runtime.send(post(&path, headers, body.as_bytes()));
        runtime.get(NEXT);
        assert_eq!(runtime.reply().status, 202);
        let reply = caller.reply();
        assert_eq!(reply.as_str().expect("text"), expected);
        assert_eq!(reply.status_code, 200);
        assert_eq!(reply.header("X-Amz-Function-Error"), Some("Unhandled"));
        lambda
            .server
            .wait_for_stderr(&format!("Error Type: {error_type}\n"));
    }
}

#[test]
fn response_content_type_is_passed_on() {
    let lambda = ManualRuntime::start(&[]);
    let mut runtime = lambda.connect();
    for (header, expected) in [
        (
            "Content-Type: text/html; charset=utf-8\r\n",
            "text/html; charset=utf-8",
        ),
        ("", "application/json"),
    ] {
        let caller = lambda.call("1");
        let id = runtime.next().id();
        runtime.send(post(&response_path(&id), header, b"1"));
        assert_eq!(runtime.reply().status, 202);
        assert_eq!(caller.reply().header("Content-Type"), Some(expected));
    }
}
