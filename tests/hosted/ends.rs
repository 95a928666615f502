//! Exits of every kind: statuses, signals, deadlines, within an event and between two.

use std::time::{Duration, Instant};

use crate::for_kinds;
use crate::kinds::{IDLE_EXIT_LINE, Kind, command};
use crate::skip::skip;
use crate::support::api::{Event, Ledger, ScriptedReply, Server, now_ms};
use crate::support::hosting::{error, events, response};
use crate::support::process::{PATIENCE_MS, Process};
use crate::support::sys::Undying;
use crate::support::{bound, proc, runner, sys, until};
use crate::timing::{WakeUpDelay, bound_ms, due_in};

for_kinds!(any [bash dash program worker php node python ruby] [
    exit_within_an_event_fails_that_event_alone
    sigkill_by_the_handler_fails_that_event_alone
    sigkill_from_outside_fails_that_event_alone
    deadline_kills_all_processes_and_the_error_is_in_time
    runtime_killed_while_idle_leaves_no_process
    runtime_killed_within_an_event_leaves_no_process
    runtime_stopped_and_killed_leaves_no_process
    process_that_cannot_end_delays_no_answer
]);

for_kinds!(persistent [bash dash worker php node python ruby] [
    orphan_does_not_delay_the_report_of_an_exit
    answer_before_a_restart_is_sent_without_the_next_request
    process_that_exits_while_idle_is_restarted_at_once
    process_that_exits_before_its_first_event_is_restarted_for_it
    orphan_neither_delays_nor_changes_an_answer
]);

/// How long the commands `orphan` and `background` of the functions leave a process asleep.
const ORPHAN_SLEEP: Duration = Duration::from_secs(30);

/// The pid in the answer of a persistent process.
fn pid_in(body: &[u8]) -> u32 {
    let text = String::from_utf8_lossy(body);
    text.trim_matches('"').parse().expect("a pid")
}

/// The descendants that are a `sleep` command.
fn sleepers(process: &Process) -> Vec<u32> {
    let is_one = |pid: &u32| {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
        name.is_ok_and(|name| name.trim() == "sleep")
    };
    let all = process.descendants().into_iter();
    all.filter(is_one).collect()
}

/// An answer that waits for an orphan takes as long as that sleeps.
fn assert_not_delayed_by_orphan(ledger: &Ledger, id: &str) {
    let took = Duration::from_millis(ledger.took_ms(id));
    assert!(took < bound(5_000).min(ORPHAN_SLEEP / 2), "{took:?}");
}

/// Delivers an event, and waits until it is answered.
fn send(process: &mut Process, server: &Server, id: &str, body: &str) {
    server.more(vec![ScriptedReply::event(&Event::new(id, body))]);
    process.until_idle(server);
}

