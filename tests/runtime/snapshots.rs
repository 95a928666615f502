//! SnapStart, and notice of the end.

use std::time::{Duration, Instant};

use crate::support::api::request::Other;
use crate::support::api::{Cut, Event, HangUp, Kind, Script, Server, Turn};
use crate::support::process::PATIENCE_MS;
use crate::support::start::Start;
use crate::support::{bound, function, sys};
use crate::{assert_echoed, error_message, probe};

fn snap() -> Start {
    probe().variable("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
}

/// A reply to `/restore/next`; the connection is dead afterwards, as after a restore.
fn restored() -> Turn {
    Turn::status(200).cut(Cut::AfterReply).by(HangUp::Reset)
}

fn script(turns: Vec<Turn>, event: &Event) -> Script {
    Script {
        restores: turns,
        ..Script::events([event])
    }
}

#[test]
fn the_first_event_comes_after_the_snapshot() {
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
        let said = if init.is_empty() {
            ""
        } else {
            "before\nafter\n"
        };
        assert_eq!(outcome.stdout, said);
    }
}

#[test]
fn the_connection_of_before_is_left_though_it_seems_alive() {
    let event = Event::new("event", "event");
    let outcome = snap().run(script(vec![Turn::status(200)], &event));
    let ledger = outcome.assert_serving();
    assert_echoed(ledger, &event);
    assert_eq!(ledger.connections, 2);
}

#[test]
fn a_server_that_knows_no_snapshots_is_served_without() {
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
fn other_environments_ask_for_no_snapshot() {
    for kind in ["on-demand", "provisioned-concurrency", "snap-start-not", ""] {
        let event = Event::new("event", "event");
        let start = probe().variable("AWS_LAMBDA_INITIALIZATION_TYPE", kind);
        let outcome = start.run(script(vec![restored()], &event));
        assert_eq!(outcome.assert_serving().restores, 0, "{kind}");
    }
}

#[test]
fn a_failed_restore_is_an_error_of_the_restore() {
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
fn what_fails_before_the_snapshot_is_an_init_error_and_none_is_taken() {
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

/// Once init is over, no extension is registered any more: the server turns that off.
#[test]
fn who_wants_notice_of_the_end_is_registered_before_the_snapshot() {
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
fn the_end_may_come_while_the_snapshot_is_waited_for() {
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
    let end = Instant::now() + bound(PATIENCE_MS);
    while server.ledger().restores == 0 {
        assert!(Instant::now() < end, "{}", server.ledger());
        std::thread::sleep(Duration::from_millis(1));
    }
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    assert_eq!(process.stdout(), "before\nshutdown\n");
    assert_eq!(server.finish().gets, 0, "no event was asked for");
}

#[test]
fn an_init_error_comes_before_any_snapshot() {
    let event = Event::new("event", "event");
    let start = snap().variable("PROBE_INIT", "fail");
    let outcome = start.run(script(vec![restored()], &event));
    let ledger = outcome.assert_exit(3);
    assert_eq!(ledger.posts[0].kind, Kind::InitError);
    assert_eq!(ledger.restores, 0);
}

#[test]
fn a_refusal_and_a_connection_that_is_lost_twice_end_it() {
    let event = Event::new("event", "event");
    let lost = || Turn::status(200).cut(Cut::BeforeReply);
    for (turns, code) in [
        (vec![Turn::status(403)], Some(1)),
        (vec![Turn::status(500)], Some(1)),
        (vec![lost(), lost()], Some(1)),
        (vec![lost(), restored()], None),
    ] {
        let outcome = snap().run(script(turns, &event));
        assert_eq!(outcome.code, code, "{}", outcome.ledger);
    }
}

fn registered() -> Option<Turn> {
    let identifier = "Lambda-Extension-Identifier: 0a1b2c3d-4e5f\r\n";
    let reply = format!("HTTP/1.1 200 OK\r\n{identifier}Content-Length: 2\r\n\r\n{{}}");
    Some(Turn::raw(reply))
}

#[test]
fn who_wants_notice_of_the_end_is_registered_and_gets_it() {
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

    // While an event is in hand, the end waits.
    let slow = Event::new("slow", "sleep 300");
    server.more(vec![Turn::event(&slow)]);
    while server.ledger().delivered("slow") == 0 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS));
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    assert_eq!(process.stdout(), "shutdown\n");
    let ledger = server.finish();
    ledger.assert_clean();
    assert_eq!(ledger.answer("slow").body, b"sleep 300");
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
fn a_server_without_extensions_is_served_all_the_same() {
    let event = Event::new("event", "event");
    let outcome = probe()
        .variable("PROBE_INIT", "hooks")
        .run(Script::events([&event]));
    assert_echoed(outcome.assert_serving(), &event);
    assert!(
        outcome
            .stderr
            .contains("cannot register the extension for on_shutdown"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn who_wants_nothing_is_ended_by_the_signal_itself() {
    let server = Server::start(Script::default());
    let mut process = probe()
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .spawn();
    process.until_idle(&server);
    assert_eq!(server.ledger().extensions.len(), 0);
    sys::kill(process.pid(), sys::SIGTERM);
    let status = process.wait(bound(PATIENCE_MS)).expect("ended");
    assert_eq!(status.code(), None, "{status}");
}

#[test]
fn a_build_without_the_platform_says_so() {
    for (name, value) in [
        ("AWS_LAMBDA_MAX_CONCURRENCY", "2"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start"),
    ] {
        let start = Start::new(&function("bare")).variable(name, value);
        let outcome = start.run(Script::default());
        let ledger = outcome.assert_exit(3);
        let message = error_message(&ledger.posts[0], "Runtime.Unsupported");
        assert_eq!(message, "built without the feature lambda-extras");
    }
    let event = Event::new("event", "event");
    let outcome = Start::new(&function("bare")).run(Script::events([&event]));
    assert_echoed(outcome.assert_serving(), &event);
}
