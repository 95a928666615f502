//! Frames of a worker, mutated at random, through the whole runtime: each event is answered once
//! and as the protocol defines, and the events after it are served.
//!
//! A worker sends the bytes that its event contains; `fuzz/model.rs` parses the same bytes
//! independently, and derives the expected answer. Sessions are drawn from seeds, which a failure
//! prints.

#[path = "fuzz/model.rs"]
mod model;
#[path = "fuzz/mutations.rs"]
mod mutations;

use crate::kinds::started;
use crate::skip::has;
use crate::support::TempDir;
use crate::support::api::{Event, Kind, Ledger, Post, Script, Server};
use crate::support::random::{Random, Replay, seeds, soak_or};
use crate::support::watch::{Rest, until_rest};
use model::{Answer, Reading, read};
use mutations::frame;

const SCRIPTED: &[u8] = include_bytes!("functions/scripted.pl");

/// Mutated frames per session, and plain events after each.
const ROUNDS: usize = 40;
const PLAIN: usize = 3;

/// The longest frame that passes a socket in one piece, in bytes.
const PIECE_BYTES: usize = 4096;

/// The event numbers that may change the meaning of a frame: those that occur in frames, and the
/// highest, which is the longest where a length is the number.
const NUMBERS: [usize; 11] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ROUNDS * (1 + PLAIN) + 2];

/// A mutated frame, as the event orders it from the worker.
struct MutatedFrame {
    flag: u8,
    template: Vec<u8>,
}

impl MutatedFrame {
    fn new(random: &mut Random) -> MutatedFrame {
        let template = frame(random);
        // An open frame of a live worker is awaited until the deadline: so the worker exits.
        let is_open = NUMBERS
            .iter()
            .any(|number| read(&filled(&template, *number), *number).is_open);
        let flag = match is_open {
            true => random.pick(b"xxkkxxkc"),
            false => random.pick(b"nnnnnsssxkc"),
        };
        MutatedFrame { flag, template }
    }

    /// Whether the worker stays alive after it.
    fn stays(&self) -> bool {
        matches!(self.flag, b'n' | b's')
    }
}

/// The frame of the event with this number.
fn filled(template: &[u8], number: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(template.len() + 100);
    let mut rest = template;
    while let Some(at) = rest.iter().position(|byte| *byte == b'@') {
        let (piece, skipped) = match rest.get(at + 1) {
            Some(b'@') => (number.to_string(), 2),
            Some(b'+') => ((number + 1).to_string(), 2),
            _ => ("@".to_string(), 1),
        };
        bytes.extend_from_slice(&rest[..at]);
        bytes.extend_from_slice(piece.as_bytes());
        rest = &rest[at + skipped..];
    }
    bytes.extend_from_slice(rest);
    bytes
}

#[test]
fn mutated_frame_is_answered_as_the_model_expects() {
    if !has("perl") {
        return;
    }
    let count = soak_or("mutated frames", 1, 800).div_ceil(ROUNDS);
    let seeds = seeds(1, count);
    for seed in &seeds {
        let what = "mutated frames";
        let _replay = Replay { what, seed: *seed };
        session(*seed);
    }
    println!("{} mutated frames", seeds.len() * ROUNDS);
}

fn session(seed: u64) {
    let dir = TempDir::new();
    dir.executable("scripted", SCRIPTED);
    let mut random = Random::new(seed);
    let mut events = vec![Event::new("first", "?")];
    let mut rounds = Vec::new();
    for number in 0..ROUNDS {
        let mutated = MutatedFrame::new(&mut random);
        let body = [&[mutated.flag], mutated.template.as_slice()].concat();
        events.push(Event::new(&format!("mutated-{number}"), body));
        events.extend((0..PLAIN).map(|at| Event::new(&format!("plain-{number}-{at}"), "?")));
        rounds.push(mutated);
    }
    let server = Server::start(Script::events(&events));
    let start = started(&dir, "worker:scripted");
    let start = start.variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    let mut process = start.spawn();
    let rest = until_rest(&mut process, &server);
    let text = process.stderr();
    assert_eq!(rest, Rest::Idle, "{}\n{text:.3000}", server.ledger());
    process.until_idle(&server);
    process.assert_no_zombie();
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    let mut before = "first".to_string();
    for (number, mutated) in rounds.iter().enumerate() {
        if let Err(wrong) = check(ledger, mutated, number, &before) {
            let MutatedFrame { flag, template } = mutated;
            let frame = String::from_utf8_lossy(&template[..template.len().min(400)]);
            let flag = char::from(*flag);
            panic!("round {number}, flag {flag}, {frame:?}: {wrong}\n{ledger}");
        }
        before = format!("plain-{number}-{}", PLAIN - 1);
    }
}

