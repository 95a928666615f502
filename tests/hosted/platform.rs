//! The life of an environment: SIGTERM before its end, and a snapshot after init.

use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::kinds::{HostedRun, command, node, php, program, python, ruby, started, worker};
use crate::skip::{has, skip};
use crate::support::api::{CloseAt, Event, HangUp, Kind, Script, ScriptedReply, Server};
use crate::support::hosting::{error_type, events, message, response};
use crate::support::process::{PATIENCE_MS, Process};
use crate::support::{TempDir, bound, sys};

const HOOKED_WORKER: &[u8] = include_bytes!("functions/hooked_worker.pl");
const SIGTERM: i32 = 15;

fn hooked() -> Option<HostedRun> {
    has("perl").then(|| {
        let dir = TempDir::new();
        dir.executable("worker", HOOKED_WORKER);
        let start = started(&dir, "worker:worker");
        HostedRun { dir, start }
    })
}

/// Sends SIGTERM to the runtime; the code that it exits with.
fn terminate(process: &mut Process) -> Option<i32> {
    sys::kill(process.pid(), SIGTERM);
    let status = process.wait(Duration::from_secs(60)).expect("it exits");
    assert_eq!(status.signal(), None, "{}", process.stderr());
    status.code()
}

#[test]
fn sigterm_while_idle_reaches_the_process_and_the_runtime_exits_0() {
    for format in ["Text", "JSON"] {
        let Some(hosted) = hooked() else {
            return;
        };
        let hosted = hosted.variable("AWS_LAMBDA_LOG_FORMAT", format);
        let (mut process, server) = hosted.spawn(&events(["x"]));
        process.until_idle(&server);
        assert_eq!(terminate(&mut process), Some(0));
        assert!(
            process.stderr().contains("asked to exit"),
            "{}",
            process.stderr()
        );
        server.finish().assert_balanced();
        process.assert_no_descendant(bound(PATIENCE_MS));
    }
}

#[test]
fn sigterm_within_an_event_reaches_the_process_and_the_runtime_exits_0() {
    let Some(hosted) = hooked() else {
        return;
    };
    let (mut process, _server) = hosted.spawn(&events(["sleep"]));
    process.until_logged("sleeps");
    assert_eq!(terminate(&mut process), Some(0));
    assert!(
        process.stderr().contains("asked to exit"),
        "{}",
        process.stderr()
    );
    process.assert_no_descendant(bound(PATIENCE_MS));
}

#[test]
fn sigterm_to_a_process_that_stays_ends_it_after_two_seconds() {
    let Some(hosted) = hooked() else {
        return;
    };
    let hosted = hosted.variable("STAYS", "1");
    let (mut process, server) = hosted.spawn(&events(["x"]));
    process.until_idle(&server);
    assert_eq!(terminate(&mut process), Some(0));
    process.assert_no_descendant(bound(PATIENCE_MS));
}

#[test]
fn sigterm_without_a_process_ends_the_runtime_with_0() {
    let Some(kind) = program() else {
        return;
    };
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&events(["x"]));
    process.until_idle(&server);
    assert_eq!(terminate(&mut process), Some(0));
    // Within an event it reaches the program.
    let (mut process, _server) = hosted.spawn(&events([command("sleep 60")]));
    process.until_logged("sleeps");
    assert_eq!(terminate(&mut process), Some(0));
    process.assert_no_descendant(bound(PATIENCE_MS));
}

/// A run with a snapshot that is restored once, and this event afterwards.
fn snapshot(hosted: &HostedRun, event: &str) -> (Process, Server) {
    let restored = ScriptedReply::status(200)
        .close_at(CloseAt::AfterReply)
        .by(HangUp::Reset);
    let script = Script {
        restores: vec![restored],
        ..Script::events(&events([event]))
    };
    let server = Server::start(script);
    let start = hosted.start.clone();
    let start = start
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .variable("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start");
    (start.spawn(), server)
}

const BEFORE: &str = "before the snapshot";
const AFTER: &str = "after the restore";

