//! What an event on the command line may be: text, a file, stdin, and none of these.

use std::path::Path;

use crate::support::TempDir;
use crate::tool::{Server, finish, finish_with, run_once};
use crate::wire::Wire;

/// A bootstrap which the test itself is the runtime of.
const SLEEPER: &[u8] = b"#!/bin/sh\nexec sleep 60\n";

/// What the runtime is given for `tinderbox invoke --event ARGUMENT`, with this on stdin.
fn received(argument: &str, stdin: &[u8], options: &[&str]) -> Vec<u8> {
    let folder = TempDir::new();
    let server = Server::start(&folder.executable("bootstrap", SLEEPER), options);
    let port = server.port.to_string();
    let (argument, stdin) = (argument.to_string(), stdin.to_vec());
    let caller = std::thread::spawn(move || {
        finish_with(&["invoke", "--port", &port, "--event", &argument], &stdin)
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
fn json_is_the_event_itself() {
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
fn a_dash_is_stdin() {
    assert_eq!(
        received("-", b"{\"from\":\"stdin\"}", &[]),
        b"{\"from\":\"stdin\"}"
    );
    assert_eq!(received("-", b"", &[]), b"{}");
    assert_eq!(received("-", b"\x00\xff", &["--raw"]), b"\x00\xff");
    assert_eq!(received("-", b"", &["--raw"]), b"");
}

#[test]
fn anything_else_is_a_file_also_when_its_name_begins_with_a_digit() {
    let folder = TempDir::new();
    for name in ["event.json", "2024 events", "nullify"] {
        let file = folder.file(name, b"{\"from\":\"file\"}");
        let file = file.to_str().expect("UTF-8");
        assert_eq!(received(file, b"", &[]), b"{\"from\":\"file\"}");
    }
}

#[test]
fn an_event_that_is_not_json_is_told_with_its_place() {
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
        let call = finish(&["invoke", "--port", &port, "--event", event]);
        assert_eq!((call.code, call.stderr.as_str()), (2, line.as_str()));
    }
}

#[test]
fn an_event_that_is_neither_json_nor_a_file_is_told() {
    for (event, text) in [
        (
            "no-such-file",
            "the event 'no-such-file' is neither JSON nor a file that exists",
        ),
        (
            "12x",
            "the event '12x' is neither JSON nor a file that exists",
        ),
        ("/tmp", "the event '/tmp' is a folder, not a file"),
        ("", "the event '' is neither JSON nor a file that exists"),
    ] {
        let line = format!("tinderbox: {text}\n");
        let run = run_once(Path::new("/no/such"), event, &[]);
        assert_eq!((run.code, run.stderr.as_str()), (2, line.as_str()));
        let call = finish(&["invoke", "--event", event]);
        assert_eq!((call.code, call.stderr.as_str()), (2, line.as_str()));
    }
}

#[test]
fn an_event_over_the_limit_is_refused_before_anything_starts() {
    let folder = TempDir::new();
    let bootstrap = folder.executable("bootstrap", SLEEPER);
    let event = folder.file("event", &vec![b'1'; 6_291_557]);
    let run = run_once(&bootstrap, event.to_str().expect("UTF-8"), &["--raw"]);
    assert_eq!(run.code, 2);
    let line = "tinderbox: the event has 6291557 bytes; Lambda takes 6291556 at most\n";
    assert_eq!(run.stderr, line);
}
