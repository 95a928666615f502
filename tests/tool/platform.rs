//! Features of the platform: response streams, concurrent events, snapshots, extensions. With the
//! release binary `probe`, or with the test as the runtime.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fake_runtime::{ManualRuntime, NEXT, response_path};
use crate::harness::{Server, call, run_once, run_tool, short_timeout, wait_until};
use crate::support::{function, proc, sys};
use crate::wire::{chunked, post};

const STREAMING: &str = "Lambda-Runtime-Function-Response-Mode: streaming\r\n";

fn probe(options: &[&str]) -> Server {
    let all = [
        &["--binary", "--timeout", "30", "--init-timeout", "30"],
        options,
    ]
    .concat();
    Server::start(&function("probe"), &all)
}

/// The exit status, stdout and stderr of `invoke --stream`.
fn stream(server: &Server, event: &str) -> (i32, Vec<u8>, String) {
    let folder = crate::support::TempDir::new();
    let file = folder.file("event", event.as_bytes());
    let port = server.port.to_string();
    let file = file.to_str().expect("text");
    let run = run_tool(&["invoke", "--stream", "--port", &port, "--event", file]);
    (run.code, run.stdout, run.stderr)
}

/// The frames of a response stream, parsed and their checksums verified according to the
/// specification.
fn frames(mut bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().expect("four"));
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (frame, rest) = bytes.split_at(number(bytes) as usize);
        bytes = rest;
        assert_eq!(
            number(&frame[8..]),
            crc(&frame[..8]),
            "the prelude's checksum"
        );
        let (content, sum) = frame.split_at(frame.len() - 4);
        assert_eq!(number(sum), crc(content), "the frame's checksum");
        let (mut headers, payload) = content[12..].split_at(number(&frame[4..]) as usize);
        let mut event_type = String::new();
        while let Some((&length, rest)) = headers.split_first() {
            let (name, rest) = rest.split_at(length.into());
            assert_eq!(rest[0], 7, "a text");
            let length = u16::from_be_bytes([rest[1], rest[2]]);
            let (value, rest) = rest[3..].split_at(length.into());
            if name == b":event-type" {
                event_type = String::from_utf8(value.to_vec()).expect("text");
            }
            headers = rest;
        }
        frames.push((event_type, payload.to_vec()));
    }
    frames
}

/// CRC-32 by division of polynomials, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let mut rest = u32::MAX;
    for bit in bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |at| byte >> at & 1))
    {
        let differs = (rest & 1) as u8 != bit;
        rest = rest >> 1 ^ if differs { 0xedb8_8320 } else { 0 };
    }
    !rest
}

#[test]
fn crc_32_of_the_check_string_is_the_check_value() {
    assert_eq!(crc(b"123456789"), 0xcbf4_3926, "the check value of CRC-32");
}

#[test]
fn response_stream_is_sent_in_frames() {
    let lambda = ManualRuntime::start(&["--binary"]);
    let port = lambda.server.port;
    let url = format!(
        "http://127.0.0.1:{port}/2021-11-15/functions/function/response-streaming-invocations"
    );
    let caller = call(minreq::post(url).with_body("x"));
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\n{STREAMING}Transfer-Encoding: chunked\r\n\r\n",
        response_path(&id)
    );
    runtime.send(head);
    runtime.send(chunked(b"first second", 6));
    assert_eq!(runtime.reply().status, 202);
    runtime.get(NEXT);
    let reply = caller.reply();
    assert_eq!(
        reply.header("Content-Type"),
        Some("application/vnd.amazon.eventstream")
    );
    let frames = frames(reply.as_bytes());
    let (end, pieces) = frames.split_last().expect("an end");
    assert!(
        pieces
            .iter()
            .all(|(event_type, _)| event_type == "PayloadChunk")
    );
    let payloads: Vec<u8> = pieces
        .iter()
        .flat_map(|(_, payload)| payload.clone())
        .collect();
    assert_eq!(payloads, b"first second");
    assert_eq!(end, &("InvokeComplete".to_string(), b"{}".to_vec()));
}

#[test]
fn response_stream_is_printed_completely_in_little_memory() {
    let server = probe(&[]);
    assert_eq!(stream(&server, "stream words").1, b"words");
    assert_eq!(stream(&server, "stream ").1, b"");
    let (code, prelude, _) = stream(&server, "stream http words");
    assert_eq!(code, 0);
    let end = prelude
        .windows(8)
        .position(|eight| eight == [0; 8])
        .expect("eight NULs");
    let head: Value = serde_json::from_slice(&prelude[..end]).expect("JSON");
    assert_eq!(head["statusCode"], 201);
    assert_eq!(&prelude[end + 8..], b"http words");

    let (code, printed, _) = stream(&server, "stream 1048576x50");
    assert_eq!((code, printed.len()), (0, 50 * 1024 * 1024));
    let tool = server.pid();
    assert!(
        proc::resident_kib(tool) < 32 * 1024,
        "{}",
        proc::resident_kib(tool)
    );
}

