//! Unusual environments: closed streams, few descriptors, a kernel without pidfds, no task root,
//! odd paths, connections that break, snapshots, process 1.

use std::time::{Duration, Instant};

use crate::for_kinds;
use crate::kinds::{HostedRun, Kind, bash, command, dash, php, started, worker};
use crate::skip::{has, skip};
use crate::support::api::{CloseAt, Event, HangUp, Kind as Post, Script, ScriptedReply};
use crate::support::hosting::{error, error_type, events, response};
use crate::support::process::PATIENCE_MS;
use crate::support::{TempDir, bound, proc, runner, until};
use crate::timing::due_in;

for_kinds!(persistent [bash dash worker php node python ruby] [
    standard_streams_closed_events_are_served
    standard_streams_and_dev_null_missing_events_are_served
    task_root_unset_is_the_current_folder
    task_root_of_any_characters_is_found
    context_value_too_long_is_left_out
    connections_that_break_lose_no_event
    snapshot_after_init_changes_no_answer
]);

for_kinds!(few [bash dash program worker] [
    descriptors_exhausted_each_event_is_answered
    pidfd_unsupported_exits_are_noticed
]);

/// The same run, with lines of sh that start the runtime as `"$@"`.
pub fn started_by_shell(hosted: HostedRun, lines: &str) -> HostedRun {
    let text = format!(
        "#!/bin/sh\nset -- {} \"$@\"\n{lines}\n",
        runner().unwrap_or_default()
    );
    let path = hosted.dir.executable("wrapper", text.as_bytes());
    hosted.variable("AWS_LAMBDA_EXEC_WRAPPER", path.to_str().expect("UTF-8"))
}

fn standard_streams_closed_events_are_served(kind: &Kind) {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let hosted = started_by_shell(kind.hosted_run(), &format!("exec \"$@\" {closed}"));
        let outcome = hosted.run(&events([
            "\"fine\"".to_string(),
            command("log text"),
            command("fail so"),
            "\"fine\"".to_string(),
        ]));
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "event-0"), b"\"fine\"", "{closed}");
        assert_eq!(response(ledger, "event-1"), b"\"logged\"", "{closed}");
        error(ledger, "event-2", kind.failure);
        assert_eq!(response(ledger, "event-3"), b"\"fine\"", "{closed}");
    }
}

fn standard_streams_and_dev_null_missing_events_are_served(kind: &Kind) {
    if runner().is_some() {
        skip("strace would see the calls of the runner");
        return;
    }
    if !has("strace") {
        return;
    }
    for closed in ["<&-", "<&- 2>&-", "<&- >&- 2>&-"] {
        // strace itself opens closed streams, so the shell closes them after it.
        let lines = format!(
            "exec strace -qq -D -o /dev/null -P /dev/null -e trace=openat \
             -e inject=openat:error=ENOENT sh -c 'exec \"$0\" \"$@\" {closed}' \"$@\""
        );
        let outcome =
            started_by_shell(kind.hosted_run(), &lines).run(&events(["\"fine\"", "\"again\""]));
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "event-0"), b"\"fine\"", "{closed}");
        assert_eq!(response(ledger, "event-1"), b"\"again\"", "{closed}");
    }
}

