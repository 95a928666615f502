//! What the Invoke API refuses: statuses, names and texts as Lambda's, always in JSON.

use serde_json::Value;

use crate::fake_runtime::{EVENT_BYTES_MAX, ManualRuntime};
use crate::harness::call;
use crate::wire::{Wire, post};

/// A refusal as a client reads it.
#[derive(Debug)]
struct Refusal {
    status: u16,
    error_type: String,
    body: Value,
}

impl Refusal {
    fn of(reply: &crate::wire::Reply) -> Refusal {
        let header = |name| reply.header(name).unwrap_or_default().to_string();
        assert_eq!(header("Content-Type"), "application/json", "{reply:?}");
        assert_eq!(header("X-Amzn-RequestId").len(), 36, "{reply:?}");
        Refusal {
            status: reply.status,
            error_type: header("X-Amzn-ErrorType"),
            body: serde_json::from_slice(&reply.body).expect("JSON"),
        }
    }

    fn text(&self) -> &str {
        let text = self.body.get("message").or(self.body.get("Message"));
        text.and_then(Value::as_str).expect("a text")
    }

    fn kind(&self) -> (u16, &str) {
        (self.status, &self.error_type)
    }
}

/// Sends a request and reads its refusal.
fn refusal(lambda: &ManualRuntime, request: impl AsRef<[u8]>) -> Refusal {
    let mut caller = Wire::connect(lambda.server.port);
    caller.send(request);
    Refusal::of(&caller.reply())
}

fn invoke(name: &str) -> String {
    format!("/2015-03-31/functions/{name}/invocations")
}

#[test]
fn function_unknown_is_404_where_names_are_known() {
    let lambda = ManualRuntime::start(&["--function-name", "own"]);
    let arn = "arn:aws:lambda:us-east-1:123456789012:function";
    for (name, shown) in [
        ("other", "other:$LATEST"),
        ("own?Qualifier=PROD", "own:PROD"),
        ("own:7", "own:7"),
        ("other%3APROD", "other:PROD"),
        (
            "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Aother",
            "other:$LATEST",
        ),
        ("123456789012:function:other", "other:$LATEST"),
    ] {
        let (name, query) = name.split_once('?').unwrap_or((name, ""));
        let found = refusal(
            &lambda,
            post(&format!("{}?{query}", invoke(name)), "", b"{}"),
        );
        assert_eq!(found.kind(), (404, "ResourceNotFoundException"), "{name}");
        let text = format!("Function not found: {arn}:{shown}");
        assert_eq!(
            found.body,
            serde_json::json!({ "Type": "User", "Message": text })
        );
    }
    let foreign = "arn:aws:lambda:eu-west-1:123456789012:function:own";
    let found = refusal(&lambda, post(&invoke(foreign), "", b"{}"));
    assert_eq!(found.kind(), (404, "ResourceNotFoundException"));
    let text = "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')";
    assert_eq!(found.text(), text);
    assert!(
        !lambda.server.stderr().contains("START"),
        "nothing reaches the function"
    );
}

#[test]
fn function_is_served_under_each_form_of_its_name() {
    let lambda = ManualRuntime::start(&["--function-name", "own"]);
    let mut runtime = lambda.connect();
    let mut caller = Wire::connect(lambda.server.port);
    for name in [
        "own",
        "own:$LATEST",
        "own?Qualifier=%24LATEST",
        "function:own:$LATEST",
        "123456789012%3Afunction%3Aown",
        "arn:aws:lambda:us-east-1:123456789012:function:own",
        "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Aown%3A%24LATEST",
    ] {
        let (name, query) = name.split_once('?').unwrap_or((name, ""));
        caller.post(&format!("{}?{query}", invoke(name)), b"[1]");
        let event = runtime.next();
        runtime.respond(&event.id(), b"1");
        let reply = caller.reply();
        assert_eq!(
            (reply.status, reply.header("X-Amz-Executed-Version")),
            (200, Some("$LATEST"))
        );
    }
}

#[test]
fn name_impossible_is_400_also_where_any_name_is_served() {
    let lambda = ManualRuntime::start(&[]);
    for (name, member) in [
        ("my-function!", "'my-function!' at 'functionName'"),
        ("a%2Fb", "'a/b' at 'functionName'"),
        ("f:1:2", "'f:1:2' at 'functionName'"),
        ("f?Qualifier=invalid!", "'invalid!' at 'qualifier'"),
    ] {
        let (name, query) = name.split_once('?').unwrap_or((name, ""));
        let found = refusal(
            &lambda,
            post(&format!("{}?{query}", invoke(name)), "", b"{}"),
        );
        assert_eq!(found.kind(), (400, "ValidationException"), "{name}");
        let start = format!("1 validation error detected: Value {member} failed to satisfy");
        assert!(found.text().starts_with(&start), "{}", found.text());
        assert_eq!(
            found.body.as_object().expect("an object").len(),
            1,
            "{}",
            found.body
        );
    }
    let found = refusal(
        &lambda,
        post(&format!("{}?Qualifier=2", invoke("f:1")), "", b"{}"),
    );
    assert_eq!(found.kind(), (400, "InvalidParameterValueException"));
    let text = "The derived qualifier from the function name does not match the specified \
                qualifier.";
    assert_eq!(
        found.body,
        serde_json::json!({ "Type": "User", "message": text })
    );
}

