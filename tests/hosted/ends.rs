//! Ends of all sorts, of every kind: exits, signals, deadlines, within an event and between two.

use std::time::Duration;

use crate::for_kinds;
use crate::kinds::{Kind, command};
use crate::skip::skip;
use crate::support::api::{Event, ScriptedReply, Server, now_ms};
use crate::support::hosting::{error, events, response};
use crate::support::process::Process;
use crate::support::sys::Undying;
use crate::support::{bound, runner, slowness, sys, until};

for_kinds!(any [bash dash program worker php node python ruby] [
    an_exit_within_an_event_is_its_error_and_the_next_is_served
    a_kill_within_an_event_is_its_error_and_the_next_is_served
    a_kill_from_outside_within_an_event_is_its_error
    at_the_deadline_all_is_killed_and_the_error_comes_in_time
    the_runtime_takes_its_processes_with_it
    killed_runtime_leaves_no_process_of_its_handler
    stopped_and_killed_runtime_leaves_no_process_of_its_handler
    process_that_cannot_end_delays_no_answer
]);

for_kinds!(kept [bash dash worker php node python ruby] [
    a_process_left_behind_does_not_delay_the_news_of_an_end
    an_answer_that_needs_a_restart_leaves_alone
    one_that_ends_between_two_events_is_replaced_at_once
    one_that_ends_before_its_first_event_is_replaced_for_it
    a_process_left_behind_neither_delays_nor_adds_to_an_answer
]);

/// The pid that the process said, which is kept alive.
fn pid_said(body: &[u8]) -> u32 {
    let text = String::from_utf8_lossy(body);
    text.trim_matches('"').parse().expect("a pid")
}

/// The descendants that sleep by profession.
fn sleepers(process: &Process) -> Vec<u32> {
    let is_one = |pid: &u32| {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
        name.is_ok_and(|name| name.trim() == "sleep")
    };
    let all = process.descendants().into_iter();
    all.filter(is_one).collect()
}

/// Hands out an event, and waits until it is answered.
fn send(process: &mut Process, server: &Server, id: &str, body: &str) {
    server.more(vec![ScriptedReply::event(&Event::new(id, body))]);
    process.until_idle(server);
}

fn an_exit_within_an_event_is_its_error_and_the_next_is_served(kind: &Kind) {
    let outcome = kind.task().run(&events([
        command("pid"),
        command("exit 3"),
        command("pid"),
        command("exit 4"),
        "\"fine\"".to_string(),
    ]));
    let ledger = outcome.assert_serving();
    for id in ["event-1", "event-3"] {
        let message = error(ledger, id, "Runtime.ExitError");
        assert!(message.contains("exit"), "{message}");
        assert_eq!(ledger.posts_of(id).len(), 1, "{ledger}");
    }
    if kind.is_shell {
        let message = error(ledger, "event-1", "Runtime.ExitError");
        assert_eq!(message, "exit status 3");
    }
    // A function of a shell that exits ends its subshell alone.
    let [before, after] = ["event-0", "event-2"].map(|id| response(ledger, id));
    assert_eq!(before == after, kind.is_shell, "the process");
    assert_eq!(response(ledger, "event-4"), b"\"fine\"");
}

fn a_kill_within_an_event_is_its_error_and_the_next_is_served(kind: &Kind) {
    let outcome = kind.task().run(&events([
        command("pid"),
        command("killed"),
        command("pid"),
        command("killed"),
        "\"fine\"".to_string(),
    ]));
    let ledger = outcome.assert_serving();
    for id in ["event-1", "event-3"] {
        let message = error(ledger, id, "Runtime.ExitError");
        assert!(message.starts_with("signal 9"), "{message}");
        let has_tail = message.ends_with(": before the end");
        assert_eq!(has_tail, kind.is_shell || !kind.is_kept, "{message}");
        assert_eq!(ledger.posts_of(id).len(), 1, "{ledger}");
    }
    let [before, after] = ["event-0", "event-2"].map(|id| response(ledger, id));
    assert_ne!(before, after, "a new process");
    assert_eq!(response(ledger, "event-4"), b"\"fine\"");
}

