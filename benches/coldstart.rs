//! Cold starts: from just before the process is spawned to the last byte of its request for an
//! event, and to the last byte of its first response. Each binary takes turns with the baseline.

mod support;

use support::Mode;
use support::figures::{Report, alternate, ratios, us};
use support::process::BinaryUnderTest;
use support::server::Server;

const EVENT: &[u8] = br#"{"name":"Ada"}"#;
const GREETING: &[u8] = br#"{"message":"Hello, Ada!"}"#;

fn main() {
    let mode = support::pin_and_mode();
    let report = Report::new("coldstart", mode != Mode::Check);
    let count = mode.of(2, 30, 300);
    let baseline = BinaryUnderTest::new("baseline");
    let cat = BinaryUnderTest::new("bootstrap")
        .with("LAMBDA_TASK_ROOT", "/bin")
        .with("_HANDLER", "cat");
    for (name, binary, response) in [
        ("baseline", baseline.clone(), EVENT),
        ("bare", BinaryUnderTest::new("bare"), EVENT),
        ("echo", BinaryUnderTest::new("echo"), EVENT),
        ("hello", BinaryUnderTest::new("hello"), GREETING),
        ("bootstrap cat", cat, EVENT),
    ] {
        // Not counted: the first start may read the file from the disk.
        start(&binary, response);
        let (own, base) = alternate(
            count,
            || start(&binary, response),
            || start(&baseline, EVENT),
        );
        for (index, until) in ["/next", "response"].into_iter().enumerate() {
            let column = |starts: &[[f64; 2]]| -> Vec<f64> {
                starts.iter().map(|start| start[index]).collect()
            };
            let (own, base) = (column(&own), column(&base));
            let pairs = ratios(&own, &base);
            report.add(&format!("{name} to {until}"), "us", &own, Some(&pairs));
        }
    }
}

/// Microseconds until the request for an event, and until the response.
fn start(binary: &BinaryUnderTest, response: &[u8]) -> [f64; 2] {
    let server = Server::start();
    let mut process = binary.spawn(&server);
    let timing = process.connection.exchange(EVENT, response);
    [us(process.start), us(process.start + timing.whole)]
}
