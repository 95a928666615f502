//! Invocations by each client: events, answers, errors of functions and of calls.

use serde_json::{Value, json};

use crate::client::{Client, call, invoke, invoke_with};
use crate::lambda::{Lambda, function_error};

crate::for_each_client! {
    event_of_each_form_is_echoed
    event_asynchronous_is_accepted_and_handled
    dry_run_with_an_event_runs_nothing
    handler_error_is_an_unhandled_function_error
    client_context_in_base64_reaches_the_function
    arn_in_the_path_is_decoded
    request_malformed_is_refused_by_name
    event_of_6_mb_is_answered
    timeout_of_the_function_is_a_function_error
    exit_of_the_process_is_a_function_error
}

fn event_of_each_form_is_echoed(client: Client) {
    let lambda = Lambda::start(&[]);
    let events = [
        json!({"a": 1}),
        json!([1, "zwölf ☕ 𝄞"]),
        json!("text"),
        json!(4.5),
    ];
    let mut calls: Vec<_> = events.iter().map(invoke).collect();
    calls.push(call("Invoke", json!({ "FunctionName": "function" })));
    let outcomes = client.make_all(&lambda, &json!({}), &calls);
    for (outcome, expected) in outcomes.iter().zip(events.iter().chain([&json!({})])) {
        assert_eq!(&outcome.json(), expected);
        assert_eq!(outcome.status, Some(200));
        assert_eq!(outcome.fields["ExecutedVersion"], "$LATEST");
        assert_eq!(outcome.fields.get("FunctionError"), None);
        assert_eq!(outcome.attempts, 1);
    }
    lambda.wait_for_count("END RequestId: ", 5);
    assert_eq!(lambda.count("START RequestId: "), 5, "each event once");
}

fn event_asynchronous_is_accepted_and_handled(client: Client) {
    let lambda = Lambda::start(&[]);
    let event = json!({"do": "log", "lines": ["handled later"]});
    let outcome = client.make(
        &lambda,
        invoke_with(&event, json!({"InvocationType": "Event"})),
    );
    assert_eq!((outcome.status, outcome.payload.as_str()), (Some(202), ""));
    assert_eq!(outcome.fields.get("ExecutedVersion"), None);
    lambda.wait_for_stderr("handled later");
    lambda.wait_for_count("END RequestId: ", 1);
}

fn dry_run_with_an_event_runs_nothing(client: Client) {
    let lambda = Lambda::start(&[]);
    let further = json!({"InvocationType": "DryRun"});
    let outcome = client.make(&lambda, invoke_with(&json!({}), further));
    assert!(outcome.error.is_none(), "{outcome:?}");
    assert_eq!((outcome.status, outcome.payload.as_str()), (Some(204), ""));
    assert_eq!(lambda.count("START RequestId: "), 0);
}

fn handler_error_is_an_unhandled_function_error(client: Client) {
    let lambda = Lambda::start(&[]);
    let outcome = client.make(&lambda, invoke(&json!({"do": "raise", "text": "no order"})));
    assert_eq!(outcome.status, Some(200));
    assert_eq!(outcome.fields["FunctionError"], "Unhandled");
    let (kind, message) = function_error(outcome.payload.as_bytes());
    assert_eq!(
        (kind.as_str(), message.as_str()),
        ("ValueError", "no order")
    );
    assert_eq!(outcome.attempts, 1, "a function error is not sent again");
}

fn client_context_in_base64_reaches_the_function(client: Client) {
    let lambda = Lambda::start(&[]);
    // {"custom":{"tenant":"blue"}}
    let context = "eyJjdXN0b20iOnsidGVuYW50IjoiYmx1ZSJ9fQ==";
    let further = json!({ "ClientContext": context });
    let outcome = client.make(&lambda, invoke_with(&json!({"do": "context"}), further));
    assert_eq!(outcome.json()["custom"], json!({"tenant": "blue"}));
}

