//! The headers of `/next`: spelling, absence, size, the request id, the invocation id.

use crate::support::api::{CloseAt, Event, Framing, Kind, Script, ScriptedReply};
use crate::{assert_echoed, echo, noise, probe};

const CONTEXT: [(&str, &str, &str); 6] = [
    (
        "Lambda-Runtime-Trace-Id",
        "trace-id",
        "Root=1-5;Parent=a;Sampled=1",
    ),
    (
        "Lambda-Runtime-Client-Context",
        "client-context",
        "{\"custom\":{\"a\": 1}}",
    ),
    (
        "Lambda-Runtime-Cognito-Identity",
        "cognito-identity",
        "{\"cognitoIdentityId\":\"x\"}",
    ),
    ("Lambda-Runtime-Aws-Tenant-Id", "tenant-id", "tenant one"),
    ("Lambda-Runtime-Invocation-Id", "invocation-id", "attempt-7"),
    (
        "Lambda-Runtime-Invoked-Function-Arn",
        "function-arn",
        "arn:aws:lambda:x:1:function:f:v",
    ),
];

fn with_context(id: &str) -> Event {
    let event = Event::new(id, "context");
    CONTEXT.iter().fold(event, |event, (header, _, value)| {
        event.header(header, value)
    })
}

fn context_lines(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    lines.sort();
    lines
}

/// The response of `probe` to an event with all headers.
fn full_context(event: &Event) -> Vec<String> {
    let mut lines: Vec<String> = CONTEXT
        .iter()
        .map(|(_, name, value)| format!("{name}={value}"))
        .collect();
    let deadline = event.lines.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_deadline = name.eq_ignore_ascii_case("Lambda-Runtime-Deadline-Ms");
        is_deadline.then(|| value.trim().to_string())
    });
    lines.push(format!("deadline-ms={}", deadline.expect("a deadline")));
    lines.push(format!("request-id={}", event.id));
    lines.sort();
    lines
}

#[test]
fn header_in_any_spelling_reaches_the_handler() {
    let name = |line: &str, change: fn(&str) -> String| {
        let (name, value) = line.split_once(':').expect("a header line");
        format!("{}:{value}", change(name))
    };
    let space = |line: &str, before: &str, behind: &str| {
        let (name, value) = line.split_once(": ").expect("a header line");
        format!("{name}:{before}{value}{behind}")
    };
    let events = [
        with_context("as-sent"),
        with_context("lower").lines(|line| name(line, str::to_ascii_lowercase)),
        with_context("upper").lines(|line| name(line, str::to_ascii_uppercase)),
        with_context("tight").lines(|line| space(line, "", "")),
        with_context("wide").lines(|line| space(line, " \t  ", " \t ")),
        with_context("reversed").lines(|line| line.to_string()),
        with_context("chunked").chunked(&[3]),
        with_context("unusual").framed(Framing::Unusual(2)),
    ];
    let mut events = events.to_vec();
    events[5].lines.reverse();
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for event in &events {
        let lines = context_lines(&ledger.answer(&event.id).body);
        assert_eq!(lines, full_context(event), "{}", event.id);
    }
}

#[test]
fn header_absent_or_empty_is_none_and_not_that_of_the_previous_event() {
    let bare = Event::new("bare", "context")
        .without("Lambda-Runtime-Deadline-Ms")
        .without("Lambda-Runtime-Invoked-Function-Arn")
        .without("Content-Type")
        .without("Date");
    let empty = CONTEXT
        .iter()
        .fold(Event::new("empty", "context"), |event, (header, ..)| {
            event.header(header, "")
        });
    let blank = empty
        .clone()
        .deadline("")
        .lines(|line| line.replace(": ", ":  \t"));
    let mut blank = blank.header("Lambda-Runtime-Aws-Request-Id", "blank");
    blank.id = "blank".into();
    let empty = empty.deadline("");
    let full = |id| with_context(id);
    let events = [
        full("one"),
        bare,
        full("two"),
        empty,
        full("three"),
        blank,
        full("four"),
    ];
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for event in &events {
        let lines = context_lines(&ledger.answer(&event.id).body);
        let expected = match event.lines.iter().any(|line| line.contains("attempt-7")) {
            true => full_context(event),
            false => vec![format!("request-id={}", event.id)],
        };
        assert_eq!(lines, expected, "{}", event.id);
    }
}

