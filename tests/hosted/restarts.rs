//! Starts after the first: those that fail, those that are late, workers that do not listen.

use crate::for_kinds;
use crate::kinds::{Kind, Task, command, started};
use crate::skip::has;
use crate::support::TempDir;
use crate::support::api::{Event, Kind as Post, Ledger, ScriptedReply, Server, now_ms};
use crate::support::hosting::{error, events, response};
use crate::support::process::Process;
use crate::support::{bound, slowness, sys, until};

for_kinds!(kept [bash dash worker php node python ruby] [
    a_start_anew_that_fails_is_the_error_of_the_next_event
]);

/// Hands out an event, and waits until it is answered.
fn send(process: &mut Process, server: &Server, event: Event) {
    server.more(vec![ScriptedReply::event(&event)]);
    process.until_idle(server);
}

fn a_start_anew_that_fails_is_the_error_of_the_next_event(kind: &Kind) {
    let task = kind.task();
    let (mut process, server) = task.spawn(&events(["\"fine\""]));
    process.until_idle(&server);
    let file = task.dir.path().join(kind.file);
    let aside = task.dir.path().join("aside");
    std::fs::rename(&file, &aside).expect("put aside");
    send(
        &mut process,
        &server,
        Event::new("killed", command("killed")),
    );
    process.until_logged("cannot be started anew");
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
fn slow_starter() -> Option<Task> {
    has("perl").then(|| {
        let dir = TempDir::new();
        dir.executable("worker", include_bytes!("functions/slow.pl"));
        let start = started(&dir, "worker:worker");
        Task { dir, start }
    })
}

fn due_in(event: Event, ms: u64) -> Event {
    event.deadline(&(now_ms() + ms * u64::from(slowness())).to_string())
}

#[test]
fn one_that_starts_slowly_fails_the_event_in_hand_and_serves_a_later_one() {
    let Some(task) = slow_starter() else {
        return;
    };
    let (mut process, server) = task.spawn(&[]);
    process.until_idle(&server);
    task.dir.file("slow", b"3");
    // Never sent an event, it is started again with the first.
    process.kill_descendants();
    process.until_logged("between two events");
    // Three seconds, however slow the runtime itself may be.
    let soon = now_ms() + 1_500;
    send(
        &mut process,
        &server,
        Event::new("late", "x").deadline(&soon.to_string()),
    );
    let first = process.descendants();
    assert_eq!(first.len(), 1, "it is left to start");
    send(&mut process, &server, Event::new("served", "x"));
    assert_eq!(process.descendants(), first, "by the same process");
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    error(ledger, "late", "Function.Timeout");
    assert_eq!(response(ledger, "served"), b"worker");
}

#[test]
fn process_that_was_starting_at_the_deadline_serves_the_next_event() {
    let Some(task) = slow_starter() else {
        return;
    };
    let (mut process, server) = task.spawn(&[]);
    process.until_idle(&server);
    task.dir
        .file("slow", (3 * slowness()).to_string().as_bytes());
    process.kill_descendants();
    process.until_logged("between two events");
    send(
        &mut process,
        &server,
        due_in(Event::new("late", "x"), 1_000),
    );
    let starting = process.descendants();
    assert_eq!(starting.len(), 1, "it is left to start");
    // It is ready, and longer so than one that retires would have.
    std::thread::sleep(bound(5_000));
    send(&mut process, &server, Event::new("served", "x"));
    assert_eq!(process.descendants(), starting, "by the same process");
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    error(ledger, "late", "Function.Timeout");
    assert_eq!(response(ledger, "served"), b"worker");
    assert!(!outcome.stderr.contains("anew"), "{}", outcome.stderr);
}

/// Hands out `event` to a worker whose successor takes `slow` seconds to start; with `stops`, it is
/// stopped before. Returns when `next`, which follows, was answered.
fn restarted(slow: &[u8], event: &Event, stops: bool, next: &Event) -> Option<Ledger> {
    let task = slow_starter()?;
    let (mut process, server) = task.spawn(&events(["x"]));
    process.until_idle(&server);
    task.dir.file("slow", slow);
    for pid in process.descendants().iter().filter(|_| stops) {
        sys::kill(*pid, sys::SIGSTOP);
    }
    server.more(vec![
        ScriptedReply::event(event),
        ScriptedReply::event(next),
    ]);
    process.until_idle(&server);
    let outcome = process.finish(server);
    Some(outcome.assert_serving().clone())
}

/// So long after the answer to `event` was the next event asked for, in milliseconds.
fn next_after_ms(ledger: &Ledger, event: &str, next: &str) -> u64 {
    let delivery = ledger.deliveries.iter().find(|one| one.id == next);
    delivery.expect("a delivery").at_ms - ledger.answer(event).at_ms
}

#[test]
fn crash_with_time_left_restarts_before_the_next_event_is_requested() {
    let (crash, next) = (Event::new("crash", "die"), Event::new("next", "x"));
    let Some(ledger) = restarted(b"3", &crash, false, &next) else {
        return;
    };
    error(&ledger, "crash", "Runtime.ExitError");
    assert!(!ledger.answer("crash").get_behind, "{ledger}");
    let waited_ms = next_after_ms(&ledger, "crash", "next");
    assert!(waited_ms >= 2_500, "asked for after {waited_ms} ms");
    assert_eq!(response(&ledger, "next"), b"worker");
    assert!(
        ledger.took_ms("next") < bound(2_000).as_millis() as u64,
        "it is ready then"
    );
}

#[test]
fn crash_near_the_deadline_delays_the_next_request_no_further_than_that() {
    let crash = due_in(Event::new("crash", "die"), 2_000);
    let next = due_in(Event::new("next", "x"), 5_000);
    let Some(ledger) = restarted(b"60", &crash, false, &next) else {
        return;
    };
    error(&ledger, "crash", "Runtime.ExitError");
    let waited_ms = next_after_ms(&ledger, "crash", "next");
    // Without the deadline, a restart has ten seconds.
    assert!(waited_ms < 8_000, "asked for after {waited_ms} ms");
    error(&ledger, "next", "Function.Timeout");
}

#[test]
fn late_event_is_answered_together_with_the_next_request() {
    let late = due_in(Event::new("late", "x"), 400);
    let next = Event::new("next", "x");
    let Some(ledger) = restarted(b"3", &late, true, &next) else {
        return;
    };
    error(&ledger, "late", "Function.Timeout");
    assert!(ledger.answer("late").get_behind, "{ledger}");
    let waited_ms = next_after_ms(&ledger, "late", "next");
    assert!(waited_ms < 2_500, "asked for after {waited_ms} ms");
    assert_eq!(response(&ledger, "next"), b"worker");
}

/// A worker that ended while it was idle starts anew with `start`, which never comes to an end;
/// then an event comes, with a second and a half.
fn assert_event_is_late_in_time(start: &str) {
    let Some(task) = worker("readline $c; syswrite $c, \"ok 1 2\\nhi\"; sleep 60;") else {
        return;
    };
    let (mut process, server) = task.spawn(&events([""]));
    process.until_idle(&server);
    let text = format!("#!/usr/bin/perl\nopen(my $c, '+<&=', 3) or exit 2;\n{start}\nsleep 60;\n");
    std::fs::remove_file(task.dir.path().join("worker")).expect("the worker is there");
    task.dir.executable("worker", text.as_bytes());
    process.kill_descendants();
    process.until_logged("between two events");
    let late = due_in(Event::new("late", ""), 1_500);
    send(&mut process, &server, late);
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    error(ledger, "late", "Function.Timeout");
    // A restart has ten seconds where nothing else bounds it.
    let took_ms = ledger.took_ms("late");
    assert!(took_ms < 8_000 * u64::from(slowness()), "{took_ms} ms");
}

#[test]
fn event_that_finds_a_slow_start_fails_at_its_own_deadline() {
    assert_event_is_late_in_time("");
}

#[test]
fn event_that_finds_half_a_line_of_a_start_fails_at_its_own_deadline() {
    assert_event_is_late_in_time("syswrite $c, 'rea';");
}

/// A worker that is ready, and does as `then` says.
fn worker(then: &str) -> Option<Task> {
    has("perl").then(|| {
        let dir = TempDir::new();
        let start = "open(my $c, '+<&=', 3) or exit 2; syswrite $c, \"ready\\n\";";
        let text = format!("#!/usr/bin/perl\n{start}\n{then}\n");
        dir.executable("worker", text.as_bytes());
        let start = started(&dir, "worker:worker");
        Task { dir, start }
    })
}

#[test]
fn a_report_without_an_end_holds_no_event_up() {
    let file = "\"$ENV{LAMBDA_TASK_ROOT}/again\"";
    let answer = "readline $c; syswrite $c, \"fatal 1 2 Function.Once\\n{}\";";
    let again = "syswrite $c, \"init-error 9 T\\n{\"; sleep 60;";
    let Some(task) = worker("") else {
        return;
    };
    let text = format!(
        "#!/usr/bin/perl\nopen(my $c, '+<&=', 3) or exit 2;\nif (-e {file}) {{ {again} }}\n\
         syswrite $c, \"ready\\n\"; {answer}\nopen(my $f, '>', {file}); exit 1;\n"
    );
    task.dir.executable("worker", text.as_bytes());
    let (mut process, server) = task.spawn(&events([""]));
    process.until_idle(&server);
    let outcome = process.finish(server);
    let answer = outcome.assert_serving().answer("event-0");
    assert_eq!(answer.kind, Post::Error);
}

#[test]
fn one_that_does_not_read_its_event_is_late() {
    for then in [
        "sleep 30;",
        "sysread $c, my $some, 10; sleep 30;",
        // It answers before it has read the event.
        "sysread $c, my $some, 10; syswrite $c, \"ok 1 2\\nhi\"; sleep 30;",
        "while (1) { syswrite STDERR, 'l' x 1000; sysread $c, my $some, 1; }",
    ] {
        let Some(task) = worker(then) else {
            return;
        };
        println!("{then}"); // shown when what follows fails
        let (mut process, server) = task.spawn(&[]);
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
fn one_that_ends_while_its_event_is_sent_is_told_to_have_ended() {
    for (then, how) in [
        ("sysread $c, my $some, 10; exit 4;", "exit status 4"),
        ("sysread $c, my $some, 10; kill 9, $$; sleep 9;", "signal 9"),
        (
            "sysread $c, my $some, 1000000; kill 15, $$; sleep 9;",
            "signal 15",
        ),
    ] {
        let Some(task) = worker(then) else {
            return;
        };
        println!("{then}");
        let body = vec![b'x'; 6_000_000];
        let outcome = task.run(&events([body.clone(), body]));
        let ledger = outcome.assert_serving();
        for id in ["event-0", "event-1"] {
            let message = error(ledger, id, "Runtime.ExitError");
            assert!(message.starts_with(how), "{message}");
            assert_eq!(ledger.posts_of(id).len(), 1, "{ledger}");
        }
    }
}

#[test]
fn one_that_ends_itself_after_each_event_serves_all() {
    let then = "readline $c; syswrite $c, \"ok 1 2\\nhi\"; exit 0;";
    let Some(task) = worker(then) else {
        return;
    };
    let (mut process, server) = task.spawn(&[]);
    process.until_idle(&server);
    let count = 30;
    for number in 0..count {
        send(
            &mut process,
            &server,
            Event::new(&format!("n-{number}"), ""),
        );
        // Who is asked before its end was seen would fail an event.
        let said = "between two events";
        until("said so", || {
            process.stderr().matches(said).count() == number + 1
        });
    }
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for number in 0..count {
        assert_eq!(response(ledger, &format!("n-{number}")), b"hi");
    }
}
