//! Many events: memory, descriptors and processes stay as they were.

use crate::for_kinds;
use crate::kinds::{Kind, command};
use crate::support::api::{Event, ScriptedReply};
use crate::support::hosting::response;
use crate::support::process::Process;
use crate::support::{proc, rounds, runner};

for_kinds!(kept [bash dash worker php node python ruby] [
    ten_thousand_events_leave_memory_and_descriptors_as_they_were
]);

fn plain(from: usize, to: usize) -> Vec<Event> {
    (from..to)
        .map(|number| Event::new(&format!("n-{number}"), format!("{{\"number\":{number}}}")))
        .collect()
}

/// The runtime's descriptors and memory, and those of the process that it keeps alive.
fn figures(process: &Process, pid: u32) -> [(usize, u64); 2] {
    [process.pid(), pid].map(|pid| (proc::descriptors(pid), proc::resident_kib(pid)))
}

fn ten_thousand_events_leave_memory_and_descriptors_as_they_were(kind: &Kind) {
    let count = rounds("events of one process", 10_000);
    // An interpreter grows into its memory first, and Node opens a descriptor with the 1,000th
    // event.
    let warm = (count / 10).max(1_000);
    let mut events = plain(0, warm);
    events.push(Event::new("pid", command("pid")));
    let task = kind.task();
    let (mut process, server) = task.spawn(&events);
    process.until_idle(&server);
    let text = String::from_utf8_lossy(response(&server.ledger(), "pid")).into_owned();
    let pid: u32 = text.trim_matches('"').parse().expect("a pid");
    let descendants = process.descendants().len();
    let [(descriptors, kib), (its_descriptors, its_kib)] = figures(&process, pid);
    let events = plain(warm, warm + count);
    server.more(events.iter().map(ScriptedReply::event).collect());
    process.until_idle(&server);
    process.assert_no_zombie();
    let [
        (descriptors_now, kib_now),
        (its_descriptors_now, its_kib_now),
    ] = figures(&process, pid);
    assert_eq!(descriptors_now, descriptors);
    assert_eq!(its_descriptors_now, its_descriptors);
    assert_eq!(process.descendants().len(), descendants);
    // A runner translates code as it goes, and keeps what it has translated.
    let growth_kib = if runner().is_some() { 4_096 } else { 16 };
    println!("{kib} to {kib_now} KiB, the other {its_kib} to {its_kib_now} KiB");
    assert!(kib_now <= kib + growth_kib, "{kib} to {kib_now} KiB");
    // An event that stayed behind would make 1 MB of 10,000.
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
