//! What callers can take up of the tool: connections, threads, descriptors, memory, time. It goes
//! on, and tells those it refuses.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::{Bench, NEXT, response_path};
use crate::support::{self, sys};
use crate::tool::{Server, call, until};
use crate::wire::{Reply, Wire, post};

const INVOKE: &str = "/2015-03-31/functions/function/invocations";
const STREAM: &str = "/2021-11-15/functions/function/response-streaming-invocations";

/// An answer that is Lambda's for too many calls.
fn assert_throttled(reply: &Reply) {
    let error_type = reply.header("X-Amzn-ErrorType");
    assert_eq!(error_type, Some("TooManyRequestsException"));
    let texts = (reply.field("message"), reply.field("Reason"));
    let expected = ["Rate Exceeded.", "ConcurrentInvocationLimitExceeded"].map(String::from);
    assert_eq!((reply.status, texts), (429, expected.into()));
}

fn idle(port: u16, count: usize) -> Vec<Wire> {
    (0..count).map(|_| Wire::connect(port)).collect()
}

#[test]
fn idle_connections_without_descriptors_calls_and_restarts_go_on() {
    let echo = support::function("echo");
    let server = Server::start_with(&echo, &["--timeout", "30"], |command| {
        sys::limit(command, sys::DESCRIPTORS, 64);
    });
    let callers = idle(server.port, 100);
    let runtimes = idle(server.runtime_port, 100);
    let (began, used) = (Instant::now(), server.processor_time());
    thread::sleep(Duration::from_millis(1000));
    let used = server.processor_time() - used;
    assert!(used < began.elapsed() / 2, "a hot loop: {used:?}");
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    for pid in server.processes() {
        sys::kill(pid, sys::SIGKILL);
    }
    server.says("the next event starts it again");
    assert_eq!(server.invoke("2").as_bytes(), b"2");
    drop((callers, runtimes));
    assert!(!server.stderr().contains("internal error"));
}

#[test]
fn idle_connections_without_address_space_calls_go_on() {
    let echo = support::function("echo");
    let server = Server::start_with(&echo, &["--timeout", "30"], |command| {
        // Threads have a stack each; with this, the C library does not set aside as much again.
        sys::limit(
            command.env("MALLOC_ARENA_MAX", "1"),
            sys::ADDRESS_SPACE,
            64 << 20,
        );
    });
    let callers = idle(server.port, 200);
    for event in ["1", "2", "3"] {
        assert_eq!(server.invoke(event).as_bytes(), event.as_bytes());
    }
    drop(callers);
    assert_eq!(server.invoke("4").as_bytes(), b"4");
}

#[test]
fn idle_connections_without_processes_calls_and_restarts_go_on() {
    let echo = support::function("echo");
    let tool = Path::new(env!("CARGO_BIN_EXE_tinderbox"));
    // Root has no such limit, so the tool has to be somebody else, and only root can make it that.
    let is_root = std::fs::metadata("/proc/self").map_or(1, |own| own.uid()) == 0;
    let is_open = |path: &Path| path.metadata().is_ok_and(|found| found.mode() & 0o001 != 0);
    let folders = tool.ancestors().chain(echo.ancestors());
    if !is_root || !folders.into_iter().all(is_open) {
        support::skip::skip("needs root, and a folder that others can enter");
        return;
    }
    let server = Server::start_with(&echo, &["--timeout", "30"], |command| {
        let own = 61_000 + std::process::id() % 4_000; // nobody's
        sys::limit(command.uid(own).gid(own), sys::PROCESSES, 40);
    });
    let callers = idle(server.port, 100);
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    for pid in server.processes() {
        sys::kill(pid, sys::SIGKILL);
    }
    server.says("the next event starts it again");
    assert_eq!(server.invoke("2").as_bytes(), b"2");
    assert!(!server.stderr().contains("internal error"));
    drop(callers);
}

#[test]
fn connection_when_all_places_are_at_work_is_429_and_later_ones_are_served() {
    let bench = Bench::start_with(&[], |command| sys::limit(command, sys::DESCRIPTORS, 64));
    let mut callers = idle(bench.server.port, 4);
    for caller in &mut callers {
        caller.post(INVOKE, b"1");
    }
    until("a refusal", || {
        let mut more = Wire::connect(bench.server.port);
        more.post(INVOKE, b"2");
        let is_refused = !more.is_silent();
        if is_refused {
            let reply = more.reply();
            assert_throttled(&reply);
            assert_eq!(reply.header("Connection"), Some("close"));
        }
        is_refused
    });
    let mut runtime = bench.connect();
    let mut answered = 0;
    while answered < callers.len() {
        let event = runtime.next(); // in any order, and also those of callers who gave up
        runtime.respond(&event.id(), b"3");
        answered += usize::from(event.body == b"1");
    }
    for caller in &mut callers {
        assert_eq!(caller.reply().body, b"3");
    }
    let caller = bench.call("4");
    let id = loop {
        let event = runtime.next();
        let is_last = event.body == b"4";
        let id = event.id();
        if is_last {
            break id;
        }
        runtime.respond(&id, b"5"); // one whose caller gave up
    };
    runtime.respond(&id, b"6");
    assert_eq!(caller.reply().as_bytes(), b"6");
}

