//! Concurrency: workers that are forked, supervised and replaced.

use std::collections::HashSet;
use std::time::Duration;

use crate::skip::skip;
use crate::support::api::{CloseAt, Event, Kind, Ledger, Script, ScriptedReply, Server};
use crate::support::process::{PATIENCE_MS, Process};
use crate::support::start::Start;
use crate::support::watch::Progress;
use crate::support::{TempDir, bound, function, proc, rounds, runner, sys, until};
use crate::{Random, error_message, probe};

fn pool(count: usize, server: &Server) -> Start {
    probe()
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .variable("AWS_LAMBDA_MAX_CONCURRENCY", &count.to_string())
        .variable("AWS_LAMBDA_INITIALIZATION_TYPE", "lambda-managed-instances")
}

/// Waits until `count` workers wait for events.
pub fn until_held(process: &mut Process, server: &Server, count: usize) {
    let mut progress = Progress::of_run(server);
    while !server.wait_held(count, Duration::from_millis(5)) {
        let ended = process.wait(Duration::ZERO);
        if progress.hangs(server) || ended.is_some() {
            let ledger = server.ledger();
            panic!("{ended:?} {count}; {ledger}\n{}", process.stderr());
        }
    }
}

/// The live children of a process.
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
fn workers_handle_as_many_events_at_once_as_there_are_workers() {
    for count in [1, 4, 16] {
        let server = Server::start(Script::default());
        let mut process = pool(count, &server).spawn();
        until_held(&mut process, &server, count);
        let pids = children(process.pid());
        assert_eq!(pids.len(), count);
        // Long enough that every worker has its event before the first one answers.
        let sleep = format!("sleep {}", bound(300).as_millis());
        let events: Vec<Event> = (0..count)
            .map(|number| Event::new(&format!("at-once-{number}"), sleep.as_str()))
            .collect();
        server.more(events.iter().map(ScriptedReply::event).collect());
        until_held(&mut process, &server, count);
        let ledger = server.ledger();
        assert_eq!(ledger.outstanding_max, count, "{ledger}");
        ledger.assert_balanced();
        ledger.assert_clean();
        assert_eq!(ledger.connections, count, "one each");
        assert_eq!(children(process.pid()), pids, "the same workers");
        drop(process);
    }
}

#[test]
fn workers_have_a_trace_id_each() {
    let server = Server::start(Script::default());
    let mut process = pool(4, &server).spawn();
    until_held(&mut process, &server, 4);
    let events: Vec<Event> = (0..200)
        .map(|number| {
            let event = Event::new(&format!("trace-{number}"), "env");
            event.header("Lambda-Runtime-Trace-Id", &format!("Root={number}"))
        })
        .collect();
    server.more(events.iter().map(ScriptedReply::event).collect());
    until_held(&mut process, &server, 4);
    let ledger = server.ledger();
    for number in 0..200 {
        let post = ledger.answer(&format!("trace-{number}"));
        assert_eq!(post.body, format!("Root={number}").as_bytes());
    }
}

