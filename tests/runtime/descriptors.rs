//! Native functions without standard descriptors: log records go to standard error or are lost, and
//! are never written to a connection.

use crate::pools::until_held;
use crate::probe;
use crate::skip::skip;
use crate::support::api::{CloseAt, Event, Script, ScriptedReply, Server};
use crate::support::hosting::{events, response};
use crate::support::start::Start;
use crate::support::{TempDir, function, runner};

/// All subsets of descriptors 0, 1 and 2, closed by redirections of a shell.
const CLOSED: [&str; 8] = [
    "",
    "<&-",
    ">&-",
    "2>&-",
    "<&- >&-",
    "<&- 2>&-",
    ">&- 2>&-",
    "<&- >&- 2>&-",
];

/// The probe, started by a shell that closes some descriptors.
fn without(dir: &TempDir, closed: &str) -> Start {
    let probe = function("probe").display().to_string();
    let script = format!("#!/bin/sh\nexec {probe} {closed}\n");
    Start::new(&dir.executable("bootstrap", script.as_bytes()))
}

/// Whether scripts can start the binary; reports the test as skipped when they cannot.
fn can_script() -> bool {
    let can = runner().is_none();
    if !can {
        skip("a runner runs no script");
    }
    can
}

#[test]
fn records_without_standard_descriptors_are_written_to_no_connection() {
    if !can_script() {
        return;
    }
    for closed in CLOSED {
        let dir = TempDir::new();
        // The connection is closed once: the next one takes the lowest free descriptor.
        let events = events(["log first", "log second", "log third"]);
        let script = Script::default()
            .get(ScriptedReply::event(&events[0]))
            .get(ScriptedReply::status(200).close_at(CloseAt::BeforeReply))
            .get(ScriptedReply::event(&events[1]))
            .get(ScriptedReply::event(&events[2]));
        let outcome = without(&dir, closed).run(script);
        let ledger = outcome.assert_serving();
        ledger.assert_clean();
        for event in &events {
            assert_eq!(response(ledger, &event.id), b"logged", "{closed:?}");
        }
        let is_logged = outcome.stderr.contains("third");
        assert_eq!(is_logged, !closed.contains("2>&-"), "{closed:?}");
    }
}

#[test]
fn records_without_standard_descriptors_are_written_to_no_extension_connection() {
    if !can_script() {
        return;
    }
    for closed in CLOSED {
        let dir = TempDir::new();
        let start = without(&dir, closed).variable("PROBE_INIT", "hooks");
        let events = events(["log first", "log second"]);
        let outcome = start.run(Script::events(&events));
        let ledger = outcome.assert_serving();
        ledger.assert_clean();
        for event in &events {
            assert_eq!(response(ledger, &event.id), b"logged", "{closed:?}");
        }
    }
}

#[test]
fn records_of_workers_without_standard_descriptors_are_written_to_no_channel() {
    if !can_script() {
        return;
    }
    for closed in CLOSED {
        let dir = TempDir::new();
        let server = Server::start(Script::default());
        let start = without(&dir, closed)
            .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
            .variable("AWS_LAMBDA_MAX_CONCURRENCY", "2");
        let mut process = start.spawn();
        until_held(&mut process, &server, 2);
        // More than a channel of a worker holds (socket(7): 212,992 bytes).
        let text = format!("log {}", "x".repeat(30_000));
        let events = events((0..20).map(|_| text.as_str()));
        server.more(events.iter().map(ScriptedReply::event).collect());
        until_held(&mut process, &server, 2);
        let ledger = server.ledger();
        ledger.assert_clean();
        for event in &events {
            assert_eq!(response(&ledger, &event.id), b"logged", "{closed:?}");
        }
    }
}

#[test]
fn records_after_the_function_closed_standard_error_are_written_to_no_connection() {
    let events = [
        Event::new("closes", "close 2"),
        Event::new("logs", "log second"),
        Event::new("last", "log third"),
    ];
    let script = Script::default()
        .get(ScriptedReply::event(&events[0]))
        .get(ScriptedReply::status(200).close_at(CloseAt::BeforeReply))
        .get(ScriptedReply::event(&events[1]))
        .get(ScriptedReply::event(&events[2]));
    let outcome = probe().run(script);
    let ledger = outcome.assert_serving();
    ledger.assert_clean();
    assert_eq!(response(ledger, "closes"), b"closed");
    assert_eq!(response(ledger, "logs"), b"logged");
    assert_eq!(response(ledger, "last"), b"logged");
}
