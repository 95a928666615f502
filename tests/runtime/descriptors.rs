//! Native functions that are started without standard descriptors, or close them: what they log is
//! written to standard error or lost, and never into a connection.

use crate::pools::until_held;
use crate::probe;
use crate::support::api::{Cut, Event, Script, Server, Turn};
use crate::support::hosting::{events, response};
use crate::support::start::Start;
use crate::support::{TempDir, function, runner};

/// All ways to close some of the descriptors 0, 1 and 2, in the words of a shell.
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

/// The probe, started by a shell that closes these descriptors.
fn without(dir: &TempDir, closed: &str) -> Start {
    let probe = function("probe").display().to_string();
    let script = format!("#!/bin/sh\nexec {probe} {closed}\n");
    Start::new(&dir.executable("bootstrap", script.as_bytes()))
}

/// Whether this is a run of another architecture: a runner starts no scripts.
fn has_runner() -> bool {
    runner().is_some()
}

#[test]
fn records_without_standard_descriptors_are_written_to_no_connection() {
    for closed in CLOSED {
        if has_runner() {
            return;
        }
        let dir = TempDir::new();
        // The connection breaks once: the next one is made while others are open.
        let events = events(["log first", "log second", "log third"]);
        let script = Script::default()
            .get(Turn::event(&events[0]))
            .get(Turn::status(200).cut(Cut::BeforeReply))
            .get(Turn::event(&events[1]))
            .get(Turn::event(&events[2]));
        let outcome = without(&dir, closed).run(script);
        let ledger = outcome.assert_serving();
        ledger.assert_clean();
        for event in &events {
            assert_eq!(response(ledger, &event.id), b"logged", "{closed:?}");
        }
        let said = outcome.stderr.contains("third");
        assert_eq!(said, !closed.contains("2>&-"), "{closed:?}");
    }
}

#[test]
fn records_without_standard_descriptors_are_written_to_no_extension_connection() {
    for closed in CLOSED {
        if has_runner() {
            return;
        }
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
fn records_of_a_pool_without_standard_descriptors_reach_no_channel() {
    for closed in CLOSED {
        if has_runner() {
            return;
        }
        let dir = TempDir::new();
        let server = Server::start(Script::default());
        let start = without(&dir, closed)
            .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
            .variable("AWS_LAMBDA_MAX_CONCURRENCY", "2");
        let mut process = start.spawn();
        until_held(&mut process, &server, 2);
        // More than the channel of the workers could hold (socket(7): 212,992 bytes).
        let text = format!("log {}", "x".repeat(30_000));
        let events = events((0..20).map(|_| text.as_str()));
        server.more(events.iter().map(Turn::event).collect());
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
        .get(Turn::event(&events[0]))
        .get(Turn::status(200).cut(Cut::BeforeReply))
        .get(Turn::event(&events[1]))
        .get(Turn::event(&events[2]));
    let outcome = probe().run(script);
    let ledger = outcome.assert_serving();
    ledger.assert_clean();
    assert_eq!(response(ledger, "closes"), b"closed");
    assert_eq!(response(ledger, "logs"), b"logged");
    assert_eq!(response(ledger, "last"), b"logged");
}
