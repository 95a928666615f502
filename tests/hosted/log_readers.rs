//! Logs whose reader is gone or does not read: lines are lost, and never an event.

use std::io::{PipeReader, Read};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::for_kinds;
use crate::kinds::{HostedRun, Kind, command};
use crate::support::api::{Event, Ledger, ScriptedReply, Server};
use crate::support::bound;
use crate::support::hosting::{error, response};
use crate::support::process::{PATIENCE_MS, Process};
use crate::timing::due_in;

for_kinds!(any [bash dash program worker php node python ruby] [
    stderr_closed_by_its_reader_ends_no_runtime
    stderr_unread_in_json_mode_fails_no_event
]);

// The output of the others does not pass through the runtime.
for_kinds!(ours [bash dash program] [stderr_unread_in_text_mode_loses_output_and_no_event]);
for_kinds!(theirs [php node python ruby] [handler_blocked_on_its_log_times_out]);

/// More than a pipe holds, and more than one read takes.
const FLOOD_BYTES: usize = 1_000_000;

/// Starts the runtime with both outputs in one pipe, which is returned.
fn piped(hosted: &mut HostedRun) -> (Process, Server, PipeReader) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let stdout = writer.try_clone().expect("one more descriptor");
    hosted.start = hosted.start.clone().stdout(stdout).stderr(writer);
    let (process, server) = hosted.spawn(&[]);
    // Else the test itself holds the pipe open.
    hosted.start = hosted.start.clone().collected();
    (process, server, reader)
}

fn send(process: &mut Process, server: &Server, event: Event) {
    server.more(vec![ScriptedReply::event(&event)]);
    process.until_idle(server);
}

fn assert_answered(ledger: &Ledger, id: &str, body: &str) {
    assert_eq!(String::from_utf8_lossy(response(ledger, id)), body);
}

fn stderr_closed_by_its_reader_ends_no_runtime(kind: &Kind) {
    for format in ["Text", "JSON"] {
        let mut hosted = kind.hosted_run().variable("AWS_LAMBDA_LOG_FORMAT", format);
        let (mut process, server, reader) = piped(&mut hosted);
        process.until_idle(&server);
        drop(reader);
        // An error is a line of the runtime's own; a failed print fails its event alone.
        for (id, body) in [
            ("error", command("fail it")),
            ("flood", command("flood 100")),
        ] {
            send(&mut process, &server, Event::new(id, body));
        }
        send(&mut process, &server, Event::new("fine", "\"fine\""));
        let outcome = process.finish(server);
        let ledger = outcome.assert_serving();
        for id in ["error", "flood"] {
            assert_eq!(ledger.posts_of(id).len(), 1, "{format}: {ledger}");
        }
        assert_answered(ledger, "fine", "\"fine\"");
    }
}

fn assert_no_event_is_lost(mut hosted: HostedRun) {
    let (mut process, server, mut reader) = piped(&mut hosted);
    process.until_idle(&server);
    for id in ["first", "second"] {
        let flood = Event::new(id, command(&format!("flood {FLOOD_BYTES}")));
        send(&mut process, &server, due_in(flood, 20_000));
    }
    // Once the pipe is read again, the log goes on, with a line on the lost bytes.
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&log);
    let lines = std::thread::spawn(move || {
        let mut piece = vec![0; 65_536];
        while let Ok(count @ 1..) = reader.read(&mut piece) {
            let mut sink = sink.lock().expect("the log");
            sink.extend_from_slice(&piece[..count]);
        }
    });
    let is_in_log = |text: &str| {
        let log = log.lock().expect("the log");
        String::from_utf8_lossy(&log).contains(text)
    };
    // The pipe has space again at some time, and then a line gets through.
    let end = Instant::now() + bound(PATIENCE_MS);
    let mut count = 0;
    while !is_in_log("now, again") {
        assert!(Instant::now() < end, "the log never goes on");
        let event = Event::new(&format!("log-{count}"), command("log now"));
        send(&mut process, &server, event);
        count += 1;
    }
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for id in ["first", "second"] {
        assert_answered(ledger, id, "\"flooded\"");
    }
    for number in 0..count {
        assert_answered(ledger, &format!("log-{number}"), "\"logged\"");
    }
    lines.join().expect("the reader");
    let log = log.lock().expect("the log");
    let log = String::from_utf8_lossy(&log);
    let end = &log[log.len().saturating_sub(2_000)..];
    assert!(log.contains("was not read in time; lost bytes: "), "{end}");
    let lost = log.split("lost bytes: ").nth(1).expect("a number");
    let digits = lost.find(|c: char| !c.is_ascii_digit());
    let lost: usize = lost[..digits.unwrap_or(lost.len())]
        .parse()
        .expect("a number");
    let had = log.bytes().filter(|byte| *byte == b'l').count();
    assert!(lost + had >= 2 * FLOOD_BYTES, "{lost} lost, {had} read");
}

fn stderr_unread_in_text_mode_loses_output_and_no_event(kind: &Kind) {
    assert_no_event_is_lost(kind.hosted_run());
}

fn stderr_unread_in_json_mode_fails_no_event(kind: &Kind) {
    assert_no_event_is_lost(kind.hosted_run().variable("AWS_LAMBDA_LOG_FORMAT", "JSON"));
}

fn handler_blocked_on_its_log_times_out(kind: &Kind) {
    let mut hosted = kind.hosted_run();
    let (mut process, server, reader) = piped(&mut hosted);
    process.until_idle(&server);
    let flood = Event::new("flood", command(&format!("flood {FLOOD_BYTES}")));
    send(&mut process, &server, due_in(flood, 1_500));
    send(&mut process, &server, Event::new("fine", "\"fine\""));
    let outcome = process.finish(server);
    drop(reader);
    let ledger = outcome.assert_serving();
    error(ledger, "flood", "Function.Timeout");
    assert_answered(ledger, "fine", "\"fine\"");
}
