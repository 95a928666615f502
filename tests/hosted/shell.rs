//! Shell functions: AWS's tutorial, sourcing, `set` options, statuses, subshells.

use crate::for_kinds;
use crate::kinds::{HostedRun, Kind, bash};
use crate::support::api::{Event, PAYLOAD_BYTES_MAX, ScriptedReply};
use crate::support::hosting::{error, events, response};
use crate::support::{bound, proc, rounds, runner, sys, until};
use std::time::Duration;

for_kinds!(shells [bash dash] [
    function_file_is_sourced_once_and_no_event_changes_the_next
    event_is_the_argument_and_the_input
    output_of_any_bytes_is_the_response
    command_that_fails_ends_the_function
    options_set_by_the_file_are_in_force
    exit_status_nonzero_is_an_error_that_names_it
    exit_trap_is_run
    subshell_killed_fails_its_event_alone
    subshell_killed_with_an_unread_line_affects_no_other_event
    background_writer_cannot_add_to_the_next_answer
    handler_named_like_a_command_is_called
    input_read_to_the_end_has_an_end
    payload_of_six_megabytes_passes_in_both_directions
    channel_descriptor_is_closed_for_the_function
    ifs_set_by_the_file_changes_no_event
]);

/// A function of this body, called `handler`.
fn function(kind: &Kind, body: &str) -> HostedRun {
    kind.with_source(&format!("handler() {{\n{body}\n}}\n"))
}

/// Runs events in a function of this body; all are responses.
fn responses(kind: &Kind, body: &str, bodies: &[&str]) -> Vec<String> {
    let events = events(bodies.iter().copied());
    let outcome = function(kind, body).run(&events);
    let ledger = outcome.assert_serving();
    let texts = events.iter().map(|event| response(ledger, &event.id));
    texts
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .collect()
}

/// In the form of AWS's tutorial: no first line, the keyword, a log on standard error.
#[test]
fn function_of_the_aws_tutorial_runs() {
    let Some(kind) = bash() else {
        return;
    };
    let hosted = kind.with_source("");
    let source = "function handler () {\n  EVENT_DATA=$1\n  echo \"$EVENT_DATA\" 1>&2;\n  \
                  RESPONSE=\"Echoing request: '$EVENT_DATA'\"\n\n  echo $RESPONSE\n}\n";
    hosted.dir.file("function.sh", source.as_bytes());
    let event = "{\"key\": \"a  value\"}";
    let outcome = hosted.run(&events([event]));
    let body = response(outcome.assert_serving(), "event-0");
    assert_eq!(
        String::from_utf8_lossy(body),
        "Echoing request: '{\"key\": \"a value\"}'\n"
    );
    assert_eq!(outcome.log(), format!("{event}\n"));
}

fn function_file_is_sourced_once_and_no_event_changes_the_next(kind: &Kind) {
    let hosted = kind.with_source(
        "echo sourced >&2\ncount=0\nhandler() {\n    count=$((count + 1))\n    \
         export LEFT=$count\n    cd /\n    set -- \"$count\" \"$PWD\"\n    \
         printf '%s %s' \"$count\" \"${BEFORE-none}\"\n    BEFORE=$1\n}\n",
    );
    let outcome = hosted.run(&events(["a", "b", "c"]));
    let ledger = outcome.assert_serving();
    for id in ["event-0", "event-1", "event-2"] {
        assert_eq!(response(ledger, id), b"1 none");
    }
    assert_eq!(outcome.log(), "sourced\n");
}

fn event_is_the_argument_and_the_input(kind: &Kind) {
    let body = "printf '%s|%s|' \"$#\" \"$1\"; cat";
    for event in [
        "one",
        "",
        " a  b ",
        "'",
        "''\\''",
        "$(exit 3)`exit 3`\"$HOME\"",
        "a\nb\n\nc",
        "-e",
        "\\n\\\\",
        "*",
    ] {
        let answer = responses(kind, body, &[event]);
        assert_eq!(answer, [format!("1|{event}|{event}")]);
    }
    // As with `$(...)`, line feeds at the end are not in the argument of bash.
    let answer = &responses(kind, body, &["a\n\n"])[0];
    assert!(
        ["1|a|a\n\n", "1|a\n\n|a\n\n"].contains(&answer.as_str()),
        "{answer:?}"
    );
}

fn output_of_any_bytes_is_the_response(kind: &Kind) {
    let all: Vec<u8> = (0..=255).chain([0, 10, 10]).collect();
    let hosted = function(kind, "cat");
    let events = events([
        all.clone(),
        b"".to_vec(),
        b"\n".to_vec(),
        b"\xff\xfe\n".to_vec(),
    ]);
    let outcome = hosted.run(&events);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_eq!(response(ledger, &event.id), event.body);
    }
    assert_eq!(responses(kind, ":", &["x"]), [""]);
    assert_eq!(responses(kind, "echo; echo", &["x"]), ["\n\n"]);
    let twice = "echo one; echo two >/dev/stdout; echo three >>/dev/stdout";
    assert_eq!(responses(kind, twice, &["x"]), ["one\ntwo\nthree\n"]);
}