#[test]
fn response_stream_failure_is_reported_with_exit_status_1() {
    let server = probe(&[]);
    for (event, printed, error_type, text) in [
        ("fail", "", "Function.Probe", "probe failed"),
        ("stream fail", "", "Function.Mid", "failed"),
        ("stream words fail", "words fail", "Function.Mid", "failed"),
        (
            "stream words exit",
            "words exit",
            "Runtime.ExitError",
            "exit status 9",
        ),
        (
            "stream words panic",
            "words panic",
            "Runtime.Panic",
            "panicked within a stream",
        ),
        (
            "big 6291557",
            "",
            "Function.ResponseSizeTooLarge",
            "6291556",
        ),
    ] {
        let (code, stdout, stderr) = stream(&server, event);
        assert_eq!(code, 1, "{event}: {stderr}");
        assert_eq!(String::from_utf8_lossy(&stdout), printed, "{event}");
        assert!(
            stderr.contains(error_type) && stderr.contains(text),
            "{stderr}"
        );
    }
    // A buffered response is sent as a stream, too.
    assert_eq!(stream(&server, "an echo").1, b"an echo");
}

#[test]
fn concurrent_events_are_handled_in_parallel() {
    let server = probe(&["--concurrency", "4"]);
    assert_eq!(server.invoke("up").as_bytes(), b"up");
    let started = Instant::now();
    assert_eq!(server.invoke("sleep 500").as_bytes(), b"sleep 500");
    let single = started.elapsed();
    let started = Instant::now();
    let calls: Vec<_> = (0..8).map(|_| call(server.request("sleep 500"))).collect();
    for call in calls {
        assert_eq!(call.reply().as_bytes(), b"sleep 500");
    }
    let all = started.elapsed();
    assert!(all < 8 * single, "one after another: {all:?}, {single:?}");
    let pids: Vec<_> = (0..20).map(|_| call(server.request("pid"))).collect();
    for pid in pids {
        let reply = pid.reply();
        assert!(reply.as_str().expect("text").parse::<u32>().is_ok());
    }
    let text = server.invoke("getenv:AWS_LAMBDA_INITIALIZATION_TYPE\0");
    assert_eq!(text.as_bytes(), b"lambda-managed-instances");
}

#[test]
fn concurrent_timeout_kills_nothing_and_refuses_the_late_answer() {
    let timeout = short_timeout();
    let options = ["--concurrency", "2", "--timeout", &timeout.to_string()];
    let lambda = ManualRuntime::start(&options);
    let (mut one, mut two) = (lambda.connect(), lambda.connect());
    let slow = lambda.call("1");
    let id = one.next().id();
    let text = slow.reply();
    let timed_out = format!("Task timed out after {timeout:.2} seconds");
    assert!(text.as_str().expect("text").contains(&timed_out));
    // Other events are handled meanwhile, and the process keeps running.
    let fine = lambda.call("2");
    let other = two.next().id();
    assert_eq!(two.respond(&other, b"fine").status, 202);
    assert_eq!(fine.reply().as_bytes(), b"fine");
    let late = one.respond(&id, b"late");
    assert_eq!(
        (late.status, late.field("errorType").as_str()),
        (410, "InvokeTimeout")
    );
    assert_eq!(
        one.respond(&id, b"again").status,
        400,
        "only the first late answer is 410"
    );
    let again = lambda.call("3");
    let id = one.next().id();
    assert_eq!(one.respond(&id, b"served").status, 202);
    assert_eq!(again.reply().as_bytes(), b"served");
    assert_eq!(one.respond(&id, b"twice").status, 400);
}

#[test]
fn closed_connection_gets_no_event() {
    let lambda = ManualRuntime::start(&["--concurrency", "2"]);
    let mut gone = lambda.connect();
    gone.get(NEXT);
    assert!(gone.is_silent());
    drop(gone);
    let caller = lambda.call("1");
    let mut there = lambda.connect();
    let id = there.next().id();
    assert_eq!(there.respond(&id, b"there").status, 202);
    assert_eq!(caller.reply().as_bytes(), b"there");
}

#[test]
fn concurrent_process_exit_fails_all_events_in_flight() {
    let server = probe(&["--concurrency", "3"]);
    assert_eq!(server.invoke("up").as_bytes(), b"up");
    let calls: Vec<_> = (0..3)
        .map(|_| call(server.request("sleep 20000")))
        .collect();
    wait_until("three events in flight", || {
        server.stderr().matches("START ").count() == 4
    });
    std::thread::sleep(Duration::from_millis(200));
    let bootstrap = proc::pids()
        .into_iter()
        .find(|pid| proc::state_and_parent(*pid).is_some_and(|(_, parent)| parent == server.pid()));
    sys::kill(bootstrap.expect("a bootstrap"), sys::SIGKILL);
    for call in calls {
        let reply = call.reply();
        let text = reply.as_str().expect("text");
        assert!(text.contains("Runtime.ExitError"), "{text}");
    }
    assert_eq!(server.invoke("again").as_bytes(), b"again");
}

