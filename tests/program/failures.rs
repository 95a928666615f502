//! Programs that fail: every exit status, signals, the end of standard error.

use crate::support::process::Outcome;
use crate::support::rounds;
use crate::{Task, error, events, response};

#[test]
fn exit_status_other_than_0_is_an_error_with_the_status() {
    let task = Task::script("read -r status || true; echo partial; exit \"$status\"");
    let count = rounds("exit statuses", 255);
    let statuses: Vec<usize> = (1..=255).step_by(255_usize.div_ceil(count)).collect();
    let outcome = task.run(&events(statuses.iter().map(|status| format!("{status}\n"))));
    let ledger = outcome.assert_serving();
    for (number, status) in statuses.iter().enumerate() {
        let id = format!("event-{number}");
        let message = error(ledger, &id, "Runtime.ExitError");
        let first = message.lines().next();
        assert_eq!(first, Some(format!("exit status {status}").as_str()));
        assert!(!message.contains("partial"), "{message}");
        assert_eq!(ledger.posts_of(&id).len(), 1);
    }
}

#[test]
fn program_killed_by_a_signal_is_an_error_with_the_signal() {
    let task = Task::script("ulimit -c 0; read -r signal; kill -\"$signal\" $$; sleep 10");
    let signals = [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 31];
    let outcome = task.run(&events(signals.map(|signal| format!("{signal}\n"))));
    let ledger = outcome.assert_serving();
    for (number, signal) in signals.into_iter().enumerate() {
        let message = error(ledger, &format!("event-{number}"), "Runtime.ExitError");
        let first = message.lines().next();
        assert_eq!(first, Some(format!("signal {signal}").as_str()));
    }
}

#[test]
fn program_succeeding_after_a_failure_is_a_response() {
    let task = Task::script("read -r word; test \"$word\" = good && echo fine");
    let outcome = task.run(&events(["good\n", "bad\n", "good\n", "bad\n", "good\n"]));
    let ledger = outcome.assert_serving();
    for number in [0, 2, 4] {
        assert_eq!(response(ledger, &format!("event-{number}")), b"fine\n");
    }
    for number in [1, 3] {
        let message = error(ledger, &format!("event-{number}"), "Runtime.ExitError");
        assert!(message.starts_with("exit status 1"), "{message}");
    }
}

fn run_one(script: &str) -> Outcome {
    let outcome = Task::script(script).run(&events(["event"]));
    outcome.assert_serving();
    outcome
}

#[test]
fn stderr_of_a_failure_is_in_the_message_and_in_the_log() {
    let outcome = run_one("echo warming up >&2; echo 'it broke: \"x\"' >&2; exit 3");
    let message = error(&outcome.ledger, "event-0", "Runtime.ExitError");
    assert!(message.starts_with("exit status 3"), "{message}");
    assert!(
        message.trim_end().ends_with("warming up\nit broke: \"x\""),
        "{message}"
    );
    assert!(outcome.stderr.contains("warming up\nit broke: \"x\"\n"));
    let outcome = run_one("echo before the end >&2; kill -9 $$");
    let message = error(&outcome.ledger, "event-0", "Runtime.ExitError");
    assert!(message.starts_with("signal 9"), "{message}");
    assert!(message.trim_end().ends_with("before the end"), "{message}");
}

#[test]
fn stderr_over_4_kib_has_its_end_in_the_message() {
    let outcome = run_one("for i in $(seq 1 5000); do echo \"line $i\"; done >&2; exit 1");
    let message = error(&outcome.ledger, "event-0", "Runtime.ExitError");
    let all: String = (1..=5_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    assert_eq!(outcome.log(), all);
    let tail = &all[all.len() - 4_096..];
    assert!(message.starts_with("exit status 1"), "{message:.100}");
    assert!(message.len() <= 4_096 + 64, "{} bytes", message.len());
    // The tail may begin at a line.
    let end = tail[16..].trim_end();
    assert!(message.trim_end().ends_with(end), "{message:.100}");
    assert!(!message.contains("line 1\n"));
}

#[test]
fn stderr_of_an_event_is_not_in_the_next_message() {
    let task = Task::script("read -r word; echo \"read $word\" >&2; exit 1");
    let outcome = task.run(&events(["first\n", "second\n"]));
    let message = error(outcome.assert_serving(), "event-1", "Runtime.ExitError");
    assert!(
        message.contains("read second") && !message.contains("first"),
        "{message}"
    );
}

#[test]
fn stderr_of_any_bytes_gives_valid_json() {
    let task = Task::script("cat >&2; exit 1");
    let all: Vec<u8> = (0..=255).collect();
    let cut = ["\u{1f525}".repeat(1_100).into_bytes(), vec![0xf0, 0x9f]].concat();
    let outcome = task.run(&events([all.clone(), all.repeat(40), cut]));
    let ledger = outcome.assert_serving();
    let message = error(ledger, "event-0", "Runtime.ExitError");
    let expected = String::from_utf8_lossy(&all).into_owned();
    assert!(message.ends_with(&expected), "{message:?}");
    for id in ["event-1", "event-2"] {
        assert!(error(ledger, id, "Runtime.ExitError").starts_with("exit status 1"));
    }
}

#[test]
fn stderr_of_a_success_is_only_logged() {
    let outcome = run_one("echo note >&2; echo answer; echo another >&2");
    assert_eq!(response(&outcome.ledger, "event-0"), b"answer\n");
    assert_eq!(outcome.log(), "note\nanother\n");
    assert_eq!(outcome.stdout, "");
}

#[test]
fn exit_status_after_closed_output_is_an_error() {
    let outcome = run_one("echo answer; exec >&-; sleep 0.1; exit 7");
    let message = error(&outcome.ledger, "event-0", "Runtime.ExitError");
    assert!(message.starts_with("exit status 7"), "{message}");
}
