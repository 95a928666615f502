//! Replies: split at any offset, one byte at a time, after interim replies, malformed.

use crate::support::api::{CloseAt, Event, Framing, Script, ScriptedReply};
use crate::{Random, assert_echoed, echo, support};

/// Splits replies to `/next` at one offset each, every offset in order, in one process.
fn split_everywhere(framing: Framing) {
    let length = Event::new("split-0000", "0123456789").framed(framing.clone());
    let length = length.reply().len();
    let offsets: Vec<usize> = (1..length).collect();
    let count = support::rounds("offsets of a split", offsets.len());
    let step = offsets.len().div_ceil(count);
    let mut events = Vec::new();
    let mut script = Script::default();
    for offset in offsets.into_iter().step_by(step) {
        let event = Event::new(&format!("split-{offset:04}"), "0123456789");
        let event = event.framed(framing.clone());
        script = script.get(ScriptedReply::event(&event).split([offset]));
        events.push(event);
    }
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn event_with_length_split_at_every_offset_is_read() {
    split_everywhere(Framing::Sized);
}

#[test]
fn event_in_chunks_split_at_every_offset_is_read() {
    split_everywhere(Framing::Chunked(vec![4, 3]));
}

#[test]
fn event_in_unusual_chunks_split_at_every_offset_is_read() {
    split_everywhere(Framing::Unusual(6));
}

#[test]
fn post_reply_split_at_every_offset_is_read() {
    let reply = ScriptedReply::status(202);
    let mut script = Script::default();
    let mut events = Vec::new();
    for offset in 1..reply.bytes.len() {
        let event = Event::new(&format!("post-{offset}"), "event");
        script = script.get(ScriptedReply::event(&event));
        script = script.post(reply.clone().split([offset]));
        events.push(event);
    }
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
}

#[test]
fn replies_of_one_byte_at_a_time_are_read() {
    let mut script = Script::default();
    let mut events = Vec::new();
    let framings = [
        Framing::Sized,
        Framing::Chunked(vec![1]),
        Framing::Chunked(vec![7]),
        Framing::Unusual(3),
    ];
    for (number, framing) in framings.into_iter().enumerate() {
        let event = Event::new(&format!("byte-{number}"), "some bytes").framed(framing);
        let reply =
            ScriptedReply::event(&event).after(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
        let length = reply.bytes.len();
        script = script.get(reply.split(1..length));
        let reply = ScriptedReply::status(202);
        let length = reply.bytes.len();
        script = script.post(reply.split(1..length));
        events.push(event);
    }
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
}

#[test]
fn replies_split_at_random_offsets_are_read() {
    let mut random = Random::new(5);
    let mut script = Script::default();
    let mut events = Vec::new();
    for number in 0..support::rounds("random splits", 150) {
        let body = vec![b'a' + (number % 26) as u8; random.below(3_000)];
        let framing = match random.below(3) {
            0 => Framing::Sized,
            1 => Framing::Chunked(vec![1 + random.below(20), 1 + random.below(900)]),
            _ => Framing::Unusual(1 + random.below(400)),
        };
        let event = Event::new(&format!("random-{number}"), body).framed(framing);
        let mut reply = ScriptedReply::event(&event);
        let mut splits: Vec<usize> = (0..random.below(6))
            .map(|_| 1 + random.below(reply.bytes.len() - 1))
            .collect();
        splits.sort_unstable();
        splits.dedup();
        reply = reply.split(splits);
        script = script.get(reply);
        events.push(event);
    }
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
}

#[test]
fn interim_replies_are_skipped_everywhere() {
    let interims: [&[u8]; 6] = [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\nX: y\r\n\r\n",
        b"HTTP/1.1 199 \r\n\r\n",
        // An interim reply has no body, whatever its headers say: RFC 9110 15.2.
        b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 150 X\r\n\r\n",
    ];
    let mut script = Script::default();
    let mut events = Vec::new();
    for (number, interim) in interims.into_iter().enumerate() {
        let event = Event::new(&format!("interim-{number}"), "event");
        // Once in one write with the final reply, once in its own.
        for (id, splits) in [("joined", vec![]), ("apart", vec![interim.len()])] {
            let mut event = event.clone().header("Lambda-Runtime-Aws-Request-Id", "x");
            event.id = format!("{id}-{number}");
            let event = event
                .clone()
                .header("Lambda-Runtime-Aws-Request-Id", &event.id);
            script = script.get(
                ScriptedReply::event(&event)
                    .after(interim)
                    .split(splits.clone()),
            );
            script = script.post(ScriptedReply::status(202).after(interim).split(splits));
            events.push(event);
        }
    }
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn replies_with_long_pauses_are_read() {
    let event = Event::new("late", "event");
    let mut get = ScriptedReply::event(&event).split([5, 100]);
    let mut post = ScriptedReply::status(202).split([5]);
    for reply in [&mut get, &mut post] {
        reply.delay = std::time::Duration::from_millis(300);
        reply.pause = std::time::Duration::from_millis(200);
    }
    let outcome = echo().run(Script::default().get(get).post(post));
    let ledger = outcome.assert_serving();
    assert_echoed(ledger, &event);
    assert_eq!(
        (ledger.connections, ledger.gets, ledger.posts.len()),
        (1, 2, 1)
    );
}

#[test]
fn headers_repeated_or_extended_by_a_proxy_are_read() {
    let twice = |line: &str| format!("{line}\r\nConnection: keep-alive\r\nConnection: x, y");
    let event = Event::new("first", "event").lines(twice);
    let mut repeated = ScriptedReply::event(&event);
    let text = String::from_utf8(repeated.bytes).expect("an ASCII reply");
    repeated.bytes = text
        .replace(
            "Content-Length: 5",
            "Content-Length: 5\r\ncontent-length: 05",
        )
        .into();
    let behind = Event::new("behind", "event");
    let reply = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n";
    let script = Script::default()
        .get(repeated)
        .get(ScriptedReply::event(&behind));
    let outcome = echo().run(script.post(ScriptedReply::raw(reply)));
    let ledger = outcome.assert_serving();
    for event in [&event, &behind] {
        assert_echoed(ledger, event);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn connection_header_close_among_other_options_closes() {
    for options in [
        "Connection: keep-alive, close",
        "Connection: keep-alive\r\nConnection: Close",
        "Connection: close\r\nConnection: keep-alive",
    ] {
        let event = Event::new("event", "event").header("X", &format!("y\r\n{options}"));
        let behind = Event::new("behind", "event");
        let reply = format!("HTTP/1.1 202 Accepted\r\n{options}\r\nContent-Length: 0\r\n\r\n");
        let script = Script::default()
            .get(ScriptedReply::event(&event).close_at(CloseAt::AfterReply))
            .post(ScriptedReply::raw(reply).close_at(CloseAt::AfterReply))
            .get(ScriptedReply::event(&behind));
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        assert_echoed(ledger, &event);
        assert_echoed(ledger, &behind);
        // The event closed the first, its answer's reply the second.
        assert_eq!(ledger.connections, 3, "{options}; {ledger}");
    }
}

/// A server that replies 204 at once does not cause a busy loop, and an event in between resets the
/// backoff. Pauses are compared with the backoff's own: a delay of this machine only adds to them,
/// and it does not delay each of 30 requests.
#[test]
fn status_204_in_a_row_is_retried_with_backoff_until_an_event() {
    const ROUNDS: usize = 30;
    let event = |number: usize| Event::new(&format!("event-{number}"), "event");
    let mut script = Script::default().get(ScriptedReply::event(&event(0)));
    for number in 1..=ROUNDS {
        script = script
            .get(ScriptedReply::status(204))
            .get(ScriptedReply::event(&event(number)));
    }
    for _ in 0..ROUNDS {
        script = script.get(ScriptedReply::status(204));
    }
    script = script.get(ScriptedReply::event(&event(ROUNDS + 1)));
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    let pauses_ms: Vec<u64> = (ledger.gets_at_ms.windows(2))
        .map(|pair| pair[1] - pair[0])
        .collect();
    // The first event; for each other one a 204 and the event; then the row.
    let (apart, in_a_row) = pauses_ms.split_at(1 + 2 * ROUNDS);
    // No pause before the second GET of a row, then 1, 3, 7, 15 and 33 ms, and 33 from then on. The
    // times are rounded down to milliseconds.
    let longest = in_a_row.iter().filter(|pause_ms| **pause_ms >= 32);
    assert!(longest.count() >= ROUNDS - 6, "{in_a_row:?}");
    let after_204 = apart.iter().skip(1).step_by(2);
    let at_once = after_204.filter(|pause_ms| **pause_ms < 32);
    assert!(at_once.count() >= ROUNDS / 4, "{apart:?}");
}

#[test]
fn status_204_of_next_is_retried() {
    let event = Event::new("late", "event");
    let with_length = ScriptedReply::raw("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
    let mut script = Script::default()
        .get(ScriptedReply::status(204))
        .get(with_length);
    for _ in 0..20 {
        script = script.get(ScriptedReply::status(204));
    }
    let script = script
        .get(ScriptedReply::event(&event))
        .get(ScriptedReply::status(204));
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    assert_echoed(ledger, &event);
    assert_eq!(ledger.gets, 25);
    assert_eq!(ledger.connections, 1);
}

/// Replies that no server may send; `ID` is replaced by the header of the request id.
const MALFORMED: &[&str] = &[
    "hello\r\n\r\n",
    "\r\n\r\n\r\n",
    "HTTP/2 200\r\n\r\n",
    "HTTP/1.1 20\r\nID\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 2000 OK\r\nID\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 2x0 OK\r\nID\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1\r\nID\r\nContent-Length: 1\r\n\r\nx",
    "XTTP/1.1 200 OK\r\nID\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nContent-Length: -1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nContent-Length: +1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nContent-Length: one\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nContent-Length:\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nContent-Length: 0x1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "HTTP/1.1 200 OK\r\nID\r\nContent-Length: 99999999999999999999999\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nno colon here\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: gzip\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: chunked\r\n\r\ng\r\nx\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: chunked\r\n\r\n\r\nx\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx0\r\n\r\n\r\n",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff1\r\nx",
    "HTTP/1.1 200\rX\r\nID\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nContent-Length : 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nContent-Length:\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nContent-Length: 1, 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nContent-Length: 1\0\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\r\n",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: chunked\r\n\r\n1\r\r\nx\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: chunked\r\n\r\n1 1\r\nx\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nID\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n",
];

#[test]
fn next_reply_malformed_exits_1_and_posts_nothing() {
    for text in MALFORMED {
        let reply = text.replace("ID", "Lambda-Runtime-Aws-Request-Id: id");
        println!("{text:?}"); // printed when the test fails
        let outcome = echo().run(Script::default().get(ScriptedReply::raw(reply)));
        let ledger = outcome.assert_exit(1);
        assert_eq!((ledger.gets, ledger.posts.len()), (1, 0), "{ledger}");
    }
}

#[test]
fn post_reply_malformed_exits_1_and_repeats_no_answer() {
    let event = Event::new("one", "event");
    for text in MALFORMED {
        let reply = text
            .replace("HTTP/1.1 200", "HTTP/1.1 202")
            .replace("ID\r\n", "");
        let script = Script::events([&event]).post(ScriptedReply::raw(reply));
        println!("{text:?}"); // printed when the test fails
        let outcome = echo().run(script);
        let ledger = outcome.assert_exit(1);
        assert_eq!(ledger.posts.len(), 1, "{ledger}");
        assert_echoed(ledger, &event);
    }
}

/// Replies that are cut after their fault, and how the log names it, with the bytes.
const FAULTS: &[(&str, &str)] = &[
    ("SSH-2.0-x\r\n", "status line: SSH-2.0-x"),
    (
        "HTTP/1.1 200 OK\r\nX: y\r\nno colon\r\n",
        "header line: no colon",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n",
        "Content-Length: Content-Length: x",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
        "Transfer-Encoding: Transfer-Encoding: gzip",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "framing: Transfer-Encoding: chunked",
    ),
    ("CHUNKED\r\ng\r\n", "chunk size: g"),
    ("CHUNKED\r\n1\rX", "chunk line: 1"),
    ("CHUNKED\r\n1\r\nxy\r\n", "chunk end: y"),
    ("CHUNKED\r\n0\r\nno colon\r\n", "trailer: "),
];

#[test]
fn malformed_reply_is_logged_with_its_fault() {
    let head =
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id\r\nTransfer-Encoding: chunked\r\n";
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(64 * 1024));
    let too_long = (long.as_str(), "head (too long): HTTP/1.1 200 OK");
    for (text, fault) in FAULTS.iter().chain([&too_long]) {
        let reply = text.replace("CHUNKED\r\n", &format!("{head}\r\n"));
        let outcome = echo().run(Script::default().get(ScriptedReply::raw(reply)));
        outcome.assert_exit(1);
        let line = format!("tinderbox: Runtime API: malformed {fault}");
        assert!(
            outcome.stderr.contains(&line),
            "{fault}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn reply_with_both_framings_is_read_as_chunked_or_refused() {
    // RFC 9112 6.3: Transfer-Encoding overrides, and a client may refuse.
    let event = Event::new("both", "a body")
        .chunked(&[3])
        .header("Content-Length", "3");
    let outcome = echo().run(Script::events([&event]));
    match outcome.code {
        None => assert_echoed(outcome.assert_serving(), &event),
        Some(_) => assert!(outcome.assert_exit(1).posts.is_empty()),
    }
}
