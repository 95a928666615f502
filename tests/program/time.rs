//! Deadlines: the program and its process group are killed in time, and only for a valid deadline.

use crate::skip::has;
use crate::support::api::{Event, Script, ScriptedReply, Server, now_ms};
use crate::support::machine::{Wakeups, Window};
use crate::support::process::{PATIENCE_MS, Process};
use crate::support::{bound, slowness};
use crate::{Task, error, events, response};
use std::time::Duration;

/// Programs that miss every deadline, each in another way.
const SLOW: [&str; 6] = [
    "exec sleep 600",
    "sleep 600 & sleep 600 & (sleep 600; echo no) & wait",
    "trap '' TERM INT HUP; while :; do sleep 600; done",
    "trap '' TERM; (trap '' TERM; exec sleep 600) & exec >&- 2>&- <&-; sleep 600; sleep 600",
    "echo partial; echo words >&2; sleep 600",
    "while :; do :; done",
];

#[test]
fn timeout_kills_the_process_group_and_is_posted_before_the_deadline() {
    let threads = SLOW.map(|script| std::thread::spawn(move || assert_killed_in_time(script)));
    for thread in threads {
        thread.join().expect("one of the slow programs");
    }
}

/// Delivers events until no zombie is left: a child that exits slowly is reaped after a later
/// event. At least two events; their number.
fn deliver_until_reaped(process: &mut Process, server: &Server) -> usize {
    for number in 0..EVENTS_UNTIL_REAPED_MAX {
        let after = Event::new(&format!("after-{number}"), "fine\n");
        server.more(vec![ScriptedReply::event(&after)]);
        process.until_idle(server);
        if number > 0 && !process.has_zombie() {
            return number + 1;
        }
    }
    panic!("a zombie after {EVENTS_UNTIL_REAPED_MAX} events");
}

/// A process that was killed exits within the time of this number of events, on any machine.
const EVENTS_UNTIL_REAPED_MAX: usize = 200;

/// A script for which the event `fine` is one to answer, and every other one to miss its deadline.
fn slow_task(script: &str) -> Task {
    Task::script(&format!(
        "read -r word\ntest $word = fine && exit 0\n{script}"
    ))
}

fn assert_killed_in_time(script: &str) {
    let task = slow_task(script);
    let fine = Event::new("fine", "fine\n");
    let (mut process, server) = task.spawn(&[fine]);
    process.until_idle(&server);
    let window = Window::of_ms(700);
    let window_ms = window.ms;
    let deadline_ms = now_ms() + window_ms;
    let slow = Event::new("slow", "slow\n").deadline(&deadline_ms.to_string());
    server.more(vec![ScriptedReply::event(&slow)]);
    process.until_idle(&server);
    let latest_ms = window.latest_ms(deadline_ms);
    let after = deliver_until_reaped(&mut process, &server);
    process.assert_no_descendant(bound(PATIENCE_MS));
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    assert!(!error(ledger, "slow", "Function.Timeout").is_empty());
    assert_eq!(ledger.posts_of("slow").len(), 1, "{ledger}");
    for number in 0..after {
        assert_eq!(response(ledger, &format!("after-{number}")), b"");
    }
    let at_ms = ledger.answer("slow").at_ms;
    let before_ms = deadline_ms as i64 - at_ms as i64;
    println!("{script:?}: {before_ms} ms before the deadline, of {window_ms} ms");
    assert!(
        at_ms >= deadline_ms - window_ms / 2,
        "{script}: early; {ledger}"
    );
    assert!(
        at_ms <= latest_ms,
        "{script}: {before_ms} ms before the deadline; {ledger}"
    );
}

