//! Deadlines: the program and all of its group are killed in time, and only for a real deadline.

use crate::skip::has;
use crate::support::api::{Event, Script, Turn, now_ms};
use crate::support::{bound, slowness};
use crate::{Task, error, events, response};
use std::time::Duration;

/// Programs that would take far too long, each in its own way.
const SLOW: [&str; 6] = [
    "exec sleep 30",
    "sleep 30 & sleep 30 & (sleep 30; echo no) & wait",
    "trap '' TERM INT HUP; while :; do sleep 30; done",
    "trap '' TERM; (trap '' TERM; exec sleep 30) & exec >&- 2>&- <&-; sleep 30; sleep 30",
    "echo partial; echo words >&2; sleep 30",
    "while :; do :; done",
];

#[test]
fn at_the_deadline_the_whole_group_is_killed_and_the_error_comes_in_time() {
    let threads: Vec<_> = SLOW
        .into_iter()
        .map(|script| {
            // On a busy machine any process may be late: in time once in three tries.
            let tries = move || (0..3).any(|_| killed_in_time(script));
            std::thread::spawn(move || assert!(tries(), "always late: {script}"))
        })
        .collect();
    for thread in threads {
        thread.join().expect("one of the slow programs");
    }
}

/// Whether the answer came before the deadline; everything else is asserted.
fn killed_in_time(script: &str) -> bool {
    let task = Task::script(&format!(
        "read -r word\ntest $word = fine && exit 0\n{script}"
    ));
    let fine = Event::new("fine", "fine\n");
    let (mut process, server) = task.spawn(&[fine]);
    process.until_idle(&server);
    let window_ms = 700 * u64::from(slowness());
    let deadline_ms = now_ms() + window_ms;
    let slow = Event::new("slow", "slow\n").deadline(&deadline_ms.to_string());
    let after = Event::new("after", "fine\n");
    server.more(vec![Turn::event(&slow), Turn::event(&after)]);
    process.until_idle(&server);
    // The margin is the larger of 50 ms and 2 %: the answer comes before the deadline itself.
    process.assert_no_descendant(bound(1_000));
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    assert!(!error(ledger, "slow", "Function.Timeout").is_empty());
    assert_eq!(ledger.posts_of("slow").len(), 1, "{ledger}");
    assert_eq!(response(ledger, "after"), b"");
    let at_ms = ledger.answer("slow").at_ms;
    assert!(
        at_ms >= deadline_ms - window_ms / 2,
        "{script}: early; {ledger}"
    );
    println!(
        "{script:?}: {} ms before the deadline",
        deadline_ms as i64 - at_ms as i64
    );
    at_ms <= deadline_ms
}

#[test]
fn a_program_that_has_left_its_group_is_killed_too() {
    if !has("perl") {
        return;
    }
    let task = Task::script("exec perl -e 'setpgrp(0, getpgrp(getppid())) or die; sleep 30'");
    let slow = Event::new("slow", "x").deadline(&(now_ms() + 700).to_string());
    let (mut process, server) = task.spawn(&[slow]);
    process.until_idle(&server);
    process.assert_no_descendant(bound(1_000));
    process.assert_no_zombie();
    let outcome = process.finish(server);
    assert!(!error(outcome.assert_serving(), "slow", "Function.Timeout").is_empty());
}

/// Deadlines that count as absent.
fn senseless() -> Vec<Event> {
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
fn a_deadline_that_makes_no_sense_kills_nothing() {
    let events = senseless();
    let outcome = Task::script("sleep 0.1; echo done").run(&events);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_eq!(response(ledger, &event.id), b"done\n", "{:?}", event.lines);
    }
}

#[test]
fn without_a_deadline_the_configured_timeout_counts() {
    // The timeout is in whole seconds: under a runner there is more of it.
    let timeout_s = slowness().min(5);
    let runs = senseless().into_iter().enumerate().map(|(number, event)| {
        std::thread::spawn(move || {
            let task = Task::script("exec sleep 30");
            let start = task.start();
            let start = start.variable("AWS_LAMBDA_FUNCTION_TIMEOUT", &timeout_s.to_string());
            let outcome = start.run(Script::events([&event]));
            let ledger = outcome.assert_serving();
            error(ledger, &event.id, "Function.Timeout");
            let took = Duration::from_millis(ledger.took_ms(&event.id));
            let timeout = Duration::from_secs(timeout_s.into());
            assert!(took >= timeout / 2, "{number}: {took:?}");
            assert!(took <= timeout + bound(300), "{number}: {took:?}");
        })
    });
    for run in runs.collect::<Vec<_>>() {
        run.join().expect("one of the senseless deadlines");
    }
}

#[test]
fn a_real_deadline_counts_more_than_the_configured_timeout() {
    let task = Task::script("sleep 1.3; echo done");
    let start = task.start().variable("AWS_LAMBDA_FUNCTION_TIMEOUT", "1");
    let outcome = start.run(Script::events(&events(["x"])));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"done\n");
}

#[test]
fn a_timeout_that_is_no_number_does_no_harm() {
    for value in ["", "0", "-1", "soon", "99999999999999999999"] {
        println!("{value:?}"); // shown when what follows fails
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
