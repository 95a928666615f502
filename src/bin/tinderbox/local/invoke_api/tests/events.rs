//! Which events are accepted.

use super::super::payload::event;
use super::super::{ApiError, InvocationType, InvokeCall, event_limit};
use super::invoke_with;
use crate::local::EventFormat;

fn call(kind: &str) -> InvokeCall {
    invoke_with(&format!("X-Amz-Invocation-Type: {kind}\n")).expect("a call")
}

fn check(body: &[u8]) -> Result<Vec<u8>, ApiError> {
    let call = call("RequestResponse");
    event(body.to_vec(), body.len() as u64, &call, EventFormat::Json)
}

#[test]
fn event_is_json_and_absent_is_an_empty_object() {
    for (body, expected) in [
        ("", "{}"),
        ("{}", "{}"),
        ("null", "null"),
        (" [1, \"é\"]\n", " [1, \"é\"]\n"),
    ] {
        assert_eq!(check(body.as_bytes()), Ok(expected.as_bytes().to_vec()));
    }
    let deep = "[".repeat(1000) + &"]".repeat(1000);
    assert_eq!(check(deep.as_bytes()), Ok(deep.clone().into_bytes()));
    assert!(check(format!("[{deep}]").as_bytes()).is_err());
}

#[test]
fn event_malformed_is_refused_in_the_words_of_lambda() {
    for (body, place) in [
        (&b"{"[..], "EOF while parsing an object at line 1 column 1"),
        (b"{}\n}", "trailing characters at line 2 column 1"),
        (b"{'a':1}", "key must be a string at line 1 column 2"),
    ] {
        let error = check(body).expect_err(place);
        let text = format!(
            "Could not parse request body into json: Could not parse payload into json: {place}"
        );
        assert_eq!(
            error,
            ApiError::new(400, "InvalidRequestContentException", text)
        );
    }
    // Long ones as well, without building a value.
    let long = format!("[{}", "1,\n".repeat(100_000));
    let text = check(long.as_bytes()).expect_err("no end").text;
    assert!(
        text.ends_with("unexpected end of input at line 100001 column 1"),
        "{text}"
    );
}

/// What the AWS CLI makes of `{"body":"n"}` and the like, recorded from production.
#[test]
fn event_that_the_cli_has_decoded_gets_a_hint() {
    for body in [
        &b"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bm"[..],
        b"\x99\xeb,j\x07\xa1zY\xa2",
        b"\xd0\x0d\x61",
        b"0D\x00a",
    ] {
        let text = check(body).expect_err("binary").text;
        assert!(
            text.contains("--cli-binary-format raw-in-base64-out"),
            "{text}"
        );
    }
    for body in ["{", "hello", "\u{e9}", "{\"a\":\t1\r\n"] {
        let text = check(body.as_bytes()).expect_err("text").text;
        assert!(!text.contains("--cli-binary-format"), "{text}");
    }
}

#[test]
fn event_over_the_limit_is_refused_in_the_words_of_lambda() {
    for (kind, limit) in [("RequestResponse", 6_291_456), ("Event", 1_048_576)] {
        let call = call(kind);
        assert_eq!(event_limit(call.invocation_type), limit);
        let body = vec![b'1'; limit];
        let found = event(body.clone(), limit as u64, &call, EventFormat::Binary);
        assert_eq!(found.map(|body| body.len()), Ok(limit));
        let error = event(body, limit as u64 + 1, &call, EventFormat::Binary);
        // The text is production's, from faultline/faultline#12 and ASFHyP3/hyp3#2241.
        let text = format!(
            "{} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
            limit + 1
        );
        let expected = ApiError::new(413, "RequestEntityTooLargeException", text);
        assert_eq!(error, Err(expected));
    }
    assert_eq!(event_limit(InvocationType::ResponseStream), 6_291_456);
    assert_eq!(event_limit(InvocationType::DryRun), 6_291_456);
}

#[test]
fn event_of_any_bytes_is_accepted_in_the_binary_format() {
    let call = call("RequestResponse");
    for body in [&b""[..], b"{", b"\0\xff"] {
        let found = event(body.to_vec(), body.len() as u64, &call, EventFormat::Binary);
        assert_eq!(found, Ok(body.to_vec()));
    }
}
