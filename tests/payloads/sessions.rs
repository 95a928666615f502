//! Sessions: a process with the steps of one seed.

use std::fmt::Write;
use std::time::Instant;

use crate::plan::{Expected, Plan, Step, Subject};
use crate::support::api::ledger::hash;
use crate::support::api::{Kind, Ledger, Script, Server};
use crate::support::hosting;
use crate::support::random::{Replay, seeds, soak_or};
use crate::support::start::Start;
use crate::support::watch::{Rest, until_rest};

/// The number of events of a session.
const SESSION_EVENTS: usize = 100;

/// The number of events of a subject in the usual run, and of each round of a soak: 20,000 rounds
/// of eleven subjects are 100,000 events.
const USUAL_EVENTS: usize = 1_200;
const SOAK_SUBJECTS: usize = 11;
const SOAK_EVENTS: usize = 5;

/// Runs all sessions of a subject; the first wrong answer fails the test.
pub fn run_sessions(subject: &Subject, start: &Start) {
    let usual = USUAL_EVENTS / subject.cost;
    let events = match std::env::var_os("TINDERBOX_SOAK") {
        Some(_) => soak_or(&subject.name, SOAK_EVENTS, usual).div_ceil(SOAK_SUBJECTS),
        None => soak_or(&subject.name, SOAK_EVENTS, usual),
    };
    let began = Instant::now();
    // Each subject has its own seeds.
    let first = hash(subject.name.as_bytes()) % 1_000 * 1_000;
    let seeds = seeds(first, events.div_ceil(SESSION_EVENTS));
    for seed in &seeds {
        let _replay = Replay {
            what: &subject.name,
            seed: *seed,
        };
        session(subject, start, *seed);
    }
    let events = seeds.len() * SESSION_EVENTS;
    let seconds = began.elapsed().as_secs_f32();
    println!("{}: {events} events in {seconds:.1} s", subject.name);
}

fn session(subject: &Subject, start: &Start, seed: u64) {
    let steps = Plan::steps(subject, seed, SESSION_EVENTS);
    let script = Script {
        gets: steps.iter().map(|step| step.reply.clone()).collect(),
        ..Script::default()
    };
    let server = Server::start(script);
    let start = start
        .clone()
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    let mut process = start.spawn();
    let rest = until_rest(&mut process, &server);
    let name = &subject.name;
    let text = process.stderr();
    assert_eq!(
        rest,
        Rest::Idle,
        "{name}; {}\n{text:.3000}",
        server.ledger()
    );
    process.until_idle(&server);
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for (number, step) in steps.iter().enumerate() {
        if let Err(wrong) = check(ledger, step) {
            let history = history(&steps[..=number]);
            panic!("{name}, seed {seed}, step {number}: {wrong}\nafter {history}\n{ledger}");
        }
    }
}

/// The last steps.
fn history(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in &steps[steps.len().saturating_sub(40)..] {
        let _ = write!(text, "{}, ", step.what);
    }
    text
}

/// Compares the answer with the expected one.
fn check(ledger: &Ledger, step: &Step) -> Result<(), String> {
    let answer = ledger.answer(&step.id);
    let (error_type, message) = match &step.expected {
        Expected::Response(body) => {
            let kind = answer.kind;
            if kind != Kind::Response {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(format!("{} failed: {text:.300}", step.what));
            }
            return same(&answer.body, body).map_err(|wrong| format!("{}: {wrong}", step.what));
        }
        Expected::Error(error_type, message) => (error_type, Some(message)),
        Expected::TooLarge(error_type) => (error_type, None),
    };
    let text = hosting::error(ledger, &step.id, error_type);
    match message {
        Some(message) => {
            same(text.as_bytes(), message).map_err(|wrong| format!("{}: {wrong}", step.what))
        }
        None => Ok(()),
    }
}

/// Compares two bodies.
fn same(got: &[u8], wanted: &[u8]) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    let first = got.iter().zip(wanted).position(|(one, other)| one != other);
    let first = first.unwrap_or(got.len().min(wanted.len()));
    let zeros = got[first..].iter().filter(|byte| **byte == 0).count();
    Err(format!(
        "{} bytes instead of {}, other from byte {first} on, {zeros} zeros there",
        got.len(),
        wanted.len()
    ))
}