fn exit_within_an_event_fails_that_event_alone(kind: &Kind) {
    let outcome = kind.hosted_run().run(&events([
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

fn sigkill_by_the_handler_fails_that_event_alone(kind: &Kind) {
    let outcome = kind.hosted_run().run(&events([
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
        assert_eq!(has_tail, kind.is_shell || !kind.is_persistent, "{message}");
        assert_eq!(ledger.posts_of(id).len(), 1, "{ledger}");
    }
    let [before, after] = ["event-0", "event-2"].map(|id| response(ledger, id));
    assert_ne!(before, after, "a new process");
    assert_eq!(response(ledger, "event-4"), b"\"fine\"");
}

fn sigkill_from_outside_fails_that_event_alone(kind: &Kind) {
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&events([command("sleep 20")]));
    process.until_logged("sleeps");
    if kind.is_shell || !kind.is_persistent {
        // It prints the line before it starts the command that sleeps.
        until("asleep", || !sleepers(&process).is_empty());
    }
    process.kill_descendants();
    process.until_idle(&server);
    send(&mut process, &server, "next", "\"fine\"");
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    // A shell may have reported the status of its subshell before it was killed itself.
    let message = error(ledger, "event-0", "Runtime.ExitError");
    let is_reported = message.starts_with("signal 9") || message.starts_with("exit status 137");
    assert!(is_reported, "{message}");
    assert_eq!(ledger.posts_of("event-0").len(), 1, "{ledger}");
    assert_eq!(response(ledger, "next"), b"\"fine\"");
}

fn deadline_kills_all_processes_and_the_error_is_in_time(kind: &Kind) {
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&events(["\"first\""]));
    process.until_idle(&server);
    let delay = WakeUpDelay::start();
    let window_ms = bound_ms(1_000);
    let deadline_ms = now_ms() + window_ms;
    let slow = Event::new("slow", command("sleep 25")).deadline(&deadline_ms.to_string());
    let after = Event::new("after", "\"after\"");
    server.more(vec![
        ScriptedReply::event(&slow),
        ScriptedReply::event(&after),
    ]);
    process.until_idle(&server);
    // The runtime, the processes that it kills and waits for, and the server run in turn, and each
    // may be interrupted too.
    let delay_ms = delay.of_chain(10).as_millis() as u64;
    until("without a sleeper", || sleepers(&process).is_empty());
    // On a busy machine the killed process exits after the next event: a later event reaps it.
    for id in ["later", "latest"] {
        send(&mut process, &server, id, "\"later\"");
    }
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    let message = error(ledger, "slow", "Function.Timeout");
    assert!(message.contains("deadline"), "{message}");
    assert_eq!(ledger.posts_of("slow").len(), 1, "{ledger}");
    // No time is left for a restart between the answer and the next request.
    assert!(ledger.answer("slow").get_behind, "{ledger}");
    assert_eq!(response(ledger, "after"), b"\"after\"");
    let at_ms = ledger.answer("slow").at_ms;
    assert!(at_ms >= deadline_ms - window_ms / 2, "early: {ledger}");
    let late_ms = at_ms.saturating_sub(deadline_ms);
    assert!(
        late_ms <= delay_ms,
        "{late_ms} ms after the deadline, where the machine explains {delay_ms}: {ledger}"
    );
}

fn runtime_killed_while_idle_leaves_no_process(kind: &Kind) {
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&events([command("pid")]));
    process.until_idle(&server);
    if kind.is_persistent {
        assert!(!process.descendants().is_empty());
    } else {
        // The answer was complete before the program had exited.
        process.assert_no_descendant(bound(2_000));
    }
    process.kill();
    process.assert_no_descendant(bound(2_000));
    server.finish().assert_clean();
}

/// Kills a runtime with `kill` while its handler is at work: all processes of the handler end, and
/// the guard too.
fn assert_nothing_outlives(kind: &Kind, kill: impl Fn(&mut Process)) {
    if runner().is_some() && (kind.is_shell || !kind.is_persistent) {
        return skip("no guard where memory cannot be shared, as under a runner");
    }
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&events([command("sleep 30")]));
    process.until_logged("sleeps");
    // The commands of a shell are processes of their own.
    let at_work = kind.is_shell || !kind.is_persistent;
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

fn runtime_killed_within_an_event_leaves_no_process(kind: &Kind) {
    assert_nothing_outlives(kind, Process::kill);
}

/// As the platform does with a runtime that misses its deadline.
fn runtime_stopped_and_killed_leaves_no_process(kind: &Kind) {
    assert_nothing_outlives(kind, |process| {
        sys::kill(process.pid(), sys::SIGSTOP);
        process.kill();
    });
}

fn process_that_cannot_end_delays_no_answer(kind: &Kind) {
    if runner().is_some() {
        return skip("a runner cannot be traced");
    }
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&[]);
    process.until_idle(&server);
    let late = due_in(Event::new("late", command("sleep 60")), 1_000);
    server.more(vec![ScriptedReply::event(&late)]);
    process.until_logged("sleeps");
    let own = process.children();
    let [child] = own[..] else {
        panic!("one child: {own:?}");
    };
    let Some(undying) = Undying::new(child) else {
        return skip("processes cannot be traced here");
    };
    process.until_idle(&server);
    send(&mut process, &server, "next", "\"next\"");
    let has_ended = std::fs::read(format!("/proc/{child}/stat")).is_err();
    assert!(!has_ended, "it is there to the end");
    drop(undying);
    // Once it has ended, the runtime reaps it after one of the next events.
    let end = Instant::now() + bound(PATIENCE_MS);
    for number in 0.. {
        send(&mut process, &server, &format!("last-{number}"), "\"last\"");
        // It has exited, and is no zombie any more.
        if proc::state_and_parent(child).is_none() {
            break;
        }
        assert!(Instant::now() < end, "a zombie is never reaped");
        std::thread::sleep(Duration::from_millis(20));
    }
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    error(ledger, "late", "Function.Timeout");
    assert_eq!(response(ledger, "next"), b"\"next\"");
    assert_eq!(response(ledger, "last-0"), b"\"last\"");
}

fn orphan_does_not_delay_the_report_of_an_exit(kind: &Kind) {
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&events([command("orphan"), "\"fine\"".to_string()]));
    process.until_idle(&server);
    until("without the orphan", || sleepers(&process).is_empty());
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    assert!(error(ledger, "event-0", "Runtime.ExitError").starts_with("signal 9"));
    assert_not_delayed_by_orphan(ledger, "event-0");
    assert_eq!(response(ledger, "event-1"), b"\"fine\"");
}

fn answer_before_a_restart_is_sent_without_the_next_request(kind: &Kind) {
    let outcome = kind.hosted_run().run(&events([
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

fn process_that_exits_while_idle_is_restarted_at_once(kind: &Kind) {
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&events([command("pid")]));
    process.until_idle(&server);
    let mut pids = Vec::new();
    for number in 0..3 {
        let id = format!("pid-{number}");
        send(&mut process, &server, &id, &command("pid"));
        let pid = pid_in(response(&server.ledger(), &id));
        assert!(!pids.contains(&pid), "{pid} of {pids:?}");
        pids.push(pid);
        sys::kill(pid, sys::SIGKILL);
        until("logged", || {
            process.stderr().matches(IDLE_EXIT_LINE).count() == pids.len()
        });
        // It is restarted although no event comes.
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

fn process_that_exits_before_its_first_event_is_restarted_for_it(kind: &Kind) {
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&[]);
    process.until_idle(&server);
    process.kill_descendants();
    process.until_logged(IDLE_EXIT_LINE);
    send(&mut process, &server, "first", "\"fine\"");
    process.assert_no_zombie();
    let outcome = process.finish(server);
    assert_eq!(response(outcome.assert_serving(), "first"), b"\"fine\"");
}

fn orphan_neither_delays_nor_changes_an_answer(kind: &Kind) {
    let mut commands = vec![command("background"); 3];
    commands.push("\"fine\"".to_string());
    let events = events(commands);
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&events);
    process.until_idle(&server);
    // They are left running.
    until("as many as were started", || sleepers(&process).len() == 3);
    for pid in sleepers(&process) {
        sys::kill(pid, sys::SIGKILL);
    }
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for number in 0..3 {
        let id = format!("event-{number}");
        assert_eq!(response(ledger, &id), b"\"left\"");
        assert_not_delayed_by_orphan(ledger, &id);
    }
    assert_eq!(response(ledger, "event-3"), b"\"fine\"");
}
