//! A typed function that unwinds: invalid events, errors of std with their causes, panics.

use serde_json::{Value, json};

use crate::support::api::{Event, Kind, Ledger, Script};
use crate::support::{function, start::Start};
use crate::{assert_cause, error_message};

fn typed() -> Start {
    Start::new(&function("typed"))
}

fn event(id: &str, event: Value) -> Event {
    Event::new(id, event.to_string())
}

fn value(ledger: &Ledger, id: &str) -> Value {
    let answer = ledger.answer(id);
    assert_eq!(answer.kind, Kind::Response, "{id}; {ledger}");
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    body["value"].clone()
}

#[test]
fn json_values_are_read_and_answered() {
    let add = event("add", json!({"add": [1, -2, 40]}));
    let repeat = event("repeat", json!({"repeat": ["\u{e9}\0", 3]}));
    let outcome = typed().run(Script::events([&add, &repeat]));
    let ledger = outcome.assert_serving();
    assert_eq!(value(ledger, "add"), "39");
    assert_eq!(value(ledger, "repeat"), "\u{e9}\0\u{e9}\0\u{e9}\0");
}

#[test]
fn json_event_invalid_is_an_error_with_its_position() {
    let deep = |levels: usize| [b"[".repeat(levels), b"]".repeat(levels)].concat();
    let bad: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "EOF while parsing a value at line 1 column 0"),
        (b"{\"add\":\n [1, \"x\"]}".to_vec(), "at line 2 column 8"),
        (
            b"{\"add\":[9223372036854775808]}".to_vec(),
            "expected i64 at line 1",
        ),
        (
            b"{\"add\":[1e999]}".to_vec(),
            "number out of range at line 1 column 13",
        ),
        (b"{\"add\":[],\"add\":[]}".to_vec(), "line 1 column"),
        (b"{\"other\":1}".to_vec(), "unknown variant `other`"),
        (b"\"\xff\"".to_vec(), "line 1"),
        (b"\0".to_vec(), "line 1 column 1"),
        (deep(600_000), "line 1 column"),
        (
            [b"{\"add\":".to_vec(), deep(3_000_000)].concat(),
            "line 1 column 8",
        ),
    ];
    let mut events: Vec<Event> = (bad.iter().enumerate())
        .map(|(number, (body, _))| Event::new(&format!("bad-{number}"), body.clone()))
        .collect();
    events.push(event("fine", json!({"add": [1]})));
    let outcome = typed().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for (number, (_, wanted)) in bad.iter().enumerate() {
        let message = error_message(ledger.answer(&format!("bad-{number}")), "Function.BadEvent");
        assert!(message.contains(wanted), "{number}: {message}");
    }
    assert_eq!(value(ledger, "fine"), "1");
}

#[test]
fn std_error_has_its_causes_as_stack_trace() {
    let outcome = typed().run(Script::events([&event("number", json!({"number": "4x"}))]));
    let ledger = outcome.assert_serving();
    let answer = ledger.answer("number");
    let header = answer.header("Lambda-Runtime-Function-Error-Type");
    assert_eq!(
        header,
        Some("Function.Error"),
        "the type that metrics count"
    );
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(body["errorType"], "typed::NoNumber");
    assert_eq!(body["errorMessage"], "that is no number");
    assert_cause(answer, "typed::NoNumber", "that is no number");
    assert_eq!(body["stackTrace"], json!(["invalid digit found in string"]));
}

#[test]
fn json_response_over_the_limit_fails_its_event_only() {
    let large = event("large", json!({"repeat": ["0123456789", 700_000]}));
    let outcome = typed().run(Script::events([&large, &event("fine", json!({"add": []}))]));
    let ledger = outcome.assert_serving();
    error_message(ledger.answer("large"), "Function.ResponseSizeTooLarge");
    assert_eq!(value(ledger, "fine"), "0");
}

#[test]
fn panic_that_unwinds_fails_its_event_only() {
    let events: Vec<Event> = (0..20)
        .flat_map(|number| {
            let text = format!("number {number}");
            [
                event(&format!("panic-{number}"), json!({"panic": text})),
                event(&format!("catch-{number}"), json!("catch")),
                event(&format!("fine-{number}"), json!({"add": [number]})),
            ]
        })
        .collect();
    let outcome = typed().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for number in 0..20 {
        let answer = ledger.answer(&format!("panic-{number}"));
        let message = error_message(answer, "Runtime.Panic");
        assert!(message.contains("src/main.rs:"), "{message}");
        assert!(message.ends_with(&format!("number {number}")), "{message}");
        assert_eq!(value(ledger, &format!("catch-{number}")), "true");
        assert_eq!(value(ledger, &format!("fine-{number}")), number.to_string());
    }
}

#[test]
fn panic_that_unwinds_within_a_stream_sends_trailers() {
    let stream = Event::new("stream", "stream");
    let outcome = typed().run(Script::events([
        &stream,
        &event("fine", json!({"add": [7]})),
    ]));
    let ledger = outcome.assert_serving();
    let answer = ledger.answer("stream");
    assert_eq!(answer.body, b"first");
    let named = |name: &str| {
        let mut trailers = answer.trailers.iter();
        trailers
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(
        named("Lambda-Runtime-Function-Error-Type"),
        Some("Runtime.Panic")
    );
    assert!(named("Lambda-Runtime-Function-Error-Body").is_some());
    assert_eq!(value(ledger, "fine"), "7");
}

#[test]
fn panic_at_init_with_std_is_an_init_error_and_exits_101() {
    let outcome = typed()
        .variable("TYPED_INIT", "panic")
        .run(Script::default());
    assert_eq!(outcome.code, Some(101), "{}", outcome.stderr);
    let [post] = outcome.ledger.posts.as_slice() else {
        panic!("{}", outcome.ledger)
    };
    assert_eq!(post.kind, Kind::InitError);
    assert!(error_message(post, "Runtime.Panic").contains("asked to"));
}

#[test]
fn record_has_the_ids_only_on_the_event_thread() {
    let start = typed().variable("AWS_LAMBDA_LOG_FORMAT", "JSON");
    let outcome = start.run(Script::events([&event("log", json!("log"))]));
    outcome.assert_serving();
    let log = outcome.log();
    let lines: Vec<Value> = (log.lines())
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert_eq!(lines[0]["message"], "of the thread that serves");
    assert_eq!(lines[0]["requestId"], "log");
    assert_eq!(lines[1]["message"], "of another");
    assert_eq!(lines[1]["level"], "WARN");
    assert_eq!(lines[1].get("requestId"), None);
}
