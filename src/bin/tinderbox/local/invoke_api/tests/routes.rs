//! Which operation a request is, and which headers a call has.

use super::super::operation::{InvocationType, Operation, route};
use super::super::{ApiError, event_limit};
use super::{invoke, invoke_with};
use crate::local::functions_api::Manage;
use crate::local::http::Request;

fn refusal(method: &str, path: &str) -> ApiError {
    match route(&Request::of_lines(&format!("{method} {path} HTTP/1.1\n"))) {
        Ok(_) => panic!("{method} {path} is an operation"),
        Err(error) => error,
    }
}

#[test]
fn call_is_routed_by_path_and_method() {
    use InvocationType as T;
    for (path, kind) in [
        ("/2015-03-31/functions/f/invocations", T::RequestResponse),
        ("/2015-03-31/functions/f/invocations/", T::RequestResponse),
        (
            "/2015-03-31/functions/f/invocations?Qualifier=1",
            T::RequestResponse,
        ),
        (
            "/2021-11-15/functions/f/response-streaming-invocations",
            T::ResponseStream,
        ),
        ("/2014-11-13/functions/f/invoke-async", T::InvokeAsync),
        ("/2014-11-13/functions/f/invoke-async/", T::InvokeAsync),
    ] {
        let call = invoke(&format!("POST {path} HTTP/1.1\n")).expect(path);
        assert_eq!(
            (call.function.name.as_str(), call.invocation_type),
            ("f", kind),
            "{path}"
        );
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post"] {
            let error = refusal(method, path);
            let expected = (405, "MethodNotAllowedException");
            assert_eq!(
                (error.status, error.error_type),
                expected,
                "{method} {path}"
            );
        }
    }
}

#[test]
fn call_of_functions_api_is_routed_with_its_function() {
    for (method, path, operation, name) in [
        ("GET", "/2015-03-31/functions/", Manage::ListFunctions, None),
        (
            "POST",
            "/2015-03-31/functions",
            Manage::CreateFunction,
            None,
        ),
        (
            "GET",
            "/2015-03-31/functions/f",
            Manage::GetFunction,
            Some("f"),
        ),
        (
            "GET",
            "/2015-03-31/functions/a.b",
            Manage::GetFunction,
            Some("a.b"),
        ),
        (
            "PUT",
            "/2015-03-31/functions/123456789012%3Afunction%3Af/code",
            Manage::UpdateFunctionCode,
            Some("f"),
        ),
        (
            "GET",
            "/2016-08-19/account-settings",
            Manage::GetAccountSettings,
            None,
        ),
    ] {
        let request = Request::of_lines(&format!("{method} {path} HTTP/1.1\n"));
        match route(&request) {
            Ok(Operation::Manage(call)) => {
                let found = call.function.map(|function| function.name);
                assert_eq!(
                    (call.operation, found.as_deref()),
                    (operation, name),
                    "{path}"
                );
            }
            _ => panic!("{method} {path}"),
        }
    }
    for path in ["my-function!", "a:b:c", "a.b/code"] {
        let method = if path.ends_with("code") { "PUT" } else { "GET" };
        let error = refusal(method, &format!("/2015-03-31/functions/{path}"));
        assert_eq!(
            (error.status, error.error_type),
            (400, "ValidationException"),
            "{path}"
        );
    }
}

#[test]
fn path_unknown_is_404_and_operation_not_emulated_is_501() {
    for (method, path) in [
        ("GET", "/"),
        ("POST", "/"),
        ("POST", "/2015-03-31/functions/f"),
        ("POST", "/2015-03-31/functions/f/invocations/x"),
        ("POST", "/2015-03-32/functions/f/invocations"),
        ("POST", "/2015-03-31//functions/f/invocations"),
        ("POST", "/functions/f/invocations"),
        ("POST", "/2018-06-01/runtime/invocation/x/response"),
    ] {
        let error = refusal(method, path);
        let expected = (404, "UnknownOperationException");
        assert_eq!(
            (error.status, error.error_type),
            expected,
            "{method} {path}"
        );
        assert!(
            error
                .text
                .contains("use POST /2015-03-31/functions/NAME/invocations")
        );
    }
    let error = refusal("POST", "/2021-10-31/functions/f/url");
    let expected = (501, "NotImplementedException");
    assert_eq!((error.status, error.error_type), expected);
    assert!(
        error.text.contains("CreateFunctionUrlConfig"),
        "{}",
        error.text
    );
}