#[test]
fn bodies_beyond_the_memory_for_all_are_429() {
    let bench = Bench::start(&[]);
    let mut callers = idle(bench.server.port, 60);
    let head = format!("POST {INVOKE} HTTP/1.1\r\nHost: x\r\nContent-Length: 6000000\r\n\r\n");
    for caller in &mut callers {
        caller.send(&head);
    }
    let mut refused = 0;
    for caller in &mut callers {
        if !caller.is_silent() {
            assert_throttled(&caller.reply());
            refused += 1;
        }
    }
    assert!((1..=30).contains(&refused), "{refused} refused");
    drop(callers);
    let caller = bench.call("1");
    let mut runtime = bench.connect();
    let id = runtime.next().id();
    runtime.respond(&id, b"2");
    assert_eq!(caller.reply().as_bytes(), b"2");
}

#[test]
fn events_that_wait_beyond_their_count_or_bytes_are_429() {
    for (event, accepted) in [(b"1".to_vec(), 1000), (vec![b'1'; 1_000_000], 67)] {
        let bench = Bench::start(&["--raw"]);
        let mut caller = Wire::connect(bench.server.port);
        let kind = "X-Amz-Invocation-Type: Event\r\n";
        for number in 1..=accepted + 2 {
            caller.send(post(INVOKE, kind, &event));
            let reply = caller.reply();
            match number > accepted {
                true => assert_throttled(&reply),
                false => assert_eq!(reply.status, 202, "{number}"),
            }
        }
        // One that is done makes room for another.
        let mut runtime = bench.connect();
        let id = runtime.next().id();
        runtime.respond(&id, b"2");
        runtime.get(NEXT);
        until("room", || {
            caller.send(post(INVOKE, kind, &event));
            caller.reply().status == 202
        });
    }
}

#[test]
fn trailers_without_end_close_the_connection() {
    let bench = Bench::start(&[]);
    for line in [
        "T: v\r\n".to_string(),
        format!("T: {}\r\n", "v".repeat(4000)),
    ] {
        for port in [bench.server.port, bench.server.runtime_port] {
            let path = match port == bench.server.port {
                true => INVOKE.to_string(),
                false => response_path("x"),
            };
            let mut client = Wire::connect(port);
            client.send(format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
            ));
            let many = line.repeat(1000);
            let is_closed = (0..100).any(|_| !client.try_send(many.as_bytes()));
            if !is_closed && port == bench.server.runtime_port {
                assert_eq!(client.reply().status, 400); // of no event: refused before its trailers
            }
            let is_closed = is_closed || client.is_closed();
            assert!(is_closed, "{} bytes a line to {path}", line.len());
        }
    }
}

#[test]
fn head_in_single_bytes_behind_a_long_beginning_costs_no_more_than_behind_a_short_one() {
    let bench = Bench::start(&[]);
    let used = [0, 900_000].map(|length| {
        let mut client = Wire::connect(bench.server.port);
        let head = format!(
            "POST {INVOKE} HTTP/1.1\r\nHost: x\r\nX: {}",
            "y".repeat(length)
        );
        client.send(&head);
        thread::sleep(Duration::from_millis(100));
        let before = bench.server.processor_time();
        for _ in 0..1000 {
            client.send("y");
            thread::sleep(Duration::from_millis(2)); // or several would be read at once
        }
        bench.server.processor_time() - before
    });
    let step = Duration::from_millis(10); // the clock's
    assert!(used[1] < used[0] * 2 + step * 10, "{used:?}");
}

#[test]
fn head_that_does_not_go_on_and_connection_that_never_calls_give_way_to_calls() {
    let bench = Bench::start_with(&[], |command| sys::limit(command, sys::DESCRIPTORS, 64));
    let mut callers = idle(bench.server.port, 20);
    for caller in &mut callers {
        caller.try_send(b"POST / HTTP/1.1\r\nHost:");
    }
    let caller = bench.call("1");
    let mut runtime = bench.connect();
    let id = runtime.next().id();
    runtime.respond(&id, b"2");
    assert_eq!(caller.reply().as_bytes(), b"2");
}

