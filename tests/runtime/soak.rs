//! Many events: memory and descriptors do not grow, and random faults of the server lose nothing.

use std::collections::HashSet;

use crate::support::api::{
    CloseAt, Event, Framing, HangUp, Kind, Ledger, Script, ScriptedReply, Server,
};
use crate::support::process::Process;
use crate::support::random::soak_or;
use crate::support::start::Start;
use crate::support::{rounds, runner};
use crate::{Random, assert_echoed, echo, error_message, noise, probe};

fn plain(from: usize, to: usize) -> Vec<Event> {
    (from..to)
        .map(|number| {
            Event::new(
                &format!("event-{number}"),
                format!("{{\"number\":{number}}}"),
            )
        })
        .collect()
}

fn replies(events: &[Event]) -> Vec<ScriptedReply> {
    events.iter().map(ScriptedReply::event).collect()
}

fn start(start: &Start, events: &[Event]) -> (Process, Server) {
    let server = Server::start(Script::events(events));
    let start = start
        .clone()
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    (start.spawn(), server)
}

#[test]
fn memory_and_descriptors_do_not_grow_over_2000_events() {
    let count = rounds("events on one connection", 2_000);
    let (mut process, server) = start(&echo(), &plain(0, 100));
    process.until_idle(&server);
    let (descriptors, written_kib) = (process.descriptors(), process.written_kib());
    server.more(replies(&plain(100, 100 + count)));
    process.until_idle(&server);
    assert_eq!(process.descriptors(), descriptors);
    // A runner translates code on first use, and caches the translation.
    let growth_kib = if runner().is_some() { 4_096 } else { 16 };
    let now_kib = process.written_kib();
    let is_flat = now_kib <= written_kib + growth_kib;
    assert!(is_flat, "{written_kib} KiB, then {now_kib} KiB");
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for event in plain(0, 100 + count) {
        assert_echoed(ledger, &event);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn descriptors_do_not_grow_over_reconnections() {
    let (mut process, server) = start(&echo(), &plain(0, 10));
    process.until_idle(&server);
    let descriptors = process.descriptors();
    let mut replies = Vec::new();
    let events = plain(10, 10 + rounds("reconnections", 300));
    let ways = [HangUp::Fin, HangUp::Close, HangUp::Reset];
    for (number, event) in events.iter().enumerate() {
        replies.push(
            ScriptedReply::event(event)
                .close_at(CloseAt::InReply(40))
                .by(ways[number % 3]),
        );
        replies.push(ScriptedReply::event(event));
    }
    server.more(replies);
    process.until_idle(&server);
    assert_eq!(process.descriptors(), descriptors);
    process.finish(server).assert_serving();
}

#[test]
fn memory_of_a_large_event_is_released_after_small_events() {
    let large = Event::new("large", noise(15, 6_000_000));
    let (mut process, server) = start(&echo(), &[large]);
    process.until_idle(&server);
    let high_kib = process.resident_kib();
    assert!(
        high_kib > 11_000,
        "less than the event and the response: {high_kib} KiB"
    );
    server.more(replies(&plain(0, 40)));
    process.until_idle(&server);
    let low_kib = process.resident_kib();
    // Twice 256 KiB stay, and the program itself; a dev build has a libc of 1 MiB.
    if runner().is_some() {
        println!("reduced: resident memory after a large event is only printed: {low_kib} KiB");
    } else {
        assert!(low_kib < 2_048, "{high_kib} KiB, then {low_kib} KiB");
    }
    process.finish(server).assert_serving();
}

/// A script of random faults, with the expected answers.
struct Chaos {
    random: Random,
    script: Script,
    events: Vec<Event>,
    /// Some events request a streamed response.
    streams: bool,
    /// Ids whose stream was cut: they fail when they are delivered again.
    broken: HashSet<String>,
    /// The server closed the connection last: a second time in a row would be an exit.
    hung_up: bool,
}

impl Chaos {
    fn hang_up(&mut self) -> HangUp {
        [HangUp::Fin, HangUp::Close, HangUp::Reset][self.random.below(3)]
    }

    fn event(&mut self, number: usize) -> Event {
        let size = match self.random.below(8) {
            0 => self.random.below(300_000),
            1..4 => self.random.below(5_000),
            _ => self.random.below(60),
        };
        let framing = match self.random.below(3) {
            0 => Framing::Sized,
            1 => Framing::Chunked(vec![
                1 + self.random.below(50),
                1 + self.random.below(9_000),
            ]),
            _ => Framing::Unusual(1 + self.random.below(9_000)),
        };
        let body = if self.streams && self.random.below(3) == 0 {
            let [first, times] = [self.random.below(70_000), self.random.below(5)];
            format!("stream {} {first}x{times}", 1 + size).into_bytes()
        } else {
            // A prefix that is no command of the probe.
            [b"{}".as_slice(), &noise(self.random.next(), size)].concat()
        };
        let mut event = Event::new(&format!("chaos-{number}"), body).framed(framing);
        if self.random.below(4) == 0 {
            event = event.lines(str::to_ascii_lowercase);
        }
        event
    }

    fn with_random_splits(&mut self, mut reply: ScriptedReply) -> ScriptedReply {
        if self.random.below(5) == 0 {
            reply = reply.after(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
        }
        let length = reply.bytes.len();
        let mut splits: Vec<usize> = (0..self.random.below(4))
            .map(|_| 1 + self.random.below(length - 1))
            .collect();
        splits.sort_unstable();
        splits.dedup();
        reply.split(splits)
    }

    fn round(&mut self, number: usize) {
        let event = self.event(number);
        let hang_up = self.hang_up();
        let whole = ScriptedReply::event(&event);
        let length = whole.bytes.len();
        if self.random.below(6) == 0 {
            self.script.gets.push(ScriptedReply::status(204));
        }
        if !std::mem::take(&mut self.hung_up) && self.random.below(4) == 0 {
            let cut = match self.random.below(3) {
                0 => CloseAt::BeforeReply,
                1 => CloseAt::InRequest(1 + self.random.below(40)),
                _ => CloseAt::InReply(self.random.below(length)),
            };
            self.script
                .gets
                .push(whole.clone().close_at(cut).by(hang_up));
        }
        let whole = self.with_random_splits(whole);
        self.script.gets.push(whole);
        match self.random.below(4) {
            0 => {
                let cut = match self.random.below(2) {
                    0 => CloseAt::BeforeReply,
                    _ => {
                        let bytes = streamed_bytes(&event).unwrap_or(event.body.len());
                        CloseAt::InRequest(1 + self.random.below(bytes + 100))
                    }
                };
                if streamed_bytes(&event).is_some() {
                    self.broken.insert(event.id.clone());
                }
                let lost = ScriptedReply::status(202)
                    .close_at(cut)
                    .by(hang_up)
                    .uncounted();
                self.script.posts.push(lost);
                // The second delivery must not be handled.
                let again = Event::new(&event.id, "must not be handled");
                let again = self.with_random_splits(ScriptedReply::event(&again));
                self.script.gets.push(again);
            }
            1 => {
                let status = [200, 204, 410, 413][self.random.below(4)];
                let reply = self.with_random_splits(ScriptedReply::status(status));
                self.script.posts.push(reply);
                self.events.push(event);
                return;
            }
            2 => {
                let gone = ScriptedReply::status(202)
                    .close_at(CloseAt::AfterReply)
                    .by(HangUp::Fin);
                self.script.posts.push(gone);
                self.events.push(event);
                self.hung_up = true;
                return;
            }
            _ => {}
        }
        let reply = self.with_random_splits(ScriptedReply::status(202));
        self.script.posts.push(reply);
        self.events.push(event);
    }
}

#[test]
fn server_faults_at_random_lose_and_repeat_no_answer() {
    let count = soak_or("random faults", 1, 600);
    // A process per 100 rounds: a failure has its seed.
    for (seed, from) in (0..count).step_by(100).enumerate() {
        let mut chaos = Chaos {
            random: Random::new(1_000 + seed as u64),
            script: Script::default(),
            events: Vec::new(),
            streams: seed % 2 != 0,
            broken: HashSet::new(),
            hung_up: false,
        };
        for number in from..count.min(from + 100) {
            chaos.round(number);
        }
        let function = if seed % 2 == 0 { echo() } else { probe() };
        let outcome = function.run(chaos.script);
        assert_eq!(
            outcome.code, None,
            "seed {seed}; {}\n{}",
            outcome.ledger, outcome.stderr
        );
        assert_all(outcome.assert_serving(), &chaos.events, &chaos.broken);
    }
}

/// The number of bytes that the probe streams for an event: `stream SIZE SIZExTIMES`.
fn streamed_bytes(event: &Event) -> Option<usize> {
    let words = str::from_utf8(&event.body).ok()?.strip_prefix("stream ")?;
    let (first, more) = words.split_once(' ')?;
    let (size, times) = more.split_once('x')?;
    let number = |text: &str| text.parse::<usize>().expect("a number");
    Some(number(first) + number(size) * number(times))
}

fn assert_all(ledger: &Ledger, events: &[Event], broken: &HashSet<String>) {
    for event in events {
        let Some(bytes) = streamed_bytes(event) else {
            assert_echoed(ledger, event);
            continue;
        };
        let answer = ledger.answer(&event.id);
        if broken.contains(&event.id) {
            error_message(answer, "Runtime.StreamBroken");
        } else {
            let whole = (answer.kind, answer.body_bytes);
            assert_eq!(whole, (Kind::Response, bytes), "{}; {ledger}", event.id);
        }
    }
}
