//! The local Lambda beside others, with the same bootstrap: `tinderbox run`, AWS's Runtime
//! Interface Emulator (RIE), `cargo lambda watch`.
//!
//! All run side by side and take turns, a block of events at a time. The ratios are those of pairs
//! of blocks, another's figure to that of `tinderbox run`: of a time, above 1 the other is slower.
//! Events go in one write, and every answer must be the event. What is not installed is skipped
//! (`scripts/rie.sh`, `scripts/clients.sh cargo-lambda`). `TINDERBOX_OTHER_TOOL` is the path of
//! another build of the tool to compare with. All share one core, as in the other benches; with
//! `TINDERBOX_PINNED=1` they have all cores.

#[path = "local/caller.rs"]
mod caller;
#[path = "local/footprint.rs"]
mod footprint;
#[path = "local/server.rs"]
mod server;
mod support;

use std::time::Instant;

use caller::Caller;
use server::{Kind, Server, Starting};
use support::Mode;
use support::figures::{Report, median, ratios, us};

/// The figures of each server, by round, of one row.
type Row = Vec<Vec<f64>>;

fn main() {
    let mode = support::pin_and_mode();
    footprint::raise_descriptor_limit();
    let bench = Bench {
        mode,
        kinds: Kind::available(),
    };
    bench.starts();
    let servers: Vec<Server> = bench.kinds.iter().map(Kind::start).collect();
    let idle = servers.iter().map(|one| vec![one.peak_kib()]).collect();
    bench.events(&servers);
    let after = servers.iter().map(|one| vec![one.peak_kib()]).collect();
    bench.add("peak resident, idle", "KiB", idle);
    bench.add("peak resident, after all sizes", "KiB", after);
    bench.system_calls(&servers);
    drop(servers);
    bench.idle_connections();
    bench.environments();
}

struct Bench {
    mode: Mode,
    kinds: Vec<Kind>,
}

impl Bench {
    /// Adds a row: `tinderbox run`, which is the first, and the others beside it. A server without
    /// a figure has none.
    fn add(&self, name: &str, unit: &str, rows: Row) {
        let report = || Report::new("local", self.mode != Mode::Check);
        for (kind, row) in self.kinds.iter().zip(&rows) {
            if row.is_empty() {
                println!("local      {name}, {}: does not have it", kind.name());
            } else if matches!(kind, Kind::Tinderbox) {
                report().add(name, unit, row, None);
            } else {
                let name = format!("{name}, {}", kind.name());
                let pairs = ratios(row, &rows[0]);
                let report = report().beside("tinderbox run");
                report.add(&name, unit, row, Some(&pairs));
            }
        }
    }

    /// Lets the servers take turns, another one first in each round.
    fn turns<T>(&self, rounds: usize, mut run: impl FnMut(usize) -> T) -> Vec<Vec<T>> {
        let count = self.kinds.len();
        let mut all: Vec<Vec<T>> = (0..count).map(|_| Vec::new()).collect();
        for round in 0..rounds {
            for turn in 0..count {
                let at = (round + turn) % count;
                let result = run(at);
                all[at].push(result);
            }
        }
        all
    }

    /// From just before a server is started until it listens, and until the first answer.
    fn starts(&self) {
        let all = self.turns(self.mode.of(1, 5, 25), |at| {
            let begin = Instant::now();
            let starting = Starting::new(&self.kinds[at]);
            let listening = us(begin.elapsed()) / 1_000.0;
            let server = starting.serve();
            let mut caller = Caller::connect(server.port());
            caller.echo(&server.path, &event_of(20));
            (listening, us(begin.elapsed()) / 1_000.0)
        });
        let column = |of: fn(&(f64, f64)) -> f64| -> Row {
            all.iter()
                .map(|list| list.iter().map(of).collect())
                .collect()
        };
        self.add("start to listening", "ms", column(|pair| pair.0));
        self.add("start to first answer", "ms", column(|pair| pair.1));
    }

