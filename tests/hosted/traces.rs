//! Many events with distinct trace ids: a persistent process must not retain them.
//!
//! C libraries retain every value that a variable has had (`setenv`), so a trace id that is set in
//! the environment for each event makes a process grow without limit. This is the long count, for
//! `TINDERBOX_SOAK`: each language serves the same number of events with one trace id, and then
//! with distinct ids, and the growths are compared.

use crate::for_kinds;
use crate::kinds::{Kind, command};
use crate::skip::skip;
use crate::support::api::{Event, ScriptedReply};
use crate::support::hosting::response;
use crate::support::random::soak_or;
use crate::support::watch::{Rest, until_rest};
use crate::support::{proc, runner};

for_kinds!(persistent [worker php node python ruby] [
    trace_ids_that_differ_do_not_add_to_memory
]);

/// The number of events for each round of a soak: 200,000 of 20,000.
const SOAK_EVENTS: usize = 10;

/// The number of events that are handed out at once.
const BATCH: usize = 2_000;

/// The most bytes that an event with a distinct trace id may add. A retained id adds 145.
const EXTRA_BYTES_MAX: usize = 20;

fn event(number: usize, is_distinct: bool) -> Event {
    let trace = if is_distinct { number } else { 0 };
    let id = format!("Root=1-5759e988-{trace:024x};Parent=53995c3f42cd8ad8;Sampled=1");
    let body = format!("{{\"number\":{number}}}");
    Event::new(&format!("n-{number}"), body).header("Lambda-Runtime-Trace-Id", &id)
}

/// The growth of a process over this number of events, and its size after them, in KiB.
fn growth_kib(kind: &Kind, count: usize, is_distinct: bool) -> (u64, u64) {
    // A small heap, so that Node's collector leaves little for later.
    let heap = "--max-old-space-size=32 --max-semi-space-size=1";
    let hosted = kind.hosted_run().variable("NODE_OPTIONS", heap);
    let (mut process, server) = hosted.spawn(&[Event::new("pid", command("pid"))]);
    process.until_idle(&server);
    let text = String::from_utf8_lossy(response(&server.ledger(), "pid")).into_owned();
    let pid: u32 = text.trim_matches('"').parse().expect("a pid");
    let mut warm_kib = 0;
    for from in (0..count).step_by(BATCH) {
        // An interpreter grows into its memory first.
        if warm_kib == 0 && from >= count / 5 {
            warm_kib = proc::resident_kib(pid);
        }
        let to = count.min(from + BATCH);
        let events: Vec<Event> = (from..to)
            .map(|number| event(number, is_distinct))
            .collect();
        server.take();
        server.more(events.iter().map(ScriptedReply::event).collect());
        let rest = until_rest(&mut process, &server);
        assert_eq!(rest, Rest::Idle, "{:.2000}", process.stderr());
        let ledger = server.ledger();
        for event in &events {
            assert_eq!(response(&ledger, &event.id), event.body);
        }
    }
    let kib = proc::resident_kib(pid);
    process.until_idle(&server);
    process.finish(server).assert_serving();
    (kib.saturating_sub(warm_kib), kib)
}

fn trace_ids_that_differ_do_not_add_to_memory(kind: &Kind) {
    if std::env::var_os("TINDERBOX_SOAK").is_none() {
        return skip("a soak alone: TINDERBOX_SOAK is not set");
    }
    if runner().is_some() {
        return skip("a runner's own memory grows");
    }
    let count = soak_or("events with trace ids", SOAK_EVENTS, 0).max(BATCH);
    let (same_kib, kib) = growth_kib(kind, count, false);
    let (distinct_kib, distinct_total_kib) = growth_kib(kind, count, true);
    println!(
        "{}: {count} events: {same_kib} KiB more with one trace id, {distinct_kib} with as many",
        kind.file
    );
    // What an interpreter's collector leaves for later differs from run to run.
    let noise_kib = kib / 10 + 1024;
    let extra_kib = (count * EXTRA_BYTES_MAX / 1024) as u64;
    assert!(
        distinct_kib <= same_kib + extra_kib + noise_kib,
        "{same_kib} KiB, then {distinct_kib} KiB, of {distinct_total_kib} KiB"
    );
}
