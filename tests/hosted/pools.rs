//! Concurrency: each worker of the runtime has a persistent process of its own.

use std::time::{Duration, Instant};

use crate::for_kinds;
use crate::kinds::{Kind, command};
use crate::support::api::{Event, Ledger, ScriptedReply, Server};
use crate::support::hosting::response;
use crate::support::process::{PATIENCE_MS, Process};
use crate::support::{bound, rounds, sys, until};

for_kinds!(persistent [dash worker php python] [
    workers_each_have_a_process_and_all_end_on_sigterm
]);

for_kinds!(two [dash php] [
    process_killed_in_a_pool_fails_its_event_alone
    init_error_of_all_workers_is_reported_once
]);

const COUNT: usize = 4;

fn pool(kind: &Kind) -> crate::kinds::HostedRun {
    kind.hosted_run()
        .variable("AWS_LAMBDA_MAX_CONCURRENCY", &COUNT.to_string())
        .variable("AWS_LAMBDA_INITIALIZATION_TYPE", "lambda-managed-instances")
}

/// Waits until all workers wait for events.
fn until_held(process: &mut Process, server: &Server) {
    let end = Instant::now() + bound(PATIENCE_MS);
    while !server.wait_held(COUNT, Duration::from_millis(5)) {
        let ended = process.wait(Duration::ZERO);
        let late = Instant::now() >= end || ended.is_some();
        assert!(
            !late,
            "{ended:?}; {}\n{}",
            server.ledger(),
            process.stderr()
        );
    }
}

fn send(process: &mut Process, server: &Server, events: &[Event]) {
    server.more(events.iter().map(ScriptedReply::event).collect());
    until_held(process, server);
}

/// Waits until each worker of the runtime has the processes that it should have. A shell has a
/// subshell ready; the others have one process each.
fn until_all_have_a_process(process: &Process, kind: &Kind) {
    let each = if kind.is_shell { 3 } else { 2 };
    until("as many", || process.descendants().len() == COUNT * each);
}

/// All of these events were delivered before the first of them was answered.
fn assert_concurrent(ledger: &Ledger, events: &[Event]) {
    let is_one = |id: &str| events.iter().any(|event| event.id == id);
    let delivered = ledger.deliveries.iter().filter(|one| is_one(&one.id));
    let last_delivery_ms = delivered.map(|one| one.at_ms).max();
    let answered = ledger.posts.iter().filter(|post| is_one(&post.id));
    let first_answer_ms = answered.map(|post| post.at_ms).min();
    assert!(
        last_delivery_ms <= first_answer_ms,
        "one after the other: {ledger}"
    );
}

fn workers_each_have_a_process_and_all_end_on_sigterm(kind: &Kind) {
    let hosted = pool(kind);
    let (mut process, server) = hosted.spawn(&[]);
    until_held(&mut process, &server);
    let at_once: Vec<Event> = (0..COUNT)
        .map(|number| Event::new(&format!("at-once-{number}"), command("sleep 1")))
        .collect();
    send(&mut process, &server, &at_once);
    assert_concurrent(&server.ledger(), &at_once);
    until_all_have_a_process(&process, kind);
    let count = rounds("events over four processes", 400);
    let events: Vec<Event> = (0..count)
        .map(|number| Event::new(&format!("n-{number}"), format!("{number}")))
        .collect();
    send(&mut process, &server, &events);
    until_all_have_a_process(&process, kind);
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    process.assert_no_descendant(bound(2_000));
    let ledger = server.finish();
    ledger.assert_clean();
    for event in &events {
        assert_eq!(response(&ledger, &event.id), event.body);
    }
    for event in &at_once {
        assert_eq!(response(&ledger, &event.id), b"\"slept\"");
    }
    assert_eq!(ledger.connections, COUNT);
}

fn process_killed_in_a_pool_fails_its_event_alone(kind: &Kind) {
    let hosted = pool(kind);
    let (mut process, server) = hosted.spawn(&[]);
    until_held(&mut process, &server);
    until_all_have_a_process(&process, kind);
    let events = [
        Event::new("killed", command("killed")),
        Event::new("other", command("sleep 0.2")),
        Event::new("another", command("sleep 0.2")),
    ];
    send(&mut process, &server, &events);
    send(&mut process, &server, &[Event::new("fine", "\"fine\"")]);
    process.assert_no_zombie();
    sys::kill(process.pid(), sys::SIGTERM);
    process.wait(bound(PATIENCE_MS));
    process.assert_no_descendant(bound(2_000));
    let ledger = server.finish();
    ledger.assert_clean();
    let message = crate::support::hosting::error(&ledger, "killed", "Runtime.ExitError");
    assert!(message.starts_with("signal 9"), "{message}");
    for id in ["other", "another"] {
        assert_eq!(response(&ledger, id), b"\"slept\"");
    }
    assert_eq!(response(&ledger, "fine"), b"\"fine\"");
}

fn init_error_of_all_workers_is_reported_once(kind: &Kind) {
    let hosted = pool(kind).variable("INIT", "throw");
    let (mut process, server) = hosted.spawn(&[]);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(3));
    process.assert_no_descendant(bound(2_000));
    let ledger = server.finish();
    ledger.assert_clean();
    assert_eq!((ledger.gets, ledger.posts.len()), (0, 1), "{ledger}");
    let (wanted, part) = kind.init_failure;
    let message = crate::support::hosting::message(&ledger.posts[0], wanted);
    assert!(message.contains(part), "{message}");
}
