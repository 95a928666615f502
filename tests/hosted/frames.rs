//! Violations of the frame protocol: each event is answered once, and the next is served.

use crate::kinds::started;
use crate::kinds::{HostedRun, IDLE_EXIT_LINE};
use crate::skip::has;
use crate::support::TempDir;
use crate::support::api::{CloseAt, Event, HangUp, Kind, Ledger, Post, Script, ScriptedReply};
use crate::support::hosting::{error, error_type, events, message, response};
use crate::support::process::Outcome;
use crate::timing::{bound_ms, due_in};

const BROKEN_WORKER: &[u8] = include_bytes!("functions/broken_worker.pl");

fn broken_worker() -> Option<HostedRun> {
    has("perl").then(|| {
        let dir = TempDir::new();
        dir.executable("broken_worker", BROKEN_WORKER);
        let start = started(&dir, "worker:broken_worker");
        HostedRun { dir, start }
    })
}

/// The worker's pid in an answer that ends with the event.
fn pid(ledger: &Ledger, id: &str) -> u32 {
    let text = String::from_utf8_lossy(response(ledger, id)).into_owned();
    let pid = text.split(' ').next().expect("a word");
    pid.parse().expect("a pid")
}

/// An event of this name between two good ones.
fn between(way: &str) -> Option<Outcome> {
    let hosted = broken_worker()?;
    let events = [
        Event::new("before", "plain"),
        Event::new("bad", way),
        Event::new("after", "plain"),
        Event::new("last", "plain"),
    ];
    println!("{way}"); // shown when what follows fails
    let outcome = hosted.run(&events);
    let ledger = outcome.assert_serving();
    assert_eq!(ledger.posts_of("bad").len(), 1, "{way}: {ledger}");
    let [after, last] = ["after", "last"].map(|id| pid(ledger, id));
    assert_eq!(after, last, "{way}: a process serves on");
    Some(outcome)
}

/// The worker is another after the bad event.
fn assert_replaced(ledger: &Ledger, way: &str) {
    assert_ne!(pid(ledger, "before"), pid(ledger, "after"), "{way}");
}

#[test]
fn frame_that_violates_the_protocol_fails_its_event_and_ends_the_worker() {
    for way in [
        "wrong_number",
        "old_number",
        "padded_number",
        "signed_number",
        "unknown_verb",
        "no_length",
        "no_number",
        "hex_length",
        "huge_length",
        "long_line",
        "endless_line",
        "garbage",
        "empty_line",
        "two_spaces",
        "trailing_space",
        "ready_again",
        "untyped_error",
        "empty_error",
        "long_error",
        "bad_type",
        "closed",
        "chunk_first",
        "end_first",
        "bad_content_type",
        "bad_stream_type",
    ] {
        let Some(outcome) = between(way) else {
            return;
        };
        let ledger = outcome.assert_serving();
        let text = error(ledger, "bad", "Runtime.BadFrame");
        assert!(text.contains("protocol"), "{way}: {text}");
        assert!(!ledger.answer("bad").get_behind, "{way}: {ledger}");
        assert_replaced(ledger, way);
    }
}

#[test]
fn answer_cut_short_fails_the_event() {
    for (way, how) in [
        ("short", "exit status 0"),
        ("short_line", "exit status 0"),
        ("silent", "exit status 0"),
        ("silent_status", "exit status 7"),
        ("long_and_gone", "signal 9"),
    ] {
        let Some(outcome) = between(way) else {
            return;
        };
        let ledger = outcome.assert_serving();
        let text = error(ledger, "bad", "Runtime.ExitError");
        assert!(text.starts_with(how), "{way}: {text}");
        assert!(!ledger.answer("bad").get_behind, "{way}: {ledger}");
        assert_replaced(ledger, way);
    }
}

