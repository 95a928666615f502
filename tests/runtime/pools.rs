//! Several events at once: workers that are forked, watched and replaced.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::support::api::{Cut, Event, Kind, Ledger, Script, Server, Turn};
use crate::support::process::{PATIENCE_MS, Process};
use crate::support::start::Start;
use crate::support::{TempDir, bound, function, proc, rounds, runner, sys};
use crate::{Random, error_message, probe};

fn pool(count: usize, server: &Server) -> Start {
    probe()
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .variable("AWS_LAMBDA_MAX_CONCURRENCY", &count.to_string())
        .variable("AWS_LAMBDA_INITIALIZATION_TYPE", "lambda-managed-instances")
}

/// Waits until so many workers wait for events.
pub fn until_held(process: &mut Process, server: &Server, count: usize) {
    let end = Instant::now() + bound(PATIENCE_MS);
    while !server.wait_held(count, Duration::from_millis(5)) {
        let ended = process.wait(Duration::ZERO);
        let late = Instant::now() >= end || ended.is_some();
        let ledger = server.ledger();
        assert!(!late, "{ended:?} {count}; {ledger}\n{}", process.stderr());
    }
}

/// The children of a process.
fn children(pid: u32) -> HashSet<u32> {
    let is_child = |child: &u32| {
        proc::state_and_parent(*child).is_some_and(|(state, parent)| parent == pid && state != 'Z')
    };
    proc::pids().into_iter().filter(is_child).collect()
}

fn ends_with(process: &mut Process, server: Server, code: i32) -> Ledger {
    let status = process.wait(bound(PATIENCE_MS));
    let stderr = process.stderr();
    let ledger = server.finish();
    let found = status.and_then(|status| status.code());
    assert_eq!(found, Some(code), "{status:?} {ledger}\n{stderr}");
    ledger.assert_clean();
    ledger
}

#[test]
fn as_many_events_as_workers_are_handled_at_once() {
    for count in [1, 4, 16] {
        let server = Server::start(Script::default());
        let mut process = pool(count, &server).spawn();
        until_held(&mut process, &server, count);
        let pids = children(process.pid());
        assert_eq!(pids.len(), count);
        // Each sleeps long enough that they are only all out at once if all are in hand at once.
        let events: Vec<Event> = (0..count)
            .map(|number| Event::new(&format!("at-once-{number}"), "sleep 300"))
            .collect();
        let begin = Instant::now();
        server.more(events.iter().map(Turn::event).collect());
        until_held(&mut process, &server, count);
        let took = begin.elapsed();
        assert!(took < bound(300 * 3), "{count}: {took:?}");
        let ledger = server.ledger();
        ledger.assert_balanced();
        ledger.assert_clean();
        assert_eq!(ledger.connections, count, "one each");
        assert_eq!(children(process.pid()), pids, "the same workers");
        drop(process);
    }
}

#[test]
fn each_worker_has_a_trace_id_of_its_own() {
    let server = Server::start(Script::default());
    let mut process = pool(4, &server).spawn();
    until_held(&mut process, &server, 4);
    let events: Vec<Event> = (0..200)
        .map(|number| {
            let event = Event::new(&format!("trace-{number}"), "env");
            event.header("Lambda-Runtime-Trace-Id", &format!("Root={number}"))
        })
        .collect();
    server.more(events.iter().map(Turn::event).collect());
    until_held(&mut process, &server, 4);
    let ledger = server.ledger();
    for number in 0..200 {
        let post = ledger.answer(&format!("trace-{number}"));
        assert_eq!(post.body, format!("Root={number}").as_bytes());
    }
}

