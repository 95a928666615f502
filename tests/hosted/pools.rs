//! Several events at once: each of the runtime's workers has a process of its own.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::for_kinds;
use crate::kinds::{Kind, command};
use crate::support::api::{Event, ScriptedReply, Server};
use crate::support::hosting::response;
use crate::support::process::{PATIENCE_MS, Process};
use crate::support::{bound, rounds, sys, until};

for_kinds!(kept [dash worker php python] [
    each_of_four_has_a_process_of_its_own_and_all_end
]);

for_kinds!(two [dash php] [
    a_process_that_is_killed_costs_its_event_alone
    an_init_error_of_all_is_told_once
]);

const COUNT: usize = 4;

fn pool(kind: &Kind) -> crate::kinds::Task {
    kind.task()
        .variable("AWS_LAMBDA_MAX_CONCURRENCY", &COUNT.to_string())
        .variable("AWS_LAMBDA_INITIALIZATION_TYPE", "lambda-managed-instances")
}

/// Waits until so many workers wait for events.
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

/// Four events at once, each of which says who has handled it.
fn pids(process: &mut Process, server: &Server, round: usize) -> HashSet<String> {
    // They sleep first, so that nobody can take two.
    let events: Vec<Event> = (0..COUNT)
        .map(|number| Event::new(&format!("sleep-{round}-{number}"), command("sleep 0.3")))
        .collect();
    send(process, server, &events);
    let mut pids = HashSet::new();
    for number in 0..COUNT * 4 {
        let id = format!("pid-{round}-{number}");
        send(process, server, &[Event::new(&id, command("pid"))]);
        pids.insert(String::from_utf8_lossy(response(&server.ledger(), &id)).into_owned());
    }
    pids
}

fn each_of_four_has_a_process_of_its_own_and_all_end(kind: &Kind) {
    let task = pool(kind);
    let (mut process, server) = task.spawn(&[]);
    until_held(&mut process, &server);
    let begin = Instant::now();
    let at_once: Vec<Event> = (0..COUNT)
        .map(|number| Event::new(&format!("at-once-{number}"), command("sleep 1")))
        .collect();
    send(&mut process, &server, &at_once);
    let took = begin.elapsed();
    assert!(took < bound(3_500), "one after the other: {took:?}");
    // A shell has a subshell ready, and nobody has more.
    let each = if kind.is_shell { 3 } else { 2 };
    until("as many", || process.descendants().len() == COUNT * each);
    let count = rounds("events over four processes", 400);
    let events: Vec<Event> = (0..count)
        .map(|number| Event::new(&format!("n-{number}"), format!("{number}")))
        .collect();
    send(&mut process, &server, &events);
    until("as many", || process.descendants().len() == COUNT * each);
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

fn a_process_that_is_killed_costs_its_event_alone(kind: &Kind) {
    let task = pool(kind);
    let (mut process, server) = task.spawn(&[]);
    until_held(&mut process, &server);
    let before = pids(&mut process, &server, 0);
    assert!((2..=COUNT).contains(&before.len()), "{before:?}");
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

fn an_init_error_of_all_is_told_once(kind: &Kind) {
    let task = pool(kind).variable("INIT", "throw");
    let (mut process, server) = task.spawn(&[]);
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