fn task_root_unset_is_the_current_folder(kind: &Kind) {
    let hosted = kind.hosted_run();
    let root = hosted.dir.path().display().to_string();
    let mut hosted = started_by_shell(hosted, &format!("cd {root}\nexec \"$@\""));
    hosted.start = hosted.start.without("LAMBDA_TASK_ROOT");
    let outcome = hosted.run(&events(["\"fine\""]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"\"fine\"");
}

fn task_root_of_any_characters_is_found(kind: &Kind) {
    let outer = TempDir::new();
    // Without a backslash, which Node refuses in the path of a module.
    let root = "it's a \"$root\" %20 ;&#?*\u{e9}\u{1f525}";
    let name = format!("{root}/{}", kind.file);
    let hosted = kind.hosted_run();
    let source = std::fs::read(hosted.dir.path().join(kind.file)).expect("the source");
    outer.executable(&name, &source);
    let place = outer.path().join(root);
    let hosted = hosted.variable("LAMBDA_TASK_ROOT", place.to_str().expect("UTF-8"));
    let outcome = hosted.run(&events(["\"fine\""]));
    assert_eq!(response(outcome.assert_serving(), "event-0"), b"\"fine\"");
}

fn context_value_too_long_is_left_out(kind: &Kind) {
    let client = format!("{{\"custom\":{{\"key\":\"{}\"}}}}", "x".repeat(17_000));
    let mut events = events([command("client"), command("context")]);
    for event in &mut events {
        let whole = event
            .clone()
            .header("Lambda-Runtime-Client-Context", &client);
        *event = whole.header(
            "Lambda-Runtime-Cognito-Identity",
            r#"{"cognitoIdentityId":"id-1"}"#,
        );
    }
    let outcome = kind.hosted_run().run(&events);
    let ledger = outcome.assert_serving();
    let body = response(ledger, "event-0");
    let value: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    assert!(value[0].is_null(), "{:.300}", value.to_string());
    assert_eq!(value[1]["cognitoIdentityId"], "id-1");
    assert!(response(ledger, "event-1").starts_with(b"\"event-1|arn:"));
}

fn connections_that_break_lose_no_event(kind: &Kind) {
    let mut script = Script::default();
    let mut events = Vec::new();
    for hang_up in [HangUp::Fin, HangUp::Close, HangUp::Reset] {
        for cut in [
            CloseAt::BeforeReply,
            CloseAt::InRequest(20),
            CloseAt::InReply(0),
            CloseAt::InReply(200),
        ] {
            let id = format!("event-{}", events.len());
            let event = Event::new(&id, format!("[{}]", events.len()));
            script = script.get(ScriptedReply::event(&event).close_at(cut).by(hang_up));
            script = script
                .get(ScriptedReply::event(&event))
                .post(ScriptedReply::status(202));
            events.push(event);
        }
        for hangs_up in [true, false] {
            let id = format!("event-{}", events.len());
            let event = Event::new(&id, command("pid"));
            let reply = ScriptedReply::status(202);
            script = script
                .get(ScriptedReply::event(&event))
                .post(match hangs_up {
                    true => reply.close_at(CloseAt::AfterReply).by(HangUp::Fin),
                    false => reply,
                });
            events.push(event);
        }
    }
    let outcome = kind.hosted_run().start.run(script);
    let ledger = outcome.assert_serving();
    let mut pids = Vec::new();
    for event in &events {
        let body = response(ledger, &event.id);
        if event.body.starts_with(b"[") {
            assert_eq!(body, event.body);
        } else {
            pids.push(body);
        }
    }
    pids.dedup();
    assert_eq!(pids.len(), 1, "one process for all");
}

fn snapshot_after_init_changes_no_answer(kind: &Kind) {
    let hosted = kind
        .hosted_run()
        .variable("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start");
    let events = events([
        "\"fine\"".to_string(),
        command("killed"),
        "\"fine\"".to_string(),
    ]);
    let script = Script {
        restores: vec![
            ScriptedReply::status(200)
                .close_at(CloseAt::AfterReply)
                .by(HangUp::Reset),
        ],
        ..Script::events(&events)
    };
    let outcome = hosted.start.run(script);
    let ledger = outcome.assert_serving();
    assert_eq!(ledger.restores, 1);
    assert_eq!(response(ledger, "event-0"), b"\"fine\"");
    error(ledger, "event-1", "Runtime.ExitError");
    assert_eq!(response(ledger, "event-2"), b"\"fine\"");
}

fn descriptors_exhausted_each_event_is_answered(kind: &Kind) {
    if runner().is_some() {
        skip("a runner needs descriptors itself");
        return;
    }
    let mut served = 0;
    for limit in 4..20 {
        let hosted = started_by_shell(
            kind.hosted_run(),
            &format!("ulimit -n {limit}\nexec \"$@\""),
        );
        let events = events([
            "\"fine\"".to_string(),
            command("fail so"),
            "\"fine\"".to_string(),
        ]);
        let outcome = hosted.run(&events);
        let ledger = &outcome.ledger;
        println!("{limit}: {:?} {ledger}\n{}", outcome.code, outcome.stderr);
        match outcome.code {
            None => ledger.assert_balanced(),
            Some(code) => {
                // Without a descriptor it cannot even report the error to the Runtime API.
                assert!([1, 3].contains(&code), "{limit}: {code}");
                assert_eq!(ledger.gets, 0, "{limit}: {ledger}");
                continue;
            }
        }
        for event in &events {
            assert_eq!(ledger.posts_of(&event.id).len(), 1, "{limit}: {ledger}");
        }
        let last = ledger.answer("event-2");
        if last.kind == Post::Response {
            served += 1;
        } else {
            let kinds = [
                "Runtime.OutOfResources",
                "Runtime.ExitError",
                "Runtime.BadFrame",
            ];
            let kind = error_type(last);
            assert!(kinds.contains(&kind.as_str()), "{limit}: {ledger}");
        }
    }
    assert!(served >= 4, "{served} limits are enough");
}

fn pidfd_unsupported_exits_are_noticed(kind: &Kind) {
    if runner().is_some() {
        skip("strace would see the calls of the runner");
        return;
    }
    if !has("strace") {
        return;
    }
    let lines =
        "exec strace -D -o /dev/null -e trace=pidfd_open -e inject=pidfd_open:error=ENOSYS \"$@\"";
    let hosted = started_by_shell(kind.hosted_run(), lines);
    let commands = [
        "\"fine\"",
        "\"do:killed\"",
        "\"do:exit 3\"",
        "\"do:fail so\"",
        "\"do:sleep 0.1\"",
    ];
    let mut events = events(commands);
    events.push(Event::new("last", "\"fine\""));
    let (mut process, server) = hosted.spawn(&events);
    process.until_idle(&server);
    let ledger = server.ledger();
    assert_eq!(response(&ledger, "event-0"), b"\"fine\"");
    for id in ["event-1", "event-2"] {
        error(&ledger, id, "Runtime.ExitError");
    }
    error(&ledger, "event-3", kind.failure);
    assert_eq!(response(&ledger, "event-4"), b"\"slept\"");
    assert_eq!(response(&ledger, "last"), b"\"fine\"");
    let late = due_in(Event::new("late", command("sleep 20")), 700);
    server.more(vec![
        ScriptedReply::event(&late),
        ScriptedReply::event(&Event::new("after", "\"fine\"")),
    ]);
    process.until_idle(&server);
    let ledger = server.ledger();
    error(&ledger, "late", "Function.Timeout");
    assert_eq!(response(&ledger, "after"), b"\"fine\"");
    process.assert_no_zombie();
    process.finish(server).assert_serving();
}

/// The number of zombies with this parent.
fn zombies_of(parent: u32) -> usize {
    let pids = proc::pids().into_iter();
    let states = pids.filter_map(proc::state_and_parent);
    states.filter(|state| *state == ('Z', parent)).count()
}

#[test]
fn runtime_as_pid_1_reaps_orphans() {
    let unshare = ["-p", "-f", "--kill-child", "true"];
    let can = std::process::Command::new("unshare").args(unshare).status();
    if runner().is_some() || !can.is_ok_and(|status| status.success()) {
        skip("unshare needs root, and no runner");
        return;
    }
    for kind in [bash(), dash(), worker(), php()].into_iter().flatten() {
        let hosted = started_by_shell(
            kind.hosted_run(),
            "exec unshare -p -f --kill-child --mount-proc \"$@\"",
        );
        let (mut process, server) = hosted.spawn(&[]);
        until("held", || server.wait_held(1, Duration::from_millis(5)));
        let is_runtime = |pid: &u32| {
            let parent = proc::state_and_parent(*pid).map(|(_, parent)| parent);
            parent == Some(process.pid())
        };
        let runtime = process.descendants().into_iter().find(is_runtime);
        let runtime = runtime.expect("the runtime");
        let count = 12;
        for number in 0..count {
            let event = Event::new(&format!("n-{number}"), command("later 10"));
            server.more(vec![ScriptedReply::event(&event)]);
            process.until_idle(&server);
        }
        until("over", || {
            process.stderr().matches("over\n").count() == count
        });
        // Orphans are reaped after an event, and some may not have exited yet.
        let end = Instant::now() + bound(PATIENCE_MS);
        for number in 0.. {
            let event = Event::new(&format!("last-{number}"), "\"fine\"");
            server.more(vec![ScriptedReply::event(&event)]);
            process.until_idle(&server);
            if zombies_of(runtime) == 0 {
                break;
            }
            assert!(Instant::now() < end, "zombies are never reaped");
            std::thread::sleep(Duration::from_millis(20));
        }
        let outcome = process.finish(server);
        let ledger = outcome.assert_serving();
        assert_eq!(response(ledger, "last-0"), b"\"fine\"");
    }
}

#[test]
fn task_root_too_long_is_an_init_error() {
    for length in [4_080, 4_090, 4_096, 5_000, 60_000] {
        let dir = TempDir::new();
        let root = format!("/{}", "x/".repeat(length / 2));
        let names = format!("{}f", "a.".repeat(60));
        for handler in ["index.handler", "program", "worker:x", names.as_str()] {
            let start = started(&dir, handler).variable("LAMBDA_TASK_ROOT", &root);
            let outcome = start.run(Script::events(&events(["never"])));
            let ledger = outcome.assert_exit(3);
            assert_eq!((ledger.gets, ledger.posts.len()), (0, 1), "{handler}");
            assert_eq!(error_type(&ledger.posts[0]), "Runtime.HandlerNotFound");
        }
    }
}
