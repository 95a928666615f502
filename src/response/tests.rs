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