fn a_kill_from_outside_within_an_event_is_its_error(kind: &Kind) {
    let task = kind.task();
    let (mut process, server) = task.spawn(&events([command("sleep 20")]));
    process.until_logged("sleeps");
    if kind.is_shell || !kind.is_kept {
        // It says so a moment before it starts what sleeps.
        until("asleep", || !sleepers(&process).is_empty());
    }
    process.kill_descendants();
    process.until_idle(&server);
    send(&mut process, &server, "next", "\"fine\"");
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    // Of a shell, the subshell may have told its status before the shell itself was killed.
    let message = error(ledger, "event-0", "Runtime.ExitError");
    let is_told = message.starts_with("signal 9") || message.starts_with("exit status 137");
    assert!(is_told, "{message}");
    assert_eq!(ledger.posts_of("event-0").len(), 1, "{ledger}");
    assert_eq!(response(ledger, "next"), b"\"fine\"");
}

fn at_the_deadline_all_is_killed_and_the_error_comes_in_time(kind: &Kind) {
    // On a busy machine any process may be late: in time once in three tries.
    assert!((0..3).any(|_| killed_in_time(kind)), "always late");
}

fn killed_in_time(kind: &Kind) -> bool {
    let task = kind.task();
    let (mut process, server) = task.spawn(&events(["\"first\""]));
    process.until_idle(&server);
    let window_ms = 1_000 * u64::from(slowness());
    let deadline_ms = now_ms() + window_ms;
    let slow = Event::new("slow", command("sleep 25")).deadline(&deadline_ms.to_string());
    let after = Event::new("after", "\"after\"");
    server.more(vec![
        ScriptedReply::event(&slow),
        ScriptedReply::event(&after),
    ]);
    process.until_idle(&server);
    until("without a sleeper", || sleepers(&process).is_empty());
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    let message = error(ledger, "slow", "Function.Timeout");
    assert!(message.contains("deadline"), "{message}");
    assert_eq!(ledger.posts_of("slow").len(), 1, "{ledger}");
    // Nothing is left of its time: nothing is done between the answer and the next request.
    assert!(ledger.answer("slow").get_behind, "{ledger}");
    assert_eq!(response(ledger, "after"), b"\"after\"");
    let at_ms = ledger.answer("slow").at_ms;
    assert!(at_ms >= deadline_ms - window_ms / 2, "early: {ledger}");
    at_ms <= deadline_ms
}

fn the_runtime_takes_its_processes_with_it(kind: &Kind) {
    let task = kind.task();
    let (mut process, server) = task.spawn(&events([command("pid")]));
    process.until_idle(&server);
    assert_ne!(process.descendants().is_empty(), kind.is_kept);
    process.kill();
    process.assert_no_descendant(bound(2_000));
    server.finish().assert_clean();
}

/// Kills a runtime, as `kill` does it, while its handler is at work: all that this has started
/// ends, and the guard that sees to it.
fn assert_nothing_outlives(kind: &Kind, kill: impl Fn(&mut Process)) {
    if runner().is_some() && (kind.is_shell || !kind.is_kept) {
        return skip("no guard where memory cannot be shared, as under a runner");
    }
    let task = kind.task();
    let (mut process, server) = task.spawn(&events([command("sleep 30")]));
    process.until_logged("sleeps");
    // The commands of a shell are processes of their own.
    let at_work = kind.is_shell || !kind.is_kept;
    if at_work {
        until("asleep", || !sleepers(&process).is_empty());
    }
    let guard = process.guard();
    assert!(guard.is_some() || runner().is_some(), "a guard");
    kill(&mut process);
    process.assert_no_descendant(bound(10_000));
    until("without a guard", || process.guard().is_none());
    let ledger = server.finish();
    ledger.assert_clean();
    assert!(ledger.posts.is_empty(), "{ledger}");
}

fn killed_runtime_leaves_no_process_of_its_handler(kind: &Kind) {
    assert_nothing_outlives(kind, Process::kill);
}

/// As the platform does with one that is late itself.
fn stopped_and_killed_runtime_leaves_no_process_of_its_handler(kind: &Kind) {
    assert_nothing_outlives(kind, |process| {
        sys::kill(process.pid(), sys::SIGSTOP);
        process.kill();
    });
}

