//! Many events with trace ids of their own: a process that is kept alive must not keep them.
//!
//! C libraries keep every value that a variable has had (`setenv`), so a trace id that is set in
//! the environment for each event makes a process grow for ever. This is the long count, for
//! `TINDERBOX_SOAK`: each language serves as many events with one trace id, and then with as many
//! ids, and what it grows by is compared.

use crate::for_kinds;
use crate::kinds::{Kind, command};
use crate::skip::skip;
use crate::support::api::{Event, ScriptedReply};
use crate::support::hosting::response;
use crate::support::random::soak_or;
use crate::support::watch::{Rest, until_rest};
use crate::support::{proc, runner};

for_kinds!(kept [worker php node python ruby] [
    distinct_trace_ids_do_not_add_to_memory
]);

/// So many events for each round of a soak: 200,000 of 20,000.
const SOAK_EVENTS: usize = 10;

/// So many events are handed out at once.
const BATCH: usize = 2_000;

/// An event may cost so many bytes more when its trace id is another. A kept one costs 145.
const EXTRA_BYTES_MAX: usize = 20;

fn event(number: usize, is_distinct: bool) -> Event {
    let trace = if is_distinct { number } else { 0 };
    let id = format!("Root=1-5759e988-{trace:024x};Parent=53995c3f42cd8ad8;Sampled=1");
    let body = format!("{{\"number\":{number}}}");
    Event::new(&format!("n-{number}"), body).header("Lambda-Runtime-Trace-Id", &id)
}

/// By how much a process grows while it serves so many events, and how large it is then, in KiB.
fn growth_kib(kind: &Kind, count: usize, is_distinct: bool) -> (u64, u64) {
    // A small heap, so that Node's collector leaves little for later.
    let heap = "--max-old-space-size=32 --max-semi-space-size=1";
    let task = kind.task().variable("NODE_OPTIONS", heap);
    let (mut process, server) = task.spawn(&[Event::new("pid", command("pid"))]);
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

fn distinct_trace_ids_do_not_add_to_memory(kind: &Kind) {
    if std::env::var_os("TINDERBOX_SOAK").is_none() {
        return println!("reduced: {}: only in a soak", kind.file);
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
