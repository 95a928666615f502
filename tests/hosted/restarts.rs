//! Restarts: failing ones, slow ones, and workers that do not read.

use std::time::Duration;

use crate::for_kinds;
use crate::kinds::{HostedRun, IDLE_EXIT_LINE, Kind, RESTART_FAILED_LINE, command, started};
use crate::skip::has;
use crate::support::TempDir;
use crate::support::api::{Event, Kind as Post, Ledger, ScriptedReply, Server, now_ms};
use crate::support::hosting::{error, events, response};
use crate::support::process::Process;
use crate::support::{sys, until};
use crate::timing::{
    between_window_and_restart_ms, bound_ms, bound_s, due_in, window_within_restart_ms,
};

for_kinds!(persistent [bash dash worker php node python ruby] [
    restart_that_fails_is_the_error_of_the_next_event
]);

/// Delivers an event, and waits until it is answered.
fn send(process: &mut Process, server: &Server, event: Event) {
    server.more(vec![ScriptedReply::event(&event)]);
    process.until_idle(server);
}

fn restart_that_fails_is_the_error_of_the_next_event(kind: &Kind) {
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&events(["\"fine\""]));
    process.until_idle(&server);
    let file = hosted.dir.path().join(kind.file);
    let aside = hosted.dir.path().join("aside");
    std::fs::rename(&file, &aside).expect("put aside");
    send(
        &mut process,
        &server,
        Event::new("killed", command("killed")),
    );
    process.until_logged(RESTART_FAILED_LINE);
    send(&mut process, &server, Event::new("without", "\"x\""));
    send(&mut process, &server, Event::new("still", "\"x\""));
    std::fs::rename(&aside, &file).expect("put back");
    send(&mut process, &server, Event::new("again", "\"again\""));
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    error(ledger, "killed", "Runtime.ExitError");
    for id in ["without", "still"] {
        assert_eq!(ledger.answer(id).kind, Post::Error, "{id}");
        assert_eq!(ledger.posts_of(id).len(), 1, "{ledger}");
    }
    assert_eq!(response(ledger, "again"), b"\"again\"");
}

/// A worker that takes as many seconds to start as the file `slow` says, if there is one. An event
/// `die` kills it.
fn slow_starter() -> Option<HostedRun> {
    has("perl").then(|| {
        let dir = TempDir::new();
        dir.executable("worker", include_bytes!("functions/slow.pl"));
        let start = started(&dir, "worker:worker");
        HostedRun { dir, start }
    })
}

#[test]
fn process_that_starts_slowly_fails_one_event_and_serves_a_later_one() {
    let Some(hosted) = slow_starter() else {
        return;
    };
    let (mut process, server) = hosted.spawn(&[]);
    process.until_idle(&server);
    hosted.dir.file("slow", bound_s(3).to_string().as_bytes());
    // A process that was never sent an event is restarted with the first.
    process.kill_descendants();
    process.until_logged(IDLE_EXIT_LINE);
    let late = due_in(Event::new("late", "x"), 1_500);
    send(&mut process, &server, late);
    let first = process.descendants();
    assert_eq!(first.len(), 1, "the process goes on starting");
    send(&mut process, &server, Event::new("served", "x"));
    assert_eq!(process.descendants(), first, "by the same process");
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    error(ledger, "late", "Function.Timeout");
    assert_eq!(response(ledger, "served"), b"worker");
}

#[test]
fn process_starting_at_the_deadline_serves_the_next_event() {
    let Some(hosted) = slow_starter() else {
        return;
    };
    let (mut process, server) = hosted.spawn(&[]);
    process.until_idle(&server);
    hosted.dir.file("slow", bound_s(3).to_string().as_bytes());
    process.kill_descendants();
    process.until_logged(IDLE_EXIT_LINE);
    send(
        &mut process,
        &server,
        due_in(Event::new("late", "x"), 1_000),
    );
    let starting = process.descendants();
    assert_eq!(starting.len(), 1, "the process goes on starting");
    // It becomes ready, and a process that retires would have been killed by then.
    std::thread::sleep(Duration::from_secs(bound_s(3) + 2));
    send(&mut process, &server, Event::new("served", "x"));
    assert_eq!(process.descendants(), starting, "by the same process");
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    error(ledger, "late", "Function.Timeout");
    assert_eq!(response(ledger, "served"), b"worker");
    let log = &outcome.stderr;
    assert!(!log.contains(RESTART_FAILED_LINE), "{log}");
}

