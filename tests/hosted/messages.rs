//! Log lines and errors: what failed, on what, with the errno, and what to do.

use crate::kinds::{HostedRun, command, dash, program, worker};
use crate::odd::started_by_shell;
use crate::skip::{has, skip};
use crate::support::api::{Event, ScriptedReply, now_ms};
use crate::support::hosting::{error, events, message, response};
use crate::support::{bound, runner};

/// A hosted run of which this call of the runtime fails; `None` where none can be made to.
fn failing(hosted: HostedRun, call: &str, fault: &str) -> Option<HostedRun> {
    if runner().is_some() {
        skip("strace would see the calls of the runner");
        return None;
    }
    let options = format!("-e trace={call} -e inject={call}:error={fault}");
    has("strace").then(|| {
        started_by_shell(
            hosted,
            &format!("exec strace -qq -D -o /dev/null {options} \"$@\""),
        )
    })
}

/// The errno's number, and what to do.
const FAULTS: [(&str, &str, &str); 4] = [
    ("EMFILE", "(errno 24)", "raise the limit"),
    ("ENFILE", "(errno 23)", "close some"),
    ("ENOMEM", "(errno 12)", "give the function more"),
    ("EAGAIN", "(errno 11)", "end those"),
];

#[test]
fn resource_exhausted_in_an_event_is_reported_with_errno_and_remedy() {
    for call in ["pipe2", "memfd_create", "clone"] {
        for (name, errno, remedy) in FAULTS {
            // Which a kernel gives for which: the man pages.
            if (call == "clone") != (name == "EAGAIN") && name != "ENOMEM" {
                continue;
            }
            for kind in [program(), dash()].into_iter().flatten() {
                // The first process of a shell is spawned at init.
                if call == "clone" && kind.is_persistent {
                    continue;
                }
                // A shell has a pipe for its output already.
                let occurrence = if call == "pipe2" && kind.is_persistent {
                    2
                } else {
                    1
                };
                let fault = format!("{name}:when={occurrence}");
                let Some(hosted) = failing(kind.hosted_run(), call, &fault) else {
                    return;
                };
                let outcome = hosted.run(&events(["\"x\"", "\"fine\""]));
                let ledger = outcome.assert_serving();
                let text = error(ledger, "event-0", "Runtime.OutOfResources");
                let words = [errno, remedy].map(|word| text.contains(word));
                assert_eq!(words, [true; 2], "{call} {fault}: {text}");
                assert_eq!(response(ledger, "event-1"), b"\"fine\"", "{call} {fault}");
            }
        }
    }
}

#[test]
fn resource_exhausted_at_init_is_reported_with_errno_and_remedy() {
    for (call, name, errno) in [
        ("socketpair", "EMFILE", "(errno 24)"),
        ("socketpair", "ENFILE", "(errno 23)"),
        ("clone", "EAGAIN", "(errno 11)"),
        ("clone", "ENOMEM", "(errno 12)"),
    ] {
        let hosted = worker().and_then(|kind| failing(kind.hosted_run(), call, name));
        let Some(hosted) = hosted else {
            return;
        };
        let outcome = hosted.run(&events(["never"]));
        assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
        let text = message(&outcome.ledger.posts[0], "Runtime.OutOfResources");
        assert!(text.contains(errno) && text.contains("; "), "{text}");
        // The log has the same JSON.
        let json = r#"{"errorType":"Runtime.OutOfResources","errorMessage":""#;
        let line = format!("tinderbox: failed: {json}{text}\"");
        assert!(outcome.stderr.contains(&line), "{}", outcome.stderr);
    }
}

#[test]
fn handler_is_logged_with_the_way_it_runs() {
    for (kind, what) in [
        (program(), "one process per event"),
        (worker(), "persistent process"),
    ] {
        let Some(kind) = kind else {
            return;
        };
        let hosted = kind.hosted_run();
        let path = hosted.dir.path().join(kind.file);
        let outcome = hosted.run(&events(["\"x\""]));
        let line = format!("tinderbox: handler {}: {what}\n", path.display());
        assert!(outcome.stderr.contains(&line), "{}", outcome.stderr);
    }
}

#[test]
fn timeout_error_has_its_time() {
    for kind in [program(), worker(), dash()].into_iter().flatten() {
        let hosted = kind.hosted_run();
        let (mut process, server) = hosted.spawn(&[]);
        process.until_idle(&server);
        let window_ms = bound(3_000).as_millis() as u64;
        // Longer than the window, which grows with the load.
        let sleep = command(&format!("sleep {}", window_ms / 100));
        let late = Event::new("late", sleep);
        let late = late.deadline(&(now_ms() + window_ms).to_string());
        server.more(vec![ScriptedReply::event(&late)]);
        process.until_idle(&server);
        let outcome = process.finish(server);
        let text = error(outcome.assert_serving(), "late", "Function.Timeout");
        let time = text.strip_prefix("handler timed out: killed after ");
        let time = time.and_then(|time| time.strip_suffix(" ms, before the function's deadline"));
        let time: u64 = time.and_then(|time| time.parse().ok()).expect(&text);
        assert!(time > 0 && time < window_ms, "{text}");
    }
}

#[test]
fn failed_restart_is_logged_with_its_reason() {
    let Some(kind) = worker() else {
        return;
    };
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&events(["\"x\""]));
    process.until_idle(&server);
    let file = hosted.dir.path().join(kind.file);
    std::fs::remove_file(&file).expect("the worker is there");
    server.more(vec![ScriptedReply::event(&Event::new(
        "end",
        command("killed"),
    ))]);
    process.until_idle(&server);
    if runner().is_none() {
        let line = format!(
            "cannot restart the handler process {}: Runtime.InvalidEntrypoint: ",
            file.display()
        );
        process.until_logged(&line);
        process.until_logged("no such file; add it to the package (errno 2)\n");
    }
    process.finish(server).assert_serving();
}
