//! Sends that fail while the connection is open, as when the kernel is short of memory: the runtime
//! closes the connection, and waits for a reply only a bounded time.

use crate::skip::{has, skip};
use crate::support::api::{Event, Kind, Ledger, Script, ScriptedReply};
use crate::support::start::Start;
use crate::support::{TempDir, function, runner};
use crate::{assert_echoed, error_message};

/// Runs a function whose `when`-th call of this name fails; `None` where that cannot be done.
fn run_failing(name: &str, call: &str, error: &str, when: usize, script: Script) -> Option<Ledger> {
    if runner().is_some() {
        skip("strace would see the calls of the runner");
        return None;
    }
    if !has("strace") {
        return None;
    }
    let dir = TempDir::new();
    let lines = format!(
        "#!/bin/sh\nexec strace -D -o /dev/null -e trace={call} \
         -e inject={call}:error={error}:when={when} '{}'\n",
        function(name).display()
    );
    let outcome = Start::new(&dir.executable("bootstrap", lines.as_bytes())).run(script);
    assert_eq!(outcome.code, None, "{error} {when}: {}", outcome.stderr);
    outcome.ledger.assert_clean();
    Some(outcome.ledger)
}

/// Delivers the event `failing` twice: the server has no answer to it.
fn script(events: &[Event], failing: Option<usize>) -> Script {
    let mut script = Script::default();
    for (number, event) in events.iter().enumerate() {
        script = script.get(ScriptedReply::event(event));
        if Some(number) == failing {
            script = script.get(ScriptedReply::event(event));
        }
    }
    script
}

fn events() -> Vec<Event> {
    let one = |number| Event::new(&format!("event-{number}"), format!("body {number}"));
    (0..4).map(one).collect()
}

#[test]
fn send_failing_costs_a_connection_and_no_answer() {
    for error in ["ENOBUFS", "ENOMEM", "EAGAIN", "EPIPE"] {
        for when in 1..=4_usize {
            let events = events();
            // The first send requests an event; the others answer one and request the next.
            let script = script(&events, when.checked_sub(2));
            let Some(ledger) = run_failing("echo", "sendto", error, when, script) else {
                return;
            };
            for event in &events {
                assert_echoed(&ledger, event);
                assert_eq!(ledger.posts_of(&event.id).len(), 1, "{error} {when}");
            }
        }
    }
}

#[test]
fn send_failing_within_a_stream_fails_its_event_once() {
    for error in ["ENOBUFS", "ENOMEM"] {
        for (call, when) in [("sendmsg", 1), ("sendmsg", 2), ("sendto", 2), ("sendto", 3)] {
            let events = events();
            let failing = when - if call == "sendmsg" { 1 } else { 2 };
            let script = script(&events, Some(failing));
            let Some(ledger) = run_failing("features/stream", call, error, when, script) else {
                return;
            };
            for (number, event) in events.iter().enumerate() {
                let answer = ledger.answer(&event.id);
                if number == failing {
                    assert_eq!(answer.kind, Kind::Error, "{error} {call} {when}");
                    error_message(answer, "Runtime.StreamBroken");
                } else {
                    assert_echoed(&ledger, event);
                }
            }
        }
    }
}