/// Delivers the first event to a worker whose successor takes `slow` seconds to start; with
/// `stops`, it is stopped before. Returns when the second one was answered. The events are made
/// when they are delivered, so that their deadlines are not over by then.
fn restarted(slow: u64, stops: bool, events_of: impl Fn() -> [Event; 2]) -> Option<Ledger> {
    let hosted = slow_starter()?;
    let (mut process, server) = hosted.spawn(&events(["x"]));
    process.until_idle(&server);
    hosted.dir.file("slow", slow.to_string().as_bytes());
    for pid in process.descendants().iter().filter(|_| stops) {
        sys::kill(*pid, sys::SIGSTOP);
    }
    let both = events_of();
    server.more(both.iter().map(ScriptedReply::event).collect());
    process.until_idle(&server);
    let outcome = process.finish(server);
    Some(outcome.assert_serving().clone())
}

/// The time from the answer to `event` until the next event was delivered, in milliseconds.
fn next_after_ms(ledger: &Ledger, event: &str, next: &str) -> u64 {
    let delivery = ledger.deliveries.iter().find(|one| one.id == next);
    delivery.expect("a delivery").at_ms - ledger.answer(event).at_ms
}

#[test]
fn crash_with_time_left_restarts_before_the_next_request() {
    let both = || [Event::new("crash", "die"), Event::new("next", "x")];
    let Some(ledger) = restarted(bound_s(2), false, both) else {
        return;
    };
    error(&ledger, "crash", "Runtime.ExitError");
    assert!(!ledger.answer("crash").get_behind, "{ledger}");
    let waited_ms = next_after_ms(&ledger, "crash", "next");
    assert!(waited_ms >= 1_500, "requested after {waited_ms} ms");
    assert_eq!(response(&ledger, "next"), b"worker");
    // The process is ready then: the event does not wait for a start.
    let took_ms = ledger.took_ms("next");
    assert!(took_ms < waited_ms, "{took_ms} ms after {waited_ms} ms");
}

#[test]
fn crash_near_the_deadline_delays_the_next_request_until_then() {
    let window_ms = window_within_restart_ms(2_000);
    let both = || {
        let deadline_ms = now_ms() + window_ms;
        let crash = Event::new("crash", "die").deadline(&deadline_ms.to_string());
        [crash, due_in(Event::new("next", "x"), 5_000)]
    };
    let Some(ledger) = restarted(60, false, both) else {
        return;
    };
    error(&ledger, "crash", "Runtime.ExitError");
    let waited_ms = next_after_ms(&ledger, "crash", "next");
    let most_ms = between_window_and_restart_ms(window_ms);
    assert!(waited_ms < most_ms, "requested after {waited_ms} ms");
    error(&ledger, "next", "Function.Timeout");
}

#[test]
fn timeout_is_answered_together_with_the_next_request() {
    let both = || {
        [
            due_in(Event::new("late", "x"), 400),
            Event::new("next", "x"),
        ]
    };
    let Some(ledger) = restarted(bound_s(3), true, both) else {
        return;
    };
    error(&ledger, "late", "Function.Timeout");
    assert!(ledger.answer("late").get_behind, "{ledger}");
    let waited_ms = next_after_ms(&ledger, "late", "next");
    // A restart before the request would take as long as the start.
    assert!(
        waited_ms < bound_ms(2_500),
        "requested after {waited_ms} ms"
    );
    assert_eq!(response(&ledger, "next"), b"worker");
}

/// A worker that exited while idle is restarted with `start`, which never ends. An event that
/// comes then fails at its own deadline.
fn assert_event_times_out_in_time(start: &str) {
    let Some(hosted) = worker("readline $c; syswrite $c, \"ok 1 2\\nhi\"; sleep 60;") else {
        return;
    };
    let (mut process, server) = hosted.spawn(&events([""]));
    process.until_idle(&server);
    let text = format!("#!/usr/bin/perl\nopen(my $c, '+<&=', 3) or exit 2;\n{start}\nsleep 60;\n");
    std::fs::remove_file(hosted.dir.path().join("worker")).expect("the worker is there");
    hosted.dir.executable("worker", text.as_bytes());
    process.kill_descendants();
    process.until_logged(IDLE_EXIT_LINE);
    let window_ms = window_within_restart_ms(1_500);
    let deadline_ms = now_ms() + window_ms;
    let late = Event::new("late", "").deadline(&deadline_ms.to_string());
    send(&mut process, &server, late);
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    error(ledger, "late", "Function.Timeout");
    let took_ms = ledger.took_ms("late");
    let most_ms = between_window_and_restart_ms(window_ms);
    assert!(took_ms < most_ms, "{took_ms} ms");
}

