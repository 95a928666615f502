//! The steps of a session: sizes near limits, in an order that makes the runtime release memory.

use crate::support::api::{Event, Framing, PAYLOAD_BYTES_MAX, ScriptedReply};
use crate::support::random::{Random, letters, noise};
use std::time::Duration;

/// The bytes that a handler reads and writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    /// All bytes.
    Any,
    /// Bytes that a shell passes unchanged.
    Text,
    /// A JSON string, or a digit.
    Json,
}

/// A handler that echoes events. The answer to `"repeat N TEXT"` is the text repeated to N bytes,
/// between quotes that count too; `"fail N TEXT"` fails with N bytes of it.
pub struct Subject {
    /// Its name in reports.
    pub name: String,
    /// The bytes of its events.
    pub bytes: Bytes,
    /// Whether it has the command `repeat`.
    pub repeats: bool,
    /// The type of its errors, and the longest message that is not truncated, where it has the
    /// command `fail`.
    pub failure: Option<(&'static str, usize)>,
    /// How many times slower than others it is.
    pub cost: usize,
}

/// The limits that the binary under test is built with.
#[derive(Clone, Copy)]
pub struct Limits {
    /// The part of a region that stays resident, in bytes (`RESIDENT_BYTES`).
    resident: usize,
    /// The number of small events after which the rest is released (`RESIDENT_EVENTS`).
    events: usize,
}

impl Limits {
    /// The limits of a usual build, or of one with small limits.
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

/// The expected answer.
pub enum Expected {
    /// A response of these bytes.
    Response(Vec<u8>),
    /// An error of this type with this message.
    Error(&'static str, Vec<u8>),
    /// An error of this type: a message is over its limit.
    TooLarge(&'static str),
}

/// An event with its delivery, and the expected answer.
pub struct Step {
    /// The event.
    pub reply: ScriptedReply,
    /// Its id.
    pub id: String,
    /// The expected answer.
    pub expected: Expected,
    /// Its description in reports.
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
    /// `count` steps from this seed.
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

    /// A large one, about as many small ones as release memory, and some near the size that then
    /// stays resident.
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

    /// One of any size, mostly near a limit.
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

    /// A step with an event or an answer of this size, or both.
    fn push(&mut self, size: usize) {
        let number = self.steps.len();
        let text_bytes = 1 + self.random.below(40);
        let (body, expected, what) = match (self.random.below(6), self.subject.failure) {
            (0, Some((error_type, most))) if size < most => {
                let (body, text) = self.with_command("fail", size, text_bytes);
                let what = format!("error of {size}");
                (body, Expected::Error(error_type, text), what)
            }
            (1 | 2, _) if self.subject.repeats && size > 1 => self.repeated(size, text_bytes),
            _ => self.echoed(size),
        };
        let id = format!("step-{number}");
        let event = Event::new(&id, body);
        let reply = self.delivered(event);
        self.steps.push(Step {
            reply,
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
        let (body, text) = self.with_command("repeat", size - 2, text_bytes);
        let response = [b"\"", text.as_slice(), b"\""].concat();
        let what = format!("response of {size}");
        let expected = match size > PAYLOAD_BYTES_MAX {
            true => Expected::TooLarge("Function.ResponseSizeTooLarge"),
            false => Expected::Response(response),
        };
        (body, expected, what)
    }

    /// A body of this size, or of the nearest possible size.
    fn body(&mut self, size: usize) -> Vec<u8> {
        let seed = self.random.next();
        match (self.subject.bytes, size) {
            (Bytes::Any, _) => noise(seed, size),
            (Bytes::Text, 0) => Vec::new(),
            (_, 0 | 1) => b"7".to_vec(),
            _ => [b"\"", letters(seed, size - 2).as_slice(), b"\""].concat(),
        }
    }

    /// An event with a command for a text, and the resulting text.
    fn with_command(&mut self, verb: &str, size: usize, text_bytes: usize) -> (Vec<u8>, Vec<u8>) {
        let text = letters(self.random.next(), text_bytes);
        let body = format!("\"{verb} {size} {}\"", String::from_utf8_lossy(&text));
        let text = text.iter().copied().cycle().take(size).collect();
        (body.into_bytes(), text)
    }

    /// The delivery: by length or in chunks, in one write or several.
    fn delivered(&mut self, event: Event) -> ScriptedReply {
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
            _ => Framing::Unusual(least + self.random.below(9_000)),
        };
        let mut reply = ScriptedReply::event(&event.framed(framing));
        let length = reply.bytes.len();
        let mut splits: Vec<usize> = (0..self.random.below(4))
            .map(|_| 1 + self.random.below(length - 1))
            .collect();
        splits.sort_unstable();
        splits.dedup();
        reply.pause = Duration::from_micros(50 * self.random.below(3) as u64);
        reply.split(splits)
    }
}