    /// Events of each size, in blocks.
    fn events(&self, servers: &[Server]) {
        let rounds = self.mode.of(1, 9, 25);
        let mut callers: Vec<Caller> = servers
            .iter()
            .map(|server| Caller::connect(server.port()))
            .collect();
        let small = event_of(20);
        let count = self.mode.of(3, 300, 1_000);
        let mut block = |event: &[u8], count: usize| {
            self.turns(rounds, |at| {
                let (caller, path) = (&mut callers[at], servers[at].path.as_str());
                caller.echo(path, event);
                let begin = Instant::now();
                let times: Vec<f64> = (0..count).map(|_| caller.echo(path, event)).collect();
                let speed = count as f64 / begin.elapsed().as_secs_f64();
                (median(&times), speed)
            })
        };
        let times = |all: &[Vec<(f64, f64)>]| -> Row {
            let of = |list: &Vec<(f64, f64)>| list.iter().map(|pair| pair.0).collect();
            all.iter().map(of).collect()
        };
        let all = block(&small, count);
        self.add("20 B, keep-alive", "us", times(&all));
        let speeds = |list: &Vec<(f64, f64)>| list.iter().map(|pair| pair.1).collect();
        self.add("one caller", "events/s", all.iter().map(speeds).collect());
        for (name, event, count) in [
            ("100 KB string", event_of(100_000), self.mode.of(2, 50, 100)),
            ("1 MB string", event_of(1_000_000), self.mode.of(2, 10, 20)),
            (
                "1.1 MB of objects",
                objects(1_100_000),
                self.mode.of(2, 5, 10),
            ),
        ] {
            let all = block(&event, count);
            self.add(name, "us", times(&all));
        }
        let all = self.turns(rounds, |at| {
            let times: Vec<f64> = (0..count / 3 + 1)
                .map(|_| {
                    let begin = Instant::now();
                    let mut caller = Caller::connect(servers[at].port());
                    caller.echo(&servers[at].path, &small);
                    us(begin.elapsed())
                })
                .collect();
            median(&times)
        });
        self.add("20 B, a connection each", "us", all);
    }

    /// System calls of the server's own process for an event, without those of the bootstrap.
    fn system_calls(&self, servers: &[Server]) {
        let count = self.mode.of(20, 300, 1_000);
        let calls = |server: &Server| {
            let mut caller = Caller::connect(server.port());
            caller.echo(&server.path, &event_of(20));
            let calls = footprint::system_calls(server.pid(), || {
                for _ in 0..count {
                    caller.echo(&server.path, &event_of(20));
                }
            })?;
            Some(calls as f64 / count as f64)
        };
        let all: Row = servers
            .iter()
            .map(|server| calls(server).into_iter().collect())
            .collect();
        if all[0].is_empty() {
            println!("skipped: local: system calls: strace cannot attach");
            return;
        }
        self.add("system calls an event", "calls", all);
    }

    /// Threads and memory while 2,000 connections have sent a part of a request.
    fn idle_connections(&self) {
        let count = self.mode.of(50, 2_000, 2_000);
        let all: Vec<(f64, f64)> = self
            .kinds
            .iter()
            .map(|kind| {
                let server = kind.start();
                let held = caller::half_requests(server.port(), &server.path, count);
                let seen = (server.threads(), server.resident_kib());
                drop(held);
                seen
            })
            .collect();
        let column =
            |of: fn(&(f64, f64)) -> f64| -> Row { all.iter().map(|pair| vec![of(pair)]).collect() };
        self.add(
            "threads, 2,000 connections",
            "threads",
            column(|pair| pair.0),
        );
        self.add("resident, 2,000 connections", "KiB", column(|pair| pair.1));
    }

    /// Processes started: each event ends its process, and the next one needs a new one.
    fn environments(&self) {
        let rounds = self.mode.of(1, 5, 15);
        let count = self.mode.of(3, 100, 200);
        let servers: Vec<Option<Server>> = self.kinds.iter().map(Kind::start_crashing).collect();
        let all = self.turns(rounds, |at| {
            let server = servers[at].as_ref()?;
            let mut caller = Caller::connect(server.port());
            let begin = Instant::now();
            for _ in 0..count {
                let answer = caller.call(&server.path, b"exit 1");
                let text = String::from_utf8_lossy(&answer);
                assert!(text.contains("Runtime.ExitError"), "{text}");
            }
            Some(count as f64 / begin.elapsed().as_secs_f64())
        });
        let flat = |list: Vec<Option<f64>>| list.into_iter().flatten().collect();
        let all = all.into_iter().map(flat).collect();
        self.add("environments started", "env/s", all);
    }
}

/// A JSON string of this many bytes; of 20, an object.
fn event_of(bytes: usize) -> Vec<u8> {
    match bytes {
        20 => b"{\"message\":\"hello!\"}".to_vec(),
        _ => format!("\"{}\"", "x".repeat(bytes - 2)).into_bytes(),
    }
}

/// A list of small objects, of at least this many bytes.
fn objects(bytes: usize) -> Vec<u8> {
    let mut text = String::from("[");
    let mut number = 0;
    while text.len() < bytes {
        let comma = if number > 0 { "," } else { "" };
        text += &format!(
            "{comma}{{\"id\":{number},\"name\":\"item {number}\",\"price\":{number}.25,\
             \"tags\":[\"new\",\"sale\"],\"stock\":{{\"left\":{number},\"isOpen\":true}}}}"
        );
        number += 1;
    }
    (text + "]").into_bytes()
}