#[test]
fn event_during_a_slow_restart_fails_at_its_own_deadline() {
    assert_event_times_out_in_time("");
}

#[test]
fn event_during_half_a_ready_line_fails_at_its_own_deadline() {
    assert_event_times_out_in_time("syswrite $c, 'rea';");
}

/// A worker that is ready, and then runs `then`.
fn worker(then: &str) -> Option<HostedRun> {
    has("perl").then(|| {
        let dir = TempDir::new();
        let start = "open(my $c, '+<&=', 3) or exit 2; syswrite $c, \"ready\\n\";";
        let text = format!("#!/usr/bin/perl\n{start}\n{then}\n");
        dir.executable("worker", text.as_bytes());
        let start = started(&dir, "worker:worker");
        HostedRun { dir, start }
    })
}

#[test]
fn init_error_cut_short_at_restart_delays_no_event() {
    let file = "\"$ENV{LAMBDA_TASK_ROOT}/again\"";
    let answer = "readline $c; syswrite $c, \"fatal 1 2 Function.Once\\n{}\";";
    let again = "syswrite $c, \"init-error 9 T\\n{\"; sleep 60;";
    let Some(hosted) = worker("") else {
        return;
    };
    let text = format!(
        "#!/usr/bin/perl\nopen(my $c, '+<&=', 3) or exit 2;\nif (-e {file}) {{ {again} }}\n\
         syswrite $c, \"ready\\n\"; {answer}\nopen(my $f, '>', {file}); exit 1;\n"
    );
    hosted.dir.executable("worker", text.as_bytes());
    let (mut process, server) = hosted.spawn(&events([""]));
    process.until_idle(&server);
    let outcome = process.finish(server);
    let answer = outcome.assert_serving().answer("event-0");
    assert_eq!(answer.kind, Post::Error);
}

#[test]
fn worker_that_does_not_read_its_event_times_out() {
    for then in [
        "sleep 30;",
        "sysread $c, my $some, 10; sleep 30;",
        // It answers before it has read the event.
        "sysread $c, my $some, 10; syswrite $c, \"ok 1 2\\nhi\"; sleep 30;",
        "while (1) { syswrite STDERR, 'l' x 1000; sysread $c, my $some, 1; }",
    ] {
        let Some(hosted) = worker(then) else {
            return;
        };
        println!("{then}"); // shown when what follows fails
        let (mut process, server) = hosted.spawn(&[]);
        process.until_idle(&server);
        let large = Event::new("large", vec![b'x'; 6_000_000]);
        send(&mut process, &server, due_in(large, 1_000));
        process.assert_no_zombie();
        let outcome = process.finish(server);
        let ledger = outcome.assert_serving();
        error(ledger, "large", "Function.Timeout");
        assert_eq!(ledger.posts_of("large").len(), 1, "{ledger}");
    }
}

#[test]
fn worker_that_exits_while_its_event_is_sent_is_reported_as_exited() {
    for (then, how) in [
        ("sysread $c, my $some, 10; exit 4;", "exit status 4"),
        ("sysread $c, my $some, 10; kill 9, $$; sleep 9;", "signal 9"),
        (
            "sysread $c, my $some, 1000000; kill 15, $$; sleep 9;",
            "signal 15",
        ),
    ] {
        let Some(hosted) = worker(then) else {
            return;
        };
        println!("{then}");
        let body = vec![b'x'; 6_000_000];
        let outcome = hosted.run(&events([body.clone(), body]));
        let ledger = outcome.assert_serving();
        for id in ["event-0", "event-1"] {
            let message = error(ledger, id, "Runtime.ExitError");
            assert!(message.starts_with(how), "{message}");
            assert_eq!(ledger.posts_of(id).len(), 1, "{ledger}");
        }
    }
}

#[test]
fn worker_that_exits_after_each_event_serves_all() {
    let then = "readline $c; syswrite $c, \"ok 1 2\\nhi\"; exit 0;";
    let Some(hosted) = worker(then) else {
        return;
    };
    let (mut process, server) = hosted.spawn(&[]);
    process.until_idle(&server);
    let count = 30;
    for number in 0..count {
        send(
            &mut process,
            &server,
            Event::new(&format!("n-{number}"), ""),
        );
        // A process that is sent an event before its exit was noticed would fail that.
        until("logged", || {
            process.stderr().matches(IDLE_EXIT_LINE).count() == number + 1
        });
    }
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for number in 0..count {
        assert_eq!(response(ledger, &format!("n-{number}")), b"hi");
    }
}