#[test]
fn bytes_after_an_answer_end_the_worker_and_the_answer_counts() {
    for way in [
        "twice",
        "trailing_byte",
        "later_line",
        "answer_and_exit",
        "answer_and_kill",
        "answer_and_close",
    ] {
        let Some(hosted) = broken_worker() else {
            return;
        };
        println!("{way}");
        let (mut process, server) = hosted.spawn(&events(["plain", way]));
        process.until_idle(&server);
        // Bytes in one piece with the answer are noticed when the next event comes.
        if way.starts_with("answer") || way == "later_line" {
            process.until_logged(IDLE_EXIT_LINE);
        }
        server.more(vec![ScriptedReply::event(&Event::new("after", "plain"))]);
        process.until_idle(&server);
        let outcome = process.finish(server);
        let ledger = outcome.assert_serving();
        let old = pid(ledger, "event-1");
        assert_eq!(pid(ledger, "event-0"), old, "{way}");
        assert_ne!(pid(ledger, "after"), old, "{way}");
        for id in ["event-0", "event-1", "after"] {
            assert_eq!(ledger.posts_of(id).len(), 1, "{way}: {ledger}");
        }
    }
}

#[test]
fn event_right_after_a_worker_exit_is_answered() {
    // The next event is there before the exit of the worker can be noticed.
    for way in [
        "answer_and_exit",
        "answer_and_kill",
        "answer_and_close",
        "trailing_byte",
    ] {
        let Some(hosted) = broken_worker() else {
            return;
        };
        println!("{way}");
        let events = events([way, "plain", way, way, "plain"]);
        let outcome = hosted.run(&events);
        let ledger = outcome.assert_serving();
        for event in &events {
            assert_eq!(ledger.posts_of(&event.id).len(), 1, "{way}: {ledger}");
        }
        // An event that was sent to a worker while that exited fails: it may have been started.
        let failed = events
            .iter()
            .filter(|event| ledger.answer(&event.id).kind == Kind::Error);
        for event in failed {
            let kind = error_type(ledger.answer(&event.id));
            assert!(["Runtime.ExitError", "Runtime.BadFrame"].contains(&kind.as_str()));
        }
    }
}

#[test]
fn fatal_answer_is_reported_and_the_worker_is_replaced() {
    let Some(outcome) = between("fatal") else {
        return;
    };
    let ledger = outcome.assert_serving();
    assert_eq!(error(ledger, "bad", "Function.Broken"), "final answer");
    assert!(!ledger.answer("bad").get_behind, "{ledger}");
    assert_replaced(ledger, "fatal");
}

/// The one answer to the event, which was streamed.
fn streamed<'a>(outcome: &'a Outcome, way: &str) -> &'a Post {
    let post = outcome.assert_serving().answer("bad");
    assert_eq!(post.kind, Kind::Response, "{way}");
    let mode = post.header("Lambda-Runtime-Function-Response-Mode");
    assert_eq!(mode, Some("streaming"), "{way}");
    assert!(post.complete, "{way}");
    post
}

#[test]
fn stream_of_chunks_is_passed_on() {
    for (way, content_type, body) in [
        (
            "stream",
            "text/plain; charset=utf-8",
            [b"abc".to_vec(), vec![b'd'; 70_000], b".".to_vec()].concat(),
        ),
        ("stream_untyped", "application/octet-stream", b"hi".to_vec()),
        ("stream_empty", "application/octet-stream", Vec::new()),
        (
            "stream_large",
            "application/octet-stream",
            vec![b'x'; 10_000_000],
        ),
    ] {
        let Some(outcome) = between(way) else {
            return;
        };
        let post = streamed(&outcome, way);
        assert!(post.body == body, "{way}: {} bytes", post.body.len());
        assert_eq!(post.header("Content-Type"), Some(content_type));
        assert!(post.trailers.is_empty(), "{way}: {:?}", post.trailers);
        let ledger = outcome.assert_serving();
        assert_eq!(pid(ledger, "before"), pid(ledger, "after"), "{way}");
    }
}

