//! Warm events of 64 bytes: from sending the event to the last byte of the response. Each binary
//! takes turns with the baseline, a block of events at a time.

mod support;

use support::Mode;
use support::figures::{Report, alternate, median, ratios, us};
use support::process::{BinaryUnderTest, RunningBinary};
use support::server::Server;

fn main() {
    let mode = support::pin_and_mode();
    let report = Report::new("warm", mode != Mode::Check);
    let cat = BinaryUnderTest::new("bootstrap")
        .with("LAMBDA_TASK_ROOT", "/bin")
        .with("_HANDLER", "cat");
    let blocks = mode.of(2, 10, 40);
    for (name, binary, block) in [
        (
            "baseline",
            BinaryUnderTest::new("baseline"),
            mode.of(5, 500, 2000),
        ),
        ("bare", BinaryUnderTest::new("bare"), mode.of(5, 500, 2000)),
        ("echo", BinaryUnderTest::new("echo"), mode.of(5, 500, 2000)),
        ("bootstrap cat", cat, mode.of(5, 20, 100)),
    ] {
        let (server, other_server) = (Server::start(), Server::start());
        let mut process = binary.spawn(&server);
        let mut baseline = BinaryUnderTest::new("baseline").spawn(&other_server);
        run_events(&mut process, block);
        run_events(&mut baseline, block);
        let (own, base) = alternate(
            blocks,
            || run_events(&mut process, block),
            || run_events(&mut baseline, block),
        );
        let medians = |blocks: &[Vec<f64>]| -> Vec<f64> {
            blocks.iter().map(|block| median(block)).collect()
        };
        let pairs = ratios(&medians(&own), &medians(&base));
        report.add(name, "us", &own.concat(), Some(&pairs));
    }
}

/// Microseconds of each of `count` events.
fn run_events(process: &mut RunningBinary, count: usize) -> Vec<f64> {
    let event = [b'"'; 1].iter().chain(&[b'a'; 62]).chain(b"\"");
    let event: Vec<u8> = event.copied().collect();
    let exchange = |_| us(process.connection.exchange(&event, &event).whole);
    (0..count).map(exchange).collect()
}
