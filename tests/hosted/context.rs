//! What a function is told of an event, beside the event itself.

use crate::for_kinds;
use crate::kinds::{Kind, command};
use crate::support::api::Event;
use crate::support::hosting::{events, response};

for_kinds!(any [bash dash program worker php node python ruby] [
    the_fields_of_the_context_are_those_of_the_event
    the_trace_id_is_in_the_environment_exactly_when_the_event_has_one
    client_context_and_identity_are_handed_on
    names_with_quotes_and_dollars_stay_what_they_are
    a_value_with_a_nul_is_absent
]);

fn the_fields_of_the_context_are_those_of_the_event(kind: &Kind) {
    let mut events = events([command("context"), command("context"), command("context")]);
    let arn = "arn:aws:lambda:eu-west-1:1:function:other";
    events[1] = events[1]
        .clone()
        .header("Lambda-Runtime-Trace-Id", "Root=1-2;Sampled=1")
        .header("Lambda-Runtime-Aws-Tenant-Id", "tenant 7")
        .header("Lambda-Runtime-Invoked-Function-Arn", arn);
    let outcome = kind.task().run(&events);
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

fn the_trace_id_is_in_the_environment_exactly_when_the_event_has_one(kind: &Kind) {
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
    let outcome = kind.task().run(&events);
    let ledger = outcome.assert_serving();
    for (event, value) in events.iter().zip(values) {
        let expected = value.filter(|value| !value.is_empty()).unwrap_or("unset");
        let text = String::from_utf8_lossy(response(ledger, &event.id));
        assert_eq!(text, format!("\"{expected}\""), "{}", event.id);
    }
}

fn client_context_and_identity_are_handed_on(kind: &Kind) {
    let client = r#"{"custom":{"key":"it's \"so\" $HOME"}}"#;
    let identity = r#"{"cognitoIdentityId":"id-1"}"#;
    let mut events = events([command("client")]);
    events[0] = events[0]
        .clone()
        .header("Lambda-Runtime-Client-Context", client)
        .header("Lambda-Runtime-Cognito-Identity", identity);
    let outcome = kind.task().run(&events);
    let body = response(outcome.assert_serving(), "event-0");
    let value: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(value[0]["custom"]["key"], "it's \"so\" $HOME", "{value}");
    assert_eq!(value[1]["cognitoIdentityId"], "id-1", "{value}");
}

fn names_with_quotes_and_dollars_stay_what_they_are(kind: &Kind) {
    let trace = "Root='1';Lineage=$(ls)`ls`\\'\\";
    let mut events = events([command("trace"), "\"next\"".to_string()]);
    events[0] = events[0].clone().header("Lambda-Runtime-Trace-Id", trace);
    let outcome = kind.task().run(&events);
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

/// A caller chooses the bytes of some of them, and servers hand on a NUL.
fn a_value_with_a_nul_is_absent(kind: &Kind) {
    let mut events = events([command("context"), command("trace")]);
    events[0] = events[0].clone().header(
        "Lambda-Runtime-Aws-Tenant-Id",
        "a\0LAMBDA_TRACE_ID=b\0_X_AMZN_TRACE_ID=c",
    );
    let outcome = kind.task().run(&events);
    let ledger = outcome.assert_serving();
    let usual = "arn:aws:lambda:us-east-1:012345678912:function:test";
    let text = String::from_utf8_lossy(response(ledger, "event-0"));
    assert_eq!(text, format!("\"event-0|{usual}|-|-|yes\""));
    assert_eq!(response(ledger, "event-1"), b"\"unset\"");
}
