//! What an event through a persistent process costs the runtime, and that the fast path puts off
//! nothing: deadlines, exits and faults are noticed as on the careful one.

use crate::for_kinds;
use crate::kinds::{HostedRun, Kind, command, started, worker};
use crate::odd::started_by_shell;
use crate::skip::{has, skip};
use crate::support::api::{Event, ScriptedReply, now_ms};
use crate::support::hosting::{error, events, response};
use crate::support::{TempDir, bound, runner, slowness, sys, until};

for_kinds!(fast [worker php node python ruby] [
    event_answered_at_once_costs_one_send_and_one_receive
]);

/// A hosted whose runtime, and no process of it, is traced with these options; `None` where that
/// cannot be.
fn traced(hosted: HostedRun, options: &str) -> Option<HostedRun> {
    if runner().is_some() {
        skip("strace would see the calls of the runner");
        return None;
    }
    has("strace").then(|| started_by_shell(hosted, &format!("exec strace -qq -D {options} \"$@\"")))
}

/// The calls of the runtime for each event, from that which sends it to the process to that which
/// sends the answer.
fn calls_of_events(trace: &str) -> Vec<Vec<&str>> {
    let mut events = Vec::new();
    let mut event: Option<Vec<&str>> = None;
    for line in trace.lines().filter(|line| !line.starts_with("---")) {
        if line.starts_with("sendmsg(") {
            event = Some(Vec::new());
        } else if line.starts_with("sendto(") {
            events.extend(event.take());
        } else if let Some(event) = &mut event {
            event.push(line);
        }
    }
    events
}

/// Whether the answer was there at once: nothing was waited for but by a receive that may block.
fn is_fast(calls: &[&str]) -> bool {
    !calls.iter().any(|call| call.contains("EAGAIN"))
}

fn event_answered_at_once_costs_one_send_and_one_receive(kind: &Kind) {
    let Some(hosted) = traced(kind.hosted_run(), "-o \"$LAMBDA_TASK_ROOT/trace\"") else {
        return;
    };
    // On a busy machine any process may be slow: some events of a hundred are answered at once.
    let (mut process, server) = hosted.spawn(&[]);
    process.until_idle(&server);
    let count = 100;
    for number in 0..count {
        server.more(vec![ScriptedReply::event(&Event::new(
            &format!("n-{number}"),
            "{}",
        ))]);
        process.until_idle(&server);
    }
    let trace = std::fs::read_to_string(hosted.dir.path().join("trace")).expect("a trace");
    process.finish(server).assert_serving();
    let events = calls_of_events(&trace);
    assert_eq!(events.len(), count, "{trace}");
    let mut fast = 0;
    // The first looks at the clock, which is not known yet.
    for calls in events.iter().skip(1) {
        // All other calls come after a receive that had nothing.
        let careful = calls.iter().position(|call| call.contains("EAGAIN"));
        let before = &calls[..careful.unwrap_or(calls.len())];
        // Now and then it looks for orphans.
        let receives = before.iter().filter(|call| !call.starts_with("waitid("));
        let receives: Vec<_> = receives.collect();
        let all = receives.iter().all(|call| call.starts_with("recvfrom("));
        assert!(all && receives.len() <= 1, "{calls:#?}");
        fast += usize::from(is_fast(calls));
    }
    assert!(fast > 0, "no event of {count} was answered at once");
}

#[test]
fn answer_byte_by_byte_does_not_delay_its_deadline() {
    if !has("perl") {
        return;
    }
    let dir = TempDir::new();
    let text = "#!/usr/bin/perl\nuse Time::HiRes qw(sleep);\nopen(my $c, '+<&=', 3) or exit 2;\n\
                syswrite $c, \"ready\\n\"; readline $c; syswrite $c, \"ok 1 600000\\n\";\n\
                while (1) { syswrite $c, 'x'; sleep 0.001; }\n";
    dir.executable("worker", text.as_bytes());
    let hosted = HostedRun {
        start: started(&dir, "worker:worker"),
        dir,
    };
    let (mut process, server) = hosted.spawn(&[]);
    process.until_idle(&server);
    let window_ms = 1_000 * u64::from(slowness());
    let slow = Event::new("slow", "x").deadline(&(now_ms() + window_ms).to_string());
    server.more(vec![ScriptedReply::event(&slow)]);
    process.until_idle(&server);
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    error(ledger, "slow", "Function.Timeout");
    assert!(ledger.took_ms("slow") < window_ms + bound(10_000).as_millis() as u64);
}

