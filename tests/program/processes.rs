//! Processes: what a program inherits, its descendants, growth over many events.

use crate::skip::{has, skip};
use crate::support::api::{Event, Script, ScriptedReply};
use crate::support::process::PATIENCE_MS;
use crate::support::{bound, rounds, runner, spawn, until};
use crate::{Task, events, response};

fn plain(from: usize, to: usize) -> Vec<Event> {
    (from..to)
        .map(|number| Event::new(&format!("n-{number}"), format!("{number}")))
        .collect()
}

#[test]
fn memory_descriptors_and_processes_do_not_grow_over_300_events() {
    let count = rounds("programs in a row", 300);
    let task = Task::script("cat; echo log >&2");
    let (mut process, server) = task.spawn(&plain(0, 20));
    process.until_idle(&server);
    let (descriptors, written_kib) = (process.descriptors(), process.written_kib());
    let events = plain(20, 20 + count);
    server.more(events.iter().map(ScriptedReply::event).collect());
    process.until_idle(&server);
    process.assert_no_zombie();
    process.assert_no_descendant(bound(PATIENCE_MS));
    assert_eq!(process.descriptors(), descriptors);
    // A runner translates code on first use, and caches the translation.
    let growth_kib = if runner().is_some() { 4_096 } else { 16 };
    let now_kib = process.written_kib();
    assert!(
        now_kib <= written_kib + growth_kib,
        "{written_kib} KiB, then {now_kib} KiB"
    );
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_eq!(response(ledger, &event.id), event.body);
    }
    assert_eq!(ledger.connections, 1);
    assert_eq!(outcome.log(), "log\n".repeat(20 + count));
}

#[test]
fn background_child_with_the_output_open_does_not_delay_the_answer() {
    // It has stdout and stderr open, and outlives the program and its event.
    let task = Task::script("cat >/dev/null; sleep 600 & echo done; echo log >&2");
    let events = plain(0, 3);
    let (mut process, server) = task.spawn(&events);
    process.until_idle(&server);
    process.assert_no_zombie();
    // All answers came before the end of the background children.
    assert_eq!(process.descendants().len(), events.len());
    process.kill_descendants();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_eq!(response(ledger, &event.id), b"done\n");
    }
    assert_eq!(outcome.log(), "log\n".repeat(3));
}

#[test]
fn output_before_the_exit_is_read_from_a_pipe_that_stays_open() {
    // The pipe has up to 64 KiB when the process exits.
    let task = Task::script("sleep 600 & head -c 60000 /dev/zero");
    let events = plain(0, rounds("full pipes", 20));
    let (mut process, server) = task.spawn(&events);
    process.until_idle(&server);
    process.kill_descendants();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_eq!(response(ledger, &event.id).len(), 60_000);
    }
}

#[test]
fn program_dies_with_a_runtime_that_is_killed() {
    let task = Task::script("echo started >&2; exec sleep 600");
    let (mut process, server) = task.spawn(&plain(0, 1));
    process.until_logged("started");
    // A guard that has not set its name yet is counted too.
    until("one descendant", || process.descendants().len() == 1);
    process.kill();
    process.assert_no_descendant(bound(PATIENCE_MS));
    let ledger = server.finish();
    ledger.assert_clean();
    assert!(ledger.posts.is_empty(), "{ledger}");
}

#[test]
fn trace_id_variable_is_set_only_for_an_event_with_one() {
    let task = Task::script("cat >&2; printf %s \"${_X_AMZN_TRACE_ID-unset}\"");
    let values = [
        None,
        Some("Root=1-a;Sampled=1"),
        None,
        Some("Root=1-b"),
        Some(""),
        Some("c"),
    ];
    let events: Vec<Event> = (values.iter().zip(plain(0, values.len())))
        .map(|(value, event)| match value {
            Some(value) => event.header("Lambda-Runtime-Trace-Id", value),
            None => event,
        })
        .collect();
    let outcome = task.run(&events);
    let ledger = outcome.assert_serving();
    for (event, value) in events.iter().zip(values) {
        let expected = value.filter(|value| !value.is_empty()).unwrap_or("unset");
        let body = response(ledger, &event.id);
        assert_eq!(String::from_utf8_lossy(body), expected, "{}", event.id);
    }
}

#[test]
fn environment_of_the_function_reaches_the_program() {
    let task = Task::script("printf '%s,%s,%s' \"$MINE\" \"$AWS_REGION\" \"$_HANDLER\"");
    let server = crate::support::api::Server::start(crate::Script::events(&events(["x"])));
    let start = task.start().variable("MINE", "a value");
    let start = start.variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    let outcome = start.spawn().until_done(server);
    let body = response(outcome.assert_serving(), "event-0");
    assert_eq!(String::from_utf8_lossy(body), "a value,us-east-1,program");
}

#[test]
fn sigpipe_of_a_child_of_the_program_has_its_default_action() {
    // With SIGPIPE ignored, `yes` would print an error or never end.
    let outcome = Task::script("yes | head -n 1").run(&events(["x"]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"y\n");
    assert_eq!(outcome.log(), "");
}

#[test]
fn program_inherits_three_descriptors_and_no_other() {
    if runner().is_some() {
        skip("a runner has descriptors of its own");
        return;
    }
    let task = Task::script("exec ls /proc/self/fd");
    // The descriptors of the program when the test starts it: those that the test inherited too.
    let mut direct = std::process::Command::new(task.dir.path().join("program"));
    direct
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    direct.stderr(std::process::Stdio::piped());
    let expected = spawn(&mut direct)
        .wait_with_output()
        .expect("its output")
        .stdout;
    assert!(expected.starts_with(b"0\n1\n"), "{expected:?}");
    let outcome = task.run(&events(["x", "y"]));
    let ledger = outcome.assert_serving();
    for id in ["event-0", "event-1"] {
        let descriptors = String::from_utf8_lossy(response(ledger, id));
        assert_eq!(descriptors, String::from_utf8_lossy(&expected));
    }
}

#[test]
fn program_leads_its_own_process_group() {
    let task = Task::script("ps -o pid=,pgid= -p $$ | tr -s ' ' ' '");
    let outcome = task.run(&events(["x"]));
    let body = response(outcome.assert_serving(), "event-0");
    let text = String::from_utf8_lossy(body);
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.len() == 2 && words[0] == words[1], "{text:?}");
}

#[test]
fn sigchld_ignored_by_the_parent_is_handled() {
    if !has("perl") {
        return;
    }
    let task = Task::script("cat");
    let text = b"#!/usr/bin/perl\n$SIG{CHLD} = 'IGNORE';\nexec split(' ', $ENV{RUNNER}), @ARGV;\n";
    let wrapper = task.dir.executable("wrapper", text);
    let wrapper = wrapper.to_str().expect("UTF-8");
    let start = task
        .start()
        .variable("AWS_LAMBDA_EXEC_WRAPPER", wrapper)
        .variable("RUNNER", &runner().unwrap_or_default());
    let outcome = start.run(Script::events(&plain(0, 2)));
    let ledger = outcome.assert_serving();
    assert_eq!(response(ledger, "n-0"), b"0");
    assert_eq!(response(ledger, "n-1"), b"1");
}