fn command_that_fails_ends_the_function(kind: &Kind) {
    let mut bodies = vec![
        ("echo part; false; echo rest", 1),
        (
            "echo \"$nothing\"; echo rest",
            if is_dash(kind) { 2 } else { 1 },
        ),
        ("nonesuch; echo rest", 127),
        ("x=$(exit 4); echo rest", 4),
    ];
    if !is_dash(kind) {
        bodies.push(("false | true; echo rest", 1));
    }
    for (body, status) in bodies {
        let hosted = function(kind, body);
        let outcome = hosted.run(&events(["event", "event"]));
        let ledger = outcome.assert_serving();
        for id in ["event-0", "event-1"] {
            let message = error(ledger, id, "Runtime.ExitError");
            let start = format!("exit status {status}");
            assert!(message.starts_with(&start), "{body}: {message}");
            assert!(!message.contains("part"), "{message}");
        }
    }
}

fn is_dash(kind: &Kind) -> bool {
    kind.first_line.contains("dash")
}

fn options_set_by_the_file_are_in_force(kind: &Kind) {
    let source = "set +e\nset +u\nhandler() {\n    false\n    printf '%s.' \"$nothing\"\n}\n";
    let outcome = kind.with_source(source).run(&events(["event"]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b".");
    if !is_dash(kind) {
        let source = "set +o pipefail\nhandler() { false | printf x; }\n";
        let outcome = kind.with_source(source).run(&events(["event"]));
        assert_eq!(response(outcome.assert_serving(), "event-0"), b"x");
    }
    // Options that do not change the status are in force as well.
    let outcome = kind
        .with_source("set -f\nhandler() { printf %s *; }\n")
        .run(&events(["event"]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"*");
}

fn exit_status_nonzero_is_an_error_that_names_it(kind: &Kind) {
    let count = rounds("exit statuses", 255);
    let statuses: Vec<usize> = (1..=255).step_by(255_usize.div_ceil(count)).collect();
    for body in ["exit \"$1\"", "return \"$1\""] {
        let hosted = function(kind, body);
        let outcome = hosted.run(&events(statuses.iter().map(ToString::to_string)));
        let ledger = outcome.assert_serving();
        for (number, status) in statuses.iter().enumerate() {
            let message = error(ledger, &format!("event-{number}"), "Runtime.ExitError");
            assert_eq!(message, format!("exit status {status}"), "{body}");
        }
    }
}

fn exit_trap_is_run(kind: &Kind) {
    let body = "trap 'echo trapped' EXIT; echo first";
    assert_eq!(responses(kind, body, &["x", "y"]), ["first\ntrapped\n"; 2]);
}

fn subshell_killed_fails_its_event_alone(kind: &Kind) {
    let body = "case $1 in die) sh -c 'kill -9 $PPID'; sleep 20 ;; esac; printf '%s' $$";
    let hosted = function(kind, body);
    let outcome = hosted.run(&events(["a", "die", "b"]));
    let ledger = outcome.assert_serving();
    let message = error(ledger, "event-1", "Runtime.ExitError");
    assert!(message.starts_with("exit status 137"), "{message}");
    let [before, after] = ["event-0", "event-2"].map(|id| response(ledger, id));
    // The unread rest of its line must not be taken for the line of the next event.
    assert_ne!(before, after, "a new shell");
}

fn background_writer_cannot_add_to_the_next_answer(kind: &Kind) {
    let body = "case $1 in\nleave) (while :; do echo LATE; sleep 0.02; done) & ;;\nesac\n\
                printf '%s.' \"$1\"";
    let hosted = function(kind, body);
    let (mut process, server) = hosted.spawn(&events(["leave"]));
    process.until_idle(&server);
    for number in 0..rounds("events beside a late writer", 20) {
        std::thread::sleep(Duration::from_millis(5));
        let event = Event::new(&format!("next-{number}"), "next");
        server.more(vec![ScriptedReply::event(&event)]);
        process.until_idle(&server);
    }
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    let first = String::from_utf8_lossy(response(ledger, "event-0"));
    assert_eq!(first.replace("LATE\n", ""), "leave.");
    // The writer itself never ends.
    let took = Duration::from_millis(ledger.took_ms("event-0"));
    assert!(took < bound(5_000), "{took:?}");
    for post in &ledger.posts[1..] {
        assert_eq!(post.body, b"next.", "{}", post.id);
    }
}

fn handler_named_like_a_command_is_called(kind: &Kind) {
    for name in ["echo", "read", "cat", "handle-it"] {
        if name.contains('-') && is_dash(kind) {
            continue; // dash has no such names
        }
        let source = format!("{name}() {{ printf '%s' \"<$1>\"; }}\n");
        let handler = format!("function.{name}");
        let hosted = kind.with_source(&source).variable("_HANDLER", &handler);
        let outcome = hosted.run(&events(["a", "b"]));
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "event-0"), b"<a>", "{name}");
        assert_eq!(response(ledger, "event-1"), b"<b>", "{name}");
    }
}

