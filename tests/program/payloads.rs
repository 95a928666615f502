//! Input and output of a program: any bytes, any size, in any order of reading and writing.

use crate::support::api::{Event, Framing, Kind, PAYLOAD_BYTES_MAX};
use crate::{Task, error, events, response};

/// Bytes of every value, with a period that divides no buffer size.
fn bytes(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index % 65_521 % 251) as u8)
        .collect()
}

#[test]
fn program_reads_the_event_and_writes_the_response() {
    let task = Task::script("printf '{\"got\":'; cat; printf '}'");
    let events = events(["1", "\"two\"", "[3,4]", ""]);
    let outcome = task.run(&events);
    let ledger = outcome.assert_serving();
    for event in &events {
        let expected = [b"{\"got\":".as_slice(), &event.body, b"}"].concat();
        assert_eq!(response(ledger, &event.id), expected);
        let answer = ledger.answer(&event.id);
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn program_with_the_largest_event_and_response_does_not_deadlock() {
    let body = bytes(PAYLOAD_BYTES_MAX);
    let events = [
        Event::new("sized", body.clone()),
        Event::new("chunked", body.clone()).framed(Framing::Chunked(vec![32 * 1024])),
        Event::new("empty", ""),
        Event::new("small", "small"),
    ];
    let outcome = Task::tool("cat").run(&events);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert!(
            response(ledger, &event.id) == event.body,
            "{}; {ledger}",
            event.id
        );
    }
}

#[test]
fn program_that_does_not_read_its_input_is_answered() {
    for script in [
        "echo done",
        "exec <&-; sleep 0.1; echo done",
        "head -c 10 >&2; echo done",
    ] {
        let events = events([bytes(PAYLOAD_BYTES_MAX), bytes(10), bytes(0), bytes(65_537)]);
        let outcome = Task::script(script).run(&events);
        let ledger = outcome.assert_serving();
        for event in &events {
            assert_eq!(response(ledger, &event.id), b"done\n", "{script}");
        }
    }
}

#[test]
fn program_that_writes_before_it_reads_is_answered() {
    let task = Task::script("head -c 3000000 /dev/zero; cat");
    let events = events([bytes(3_000_000), bytes(0), bytes(1)]);
    let outcome = task.run(&events);
    let ledger = outcome.assert_serving();
    for event in &events {
        let body = response(ledger, &event.id);
        let (zeros, rest) = body.split_at(3_000_000.min(body.len()));
        assert!(zeros.len() == 3_000_000 && zeros.iter().all(|byte| *byte == 0));
        assert!(rest == event.body, "{}", event.id);
    }
}

#[test]
fn program_without_output_is_an_empty_response() {
    for script in [
        "cat >/dev/null",
        "exit 0",
        "exec >&-; cat >&2; sleep 0.1; exit 0",
    ] {
        let outcome = Task::script(script).run(&events(["x", ""]));
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "event-0"), b"", "{script}");
        assert_eq!(response(ledger, "event-1"), b"", "{script}");
    }
}

#[test]
fn output_of_any_bytes_is_passed_unchanged() {
    let all: Vec<u8> = (0..=255).collect();
    let outcome = Task::tool("cat").run(&events([all.clone(), b"\r\n\r\n0\r\n\r\n".to_vec()]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), all);
    let outcome = Task::script("printf '\\000\\001\\377\\r\\n\\000'").run(&events([""]));
    let ledger = outcome.assert_serving();
    assert_eq!(response(ledger, "event-0"), b"\x00\x01\xff\r\n\x00");
}

#[test]
fn output_at_the_limit_is_a_response_and_over_it_an_error() {
    let task = Task::script("read -r n; head -c \"$n\" /dev/zero | tr '\\000' x");
    let sizes = [
        PAYLOAD_BYTES_MAX,
        PAYLOAD_BYTES_MAX + 1,
        5,
        PAYLOAD_BYTES_MAX + 2_000_000,
        6,
    ];
    let outcome = task.run(&events(sizes.map(|size| format!("{size}\n"))));
    let ledger = outcome.assert_serving();
    for (number, size) in sizes.into_iter().enumerate() {
        let id = format!("event-{number}");
        if size > PAYLOAD_BYTES_MAX {
            error(ledger, &id, "Function.ResponseSizeTooLarge");
            assert_eq!(ledger.posts_of(&id).len(), 1, "{ledger}");
        } else {
            let body = response(ledger, &id);
            assert!(
                body.len() == size && body.iter().all(|byte| *byte == b'x'),
                "{size}"
            );
        }
    }
}

#[test]
fn output_without_end_is_an_error_and_the_next_event_is_answered() {
    let task =
        Task::script("read -r word || true; case $word in yes) exec yes;; *) echo ok;; esac");
    let outcome = task.run(&events(["yes\n", "no\n", "yes\n", "no\n"]));
    let ledger = outcome.assert_serving();
    for number in [0, 2] {
        let id = format!("event-{number}");
        error(ledger, &id, "Function.ResponseSizeTooLarge");
        assert_eq!(response(ledger, &format!("event-{}", number + 1)), b"ok\n");
    }
}

#[test]
fn event_over_the_limit_does_not_start_the_program() {
    let task = Task::script("echo started >&2; cat");
    let outcome = task.run(&events([
        vec![b'x'; PAYLOAD_BYTES_MAX + 1],
        b"fine".to_vec(),
    ]));
    let ledger = outcome.assert_serving();
    error(ledger, "event-0", "Runtime.EventTooLarge");
    assert_eq!(response(ledger, "event-1"), b"fine");
    assert_eq!(outcome.stderr.matches("started").count(), 1);
}

#[test]
fn stderr_flood_passes_beside_a_large_event_and_response() {
    let flood = "head -c 5000000 /dev/zero | tr '\\000' l >&2";
    let task = Task::script(&format!("{flood} & cat; wait; echo end >&2"));
    let body = bytes(6_000_000);
    let outcome = task.run(&events([body.clone()]));
    let ledger = outcome.assert_serving();
    assert!(response(ledger, "event-0") == body, "{ledger}");
    assert_eq!(ledger.answer("event-0").kind, Kind::Response);
    let logged = outcome.log().bytes().filter(|byte| *byte == b'l').count();
    assert_eq!(logged, 5_000_000);
    assert!(outcome.stderr.ends_with("end\n"));
}
