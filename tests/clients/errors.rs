//! Refused calls as each client raises them: the types and texts of Lambda, recorded in
//! production.

use serde_json::{Value, json};

use crate::client::{Call, Client, call, invoke};
use crate::harness::Server;
use crate::lambda::{Lambda, function_error};
use crate::support::{bound, function};

crate::for_each_client! {
    body_that_is_no_json_has_lambdas_text
    event_over_6_mb_is_refused_by_name
    event_over_1_mb_asynchronous_is_refused_by_name
    response_over_the_limit_has_lambdas_text
    function_unknown_is_not_found
    name_impossible_is_a_validation_error
    region_of_the_arn_foreign_is_not_found
    qualifiers_that_differ_are_refused
    call_beyond_the_environments_is_sent_again_and_refused
}

fn named(name: &str, further: Value) -> Call {
    let mut arguments = json!({ "FunctionName": name, "Payload": "{}" });
    let all = arguments.as_object_mut().expect("an object");
    all.extend(further.as_object().expect("an object").clone());
    call("Invoke", arguments)
}

/// The class of an exception that boto3 makes of a code: the model's, or the general one.
fn assert_class(client: Client, class: &str, expected: &str) {
    if client == Client::Boto3 {
        assert_eq!(class, expected);
    }
}

fn body_that_is_no_json_has_lambdas_text(client: Client) {
    let lambda = Lambda::start(&[]);
    let outcome = client.make(&lambda, named("function", json!({"Payload": "{\"a\":"})));
    let refusal = outcome.assert_refused(400, "InvalidRequestContentException");
    let start = "Could not parse request body into json: Could not parse payload into json: ";
    assert!(refusal.message.starts_with(start), "{refusal:?}");
    assert_class(client, &refusal.class, "InvalidRequestContentException");
}

fn too_large(length: usize, kind: &str, limit: usize) -> String {
    format!(
        "{length} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
    )
}

fn event_over_6_mb_is_refused_by_name(client: Client) {
    let lambda = Lambda::start(&[]);
    for length in [6_291_457, 7_000_000] {
        let payload = json!({"Payload": { "length": length }});
        let outcome = client.make(&lambda, named("function", payload));
        let refusal = outcome.assert_refused(413, "RequestEntityTooLargeException");
        let text = too_large(length, "RequestResponse", 6_291_456);
        assert_eq!(refusal.message, text);
        // The model has no exception of this name.
        assert_class(client, &refusal.class, "ClientError");
        assert_eq!(outcome.attempts, 1, "a 413 is not sent again");
    }
    assert_eq!(lambda.count("START RequestId: "), 0);
}

fn event_over_1_mb_asynchronous_is_refused_by_name(client: Client) {
    let lambda = Lambda::start(&[]);
    let arguments = json!({"Payload": {"length": 1_048_577}, "InvocationType": "Event"});
    let outcome = client.make(&lambda, named("function", arguments));
    let refusal = outcome.assert_refused(413, "RequestEntityTooLargeException");
    assert_eq!(refusal.message, too_large(1_048_577, "Event", 1_048_576));
    assert_eq!(lambda.count("START RequestId: "), 0);
}

fn response_over_the_limit_has_lambdas_text(client: Client) {
    let lambda = Lambda::start(&[]);
    let outcome = client.make(
        &lambda,
        invoke(&json!({"do": "large", "length": 6_291_557})),
    );
    assert_eq!(outcome.fields["FunctionError"], "Unhandled");
    let (kind, message) = function_error(outcome.payload.as_bytes());
    assert_eq!(kind, "Function.ResponseSizeTooLarge");
    let text = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    assert_eq!(message, text);
}

fn function_unknown_is_not_found(client: Client) {
    let lambda = Lambda::start(&["--function-name", "orders"]);
    let calls = [
        named("orders", json!({})),
        named("invoices", json!({})),
        call("GetFunction", json!({"FunctionName": "invoices"})),
    ];
    let outcomes = client.make_all(&lambda, &json!({}), &calls);
    assert_eq!(outcomes[0].json(), json!({}), "the name that is known");
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:invoices";
    // Invoke adds the qualifier, GetFunction does not.
    for (outcome, arn) in [
        (&outcomes[1], format!("{arn}:$LATEST")),
        (&outcomes[2], arn.into()),
    ] {
        let refusal = outcome.assert_refused(404, "ResourceNotFoundException");
        assert_eq!(refusal.message, format!("Function not found: {arn}"));
        assert_class(client, &refusal.class, "ResourceNotFoundException");
        assert_eq!(outcome.attempts, 1, "a 404 is not sent again");
    }
    assert_eq!(lambda.count("START RequestId: "), 1);
}

