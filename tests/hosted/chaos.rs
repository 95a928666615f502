//! Persistent processes and their children are killed at random instants, with floods of output
//! between the events: no event is lost or answered twice, and no process or descriptor is left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::for_kinds;
use crate::kinds::{HostedRun, Kind, command};
use crate::support::api::{Event, Kind as Post, ScriptedReply, Server};
use crate::support::hosting::{error_type, response};
use crate::support::process::{PATIENCE_MS, Process};
use crate::support::random::{Random, soak_or};
use crate::support::watch::Progress;
use crate::support::{bound, proc, sys};

for_kinds!(persistent [bash dash worker php node python ruby] [
    processes_killed_at_random_lose_no_event_and_leave_nothing
]);

/// The body of an event: a command, or a value to echo.
fn body(random: &mut Random, number: usize) -> String {
    match random.below(10) {
        0 => command("sleep 0.02"),
        1 => command(&format!("flood {}", 1 + random.below(200_000))),
        2 | 3 => command(&format!("later {}", 1 + random.below(300_000))),
        4 => command(&format!("big {}", 1 + random.below(300_000))),
        5 => command("fail so"),
        6 => format!("\"{}\"", "y".repeat(random.below(400_000))),
        _ => format!("[{number}]"),
    }
}

/// Kills random descendants until `stop` is set; their pids.
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

/// The number of open descriptors once the runtime is idle.
fn descriptors(process: &mut Process, server: &Server, id: &str) -> usize {
    server.more(vec![ScriptedReply::event(&Event::new(id, "\"at rest\""))]);
    process.until_idle(server);
    proc::descriptors(process.pid())
}

fn processes_killed_at_random_lose_no_event_and_leave_nothing(kind: &Kind) {
    let count = soak_or("events of which the handler is killed", 1, 120);
    // A process that starts slowly has to be at work now and then.
    let pause_ms = if kind.file == "index.mjs" { 300 } else { 60 };
    for (number, format) in ["text", "JSON"].into_iter().enumerate() {
        let hosted = kind.hosted_run().variable("AWS_LAMBDA_LOG_FORMAT", format);
        survive(
            &hosted,
            count.div_ceil(2),
            0x_c0de + number as u64,
            pause_ms,
        );
    }
}

/// Ends the killer also when the test fails.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until every event is answered; fails the test when no request comes for too long.
fn until_server_idle(process: &Process, server: &Server) {
    let mut progress = Progress::of(server, bound(PATIENCE_MS));
    while !server.wait_idle(Duration::from_millis(5)) {
        assert!(
            !progress.hangs(server),
            "hangs; {}\n{:.2000}",
            server.ledger(),
            process.stderr()
        );
    }
}

fn survive(hosted: &HostedRun, count: usize, seed: u64, pause_ms: usize) {
    println!("seed {seed}"); // shown when what follows fails
    let (mut process, server) = hosted.spawn(&[]);
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
        let stop = SetOnDrop(stop);
        for (number, event) in events.iter().enumerate() {
            server.more(vec![ScriptedReply::event(event)]);
            // Some come at once, some after a while.
            if number % 3 > 0 {
                until_server_idle(process, &server);
                std::thread::sleep(Duration::from_millis(random.below(10) as u64));
            }
        }
        until_server_idle(process, &server);
        drop(stop);
        killer.join().expect("the killer")
    });
    // A process that was killed a moment ago may not have ended yet, and would fail an event. Its
    // environment, which marks descendants, is gone before that; its parent is not.
    let end = Instant::now() + bound(PATIENCE_MS);
    let is_child =
        |pid: &u32| proc::state_and_parent(*pid).is_some_and(|(_, parent)| parent == process.pid());
    while killed.iter().any(is_child) {
        assert!(Instant::now() < end, "killed, and not gone");
        std::thread::sleep(Duration::from_millis(2));
    }
    process.until_idle(&server);
    // A shell that has not noticed the end of its subshell yet fails one event.
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
