//! Streamed responses: an event echoed as one chunk, in turn with the baseline, which buffers; and
//! 4 MiB in chunks of equal size, for several sizes.

mod support;

use support::Mode;
use support::figures::{Report, alternate, ratios, us};
use support::process::{BinaryUnderTest, RunningBinary};
use support::server::{Server, Timing};

const ALL_BYTES: usize = 4 * 1024 * 1024;

fn main() {
    let mode = support::pin_and_mode();
    let report = Report::new("stream", mode != Mode::Check);
    measure_echo(mode, &report);
    measure_chunks(mode, &report);
}

fn measure_echo(mode: Mode, report: &Report) {
    let (server, other_server) = (Server::start(), Server::start());
    let mut stream = BinaryUnderTest::new("features/stream").spawn(&server);
    let mut baseline = BinaryUnderTest::new("baseline").spawn(&other_server);
    for (bytes, full) in [(64, 2000), (64 * 1024, 500), (1024 * 1024, 200)] {
        let event = vec![b'x'; bytes];
        let exchange = |process: &mut RunningBinary| process.connection.exchange(&event, &event);
        exchange(&mut stream);
        exchange(&mut baseline);
        let count = mode.of(2, full / 10, full);
        let (own, base) = alternate(count, || exchange(&mut stream), || exchange(&mut baseline));
        let whole = |timings: &[Timing]| -> Vec<f64> {
            timings.iter().map(|timing| us(timing.whole)).collect()
        };
        let pairs = ratios(&whole(&own), &whole(&base));
        report.add(
            &format!("echo {bytes} bytes"),
            "us",
            &whole(&own),
            Some(&pairs),
        );
        let head: Vec<f64> = own.iter().map(|timing| us(timing.head)).collect();
        report.add(&format!("echo {bytes} bytes, head"), "us", &head, None);
    }
}

fn measure_chunks(mode: Mode, report: &Report) {
    let expected = vec![0; ALL_BYTES];
    for chunk_bytes in [256, 4096, 64 * 1024, 1024 * 1024] {
        let server = Server::start();
        let mut probe = BinaryUnderTest::new("probe").spawn(&server);
        let event = format!("stream {chunk_bytes}x{}", ALL_BYTES / chunk_bytes);
        let speed = |_| {
            let timing = probe.connection.exchange(event.as_bytes(), &expected);
            ALL_BYTES as f64 / us(timing.whole)
        };
        let speeds: Vec<f64> = (0..mode.of(1, 5, 30)).map(speed).collect();
        let name = format!("4 MiB in chunks of {chunk_bytes}");
        report.add(&name, "MB/s", &speeds, None);
    }
}
