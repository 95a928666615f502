//! Asynchronous events: retries with the same request id, and what comes after the last.

use serde_json::{Value, json};

use crate::client::{Client, call, invoke, invoke_with};
use crate::lambda::Lambda;
use crate::support::skip;

crate::for_each_client! { boto3 Boto3:
    invoke_async_is_accepted_and_handled
    event_that_fails_runs_again_with_its_id
    event_that_fails_without_retries_runs_once
}
crate::for_each_client! { javascript Javascript: invoke_async_is_accepted_and_handled }
crate::for_each_client! { cli_1 Cli1: event_that_fails_runs_again_with_its_id }

fn invoke_async_is_accepted_and_handled(client: Client) {
    let lambda = Lambda::start(&[]);
    let event = json!({"do": "log", "lines": ["by the old call"]}).to_string();
    let arguments = json!({ "FunctionName": "function", "InvokeArgs": event });
    let outcome = client.make(&lambda, call("InvokeAsync", arguments));
    assert!(outcome.error.is_none(), "{outcome:?}");
    assert_eq!(outcome.status, Some(202));
    assert_eq!(outcome.fields["Status"], 202, "{outcome:?}");
    lambda.wait_for_stderr("by the old call");
}

/// The request ids of the events that were started.
fn started(lambda: &Lambda) -> Vec<String> {
    let log = lambda.stderr();
    let lines = log
        .lines()
        .filter_map(|line| line.strip_prefix("START RequestId: "));
    let ids = lines.filter_map(|line| line.split(' ').next());
    ids.map(str::to_string).collect()
}

fn send_failing(lambda: &Lambda, client: Client) {
    let event = json!({"do": "raise", "text": "not today"});
    let further = json!({"InvocationType": "Event"});
    let outcome = client.make(lambda, invoke_with(&event, further));
    assert_eq!(outcome.status, Some(202), "{outcome:?}");
}

fn event_that_fails_runs_again_with_its_id(client: Client) {
    let lambda = Lambda::start(&[]);
    send_failing(&lambda, client);
    lambda.wait_for_count("END RequestId: ", 3);
    let ids = started(&lambda);
    assert_eq!(ids.len(), 3, "once, and two retries: {ids:?}");
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    // What Lambda does with it then.
    let log = || lambda.stderr().to_lowercase();
    crate::harness::wait_until("a line about the destination", || {
        log().contains("destination") || log().contains("dead-letter")
    });
    let outcome = client.make(&lambda, invoke(&json!({"a": 1})));
    assert_eq!(outcome.json(), json!({"a": 1}));
    assert_eq!(started(&lambda).len(), 4, "no further retry");
}

fn event_that_fails_without_retries_runs_once(client: Client) {
    let lambda = Lambda::start(&["--async-retries", "0"]);
    send_failing(&lambda, client);
    lambda.wait_for_count("END RequestId: ", 1);
    // The retry of another event would come before this answer only by chance: two seconds are
    // longer than the first wait.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let outcome = client.make(&lambda, invoke(&json!({})));
    assert_eq!(outcome.json(), json!({}));
    assert_eq!(started(&lambda).len(), 2);
}

/// The number of the attempt, which the SDK sends, is in the log: people see an event that comes
/// twice.
#[test]
fn attempt_of_an_sdk_is_named_in_the_log() {
    let client = Client::Boto3;
    if client.is_missing() || !skip::has("python3") {
        return;
    }
    let lambda = Lambda::start(&[]);
    let config = json!({ "read_timeout": 2, "retries": {"total_max_attempts": 2} });
    let event: Value = json!({"do": "sleep", "seconds": 3});
    let outcomes = client.make_all(&lambda, &config, &[invoke(&event)]);
    assert_eq!(outcomes[0].refusal().class, "ReadTimeoutError");
    lambda.wait_for_count("END RequestId: ", 2);
    lambda.wait_for_stderr("\tattempt=2");
}