#[test]
fn caller_of_a_stream_who_does_not_read_holds_up_nobody() {
    let bench = Bench::start(&["--raw", "--timeout", "2"]);
    let mut stuck = Wire::connect(bench.server.port);
    stuck.post(STREAM, b"1");
    let mut runtime = bench.connect();
    let id = runtime.next().id();
    let body = vec![b'x'; 64 << 20];
    let mode = "Lambda-Runtime-Function-Response-Mode: streaming\r\n";
    let sender = thread::spawn(move || {
        // Cut when the time is up.
        runtime.try_send(&post(&response_path(&id), mode, &body));
    });
    bench.server.says("Status: timeout");
    let caller = call(bench.server.request("2"));
    until("a new bootstrap", || bench.server.processes().len() == 1);
    let mut runtime = bench.connect();
    runtime.get(NEXT);
    let event = runtime.reply();
    runtime.respond(&event.id(), b"3");
    assert_eq!(caller.reply().as_bytes(), b"3");
    sender.join().expect("the sender ends");
    drop(stuck);
}

#[test]
fn headers_longer_than_lambda_takes_are_400_and_reach_no_bootstrap() {
    let echo = support::function("echo");
    let server = Server::start(&echo, &["--raw", "--timeout", "30", "--init-timeout", "30"]);
    let context = |bytes: usize| {
        let text = format!("{{\"a\":\"{}\"}}", "b".repeat(bytes / 4 * 3 - 8));
        base64(text.as_bytes())
    };
    for (name, longest, longer, error_type) in [
        (
            "X-Amzn-Trace-Id",
            "a".repeat(1024),
            "a".repeat(1025),
            "InvalidParameterValueException",
        ),
        (
            "X-Amzn-Trace-Id",
            "a".repeat(100),
            "a".repeat(900_000),
            "InvalidParameterValueException",
        ),
        (
            "X-Amz-Tenant-Id",
            "t".repeat(256),
            "t".repeat(257),
            "ValidationException",
        ),
        (
            "X-Amz-Tenant-Id",
            "a.B_1:/=+-@ z".to_string(),
            "a;b".to_string(),
            "ValidationException",
        ),
        (
            "X-Amz-Client-Context",
            context(3580),
            context(3588),
            "InvalidRequestContentException",
        ),
        (
            "Content-Type",
            "c".repeat(1024),
            "c".repeat(1025),
            "InvalidParameterValueException",
        ),
    ] {
        let send = |value: &str| {
            let mut caller = Wire::connect(server.port);
            caller.send(post(INVOKE, &format!("{name}: {value}\r\n"), b"1"));
            caller.reply()
        };
        let taken = send(&longest);
        assert_eq!((taken.status, taken.body.as_slice()), (200, &b"1"[..]));
        assert_eq!(taken.header("X-Amz-Function-Error"), None, "{name}");
        let refused = send(&longer);
        let found = refused.header("X-Amzn-ErrorType");
        assert_eq!((refused.status, found), (400, Some(error_type)), "{name}");
        assert!(refused.body.len() < 1000 && !refused.field("Message").is_empty());
    }
    assert!(!server.stderr().contains("the bootstrap exited"));
}

/// RFC 4648, for texts of a length that three divides.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3);
    assert!(groups.remainder().is_empty(), "{}", bytes.len());
    let letters = groups.flat_map(|group| {
        let bits = group
            .iter()
            .fold(0, |bits, &byte| bits << 8 | u32::from(byte));
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(bits >> shift & 63) as usize]))
    });
    letters.collect()
}

#[test]
fn event_of_any_depth_up_to_1000_is_taken() {
    let echo = support::function("echo");
    let server = Server::start(&echo, &["--timeout", "30", "--init-timeout", "30"]);
    for depth in [127, 128, 1000] {
        let event = "[".repeat(depth) + &"]".repeat(depth);
        let reply = server.invoke(event.clone());
        assert_eq!(
            (reply.status_code, reply.as_bytes()),
            (200, event.as_bytes())
        );
    }
    for (event, place) in [
        (
            "[".repeat(1001) + &"]".repeat(1001),
            "more than 1000 levels at line 1 column 1001",
        ),
        (
            "[".repeat(3_000_000),
            "more than 1000 levels at line 1 column 1001",
        ),
        ("[".repeat(200) + "\n\nx", "no value at line 3 column 1"),
        (
            "1e999".to_string(),
            "number out of range at line 1 column 5",
        ),
        (r#""\ud800""#.to_string(), "at line 1 column"),
    ] {
        let reply = server.invoke(event);
        assert_eq!(reply.status_code, 400);
        let text = reply.as_str().expect("text");
        assert!(text.contains(place), "{text}");
    }
}
