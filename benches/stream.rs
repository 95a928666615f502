//! Streamed responses: an event echoed as one chunk, in turn with the floor, which has no choice
//! but to buffer; and 4 MiB in chunks of one size, from small ones to large ones.

mod support;

use support::Mode;
use support::figures::{Report, in_turn, ratios, us};
use support::process::{Running, Subject};
use support::server::{Server, Took};

const ALL_BYTES: usize = 4 * 1024 * 1024;

fn main() {
    let mode = support::begin();
    let report = Report::new("stream", mode != Mode::Check);
    echoed(mode, &report);
    written(mode, &report);
}

fn echoed(mode: Mode, report: &Report) {
    let (server, other_server) = (Server::start(), Server::start());
    let mut stream = Subject::new("features/stream").start(&server);
    let mut floor = Subject::new("floor").start(&other_server);
    for (bytes, full) in [(64, 2000), (64 * 1024, 500), (1024 * 1024, 200)] {
        let event = vec![b'x'; bytes];
        let once = |running: &mut Running| running.connection.exchange(&event, &event);
        once(&mut stream);
        once(&mut floor);
        let count = mode.of(2, full / 10, full);
        let (own, least) = in_turn(count, || once(&mut stream), || once(&mut floor));
        let whole = |all: &[Took]| -> Vec<f64> { all.iter().map(|took| us(took.whole)).collect() };
        let beside = ratios(&whole(&own), &whole(&least));
        report.say(
            &format!("echo {bytes} bytes"),
            "us",
            &whole(&own),
            Some(&beside),
        );
        let head: Vec<f64> = own.iter().map(|took| us(took.head)).collect();
        report.say(&format!("echo {bytes} bytes, head"), "us", &head, None);
    }
}

fn written(mode: Mode, report: &Report) {
    let expected = vec![0; ALL_BYTES];
    for chunk_bytes in [256, 4096, 64 * 1024, 1024 * 1024] {
        let server = Server::start();
        let mut probe = Subject::new("probe").start(&server);
        let event = format!("stream {chunk_bytes}x{}", ALL_BYTES / chunk_bytes);
        let once = |_| {
            let took = probe.connection.exchange(event.as_bytes(), &expected);
            ALL_BYTES as f64 / us(took.whole)
        };
        let speeds: Vec<f64> = (0..mode.of(1, 5, 30)).map(once).collect();
        let name = format!("4 MiB in chunks of {chunk_bytes}");
        report.say(&name, "MB/s", &speeds, None);
    }
}
