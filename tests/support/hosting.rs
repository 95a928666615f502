//! Hosted handlers: how their bootstrap is started, and how its answers are checked.

use super::TempDir;
use super::api::{Event, Kind, Ledger, Post};
use super::start::Start;

/// A bootstrap that hosts a handler of a task root.
pub fn start(dir: &TempDir, handler: &str) -> Start {
    let root = dir.path().to_str().expect("a path in UTF-8");
    let start = Start::new(&super::bootstrap());
    start
        .variable("LAMBDA_TASK_ROOT", root)
        .variable("_HANDLER", handler)
}

/// Events with these bodies and ids `event-0`, `event-1`, ...
pub fn events<B: Into<Vec<u8>>>(bodies: impl IntoIterator<Item = B>) -> Vec<Event> {
    let bodies = bodies.into_iter().enumerate();
    bodies
        .map(|(number, body)| Event::new(&format!("event-{number}"), body))
        .collect()
}

/// The body of the only answer to the event, which is a response.
pub fn response<'a>(ledger: &'a Ledger, id: &str) -> &'a [u8] {
    let answer = ledger.answer(id);
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(500)]);
    assert_eq!(answer.kind, Kind::Response, "{id}: {text}");
    &answer.body
}

/// The message of the only answer to the event, which is an error of this type.
pub fn error<'a>(ledger: &'a Ledger, id: &str, error_type: &str) -> String {
    let answer: &'a Post = ledger.answer(id);
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(500)]);
    assert_eq!(answer.kind, Kind::Error, "{id}: {text}");
    message(answer, error_type)
}

/// The message of an error of this type.
pub fn message(post: &Post, error_type: &str) -> String {
    let header = post.header("Lambda-Runtime-Function-Error-Type");
    let value: serde_json::Value = serde_json::from_slice(&post.body).expect("valid JSON");
    // The platform's metrics count types of these two forms, and all others as one.
    let is_counted = ["Runtime.", "Function."]
        .iter()
        .any(|start| error_type.starts_with(start));
    let counted = if is_counted {
        error_type
    } else {
        "Function.Unknown"
    };
    assert_eq!(header, Some(counted), "{value}");
    assert_eq!(value["errorType"], error_type, "{value}");
    // Node's name for it is another.
    let trace = value.get("trace").unwrap_or(&value["stackTrace"]);
    assert!(trace.is_array(), "{value}");
    value["errorMessage"]
        .as_str()
        .expect("a message")
        .to_string()
}

/// The type in the body of an error.
pub fn error_type(post: &Post) -> String {
    let value: serde_json::Value = serde_json::from_slice(&post.body).expect("valid JSON");
    value["errorType"].as_str().expect("a type").to_string()
}
