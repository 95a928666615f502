//! `LogType=Tail`: the end of the log comes with the answer.

use serde_json::json;

use crate::client::{Client, call, invoke_with};
use crate::lambda::Lambda;
use crate::programs;

crate::for_each_client! {
    log_tail_has_the_lines_of_the_event
    log_tail_of_a_long_log_is_its_last_4_kib
    log_tail_of_a_function_error_is_sent
}

crate::for_each_client! { boto3_streams Boto3: log_tail_of_a_stream_comes_at_its_end }
crate::for_each_client! { javascript_streams Javascript: log_tail_of_a_stream_comes_at_its_end }

/// Base64 of a log, decoded.
fn decoded(text: &str) -> String {
    let mut command = std::process::Command::new("base64");
    let finished = programs::run(command.arg("--decode"), text.as_bytes());
    assert_eq!(finished.code, 0, "{text}");
    finished.text()
}

fn tail(lambda: &Lambda, client: Client, event: serde_json::Value) -> String {
    let outcome = client.make(lambda, invoke_with(&event, json!({"LogType": "Tail"})));
    assert_eq!(outcome.status, Some(200), "{outcome:?}");
    let result = outcome.fields["LogResult"].as_str();
    decoded(result.unwrap_or_else(|| panic!("no LogResult: {outcome:?}")))
}

fn log_tail_has_the_lines_of_the_event(client: Client) {
    let lambda = Lambda::start(&[]);
    for lines in [
        ["a first line", "a second line"],
        ["another", "and one more"],
    ] {
        let log = tail(&lambda, client, json!({"do": "log", "lines": lines}));
        let seen: Vec<&str> = log.lines().collect();
        let start = seen[0].strip_prefix("START RequestId: ").expect("START");
        let id = start
            .strip_suffix(" Version: $LATEST")
            .expect("the version");
        assert_eq!(&seen[1..3], &lines);
        assert_eq!(seen[3], format!("END RequestId: {id}"));
        let report = format!("REPORT RequestId: {id}\tDuration: ");
        assert!(seen[4].starts_with(&report), "{log}");
        for part in [
            "\tBilled Duration: ",
            "\tMemory Size: 128 MB\tMax Memory Used: ",
        ] {
            assert!(seen[4].contains(part), "{log}");
        }
        assert!(lambda.stderr().contains(id), "the id of the tool's own log");
    }
}

fn log_tail_of_a_long_log_is_its_last_4_kib(client: Client) {
    let lambda = Lambda::start(&[]);
    let lines: Vec<String> = (0..500)
        .map(|number| format!("line {number} of many"))
        .collect();
    let log = tail(&lambda, client, json!({"do": "log", "lines": lines}));
    assert!(
        log.len() <= 4_096 && log.len() > 3_500,
        "{} bytes",
        log.len()
    );
    assert!(!log.contains("START RequestId: "), "the start is cut off");
    assert!(log.contains("line 499 of many\nEND RequestId: "), "{log}");
    assert!(log.contains("\nREPORT RequestId: "), "{log}");
}

fn log_tail_of_a_function_error_is_sent(client: Client) {
    let lambda = Lambda::start(&[]);
    let log = tail(&lambda, client, json!({"do": "raise", "text": "no order"}));
    assert!(log.starts_with("START RequestId: "), "{log}");
    assert!(log.contains("no order"), "{log}");
    assert!(log.contains("\nREPORT RequestId: "), "{log}");
}

fn log_tail_of_a_stream_comes_at_its_end(client: Client) {
    let lambda = Lambda::start(&[]);
    let event = json!({"do": "log", "lines": ["within the stream"]});
    let arguments = json!({
        "FunctionName": "function",
        "Payload": event.to_string(),
        "LogType": "Tail",
    });
    let outcome = client.make(&lambda, call("InvokeWithResponseStream", arguments));
    assert_eq!(outcome.json(), event);
    let result = outcome.fields["InvokeComplete"]["LogResult"].as_str();
    let log = decoded(result.unwrap_or_else(|| panic!("no LogResult: {outcome:?}")));
    assert!(log.contains("within the stream\nEND RequestId: "), "{log}");
}
