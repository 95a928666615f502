//! Several environments: calls at once, their limit, replacement, retries, and the end.

use std::collections::HashSet;
use std::time::Duration;

use crate::harness::{Call, Server, call, wait_until};
use crate::support::{self, sys};

const STREAM: &str = "/2021-11-15/functions/function/response-streaming-invocations";

fn probe(options: &[&str]) -> Server {
    let all = [
        &["--binary", "--timeout", "60", "--init-timeout", "60"],
        options,
    ]
    .concat();
    Server::start(&support::function("probe"), &all)
}

/// Calls at once: each is sent before the first answer arrives.
fn calls(server: &Server, event: &str, count: usize) -> Vec<Call> {
    let calls = (0..count).map(|_| call(server.request(event)));
    calls.collect()
}

/// The number of START lines.
fn starts(server: &Server) -> usize {
    server.stderr().matches("START RequestId: ").count()
}

#[test]
fn calls_at_once_each_has_an_environment_of_its_own() {
    let server = probe(&["--environments", "4"]);
    let all = calls(&server, "sleep:1500", 4);
    wait_until("four events at once", || starts(&server) == 4);
    assert!(
        !server.stderr().contains("END RequestId: "),
        "one after another"
    );
    for call in all {
        assert_eq!(call.reply().as_bytes(), b"sleep:1500");
    }
    wait_until("four REPORT lines", || {
        server.stderr().matches("REPORT RequestId: ").count() == 4
    });
    let cold = server.stderr().matches("Init Duration: ").count();
    assert_eq!(cold, 4, "each environment has a start of its own");
    // Now all are warm, and the last used one is used again.
    let warm: HashSet<Vec<u8>> = (0..8)
        .map(|_| server.invoke("pid").as_bytes().to_vec())
        .collect();
    assert_eq!(warm.len(), 1, "{warm:?}");
}

#[test]
fn more_calls_than_environments_are_429() {
    let server = probe(&["--environments", "2"]);
    let accepted = calls(&server, "sleep:3000", 2);
    wait_until("two events at once", || starts(&server) == 2);
    let refused = server.invoke("1");
    assert_eq!(refused.status_code, 429);
    let body = refused.as_str().expect("text");
    assert!(body.contains("ConcurrentInvocationLimitExceeded"), "{body}");
    for call in accepted {
        assert_eq!(call.reply().status_code, 200);
    }
    assert_eq!(server.invoke("1").as_bytes(), b"1");
}

#[test]
fn idle_environments_are_stopped_but_one() {
    let server = probe(&["--environments", "3", "--idle-timeout", "0.5"]);
    let all = calls(&server, "sleep:700", 3);
    wait_until("three processes", || server.processes().len() == 3);
    all.into_iter().for_each(|call| drop(call.reply()));
    wait_until("one process", || server.processes().len() == 1);
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    assert!(
        !server.stderr().contains("was killed"),
        "{}",
        server.stderr()
    );
    assert_eq!(server.processes().len(), 1);
}

#[test]
fn process_killed_between_events_is_replaced() {
    let server = probe(&["--environments", "2"]);
    let all = calls(&server, "sleep:700", 2);
    all.into_iter().for_each(|call| drop(call.reply()));
    for round in 0..6 {
        for pid in server.processes() {
            sys::kill(pid, 9);
        }
        let all = calls(&server, &format!("round {round}"), 2);
        for call in all {
            let reply = call.reply();
            let body = reply.as_str().expect("text");
            // Killed before or after it took its event.
            let is_failed = body.contains("Runtime.ExitError") && body.contains("signal: killed");
            assert!(is_failed || body == format!("round {round}"), "{body}");
        }
    }
    assert!(server.processes().len() <= 2);
}

#[test]
fn failing_event_is_tried_again_with_its_id() {
    let server = probe(&["--async-retries", "1"]);
    let request = server
        .request("fail")
        .with_header("X-Amz-Invocation-Type", "Event");
    let accepted = call(request).reply();
    assert_eq!(accepted.status_code, 202);
    let id = accepted.header("X-Amzn-RequestId").expect("an id");
    let start = format!("START RequestId: {id} ");
    wait_until("a second attempt", || {
        server.stderr().matches(&start).count() == 2
    });
    server.wait_for_stderr(&format!(
        "the event {id} has failed 2 times: Lambda would send it"
    ));
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    assert_eq!(server.stderr().matches(&start).count(), 2);
}

#[test]
fn signal_running_event_is_answered_and_waiting_ones_are_503() {
    let mut server = probe(&["--concurrency", "1"]);
    let running = call(server.request("sleep:1000"));
    wait_until("a running event", || starts(&server) == 1);
    // A concurrent environment lets calls wait.
    let waiting = calls(&server, "sleep:1", 3);
    std::thread::sleep(Duration::from_millis(300));
    sys::kill(server.pid(), sys::SIGTERM);
    let answer = running.reply();
    assert_eq!(answer.as_bytes(), b"sleep:1000");
    for call in waiting {
        let reply = call.reply();
        if reply.status_code == 200 {
            continue; // released already: it was running too
        }
        assert_eq!(reply.status_code, 503);
        assert_eq!(
            reply.header("X-Amzn-ErrorType"),
            Some("ServiceUnavailableException")
        );
        let body: serde_json::Value = serde_json::from_slice(reply.as_bytes()).expect("JSON");
        assert_eq!(body["Type"], "Service");
    }
    assert_eq!(server.stop(0).code(), Some(0));
}

#[test]
fn signal_event_that_does_not_end_is_503() {
    let mut server = probe(&[]);
    let whole = call(server.request("sleep:30000"));
    wait_until("a running event", || starts(&server) == 1);
    let streamed =
        minreq::post(format!("http://127.0.0.1:{}{STREAM}", server.port)).with_body("sleep:30000");
    let streamed = call(streamed);
    wait_until("two running events", || starts(&server) == 2);
    sys::kill(server.pid(), sys::SIGTERM);
    for call in [whole, streamed] {
        let reply = call.reply();
        assert_eq!(reply.status_code, 503, "{:?}", reply.as_str());
    }
    assert_eq!(server.stop(0).code(), Some(0));
}

#[test]
fn caller_that_leaves_loses_neither_event_nor_environment() {
    let server = probe(&["--environments", "1"]);
    let mut client = crate::wire::Wire::connect(server.port);
    client.send(crate::wire::post(
        "/2015-03-31/functions/function/invocations",
        "",
        b"sleep:300",
    ));
    wait_until("the event", || starts(&server) == 1);
    drop(client);
    wait_until("its end", || server.stderr().contains("REPORT RequestId: "));
    let first = server.processes();
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    assert_eq!(server.processes(), first);
}
