//! Native functions against a Runtime API with faults: exactly one answer per event or a documented
//! exit code, never a hang, never two answers.
//!
//! The functions are `echo` and `probe` (`tests/functions`); the server's ledger is checked.

mod support;

#[path = "runtime/answers.rs"]
mod answers;
#[path = "runtime/by_hand.rs"]
mod by_hand;
#[path = "runtime/closes.rs"]
mod closes;
#[path = "runtime/configuration.rs"]
mod configuration;
#[path = "runtime/connects.rs"]
mod connects;
#[path = "runtime/descriptors.rs"]
mod descriptors;
#[path = "runtime/events.rs"]
mod events;
#[path = "runtime/features.rs"]
mod features;
#[path = "runtime/forks.rs"]
mod forks;
#[path = "runtime/headers.rs"]
mod headers;
#[path = "runtime/large.rs"]
mod large;
#[path = "runtime/log_readers.rs"]
mod log_readers;
#[path = "runtime/long_errors.rs"]
mod long_errors;
#[path = "runtime/pools.rs"]
mod pools;
#[path = "runtime/records.rs"]
mod records;
#[path = "runtime/replies.rs"]
mod replies;
#[path = "runtime/sends.rs"]
mod sends;
#[path = "runtime/snapshots.rs"]
mod snapshots;
#[path = "runtime/soak.rs"]
mod soak;
#[path = "runtime/statuses.rs"]
mod statuses;
#[path = "runtime/streams.rs"]
mod streams;
#[path = "runtime/threads.rs"]
mod threads;
#[path = "runtime/typed.rs"]
mod typed;

use support::api::{Event, Kind, Ledger, Post};
use support::random::{Random, noise};
use support::skip;
use support::start::Start;

fn echo() -> Start {
    Start::new(&support::function("echo"))
}

fn probe() -> Start {
    Start::new(&support::function("probe"))
}

/// The only answer to this event is a response with the same bytes.
fn assert_echoed(ledger: &Ledger, event: &Event) {
    let answer = ledger.answer(&event.id);
    assert_eq!(answer.kind, Kind::Response, "{}; {ledger}", event.id);
    let same = answer.body == event.body;
    assert!(same, "{}: other bytes; {ledger}", event.id);
}

/// The post is an error of this type with a valid body and valid headers; its message.
fn error_message(post: &Post, error_type: &str) -> String {
    assert_ne!(post.kind, Kind::Response, "{post:?}");
    let header = post.header("Lambda-Runtime-Function-Error-Type");
    assert_eq!(header, Some(error_type), "{post:?}");
    let content_type = post.header("Content-Type");
    let expected = "application/vnd.aws.lambda.error+json";
    assert_eq!(content_type, Some(expected), "{post:?}");
    let value: serde_json::Value = serde_json::from_slice(&post.body)
        .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&post.body)));
    let object = value.as_object().expect("an error is an object");
    assert_eq!(object["errorType"], error_type);
    let lines = object["stackTrace"].as_array().expect("a list of lines");
    assert!(lines.iter().all(serde_json::Value::is_string), "{value}");
    let message = object["errorMessage"].as_str().expect("a message");
    assert_cause(post, error_type, message);
    message.to_string()
}

/// The cause for X-Ray, if any, has the type and the beginning of the message.
fn assert_cause(post: &Post, error_type: &str, message: &str) {
    let Some(text) = post.header("Lambda-Runtime-Function-XRay-Error-Cause") else {
        return; // errors of the runtime itself have none
    };
    let cause: serde_json::Value = serde_json::from_str(text).expect("a cause is JSON");
    let exception = &cause["exceptions"][0];
    assert_eq!(exception["type"], error_type, "{cause}");
    let beginning = exception["message"].as_str().expect("a message");
    assert!(message.starts_with(beginning), "{beginning:?} {message:?}");
    let whole = beginning.len() == message.len();
    assert!(whole || text.len() > 1000, "{cause}");
}
