//! The context of an event: request id, deadline, trace id, tenant, client, identity.

use crate::for_kinds;
use crate::kinds::{Kind, command, started};
use crate::support::TempDir;
use crate::support::api::{Event, Script};
use crate::support::hosting::{error, events, response};

for_kinds!(any [bash dash program worker php node python ruby] [
    context_fields_are_those_of_the_event
    trace_id_is_in_the_environment_only_when_the_event_has_one
    client_context_and_identity_are_passed_on
    trace_id_with_quotes_and_dollars_is_unchanged
    context_value_with_nul_is_absent
    configuration_variables_never_replace_those_of_the_event
]);

for_kinds!(json [php node python ruby] [client_context_not_json_is_absent]);

fn context_fields_are_those_of_the_event(kind: &Kind) {
    let mut events = events([command("context"), command("context"), command("context")]);
    let arn = "arn:aws:lambda:eu-west-1:1:function:other";
    events[1] = events[1]
        .clone()
        .header("Lambda-Runtime-Trace-Id", "Root=1-2;Sampled=1")
        .header("Lambda-Runtime-Aws-Tenant-Id", "tenant 7")
        .header("Lambda-Runtime-Invoked-Function-Arn", arn);
    let outcome = kind.hosted_run().run(&events);
    let ledger = outcome.assert_serving();
    let usual = "arn:aws:lambda:us-east-1:012345678912:function:test";
    for (id, rest) in [
        ("event-0", format!("{usual}|-|-|yes")),
        ("event-1", format!("{arn}|Root=1-2;Sampled=1|tenant 7|yes")),
        ("event-2", format!("{usual}|-|-|yes")),
    ] {
        let text = String::from_utf8_lossy(response(ledger, id));
        assert_eq!(text, format!("\"{id}|{rest}\""));
    }
}

fn trace_id_is_in_the_environment_only_when_the_event_has_one(kind: &Kind) {
    let values = [
        None,
        Some("Root=1-a;Sampled=1"),
        None,
        Some("Root=1-b"),
        Some(""),
    ];
    let plain = events(values.map(|_| command("trace")));
    let traced = plain.into_iter().zip(values);
    let events: Vec<Event> = traced
        .map(|(event, value)| match value {
            Some(value) => event.header("Lambda-Runtime-Trace-Id", value),
            None => event,
        })
        .collect();
    let outcome = kind.hosted_run().run(&events);
    let ledger = outcome.assert_serving();
    for (event, value) in events.iter().zip(values) {
        let expected = value.filter(|value| !value.is_empty()).unwrap_or("unset");
        let text = String::from_utf8_lossy(response(ledger, &event.id));
        assert_eq!(text, format!("\"{expected}\""), "{}", event.id);
    }
}

fn client_context_and_identity_are_passed_on(kind: &Kind) {
    let client = r#"{"custom":{"key":"it's \"so\" $HOME"}}"#;
    let identity = r#"{"cognitoIdentityId":"id-1"}"#;
    let mut events = events([command("client")]);
    events[0] = events[0]
        .clone()
        .header("Lambda-Runtime-Client-Context", client)
        .header("Lambda-Runtime-Cognito-Identity", identity);
    let outcome = kind.hosted_run().run(&events);
    let body = response(outcome.assert_serving(), "event-0");
    let value: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(value[0]["custom"]["key"], "it's \"so\" $HOME", "{value}");
    assert_eq!(value[1]["cognitoIdentityId"], "id-1", "{value}");
}

/// The caller's mistake is neither the function's nor the next event's.
fn client_context_not_json_is_absent(kind: &Kind) {
    let mut events = events([command("client"), command("client")]);
    let texts = ["{\"custom\":", "not JSON"];
    for (event, text) in events.iter_mut().zip(texts) {
        let bad = event.clone().header("Lambda-Runtime-Client-Context", text);
        *event = bad.header("Lambda-Runtime-Cognito-Identity", text);
    }
    let outcome = kind.hosted_run().run(&events);
    let ledger = outcome.assert_serving();
    for id in ["event-0", "event-1"] {
        let value: serde_json::Value = serde_json::from_slice(response(ledger, id)).expect("JSON");
        assert!(value[0].is_null(), "{value}");
        assert!(value[1]["cognitoIdentityId"].is_null(), "{value}");
    }
    // Node logs on standard output, as the managed runtime does.
    let printed = format!("{}{}", outcome.log(), outcome.stdout);
    assert!(printed.contains("client-context is not JSON"), "{printed}");
}

