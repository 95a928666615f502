//! Runs under AWS's Runtime Interface Emulator (RIE), whose server code is the platform's.
//!
//! `TINDERBOX_RIE` is its path (`scripts/rie.sh`); without it these tests are skipped. The emulator
//! has fixed ports and serves one caller at a time, starts the bootstrap at the first invocation,
//! and answers a function error with status 200.

#[path = "rie/emulator.rs"]
mod emulator;
#[path = "rie/hosted.rs"]
mod hosted;
#[allow(dead_code)] // tests/hosted.rs uses more of it
#[path = "hosted/kinds.rs"]
mod kinds;
mod support;

use emulator::Rie;
use std::time::Instant;
use support::messages::SHUTDOWN_NOT_REGISTERED;
use support::process::PATIENCE_MS;
use support::skip::{self, has, skip};
use support::{TempDir, bootstrap, bound, bound_s, function, rounds, runner, until};

/// Starts the emulator, or reports the test as skipped and returns.
#[macro_export]
macro_rules! rie {
    ($($argument:expr),*) => {
        match $crate::emulator::Rie::start($($argument),*) {
            Some(rie) => rie,
            None => {
                $crate::skip::skip("no RIE: TINDERBOX_RIE is not set");
                return;
            }
        }
    };
}

#[test]
fn events_of_every_size_are_echoed() {
    let rie = rie!(&function("echo"), &[]);
    for bytes in [
        0,
        1,
        2_047,
        2_048,
        2_049,
        65_535,
        65_536,
        65_537,
        1 << 20,
        6_291_556,
    ] {
        let event: Vec<u8> = (0..bytes).map(|number| (number * 7 % 251) as u8).collect();
        let answer = rie.invoke(&event);
        assert_eq!(answer.status_code, 200, "{bytes} bytes");
        assert!(
            answer.as_bytes() == event,
            "{bytes} bytes come back as {}",
            answer.as_bytes().len()
        );
    }
}

#[test]
fn invocations_1000_in_a_row_use_one_connection() {
    let rie = rie!(&function("echo"), &[]);
    rie.invoke(b"first");
    let before = rie.connections();
    for number in 0..rounds("invocations on one connection", 1_000) {
        let event = format!("{{\"number\":{number}}}");
        assert_eq!(rie.invoke(event.as_bytes()).as_bytes(), event.as_bytes());
    }
    assert!(before.len() == 1 && before[0].1 == "01", "{before:?}");
    assert_eq!(
        rie.connections(),
        before,
        "the same connection, from the same port, and none that was closed"
    );
    assert_eq!(rie.starts().len(), 1, "one process");
}

#[test]
fn function_error_reaches_the_caller_unchanged() {
    let rie = rie!(&function("probe"), &[]);
    let expected =
        r#"{"errorType":"Function.Probe","errorMessage":"probe failed","stackTrace":[]}"#;
    for _ in 0..3 {
        assert_eq!(rie.text(b"fail"), (200, expected.to_string()));
        assert_eq!(
            rie.text(b"fine"),
            (200, "fine".to_string()),
            "the next event is served"
        );
    }
    assert_eq!(rie.starts().len(), 1, "an error does not end the process");
}

#[test]
fn response_over_the_limit_is_refused_and_the_next_event_served() {
    let rie = rie!(&function("probe"), &[]);
    let (_, text) = rie.text(b"big 6291557");
    assert!(text.contains("Function.ResponseSizeTooLarge"), "{text}");
    let answer = rie.invoke(b"big 6291556");
    assert!(answer.as_bytes().iter().all(|byte| *byte == b'x'));
    assert_eq!(answer.as_bytes().len(), 6_291_556);
    assert_eq!(rie.starts().len(), 1, "the process goes on");
}

#[test]
fn init_error_reaches_the_caller_and_each_call_starts_a_process() {
    let rie = rie!(&function("probe"), &[("PROBE_INIT", "fail")]);
    for number in 1..=3 {
        let (status, text) = rie.text(b"{}");
        assert_eq!(status, 502, "{text}");
        assert!(
            text.contains("Function.ProbeInit") && text.contains("probe init failed"),
            "{text}"
        );
        assert_eq!(rie.starts().len(), number);
    }
}

#[test]
fn panic_at_init_reaches_the_caller() {
    let rie = rie!(&function("probe"), &[("PROBE_INIT", "panic")]);
    let (status, text) = rie.text(b"{}");
    assert!(
        status == 502 && text.contains("Runtime.Panic") && text.contains("src/main.rs:"),
        "{status} {text}"
    );
}