#[test]
fn invocation_id_is_returned_only_when_received() {
    let header = "Lambda-Runtime-Invocation-Id";
    let events = [
        Event::new("with", "x").header(header, "attempt-1"),
        Event::new("without", "x"),
        Event::new("fail-with", "fail").header(header, "attempt-2"),
        Event::new("fail-without", "fail"),
        Event::new("empty", "x").header(header, ""),
        Event::new("big-with", "big 6291557").header(header, "attempt-3"),
        Event::new("lower", "x").header("lambda-runtime-invocation-id", "attempt-4"),
    ];
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    let expected = [Some("1"), None, Some("2"), None, None, Some("3"), Some("4")];
    for (event, expected) in events.iter().zip(expected) {
        let expected = expected.map(|number| format!("attempt-{number}"));
        let echoed = ledger.answer(&event.id).header(header);
        assert_eq!(echoed, expected.as_deref(), "{}", event.id);
    }
    assert_eq!(ledger.answer("fail-with").kind, Kind::Error);
}

#[test]
fn headers_many_or_long_are_read_and_over_64_kib_exit_1() {
    let many = (0..400).fold(Event::new("many", "x"), |event, number| {
        event.header(&format!("X-{number}"), "some value")
    });
    let long = Event::new("long", "x").header("X-Long", &"v".repeat(60_000));
    let context =
        Event::new("client", "context").header("Lambda-Runtime-Client-Context", &"c".repeat(3_583));
    let outcome = probe().run(Script::events([&many, &long, &context]));
    let ledger = outcome.assert_serving();
    assert_echoed(ledger, &many);
    assert_echoed(ledger, &long);
    let body = &ledger.answer("client").body;
    assert!(context_lines(body).contains(&format!("client-context={}", "c".repeat(3_583))));

    let huge = Event::new("huge", "x").header("X-Huge", &"v".repeat(65_536));
    let outcome = echo().run(Script::events([&huge]));
    assert!(outcome.assert_exit(1).posts.is_empty());
}

#[test]
fn head_just_under_64_kib_is_read_with_a_body_of_any_size() {
    let head = Event::new("pad", "").reply().len();
    let mut events = Vec::new();
    for spare in [0, 1, 2, 3, 100] {
        let pad = 65_536 - head - "X-Pad: \r\n".len() - 8 - spare;
        for size in [0, 10, 70_000] {
            let id = format!("pad-{spare}-{size}");
            events.push(Event::new(&id, noise(4, size)).header("X-Pad", &"p".repeat(pad - 16)));
        }
    }
    let outcome = echo().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
}

/// Request ids with every byte that a header can have, and long ones.
fn odd_ids() -> Vec<String> {
    let bytes = (1..=0x7f).filter(|byte| !b"\r\n".contains(byte));
    let mut ids: Vec<String> = bytes
        .map(|byte| format!("id-{}-x", char::from(byte)))
        .collect();
    for id in [
        "1",
        "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        ".",
        "..",
        "../..",
        "%",
        "%2e%2E",
        "a%20b%",
        "?x=y#z",
        "\u{e9}\u{20ac}\u{1f525}",
        " HTTP/1.1",
    ] {
        ids.push(id.trim().into());
    }
    for bytes in [128, 130, 1024] {
        ids.push("x".repeat(bytes));
        ids.push("%/".repeat(bytes / 2));
    }
    ids
}

