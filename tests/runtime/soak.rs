//! Many events: memory and descriptors stay as they are, and random misbehaviour is survived.

use std::collections::HashSet;

use crate::support::api::{Cut, Event, Framing, HangUp, Kind, Ledger, Script, Server, Turn};
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

fn turns(events: &[Event]) -> Vec<Turn> {
    events.iter().map(Turn::event).collect()
}

fn start(start: &Start, events: &[Event]) -> (Process, Server) {
    let server = Server::start(Script::events(events));
    let start = start
        .clone()
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address());
    (start.spawn(), server)
}

#[test]
fn two_thousand_events_on_one_connection_leave_memory_and_descriptors_as_they_were() {
    let count = rounds("events on one connection", 2_000);
    let (mut process, server) = start(&echo(), &plain(0, 100));
    process.until_idle(&server);
    let (descriptors, resident_kib) = (process.descriptors(), process.resident_kib());
    server.more(turns(&plain(100, 100 + count)));
    process.until_idle(&server);
    assert_eq!(process.descriptors(), descriptors);
    // A runner translates code as it goes, and keeps what it has translated.
    let growth_kib = if runner().is_some() { 4_096 } else { 16 };
    let resident_now_kib = process.resident_kib();
    let flat = resident_now_kib <= resident_kib + growth_kib;
    assert!(flat, "{resident_kib} KiB, then {resident_now_kib} KiB");
    let outcome = process.finish(server);
    let ledger = outcome.assert_serving();
    for event in plain(0, 100 + count) {
        assert_echoed(ledger, &event);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn reconnections_leave_descriptors_as_they_were() {
    let (mut process, server) = start(&echo(), &plain(0, 10));
    process.until_idle(&server);
    let descriptors = process.descriptors();
    let mut turns = Vec::new();
    let events = plain(10, 10 + rounds("reconnections", 300));
    let ways = [HangUp::Fin, HangUp::Close, HangUp::Reset];
    for (number, event) in events.iter().enumerate() {
        turns.push(
            Turn::event(event)
                .cut(Cut::InReply(40))
                .by(ways[number % 3]),
        );
        turns.push(Turn::event(event));
    }
    server.more(turns);
    process.until_idle(&server);
    assert_eq!(process.descriptors(), descriptors);
    process.finish(server).assert_serving();
}

#[test]
fn memory_of_a_large_event_goes_back_after_small_ones() {
    let large = Event::new("large", noise(15, 6_000_000));
    let (mut process, server) = start(&echo(), &[large]);
    process.until_idle(&server);
    let high_kib = process.resident_kib();
    assert!(
        high_kib > 11_000,
        "two regions of 6 MB were used, not {high_kib} KiB"
    );
    server.more(turns(&plain(0, 40)));
    process.until_idle(&server);
    let low_kib = process.resident_kib();
    // Two times 256 KiB stay, and the program itself; a dev build has a libc of 1 MiB.
    if runner().is_some() {
        println!("reduced: resident memory after a large event is only printed: {low_kib} KiB");
    } else {
        assert!(low_kib < 2_048, "{high_kib} KiB, then {low_kib} KiB");
    }
    process.finish(server).assert_serving();
}

/// One event and everything that goes wrong around it, so that the outcome is still known.
struct Chaos {
    random: Random,
    script: Script,
    events: Vec<Event>,
    /// Some events ask for a streamed response.
    streams: bool,
    /// Those of which a part went to a server that lost it: they fail when they come again.
    broken: HashSet<String>,
    /// The last thing the server did was to hang up: once more in a row would be the end.
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
            _ => Framing::Ornate(1 + self.random.below(9_000)),
        };
        let body = if self.streams && self.random.below(3) == 0 {
            let [first, times] = [self.random.below(70_000), self.random.below(5)];
            format!("stream {} {first}x{times}", 1 + size).into_bytes()
        } else {
            // A prefix that selects nothing in the probe.
            [b"{}".as_slice(), &noise(self.random.next(), size)].concat()
        };
        let mut event = Event::new(&format!("chaos-{number}"), body).framed(framing);
        if self.random.below(4) == 0 {
            event = event.lines(str::to_ascii_lowercase);
        }
        event
    }

    fn decorated(&mut self, mut turn: Turn) -> Turn {
        if self.random.below(5) == 0 {
            turn = turn.after(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
        }
        let length = turn.reply.len();
        let mut splits: Vec<usize> = (0..self.random.below(4))
            .map(|_| 1 + self.random.below(length - 1))
            .collect();
        splits.sort_unstable();
        splits.dedup();
        turn.split(splits)
    }

    fn round(&mut self, number: usize) {
        let event = self.event(number);
        let hang_up = self.hang_up();
        let whole = Turn::event(&event);
        let length = whole.reply.len();
        if self.random.below(6) == 0 {
            self.script.gets.push(Turn::status(204));
        }
        if !std::mem::take(&mut self.hung_up) && self.random.below(4) == 0 {
            let cut = match self.random.below(3) {
                0 => Cut::BeforeReply,
                1 => Cut::InRequest(1 + self.random.below(40)),
                _ => Cut::InReply(self.random.below(length)),
            };
            self.script.gets.push(whole.clone().cut(cut).by(hang_up));
        }
        let whole = self.decorated(whole);
        self.script.gets.push(whole);
        match self.random.below(4) {
            0 => {
                let cut = match self.random.below(2) {
                    0 => Cut::BeforeReply,
                    _ => {
                        let bytes = streamed_bytes(&event).unwrap_or(event.body.len());
                        Cut::InRequest(1 + self.random.below(bytes + 100))
                    }
                };
                if streamed_bytes(&event).is_some() {
                    self.broken.insert(event.id.clone());
                }
                let lost = Turn::status(202).cut(cut).by(hang_up).lost();
                self.script.posts.push(lost);
                // Handled again, this would be another answer.
                let again = Event::new(&event.id, "must not be handled");
                let again = self.decorated(Turn::event(&again));
                self.script.gets.push(again);
            }
            1 => {
                let status = [200, 204, 410, 413][self.random.below(4)];
                let reply = self.decorated(Turn::status(status));
                self.script.posts.push(reply);
                self.events.push(event);
                return;
            }
            2 => {
                let gone = Turn::status(202).cut(Cut::AfterReply).by(HangUp::Fin);
                self.script.posts.push(gone);
                self.events.push(event);
                self.hung_up = true;
                return;
            }
            _ => {}
        }
        let reply = self.decorated(Turn::status(202));
        self.script.posts.push(reply);
        self.events.push(event);
    }
}

#[test]
fn random_misbehaviour_neither_loses_nor_repeats_an_answer() {
    let count = soak_or("random misbehaviour", 1, 600);
    // Many processes of some rounds each: a failure names its seed.
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

/// How many bytes an event asks the probe to stream: `stream SIZE SIZExTIMES`.
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
