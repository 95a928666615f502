//! The environment of a program: that of the runtime, and the variables of the event.

use crate::support::api::{Event, Script};
use crate::support::hosting::{events, response};
use crate::{Task, start};

/// The entries of an environment, in their order.
fn entries(body: &[u8]) -> Vec<String> {
    let entries = body.split(|byte| *byte == 0).filter(|e| !e.is_empty());
    let text = |entry| String::from_utf8_lossy(entry).into_owned();
    entries.map(text).collect()
}

fn values<'a>(entries: &'a [String], name: &str) -> Vec<&'a str> {
    let value = |entry: &'a String| entry.strip_prefix(name)?.strip_prefix('=');
    entries.iter().filter_map(value).collect()
}

fn traced(event: Event) -> Event {
    event
        .header("Lambda-Runtime-Trace-Id", "Root=1-2")
        .header("Lambda-Runtime-Aws-Tenant-Id", "tenant 7")
}

#[test]
fn event_variables_are_set_once_whatever_the_configuration_has() {
    let task = Task::script("exec cat /proc/self/environ");
    let names = ["LAMBDA_REQUEST_ID", "LAMBDA_TENANT_ID", "_X_AMZN_TRACE_ID"];
    let mut start = task
        .start()
        .variable("OF_THE_FUNCTION", "LAMBDA_TENANT_ID=no");
    for name in names {
        start = start.variable(name, "of the configuration");
    }
    let [with, without] = ["with", "without"].map(|id| Event::new(id, "{}"));
    let outcome = start.run(Script::events(&[traced(with), without]));
    let ledger = outcome.assert_serving();
    let found = entries(response(ledger, "with"));
    let wanted = [["with"], ["tenant 7"], ["Root=1-2"]];
    for (name, value) in names.into_iter().zip(wanted) {
        assert_eq!(values(&found, name), value, "{name}: {found:?}");
    }
    assert_eq!(values(&found, "OF_THE_FUNCTION"), ["LAMBDA_TENANT_ID=no"]);
    let found = entries(response(ledger, "without"));
    let wanted = [&["without"][..], &[], &[]];
    for (name, value) in names.into_iter().zip(wanted) {
        assert_eq!(values(&found, name), value, "{name}: {found:?}");
    }
}

#[test]
fn event_variables_are_set_with_more_variables_than_fit() {
    let task = Task::script("exec cat /proc/self/environ");
    let mut start = start(&task.dir, "program");
    for number in 0..5000 {
        start = start.variable(&format!("FILLING_{number}"), "x");
    }
    let [with, without] = ["with", "without"].map(|id| Event::new(id, "{}"));
    let outcome = start.run(Script::events(&[traced(with), without]));
    let ledger = outcome.assert_serving();
    let found = entries(response(ledger, "with"));
    assert_eq!(values(&found, "LAMBDA_REQUEST_ID"), ["with"]);
    assert_eq!(values(&found, "LAMBDA_TENANT_ID"), ["tenant 7"]);
    assert_eq!(values(&found, "_X_AMZN_TRACE_ID"), ["Root=1-2"]);
    let rest = found.iter().filter(|entry| entry.starts_with("FILLING_"));
    assert!(rest.count() > 4000, "{} entries", found.len());
    let found = entries(response(ledger, "without"));
    assert_eq!(values(&found, "LAMBDA_REQUEST_ID"), ["without"]);
    assert_eq!(values(&found, "LAMBDA_TENANT_ID"), [""; 0]);
    assert_eq!(values(&found, "_X_AMZN_TRACE_ID"), [""; 0]);
}

#[test]
fn environment_without_context_is_passed_unchanged() {
    let task = Task::script("printf '%s' \"$AWS_SECRET|$EMPTY|${EMPTY-unset}|$WITH_EQUALS\"");
    let start = task
        .start()
        .variable("AWS_SECRET", "s")
        .variable("EMPTY", "")
        .variable("WITH_EQUALS", "a=b=c");
    let outcome = start.run(Script::events(&events(["x"])));
    let ledger = outcome.assert_serving();
    assert_eq!(
        response(ledger, "event-0"),
        b"s||".iter().chain(b"|a=b=c").copied().collect::<Vec<u8>>()
    );
}
