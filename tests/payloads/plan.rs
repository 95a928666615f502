//! What a session asks for: sizes near limits, in an order that makes the runtime release memory.

use crate::support::api::{Event, Framing, PAYLOAD_BYTES_MAX, Turn};
use crate::support::random::{Random, letters, noise};
use std::time::Duration;

/// What bytes a handler takes and gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    /// All.
    Any,
    /// Those that a shell leaves as they are.
    Text,
    /// A JSON string, or a digit.
    Json,
}

/// A handler that echoes events. One that begins with `"repeat N TEXT` is answered with the text
/// repeated to N bytes, between quotes that count too; `"fail N TEXT` fails with N bytes of it.
pub struct Subject {
    /// What reports call it.
    pub name: String,
    /// What it takes.
    pub bytes: Bytes,
    /// Whether it knows `repeat`.
    pub repeats: bool,
    /// The type of its errors, and the longest message that stays whole, where it knows `fail`.
    pub failure: Option<(&'static str, usize)>,
    /// How many times longer than others it takes.
    pub cost: usize,
}

/// The limits that the binary under test is built with.
#[derive(Clone, Copy)]
pub struct Limits {
    /// What stays resident, in bytes (`RESIDENT_BYTES`).
    resident: usize,
    /// After so many small events the rest is released (`RESIDENT_EVENTS`).
    events: usize,
}

impl Limits {
    /// Those of a usual build, or of one with small limits.
    pub fn of_environment() -> Limits {
        match std::env::var_os("TINDERBOX_SMALL_LIMITS") {
            Some(_) => Limits {
                resident: 8 * 1024,
                events: 2,
            },
            None => Limits {
                resident: 256 * 1024,
                events: 16,
            },
        }
    }
}

/// What the answer has to be.
pub enum Expected {
    /// A response of these bytes.
    Response(Vec<u8>),
    /// An error of this type with this message.
    Error(&'static str, Vec<u8>),
    /// An error of this type: something is over the limit.
    TooLarge(&'static str),
}

/// An event, how it is delivered, and its answer.
pub struct Step {
    /// The event.
    pub turn: Turn,
    /// Its id.
    pub id: String,
    /// What is expected.
    pub expected: Expected,
    /// What it was, for the report.
    pub what: String,
}

/// The steps of one session.
pub struct Plan<'a> {
    subject: &'a Subject,
    limits: Limits,
    random: Random,
    steps: Vec<Step>,
}

impl Plan<'_> {
    /// So many steps from this seed.
    pub fn steps(subject: &Subject, seed: u64, count: usize) -> Vec<Step> {
        let mut plan = Plan {
            subject,
            limits: Limits::of_environment(),
            random: Random::new(seed),
            steps: Vec::new(),
        };
        while plan.steps.len() < count {
            match plan.random.below(4) {
                0 | 1 => plan.release(),
                2 => {
                    for _ in 0..1 + plan.random.below(4) {
                        plan.any();
                    }
                }
                _ => {
                    let events = 1 + plan.random.below(3 * plan.limits.events);
                    plan.small_run(events);
                }
            }
        }
        plan.steps.truncate(count);
        plan.steps
    }

    /// A large one, about as many small ones as release memory, and some about as large as what
    /// then stays resident.
    fn release(&mut self) {
        let resident = self.limits.resident;
        let large = resident + self.random.below(3 * resident);
        self.push(large);
        let events = (self.limits.events + self.random.below(4)).saturating_sub(2);
        self.small_run(events);
        for _ in 0..1 + self.random.below(3) {
            let near = resident - 6 * 1024 + self.random.below(8 * 1024);
            self.push(near);
        }
    }

    fn small_run(&mut self, events: usize) {
        for _ in 0..events {
            let small = self.random.below(64);
            self.push(small);
        }
    }