#[test]
fn a_worker_that_is_killed_costs_its_event_alone_and_is_replaced() {
    let (count, total) = (8, rounds("events over 8 workers", 1000));
    let server = Server::start(Script::default());
    let mut process = pool(count, &server).spawn();
    until_held(&mut process, &server, count);
    let mut random = Random::new(0x_9001);
    let mut killed = 0;
    let mut victims = HashSet::new();
    for number in 0..total {
        let body = match number {
            // One has its worker killed while it is in hand; others may be what the next hits.
            _ if number % 50 == 24 => "kill",
            _ if number % 3 == 0 => "sleep 2",
            _ => "an event",
        };
        if body == "kill" {
            victims.insert(format!("killed-{number}"));
        }
        let event = Event::new(&format!("killed-{number}"), body);
        server.more(vec![Turn::event(&event)]);
        if number % 50 == 49 {
            let pids: Vec<u32> = children(process.pid()).into_iter().collect();
            if let Some(pid) = pids.get(random.below(pids.len().max(1))) {
                sys::kill(*pid, sys::SIGKILL);
                killed += 1;
            }
        }
    }
    assert!(killed > 0);
    until_held(&mut process, &server, count);
    assert_eq!(
        children(process.pid()).len(),
        count,
        "the pool is whole again"
    );
    drop(process);
    let ledger = server.finish();
    ledger.assert_clean();
    let abandoned: HashSet<&String> = ledger.abandoned.iter().collect();
    assert!(victims.iter().all(|id| abandoned.contains(id)), "{ledger}");
    assert!(abandoned.len() <= victims.len() + killed, "{abandoned:?}");
    for number in 0..total {
        let id = format!("killed-{number}");
        let answers = ledger.answers(&id).len();
        let failed = usize::from(abandoned.contains(&id) && answers == 0);
        assert_eq!(answers + failed, 1, "{id}; {ledger}");
    }
}

#[test]
fn a_crash_an_exit_and_a_panic_cost_their_event_alone() {
    let server = Server::start(Script::default());
    let mut process = pool(2, &server).spawn();
    for (number, body) in ["crash", "exit 7", "panic", "exit 0"]
        .into_iter()
        .enumerate()
    {
        until_held(&mut process, &server, 2);
        let event = Event::new(&format!("dies-{number}"), body);
        let fine = Event::new(&format!("fine-{number}"), "fine");
        server.more(vec![Turn::event(&event), Turn::event(&fine)]);
    }
    until_held(&mut process, &server, 2);
    for text in [
        "by signal 6",
        "exited with status 7",
        "exited with status 101",
        "exited with status 0",
    ] {
        process.until_said(text);
    }
    drop(process);
    let ledger = server.finish();
    ledger.assert_clean();
    for number in 0..4 {
        assert_eq!(ledger.answer(&format!("fine-{number}")).body, b"fine");
    }
    assert_eq!(ledger.answer("dies-2").kind, Kind::Error);
    assert_eq!(ledger.abandoned, ["dies-0", "dies-1", "dies-3"]);
}

#[test]
fn an_init_error_is_told_once_and_all_end() {
    for (how, error_type, text) in [
        ("fail", "Function.ProbeInit", "probe init failed"),
        ("panic", "Runtime.Panic", "probe panicked at init"),
        ("exit", "Runtime.ExitError", "a worker ended at init"),
        ("long", "Runtime.InitError", "longer than 64 KiB"),
    ] {
        let server = Server::start(Script::default());
        let mut process = pool(8, &server).variable("PROBE_INIT", how).spawn();
        let ledger = ends_with(&mut process, server, 3);
        assert_eq!(ledger.posts.len(), 1, "{how}; {ledger}");
        let message = error_message(&ledger.posts[0], error_type);
        assert!(message.contains(text), "{how}: {message}");
        assert_eq!(ledger.posts[0].kind, Kind::InitError);
        assert_eq!(ledger.gets, 0, "nobody asked for an event");
    }
}

#[test]
fn a_time_out_that_the_server_has_seen_is_logged_and_no_more() {
    let server = Server::start(Script::default().post(Turn::status(410)));
    let mut process = pool(1, &server).spawn();
    until_held(&mut process, &server, 1);
    let pids = children(process.pid());
    let events = ["late", "fine"].map(|id| Event::new(id, id));
    server.more(events.iter().map(Turn::event).collect());
    until_held(&mut process, &server, 1);
    process.until_said("410");
    assert_eq!(children(process.pid()), pids);
}

#[test]
fn what_is_asked_for_in_vain_is_asked_for_again() {
    let event = Event::new("after", "after all");
    let script = Script::default()
        .get(Turn::status(500))
        .get(Turn::status(503))
        .get(Turn::status(200).cut(Cut::BeforeReply))
        .get(Turn::status(200).cut(Cut::InReply(9)))
        .get(Turn::event(&event));
    let server = Server::start(script);
    let begin = Instant::now();
    let mut process = pool(1, &server).spawn();
    until_held(&mut process, &server, 1);
    // 100 ms, then twice as long each time.
    let took = begin.elapsed();
    assert!(
        took >= Duration::from_millis(100 + 200 + 400 + 800),
        "{took:?}"
    );
    let ledger = server.ledger();
    assert_eq!(ledger.answer("after").body, b"after all");
    assert!(!process.stderr().contains("ended"), "the same worker");
}

