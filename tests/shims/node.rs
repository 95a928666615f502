//! Features of Node: callbacks, promises that are never settled, streamed responses.

use serde_json::json;

use crate::driver::{Frame, Language, Worker};

crate::for_language! {
    node Node
    node_file_of_every_module_kind_is_served
    handler_without_callback_answers_with_its_result
    callback_called_twice_or_late_counts_once
    callback_with_an_error_is_an_error
    callback_waits_for_an_empty_event_loop_when_configured
    context_functions_answer_the_event
    exception_of_any_value_is_an_error
    promise_never_settled_is_an_error
    exception_uncaught_ends_the_worker
    module_never_loaded_is_an_init_error
    rejection_at_load_is_an_init_error
    interval_left_running_changes_no_answer
    child_process_of_node_is_no_worker
    response_stream_is_sent_in_chunks
    http_response_stream_has_its_head
    content_type_empty_is_ignored_and_too_late_is_an_error
    response_stream_that_fails_is_an_error
    response_stream_written_after_its_error_sends_nothing
    exception_between_events_is_logged_and_the_next_event_is_answered
}

fn node_file_of_every_module_kind_is_served(node: Language) {
    for (file, name) in [
        ("hello.mjs", "handler"),
        ("hello.js", "handler"),
        ("callback.cjs", "handler"),
        ("cases.mjs", "same"),
    ] {
        let mut worker = Worker::start(&mut node.command(&node.folder().join(file), name));
        worker.expect_ready();
        assert_eq!(
            worker.ask(b"{\"a\":[1]}").json(),
            json!({"a": [1]}),
            "{file}"
        );
        worker.assert_exits_silently();
    }
    assert_eq!(node.case("nested.deep.handler").ask(b"{}").json(), "found");
}

fn handler_without_callback_answers_with_its_result(node: Language) {
    assert_eq!(node.case("nothing").ask(b"{}").body, b"null");
    assert_eq!(node.case("not_json").ask(b"{}").body, b"null");
    assert_eq!(node.case("returns").ask(b"[1]").body, b"[1]");
    assert_eq!(node.case("returns_nothing").ask(b"[1]").body, b"null");
}

fn callback_called_twice_or_late_counts_once(node: Language) {
    let mut worker = node.case("calls_twice");
    for _ in 0..3 {
        assert_eq!(worker.ask(b"{}").json(), "first");
    }
    worker.assert_exits_silently();

    for name in ["calls_late", "calls_and_throws"] {
        let mut worker = node.case(name);
        let ask = |worker: &mut Worker, number: usize| {
            // Some of them call within the next event, some within a later one.
            let event = json!({ "number": number, "late_ms": number % 5 }).to_string();
            assert_eq!(worker.ask(event.as_bytes()).json(), number);
        };
        for number in 0..50 {
            ask(&mut worker, number);
        }
        // Bytes of a late call would come before the answer to a later event.
        worker.until_log(|log| log.matches("called late\n").count() >= 50);
        ask(&mut worker, 50);
        worker.until_log(|log| log.matches("called late\n").count() == 51);
        worker.assert_exits_silently();
    }
}

fn callback_with_an_error_is_an_error(node: Language) {
    let mut worker = node.case("calls_error");
    for _ in 0..2 {
        let answer = worker.ask(b"{}");
        assert_eq!(answer.message("error", "RangeError"), "called back");
    }
    let answer = node.case("calls_text").ask(b"{}");
    assert_eq!(answer.message("error", "string"), "only text");
}

fn callback_waits_for_an_empty_event_loop_when_configured(node: Language) {
    let mut worker = node.case("waits");
    for _ in 0..2 {
        assert_eq!(worker.ask(b"{\"waits\": true}").json(), true);
    }
    assert_eq!(worker.ask(b"{\"waits\": false}").json(), false);
    worker.assert_exits_silently();
}