fn process_that_cannot_end_delays_no_answer(kind: &Kind) {
    if runner().is_some() {
        return skip("a runner is not to be traced");
    }
    let task = kind.task();
    let (mut process, server) = task.spawn(&[]);
    process.until_idle(&server);
    let deadline_ms = now_ms() + 1_000 * u64::from(slowness());
    let late = Event::new("late", command("sleep 60")).deadline(&deadline_ms.to_string());
    server.more(vec![ScriptedReply::event(&late)]);
    process.until_logged("sleeps");
    let own = process.children();
    let [child] = own[..] else {
        panic!("one child: {own:?}");
    };
    let Some(undying) = Undying::new(child) else {
        return skip("processes are not to be traced");
    };
    process.until_idle(&server);
    send(&mut process, &server, "next", "\"next\"");
    let has_ended = std::fs::read(format!("/proc/{child}/stat")).is_err();
    assert!(!has_ended, "it is there to the end");
    drop(undying);
    // Once it has ended, it is waited for behind the next event.
    for number in 0.. {
        send(&mut process, &server, &format!("last-{number}"), "\"last\"");
        if !process.has_zombie() {
            break;
        }
        assert!(number < 100, "a zombie that nobody waits for");
        std::thread::sleep(Duration::from_millis(50));
    }
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    error(ledger, "late", "Function.Timeout");
    assert_eq!(response(ledger, "next"), b"\"next\"");
    assert_eq!(response(ledger, "last-0"), b"\"last\"");
}

fn a_process_left_behind_does_not_delay_the_news_of_an_end(kind: &Kind) {
    let task = kind.task();
    let (mut process, server) = task.spawn(&events([command("orphan"), "\"fine\"".to_string()]));
    process.until_idle(&server);
    until("without what was left", || sleepers(&process).is_empty());
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    assert!(error(ledger, "event-0", "Runtime.ExitError").starts_with("signal 9"));
    let took = Duration::from_millis(ledger.took_ms("event-0"));
    assert!(took < bound(5_000), "{took:?}");
    assert_eq!(response(ledger, "event-1"), b"\"fine\"");
}

fn an_answer_that_needs_a_restart_leaves_alone(kind: &Kind) {
    let outcome = kind.task().run(&events([
        "\"fine\"".to_string(),
        command("killed"),
        command("fail so"),
        "\"fine\"".to_string(),
    ]));
    let ledger = outcome.assert_serving();
    let behind = ["event-0", "event-1", "event-2", "event-3"];
    let behind = behind.map(|id| ledger.answer(id).get_behind);
    assert_eq!(behind, [true, false, true, true], "{ledger}");
}

fn one_that_ends_between_two_events_is_replaced_at_once(kind: &Kind) {
    let task = kind.task();
    let (mut process, server) = task.spawn(&events([command("pid")]));
    process.until_idle(&server);
    let mut pids = Vec::new();
    for number in 0..3 {
        let id = format!("pid-{number}");
        send(&mut process, &server, &id, &command("pid"));
        let pid = pid_said(response(&server.ledger(), &id));
        assert!(!pids.contains(&pid), "{pid} of {pids:?}");
        pids.push(pid);
        sys::kill(pid, sys::SIGKILL);
        let text = "between two events";
        until("said so", || {
            process.stderr().matches(text).count() == pids.len()
        });
        // With no event to be had, it runs again.
        until("runs again", || {
            let all = process.descendants();
            all.iter().any(|pid| !pids.contains(pid))
        });
    }
    send(&mut process, &server, "last", "\"fine\"");
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    assert_eq!(response(ledger, "last"), b"\"fine\"");
}

fn one_that_ends_before_its_first_event_is_replaced_for_it(kind: &Kind) {
    let task = kind.task();
    let (mut process, server) = task.spawn(&[]);
    process.until_idle(&server);
    process.kill_descendants();
    process.until_logged("between two events");
    send(&mut process, &server, "first", "\"fine\"");
    process.assert_no_zombie();
    let outcome = process.finish(server);
    assert_eq!(response(outcome.assert_serving(), "first"), b"\"fine\"");
}

fn a_process_left_behind_neither_delays_nor_adds_to_an_answer(kind: &Kind) {
    let mut commands = vec![command("background"); 3];
    commands.push("\"fine\"".to_string());
    let events = events(commands);
    let task = kind.task();
    let (mut process, server) = task.spawn(&events);
    process.until_idle(&server);
    // They are left to live.
    until("as many as were left", || sleepers(&process).len() == 3);
    for pid in sleepers(&process) {
        sys::kill(pid, sys::SIGKILL);
    }
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for number in 0..3 {
        let id = format!("event-{number}");
        assert_eq!(response(ledger, &id), b"\"left\"");
        let took = Duration::from_millis(ledger.took_ms(&id));
        assert!(took < bound(5_000), "{took:?}");
    }
    assert_eq!(response(ledger, "event-3"), b"\"fine\"");
}
