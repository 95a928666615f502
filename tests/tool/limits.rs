//! Resources that callers can use up: connections, threads, descriptors, memory, time. The tool
//! continues, and refuses calls with the right status.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::fake_runtime::{ManualRuntime, NEXT, response_path};
use crate::harness::{Server, call, wait_until};
use crate::support::{self, sys};
use crate::wire::{INVOKE, Reply, Wire, post};

const STREAM: &str = "/2021-11-15/functions/function/response-streaming-invocations";

/// Asserts Lambda's answer to too many calls.
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
fn idle_connections_with_few_descriptors_do_not_block_calls() {
    let echo = support::function("echo");
    let server = Server::start_with(&echo, &["--timeout", "30"], |command| {
        sys::limit(command, sys::DESCRIPTORS, 64);
    });
    let callers = idle(server.port, 100);
    let runtimes = idle(server.runtime_port, 100);
    let (began, used) = (Instant::now(), server.cpu_time());
    thread::sleep(Duration::from_millis(1000));
    let used = server.cpu_time() - used;
    assert!(used < began.elapsed() / 2, "a busy loop: {used:?}");
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    for pid in server.processes() {
        sys::kill(pid, sys::SIGKILL);
    }
    server.wait_for_stderr("the next event restarts it");
    assert_eq!(server.invoke("2").as_bytes(), b"2");
    drop((callers, runtimes));
    assert!(!server.stderr().contains("internal error"));
}