#[test]
fn event_not_sent_is_handled_by_another_process() {
    // The channel is closed as if the process had just exited: the second event is not sent.
    let options = "-o /dev/null -e trace=sendmsg -e inject=sendmsg:error=EPIPE:when=2";
    let Some(hosted) = worker().and_then(|kind| traced(kind.hosted_run(), options)) else {
        return;
    };
    let outcome = hosted.run(&events([command("pid"), command("pid"), command("pid")]));
    let ledger = outcome.assert_serving();
    let pids = ["event-0", "event-1", "event-2"].map(|id| response(ledger, id));
    assert_ne!(pids[0], pids[1], "a new process");
    assert_eq!(pids[1], pids[2], "which serves on");
    assert!(outcome.stderr.contains("while idle"), "{}", outcome.stderr);
}

#[test]
fn receive_that_cannot_be_bounded_never_blocks() {
    let options = "-o /dev/null -e trace=setsockopt -e inject=setsockopt:error=ENOMEM";
    let Some(hosted) = worker().and_then(|kind| traced(kind.hosted_run(), options)) else {
        return;
    };
    let (mut process, server) = hosted.spawn(&events(["\"fine\""]));
    process.until_idle(&server);
    let late = Event::new("late", command("sleep 30"));
    let late = late.deadline(&(now_ms() + 1_000 * u64::from(slowness())).to_string());
    server.more(vec![
        ScriptedReply::event(&late),
        ScriptedReply::event(&Event::new("after", "\"after\"")),
    ]);
    process.until_idle(&server);
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    assert_eq!(response(ledger, "event-0"), b"\"fine\"");
    error(ledger, "late", "Function.Timeout");
    assert_eq!(response(ledger, "after"), b"\"after\"");
}

#[test]
fn stopped_runtime_continues_with_its_event() {
    let Some(kind) = worker() else {
        return;
    };
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&[]);
    process.until_idle(&server);
    // A receive that is interrupted so has nothing, and is not the end of the channel (signal(7)).
    for number in 0..20 {
        let event = Event::new(&format!("n-{number}"), command("sleep 0.02"));
        server.more(vec![ScriptedReply::event(&event)]);
        for _ in 0..5 {
            sys::kill(process.pid(), sys::SIGSTOP);
            sys::kill(process.pid(), sys::SIGCONT);
        }
        process.until_idle(&server);
    }
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for number in 0..20 {
        assert_eq!(response(ledger, &format!("n-{number}")), b"\"slept\"");
    }
}

#[test]
fn deadline_that_makes_no_sense_kills_no_persistent_process() {
    let Some(kind) = worker() else {
        return;
    };
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&[]);
    process.until_idle(&server);
    let now_ms = now_ms();
    for (number, text) in [
        (now_ms + 600_000).to_string(),
        "600000".to_string(),
        "0".to_string(),
        (now_ms - 5_000).to_string(),
        (now_ms + 25 * 3_600_000).to_string(),
        u64::MAX.to_string(),
        "soon".to_string(),
    ]
    .iter()
    .enumerate()
    {
        let id = format!("n-{number}");
        let event = Event::new(&id, command("sleep 0.1")).deadline(text);
        server.more(vec![ScriptedReply::event(&event)]);
        process.until_idle(&server);
        assert_eq!(response(&server.ledger(), &id), b"\"slept\"", "{text}");
    }
    process.finish(server).assert_serving();
}

#[test]
fn deadline_that_has_passed_on_arrival_is_replaced_by_the_timeout() {
    let Some(kind) = worker() else {
        return;
    };
    let timeout = slowness().min(5).to_string();
    let hosted = kind.hosted_run();
    let hosted = hosted.variable("AWS_LAMBDA_FUNCTION_TIMEOUT", &timeout);
    let (mut process, server) = hosted.spawn(&events(["\"fine\""]));
    process.until_idle(&server);
    for (number, text) in ["600000".to_string(), (now_ms() - 5_000).to_string()]
        .iter()
        .enumerate()
    {
        let id = format!("n-{number}");
        let event = Event::new(&id, command("sleep 60")).deadline(text);
        server.more(vec![ScriptedReply::event(&event)]);
        process.until_idle(&server);
        error(&server.ledger(), &id, "Function.Timeout");
    }
    until("none sleeps", || process.descendants().len() <= 1);
    process.finish(server).assert_serving();
}