#[test]
fn header_invalid_is_400_with_lambdas_name() {
    let lambda = ManualRuntime::start(&[]);
    for (name, value, error_type) in [
        ("X-Amz-Invocation-Type", "event", "ValidationException"),
        ("X-Amz-Log-Type", "tail", "ValidationException"),
        ("X-Amz-Tenant-Id", "{}", "ValidationException"),
        (
            "X-Amz-Client-Context",
            "e2E=",
            "InvalidRequestContentException",
        ),
        (
            "X-Amz-Client-Context",
            "W10=",
            "InvalidRequestContentException",
        ),
        (
            "X-Amz-Client-Context",
            "e30=e30=",
            "InvalidRequestContentException",
        ),
        (
            "X-Amz-Client-Context",
            "e3 0=",
            "InvalidRequestContentException",
        ),
        (
            "X-Amz-Client-Context",
            "{}",
            "InvalidRequestContentException",
        ),
    ] {
        let found = refusal(
            &lambda,
            post(&invoke("f"), &format!("{name}: {value}\r\n"), b"{}"),
        );
        assert_eq!(found.kind(), (400, error_type), "{name}: {value}");
    }
    assert!(
        !lambda.server.stderr().contains("START"),
        "nothing reaches the function"
    );
}

#[test]
fn event_not_json_is_400_and_binary_gets_a_hint() {
    let lambda = ManualRuntime::start(&[]);
    let start = "Could not parse request body into json: Could not parse payload into json: ";
    // What the AWS CLI makes of a file with `{"message":…}` when it takes it for Base64.
    let decoded = b"\x99\xeb,j\x07\xa1zY";
    for (event, is_binary) in [(&b"{"[..], false), (b"hello", false), (decoded, true)] {
        for header in [
            "",
            "X-Amz-Invocation-Type: Event\r\n",
            "X-Amz-Invocation-Type: DryRun\r\n",
        ] {
            let found = refusal(&lambda, post(&invoke("f"), header, event));
            assert_eq!(found.kind(), (400, "InvalidRequestContentException"));
            assert!(found.text().starts_with(start), "{}", found.text());
            let has_hint = found
                .text()
                .contains("--cli-binary-format raw-in-base64-out");
            assert_eq!(has_hint, is_binary, "{}", found.text());
            assert_eq!(found.body["Type"], "User");
        }
    }
}

#[test]
fn event_over_limit_is_413() {
    let lambda = ManualRuntime::start(&["--binary"]);
    for (kind, limit) in [("RequestResponse", EVENT_BYTES_MAX), ("Event", 1_048_576)] {
        let request = lambda.server.request(vec![b'1'; limit + 1]);
        let request = request.with_header("X-Amz-Invocation-Type", kind);
        let reply = call(request).reply();
        assert_eq!(reply.status_code, 413);
        let found = reply.header("X-Amzn-ErrorType");
        assert_eq!(found, Some("RequestEntityTooLargeException"));
        let text = format!(
            "{} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
            limit + 1
        );
        let body: Value = serde_json::from_slice(reply.as_bytes()).expect("JSON");
        assert_eq!(body, serde_json::json!({ "Type": "User", "message": text }));
    }
    assert!(
        !lambda.server.stderr().contains("START"),
        "nothing reaches the function"
    );
}

#[test]
fn path_or_method_unknown_is_refused_with_the_path_to_use() {
    let lambda = ManualRuntime::start(&[]);
    for (method, path, kind) in [
        (
            "GET",
            "/2015-03-31/functions/f/invocations",
            (405, "MethodNotAllowedException"),
        ),
        (
            "POST",
            "/2015-03-31/functions/f",
            (404, "UnknownOperationException"),
        ),
        ("POST", "/", (404, "UnknownOperationException")),
        (
            "GET",
            "/2018-06-01/runtime/invocation/next",
            (404, "UnknownOperationException"),
        ),
    ] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        let found = refusal(&lambda, request);
        assert_eq!(found.kind(), kind, "{method} {path}");
        let text = "use POST /2015-03-31/functions/NAME/invocations";
        assert!(found.text().contains(text), "{}", found.text());
    }
    let found = refusal(&lambda, post("/2021-10-31/functions/f/url", "", b"{}"));
    assert_eq!(found.kind(), (501, "NotImplementedException"));
    assert!(
        found.text().contains("CreateFunctionUrlConfig"),
        "{}",
        found.text()
    );
}

#[test]
fn malformed_request_is_refused_in_json() {
    let lambda = ManualRuntime::start(&[]);
    let long = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n",
        "x".repeat(1_100_000)
    );
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
            501,
        ),
        ("POST / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n", 417),
        (&long, 431),
    ] {
        let mut caller = Wire::connect(lambda.server.port);
        caller.try_send(request.as_bytes());
        let found = Refusal::of(&caller.reply());
        assert_eq!(found.status, status, "{found:?}");
        assert!(found.error_type.ends_with("Exception"), "{found:?}");
        assert!(!found.text().is_empty());
        assert!(caller.is_closed(), "{found:?}");
    }
}

#[test]
fn connection_serves_calls_after_a_refusal() {
    let lambda = ManualRuntime::start(&["--function-name", "own"]);
    let mut runtime = lambda.connect();
    let mut caller = Wire::connect(lambda.server.port);
    for (name, event, status) in [
        ("other", &b"{}"[..], 404),
        ("own!", b"{}", 400),
        ("own", b"{", 400),
        ("own", b"\xff", 400),
    ] {
        caller.post(&invoke(name), event);
        assert_eq!(caller.reply().status, status);
        caller.post(&invoke("own"), b"7");
        let event = runtime.next();
        assert_eq!(event.body, b"7");
        runtime.respond(&event.id(), b"8");
        assert_eq!(caller.reply().body, b"8");
    }
}