#[test]
fn worker_killed_costs_its_event_alone_and_is_replaced() {
    let (count, total) = (8, rounds("events over 8 workers", 1000));
    let server = Server::start(Script::default());
    let mut process = pool(count, &server).spawn();
    until_held(&mut process, &server, count);
    let mut random = Random::new(0x_9001);
    let mut killed = 0;
    let mut victims = HashSet::new();
    for number in 0..total {
        let body = match number {
            // This one kills its worker. The kill below may hit any worker, idle or not.
            _ if number % 50 == 24 => "kill",
            _ if number % 3 == 0 => "sleep 2",
            _ => "an event",
        };
        if body == "kill" {
            victims.insert(format!("killed-{number}"));
        }
        let event = Event::new(&format!("killed-{number}"), body);
        server.more(vec![ScriptedReply::event(&event)]);
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
    assert_eq!(children(process.pid()).len(), count, "all workers are back");
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
fn worker_that_crashes_exits_or_panics_costs_its_event_alone() {
    let server = Server::start(Script::default());
    let mut process = pool(2, &server).spawn();
    for (number, body) in ["crash", "exit 7", "panic", "exit 0"]
        .into_iter()
        .enumerate()
    {
        until_held(&mut process, &server, 2);
        let event = Event::new(&format!("dies-{number}"), body);
        let fine = Event::new(&format!("fine-{number}"), "fine");
        server.more(vec![
            ScriptedReply::event(&event),
            ScriptedReply::event(&fine),
        ]);
    }
    until_held(&mut process, &server, 2);
    for text in [
        "by signal 6",
        "exited with status 7",
        "exited with status 101",
        "exited with status 0",
    ] {
        process.until_logged(text);
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
fn init_error_of_workers_is_posted_once_and_exits_3() {
    for (how, error_type, text) in [
        ("fail", "Function.ProbeInit", "probe init failed"),
        ("panic", "Runtime.Panic", "probe panicked at init"),
        ("exit", "Runtime.ExitError", "a worker exited at init"),
        ("long", "Runtime.InitError", "over 64 KiB"),
    ] {
        let server = Server::start(Script::default());
        let mut process = pool(8, &server).variable("PROBE_INIT", how).spawn();
        let ledger = ends_with(&mut process, server, 3);
        assert_eq!(ledger.posts.len(), 1, "{how}; {ledger}");
        let message = error_message(&ledger.posts[0], error_type);
        assert!(message.contains(text), "{how}: {message}");
        assert_eq!(ledger.posts[0].kind, Kind::InitError);
        assert_eq!(ledger.gets, 0, "an event was requested");
    }
}

#[test]
fn status_410_of_a_worker_is_logged_and_the_worker_stays() {
    let server = Server::start(Script::default().post(ScriptedReply::status(410)));
    let mut process = pool(1, &server).spawn();
    until_held(&mut process, &server, 1);
    let pids = children(process.pid());
    let events = ["late", "fine"].map(|id| Event::new(id, id));
    server.more(events.iter().map(ScriptedReply::event).collect());
    until_held(&mut process, &server, 1);
    process.until_logged("410");
    assert_eq!(children(process.pid()), pids);
}

#[test]
fn next_failing_in_a_worker_is_retried_with_backoff() {
    let event = Event::new("after", "after all");
    let script = Script::default()
        .get(ScriptedReply::status(500))
        .get(ScriptedReply::status(503))
        .get(ScriptedReply::status(200).close_at(CloseAt::BeforeReply))
        .get(ScriptedReply::status(200).close_at(CloseAt::InReply(9)))
        .get(ScriptedReply::event(&event));
    let server = Server::start(script);
    let mut process = pool(1, &server).spawn();
    until_held(&mut process, &server, 1);
    let ledger = server.ledger();
    // 100 ms, then twice as long each time; a delay of this machine only adds to them.
    let pauses = ledger.gets_at_ms.windows(2).map(|pair| pair[1] - pair[0]);
    for (pause_ms, least_ms) in pauses.zip([100, 200, 400, 800]) {
        // The times are rounded down to milliseconds.
        assert!(pause_ms + 1 >= least_ms, "{pause_ms} ms; {ledger}");
    }
    assert_eq!(ledger.answer("after").body, b"after all");
    assert!(!process.stderr().contains("ended"), "the same worker");
}

#[test]
fn next_failing_six_times_ends_the_worker_and_another_requests() {
    let event = Event::new("after", "after all");
    let mut script = Script::default();
    for _ in 0..6 {
        script = script.get(ScriptedReply::status(500));
    }
    let server = Server::start(script.get(ScriptedReply::event(&event)));
    let mut process = pool(1, &server).spawn();
    until_held(&mut process, &server, 1);
    process.until_logged("a worker exited with status 1");
    let ledger = server.ledger();
    assert_eq!(ledger.answer("after").body, b"after all");
    assert_eq!(
        ledger.gets, 8,
        "a try, five retries, and two GETs of another worker"
    );
}

#[test]
fn signals_ignored_by_the_parent_are_handled() {
    if runner().is_some() {
        skip("a runner runs no script");
        return;
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
    server.more(vec![ScriptedReply::event(&Event::new("dies", "kill"))]);
    process.until_logged("a worker was killed by signal 9");
    until_held(&mut process, &server, 2);
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(0));
}

#[test]
fn sigterm_is_forwarded_to_workers_and_exits_0() {
    for init in ["", "hooks"] {
        let server = Server::start(Script::default());
        let mut process = pool(3, &server).variable("PROBE_INIT", init).spawn();
        until_held(&mut process, &server, 3);
        sys::kill(process.pid(), sys::SIGTERM);
        let status = process.wait(bound(PATIENCE_MS));
        assert_eq!(status.and_then(|status| status.code()), Some(0));
        let lines = if init.is_empty() { 0 } else { 3 };
        assert_eq!(process.stdout().matches("shutdown").count(), lines);
        assert_eq!(
            server.ledger().extensions.len(),
            0,
            "only the parent gets the signal"
        );
    }
}

/// The workers block the signal then, and wait for one another.
#[test]
fn sigterm_while_workers_with_hooks_start_exits_0() {
    let server = Server::start(Script::default());
    let mut process = pool(3, &server).variable("PROBE_INIT", "slow").spawn();
    until("three workers at init", || {
        process.stdout().matches("at init").count() == 3
    });
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    assert_eq!(process.stdout().matches("shutdown").count(), 3);
}

#[test]
fn workers_do_not_outlive_a_killed_parent() {
    let server = Server::start(Script::default());
    let mut process = pool(4, &server).spawn();
    until_held(&mut process, &server, 4);
    let pids = children(process.pid());
    sys::kill(process.pid(), sys::SIGKILL);
    process.wait(bound(PATIENCE_MS));
    let is_alive = |pid: &u32| proc::state_and_parent(*pid).is_some_and(|(state, _)| state != 'Z');
    until("all workers ended", || !pids.iter().any(is_alive));
}

#[test]
fn api_gone_for_good_ends_all_workers_and_exits_1() {
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
fn max_concurrency_invalid_exits_2() {
    for value in ["", "0", "-1", "two", "1025", "99999999999999999999"] {
        let start = probe().variable("AWS_LAMBDA_MAX_CONCURRENCY", value);
        let outcome = start.run(Script::default());
        outcome.assert_exit(2);
        let named = format!("AWS_LAMBDA_MAX_CONCURRENCY={value}");
        assert!(outcome.stderr.contains(&named), "{}", outcome.stderr);
    }
}
