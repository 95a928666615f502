//! The event argument: text, a file, stdin, or invalid.

use std::path::Path;

use crate::harness::{Server, run_once, run_tool, run_tool_with_stdin};
use crate::support::TempDir;
use crate::wire::Wire;

/// A bootstrap for tests that are the runtime themselves.
const SLEEPER: &[u8] = b"#!/bin/sh\nexec sleep 60\n";

/// The event that the runtime receives for `tinderbox invoke --event ARGUMENT` with this stdin.
fn received(argument: &str, stdin: &[u8], options: &[&str]) -> Vec<u8> {
    let folder = TempDir::new();
    let options = [&["--timeout", "30", "--any-runtime"], options].concat();
    let server = Server::start(&folder.executable("bootstrap", SLEEPER), &options);
    let port = server.port.to_string();
    let (argument, stdin) = (argument.to_string(), stdin.to_vec());
    let caller = std::thread::spawn(move || {
        run_tool_with_stdin(&["invoke", "--port", &port, "--event", &argument], &stdin)
    });
    let mut runtime = Wire::connect(server.runtime_port);
    runtime.get("/2018-06-01/runtime/invocation/next");
    let event = runtime.reply();
    let id = event
        .header("Lambda-Runtime-Aws-Request-Id")
        .expect("an id");
    runtime.post(
        &format!("/2018-06-01/runtime/invocation/{id}/response"),
        b"[1]",
    );
    assert_eq!(runtime.reply().status, 202);
    let caller = caller.join().expect("the caller ends");
    assert_eq!(
        (caller.code, caller.text().as_str()),
        (0, "[1]"),
        "{}",
        caller.stderr
    );
    event.body
}

#[test]
fn event_argument_json_is_the_event() {
    for text in [
        "{\"a\": 1}",
        "[1, 2]",
        "\"text\"",
        "42",
        "-0.5e3",
        "null",
        "true",
        " {} ",
    ] {
        assert_eq!(received(text, b"", &[]), text.as_bytes(), "{text}");
    }
}

#[test]
fn event_argument_dash_is_stdin() {
    assert_eq!(
        received("-", b"{\"from\":\"stdin\"}", &[]),
        b"{\"from\":\"stdin\"}"
    );
    assert_eq!(received("-", b"", &[]), b"{}");
    assert_eq!(received("-", b"\x00\xff", &["--binary"]), b"\x00\xff");
    assert_eq!(received("-", b"", &["--binary"]), b"");
}

#[test]
fn event_argument_other_than_json_is_a_file() {
    let folder = TempDir::new();
    for name in ["event.json", "2024 events", "nullify"] {
        let file = folder.file(name, b"{\"from\":\"file\"}");
        let file = file.to_str().expect("UTF-8");
        assert_eq!(received(file, b"", &[]), b"{\"from\":\"file\"}");
    }
}

#[test]
fn event_malformed_is_reported_with_line_and_column() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", SLEEPER);
    let server = Server::start(&bootstrap, &[]);
    let port = server.port.to_string();
    let file = folder.file("event", b"{\n \"a\": }\n");
    let file = file.to_str().expect("UTF-8");
    for (event, place) in [
        ("{\"a\" 1}", "expected `:` at line 1 column 6"),
        ("[1", "EOF while parsing a list at line 1 column 2"),
        ("\"a", "EOF while parsing a string at line 1 column 2"),
        (file, "expected value at line 2 column 7"),
    ] {
        let line = format!("tinderbox: the event is not JSON: {place}\n");
        let run = run_once(&bootstrap, event, &[]);
        assert_eq!((run.code, run.stderr.as_str()), (2, line.as_str()));
        let call = run_tool(&["invoke", "--port", &port, "--event", event]);
        assert_eq!((call.code, call.stderr.as_str()), (2, line.as_str()));
    }
}

#[test]
fn event_argument_without_file_is_reported() {
    for (event, text) in [
        (
            "no-such-file",
            "invalid event 'no-such-file': neither JSON nor an existing file",
        ),
        (
            "12x",
            "invalid event '12x': neither JSON nor an existing file",
        ),
        (
            "/tmp",
            "cannot read the event file '/tmp': Is a directory (os error 21)",
        ),
        ("", "invalid event '': neither JSON nor an existing file"),
    ] {
        let line = format!("tinderbox: {text}\n");
        let run = run_once(Path::new("/no/such"), event, &[]);
        assert_eq!((run.code, run.stderr.as_str()), (2, line.as_str()));
        let call = run_tool(&["invoke", "--event", event]);
        assert_eq!((call.code, call.stderr.as_str()), (2, line.as_str()));
    }
}

#[test]
fn event_over_limit_starts_nothing() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", SLEEPER);
    let event = folder.file("event", &vec![b'1'; 6_291_457]);
    let run = run_once(&bootstrap, event.to_str().expect("UTF-8"), &["--binary"]);
    assert_eq!(run.code, 2);
    let line = "tinderbox: the event is too long: 6291457 bytes, and the limit is 6291456\n";
    assert_eq!(run.stderr, line);
}
