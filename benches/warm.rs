//! Warm events of 64 bytes: from the sending of the event to the last byte of the response. Each
//! binary in turn with the floor, a block of events each.

mod support;

use support::Mode;
use support::figures::{Report, in_turn, median, ratios, us};
use support::process::{Running, Subject};
use support::server::Server;

fn main() {
    let mode = support::begin();
    let report = Report::new("warm", mode != Mode::Check);
    let cat = Subject::new("bootstrap")
        .with("LAMBDA_TASK_ROOT", "/bin")
        .with("_HANDLER", "cat");
    let blocks = mode.of(2, 10, 40);
    for (name, subject, block) in [
        ("floor", Subject::new("floor"), mode.of(5, 500, 2000)),
        ("bare", Subject::new("bare"), mode.of(5, 500, 2000)),
        ("echo", Subject::new("echo"), mode.of(5, 500, 2000)),
        ("bootstrap cat", cat, mode.of(5, 20, 100)),
    ] {
        let (server, other_server) = (Server::start(), Server::start());
        let mut own = subject.start(&server);
        let mut floor = Subject::new("floor").start(&other_server);
        events(&mut own, block);
        events(&mut floor, block);
        let (own, least) = in_turn(
            blocks,
            || events(&mut own, block),
            || events(&mut floor, block),
        );
        let medians = |all: &[Vec<f64>]| -> Vec<f64> { all.iter().map(|b| median(b)).collect() };
        let beside = ratios(&medians(&own), &medians(&least));
        report.say(name, "us", &own.concat(), Some(&beside));
    }
}

/// Microseconds of so many events.
fn events(running: &mut Running, count: usize) -> Vec<f64> {
    let event = [b'"'; 1].iter().chain(&[b'a'; 62]).chain(b"\"");
    let event: Vec<u8> = event.copied().collect();
    let one = |_| us(running.connection.exchange(&event, &event).whole);
    (0..count).map(one).collect()
}
