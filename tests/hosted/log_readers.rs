//! Logs whose reader is gone, slow, or does not read: they cost lines, and never an event.

use std::io::{PipeReader, Read};
use std::time::Duration;

use crate::for_kinds;
use crate::kinds::{Kind, Task, command};
use crate::support::api::{Event, Ledger, ScriptedReply, Server, now_ms};
use crate::support::hosting::{error, response};
use crate::support::process::Process;
use crate::support::slowness;

for_kinds!(any [bash dash program worker php node python ruby] [
    stderr_without_reader_ends_no_runtime
    stderr_that_nobody_reads_ends_no_event_in_json_mode
]);

// What the others print goes to the pipe without us.
for_kinds!(ours [bash dash program] [stderr_that_nobody_reads_loses_output_and_no_event]);
for_kinds!(theirs [php node python ruby] [handler_that_blocks_on_its_log_is_late_in_time]);

/// More than a pipe holds, and more than is read at once.
const FLOOD_BYTES: usize = 1_000_000;

/// Starts it with both outputs in one pipe, which is returned.
fn piped(task: &mut Task) -> (Process, Server, PipeReader) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let stdout = writer.try_clone().expect("one more descriptor");
    task.start = task.start.clone().stdout(stdout).stderr(writer);
    let (process, server) = task.spawn(&[]);
    // Else the test itself keeps the pipe open.
    task.start = task.start.clone().collected();
    (process, server, reader)
}

fn send(process: &mut Process, server: &Server, event: Event) {
    server.more(vec![ScriptedReply::event(&event)]);
    process.until_idle(server);
}

fn due_in(event: Event, ms: u64) -> Event {
    event.deadline(&(now_ms() + ms * u64::from(slowness())).to_string())
}

fn assert_answered(ledger: &Ledger, id: &str, body: &str) {
    assert_eq!(String::from_utf8_lossy(response(ledger, id)), body);
}

fn stderr_without_reader_ends_no_runtime(kind: &Kind) {
    for format in ["Text", "JSON"] {
        let mut task = kind.task().variable("AWS_LAMBDA_LOG_FORMAT", format);
        let (mut process, server, reader) = piped(&mut task);
        process.until_idle(&server);
        drop(reader);
        // An error is a line of the runtime's own; what fails at the print fails the event alone.
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

fn assert_no_event_is_lost(mut task: Task) {
    let (mut process, server, mut reader) = piped(&mut task);
    process.until_idle(&server);
    for id in ["first", "second"] {
        let flood = Event::new(id, command(&format!("flood {FLOOD_BYTES}")));
        send(&mut process, &server, due_in(flood, 20_000));
    }
    // When somebody reads again, the log goes on, and says that something is missing.
    let lines = std::thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).map(|_| all)
    });
    std::thread::sleep(Duration::from_millis(100));
    send(
        &mut process,
        &server,
        Event::new("log", command("log afterwards")),
    );
    send(
        &mut process,
        &server,
        Event::new("more", command("log at last")),
    );
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for id in ["first", "second"] {
        assert_answered(ledger, id, "\"flooded\"");
    }
    assert_answered(ledger, "log", "\"logged\"");
    let log = lines.join().expect("a reader").expect("a pipe");
    let log = String::from_utf8_lossy(&log);
    let end = &log[log.len().saturating_sub(2_000)..];
    assert!(log.contains("was not read in time; lost bytes: "), "{end}");
    assert!(log.contains("at last, again"), "{end}");
    let lost = log.split("lost bytes: ").nth(1).expect("a number");
    let digits = lost.find(|c: char| !c.is_ascii_digit());
    let lost: usize = lost[..digits.unwrap_or(lost.len())]
        .parse()
        .expect("a number");
    let had = log.bytes().filter(|byte| *byte == b'l').count();
    assert!(lost + had >= 2 * FLOOD_BYTES, "{lost} lost, {had} read");
}

fn stderr_that_nobody_reads_loses_output_and_no_event(kind: &Kind) {
    assert_no_event_is_lost(kind.task());
}

fn stderr_that_nobody_reads_ends_no_event_in_json_mode(kind: &Kind) {
    assert_no_event_is_lost(kind.task().variable("AWS_LAMBDA_LOG_FORMAT", "JSON"));
}

fn handler_that_blocks_on_its_log_is_late_in_time(kind: &Kind) {
    let mut task = kind.task();
    let (mut process, server, reader) = piped(&mut task);
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