#[test]
fn snapshot_is_restored_between_the_hooks() {
    let options = ["--binary", "--snapstart", "--env", "PROBE_INIT=hooks"];
    let run = run_once(&function("probe"), "{}", &options);
    assert_eq!((run.code, run.text().as_str()), (0, "{}"), "{}", run.stderr);
    let order = [
        "before",
        "INIT_REPORT",
        "after",
        "START",
        "Restore Duration",
        "shutdown",
    ];
    let mut from = 0;
    for word in order {
        let found = run.stderr[from..].find(word);
        from += found.unwrap_or_else(|| panic!("{word} in {}", run.stderr));
    }

    let fails = [&options[..], &["--env", "PROBE_RESTORE=fail"]].concat();
    let run = run_once(&function("probe"), "{}", &fails);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        run.text().contains("Function.ProbeRestore"),
        "{}",
        run.text()
    );
}

#[test]
fn snapshot_calls_are_legal_once_and_in_order() {
    let lambda = ManualRuntime::start(&["--snapstart"]);
    let mut runtime = lambda.connect();
    let restore = "/2018-06-01/runtime/restore/";
    runtime.send(post(&format!("{restore}error"), "", b"{}"));
    assert_eq!(runtime.reply().status, 403, "nothing was restored");
    runtime.get(&format!("{restore}next"));
    let reply = runtime.reply();
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert!(runtime.is_closed(), "what was connected before is dead");
    let mut runtime = lambda.connect();
    runtime.get(&format!("{restore}next"));
    assert_eq!(runtime.reply().status, 403, "once");
    let caller = lambda.call("1");
    let id = runtime.next().id();
    assert_eq!(runtime.respond(&id, b"restored").status, 202);
    assert_eq!(caller.reply().as_bytes(), b"restored");
}

#[test]
fn extension_gets_sigterm_at_shutdown() {
    let mut server = probe(&["--env", "PROBE_INIT=hooks"]);
    assert_eq!(server.invoke("up").as_bytes(), b"up");
    assert_eq!(server.stop(sys::SIGTERM).code(), Some(0));
    assert!(server.stderr().contains("shutdown"), "{}", server.stderr());

    // An extension that ignores SIGTERM is killed after the grace period.
    let lambda = ManualRuntime::start(&[]);
    let mut runtime = lambda.connect();
    let register = "/2020-01-01/extension/register";
    let name = "Lambda-Extension-Name: x\r\n";
    for (headers, body, status) in [
        ("", "{\"events\":[]}", 403),
        (name, "{\"events\":[\"INVOKE\"]}", 403),
        (name, "", 403),
        (name, "{\"events\":[]}", 200),
    ] {
        runtime.send(post(register, headers, body.as_bytes()));
        let reply = runtime.reply();
        assert_eq!(reply.status, status, "{headers:?} {body}");
        if let Some(identifier) = reply.header("Lambda-Extension-Identifier") {
            let get = |identifier: &str| {
                format!(
                    "GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: x\r\n\
                     Lambda-Extension-Identifier: {identifier}\r\n\r\n"
                )
            };
            let mut extension = lambda.connect();
            extension.send(get("another"));
            assert_eq!(extension.reply().status, 403);
            extension.send(get(identifier));
            assert!(extension.is_silent());
        }
    }
    let caller = lambda.call("1");
    let id = runtime.next().id();
    runtime.send(post(register, name, b"{\"events\":[]}"));
    assert_eq!(runtime.reply().status, 403, "init is over");
    assert_eq!(runtime.respond(&id, b"ok").status, 202);
    runtime.get(NEXT);
    assert_eq!(caller.reply().as_bytes(), b"ok");
}

#[test]
fn concurrency_options_invalid_are_refused() {
    for (options, text) in [
        (
            &["--concurrency", "0"][..],
            "expected an integer from 1 to 1024",
        ),
        (
            &["--concurrency", "1025"],
            "expected an integer from 1 to 1024",
        ),
        (
            &["--concurrency", "x"],
            "invalid --concurrency 'x': expected an integer from 1 to 1024",
        ),
        (
            &["--concurrency", "2", "--snapstart"],
            "--snapstart and --concurrency exclude each other",
        ),
    ] {
        let run = run_once(&function("probe"), "{}", options);
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains(text), "{}", run.stderr);
    }
    let run = run_tool(&["invoke", "--trace-id", "a\nb"]);
    assert!(run.code == 2 && run.stderr.contains("invalid --trace-id"));
}

#[test]
fn trace_id_option_reaches_the_function() {
    let server = probe(&[]);
    let port = server.port.to_string();
    let folder = crate::support::TempDir::new();
    let event = folder.file("event", b"env");
    let event = event.to_str().expect("text");
    let arguments = [
        "invoke",
        "--port",
        &port,
        "--event",
        event,
        "--trace-id",
        "Root=1-2-3",
    ];
    assert_eq!(run_tool(&arguments).text(), "Root=1-2-3");
}