fn context_functions_answer_the_event(node: Language) {
    let mut worker = node.case("succeeds");
    assert_eq!(worker.ask(b"{}").json(), "by context");
    assert_eq!(worker.ask(b"{}").json(), "by context");
    assert_eq!(node.case("dones").ask(b"{}").json(), "done");
    let answer = node.case("fails").ask(b"{}");
    assert_eq!(answer.message("error", "RangeError"), "by context");
}

fn exception_of_any_value_is_an_error(node: Language) {
    let answer = node.case("throws_text").ask(b"{}");
    assert_eq!(answer.message("error", "string"), "only text");
    let mut worker = node.case("throws_null");
    assert_eq!(worker.ask(b"{}").message("error", "object"), "null");
    assert_eq!(worker.ask(b"{}").verb, "error");
}

fn promise_never_settled_is_an_error(node: Language) {
    let mut worker = node.case("never");
    for _ in 0..3 {
        let message = worker.ask(b"{}").message("error", "Runtime.NeverSettled");
        assert!(message.contains("event loop"), "{message}");
    }
    worker.assert_exits_silently();
}

fn exception_uncaught_ends_the_worker(node: Language) {
    for (name, kind, message, what) in [
        (
            "rejects_elsewhere",
            "Runtime.UnhandledPromiseRejection",
            "RangeError: nobody caught it",
            "Unhandled Promise Rejection",
        ),
        (
            "throws_in_timer",
            "RangeError",
            "in a timer",
            "Uncaught Exception",
        ),
    ] {
        let mut worker = node.case(name);
        let answer = worker.ask(b"{}");
        assert_eq!(answer.message("fatal", kind), message);
        assert!(answer.trace().iter().any(|line| line.contains("cases.mjs")));
        let log = worker.assert_exits(1);
        let start = format!("Z\tid-1\tERROR\t{what} \t{{\"errorType\":\"{kind}\"");
        assert!(log.contains(&start) && log.lines().count() == 1, "{log}");
    }
}

fn module_never_loaded_is_an_init_error(node: Language) {
    let mut worker = node.start("init_never", "same");
    let message = worker
        .answer()
        .message("init-error", "Runtime.NeverSettled");
    assert!(message.contains("init_never.mjs"), "{message}");
    worker.assert_exits(1);
}

fn rejection_at_load_is_an_init_error(node: Language) {
    let mut worker = node.start("init_rejects", "same");
    let answer = worker.answer();
    assert_eq!(
        answer.message("init-error", "Runtime.UnhandledPromiseRejection"),
        "RangeError: nobody caught it"
    );
    worker.assert_exits(1);
}

fn interval_left_running_changes_no_answer(node: Language) {
    let mut worker = node.case("leaks_interval");
    for _ in 0..20 {
        assert_eq!(worker.ask(b"{}").json(), "answered");
    }
    worker.assert_exits_silently();
}

fn child_process_of_node_is_no_worker(node: Language) {
    let mut worker = node.case("forks");
    assert_eq!(worker.ask(b"{}").json(), "from the child");
    worker.assert_exits_silently();
}

/// Sends an event, and receives a streamed response: content type, chunks, last frame.
fn streamed(worker: &mut Worker, event: &str) -> (String, Vec<Vec<u8>>, Frame) {
    let first = worker.ask_with("request-id=id-1\n", event.as_bytes());
    assert_eq!(first.verb, "stream", "{}", first.text());
    let mut chunks = Vec::new();
    loop {
        let frame = worker.answer();
        assert_eq!(frame.sequence, Some(worker.sequence));
        match &*frame.verb {
            "chunk" => {
                assert!(!frame.body.is_empty(), "a chunk that is empty");
                chunks.push(frame.body);
            }
            _ => return (first.kind, chunks, frame),
        }
    }
}

fn stream(name: &str) -> Worker {
    let mut worker = Language::Node.start("streams", name);
    worker.expect_ready();
    worker
}