#[test]
fn stream_that_fails_has_its_error_in_the_trailers() {
    for (way, kind, is_replaced) in [
        ("stream_error", "Function.Broken", false),
        ("stream_fatal", "Function.Broken", true),
        ("stream_killed", "Runtime.ExitError", true),
        ("stream_short", "Runtime.ExitError", true),
        ("stream_garbage", "Runtime.BadFrame", true),
        ("stream_ok", "Runtime.BadFrame", true),
        ("stream_twice", "Runtime.BadFrame", true),
        ("stream_number", "Runtime.BadFrame", true),
    ] {
        let Some(outcome) = between(way) else {
            return;
        };
        let post = streamed(&outcome, way);
        assert_eq!(post.body, b"part", "{way}");
        let trailer = |name: &str| {
            let found = post
                .trailers
                .iter()
                .find(|pair| pair.0.eq_ignore_ascii_case(name));
            found.map(|pair| pair.1.as_str())
        };
        let error_type = trailer("Lambda-Runtime-Function-Error-Type");
        assert_eq!(error_type, Some(kind), "{way}: {:?}", post.trailers);
        assert!(trailer("Lambda-Runtime-Function-Error-Body").is_some());
        let ledger = outcome.assert_serving();
        let [before, after] = ["before", "after"].map(|id| pid(ledger, id));
        assert_eq!(before != after, is_replaced, "{way}");
    }
}

#[test]
fn stream_at_the_deadline_ends_with_a_timeout() {
    let Some(hosted) = broken_worker() else {
        return;
    };
    let (mut process, server) = hosted.spawn(&events(["plain"]));
    process.until_idle(&server);
    let slow = due_in(Event::new("bad", "stream_slow"), 1_000);
    let after = Event::new("after", "plain");
    server.more(vec![
        ScriptedReply::event(&slow),
        ScriptedReply::event(&after),
    ]);
    process.until_idle(&server);
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let post = streamed(&outcome, "stream_slow");
    assert_eq!(post.body, b"part");
    let text = format!("{:?}", post.trailers);
    assert!(text.contains("Function.Timeout"), "{text}");
    let ledger = outcome.assert_serving();
    assert_ne!(pid(ledger, "event-0"), pid(ledger, "after"));
    // The worker itself ends the stream after 30 s.
    assert!(
        ledger.took_ms("bad") < bound_ms(10_000).min(20_000),
        "{ledger}"
    );
}

#[test]
fn content_type_of_an_answer_is_that_of_the_response() {
    for (way, content_type, body) in [
        ("typed", "text/html; charset=utf-8", &b"<p/>"[..]),
        ("long_type", &format!("text/{}", "x".repeat(200)), b"hi"),
    ] {
        let Some(outcome) = between(way) else {
            return;
        };
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "bad"), body);
        assert_eq!(
            ledger.answer("bad").header("Content-Type"),
            Some(content_type)
        );
        let after = ledger.answer("after").header("Content-Type");
        assert_eq!(after, Some("application/json"));
        assert_eq!(pid(ledger, "before"), pid(ledger, "after"), "{way}");
    }
}

#[test]
fn start_that_violates_the_protocol_is_an_init_error() {
    for (start, kind, part) in [
        ("exit", "Runtime.ExitError", "exit status 6"),
        ("mute", "Runtime.BadFrame", "protocol"),
        ("other", "Runtime.BadFrame", "protocol"),
        ("long", "Runtime.BadFrame", "protocol"),
        ("spaced", "Runtime.BadFrame", "protocol"),
        ("short", "Runtime.BadFrame", "cut short"),
        ("untyped", "Runtime.BadFrame", "protocol"),
        ("answer", "Runtime.BadFrame", "protocol"),
        ("reported", "Function.Broken", "at init"),
    ] {
        let Some(hosted) = broken_worker() else {
            return;
        };
        println!("{start}");
        let outcome = hosted
            .variable("WORKER_START", start)
            .run(&events(["never"]));
        let ledger = outcome.assert_exit(3);
        assert_eq!(
            (ledger.gets, ledger.posts.len()),
            (0, 1),
            "{start}: {ledger}"
        );
        assert_eq!(ledger.posts[0].kind, Kind::InitError);
        let text = message(&ledger.posts[0], kind);
        assert!(text.contains(part), "{start}: {text}");
    }
}

