//! `http:` with answers made at random: valid ones in any form and in any pieces arrive byte for
//! byte; of mutated ones, each event has one answer or one error, and the next one is served.

use super::upstream::{Upstream, ok, read_request};
use crate::support::front::{Answer, Request, Source};
use crate::support::random::{Random, noise, soak_or};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An answer of the application, in the pieces in which it is sent.
#[derive(Clone, Default)]
struct Sent {
    pieces: Vec<Vec<u8>>,
    /// The connection is closed behind it.
    closes: bool,
}

/// What has to arrive.
struct Expected {
    status: u16,
    body: Vec<u8>,
}

fn chunks(random: &mut Random, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let most = random.pick(&[1, 10, 1000, 100_000]);
        let (chunk, behind) = rest.split_at(rest.len().min(1 + random.below(most)));
        let zeros = "0".repeat(random.below(3));
        let line = match random.below(4) {
            0 => format!("{zeros}{:X} ;a=\"b\"\r\n", chunk.len()),
            1 => format!("{zeros}{:x}\n", chunk.len()),
            _ => format!("{:x}\r\n", chunk.len()),
        };
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
        rest = behind;
    }
    bytes.extend_from_slice(match random.below(3) {
        0 => b"0\r\nX-Trailer: a\r\nY:\r\n\r\n",
        _ => b"0\r\n\r\n",
    });
    bytes
}

/// A valid answer, and what has to arrive of it.
fn answer(random: &mut Random, is_head: bool) -> (Vec<u8>, bool, Expected) {
    let mut bytes = Vec::new();
    for _ in 0..random.below(3) {
        bytes.extend_from_slice(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    }
    let status = random.pick(&[200, 200, 200, 201, 204, 301, 304, 404, 500, 599]);
    let most = random.pick(&[1, 2, 100, 5_000, 70_000, 1_000_000]);
    let mut body = noise(random.next(), random.below(most));
    if random.once_in(3) {
        body = body.iter().map(|byte| b' ' + byte % 90).collect();
    }
    let version = random.pick(&["1.1", "1.1", "1.1", "1.0"]);
    bytes.extend_from_slice(format!("HTTP/{version} {status} X\r\n").as_bytes());
    for _ in 0..random.below(4) {
        let name = random.pick(&["Content-Type", "X-A", "Set-Cookie", "Date"]);
        bytes.extend_from_slice(format!("{name}:\t{} \r\n", random.below(9)).as_bytes());
    }
    let has_no_body = is_head || matches!(status, 204 | 304);
    let mut closes = random.once_in(5);
    if closes {
        bytes.extend_from_slice(b"Connection: Keep-Alive, Close\r\n");
    }
    match random.below(3) {
        0 if has_no_body => bytes.extend_from_slice(b"\r\n"),
        0 => {
            closes = true;
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(&body);
        }
        1 => {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
            bytes.extend_from_slice(if has_no_body { b"" } else { &body });
        }
        _ => {
            bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            if !has_no_body {
                bytes.extend_from_slice(&chunks(random, &body));
            }
        }
    }
    if has_no_body {
        body.clear();
    }
    (bytes, closes, Expected { status, body })
}

fn cut(random: &mut Random, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let most = match pieces.len() {
            0..20 => random.pick(&[1, 10, 100, 100_000, 1_000_000]),
            _ => 10_000_000,
        };
        let (piece, behind) = rest.split_at(rest.len().min(1 + random.below(most)));
        pieces.push(piece.to_vec());
        rest = behind;
    }
    pieces
}

/// A bootstrap with an application that sends what is in the cell, to each request.
fn start() -> (Arc<Mutex<Sent>>, Upstream) {
    let cell = Arc::new(Mutex::new(Sent::default()));
    let for_server = Arc::clone(&cell);
    let upstream = Upstream::start(&[], move |_, mut stream| {
        while read_request(&mut stream).is_some() {
            let sent = for_server.lock().expect("a lock").clone();
            for (number, piece) in sent.pieces.iter().enumerate() {
                if number % 3 == 2 {
                    std::thread::sleep(Duration::from_micros(300));
                }
                if stream.write_all(piece).is_err() {
                    return;
                }
            }
            if sent.closes {
                return;
            }
        }
    });
    (cell, upstream)
}

fn ask(upstream: &Upstream, method: &str) -> Answer {
    let request = Request::new(method, "/");
    upstream.site.ask(Source::FunctionUrl, &request)
}

#[test]
fn valid_answers_in_any_form_arrive_byte_for_byte() {
    let (cell, upstream) = start();
    let seed = 0x000a_5e5e;
    println!("seed {seed}"); // shown when what follows fails
    let mut random = Random::new(seed);
    for number in 0..soak_or("answers in any form", 1, 600) {
        let method = random.pick(&["GET", "GET", "POST", "HEAD"]);
        let (bytes, closes, expected) = answer(&mut random, method == "HEAD");
        let pieces = cut(&mut random, &bytes);
        *cell.lock().expect("a lock") = Sent { pieces, closes };
        let got = ask(&upstream, method);
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
        assert_eq!(got.status, expected.status, "{number} {method} {head}");
        assert!(
            got.body == expected.body,
            "{number} {method}: {} bytes of {}; {head}",
            got.body.len(),
            expected.body.len()
        );
    }
}

#[test]
fn mutated_answers_fail_one_event_at_most() {
    let (cell, upstream) = start();
    let seed = 0x0b_adab;
    println!("seed {seed}"); // shown when what follows fails
    let mut random = Random::new(seed);
    let (mut wrong, count) = (0, soak_or("mutated answers", 1, 300));
    for number in 0..count {
        let (mut bytes, _, _) = answer(&mut random, false);
        bytes.truncate(3_000);
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = random.next() as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, random.pick(b"\r\n :0;,")),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let pieces = cut(&mut random, &bytes);
        // What is cut short would be waited for.
        *cell.lock().expect("a lock") = Sent {
            pieces,
            closes: true,
        };
        wrong += usize::from(ask(&upstream, "POST").status == 502);
        if number % 10 == 0 {
            let pieces = vec![ok("well")];
            *cell.lock().expect("a lock") = Sent {
                pieces,
                closes: false,
            };
            assert_eq!(ask(&upstream, "POST").text(), "well", "{number}");
        }
    }
    println!("{wrong} of {count} mutated answers were errors");
    assert!(wrong * 5 > count, "{wrong}");
    let log = upstream.site.process().stderr();
    assert!(!log.contains("restart"), "{log}");
}