fn response_stream_is_sent_in_chunks(_: Language) {
    let mut worker = stream("text");
    for _ in 0..3 {
        let (kind, chunks, last) = streamed(&mut worker, "{}");
        assert_eq!(kind, "text/plain; charset=utf-8");
        assert!(
            chunks.len() > 1,
            "the first is sent before the last is written"
        );
        assert_eq!(chunks.concat(), b"first {\"second\":\"id-1\"} and last");
        assert_eq!(last.verb, "end");
    }
    worker.assert_exits_silently();

    let mut worker = stream("raw");
    for bytes in [
        0, 1, 60, 8_191, 8_192, 8_193, 65_536, 1_000_000, 6_291_456, 20_000_000,
    ] {
        let (kind, chunks, last) = streamed(&mut worker, &format!("{{\"bytes\": {bytes}}}"));
        assert_eq!(kind, "application/octet-stream");
        let wanted = (0..bytes).map(|at| (at % 251) as u8);
        assert!(chunks.concat().into_iter().eq(wanted), "{bytes} bytes");
        assert_eq!(last.verb, "end");
    }
    worker.assert_exits_silently();
}

fn http_response_stream_has_its_head(_: Language) {
    for (name, wanted) in [
        (
            "page",
            &b"{\"statusCode\":201,\"headers\":{\"x-y\":\"z\"}}\0\0\0\0\0\0\0\0<p>"[..],
        ),
        ("empty_page", b"{\"statusCode\":204}\0\0\0\0\0\0\0\0"),
    ] {
        let mut worker = stream(name);
        for _ in 0..2 {
            let (kind, chunks, last) = streamed(&mut worker, "{}");
            assert_eq!(kind, "application/vnd.awslambda.http-integration-response");
            assert_eq!(chunks.concat(), wanted);
            assert_eq!(last.verb, "end");
        }
    }
}

fn content_type_empty_is_ignored_and_too_late_is_an_error(_: Language) {
    let mut worker = stream("odd_types");
    for _ in 0..2 {
        let (kind, chunks, last) = streamed(&mut worker, "{}");
        assert_eq!(kind, "application/octet-stream");
        assert_eq!(chunks, [b"begun"]);
        let message = last.message("error", "Runtime.InvalidStreamingOperation");
        assert_eq!(message, "Cannot set content-type, too late.");
    }
}

fn response_stream_that_fails_is_an_error(_: Language) {
    let mut worker = stream("throws_first");
    let answer = worker.ask(b"{}");
    assert_eq!(
        answer.message("error", "RangeError"),
        "before the first byte"
    );

    let mut worker = stream("throws_later");
    for _ in 0..2 {
        let (_, chunks, last) = streamed(&mut worker, "{}");
        assert_eq!(chunks, [b"begun"]);
        assert_eq!(last.message("error", "RangeError"), "in the middle");
    }
    let mut worker = stream("never_ends");
    for _ in 0..2 {
        let (_, chunks, last) = streamed(&mut worker, "{}");
        assert_eq!(chunks, [b"begun"]);
        last.message("error", "Runtime.NeverSettled");
    }
    worker.assert_exits_silently();
}

fn response_stream_written_after_its_error_sends_nothing(_: Language) {
    let mut worker = stream("writes_on");
    for count in 1..=3 {
        let (_, _, last) = streamed(&mut worker, "{}");
        assert_eq!(last.message("error", "RangeError"), "in the middle");
        // Bytes of a late write would come before the answer to the next event.
        worker.until_log(|log| log.matches("written after the error\n").count() == count);
    }
    worker.assert_silent();
    worker.assert_exits_silently();
}

fn exception_between_events_is_logged_and_the_next_event_is_answered(node: Language) {
    let mut worker = node.case("throws_between");
    for count in 1..=2 {
        assert_eq!(worker.ask(b"{}").json(), "answered");
        worker.until_log(|log| log.matches("RangeError: between events").count() == count);
    }
    worker.assert_exits_silently();
}
