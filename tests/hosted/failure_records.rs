//! The record of a failure that the runtime logs: level, request id, and in JSON the members of the
//! error.

use serde_json::Value;

use crate::kinds::{bash, command, dash, program, worker};
use crate::support::api::Event;
use crate::support::hosting::{error, events};
use crate::timing::due_in;

#[test]
fn failure_in_text_is_a_record_of_the_level_error_with_the_request_id() {
    for kind in [bash(), worker()].into_iter().flatten() {
        let outcome = kind.hosted_run().run(&events([command("killed")]));
        let text = error(outcome.assert_serving(), "event-0", "Runtime.ExitError");
        let mut records = outcome
            .stderr
            .lines()
            .filter(|line| line.starts_with("[ERROR]"));
        let record = records.next().expect("a record");
        let fields: Vec<&str> = record.splitn(4, '\t').collect();
        assert!(
            fields[1].ends_with('Z') && fields[1].len() == 24,
            "{record}"
        );
        assert_eq!(fields[2], "event-0");
        let json = fields[3].strip_prefix("tinderbox: failed: ").expect(record);
        assert!(
            json.starts_with(r#"{"errorType":"Runtime.ExitError","#),
            "{json}"
        );
        assert!(text.starts_with("signal 9"), "{text}");
        assert_eq!(records.next(), None);
    }
}

#[test]
fn failure_in_json_is_a_record_with_the_members_of_the_error() {
    for kind in [worker(), bash(), dash()].into_iter().flatten() {
        let hosted = kind.hosted_run().variable("AWS_LAMBDA_LOG_FORMAT", "JSON");
        let outcome = hosted.run(&events([command("killed")]));
        let text = error(outcome.assert_serving(), "event-0", "Runtime.ExitError");
        let records: Vec<Value> = (outcome.stderr.lines())
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|record: &Value| record["level"] == "ERROR")
            .collect();
        assert_eq!(records.len(), 1, "{}", outcome.stderr);
        let record = &records[0];
        assert_eq!(record["errorType"], "Runtime.ExitError");
        assert_eq!(record["errorMessage"], text);
        assert!(record["stackTrace"].is_array(), "{record}");
        assert_eq!(record["requestId"], "event-0");
        assert!(record["timestamp"].is_string() && record.get("message").is_none());
    }
}

#[test]
fn failure_of_init_in_json_has_no_request_id() {
    let Some(kind) = worker() else {
        return;
    };
    let hosted = kind.hosted_run().variable("AWS_LAMBDA_LOG_FORMAT", "JSON");
    let outcome = hosted.variable("INIT", "fail").run(&events(["never"]));
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    let record = outcome
        .stderr
        .lines()
        .find(|line| line.contains("\"ERROR\""));
    let record: Value = serde_json::from_str(record.expect("a record")).expect("JSON");
    assert_eq!(record["errorType"], kind.init_failure.0, "{record}");
    assert_eq!(record.get("requestId"), None);
}

#[test]
fn timeout_of_a_program_is_a_record_of_the_level_error() {
    let Some(kind) = program() else {
        return;
    };
    let late = due_in(Event::new("late", command("sleep 60")), 1_000);
    let outcome = kind.hosted_run().run(&[late]);
    error(outcome.assert_serving(), "late", "Function.Timeout");
    let records = outcome
        .stderr
        .lines()
        .filter(|line| line.starts_with("[ERROR]\t"));
    let of_event = records.filter(|line| line.contains("\tlate\t") && line.contains("Timeout"));
    assert_eq!(of_event.count(), 1, "{}", outcome.stderr);
}