#[test]
fn request_id_of_any_bytes_is_in_the_path_of_the_answer() {
    let ids = odd_ids();
    let events: Vec<Event> = ids.iter().map(|id| Event::new(id, id.as_bytes())).collect();
    let outcome = echo().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn request_id_of_any_bytes_is_in_the_path_of_errors_and_streams() {
    for (words, kind) in [("fail", Kind::Error), ("stream a b", Kind::Response)] {
        let ids = odd_ids();
        let events: Vec<Event> = ids.iter().map(|id| Event::new(id, words)).collect();
        let outcome = probe().run(Script::events(&events));
        let ledger = outcome.assert_serving();
        for event in &events {
            assert_eq!(ledger.answer(&event.id).kind, kind, "{:?}", event.id);
        }
    }
}

#[test]
fn request_id_of_odd_bytes_delivered_again_gets_the_stored_answer() {
    let mut script = Script::default();
    let ids = ["a/b", "..", "%2F", "\u{e9} ?#", &"%".repeat(1024)];
    let events: Vec<Event> = ids.iter().map(|id| Event::new(id, id.as_bytes())).collect();
    for event in &events {
        script = script
            .get(ScriptedReply::event(event))
            .get(ScriptedReply::event(event));
        script = script.post(
            ScriptedReply::status(202)
                .close_at(CloseAt::BeforeReply)
                .uncounted(),
        );
        script = script.post(ScriptedReply::status(202));
    }
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
        assert_eq!(ledger.posts_of(&event.id).len(), 2, "{:?}", event.id);
    }
}

#[test]
fn request_id_of_odd_bytes_is_escaped_in_log_records() {
    let id = "a\u{1b}[2J\"\\\u{1}b \u{e9}";
    let event = Event::new(id, "log:text");
    let outcome = probe().run(Script::events([&event]));
    outcome.assert_serving();
    let log = outcome.log();
    assert!(
        log.contains("\ta\\u001b[2J\"\\\\u0001b \u{e9}\ttext\n"),
        "{log:?}"
    );
    let start = probe().variable("AWS_LAMBDA_LOG_FORMAT", "JSON");
    let outcome = start.run(Script::events([&event]));
    outcome.assert_serving();
    let record: serde_json::Value = serde_json::from_str(&outcome.log()).expect("one record");
    assert_eq!(record["requestId"], id);
}

#[test]
fn invocation_id_of_odd_bytes_is_returned_unchanged() {
    let header = "Lambda-Runtime-Invocation-Id";
    let ids = ["a b", "a/b%20?#", "%", &"i".repeat(1024)];
    let mut events = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        events.push(Event::new(&format!("id-{number}"), "x").header(header, id));
    }
    let outcome = echo().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for (event, id) in events.iter().zip(ids) {
        assert_eq!(ledger.answer(&event.id).header(header), Some(id));
    }
}

#[test]
fn request_id_absent_or_over_1024_bytes_exits_1() {
    let header = "Lambda-Runtime-Aws-Request-Id";
    let attempt = "Lambda-Runtime-Invocation-Id";
    let events = [
        Event::new("absent", "x").without(header),
        Event::new("empty", "x").header(header, ""),
        Event::new("blank", "x").header(header, " \t "),
        Event::new("long", "x").header(header, &"x".repeat(1025)),
        Event::new("longer", "x").header(header, &"x".repeat(60_000)),
        Event::new("attempt", "x").header(attempt, &"x".repeat(1025)),
    ];
    for event in &events {
        let outcome = echo().run(Script::events([event]));
        let ledger = outcome.assert_exit(1);
        assert!(ledger.posts.is_empty(), "{:?}: {ledger}", event.id);
        let line = "tinderbox: event id empty, too long or with a CR: ";
        assert!(outcome.stderr.contains(line), "{}", outcome.stderr);
    }
}

#[test]
fn carriage_return_in_a_callers_value_is_served() {
    let events = [
        Event::new("one", "x").header("Lambda-Runtime-Client-Context", "{\"a\":\"b\rc\"}"),
        Event::new("two", "x").header("Lambda-Runtime-Aws-Tenant-Id", "a\rContent-Length: 3"),
        Event::new("three", "x"),
    ];
    let outcome = echo().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
    // The invocation id is sent back in a header.
    let event = Event::new("four", "x").header("Lambda-Runtime-Invocation-Id", "a\rX: b");
    let outcome = echo().run(Script::events([&event]));
    assert!(outcome.assert_exit(1).posts.is_empty());
}