/// The pid and the event number in the answer to a plain event; `None` where that failed.
fn plain(ledger: &Ledger, id: &str) -> Option<(usize, usize)> {
    let answer = ledger.answer(id);
    let text = str::from_utf8(&answer.body).ok()?;
    let (pid, number) = text.split_once(' ')?;
    let pair = (pid.parse().ok()?, number.parse().ok()?);
    (answer.kind == Kind::Response).then_some(pair)
}

/// Compares the answers of a round with the model; the error names the difference.
fn check(
    ledger: &Ledger,
    mutated: &MutatedFrame,
    number: usize,
    before: &str,
) -> Result<(), String> {
    let (pid, last) = plain(ledger, before).ok_or("the event before it failed")?;
    let frame = filled(&mutated.template, last + 1);
    let Reading {
        answer, is_clean, ..
    } = read(&frame, last + 1);
    let post = ledger.answer(&format!("mutated-{number}"));
    if !fits(post, &answer) {
        let [body, wanted] = [format!("{:?}", post.body), format!("{answer:?}")];
        let kind = post.kind;
        return Err(format!("is {kind:?} {body:.200}, not {wanted:.300}"));
    }
    let all: Vec<_> = (0..PLAIN)
        .map(|at| plain(ledger, &format!("plain-{number}-{at}")))
        .collect();
    if is_clean && mutated.stays() {
        // Nothing was wrong: the same process serves on, and nothing fails.
        let expected: Vec<_> = (0..PLAIN).map(|at| Some((pid, last + 2 + at))).collect();
        return match all == expected {
            true => Ok(()),
            false => Err(format!("then {all:?}, not {expected:?}")),
        };
    }
    // An invalid frame ends its worker before the event is answered, and surplus bytes in the same
    // piece are noticed before the next event is sent: then no other event fails. But an event that
    // comes while a worker exits may fail with it, or be answered by bytes that came too early, and
    // then its own answer is surplus for the next event.
    let is_broken = matches!(answer, Answer::Broken | Answer::CutStream(_, false));
    let may_spread = !is_broken && (mutated.flag != b'n' || frame.len() > PIECE_BYTES);
    let pids: Vec<_> = all.iter().flatten().map(|(pid, _)| *pid).collect();
    let is_right = match may_spread {
        true => all.last().is_some_and(Option::is_some),
        false => pids.len() == PLAIN && pids == [pids[0]; PLAIN],
    };
    match is_right && pids.iter().all(|new| *new != pid) {
        true => Ok(()),
        false => Err(format!("then {all:?}, after process {pid}")),
    }
}

/// Whether the post is the expected answer.
fn fits(post: &Post, answer: &Answer) -> bool {
    let failed = (post.trailers.iter())
        .map(|(name, _)| name.to_ascii_lowercase())
        .any(|name| name == "lambda-runtime-function-error-type");
    match answer {
        Answer::Response(body) => post.kind == Kind::Response && !failed && post.body == *body,
        Answer::Error(body) => post.kind == Kind::Error && post.body == *body,
        Answer::Broken => post.kind == Kind::Error,
        // Bytes that were sent cannot be taken back: the trailers report the failure.
        Answer::CutStream(sent, error) => {
            let is_part = match error {
                true => post.body == *sent,
                false => sent.starts_with(&post.body),
            };
            post.kind == Kind::Response && failed && is_part
        }
    }
}
