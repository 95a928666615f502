//! The echo function with one feature of the library each: the binaries of the size table work.

use serde_json::Value;

use crate::error_message;
use crate::skip::skip;
use crate::support::api::{Event, Kind, Script, ScriptedReply, Server};
use crate::support::process::{Outcome, PATIENCE_MS};
use crate::support::start::Start;
use crate::support::{bound, function, rounds, runner};
use crate::{assert_echoed, noise};

fn with(feature: &str) -> Start {
    Start::new(&function(&format!("features/{feature}")))
}

#[test]
fn feature_functions_echo_their_events() {
    for feature in ["fail", "log", "format", "hooks", "shutdown"] {
        let events = [
            Event::new("text", "text"),
            Event::new("long", noise(5, 70_000)),
        ];
        let outcome = with(feature).run(Script::events(&events));
        let ledger = outcome.assert_serving();
        for event in &events {
            assert_echoed(ledger, event);
        }
        assert_eq!(
            outcome.log().is_empty(),
            !["log", "format"].contains(&feature)
        );
    }
    let outcome = with("fail").run(Script::events([&Event::new("empty", "")]));
    let post = outcome.assert_serving().answer("empty");
    assert_eq!(error_message(post, "Function.NoEvent"), "no event: empty");
}

#[test]
fn stream_functions_echo_with_and_without_a_head() {
    for (feature, head) in [("stream", 0), ("http", 1)] {
        let event = Event::new("event", noise(6, 70_000));
        let outcome = with(feature).run(Script::events([&event]));
        let post = outcome.assert_serving().answer("event");
        assert_eq!((post.kind, post.chunks.len()), (Kind::Response, 1 + head));
        assert!(post.body.ends_with(&event.body), "{feature}");
    }
}

/// Without std, the library has its own allocator, and the response is copied.
#[test]
fn json_function_without_std_reads_and_writes_values() {
    let deep = [b"[".repeat(3_000_000), b"]".repeat(3_000_000)].concat();
    let long = b"1".repeat(6_000_000);
    type Answer<'a> = Result<&'a [u8], &'a str>;
    let cases: Vec<(&[u8], Answer)> = vec![
        (b"7", Ok(b"7")),
        (b" 4294967295\n", Ok(b"4294967295")),
        (b"4294967296", Err("line 1 column 10")),
        (b"-1", Err("line 1 column 2")),
        (b"1e999", Err("number out of range at line 1 column 5")),
        (b"{\"a\":1,\"a\":2}", Err("invalid type: map")),
        (b"\n\"x\"", Err("line 2 column 3")),
        (b"\"\xff\"", Err("line 1 column")),
        (b"\0", Err("line 1 column 1")),
        (b"", Err("line 1 column 0")),
        (&deep, Err("line 1 column")),
        (&long, Err("line 1 column")),
        (b"8", Ok(b"8")),
    ];
    let events: Vec<Event> = (cases.iter().enumerate())
        .map(|(number, (body, _))| Event::new(&format!("json-{number}"), *body))
        .collect();
    let outcome = with("json").run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for (event, (_, wanted)) in events.iter().zip(&cases) {
        let post = ledger.answer(&event.id);
        match wanted {
            Ok(body) => assert_eq!((post.kind, post.body.as_slice()), (Kind::Response, *body)),
            Err(text) => {
                let message = error_message(post, "Function.BadEvent");
                assert!(message.contains(text), "{}: {message}", event.id);
            }
        }
    }
}

#[test]
fn json_function_without_std_leaks_no_memory() {
    if runner().is_some() {
        skip("the memory of a runner is not that of the function");
        return;
    }
    let bad = format!("\"{}\"", "x".repeat(100_000));
    let replies = |from: usize, count: usize| -> Vec<ScriptedReply> {
        (from..from + count)
            .flat_map(|number| {
                let fine = Event::new(&format!("fine-{number}"), number.to_string());
                let bad = Event::new(&format!("bad-{number}"), bad.clone());
                [ScriptedReply::event(&fine), ScriptedReply::event(&bad)]
            })
            .collect()
    };
    let server = Server::start(Script::default());
    let start = with("json").variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    let mut process = start.spawn();
    server.more(replies(0, 20));
    process.until_idle(&server);
    let before_kib = process.written_kib();
    server.more(replies(20, rounds("values", 500)));
    process.until_idle(&server);
    let after_kib = process.written_kib();
    assert!(
        after_kib <= before_kib + 16,
        "{before_kib}, {after_kib} KiB"
    );
    process.finish(server).assert_serving();
}

fn threads(body: &str) -> Outcome {
    let event = Event::new("event", body);
    with("threads").run(Script::events([&event]))
}

#[test]
fn panic_of_any_thread_is_posted_when_it_ends_the_process() {
    for body in ["join", "many"] {
        let outcome = threads(body);
        let ledger = outcome.assert_exit(101);
        ledger.assert_balanced();
        assert_eq!(ledger.posts.len(), 1, "{ledger}");
        let message = error_message(ledger.answer("event"), "Runtime.Panic");
        assert!(message.contains("src/bin/threads.rs:"), "{message}");
        assert!(message.contains("panicked"), "{message}");
    }
}

#[test]
fn panic_between_events_exits_101_and_posts_nothing() {
    let event = Event::new("event", "later");
    let server = Server::start(Script::events([&event]));
    let start = with("threads").variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    let mut process = start.spawn();
    process.until_logged("thread 0 panicked");
    assert!(process.wait(bound(PATIENCE_MS)).is_some(), "no exit");
    let outcome = process.finish(server);
    let ledger = outcome.assert_exit(101);
    assert_echoed(ledger, &event);
    assert_eq!(ledger.posts.len(), 1, "{ledger}");
}

#[test]
fn panic_racing_an_answer_posts_one_of_the_two() {
    for _ in 0..rounds("panics beside answers", 40) {
        let outcome = threads("race");
        // The panic may come after the answer, while the next event is awaited.
        let posts = &outcome.ledger.posts;
        assert!(posts.len() <= 1, "{}", outcome.ledger);
        assert_ne!(outcome.code, Some(134), "{}", outcome.stderr);
        if outcome.code.is_none() {
            assert_eq!(posts.len(), 1, "{}", outcome.ledger);
        }
        for post in posts.iter().filter(|post| post.kind == Kind::Error) {
            let json: Value = serde_json::from_slice(&post.body).expect("JSON");
            assert_eq!(json["errorType"], "Runtime.Panic");
        }
    }
}
