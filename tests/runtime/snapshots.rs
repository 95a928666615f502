//! SnapStart hooks and the shutdown hook.

use crate::support::api::request::Other;
use crate::support::api::{CloseAt, Event, HangUp, Kind, Script, ScriptedReply, Server};
use crate::support::messages::SHUTDOWN_NOT_REGISTERED;
use crate::support::process::PATIENCE_MS;
use crate::support::start::Start;
use crate::support::{bound, function, sys, until};
use crate::{assert_echoed, error_message, probe};

fn snap() -> Start {
    probe().variable("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
}

/// A reply to `/restore/next`; the connection is reset afterwards, as by a restore.
fn restored() -> ScriptedReply {
    ScriptedReply::status(200)
        .close_at(CloseAt::AfterReply)
        .by(HangUp::Reset)
}

fn script(replies: Vec<ScriptedReply>, event: &Event) -> Script {
    Script {
        restores: replies,
        ..Script::events([event])
    }
}

#[test]
fn snapstart_requests_events_after_the_restore() {
    for init in ["", "hooks"] {
        let event = Event::new("event", "event");
        let start = snap().variable("PROBE_INIT", init);
        let outcome = start.run(script(vec![restored()], &event));
        let ledger = outcome.assert_serving();
        assert_echoed(ledger, &event);
        assert_eq!(
            (ledger.restores, ledger.connections),
            (1, 2 + ledger.extensions.len())
        );
        let hooks = match init {
            "" => "",
            _ => "before\nafter\n",
        };
        assert_eq!(outcome.stdout, hooks);
    }
}

#[test]
fn snapstart_replaces_the_connection_of_before_the_snapshot() {
    let event = Event::new("event", "event");
    let outcome = snap().run(script(vec![ScriptedReply::status(200)], &event));
    let ledger = outcome.assert_serving();
    assert_echoed(ledger, &event);
    assert_eq!(ledger.connections, 2);
}

#[test]
fn snapstart_without_a_restore_call_serves_events() {
    let event = Event::new("event", "event");
    let outcome = snap()
        .variable("PROBE_INIT", "hooks")
        .run(script(vec![], &event));
    assert_echoed(outcome.assert_serving(), &event);
    assert!(outcome.stdout.starts_with("before\n"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("after"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("404"), "{}", outcome.stderr);
}

#[test]
fn initialization_type_other_than_snapstart_waits_for_no_restore() {
    for kind in ["on-demand", "provisioned-concurrency", "snap-start-not", ""] {
        let event = Event::new("event", "event");
        let start = probe().variable("AWS_LAMBDA_INITIALIZATION_TYPE", kind);
        let outcome = start.run(script(vec![restored()], &event));
        assert_eq!(outcome.assert_serving().restores, 0, "{kind}");
    }
}

#[test]
fn after_restore_hook_failing_is_a_restore_error() {
    let event = Event::new("event", "event");
    for (how, error_type, code) in [
        ("fail", "Function.ProbeRestore", 3),
        ("panic", "Runtime.Panic", 101),
    ] {
        let start = snap().variable("PROBE_INIT", "hooks");
        let start = start.variable("PROBE_RESTORE", how);
        let outcome = start.run(script(vec![restored()], &event));
        let ledger = outcome.assert_exit(code);
        assert_eq!((ledger.posts.len(), ledger.gets), (1, 0), "{ledger}");
        assert_eq!(ledger.posts[0].kind, Kind::RestoreError);
        error_message(&ledger.posts[0], error_type);
    }
}

#[test]
fn before_snapshot_hook_failing_is_an_init_error() {
    let event = Event::new("event", "event");
    for (how, error_type, code) in [
        ("fail", "Function.ProbeSnapshot", 3),
        ("panic", "Runtime.Panic", 101),
    ] {
        let start = snap().variable("PROBE_INIT", "hooks");
        let start = start.variable("PROBE_SNAPSHOT", how);
        let outcome = start.run(script(vec![restored()], &event));
        let ledger = outcome.assert_exit(code);
        assert_eq!((ledger.posts.len(), ledger.gets), (1, 0), "{ledger}");
        assert_eq!(ledger.posts[0].kind, Kind::InitError);
        error_message(&ledger.posts[0], error_type);
        assert_eq!(ledger.restores, 0);
    }
}

/// After init, the platform registers no more extensions.
#[test]
fn shutdown_hook_with_snapstart_registers_before_the_snapshot() {
    let event = Event::new("event", "event");
    let script = Script {
        register: registered(),
        ..script(vec![restored()], &event)
    };
    let outcome = snap().variable("PROBE_INIT", "hooks").run(script);
    let ledger = outcome.assert_serving();
    assert_echoed(ledger, &event);
    let at = |what: &str| ledger.log.iter().position(|line| line.contains(what));
    assert!(at("Register").is_some(), "{ledger}");
    assert!(at("Register") < at("RestoreNext"), "{ledger}");
}

#[test]
fn sigterm_while_waiting_for_the_restore_runs_the_shutdown_hook() {
    let event = Event::new("event", "event");
    let mut late = restored();
    late.delay = bound(1_000);
    let server = Server::start(Script {
        register: registered(),
        ..script(vec![late], &event)
    });
    let mut process = snap()
        .variable("PROBE_INIT", "hooks")
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .spawn();
    until("a GET of /restore/next", || server.ledger().restores > 0);
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    assert_eq!(process.stdout(), "before\nshutdown\n");
    assert_eq!(server.finish().gets, 0, "an event was requested");
}

#[test]
fn init_error_with_snapstart_is_posted_before_the_snapshot() {
    let event = Event::new("event", "event");
    let start = snap().variable("PROBE_INIT", "fail");
    let outcome = start.run(script(vec![restored()], &event));
    let ledger = outcome.assert_exit(3);
    assert_eq!(ledger.posts[0].kind, Kind::InitError);
    assert_eq!(ledger.restores, 0);
}

#[test]
fn restore_call_refused_or_closed_twice_exits_1() {
    let event = Event::new("event", "event");
    let lost = || ScriptedReply::status(200).close_at(CloseAt::BeforeReply);
    for (replies, code) in [
        (vec![ScriptedReply::status(403)], Some(1)),
        (vec![ScriptedReply::status(500)], Some(1)),
        (vec![lost(), lost()], Some(1)),
        (vec![lost(), restored()], None),
    ] {
        let outcome = snap().run(script(replies, &event));
        assert_eq!(outcome.code, code, "{}", outcome.ledger);
    }
}

fn registered() -> Option<ScriptedReply> {
    let identifier = "Lambda-Extension-Identifier: 0a1b2c3d-4e5f\r\n";
    let reply = format!("HTTP/1.1 200 OK\r\n{identifier}Content-Length: 2\r\n\r\n{{}}");
    Some(ScriptedReply::raw(reply))
}

#[test]
fn shutdown_hook_registers_an_extension_and_runs_at_sigterm() {
    let event = Event::new("event", "event");
    let script = Script {
        register: registered(),
        ..Script::events([&event])
    };
    let server = Server::start(script);
    let start = probe().variable("PROBE_INIT", "hooks");
    let mut process = start
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .spawn();
    process.until_idle(&server);
    let ledger = server.ledger();
    let [register, next] = ledger.extensions.as_slice() else {
        panic!("{ledger}");
    };
    let header = |head: &crate::support::api::request::Head, name: &str| {
        let mut all = head.headers.iter();
        all.find(|h| h.0 == name).map(|h| h.1.clone())
    };
    assert_eq!(
        header(register, "Lambda-Extension-Name").as_deref(),
        Some("tinderbox")
    );
    let identifier = header(next, "Lambda-Extension-Identifier");
    assert_eq!(identifier.as_deref(), Some("0a1b2c3d-4e5f"));
    assert_echoed(&ledger, &event);

    // A signal while an event is being handled takes effect after its answer.
    let sleep = format!("sleep {}", bound(300).as_millis());
    let slow = Event::new("slow", sleep.as_str());
    server.more(vec![ScriptedReply::event(&slow)]);
    until("the event delivered", || {
        server.ledger().delivered("slow") > 0
    });
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    assert_eq!(process.stdout(), "shutdown\n");
    let ledger = server.finish();
    ledger.assert_clean();
    assert_eq!(ledger.answer("slow").body, sleep.as_bytes());
}

#[test]
fn extension_after_a_restore_waits_on_a_new_connection() {
    let event = Event::new("event", "event");
    let server = Server::start(Script {
        register: registered(),
        ..script(vec![restored()], &event)
    });
    let mut process = snap()
        .variable("PROBE_INIT", "hooks")
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .spawn();
    process.until_idle(&server);
    let ledger = server.ledger();
    let requests: Vec<_> = ledger.extensions.iter().map(|head| head.other).collect();
    let next = Some(Other::ExtensionNext);
    assert_eq!(requests, [Some(Other::Register), next, next], "{ledger}");
    assert_echoed(&ledger, &event);
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    server.finish();
}

#[test]
fn shutdown_hook_without_extensions_is_logged_and_events_are_served() {
    let event = Event::new("event", "event");
    let outcome = probe()
        .variable("PROBE_INIT", "hooks")
        .run(Script::events([&event]));
    assert_echoed(outcome.assert_serving(), &event);
    assert!(
        outcome.stderr.contains(SHUTDOWN_NOT_REGISTERED),
        "{}",
        outcome.stderr
    );
}

#[test]
fn sigterm_without_hook_terminates_the_process() {
    let server = Server::start(Script::default());
    let mut process = probe()
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .spawn();
    process.until_idle(&server);
    assert_eq!(server.ledger().extensions.len(), 0);
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS)).expect("an exit");
    assert_eq!(status.code(), None, "{status}");
}

#[test]
fn build_without_the_feature_refuses_its_variables() {
    for (name, value) in [
        ("AWS_LAMBDA_MAX_CONCURRENCY", "2"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start"),
    ] {
        let start = Start::new(&function("bare")).variable(name, value);
        let outcome = start.run(Script::default());
        let ledger = outcome.assert_exit(3);
        let message = error_message(&ledger.posts[0], "Runtime.Unsupported");
        assert_eq!(message, "needs the feature lambda-extras");
    }
    let event = Event::new("event", "event");
    let outcome = Start::new(&function("bare")).run(Script::events([&event]));
    assert_echoed(outcome.assert_serving(), &event);
}