#[test]
fn restore_runs_the_hooks_of_the_process_once_before_the_first_event() {
    for (hooks, runs) in [("1", 1), ("", 0)] {
        let Some(hosted) = hooked() else {
            return;
        };
        let hosted = hosted.variable("HOOKS", hooks);
        let (mut process, server) = snapshot(&hosted, "x");
        process.until_idle(&server);
        let outcome = process.finish(server);
        let ledger = outcome.assert_serving();
        response(ledger, "event-0");
        assert_eq!(ledger.restores, 1);
        assert_eq!(outcome.stderr.matches(BEFORE).count(), runs);
        assert_eq!(outcome.stderr.matches(AFTER).count(), runs);
    }
}

#[test]
fn restore_hook_that_fails_or_exits_is_a_restore_error() {
    for (hooks, expected) in [("fail", "Function.Hook"), ("exit", "Runtime.ExitError")] {
        let Some(hosted) = hooked() else {
            return;
        };
        let hosted = hosted.variable("HOOKS", hooks);
        let (process, server) = snapshot(&hosted, "never");
        let outcome = process.until_done(server);
        assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
        let ledger = &outcome.ledger;
        assert_eq!((ledger.posts.len(), ledger.gets), (1, 0), "{ledger}");
        let post = &ledger.posts[0];
        assert_eq!(post.kind, Kind::RestoreError);
        assert_eq!(error_type(post), expected);
        message(post, expected);
    }
}

#[test]
fn process_restarted_after_a_restore_runs_its_hooks_again() {
    let Some(hosted) = hooked() else {
        return;
    };
    let hosted = hosted.variable("HOOKS", "1");
    let (mut process, server) = snapshot(&hosted, "exit");
    process.until_idle(&server);
    server.more(vec![ScriptedReply::event(&Event::new("next", "x"))]);
    process.until_idle(&server);
    let outcome = process.finish(server);
    response(outcome.assert_serving(), "next");
    assert_eq!(outcome.stderr.matches(BEFORE).count(), 2);
    assert_eq!(outcome.stderr.matches(AFTER).count(), 2);
}

#[test]
fn api_on_ipv6_serves_events() {
    if TcpListener::bind("[::1]:0").is_err() {
        skip("this machine has no IPv6");
        return;
    }
    for (prefix, spell) in [
        ("", "[::1]:PORT"),
        ("", "http://[::1]:PORT/"),
        ("/.rt/x", "http://[::1]:PORT/.rt/x"),
        ("/.rt/x", "http://[0:0::1]:PORT/.rt/x"),
    ] {
        let Some(kind) = program() else {
            return;
        };
        let hosted = kind.hosted_run();
        let script = Script {
            on_ipv6: true,
            prefix: prefix.to_string(),
            ..Script::events(&events(["one", "two"]))
        };
        let server = Server::start(script);
        let address = spell.replace("PORT", &server.port().to_string());
        let start = hosted.start.clone();
        let process = start.variable("AWS_LAMBDA_RUNTIME_API", &address).spawn();
        let outcome = process.until_done(server);
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "event-0"), b"one", "{address}");
        assert_eq!(response(ledger, "event-1"), b"two", "{address}");
        assert_eq!(ledger.connections, 1);
    }
}

#[test]
fn envelope_of_a_durable_function_and_lineage_pass_unchanged() {
    let envelope = concat!(
        r#"{"DurableExecutionArn":"arn:aws:lambda:us-east-1:1:function:f:1/durable-"#,
        r#"execution/n/i","#,
        r#""CheckpointToken":"dG9rZW4=","InitialExecutionState":{"Operations":[{"Id":"0","#,
        r#""Type":"EXECUTION","Status":"STARTED","ExecutionDetails":{"InputPayload":"{}"}}],"#,
        r#""NextMarker":""}}"#
    );
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;\
                 Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2";
    let kinds = [program(), worker(), php(), node(), python(), ruby()];
    for kind in kinds.into_iter().flatten() {
        let asks = Event::new("trace", command("trace")).header("Lambda-Runtime-Trace-Id", trace);
        let outcome = kind
            .hosted_run()
            .run(&[Event::new("durable", envelope), asks]);
        let ledger = outcome.assert_serving();
        // Each language writes JSON in its own way.
        let read =
            |text: &[u8]| -> serde_json::Value { serde_json::from_slice(text).expect("JSON") };
        let answer = read(response(ledger, "durable"));
        assert_eq!(answer, read(envelope.as_bytes()), "{}", kind.file);
        let text = String::from_utf8_lossy(response(ledger, "trace")).into_owned();
        assert_eq!(text, format!("\"{trace}\""), "{}", kind.file);
    }
}
