//! Events from nothing to the longest there is, echoed: what they cost must grow with their bytes
//! alone, as it does for the floor, which copies none. Each size in turn with the floor.

mod support;

use support::Mode;
use support::figures::{Report, in_turn, ratios, us};
use support::process::{Running, Subject};
use support::server::Server;

/// Bytes. The service allows 6 MiB and 100.
const SIZES: [usize; 8] = [
    0,
    64,
    1024,
    16 * 1024,
    128 * 1024,
    1024 * 1024,
    3 * 1024 * 1024,
    6 * 1024 * 1024 + 100,
];

fn main() {
    let mode = support::begin();
    let report = Report::new("payload", mode != Mode::Check);
    let (server, other_server) = (Server::start(), Server::start());
    let mut echo = Subject::new("echo").start(&server);
    let mut floor = Subject::new("floor").start(&other_server);
    for bytes in SIZES {
        // About as long for each size: a mebibyte takes as long as some hundred small events.
        let full = (5_000_000 / (bytes + 1000)).clamp(100, 2000);
        let count = mode.of(2, full / 10, full);
        let event = event(bytes);
        one(&mut echo, &event);
        one(&mut floor, &event);
        let (own, least) = in_turn(count, || one(&mut echo, &event), || one(&mut floor, &event));
        let beside = ratios(&own, &least);
        report.say(&format!("echo {bytes} bytes"), "us", &own, Some(&beside));
    }
}

/// Bytes that are not all the same, so that a part in the wrong place is noticed.
fn event(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 + at / 251) as u8).collect()
}

/// Microseconds of one event.
fn one(running: &mut Running, event: &[u8]) -> f64 {
    us(running.connection.exchange(event, event).whole)
}
