//! The echo function with one thing more, each time another one: what the size table weighs also
//! does what it should.

use serde_json::Value;

use crate::error_message;
use crate::support::api::{Event, Kind, Script, Server, Turn};
use crate::support::process::Outcome;
use crate::support::start::Start;
use crate::support::{function, rounds, runner};
use crate::{assert_echoed, noise};

fn with(feature: &str) -> Start {
    Start::new(&function(&format!("features/{feature}")))
}

#[test]
fn what_is_added_to_the_echo_function_leaves_it_one() {
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
fn an_event_is_streamed_back_with_and_without_a_head() {
    for (feature, head) in [("stream", 0), ("http", 1)] {
        let event = Event::new("event", noise(6, 70_000));
        let outcome = with(feature).run(Script::events([&event]));
        let post = outcome.assert_serving().answer("event");
        assert_eq!((post.kind, post.chunks.len()), (Kind::Response, 1 + head));
        assert!(post.body.ends_with(&event.body), "{feature}");
    }
}

/// Without std there is an allocator of ours, and a copy of the response.
#[test]
fn values_are_read_and_written_without_std() {
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
fn what_values_take_of_the_heap_is_given_back() {
    if runner().is_some() {
        return; // qemu's memory is not the function's
    }
    let bad = format!("\"{}\"", "x".repeat(100_000));
    let turns = |from: usize, count: usize| -> Vec<Turn> {
        (from..from + count)
            .flat_map(|number| {
                let fine = Event::new(&format!("fine-{number}"), number.to_string());
                let bad = Event::new(&format!("bad-{number}"), bad.clone());
                [Turn::event(&fine), Turn::event(&bad)]
            })
            .collect()
    };
    let server = Server::start(Script::default());
    let start = with("json").variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    let mut process = start.spawn();
    server.more(turns(0, 20));
    process.until_idle(&server);
    let before_kib = process.resident_kib();
    server.more(turns(20, rounds("values", 500)));
    process.until_idle(&server);
    let after_kib = process.resident_kib();
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
fn a_panic_of_any_thread_is_reported_where_it_ends_the_process() {
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

/// Other threads may read the environment by then: `run` has changed it before.
#[test]
fn first_record_of_a_thread_leaves_the_environment_as_it_is() {
    let server = Server::start(Script::events([&Event::new("event", "log")]));
    let start = with("threads").variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    let mut process = start.variable("_LAMBDA_TELEMETRY_LOG_FD", "1").spawn();
    process.until_idle(&server);
    let printed = process.printed();
    let outcome = process.finish(server);
    assert_eq!(outcome.ledger.answer("event").body, b"gone gone ");
    assert_eq!(outcome.log(), "");
    assert!(printed.starts_with(&[0xa5, 0x5a]), "a frame: {printed:?}");
    assert!(String::from_utf8_lossy(&printed).contains("of a thread"));
}

#[test]
fn a_panic_between_events_ends_the_process_and_posts_nothing() {
    let event = Event::new("event", "later");
    let server = Server::start(Script::events([&event]));
    let start = with("threads").variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    let mut process = start.spawn();
    process.until_said("thread 0 panicked");
    assert!(
        process.wait(crate::support::bound(2_000)).is_some(),
        "it ends"
    );
    let outcome = process.finish(server);
    let ledger = outcome.assert_exit(101);
    assert_echoed(ledger, &event);
    assert_eq!(ledger.posts.len(), 1, "{ledger}");
}

#[test]
fn a_panic_beside_an_answer_gives_one_of_the_two() {
    for _ in 0..rounds("panics beside answers", 40) {
        let outcome = threads("race");
        // It may have come while the next event was awaited.
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