#[test]
fn a_worker_that_asks_in_vain_for_too_long_ends_and_another_asks() {
    let event = Event::new("after", "after all");
    let mut script = Script::default();
    for _ in 0..6 {
        script = script.get(Turn::status(500));
    }
    let server = Server::start(script.get(Turn::event(&event)));
    let mut process = pool(1, &server).spawn();
    until_held(&mut process, &server, 1);
    process.until_said("a worker exited with status 1");
    let ledger = server.ledger();
    assert_eq!(ledger.answer("after").body, b"after all");
    assert_eq!(
        ledger.gets, 8,
        "five tries after the first, then those of another worker"
    );
}

#[test]
fn ignored_signals_that_were_handed_down_do_no_harm() {
    if runner().is_some() {
        return; // a runner runs no script
    }
    let folder = TempDir::new();
    let script = format!(
        "#!/bin/sh\ntrap '' CHLD TERM\nexec {}\n",
        function("probe").display()
    );
    let script = folder.executable("bootstrap", script.as_bytes());
    let server = Server::start(Script::default());
    let mut process = Start::new(&script)
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .variable("AWS_LAMBDA_MAX_CONCURRENCY", "2")
        .spawn();
    until_held(&mut process, &server, 2);
    server.more(vec![Turn::event(&Event::new("dies", "kill"))]);
    process.until_said("a worker was killed by signal 9");
    until_held(&mut process, &server, 2);
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(0));
}

#[test]
fn a_signal_to_end_is_handed_on_and_ends_all() {
    for init in ["", "hooks"] {
        let server = Server::start(Script::default());
        let mut process = pool(3, &server).variable("PROBE_INIT", init).spawn();
        until_held(&mut process, &server, 3);
        sys::kill(process.pid(), sys::SIGTERM);
        let status = process.wait(bound(PATIENCE_MS));
        assert_eq!(status.and_then(|status| status.code()), Some(0));
        let said = if init.is_empty() { 0 } else { 3 };
        assert_eq!(process.stdout().matches("shutdown").count(), said);
        assert_eq!(
            server.ledger().extensions.len(),
            0,
            "the parent has the signal"
        );
    }
}

/// They hold the signal back then, and wait for one another.
#[test]
fn a_signal_to_end_while_workers_with_hooks_start_ends_all() {
    let server = Server::start(Script::default());
    let mut process = pool(3, &server).variable("PROBE_INIT", "slow").spawn();
    let end = Instant::now() + bound(PATIENCE_MS);
    while process.stdout().matches("at init").count() < 3 {
        assert!(Instant::now() < end, "{}", process.stderr());
        std::thread::sleep(Duration::from_millis(1));
    }
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    assert_eq!(process.stdout().matches("shutdown").count(), 3);
}

#[test]
fn the_workers_do_not_outlive_their_parent() {
    let server = Server::start(Script::default());
    let mut process = pool(4, &server).spawn();
    until_held(&mut process, &server, 4);
    let pids = children(process.pid());
    sys::kill(process.pid(), sys::SIGKILL);
    process.wait(bound(PATIENCE_MS));
    let end = Instant::now() + bound(PATIENCE_MS);
    let alive = |pid: &u32| proc::state_and_parent(*pid).is_some_and(|(state, _)| state != 'Z');
    while pids.iter().any(alive) {
        assert!(Instant::now() < end, "{pids:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn an_api_that_is_gone_ends_the_pool() {
    let server = Server::start(Script::default());
    let mut process = pool(2, &server).spawn();
    until_held(&mut process, &server, 2);
    drop(server);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(1));
    assert!(
        process
            .stderr()
            .contains("cannot connect to the Runtime API, errno 111: ")
    );
}

#[test]
fn a_number_of_workers_that_is_none_is_refused() {
    for value in ["", "0", "-1", "two", "1025", "99999999999999999999"] {
        let start = probe().variable("AWS_LAMBDA_MAX_CONCURRENCY", value);
        let outcome = start.run(Script::default());
        outcome.assert_exit(2);
        let named = format!("AWS_LAMBDA_MAX_CONCURRENCY={value}");
        assert!(outcome.stderr.contains(&named), "{}", outcome.stderr);
    }
}
