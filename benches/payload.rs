//! Echoed events from 0 bytes to the longest that Lambda allows: the time must grow with the bytes
//! alone, as it does for the baseline, which copies none. Each size takes turns with the baseline.

mod support;

use support::Mode;
use support::figures::{Report, alternate, ratios, us};
use support::process::{BinaryUnderTest, RunningBinary};
use support::server::Server;

/// Bytes of an event. Lambda allows 6 MiB and 100.
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
    let mode = support::pin_and_mode();
    let report = Report::new("payload", mode != Mode::Check);
    let (server, other_server) = (Server::start(), Server::start());
    let mut echo = BinaryUnderTest::new("echo").spawn(&server);
    let mut baseline = BinaryUnderTest::new("baseline").spawn(&other_server);
    for bytes in SIZES {
        // Each size runs for about as long: a mebibyte takes as long as some hundred small events.
        let full = (5_000_000 / (bytes + 1000)).clamp(100, 2000);
        let count = mode.of(2, full / 10, full);
        let event = event(bytes);
        exchange(&mut echo, &event);
        exchange(&mut baseline, &event);
        let (own, base) = alternate(
            count,
            || exchange(&mut echo, &event),
            || exchange(&mut baseline, &event),
        );
        let pairs = ratios(&own, &base);
        report.add(&format!("echo {bytes} bytes"), "us", &own, Some(&pairs));
    }
}

/// Bytes that differ from their neighbours, so that a misplaced part is noticed.
fn event(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 + at / 251) as u8).collect()
}

/// Microseconds of one event.
fn exchange(process: &mut RunningBinary, event: &[u8]) -> f64 {
    us(process.connection.exchange(event, event).whole)
}
