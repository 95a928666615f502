//! Answers: errors of every byte, content types, panics, init errors, exits of the handler.

use crate::support::api::{Event, Kind, Script};
use crate::support::sys;
use crate::{Random, assert_echoed, error_message, probe};

#[test]
fn handler_failure_is_posted_with_type_message_and_trace() {
    let (fail, fine) = (Event::new("fail", "fail"), Event::new("fine", "fine"));
    let outcome = probe().run(Script::events([&fail, &fine, &fail]));
    assert_eq!(outcome.code, None);
    let posts = outcome.ledger.posts_of("fail");
    assert_eq!(posts.len(), 2);
    for post in posts {
        assert_eq!(post.kind, Kind::Error);
        assert_eq!(error_message(post, "Function.Probe"), "probe failed");
        let cause = post.header("Lambda-Runtime-Function-XRay-Error-Cause");
        assert!(cause.is_some(), "no cause for X-Ray");
    }
    assert_echoed(&outcome.ledger, &fine);
}

/// Messages for an escaper: every byte alone and among others, every form of invalid UTF-8.
pub fn messages() -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for byte in 0..=255 {
        messages.push(vec![byte]);
        messages.push(vec![b'a', byte, b'z']);
        messages.push(vec![byte, byte]);
    }
    messages.push((0..=255).collect());
    messages.push((0..=255).rev().collect());
    let texts = [
        "",
        "\r\n",
        "\"",
        "\\",
        "\\\"",
        "\u{7f}",
        "\u{80}",
        "\u{7ff}",
        "\u{800}",
        "\u{ffff}",
        "\u{10000}",
        "\u{10ffff}",
        "\u{2028}\u{2029}",
        "\u{fffd}",
        "\u{feff}x",
        "caf\u{e9}",
        "\u{1f525} tinder",
        "\u{0}",
        "a\u{0}b",
        "X-Header: no\r\n\r\nGET / HTTP/1.1",
        "</script>&<>",
        "\\u0041",
        "\u{8}\u{c}\t",
    ];
    messages.extend(texts.map(|text| text.as_bytes().to_vec()));
    // Every valid sequence truncated, at the end and before another character.
    for text in ["\u{e9}", "\u{20ac}", "\u{1f525}"] {
        for length in 1..text.len() {
            let part = &text.as_bytes()[..length];
            messages.push(part.to_vec());
            messages.push([part, b"z"].concat());
            messages.push([part, part].concat());
            messages.push([part, text.as_bytes()].concat());
        }
    }
    let wrong: [&[u8]; 14] = [
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xed\xa0\xbd\xed\xb4\xa5", // surrogates
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xe0\x80\x80",
        b"\xe0\x9f\xbf",
        b"\xf0\x80\x80\x80", // overlong
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80", // beyond the last
        b"\xf8\x88\x80\x80\x80",
        b"\xfe\xff",
        b"\x80\xbf\x80",
    ];
    messages.extend(wrong.map(<[u8]>::to_vec));
    let mut random = Random::new(6);
    for _ in 0..200 {
        let length = random.below(40);
        messages.push((0..length).map(|_| random.next() as u8).collect());
        let odd = b"\xe2\x82\xac\xf0\x9f\x94\xa5\xed\xa0\"\\\n\x00a";
        messages.push((0..length).map(|_| odd[random.below(odd.len())]).collect());
    }
    messages
}

#[test]
fn error_message_of_any_bytes_is_valid_json_with_the_same_text() {
    let messages = messages();
    let events: Vec<Event> = (messages.iter().enumerate())
        .map(|(number, message)| {
            let body = [b"fail-bytes:".as_slice(), message].concat();
            Event::new(&format!("bytes-{number}"), body)
        })
        .collect();
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for (event, message) in events.iter().zip(&messages) {
        let text = error_message(ledger.answer(&event.id), "Function.Probe");
        assert_eq!(text, String::from_utf8_lossy(message), "{message:?}");
    }
}

#[test]
fn failure_made_before_a_write_is_sent_whole_or_not_at_all() {
    let message = "a \"message\" \u{e9}";
    let events = [
        Event::new("returned", format!("fail-write:{message}")),
        Event::new("dropped", "fail-drop:{}"),
        Event::new("again", "fail-write:"),
        Event::new("plain", "plain"),
    ];
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    let text = error_message(ledger.answer("returned"), "Function.Probe");
    assert_eq!(text, message);
    let dropped = ledger.answer("dropped");
    assert_eq!(
        (dropped.kind, &dropped.body[..]),
        (Kind::Response, &b"{}"[..])
    );
    assert_eq!(dropped.header("Content-Type"), Some("application/json"));
    assert_eq!(error_message(ledger.answer("again"), "Function.Probe"), "");
    assert_eq!(ledger.answer("plain").body, b"plain");
}

