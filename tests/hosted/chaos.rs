//! Processes that are killed at random instants, theirs and their children's, with floods of log
//! between the events: nothing is lost, nothing is answered twice, nothing is left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::for_kinds;
use crate::kinds::{Kind, Task, command};
use crate::support::api::{Event, Kind as Post, ScriptedReply};
use crate::support::hosting::{error_type, response};
use crate::support::process::{PATIENCE_MS, Process};
use crate::support::random::{Random, soak_or};
use crate::support::{bound, proc, sys};

for_kinds!(kept [bash dash worker php node python ruby] [
    nothing_is_lost_and_nothing_left_whatever_is_killed
]);

/// What an event asks for, and whether it may succeed.
fn body(random: &mut Random, number: usize) -> String {
    match random.below(10) {
        0 => command("sleep 0.02"),
        1 => command(&format!("flood {}", 1 + random.below(200_000))),
        2 | 3 => command(&format!("later {}", 1 + random.below(300_000))),
        4 => command(&format!("big {}", 1 + random.below(300_000))),
        5 => command("fail so"),
        6 => format!("\"{}\"", "y".repeat(random.below(400_000))),
        _ => format!("{{\"number\":{number}}}"),
    }
}

/// Kills one descendant after the other until it is told to stop; all of them.
fn kill(process: &Process, seed: u64, stop: &AtomicBool, pause_ms: usize) -> Vec<u32> {
    let mut random = Random::new(seed);
    let mut killed = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(1 + random.below(pause_ms) as u64));
        let all = process.descendants();
        if !all.is_empty() {
            // One, and now and then all.
            let chosen = match random.below(8) {
                0 => &all[..],
                _ => std::slice::from_ref(&all[random.below(all.len())]),
            };
            for pid in chosen {
                sys::kill(*pid, sys::SIGKILL);
                killed.push(*pid);
            }
        }
    }
    killed
}

/// How many descriptors it has once it is at rest.
fn descriptors(process: &mut Process, server: &crate::support::api::Server, id: &str) -> usize {
    server.more(vec![ScriptedReply::event(&Event::new(id, "\"at rest\""))]);
    process.until_idle(server);
    proc::descriptors(process.pid())
}

fn nothing_is_lost_and_nothing_left_whatever_is_killed(kind: &Kind) {
    let count = soak_or("events of which the handler is killed", 1, 120);
    // Who takes long to start is to be at work now and then.
    let pause_ms = if kind.file == "index.mjs" { 300 } else { 60 };
    for (number, format) in ["text", "JSON"].into_iter().enumerate() {
        let task = kind.task().variable("AWS_LAMBDA_LOG_FORMAT", format);
        survive(&task, count.div_ceil(2), 0x_c0de + number as u64, pause_ms);
    }
}

fn survive(task: &Task, count: usize, seed: u64, pause_ms: usize) {
    println!("seed {seed}"); // shown when what follows fails
    let (mut process, server) = task.spawn(&[]);
    process.until_idle(&server);
    let before = descriptors(&mut process, &server, "rest-before");
    let mut random = Random::new(seed);
    let events: Vec<Event> = (0..count)
        .map(|number| Event::new(&format!("chaos-{number}"), body(&mut random, number)))
        .collect();
    let stop = AtomicBool::new(false);
    let killed = std::thread::scope(|scope| {
        let process = &process;
        let stop = &stop;
        let killer = scope.spawn(move || kill(process, seed, stop, pause_ms));
        for (number, event) in events.iter().enumerate() {
            server.more(vec![ScriptedReply::event(event)]);
            // Some come at once, some after a while.
            if number % 3 > 0 {
                let end = Instant::now() + bound(PATIENCE_MS);
                while !server.wait_idle(Duration::from_millis(5)) {
                    let text = process.stderr();
                    assert!(
                        Instant::now() < end,
                        "hangs; {}\n{text:.2000}",
                        server.ledger()
                    );
                }
                std::thread::sleep(Duration::from_millis(random.below(10) as u64));
            }
        }
        while !server.wait_idle(Duration::from_millis(5)) {
            std::thread::sleep(Duration::from_millis(1));
        }
        stop.store(true, Ordering::Relaxed);
        killer.join().expect("the killer")
    });
    // Who was killed a moment ago may not have ended yet, and an event would fail with it. Its
    // environment, which tells descendants, is gone before; whose child it is, is not.
    let end = Instant::now() + bound(PATIENCE_MS);
    let is_child =
        |pid: &u32| proc::state_and_parent(*pid).is_some_and(|(_, parent)| parent == process.pid());
    while killed.iter().any(is_child) {
        assert!(Instant::now() < end, "killed, and not gone");
        std::thread::sleep(Duration::from_millis(2));
    }
    process.until_idle(&server);
    // A shell that has not seen the end of its subshell yet fails one event with that.
    let mut id = "rest-after".to_string();
    let mut after = descriptors(&mut process, &server, &id);
    for number in 1..5 {
        if server.ledger().answer(&id).kind == Post::Response {
            break;
        }
        id = format!("rest-after-{number}");
        after = descriptors(&mut process, &server, &id);
    }
    assert_eq!(after, before, "descriptors");
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    assert_eq!(response(ledger, &id), b"\"at rest\"");
    let mut failed = 0;
    for event in &events {
        assert_eq!(
            ledger.posts_of(&event.id).len(),
            1,
            "{}: {ledger}",
            event.id
        );
        let answer = ledger.answer(&event.id);
        if answer.kind == Post::Error {
            assert!(!error_type(answer).is_empty());
            failed += 1;
        } else if !event.body.starts_with(b"\"do:") {
            let is_same = answer.body == event.body;
            let [got, sent] = [&answer.body, &event.body].map(|body| {
                let start = &body[..body.len().min(40)];
                format!("{} bytes, {}", body.len(), String::from_utf8_lossy(start))
            });
            assert!(is_same, "{}: {got}; sent {sent}; {ledger}", event.id);
        }
    }
    println!("{} killed, {failed} of {count} events failed", killed.len());
    assert!(!killed.is_empty());
}