#[test]
fn idle_connections_with_little_address_space_do_not_block_calls() {
    let echo = support::function("echo");
    let server = Server::start_with(&echo, &["--timeout", "30"], |command| {
        // Each thread has a stack; this keeps the C library from reserving an arena for each too.
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
fn idle_connections_with_few_processes_do_not_block_calls() {
    let echo = support::function("echo");
    let tool = Path::new(env!("CARGO_BIN_EXE_tinderbox"));
    // The limit does not apply to root, so the tool has to run as another user, which needs root.
    let is_root = std::fs::metadata("/proc/self").map_or(1, |own| own.uid()) == 0;
    let is_open = |path: &Path| path.metadata().is_ok_and(|found| found.mode() & 0o001 != 0);
    let folders = tool.ancestors().chain(echo.ancestors());
    if !is_root || !folders.into_iter().all(is_open) {
        support::skip::skip("needs root, and a folder that others can enter");
        return;
    }
    let server = Server::start_with(&echo, &["--timeout", "30"], |command| {
        let own = 61_000 + std::process::id() % 4_000; // an unused id
        sys::limit(command.uid(own).gid(own), sys::PROCESSES, 40);
    });
    let callers = idle(server.port, 100);
    assert_eq!(server.invoke("1").as_bytes(), b"1");
    for pid in server.processes() {
        sys::kill(pid, sys::SIGKILL);
    }
    server.wait_for_stderr("the next event restarts it");
    assert_eq!(server.invoke("2").as_bytes(), b"2");
    assert!(!server.stderr().contains("internal error"));
    drop(callers);
}

#[test]
fn connection_over_capacity_is_429_and_later_ones_are_served() {
    let lambda = ManualRuntime::start_with(&["--concurrency", "100"], |command| {
        sys::limit(command, sys::DESCRIPTORS, 64);
    });
    let mut callers = idle(lambda.server.port, 4);
    for caller in &mut callers {
        caller.post(INVOKE, b"1");
    }
    wait_until("a refusal", || {
        let mut more = Wire::connect(lambda.server.port);
        more.post(INVOKE, b"2");
        let is_refused = !more.is_silent();
        if is_refused {
            let reply = more.reply();
            assert_throttled(&reply);
            assert_eq!(reply.header("Connection"), Some("close"));
        }
        is_refused
    });
    let mut runtime = lambda.connect();
    let mut answered = 0;
    while answered < callers.len() {
        let event = runtime.next(); // in any order, including those of callers that gave up
        runtime.respond(&event.id(), b"3");
        answered += usize::from(event.body == b"1");
    }
    for caller in &mut callers {
        assert_eq!(caller.reply().body, b"3");
    }
    let caller = lambda.call("4");
    let id = loop {
        let event = runtime.next();
        let is_last = event.body == b"4";
        let id = event.id();
        if is_last {
            break id;
        }
        runtime.respond(&id, b"5"); // an event whose caller gave up
    };
    runtime.respond(&id, b"6");
    assert_eq!(caller.reply().as_bytes(), b"6");
}

#[test]
fn bodies_over_the_memory_budget_are_429() {
    let lambda = ManualRuntime::start(&[]);
    let mut callers = idle(lambda.server.port, 60);
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
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    runtime.respond(&id, b"2");
    assert_eq!(caller.reply().as_bytes(), b"2");
}

#[test]
fn queued_events_over_the_budget_are_429() {
    for (event, accepted) in [(b"1".to_vec(), 1000), (vec![b'1'; 1_000_000], 67)] {
        let lambda = ManualRuntime::start(&["--binary"]);
        let mut caller = Wire::connect(lambda.server.port);
        let kind = "X-Amz-Invocation-Type: Event\r\n";
        for number in 1..=accepted + 2 {
            caller.send(post(INVOKE, kind, &event));
            let reply = caller.reply();
            match number > accepted {
                true => assert_throttled(&reply),
                false => assert_eq!(reply.status, 202, "{number}"),
            }
        }
        // A handled event frees its share of the budget.
        let mut runtime = lambda.connect();
        let id = runtime.next().id();
        runtime.respond(&id, b"2");
        runtime.get(NEXT);
        wait_until("a free share", || {
            caller.send(post(INVOKE, kind, &event));
            caller.reply().status == 202
        });
    }
}

#[test]
fn trailers_over_the_limit_close_the_connection() {
    let lambda = ManualRuntime::start(&[]);
    for line in [
        "T: v\r\n".to_string(),
        format!("T: {}\r\n", "v".repeat(4000)),
    ] {
        for port in [lambda.server.port, lambda.server.runtime_port] {
            let path = match port == lambda.server.port {
                true => INVOKE.to_string(),
                false => response_path("x"),
            };
            let mut client = Wire::connect(port);
            client.send(format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
            ));
            let many = line.repeat(1000);
            let is_closed = (0..100).any(|_| !client.try_send(many.as_bytes()));
            if !is_closed {
                // Malformed for the one; for the other the id is unknown.
                assert_eq!(client.reply().status, 400);
            }
            let is_closed = is_closed || client.is_closed();
            assert!(is_closed, "{} bytes a line to {path}", line.len());
        }
    }
}

#[test]
fn head_in_single_bytes_costs_linear_time() {
    let lambda = ManualRuntime::start(&[]);
    let used = [0, 900_000].map(|length| {
        let mut client = Wire::connect(lambda.server.port);
        let head = format!(
            "POST {INVOKE} HTTP/1.1\r\nHost: x\r\nX: {}",
            "y".repeat(length)
        );
        client.send(&head);
        thread::sleep(Duration::from_millis(100));
        let before = lambda.server.cpu_time();
        for _ in 0..1000 {
            client.send("y");
            thread::sleep(Duration::from_millis(2)); // otherwise one read would get several bytes
        }
        lambda.server.cpu_time() - before
    });
    let step = Duration::from_millis(10); // resolution of the CPU clock
    assert!(used[1] < used[0] * 2 + step * 10, "{used:?}");
}

#[test]
fn stalled_and_silent_connections_do_not_block_calls() {
    let lambda =
        ManualRuntime::start_with(&[], |command| sys::limit(command, sys::DESCRIPTORS, 64));
    let mut callers = idle(lambda.server.port, 20);
    for caller in &mut callers {
        caller.try_send(b"POST / HTTP/1.1\r\nHost:");
    }
    let caller = lambda.call("1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    runtime.respond(&id, b"2");
    assert_eq!(caller.reply().as_bytes(), b"2");
}

#[test]
fn stream_caller_that_does_not_read_blocks_no_other() {
    let lambda = ManualRuntime::start(&["--binary", "--timeout", "2"]);
    let mut stuck = Wire::connect(lambda.server.port);
    stuck.post(STREAM, b"1");
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    let body = vec![b'x'; 64 << 20];
    let mode = "Lambda-Runtime-Function-Response-Mode: streaming\r\n";
    let sender = thread::spawn(move || {
        // The connection is closed at the timeout.
        runtime.try_send(&post(&response_path(&id), mode, &body));
    });
    lambda.server.wait_for_stderr("Status: timeout");
    let caller = call(lambda.server.request("2"));
    wait_until("a new bootstrap", || lambda.server.processes().len() == 1);
    let mut runtime = lambda.connect();
    runtime.get(NEXT);
    let event = runtime.reply();
    runtime.respond(&event.id(), b"3");
    assert_eq!(caller.reply().as_bytes(), b"3");
    sender.join().expect("the sender ends");
    drop(stuck);
}

#[test]
fn headers_over_lambdas_limits_are_400() {
    let echo = support::function("echo");
    let server = Server::start(
        &echo,
        &["--binary", "--timeout", "30", "--init-timeout", "30"],
    );
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
        assert!(refused.body.len() < 1000 && !refused.field("message").is_empty());
    }
    assert!(!server.stderr().contains("the bootstrap exited"));
}

/// RFC 4648, for texts whose length is a multiple of three.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3);
    assert!(groups.remainder().is_empty(), "{}", bytes.len());
    let digits = groups.flat_map(|group| {
        let bits = group
            .iter()
            .fold(0, |bits, &byte| bits << 8 | u32::from(byte));
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[(bits >> shift & 63) as usize]))
    });
    digits.collect()
}

#[test]
fn event_nested_up_to_1000_levels_is_accepted() {
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
        (
            "[".repeat(200) + "\n\nx",
            "expected a value at line 3 column 1",
        ),
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
