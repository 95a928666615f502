//! Errors that are longer than the Runtime API takes.

use serde_json::{Value, json};

use crate::support::api::{Event, Kind, Post, Script};
use crate::support::{function, start::Start};
use crate::{assert_echoed, error_message, probe};

/// The longest error that the newest servers accept.
const ERROR_BYTES_MAX: usize = 1024 * 1024;

fn error(post: &Post, error_type: &str) -> Value {
    error_message(post, error_type);
    assert!(
        post.body.len() <= ERROR_BYTES_MAX,
        "{} bytes",
        post.body.len()
    );
    serde_json::from_slice(&post.body).expect("JSON")
}

#[test]
fn error_of_many_message_parts_is_valid_json_of_1_mib() {
    // Ten parts are longer than an error may be, 64 are longer than a response.
    let events =
        ["0", "1", "10", "64"].map(|count| Event::new(count, format!("fail-parts {count}")));
    let fine = Event::new("fine", "fine");
    let outcome = probe().run(Script::events(events.iter().chain([&fine])));
    let ledger = outcome.assert_serving();
    let messages = ["0", "1", "10", "64"].map(|id| {
        let error = error(ledger.answer(id), "Function.Probe");
        error["errorMessage"].as_str().expect("a message").len()
    });
    let most = ERROR_BYTES_MAX / 6; // a NUL is six bytes of JSON
    assert_eq!(messages[..2], [0, 160 * 1024]);
    for bytes in &messages[2..] {
        assert!((most - 50..most).contains(bytes), "{bytes}");
    }
    assert_echoed(ledger, &fine);
}

#[test]
fn error_of_long_stack_trace_keeps_message_and_first_lines() {
    let events = [
        (10, 5, 100),
        (10, 100_000, 100),
        (10, 10, 3_000_000),
        (2_000_000, 9, 9),
    ];
    let events: Vec<Event> = (events.iter().enumerate())
        .map(|(number, sizes)| {
            let body = json!({"trace": [sizes.0, sizes.1, sizes.2]});
            Event::new(&format!("trace-{number}"), body.to_string())
        })
        .collect();
    let outcome = Start::new(&function("typed")).run(Script::events(&events));
    let ledger = outcome.assert_serving();
    let errors = [0, 1, 2, 3].map(|number| {
        let error = error(ledger.answer(&format!("trace-{number}")), "Function.Trace");
        let message = error["errorMessage"].as_str().expect("a message").len();
        let trace = error["stackTrace"].as_array().expect("lines").clone();
        assert!(trace.iter().all(|line| *line == "\"".repeat(100)));
        (message, trace.len())
    });
    let lines = ERROR_BYTES_MAX / 203; // a quote is two bytes of JSON
    assert_eq!((errors[0], errors[2]), ((10, 5), (10, 0)));
    assert!(
        errors[1].0 == 10 && (lines - 2..=lines).contains(&errors[1].1),
        "{errors:?}"
    );
    assert!(
        errors[3].0 > ERROR_BYTES_MAX - 100 && errors[3].1 == 0,
        "{errors:?}"
    );
}

#[test]
fn response_value_that_is_no_json_leaves_the_response_as_before() {
    for body in ["half", "stream-half"] {
        let outcome =
            Start::new(&function("typed")).run(Script::events([&Event::new("half", body)]));
        let answer = outcome.assert_serving().answer("half");
        assert_eq!(answer.kind, Kind::Response);
        assert_eq!(
            str::from_utf8(&answer.body),
            Ok("[1]\"Function.BadResponse\""),
            "{body}"
        );
    }
}

#[test]
fn panic_within_the_message_of_a_panic_is_reported_and_exits_101() {
    for (depth, wanted) in [
        (0, "within a message"),
        (1, "within a message"),
        (1_000_000_000, "while the message of a panic was formatted"),
    ] {
        let event = Event::new("panic", format!("panic-format {depth}"));
        let outcome = probe().run(Script::events([&event]));
        let ledger = outcome.assert_exit(101);
        let message = error_message(ledger.answer("panic"), "Runtime.Panic");
        assert!(message.contains(wanted), "{depth}: {message}");
        assert!(
            outcome.stderr.contains(wanted),
            "{depth}: {}",
            outcome.stderr
        );
    }
}