#[test]
fn invocation_type_is_that_of_the_header() {
    use InvocationType as T;
    for (value, kind) in [
        ("RequestResponse", T::RequestResponse),
        ("Event", T::Event),
        ("DryRun", T::DryRun),
    ] {
        let call = invoke_with(&format!("x-amz-invocation-type: {value}\n")).expect(value);
        assert_eq!(call.invocation_type, kind);
    }
    // The text is production's, from ex-aws/ex_aws#442.
    let error = invoke_with("X-Amz-Invocation-Type: dry_run\n").expect_err("a wrong type");
    let text = "1 validation error detected: Value 'dry_run' at 'invocationType' failed to \
                satisfy constraint: Member must satisfy enum value set: [DryRun, \
                RequestResponse, Event]";
    assert_eq!(error, ApiError::new(400, "ValidationException", text));

    let stream = "POST /2021-11-15/functions/f/response-streaming-invocations HTTP/1.1\n";
    let with = |value: &str| invoke(&format!("{stream}X-Amz-Invocation-Type: {value}\n"));
    let found = |value| with(value).map(|call| call.invocation_type);
    assert_eq!(found("RequestResponse"), Ok(T::ResponseStream));
    assert_eq!(found("DryRun"), Ok(T::DryRun));
    let error = found("Event").expect_err("a stream is not asynchronous");
    assert_eq!(
        (error.status, error.error_type),
        (400, "ValidationException")
    );

    let first = "POST /2014-11-13/functions/f/invoke-async/ HTTP/1.1\n";
    let call = invoke(&format!(
        "{first}X-Amz-Invocation-Type: x\nX-Amz-Log-Type: x\n"
    ));
    assert_eq!(call.map(|call| call.invocation_type), Ok(T::InvokeAsync));
    assert_eq!(event_limit(T::InvokeAsync), event_limit(T::Event));
}

#[test]
fn log_type_is_none_or_tail() {
    let found = |headers: &str| invoke_with(headers).map(|call| call.wants_log_tail);
    assert_eq!(found(""), Ok(false));
    assert_eq!(found("X-Amz-Log-Type: None\n"), Ok(false));
    assert_eq!(found("X-Amz-Log-Type: Tail\n"), Ok(true));
    for value in ["tail", "Tail, Tail", "true"] {
        let error = found(&format!("X-Amz-Log-Type: {value}\n")).expect_err(value);
        let text = format!(
            "1 validation error detected: Value '{value}' at 'logType' failed to satisfy \
             constraint: Member must satisfy enum value set: [None, Tail]"
        );
        assert_eq!(error, ApiError::new(400, "ValidationException", text));
    }
}

#[test]
fn attempt_of_an_sdk_is_read() {
    for (header, attempt) in [
        ("", None),
        ("amz-sdk-request: attempt=1; max=3\n", Some(1)),
        (
            "Amz-Sdk-Request: ttl=20260101T000000Z; attempt=3; max=3\n",
            Some(3),
        ),
        ("amz-sdk-request: attempt=2\n", Some(2)),
        ("amz-sdk-request: max=3\n", None),
        ("amz-sdk-request: attempt=-1\n", None),
        ("amz-sdk-request: attempt=99999999999\n", None),
    ] {
        assert_eq!(
            invoke_with(header).map(|call| call.attempt),
            Ok(attempt),
            "{header}"
        );
    }
}

#[test]
fn header_for_the_function_is_taken_over_or_refused() {
    let call = invoke_with(
        "X-Amzn-Trace-Id: Root=1-2-3\nX-Amz-Client-Context: eyJhIjoiw6kifQ==\n\
         X-Amz-Tenant-Id: blue:1\nContent-Type: image/png\n",
    );
    let call = call.expect("a call");
    assert_eq!(call.trace_id.as_deref(), Some("Root=1-2-3"));
    assert_eq!(call.client_context.as_deref(), Some("{\"a\":\"é\"}"));
    assert_eq!(call.tenant_id.as_deref(), Some("blue:1"));
    assert_eq!(call.content_type.as_deref(), Some("image/png"));

    let context = "Client context must be a valid Base64-encoded JSON object.";
    for (value, text) in [
        ("e2E=", context),
        ("W10=", context),
        ("e30=e30=", context),
        ("string", context),
        ("/w==", context),
    ] {
        let error = invoke_with(&format!("X-Amz-Client-Context: {value}\n")).expect_err(value);
        assert_eq!(
            error,
            ApiError::new(400, "InvalidRequestContentException", text)
        );
    }
    let long = "e30".repeat(2000);
    let error = invoke_with(&format!("X-Amz-Client-Context: {long}\n")).expect_err("too long");
    assert!(
        error
            .text
            .starts_with("Client context is too long: 6000 bytes")
    );
    let error = invoke_with("X-Amz-Tenant-Id: a\"b\n").expect_err("a quote");
    let text = "1 validation error detected: Value 'a\"b' at 'tenantId' failed to satisfy \
                constraint: Member must satisfy regular expression pattern: \
                [a-zA-Z0-9\\._:\\/=+\\-@ ]+";
    assert_eq!(error, ApiError::new(400, "ValidationException", text));
    let error = invoke_with(&format!("X-Amzn-Trace-Id: {}\n", "x".repeat(1025)));
    assert_eq!(error.expect_err("too long").status, 400);
    let error = invoke_with("X-Amz-Durable-Execution-Name: x\n").expect_err("not emulated");
    assert_eq!(error.status, 501);
}