fn trace_id_with_quotes_and_dollars_is_unchanged(kind: &Kind) {
    let trace = "Root='1';Lineage=$(ls)`ls`\\'\\";
    let mut events = events([command("trace"), "\"next\"".to_string()]);
    events[0] = events[0].clone().header("Lambda-Runtime-Trace-Id", trace);
    let outcome = kind.hosted_run().run(&events);
    let ledger = outcome.assert_serving();
    let text = String::from_utf8_lossy(response(ledger, "event-0"));
    let text = if kind.is_json {
        text.replace("\\\\", "\\")
    } else {
        text.into_owned()
    };
    assert_eq!(text, format!("\"{trace}\""));
    assert_eq!(response(ledger, "event-1"), b"\"next\"");
}

/// A caller chooses the bytes of some values, and servers pass a NUL on.
fn context_value_with_nul_is_absent(kind: &Kind) {
    let mut events = events([command("context"), command("trace")]);
    events[0] = events[0].clone().header(
        "Lambda-Runtime-Aws-Tenant-Id",
        "a\0LAMBDA_TRACE_ID=b\0_X_AMZN_TRACE_ID=c",
    );
    let outcome = kind.hosted_run().run(&events);
    let ledger = outcome.assert_serving();
    let usual = "arn:aws:lambda:us-east-1:012345678912:function:test";
    let text = String::from_utf8_lossy(response(ledger, "event-0"));
    assert_eq!(text, format!("\"event-0|{usual}|-|-|yes\""));
    assert_eq!(response(ledger, "event-1"), b"\"unset\"");
}

/// Neither for an event that has a value, nor for one that has none.
fn configuration_variables_never_replace_those_of_the_event(kind: &Kind) {
    let mut hosted = kind.hosted_run();
    for name in [
        "LAMBDA_REQUEST_ID",
        "LAMBDA_DEADLINE_MS",
        "LAMBDA_FUNCTION_ARN",
        "LAMBDA_TRACE_ID",
        "LAMBDA_CLIENT_CONTEXT",
        "LAMBDA_COGNITO_IDENTITY",
        "LAMBDA_TENANT_ID",
        "_X_AMZN_TRACE_ID",
    ] {
        hosted = hosted.variable(name, "of the configuration");
    }
    let arn = "arn:aws:lambda:eu-west-1:1:function:other";
    let names = ["context", "trace", "context", "trace"];
    let mut events = events(names.map(command));
    for event in &mut events[..2] {
        *event = event
            .clone()
            .header("Lambda-Runtime-Trace-Id", "Root=1-2")
            .header("Lambda-Runtime-Aws-Tenant-Id", "tenant 7")
            .header("Lambda-Runtime-Invoked-Function-Arn", arn);
    }
    let outcome = hosted.run(&events);
    let ledger = outcome.assert_serving();
    let usual = "arn:aws:lambda:us-east-1:012345678912:function:test";
    for (id, text) in [
        ("event-0", format!("event-0|{arn}|Root=1-2|tenant 7|yes")),
        ("event-1", "Root=1-2".to_string()),
        ("event-2", format!("event-2|{usual}|-|-|yes")),
        ("event-3", "unset".to_string()),
    ] {
        let found = String::from_utf8_lossy(response(ledger, id));
        assert_eq!(found, format!("\"{text}\""), "{id}");
    }
}

/// A worker that answers with the number of event variables in its environment at its start, and
/// exits within its first event.
const COUNTS: &[u8] = b"#!/bin/sh
found=$(tr '\\0' '\\n' </proc/$$/environ | grep -Ec '^(LAMBDA_TENANT_ID|_X_AMZN_TRACE_ID)=')
echo ready >&3
read -r number context event <&3
[ -e \"$0.begun\" ] || { : >\"$0.begun\"; exit 1; }
printf 'ok %s %s\\n%s' $number ${#found} $found >&3
exec sleep 60
";

/// A worker that is started because of an event outlives the event.
#[test]
fn worker_restarted_by_an_event_gets_no_variable_of_it() {
    let dir = TempDir::new();
    dir.executable("worker", COUNTS);
    let mut events = events(["first", "second"]);
    for event in &mut events {
        let traced = event.clone().header("Lambda-Runtime-Trace-Id", "Root=1-2");
        *event = traced.header("Lambda-Runtime-Aws-Tenant-Id", "tenant 7");
    }
    let start = started(&dir, "worker:worker").variable("LAMBDA_TENANT_ID", "of the configuration");
    let outcome = start.run(Script::events(&events));
    let ledger = outcome.assert_serving();
    error(ledger, "event-0", "Runtime.ExitError");
    assert_eq!(response(ledger, "event-1"), b"0");
}
