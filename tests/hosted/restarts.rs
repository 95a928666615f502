//! Starts after the first: those that fail, those that are late, workers that do not listen.

use crate::for_kinds;
use crate::kinds::{Kind, Task, command, started};
use crate::skip::has;
use crate::support::TempDir;
use crate::support::api::{Event, Kind as Post, Server, Turn, now_ms};
use crate::support::hosting::{error, events, response};
use crate::support::process::Process;
use crate::support::{bound, slowness, sys, until};

for_kinds!(kept [bash dash worker php node python ruby] [
    a_start_anew_that_fails_is_the_error_of_the_next_event
]);

/// Hands out an event, and waits until it is answered.
fn send(process: &mut Process, server: &Server, event: Event) {
    server.more(vec![Turn::event(&event)]);
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
    process.until_said("cannot be started anew");
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

/// A worker that takes its time to start when there is a file called `slow`.
fn slow_starter() -> Option<Task> {
    has("perl").then(|| {
        let dir = TempDir::new();
        let speaker = include_str!("functions/speaker.pl");
        let wait = "#!/usr/bin/perl\nsleep 3 if -e \"$ENV{LAMBDA_TASK_ROOT}/slow\";\n";
        dir.executable("worker", format!("{wait}{speaker}").as_bytes());
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
    task.dir.file("slow", b"");
    // Never sent an event, it is started again with the first.
    process.kill_descendants();
    process.until_said("between two events");
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
fn the_next_event_is_not_asked_for_before_the_worker_is_up_again() {
    let Some(task) = slow_starter() else {
        return;
    };
    let (mut process, server) = task.spawn(&events(["x"]));
    process.until_idle(&server);
    task.dir.file("slow", b"");
    let now = now_ms();
    let late = Event::new("late", "x").deadline(&(now + 400).to_string());
    // It is stopped within the event, which is what the deadline is for.
    let pids = process.descendants();
    for pid in &pids {
        sys::kill(*pid, sys::SIGSTOP);
    }
    server.more(vec![
        Turn::event(&late),
        Turn::event(&Event::new("next", "x")),
    ]);
    process.until_idle(&server);
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    error(ledger, "late", "Function.Timeout");
    assert!(!ledger.answer("late").get_behind, "{ledger}");
    assert_eq!(response(ledger, "next"), b"worker");
    let answered_ms = ledger.answer("late").at_ms;
    let delivery = ledger.deliveries.iter().find(|one| one.id == "next");
    let waited_ms = delivery.expect("a delivery").at_ms - answered_ms;
    assert!(waited_ms >= 2_500, "asked for after {waited_ms} ms");
    assert!(
        ledger.took_ms("next") < bound(2_000).as_millis() as u64,
        "it is ready then"
    );
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
