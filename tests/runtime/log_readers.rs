//! Log pipes that are full or broken: lines are lost, but no event and no exit code.

use std::io::{PipeWriter, Read, Write};

use crate::support::api::{Event, Kind, Script, ScriptedReply, Server};
use crate::support::bound;
use crate::support::process::PATIENCE_MS;
use crate::support::start::Start;
use crate::{echo, probe};

/// A full pipe, with its reading end, which is not read.
fn full_pipe() -> (std::io::PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer
        .write_all(&[b'-'; 65_536])
        .expect("the capacity of a pipe");
    (reader, writer)
}

/// A pipe without a reading end.
fn broken_pipe() -> PipeWriter {
    std::io::pipe().expect("a pipe").1
}

fn assert_logged(start: &Start, event: &str) {
    let events = ["one", "two"].map(|id| Event::new(id, event));
    let outcome = start.run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for id in ["one", "two"] {
        assert_eq!(ledger.answer(id).kind, Kind::Response);
        assert_eq!(ledger.answer(id).body, b"logged");
    }
}

#[test]
fn log_pipe_full_costs_no_event() {
    for event in ["log:short", "log-big 100000", "levels 300"] {
        let (reader, writer) = full_pipe();
        assert_logged(&probe().stderr(writer), event);
        drop(reader);
    }
}

#[test]
fn log_pipe_broken_costs_no_event() {
    for event in ["log:short", "log-big 100000", "levels 300"] {
        assert_logged(&probe().stderr(broken_pipe()), event);
        let telemetry = probe().variable("_LAMBDA_TELEMETRY_LOG_FD", "1");
        assert_logged(&telemetry.stdout(broken_pipe()), event);
    }
}

#[test]
fn telemetry_pipe_full_within_a_frame_gets_no_more_frames_and_stderr_has_all() {
    let server = Server::start(Script::events([
        &Event::new("cut", "log-big 100000"),
        &Event::new("behind", "log:after the cut"),
    ]));
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let start = probe()
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .variable("_LAMBDA_TELEMETRY_LOG_FD", "1")
        .stdout(writer);
    let mut process = start.spawn();
    drop(start);
    process.until_idle(&server);
    let outcome = process.finish(server);
    outcome.assert_serving();
    let log = outcome.log();
    let zeros = log.matches("\\u0000").count();
    assert_eq!(zeros, 100_000, "the whole record");
    assert!(log.contains("after the cut"));
    let mut frames = Vec::new();
    reader.read_to_end(&mut frames).expect("a pipe");
    assert!(frames.len() >= 65_536, "{} bytes", frames.len());
    let text = String::from_utf8_lossy(&frames);
    assert!(!text.contains("after the cut"), "a frame within another");
}

#[test]
fn refusal_with_an_unread_log_exits_1() {
    let (reader, writer) = full_pipe();
    for start in [echo().stderr(writer), echo().stderr(broken_pipe())] {
        let event = Event::new("one", "x");
        let server = Server::start(Script::events([&event]).post(ScriptedReply::status(400)));
        let start = start.variable("AWS_LAMBDA_RUNTIME_API", &server.address());
        let mut process = start.spawn();
        // The runtime may wait a bounded time for a reader first.
        let status = process.wait(bound(PATIENCE_MS)).expect("an exit");
        assert_eq!(status.code(), Some(1), "{}", process.finish(server).ledger);
    }
    drop(reader);
}

#[test]
fn status_410_with_an_unread_log_fails_no_other_event() {
    let (reader, writer) = full_pipe();
    for start in [echo().stderr(writer), echo().stderr(broken_pipe())] {
        let events = ["one", "two"].map(|id| Event::new(id, "x"));
        let outcome = start.run(Script::events(&events).post(ScriptedReply::status(410)));
        let ledger = outcome.assert_serving();
        assert_eq!(ledger.answer("two").body, b"x");
    }
    drop(reader);
}