fn arn_in_the_path_is_decoded(client: Client) {
    let lambda = Lambda::start(&[]);
    let names = [
        "arn:aws:lambda:us-east-1:123456789012:function:function",
        "123456789012:function:function",
        "function",
    ];
    let calls = names.map(|name| {
        call(
            "Invoke",
            json!({ "FunctionName": name, "Payload": r#"{"do":"context"}"# }),
        )
    });
    for outcome in client.make_all(&lambda, &json!({}), &calls) {
        assert_eq!(outcome.json()["name"], "function");
        assert_eq!(outcome.json()["arn"], names[0]);
    }
}

fn request_malformed_is_refused_by_name(client: Client) {
    let lambda = Lambda::start(&[]);
    let bad = |arguments: Value| {
        let mut all = json!({ "FunctionName": "function", "Payload": "{}" });
        let members = all.as_object_mut().expect("an object");
        members.extend(arguments.as_object().expect("an object").clone());
        call("Invoke", all)
    };
    let calls = [
        bad(json!({"Payload": "{\"a\":"})),
        bad(json!({"InvocationType": "Sometimes"})),
        bad(json!({"ClientContext": "no base64!"})),
    ];
    let outcomes = client.make_all(&lambda, &json!({}), &calls);
    let parse = outcomes[0].assert_refused(400, "InvalidRequestContentException");
    let start = "Could not parse request body into json: ";
    assert!(parse.message.starts_with(start), "{parse:?}");
    outcomes[1].assert_refused(400, "ValidationException");
    outcomes[2].assert_refused(400, "InvalidRequestContentException");
    for outcome in &outcomes {
        assert_eq!(outcome.attempts, 1, "a 400 is not sent again");
    }
    if client == Client::Boto3 {
        assert_eq!(parse.class, "InvalidRequestContentException");
        assert_eq!(parse.fields["Type"], "User");
    }
    assert_eq!(lambda.count("START RequestId: "), 0);
}

fn event_of_6_mb_is_answered(client: Client) {
    let lambda = Lambda::start(&[]);
    let length = 6_291_456;
    let arguments = json!({ "FunctionName": "function", "Payload": { "length": length } });
    let outcome = client.make(&lambda, call("Invoke", arguments));
    assert_eq!(outcome.payload.len(), length);
    let is_whole = outcome.payload[1..length - 1]
        .bytes()
        .all(|byte| byte == b'x');
    assert!(is_whole && outcome.payload.starts_with('"') && outcome.payload.ends_with('"'));
    assert_eq!(outcome.attempts, 1);
}

fn timeout_of_the_function_is_a_function_error(client: Client) {
    // The sleep is the only thing that has to take longer than this.
    let lambda = Lambda::start(&["--timeout", "5"]);
    let calls = [
        invoke(&json!({"do": "sleep", "seconds": 60})),
        invoke(&json!({"do": "echo"})),
    ];
    let outcomes = client.make_all(&lambda, &json!({}), &calls);
    assert_eq!(outcomes[0].fields["FunctionError"], "Unhandled");
    let (kind, _) = function_error(outcomes[0].payload.as_bytes());
    // The host of the handler answers before the deadline.
    let kinds = ["Sandbox.Timedout", "Function.Timeout"];
    assert!(kinds.contains(&kind.as_str()), "{kind}");
    assert_eq!(outcomes[1].json(), json!({"do": "echo"}));
}

fn exit_of_the_process_is_a_function_error(client: Client) {
    let lambda = Lambda::start(&[]);
    let calls = [
        invoke(&json!({"do": "exit", "status": 7})),
        invoke(&json!({"do": "echo"})),
    ];
    let outcomes = client.make_all(&lambda, &json!({}), &calls);
    assert_eq!(outcomes[0].fields["FunctionError"], "Unhandled");
    let (kind, message) = function_error(outcomes[0].payload.as_bytes());
    assert_eq!(kind, "Runtime.ExitError");
    assert!(message.contains("status 7"), "{message}");
    assert_eq!(outcomes[1].json(), json!({"do": "echo"}));
}
