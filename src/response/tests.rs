//! Tests of responses.

use super::*;

/// Head and body after the handler returned, and the error type.
fn finished(response: &mut Response, outcome: Result<(), Failure>) -> (&str, &'static str) {
    let error_type = response.finish_head(&outcome);
    let text = core::str::from_utf8(response.buffer.bytes()).expect("text");
    (text, core::str::from_utf8(error_type).expect("text"))
}

#[test]
fn response_head_has_the_content_type() {
    let response = Response::leaked();
    response.reset();
    assert!(response.is_empty());
    assert!(response.write(b"{").is_ok() && response.write(b"}").is_ok());
    assert_eq!(response.len(), 2);
    let json = "Content-Type: application/json\r\n\r\n{}";
    assert_eq!(finished(response, Ok(())), (json, ""));

    response.clear();
    assert!(response.content_type("text/html").is_ok());
    assert!(response.content_type("text/plain; charset=utf-8").is_ok());
    assert!(response.write(b"x").is_ok());
    let plain = "Content-Type: text/plain; charset=utf-8\r\n\r\nx";
    assert_eq!(finished(response, Ok(())), (plain, ""));

    let error = "Lambda-Runtime-Function-XRay-Error-Cause: {\"working_directory\":\"\",\
                 \"exceptions\":[{\"type\":\"T\",\"message\":\"\\ufffdm\",\"stack\":[]}],\
                 \"paths\":[]}\r\nContent-Type: application/vnd.aws.lambda.error+json\r\n\r\n\
                 {\"errorType\":\"T\",\"errorMessage\":\"\u{fffd}m\",\"stackTrace\":[]}";
    let failure = response.fail("T", &[b"\xff", b"m"]);
    assert_eq!(
        finished(response, Err(failure)),
        (error, "Function.Unknown")
    );
}

#[test]
fn failure_of_fail_is_returned_whole_after_further_writes() {
    let response = Response::leaked();
    let error = "{\"errorType\":\"Function.Bad\",\"errorMessage\":\"m\",\"stackTrace\":[]}";
    for write in [
        |_: &mut Response| {},
        |response: &mut Response| assert!(response.write(b"more").is_ok()),
        |response: &mut Response| assert!(response.write(&[b'x'; 1000]).is_ok()),
        |response: &mut Response| assert!(response.content_type("text/html").is_ok()),
        |response: &mut Response| response.clear(),
        |response: &mut Response| {
            response.clear();
            assert!(response.write(b"other").is_ok());
        },
        |response: &mut Response| {
            let _ = response.fail("Function.Other", &[b"an earlier one"]);
            let _ = response.fail("Function.Bad", &[b"m"]);
        },
    ] {
        response.reset();
        assert!(response.write(b"before").is_ok());
        let failure = response.fail("Function.Bad", &[b"m"]);
        assert!(response.is_empty(), "the body is discarded");
        write(response);
        let (text, error_type) = finished(response, Err(failure));
        assert_eq!(error_type, "Function.Bad");
        let (_, body) = text.split_once("\r\n\r\n").expect("a head");
        assert_eq!(body, error);
    }
}

#[test]
fn response_written_after_fail_is_answered_if_the_handler_returns_ok() {
    let response = Response::leaked();
    response.reset();
    let _ = response.fail("Function.Bad", &[b"a longer message than the response"]);
    assert!(response.write(b"{}").is_ok());
    let json = "Content-Type: application/json\r\n\r\n{}";
    assert_eq!(finished(response, Ok(())), (json, ""));
}

/// The longest error and the longest response do not fit beside each other.
#[test]
#[cfg_attr(miri, ignore = "slow")]
fn failure_of_fail_overwritten_by_a_long_response_keeps_its_type() {
    let response = Response::leaked();
    for (bytes, keeps_message) in [(5_000_000, true), (RESPONSE_BYTES_MAX, false)] {
        response.reset();
        let failure = response.fail("Function.Bad", &[&std::vec![b'm'; 2 * 1024 * 1024]]);
        assert!(response.write(&std::vec![b'x'; bytes]).is_ok());
        let (text, error_type) = finished(response, Err(failure));
        assert_eq!(error_type, "Function.Bad");
        assert!(text.contains("\r\n\r\n{\"errorType\":\"Function.Bad\",\"errorMessage\":\""));
        assert!(text.ends_with("\",\"stackTrace\":[]}"));
        assert_eq!(text.contains("mmm"), keeps_message, "{bytes}");
        assert!(!text.contains("xxx"));
    }
}

#[test]
fn content_type_that_is_no_header_value_is_refused() {
    let response = Response::leaked();
    response.reset();
    let longest = std::string::String::from_utf8(std::vec![b'x'; 256]).expect("text");
    assert!(response.content_type(&longest).is_ok());
    for value in [
        "",
        "a\r\nb: c",
        "a\nb",
        "a\0",
        "a\tb",
        "\u{7f}",
        "é",
        &(longest + "x"),
    ] {
        assert!(response.content_type(value).is_err(), "{value:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "slow")]
fn response_up_to_the_limit_is_accepted_and_a_longer_one_fails_the_event() {
    let response = Response::leaked();
    response.reset();
    let most = std::vec![b'x'; RESPONSE_BYTES_MAX];
    assert!(response.write(&most).is_ok());
    assert!(response.write(b"").is_ok());
    assert!(
        response
            .write(b"x")
            .is_err_and(|failure| failure.error_type() == TOO_LARGE.error_type())
    );
    // Whatever the handler returns, nothing of it is sent.
    let (text, error_type) = finished(response, Ok(()));
    assert_eq!(error_type, "Function.ResponseSizeTooLarge");
    assert!(text.ends_with("\"stackTrace\":[]}") && text.len() < 300);

    response.clear();
    assert!(response.write(&most[1..]).is_ok() && response.write(b"xx").is_err());
    response.clear();
    assert!(response.write(b"short").is_ok());
    assert_eq!(
        finished(response, Ok(())).1,
        "",
        "after a clear, all is well"
    );
}