#[test]
fn timeout_kills_a_program_that_left_its_process_group() {
    if !has("perl") {
        return;
    }
    let program = "setpgrp(0, getpgrp(getppid())) or die; print STDERR \"left\\n\"; sleep 600";
    let task = slow_task(&format!("exec perl -e '{program}'"));
    let window_ms = Window::of_ms(1_500).ms;
    let (mut process, server) = task.spawn(&[]);
    let slow = Event::new("slow", "slow\n").deadline(&(now_ms() + window_ms).to_string());
    server.more(vec![ScriptedReply::event(&slow)]);
    process.until_idle(&server);
    deliver_until_reaped(&mut process, &server);
    process.assert_no_descendant(bound(PATIENCE_MS));
    let outcome = process.finish(server);
    // Perl warns of a locale first.
    let log = outcome.log();
    assert!(log.ends_with("left\n"), "killed before it left: {log}");
    assert!(!error(outcome.assert_serving(), "slow", "Function.Timeout").is_empty());
}

/// Events with invalid deadlines.
fn invalid_deadlines() -> Vec<Event> {
    let now_ms = now_ms();
    let texts = [
        "600000".to_string(),
        "0".to_string(),
        (now_ms - 5_000).to_string(),
        (now_ms + 3 * 365 * 86_400_000).to_string(),
        (now_ms + 25 * 3_600_000).to_string(),
        u64::MAX.to_string(),
        "99999999999999999999999".to_string(),
        "soon".to_string(),
        String::new(),
    ];
    let mut events = events(["x"; 10]);
    for (event, text) in events.iter_mut().zip(&texts) {
        *event = event.clone().deadline(text);
    }
    let last = events.len() - 1;
    events[last] = events[last].clone().without("Lambda-Runtime-Deadline-Ms");
    events
}

#[test]
fn deadline_invalid_kills_nothing() {
    let events = invalid_deadlines();
    let outcome = Task::script("sleep 0.1; echo done").run(&events);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_eq!(response(ledger, &event.id), b"done\n", "{:?}", event.lines);
    }
}

#[test]
fn deadline_invalid_is_replaced_by_the_configured_timeout() {
    let timeout_s = u64::from(slowness().min(5));
    let runs = invalid_deadlines()
        .into_iter()
        .enumerate()
        .map(|(number, event)| {
            std::thread::spawn(move || {
                let task = slow_task("exec sleep 600");
                let server = Server::start(Script::events([&event]));
                let start = task
                    .start()
                    .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
                    .variable("AWS_LAMBDA_FUNCTION_TIMEOUT", &timeout_s.to_string());
                let wakeups = Wakeups::watch();
                let mut process = start.spawn();
                process.until_idle(&server);
                deliver_until_reaped(&mut process, &server);
                let outcome = process.finish(server);
                let ledger = outcome.assert_serving();
                error(ledger, &event.id, "Function.Timeout");
                let took = Duration::from_millis(ledger.took_ms(&event.id));
                let timeout = Duration::from_secs(timeout_s);
                assert!(took >= timeout / 2, "{number}: {took:?}");
                // Four wake-ups, as in `Window`; ten programs start at once.
                let latest = timeout + bound(300) + 4 * wakeups.latest();
                assert!(took <= latest, "{number}: {took:?} of {latest:?}");
            })
        });
    for run in runs.collect::<Vec<_>>() {
        run.join().expect("one of the invalid deadlines");
    }
}

#[test]
fn deadline_valid_overrides_the_configured_timeout() {
    let task = Task::script("sleep 1.3; echo done");
    let start = task.start().variable("AWS_LAMBDA_FUNCTION_TIMEOUT", "1");
    let outcome = start.run(Script::events(&events(["x"])));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"done\n");
}

#[test]
fn timeout_variable_invalid_is_ignored_or_exits_2() {
    for value in ["", "0", "-1", "soon", "99999999999999999999"] {
        println!("{value:?}"); // printed when the test fails
        let task = Task::script("sleep 0.2; echo done");
        let start = task.start().variable("AWS_LAMBDA_FUNCTION_TIMEOUT", value);
        let event = Event::new("x", "x").deadline("600000");
        let outcome = start.run(Script::events([&event]));
        match outcome.code {
            None => assert_eq!(
                response(outcome.assert_serving(), "x"),
                b"done\n",
                "{value:?}"
            ),
            Some(_) => assert_eq!(outcome.assert_exit(2).gets, 0, "{value:?}"),
        }
    }
}
