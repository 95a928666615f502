//! Many events: memory, descriptors and processes do not grow.

use crate::for_kinds;
use crate::kinds::{Kind, command};
use crate::support::api::{Event, ScriptedReply, Server};
use crate::support::hosting::response;
use crate::support::process::Process;
use crate::support::watch::{Rest, until_rest};
use crate::support::{proc, rounds, runner};

for_kinds!(persistent [bash dash worker php node python ruby] [
    memory_and_descriptors_after_10000_events_are_unchanged
]);

fn plain(from: usize, to: usize) -> Vec<Event> {
    (from..to)
        .map(|number| Event::new(&format!("n-{number}"), format!("[{number}]")))
        .collect()
}

/// The descriptors and memory of the runtime, and of its persistent process.
fn figures(process: &Process, pid: u32) -> [(usize, u64); 2] {
    [process.pid(), pid].map(|pid| (proc::descriptors(pid), proc::resident_kib(pid)))
}

/// Waits until all events are answered, as long as requests come.
fn until_answered(process: &mut Process, server: &Server) {
    let rest = until_rest(process, server);
    assert_eq!(rest, Rest::Idle, "{:.2000}", process.stderr());
    process.until_idle(server);
}

fn memory_and_descriptors_after_10000_events_are_unchanged(kind: &Kind) {
    let count = rounds("events of one process", 10_000);
    // An interpreter grows into its memory first, and Node opens a descriptor with the 1,000th
    // event.
    let warm = (count / 10).max(1_000);
    let mut events = plain(0, warm);
    events.push(Event::new("pid", command("pid")));
    let hosted = kind.hosted_run();
    let (mut process, server) = hosted.spawn(&events);
    until_answered(&mut process, &server);
    let text = String::from_utf8_lossy(response(&server.ledger(), "pid")).into_owned();
    let pid: u32 = text.trim_matches('"').parse().expect("a pid");
    let descendants = process.descendants().len();
    let [(descriptors, kib), (its_descriptors, its_kib)] = figures(&process, pid);
    let events = plain(warm, warm + count);
    server.more(events.iter().map(ScriptedReply::event).collect());
    until_answered(&mut process, &server);
    process.assert_no_zombie();
    let [
        (descriptors_now, kib_now),
        (its_descriptors_now, its_kib_now),
    ] = figures(&process, pid);
    assert_eq!(descriptors_now, descriptors);
    assert_eq!(its_descriptors_now, its_descriptors);
    assert_eq!(process.descendants().len(), descendants);
    // A runner translates code as it runs, and retains the translation.
    let growth_kib = if runner().is_some() { 4_096 } else { 16 };
    println!("{kib} to {kib_now} KiB, the other {its_kib} to {its_kib_now} KiB");
    assert!(kib_now <= kib + growth_kib, "{kib} to {kib_now} KiB");
    // A leak of one event each would add 1 MB.
    let its_growth_kib = its_kib / 5 + 512;
    assert!(
        its_kib_now <= its_kib + its_growth_kib,
        "{its_kib} to {its_kib_now} KiB"
    );
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_eq!(response(ledger, &event.id), event.body);
    }
    assert_eq!(ledger.connections, 1);
}