fn input_read_to_the_end_has_an_end(kind: &Kind) {
    let body = "read -r line || :; printf '%s|' \"$line\"; cat; cat; read -r more || printf end";
    assert_eq!(responses(kind, body, &["a\nb", ""]), ["a|bend", "|end"]);
}

fn payload_of_six_megabytes_passes_in_both_directions(kind: &Kind) {
    let body: Vec<u8> = (0..PAYLOAD_BYTES_MAX)
        .map(|index| (index % 65_521 % 251) as u8)
        .collect();
    let events = [
        Event::new("both", body.clone()),
        Event::new("small", "x"),
        Event::new("again", body),
    ];
    let outcome = function(kind, "cat").run(&events);
    let ledger = outcome.assert_serving();
    for event in &events {
        let answer = response(ledger, &event.id);
        assert!(answer == event.body, "{}", event.id);
    }
}

fn channel_descriptor_is_closed_for_the_function(kind: &Kind) {
    let body = "if (echo 0 >&3) 2>/dev/null; then echo open; else echo closed; fi";
    assert_eq!(responses(kind, body, &["x", "y"]), ["closed\n"; 2]);
}

#[test]
fn runtime_killed_leaves_no_shell() {
    let Some(kind) = bash() else {
        return;
    };
    let hosted = function(&kind, "cat");
    let (mut process, server) = hosted.spawn(&events(["x"]));
    process.until_idle(&server);
    sys::kill(process.pid(), sys::SIGKILL);
    process.wait(bound(2_000));
    process.assert_no_descendant(bound(2_000));
    server.finish().assert_clean();
}

/// How often a process went to sleep: proc_pid_status(5).
fn times_asleep(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let name = "voluntary_ctxt_switches:";
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.expect("a count").trim().parse().expect("a number")
}

/// Whether a process sleeps, and has been awake since `sleeps` was counted. A runner also sleeps on
/// its own, so it has to sleep a while longer.
fn is_asleep_after(pid: u32, sleeps: u64) -> bool {
    let is_asleep = || {
        let state = proc::state_and_parent(pid).map(|(state, _)| state);
        state == Some('S') && times_asleep(pid) > sleeps
    };
    is_asleep() && {
        if runner().is_some() {
            std::thread::sleep(bound(20));
        }
        is_asleep()
    }
}

fn subshell_killed_with_an_unread_line_affects_no_other_event(kind: &Kind) {
    let hosted = function(kind, "printf '%s' \"$1\"");
    let (mut process, server) = hosted.spawn(&events(["x"]));
    process.until_idle(&server);
    let parent = |pid: u32| proc::state_and_parent(pid).map_or(0, |(_, parent)| parent);
    let count = rounds("subshells killed with a line unread", 20);
    for number in 0..count {
        let is_subshell = |pid: &u32| parent(parent(*pid)) == process.pid();
        let find = || process.descendants().into_iter().find(is_subshell);
        until("ready", || find().is_some());
        let subshell = find().expect("a subshell");
        // It is stopped, sent an event, and killed.
        sys::kill(subshell, sys::SIGSTOP);
        let sleeps = times_asleep(process.pid());
        let [killed, next] = ["killed", "next"].map(|id| Event::new(&format!("{id}-{number}"), id));
        let idle = proc::descriptors(process.pid());
        server.more(vec![
            ScriptedReply::event(&killed),
            ScriptedReply::event(&next),
        ]);
        // The runtime has opened the event, its context and the pipe of the response, and has
        // written the line when it sleeps again.
        until("handed on", || proc::descriptors(process.pid()) >= idle + 4);
        until("asleep", || is_asleep_after(process.pid(), sleeps));
        sys::kill(subshell, sys::SIGKILL);
        process.until_idle(&server);
    }
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for number in 0..count {
        let message = error(ledger, &format!("killed-{number}"), "Runtime.ExitError");
        assert!(message.starts_with("exit status 137"), "{message}");
        assert_eq!(response(ledger, &format!("next-{number}")), b"next");
    }
}

/// The first is that of the unofficial strict mode of bash.
fn ifs_set_by_the_file_changes_no_event(kind: &Kind) {
    for separators in ["\n\t", "/", "", "0123456789 "] {
        let source = format!("IFS='{separators}'\nhandler() {{ printf '%s' \"$1\"; }}\n");
        let outcome = kind.with_source(&source).run(&events(["a b/c", "1 2"]));
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "event-0"), b"a b/c", "{separators:?}");
        assert_eq!(response(ledger, "event-1"), b"1 2", "{separators:?}");
    }
}