#[test]
fn content_type_is_the_handlers_or_json_by_default() {
    let events = [
        Event::new("typed", "type text/html; charset=utf-8"),
        Event::new("plain", "plain"),
        Event::new("again", "type application/octet-stream"),
    ];
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for (id, expected) in [
        ("typed", "text/html; charset=utf-8"),
        ("plain", "application/json"),
        ("again", "application/octet-stream"),
    ] {
        assert_eq!(ledger.answer(id).header("Content-Type"), Some(expected));
    }
    assert_eq!(ledger.answer("typed").body, b"typed");
}

#[test]
fn content_type_of_any_bytes_cannot_inject_a_header() {
    let mut events: Vec<Event> = (0..=255)
        .map(|byte: u8| {
            let body = [b"type a".as_slice(), &[byte], b"b"].concat();
            Event::new(&format!("type-{byte}"), body)
        })
        .collect();
    events.push(Event::new(
        "inject",
        "type a/b\r\nX-Injected: yes\r\n\r\nGET / HTTP/1.1",
    ));
    events.push(Event::new("long", format!("type {}", "t".repeat(5_000))));
    events.push(Event::new("none", "type "));
    events.push(Event::new("fine", "fine"));
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for event in &events {
        let answer = ledger.answer(&event.id);
        assert_eq!(answer.header("X-Injected"), None, "{answer:?}");
    }
    assert_echoed(ledger, &events[events.len() - 1]);
}

#[test]
fn panic_in_handler_is_posted_once_and_exits_101() {
    let (fine, panic) = (Event::new("fine", "fine"), Event::new("panic", "panic"));
    let never = Event::new("never", "never");
    for pipeline in ["1", "0"] {
        let start = probe().variable("TINDERBOX_PIPELINE", pipeline);
        let outcome = start.run(Script::events([&fine, &panic, &never]));
        let ledger = outcome.assert_exit(101);
        ledger.assert_balanced();
        assert_eq!(ledger.posts.len(), 2, "{ledger}");
        assert_eq!(ledger.gets, 2, "{ledger}");
        assert!(!ledger.answer("panic").get_behind, "{ledger}");
        let message = error_message(ledger.answer("panic"), "Runtime.Panic");
        // The location is file, line and column; the message is Rust's.
        let is_rusts = message.contains("index") && message.contains("out of ");
        assert!(is_rusts, "{message}");
        let has_location = message.contains(".rs:") || outcome.stderr.contains(".rs:");
        assert!(has_location, "{message}; {}", outcome.stderr);
    }
}

#[test]
fn init_error_is_posted_once_and_exits_3_before_any_next() {
    let event = Event::new("never", "never");
    let start = probe().variable("PROBE_INIT", "fail");
    let outcome = start.run(Script::events([&event]));
    let ledger = outcome.assert_exit(3);
    assert_eq!((ledger.gets, ledger.posts.len()), (0, 1), "{ledger}");
    assert_eq!(ledger.posts[0].kind, Kind::InitError);
    let message = error_message(&ledger.posts[0], "Function.ProbeInit");
    assert_eq!(message, "probe init failed");
}

#[test]
fn panic_at_init_is_an_init_error_and_exits_101() {
    let event = Event::new("never", "never");
    let start = probe().variable("PROBE_INIT", "panic");
    let outcome = start.run(Script::events([&event]));
    let ledger = outcome.assert_exit(101);
    assert_eq!((ledger.gets, ledger.posts.len()), (0, 1), "{ledger}");
    assert_eq!(ledger.posts[0].kind, Kind::InitError);
    assert!(!error_message(&ledger.posts[0], "Runtime.Panic").is_empty());
}

#[test]
fn handler_that_exits_or_aborts_posts_nothing_and_sets_the_exit_status() {
    for (body, code) in [
        ("exit 0", 0),
        ("exit 1", 1),
        ("exit 77", 77),
        ("exit 255", 255),
    ] {
        let outcome = probe().run(Script::events([&Event::new("end", body)]));
        assert_eq!(outcome.code, Some(code), "{body}; {}", outcome.ledger);
        assert!(outcome.ledger.posts.is_empty());
    }
    let outcome = probe().run(Script::events([&Event::new("end", "crash")]));
    assert_eq!(outcome.code, Some(128 + sys::SIGABRT), "{}", outcome.ledger);
    assert!(outcome.ledger.posts.is_empty());
}

#[test]
fn handler_that_sleeps_is_answered() {
    let events = [Event::new("slow", "sleep 300"), Event::new("fine", "fine")];
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    assert_eq!(ledger.answer("slow").kind, Kind::Response);
    assert_echoed(ledger, &events[1]);
}