    /// One of any size, mostly at a limit of something.
    fn any(&mut self) {
        let resident = self.limits.resident;
        const PAGE: usize = 4096;
        const MIB: usize = 1 << 20;
        let size = match self.random.below(40) {
            0 => PAYLOAD_BYTES_MAX - 2 + self.random.below(4),
            1 => MIB - 2 + self.random.below(4),
            2..6 => self.random.below(2 * resident),
            _ => {
                let limits = [
                    0,
                    2_048,
                    PAGE,
                    16 << 10,
                    64 << 10,
                    resident,
                    resident - PAGE,
                    resident + PAGE,
                    resident - 2 * PAGE + 512,
                ];
                (self.random.pick(&limits) + self.random.below(5)).saturating_sub(2)
            }
        };
        self.push(size);
    }

    /// A step with an answer of this size, or an event of it, or both.
    fn push(&mut self, size: usize) {
        let number = self.steps.len();
        let text_bytes = 1 + self.random.below(40);
        let (body, expected, what) = match (self.random.below(6), self.subject.failure) {
            (0, Some((error_type, most))) if size < most => {
                let (body, text) = self.told("fail", size, text_bytes);
                let what = format!("error of {size}");
                (body, Expected::Error(error_type, text), what)
            }
            (1 | 2, _) if self.subject.repeats && size > 1 => self.repeated(size, text_bytes),
            _ => self.echoed(size),
        };
        let id = format!("step-{number}");
        let event = Event::new(&id, body);
        let turn = self.delivered(event);
        self.steps.push(Step {
            turn,
            id,
            expected,
            what,
        });
    }

    fn echoed(&mut self, size: usize) -> (Vec<u8>, Expected, String) {
        let body = self.body(size);
        let what = format!("echo of {}", body.len());
        let expected = match body.len() > PAYLOAD_BYTES_MAX {
            true => Expected::TooLarge("Runtime.EventTooLarge"),
            false => Expected::Response(body.clone()),
        };
        (body, expected, what)
    }

    fn repeated(&mut self, size: usize, text_bytes: usize) -> (Vec<u8>, Expected, String) {
        let (body, text) = self.told("repeat", size - 2, text_bytes);
        let response = [b"\"", text.as_slice(), b"\""].concat();
        let what = format!("response of {size}");
        let expected = match size > PAYLOAD_BYTES_MAX {
            true => Expected::TooLarge("Function.ResponseSizeTooLarge"),
            false => Expected::Response(response),
        };
        (body, expected, what)
    }

    /// A body of this size, as far as there is one.
    fn body(&mut self, size: usize) -> Vec<u8> {
        let seed = self.random.next();
        match (self.subject.bytes, size) {
            (Bytes::Any, _) => noise(seed, size),
            (Bytes::Text, 0) => Vec::new(),
            (_, 0 | 1) => b"7".to_vec(),
            _ => [b"\"", letters(seed, size - 2).as_slice(), b"\""].concat(),
        }
    }

    /// An event that tells what to do with a text, and what comes of that.
    fn told(&mut self, verb: &str, size: usize, text_bytes: usize) -> (Vec<u8>, Vec<u8>) {
        let text = letters(self.random.next(), text_bytes);
        let body = format!("\"{verb} {size} {}\"", String::from_utf8_lossy(&text));
        let text = text.iter().copied().cycle().take(size).collect();
        (body.into_bytes(), text)
    }

    /// How the server hands it out: by length or in chunks, in one write or several.
    fn delivered(&mut self, event: Event) -> Turn {
        let least = 1 + event.body.len() / 1_000;
        let framing = match self.random.below(8) {
            0..3 => Framing::Sized,
            3 => Framing::Chunked(vec![2_048]),
            4 => Framing::Chunked(vec![32 * 1024]),
            5 => Framing::Chunked(vec![PAYLOAD_BYTES_MAX + 9]),
            6 => {
                let sizes = (0..1 + self.random.below(6))
                    .map(|_| least + self.random.below(9_000))
                    .collect();
                Framing::Chunked(sizes)
            }
            _ => Framing::Ornate(least + self.random.below(9_000)),
        };
        let mut turn = Turn::event(&event.framed(framing));
        let length = turn.reply.len();
        let mut splits: Vec<usize> = (0..self.random.below(4))
            .map(|_| 1 + self.random.below(length - 1))
            .collect();
        splits.sort_unstable();
        splits.dedup();
        turn.pause = Duration::from_micros(50 * self.random.below(3) as u64);
        turn.split(splits)
    }
}
