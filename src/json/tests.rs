//! Tests of events and responses as values.

use super::*;
use alloc::string::String;
use serde_json::{Value, json};

/// The event as a value of this type, or the message of the failure.
fn read<'a, T: Deserialize<'a>>(event: &'a [u8]) -> Result<T, String> {
    let invocation = Invocation::new(b"", event);
    invocation.json().map_err(|failure| {
        assert_eq!(failure.error_type(), "Function.BadEvent");
        static FREE: crate::sys::Handoff<Response> = crate::sys::Handoff::new();
        let response = FREE.take();
        let response = response.unwrap_or_else(|| Response::leaked());
        failure.write(response.buffer());
        let error: Value = serde_json::from_slice(response.buffer().body()).expect("JSON");
        FREE.put(response);
        error["errorMessage"].as_str().expect("a message").into()
    })
}

#[test]
fn bad_event_fails_with_line_and_column() {
    assert_eq!(read::<&str>(b"\"borrowed\""), Ok("borrowed"));
    assert_eq!(read::<u8>(b"255"), Ok(255));
    for (event, at) in [
        (&b""[..], "line 1 column 0"),
        (b"{", "line 1 column 0"),
        (b"{}", "line 1 column 0"),
        (b"[1, 2]", "line 1 column 0"),
        (b"\n\n  \"x\"", "line 3 column 5"),
        (b"256", "line 1 column 3"),
        (b"-1", "line 1 column 2"),
        (b"1e999", "line 1 column 5"),
        (b"1 2", "line 1 column 3"),
        (b"\xff", "line 1 column 1"),
    ] {
        let message = read::<u8>(event).expect_err("no u8");
        assert!(message.ends_with(at), "{message}");
    }
    let message = read::<String>(b"\"\xff\xfe\"").expect_err("no UTF-8");
    assert!(message.contains("invalid unicode"), "{message}");

    let deep = |levels: usize| ["[".repeat(levels), "]".repeat(levels)].concat();
    assert!(read::<Value>(deep(127).as_bytes()).is_ok());
    for levels in [128, 100_000, 3_000_000] {
        let message = read::<Value>(deep(levels).as_bytes()).expect_err("too deep");
        assert!(message.starts_with("recursion limit exceeded"), "{message}");
    }
    // Of keys that stand there twice, the last counts in a map, as in JavaScript.
    assert_eq!(read(b"{\"a\":1,\"a\":2}"), Ok(json!({"a": 2})));
    let huge = [b"1".repeat(400), b".5".to_vec()].concat();
    assert!(read::<Value>(&huge).is_err(), "no f64 holds it");
}

#[test]
fn borrowed_text_with_an_escape_fails_with_a_hint() {
    use alloc::borrow::Cow;
    let event = br#"["a\nb"]"#;
    let hint = "; a &str cannot have escapes: use Cow<str> with #[serde(borrow)], or String";
    let message = read::<[&str; 1]>(event).expect_err("an escape");
    assert!(message.ends_with(hint), "{message}");
    assert!(message.contains("at line 1 column 7"), "{message}");
    assert_eq!(read::<[Cow<str>; 1]>(event), Ok([Cow::from("a\nb")]));
    assert_eq!(read::<[String; 1]>(event), Ok([String::from("a\nb")]));
    let message = read::<u8>(b"\"a borrowed string\"").expect_err("no number");
    assert!(!message.contains("Cow"), "{message}");
}

#[test]
fn response_value_is_written_as_json() {
    let response = Response::leaked();
    for value in [
        json!(null),
        json!("\u{0}\u{7f}\u{e9}\u{10ffff}\"\\/\r\n"),
        json!([1, -1, u64::MAX, i64::MIN, 0.1, 1e300, -0.0]),
        json!({"a": {"b": []}, "": {}}),
    ] {
        response.reset();
        assert!(response.json(&value).is_ok());
        let written: Value = serde_json::from_slice(response.buffer().body()).expect("JSON");
        assert_eq!(written, value);
    }
}

#[test]
fn response_value_that_is_no_json_adds_nothing() {
    let response = Response::leaked();
    response.reset();
    assert!(response.content_type("application/x-ndjson").is_ok());
    assert!(response.json(&1).is_ok());
    let keys = alloc::collections::BTreeMap::from([((1, 2), 3)]);
    let failure = response
        .json(&("written before the failure", keys))
        .expect_err("keys that are no strings");
    assert_eq!(failure.error_type(), "Function.BadResponse");
    assert_eq!(response.buffer().body(), b"1");
    assert!(response.json(&[2]).is_ok(), "the response goes on");
    assert_eq!(response.buffer().body(), b"1[2]");
    assert_eq!(response.finish_head(&Ok(())), b"", "and is a response");
    let head = response.buffer().bytes();
    assert!(head.starts_with(b"Content-Type: application/x-ndjson"));
}

#[test]
#[cfg_attr(miri, ignore = "slow")]
fn response_value_over_the_limit_fails_the_event_and_adds_nothing() {
    let response = Response::leaked();
    response.reset();
    assert!(response.json(&1).is_ok());
    let outcome = response.json(&["fits", &"x".repeat(7_000_000)]);
    let failure = outcome.as_ref().expect_err("too large");
    assert_eq!(failure.error_type(), "Function.ResponseSizeTooLarge");
    assert_eq!(response.buffer().body(), b"1");
    assert_eq!(
        response.finish_head(&outcome),
        b"Function.ResponseSizeTooLarge"
    );
}

#[test]
fn typed_handler_reads_event_and_writes_response() {
    let response = Response::leaked();
    let mut handler = json(|numbers: alloc::vec::Vec<i32>, _: &Invocation| {
        let sum: i32 = numbers.iter().sum();
        if sum < 0 {
            return Err(Failure::new("Function.Negative", "less than nothing"));
        }
        Ok(sum)
    });
    response.reset();
    assert!(handler(&Invocation::new(b"", b"[1, 2, 3]"), response).is_ok());
    assert_eq!(response.buffer().body(), b"6");
    for (event, wanted) in [
        (&b"[-1]"[..], "Function.Negative"),
        (b"{}", "Function.BadEvent"),
    ] {
        response.reset();
        let outcome = handler(&Invocation::new(b"", event), response);
        assert!(outcome.is_err_and(|failure| failure.error_type() == wanted));
    }
}
