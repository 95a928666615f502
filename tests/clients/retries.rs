//! Calls that a client sends again: each attempt runs the event once.

use serde_json::json;

use crate::client::{Client, invoke};
use crate::lambda::Lambda;

/// The client gives up waiting before the function answers, and sends the call again.
#[test]
fn read_timeout_of_boto3_runs_the_event_once_for_each_attempt() {
    let client = Client::Boto3;
    if client.is_missing() {
        return;
    }
    let lambda = Lambda::start(&[]);
    assert_eq!(client.make(&lambda, invoke(&json!({}))).json(), json!({}));
    let config = json!({ "read_timeout": 2 });
    let event = json!({"do": "sleep", "seconds": 3});
    let mut outcomes = client.make_all(&lambda, &config, &[invoke(&event)]);
    let outcome = outcomes.remove(0);
    assert_eq!(outcome.refusal().class, "ReadTimeoutError", "{outcome:?}");
    // Three attempts are boto3's default.
    lambda.wait_for_count("END RequestId: ", 4);
    assert_eq!(
        client.make(&lambda, invoke(&json!({"a": 1}))).json(),
        json!({"a": 1})
    );
    lambda.wait_for_count("END RequestId: ", 5);
    assert_eq!(lambda.count("START RequestId: "), 5, "{}", lambda.stderr());
}

/// One connection for many calls: a call that finds it closed would be sent twice.
#[test]
fn connection_reused_by_an_sdk_runs_each_event_once() {
    for client in [Client::Boto3, Client::Javascript] {
        if client.is_missing() {
            continue;
        }
        let lambda = Lambda::start(&[]);
        let events: Vec<_> = (0..100).map(|number| json!({ "number": number })).collect();
        let calls: Vec<_> = events.iter().map(invoke).collect();
        let outcomes = client.make_all(&lambda, &json!({}), &calls);
        for (outcome, event) in outcomes.iter().zip(&events) {
            assert_eq!(&outcome.json(), event);
            assert_eq!(outcome.attempts, 1);
        }
        lambda.wait_for_count("END RequestId: ", 100);
        assert_eq!(lambda.count("START RequestId: "), 100);
    }
}