#[test]
fn bytes_before_the_first_event_end_the_worker_and_not_the_event() {
    let Some(hosted) = broken_worker() else {
        return;
    };
    let hosted = hosted.variable("WORKER_START", "early");
    let (mut process, server) = hosted.spawn(&[]);
    process.until_idle(&server);
    server.more(vec![ScriptedReply::event(&Event::new("event", "plain"))]);
    process.until_idle(&server);
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    // Every restarted worker sends too much, so the event fails in the end, once.
    assert_eq!(ledger.posts_of("event").len(), 1, "{ledger}");
    let post = ledger.answer("event");
    if post.kind == Kind::Error {
        message(post, "Runtime.BadFrame");
    }
}

#[test]
fn stream_reset_by_the_server_ends_its_worker_and_the_next_event_is_served() {
    for way in ["stream_large", "stream"] {
        let Some(hosted) = broken_worker() else {
            return;
        };
        println!("{way}");
        let events = [Event::new("bad", way), Event::new("after", "plain")];
        let cut = ScriptedReply::status(202)
            .close_at(CloseAt::InRequest(700))
            .by(HangUp::Reset);
        let script = Script {
            // The reply was lost, so the server delivers the event again.
            gets: vec![
                ScriptedReply::event(&events[0]),
                ScriptedReply::event(&events[0]),
                ScriptedReply::event(&events[1]),
            ],
            posts: vec![cut],
            ..Script::default()
        };
        let outcome = hosted.start.run(script);
        let ledger = outcome.assert_serving();
        error(ledger, "bad", "Runtime.StreamBroken");
        assert!(pid(ledger, "after") > 0);
    }
}

#[test]
fn worker_retired_by_fatal_is_replaced_when_the_reply_is_lost() {
    let Some(hosted) = broken_worker() else {
        return;
    };
    let texts = ["fatal", "plain", "plain", "plain"];
    let script = Script {
        gets: events(texts).iter().map(ScriptedReply::event).collect(),
        posts: vec![ScriptedReply::status(202).close_at(CloseAt::InReply(0))],
        ..Script::default()
    };
    let outcome = hosted.start.run(script);
    let ledger = outcome.assert_serving();
    error(ledger, "event-0", "Function.Broken");
    let pids = ["event-1", "event-2", "event-3"].map(|id| pid(ledger, id));
    assert_eq!(pids, [pids[0]; 3], "a process serves on");
}

#[test]
fn error_types_over_the_limit_are_reported_and_counted_as_unknown() {
    let Some(hosted) = broken_worker() else {
        return;
    };
    let letter = |number: usize| char::from(b'A' + number as u8);
    let types: Vec<String> = (0..80)
        .map(|number| format!("Function.{}{}", letter(number / 26), letter(number % 26)))
        .chain(["Function.AA".into(), "other.Type".into(), "x".repeat(128)])
        .collect();
    let outcome = hosted.run(&events(types.iter().map(|name| format!("type {name}"))));
    let ledger = outcome.assert_serving();
    for (number, name) in types.iter().enumerate() {
        let answer = ledger.answer(&format!("event-{number}"));
        assert_eq!(error_type(answer), *name);
        let header = answer.header("Lambda-Runtime-Function-Error-Type");
        let is_known = number < 30 || name == "Function.AA";
        let header = header.expect("a type");
        assert!(header == name || !is_known && header == "Function.Unknown");
    }
}