fn name_impossible_is_a_validation_error(client: Client) {
    let lambda = Lambda::start(&[]);
    let outcome = client.make(&lambda, named("my-function!", json!({})));
    let refusal = outcome.assert_refused(400, "ValidationException");
    let start = "1 validation error detected: Value 'my-function!' at 'functionName' failed to \
                 satisfy constraint: Member must satisfy regular expression pattern: ";
    assert!(refusal.message.starts_with(start), "{refusal:?}");
    assert_eq!(lambda.count("START RequestId: "), 0);
}

fn region_of_the_arn_foreign_is_not_found(client: Client) {
    let lambda = Lambda::start(&[]);
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:function";
    let outcome = client.make(&lambda, named(arn, json!({})));
    let refusal = outcome.assert_refused(404, "ResourceNotFoundException");
    let text = "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')";
    assert_eq!(refusal.message, text);
}

fn qualifiers_that_differ_are_refused(client: Client) {
    let lambda = Lambda::start(&[]);
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:function:1";
    let outcome = client.make(&lambda, named(arn, json!({"Qualifier": "2"})));
    let refusal = outcome.assert_refused(400, "InvalidParameterValueException");
    let text = "The derived qualifier from the function name does not match the specified \
                qualifier.";
    assert_eq!(refusal.message, text);
    assert_class(client, &refusal.class, "InvalidParameterValueException");
}

/// A 429 is what every client sends again: as often as its mode says.
fn call_beyond_the_environments_is_sent_again_and_refused(client: Client) {
    let options = ["--binary", "--environments", "1", "--timeout", "600"];
    let server = Server::start(&function("probe"), &options);
    // Longer than all attempts of the slowest client take.
    let event = format!("sleep {}", bound(60_000).as_millis());
    let request = server.request(event);
    std::thread::spawn(move || request.send());
    server.wait_for_stderr("START RequestId: ");
    let outcome = client.make(&server, named("function", json!({})));
    let refusal = outcome.assert_refused(429, "TooManyRequestsException");
    assert_eq!(refusal.message, "Rate Exceeded.");
    assert_class(client, &refusal.class, "TooManyRequestsException");
    if matches!(client, Client::Boto3 | Client::Javascript) {
        let reason = &refusal.fields["Reason"];
        assert_eq!(reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
    }
    let attempts = if client == Client::Cli1 { 5 } else { 3 };
    assert_eq!(outcome.attempts, attempts, "{outcome:?}");
    let starts = server.stderr().matches("START RequestId: ").count();
    assert_eq!(starts, 1, "a refused call runs nothing");
}

/// The CLI 2 takes a payload as base64, unless an option says otherwise: a file of JSON then
/// arrives as bytes that nobody wrote. Its letters are a multiple of four: others fail in the CLI.
#[test]
fn payload_decoded_by_cli_2_is_refused_with_a_hint() {
    if Client::Cli2.is_missing() {
        return;
    }
    let lambda = Lambda::start(&[]);
    let event = lambda.folder.file("event.json", br#"{"name": "Adam"}"#);
    let answer = lambda.folder.path().join("answer");
    let payload = format!("file://{}", event.display());
    let mut arguments = [
        "lambda",
        "invoke",
        "--function-name",
        "function",
        "--payload",
    ]
    .to_vec();
    arguments.extend([payload.as_str(), answer.to_str().expect("UTF-8")]);
    let run = |arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|one| one.to_string()).collect();
        Client::Cli2.run_cli(&lambda, &arguments)
    };
    let finished = run(&arguments);
    assert_ne!(finished.code, 0);
    let stderr = finished.stderr;
    assert!(
        stderr.contains("InvalidRequestContentException"),
        "{stderr}"
    );
    assert!(
        stderr.contains("--cli-binary-format raw-in-base64-out"),
        "{stderr}"
    );
    arguments.extend(["--cli-binary-format", "raw-in-base64-out"]);
    let finished = run(&arguments);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let text = std::fs::read(&answer).expect("the answer");
    let value: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(value, json!({"name": "Adam"}));
}
