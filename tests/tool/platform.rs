//! What the platform can ask of a function, and a function of it: streams, several events at once,
//! snapshots, notice of the end. Against the release binary `probe`, and the test as the runtime.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bench::{Bench, NEXT, response_path};
use crate::support::{function, proc, sys};
use crate::tool::{Server, call, finish, run_once, until};
use crate::wire::{chunked, post};

const STREAMING: &str = "Lambda-Runtime-Function-Response-Mode: streaming\r\n";

fn probe(options: &[&str]) -> Server {
    let all = [
        &["--raw", "--timeout", "30", "--init-timeout", "30"],
        options,
    ]
    .concat();
    Server::start(&function("probe"), &all)
}

/// What `invoke --stream` prints, its exit status and its stderr.
fn stream(server: &Server, event: &str) -> (i32, Vec<u8>, String) {
    let folder = crate::support::TempDir::new();
    let file = folder.file("event", event.as_bytes());
    let port = server.port.to_string();
    let file = file.to_str().expect("text");
    let run = finish(&["invoke", "--stream", "--port", &port, "--event", file]);
    (run.code, run.stdout, run.stderr)
}

/// The frames of a streamed answer, taken apart and their sums checked, as the specification says.
fn frames(mut bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().expect("four"));
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (frame, rest) = bytes.split_at(number(bytes) as usize);
        bytes = rest;
        assert_eq!(number(&frame[8..]), crc(&frame[..8]), "the prelude's sum");
        let (content, sum) = frame.split_at(frame.len() - 4);
        assert_eq!(number(sum), crc(content), "the frame's sum");
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
fn the_sums_are_those_of_the_standard() {
    assert_eq!(crc(b"123456789"), 0xcbf4_3926, "the check value of CRC-32");
}

