//! Cold starts: from before the start of the process to the last byte of its request for an event,
//! and to the last byte of its first response. Each binary in turn with the floor.

mod support;

use support::Mode;
use support::figures::{Report, in_turn, ratios, us};
use support::process::Subject;
use support::server::Server;

const EVENT: &[u8] = br#"{"name":"Ada"}"#;
const GREETING: &[u8] = br#"{"message":"Hello, Ada!"}"#;

fn main() {
    let mode = support::begin();
    let report = Report::new("coldstart", mode != Mode::Check);
    let count = mode.of(2, 30, 300);
    let floor = Subject::new("floor");
    let cat = Subject::new("bootstrap")
        .with("LAMBDA_TASK_ROOT", "/bin")
        .with("_HANDLER", "cat");
    for (name, subject, response) in [
        ("floor", floor.clone(), EVENT),
        ("bare", Subject::new("bare"), EVENT),
        ("echo", Subject::new("echo"), EVENT),
        ("hello", Subject::new("hello"), GREETING),
        ("bootstrap cat", cat, EVENT),
    ] {
        // One of each is not counted: what is read from the disk the first time.
        start(&subject, response);
        let (own, least) = in_turn(count, || start(&subject, response), || start(&floor, EVENT));
        for (index, until) in ["/next", "response"].into_iter().enumerate() {
            let of = |all: &[[f64; 2]]| -> Vec<f64> { all.iter().map(|one| one[index]).collect() };
            let (own, least) = (of(&own), of(&least));
            let beside = ratios(&own, &least);
            report.say(&format!("{name} to {until}"), "us", &own, Some(&beside));
        }
    }
}

/// Microseconds until the request for an event, and until the response.
fn start(subject: &Subject, response: &[u8]) -> [f64; 2] {
    let server = Server::start();
    let mut running = subject.start(&server);
    let took = running.connection.exchange(EVENT, response);
    [us(running.start), us(running.start + took.whole)]
}