#[test]
fn panic_reaches_the_caller_and_the_next_event_has_a_new_process() {
    let rie = rie!(&function("probe"), &[]);
    let (_, text) = rie.text(b"panic");
    assert!(
        text.contains("Runtime.Panic") && text.contains("src/main.rs:"),
        "{text}"
    );
    assert_eq!(rie.text(b"fine"), (200, "fine".to_string()));
    assert_eq!(rie.starts().len(), 2);
}

#[test]
fn function_with_std_answers_fails_and_panics() {
    let rie = rie!(&function("hello"), &[]);
    let hello = r#"{"message":"Hello, Ada!"}"#;
    assert_eq!(rie.text(br#"{"name":"Ada"}"#), (200, hello.to_string()));
    let (_, text) = rie.text(br#"{"name":"#);
    assert!(
        text.contains("serde_json::error::Error") && text.contains("line 1 column"),
        "{text}"
    );
    let (_, text) = rie.text(br#"{"name":"panic"}"#);
    assert!(
        text.contains("Runtime.Panic") && text.contains("asked to panic"),
        "{text}"
    );
    assert_eq!(rie.text(br#"{"name":"Ada"}"#), (200, hello.to_string()));
}

#[test]
fn crash_is_reported_by_the_emulator() {
    let rie = rie!(&function("probe"), &[]);
    for (number, (event, how)) in [("exit 7", "exit status 7"), ("crash", "signal: ")]
        .into_iter()
        .enumerate()
    {
        let (status, text) = rie.text(event.as_bytes());
        assert!(
            status == 502 && text.contains("Runtime.ExitError") && text.contains(how),
            "{event}: {status} {text}"
        );
        assert_eq!(rie.text(b"fine"), (200, "fine".to_string()));
        assert_eq!(rie.starts().len(), number + 2, "a new process");
    }
}

#[test]
fn timeout_of_a_native_function_is_reported_by_the_emulator() {
    let timeout_s = bound_s(1).to_string();
    let variables = [("AWS_LAMBDA_FUNCTION_TIMEOUT", timeout_s.as_str())];
    let rie = rie!(&function("probe"), &variables);
    let (_, text) = rie.text(b"sleep 600000");
    assert!(text.contains("Task timed out"), "{text}");
    assert_eq!(rie.text(b"fine"), (200, "fine".to_string()));
    assert_eq!(rie.starts().len(), 2);
}

#[test]
fn headers_of_the_caller_reach_the_function() {
    let rie = rie!(&function("probe"), &[]);
    // {"custom":{"a":"b"}} in base64.
    let context = "eyJjdXN0b20iOnsiYSI6ImIifX0=";
    let headers = [
        ("X-Amz-Client-Context", context),
        ("X-Amz-Tenant-Id", "tenant-7"),
    ];
    let text = String::from_utf8_lossy(rie.call(b"context", &headers).as_bytes()).into_owned();
    assert!(
        text.contains("client-context={\"custom\":{\"a\":\"b\"}}\n"),
        "{text}"
    );
    assert!(text.contains("tenant-id=tenant-7\n"), "{text}");
    assert!(
        text.contains("request-id=") && text.contains("deadline-ms="),
        "{text}"
    );
    assert_eq!(
        rie.text(b"env"),
        (200, "unset".to_string()),
        "the emulator sends no trace id"
    );
}

/// The emulator forwards a stream as one body, and reads trailers without using them.
#[test]
fn streamed_response_arrives_whole_and_the_connection_stays() {
    let rie = rie!(&function("probe"), &[]);
    rie.invoke(b"first");
    let before = rie.connections();
    for (event, bytes) in [
        ("stream 5 70000x3 1048576", 5 + 3 * 70_000 + 1_048_576),
        ("stream empty", 0),
        ("stream 5 fail", 5),
        ("stream 5 fail-long", 5),
        ("stream 1572889x4", 6_291_556),
    ] {
        let answer = rie.invoke(event.as_bytes());
        assert_eq!(answer.as_bytes().len(), bytes, "{event}");
        assert_eq!(rie.text(b"fine"), (200, "fine".to_string()), "{event}");
    }
    let (_, text) = rie.text(b"stream fail");
    assert!(text.contains("Function.Mid"), "{text}");
    assert_eq!(rie.connections(), before);
    assert_eq!(rie.starts().len(), 1);
}

/// An extension for the emulator is one for the platform, and gets SIGTERM.
#[test]
fn shutdown_hook_is_registered_and_runs_at_the_end() {
    let timeout_s = bound_s(1).to_string();
    let variables = [
        ("PROBE_INIT", "hooks"),
        ("AWS_LAMBDA_FUNCTION_TIMEOUT", timeout_s.as_str()),
    ];
    let mut rie = rie!(&function("probe"), &variables);
    for event in ["one", "two", "three"] {
        assert_eq!(rie.text(event.as_bytes()), (200, event.to_string()));
    }
    let output = rie.output();
    assert!(!output.contains(SHUTDOWN_NOT_REGISTERED), "{output}");
    // A runtime that is killed at the timeout gets no SIGTERM.
    let (_, text) = rie.text(b"sleep 600000");
    assert!(text.contains("Task timed out"), "{text}");
    assert_eq!(rie.text(b"fine"), (200, "fine".to_string()));
    assert_eq!(rie.starts().len(), 2);
    assert!(!rie.output().contains("shutdown\n"));
    rie.end();
    assert!(rie.output().contains("shutdown\n"), "{}", rie.output());
}

#[test]
fn hosted_program_is_run_for_each_event() {
    let root = TempDir::new();
    let script = "#!/bin/sh\necho log >&2\nread -r word\n[ \"$word\" = fail ] && exit 3\n\
                  echo \"$word\" | tr a-z A-Z\n";
    root.executable("program", script.as_bytes());
    let place = root.path().to_str().expect("text");
    let rie = rie!(
        &bootstrap(),
        &[("_HANDLER", "program"), ("LAMBDA_TASK_ROOT", place)]
    );
    for _ in 0..3 {
        assert_eq!(rie.text(b"hello\n"), (200, "HELLO\n".to_string()));
        let (_, text) = rie.text(b"fail\n");
        assert!(
            text.contains("Runtime.ExitError") && text.contains("exit status 3: log"),
            "{text}"
        );
    }
}

#[test]
fn response_and_next_request_are_one_send_unless_disabled() {
    if runner().is_some() {
        skip("strace sees the system calls of the runner");
        return;
    }
    if !has("strace") {
        return;
    }
    let trace = TempDir::new();
    for (pipeline, together) in [("1", true), ("0", false)] {
        let file = trace.path().join(pipeline);
        let line = format!("strace -f -s 4096 -e trace=sendto -o {}", file.display());
        let variables = [("TINDERBOX_PIPELINE", pipeline), ("STRACE", line.as_str())];
        let rie = rie!(&function("echo"), &variables);
        for _ in 0..5 {
            assert_eq!(rie.text(b"event"), (200, "event".to_string()));
        }
        drop(rie);
        let text = std::fs::read_to_string(&file).expect("strace wrote its file");
        let posts: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("\"POST "))
            .collect();
        assert_eq!(posts.len(), 5, "{text}");
        for post in posts {
            assert_eq!(
                post.contains("eventGET /2018-06-01/runtime/invocation/next"),
                together,
                "{post}"
            );
        }
    }
}

#[test]
fn workers_answer_events_at_once_and_are_replaced() {
    if runner().is_some() {
        skip("the emulator runs no runner where it handles several events at once");
        return;
    }
    let Some(rie) = Rie::start_many(&function("probe"), 4) else {
        skip("several events at once need an emulator, root and mount namespaces");
        return;
    };
    // The emulator starts the function at once, and refuses a call while no worker waits; it
    // answers its caller just before a worker waits again.
    let text = |event: &str| {
        let end = Instant::now() + bound(PATIENCE_MS);
        loop {
            let (status, text) = rie.text(event.as_bytes());
            if status == 200 {
                return text;
            }
            assert_eq!(text, "{\"errorType\":\"Runtime.Unavailable\"}", "{event}");
            assert!(Instant::now() < end, "never a worker");
        }
    };
    assert_eq!(text("up"), "up");
    assert_eq!(rie.runtimes().len(), 5, "four workers and their parent");
    let sleep = bound(500);
    let event = format!("sleep {}", sleep.as_millis());
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(text(&event), event));
        }
    });
    let took = begin.elapsed();
    assert!(took < 4 * sleep, "one after another: {took:?}");
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let text = &text;
            scope.spawn(move || {
                for number in 0..100 {
                    let event = format!("{caller}-{number}");
                    assert_eq!(text(&event), event);
                }
            });
        }
    });
    assert!(text("fail").contains("Function.Probe"));
    let pid: u32 = text("pid").parse().expect("a pid");
    support::sys::kill(pid, support::sys::SIGKILL);
    until("a worker replaced", || {
        let pids = rie.runtimes();
        pids.len() == 5 && !pids.contains(&pid)
    });
    assert_eq!(text("still here"), "still here");
}