#[test]
fn a_stream_comes_in_frames_piece_by_piece() {
    let bench = Bench::start(&["--raw"]);
    let port = bench.server.port;
    let url = format!(
        "http://127.0.0.1:{port}/2021-11-15/functions/function/response-streaming-invocations"
    );
    let caller = call(minreq::post(url).with_body("x"));
    let mut runtime = bench.connect();
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
fn a_stream_is_printed_as_it_comes_whole_and_in_little_memory() {
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
fn what_fails_before_or_within_a_stream_is_told_and_the_exit_status_is_1() {
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
    // An ordinary response comes as a stream, too.
    assert_eq!(stream(&server, "an echo").1, b"an echo");
}

#[test]
fn events_are_handled_side_by_side() {
    let server = probe(&["--concurrency", "4"]);
    let began = Instant::now();
    let calls: Vec<_> = (0..8).map(|_| call(server.request("sleep 500"))).collect();
    for call in calls {
        assert_eq!(call.reply().as_bytes(), b"sleep 500");
    }
    let took = began.elapsed();
    assert!(
        took < Duration::from_millis(8 * 500),
        "one after another: {took:?}"
    );
    let pids: Vec<_> = (0..20).map(|_| call(server.request("pid"))).collect();
    for pid in pids {
        let reply = pid.reply();
        assert!(reply.as_str().expect("text").parse::<u32>().is_ok());
    }
    let text = server.invoke("getenv:AWS_LAMBDA_INITIALIZATION_TYPE\0");
    assert_eq!(text.as_bytes(), b"lambda-managed-instances");
}

#[test]
fn a_time_out_among_many_kills_nothing_and_the_late_answer_is_refused() {
    let bench = Bench::start(&["--concurrency", "2", "--timeout", "0.3"]);
    let (mut one, mut two) = (bench.connect(), bench.connect());
    let slow = bench.call("1");
    let id = one.next().id();
    let text = slow.reply();
    assert!(
        text.as_str()
            .expect("text")
            .contains("Task timed out after 0.30 seconds")
    );
    // Others are served meanwhile, and the process lives.
    let fine = bench.call("2");
    let other = two.next().id();
    assert_eq!(two.respond(&other, b"fine").status, 202);
    assert_eq!(fine.reply().as_bytes(), b"fine");
    let late = one.respond(&id, b"late");
    assert_eq!(
        (late.status, late.field("errorType").as_str()),
        (410, "InvokeTimeout")
    );
    assert_eq!(one.respond(&id, b"again").status, 400, "an id is late once");
    let again = bench.call("3");
    let id = one.next().id();
    assert_eq!(one.respond(&id, b"served").status, 202);
    assert_eq!(again.reply().as_bytes(), b"served");
    assert_eq!(one.respond(&id, b"twice").status, 400);
}

#[test]
fn an_event_is_not_given_to_a_connection_that_is_gone() {
    let bench = Bench::start(&["--concurrency", "2"]);
    let mut gone = bench.connect();
    gone.get(NEXT);
    assert!(gone.is_silent());
    drop(gone);
    let caller = bench.call("1");
    let mut there = bench.connect();
    let id = there.next().id();
    assert_eq!(there.respond(&id, b"there").status, 202);
    assert_eq!(caller.reply().as_bytes(), b"there");
}

#[test]
fn when_the_process_of_many_dies_all_that_is_in_hand_fails_and_the_next_starts_it() {
    let server = probe(&["--concurrency", "3"]);
    assert_eq!(server.invoke("up").as_bytes(), b"up");
    let calls: Vec<_> = (0..3)
        .map(|_| call(server.request("sleep 20000")))
        .collect();
    until("three in hand", || {
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
fn a_snapshot_is_taken_and_restored_between_the_hooks() {
    let options = ["--raw", "--snapstart", "--env", "PROBE_INIT=hooks"];
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
fn the_calls_of_a_snapshot_are_legal_once_and_in_order() {
    let bench = Bench::start(&["--snapstart"]);
    let mut runtime = bench.connect();
    let restore = "/2018-06-01/runtime/restore/";
    runtime.send(post(&format!("{restore}error"), "", b"{}"));
    assert_eq!(runtime.reply().status, 403, "nothing was restored");
    runtime.get(&format!("{restore}next"));
    let reply = runtime.reply();
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert!(runtime.is_closed(), "what was connected before is dead");
    let mut runtime = bench.connect();
    runtime.get(&format!("{restore}next"));
    assert_eq!(runtime.reply().status, 403, "once");
    let caller = bench.call("1");
    let id = runtime.next().id();
    assert_eq!(runtime.respond(&id, b"restored").status, 202);
    assert_eq!(caller.reply().as_bytes(), b"restored");
}

#[test]
fn who_has_registered_an_extension_is_given_notice_and_its_time() {
    let mut server = probe(&["--env", "PROBE_INIT=hooks"]);
    assert_eq!(server.invoke("up").as_bytes(), b"up");
    assert_eq!(server.stop(sys::SIGTERM).code(), Some(0));
    assert!(server.stderr().contains("shutdown"), "{}", server.stderr());

    // One that ignores the notice is killed when its time is up; no other is given any.
    let bench = Bench::start(&[]);
    let mut runtime = bench.connect();
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
            let mut extension = bench.connect();
            extension.send(get("another"));
            assert_eq!(extension.reply().status, 403);
            extension.send(get(identifier));
            assert!(extension.is_silent());
        }
    }
    let caller = bench.call("1");
    let id = runtime.next().id();
    runtime.send(post(register, name, b"{\"events\":[]}"));
    assert_eq!(runtime.reply().status, 403, "init is over");
    assert_eq!(runtime.respond(&id, b"ok").status, 202);
    runtime.get(NEXT);
    assert_eq!(caller.reply().as_bytes(), b"ok");
}

#[test]
fn what_does_not_go_together_is_said() {
    for (options, text) in [
        (&["--concurrency", "0"][..], "no number from 1 to 1024"),
        (&["--concurrency", "1025"], "no number from 1 to 1024"),
        (&["--concurrency", "x"], "no number from 1 to 1024"),
        (
            &["--concurrency", "2", "--snapstart"],
            "--snapstart with --concurrency",
        ),
    ] {
        let run = run_once(&function("probe"), "{}", options);
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains(text), "{}", run.stderr);
    }
    let run = finish(&["invoke", "--trace-id", "a\nb"]);
    assert!(run.code == 2 && run.stderr.contains("--trace-id takes printable ASCII"));
}

#[test]
fn a_trace_id_of_the_callers_reaches_the_function() {
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
    assert_eq!(finish(&arguments).text(), "Root=1-2-3");
}
