//! The parsers and writers of the wire, in bytes of input per second. Each result is checked: once
//! in full, and its length in every round. They are compiled as in the release.

mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use support::Mode;
use support::figures::Report;
use tinderbox::wire::api_headers::{REPLY, REQUEST_ID, TRACKED_COUNT};
use tinderbox::wire::chunk::Decoder;
use tinderbox::wire::http1::{Framing, Head, Span, header};
use tinderbox::wire::{Parsed, base64, json};

/// As AWS's emulator sends it, with everything that the platform may add.
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Content-Type: application/json\r\n\
    Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
    Lambda-Runtime-Deadline-Ms: 1542409706888\r\n\
    Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-2:123456789012:function:greet\r\n\
    Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;\
    Sampled=1;Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2\r\n\
    Lambda-Runtime-Client-Context: eyJjbGllbnQiOnsiYXBwX3RpdGxlIjoiZ3JlZXQifX0=\r\n\
    Date: Sun, 22 Nov 2026 10:00:00 GMT\r\n\
    Content-Length: 1024\r\n\r\n";

/// Approximate bytes of each text that is escaped or encoded.
const TEXT_BYTES: usize = 64 * 1024;

/// Bytes of each chunked body.
const BODY_BYTES: usize = 1024 * 1024;

fn main() {
    let mode = support::pin_and_mode();
    let report = Report::new("wire", mode != Mode::Check);
    measure_heads(mode, &report);
    // The decoder skips data without reading it, so only small chunks measure it.
    for chunk_bytes in [1, 64, 1024] {
        measure_chunks(mode, &report, chunk_bytes);
    }
    // Input and expected output (RFC 8259, 7; RFC 4648, 10).
    let escapes: [(&str, &[u8], &[u8]); 4] = [
        ("plain", b"nothing to escape ", b"nothing to escape "),
        ("quotes, lines", b"\"a\" \\\n", br#"\"a\" \\\u000a"#),
        (
            "UTF-8",
            "Grüße, 世界 😀".as_bytes(),
            "Grüße, 世界 😀".as_bytes(),
        ),
        ("not UTF-8", b"a\xff\xc3(", "a\u{fffd}\u{fffd}(".as_bytes()),
    ];
    for (name, piece, expected) in escapes {
        let run = |text: &[u8], write: &mut dyn FnMut(&[u8])| json::escape(text, write);
        measure_writer(
            mode,
            &report,
            &format!("JSON escape, {name}"),
            piece,
            expected,
            run,
        );
    }
    let run = |text: &[u8], write: &mut dyn FnMut(&[u8])| {
        json::copy_string_as_ascii(text, &mut |piece| {
            write(piece);
            true
        });
    };
    let (piece, expected) = ("ab \u{e9} 😀".as_bytes(), br"ab \u00e9 \ud83d\ude00");
    measure_writer(mode, &report, "JSON to ASCII", piece, expected, run);
    let run = |text: &[u8], write: &mut dyn FnMut(&[u8])| base64::encode(text, write);
    measure_writer(mode, &report, "base64 encode", b"foobar", b"Zm9vYmFy", run);
}

fn measure_heads(mode: Mode, report: &Report) {
    let mut head = Head::<[Span; TRACKED_COUNT]>::EMPTY;
    measure_speed(mode, report, "reply head", HEAD.len(), || {
        let reader: &mut Head = &mut head;
        let parsed = reader.read(&REPLY, black_box(HEAD));
        assert_eq!(parsed, Ok(Parsed::Complete(())));
        head.bytes
    });
    assert_eq!((head.status, head.bytes), (200, HEAD.len()));
    assert_eq!((head.framing, head.length), (Framing::Sized, 1024));
    let id = head.values[REQUEST_ID].get(HEAD);
    assert_eq!(id, b"8476a536-e9f4-11e8-9739-2dfe598c3fcd");
    measure_speed(mode, report, "one header of it", HEAD.len(), || {
        let value = header(black_box(HEAD), b"lambda-runtime-client-context");
        assert_eq!(value.map(<[u8]>::len), Some(44));
        HEAD.len()
    });
}

fn measure_chunks(mode: Mode, report: &Report, chunk_bytes: usize) {
    let data: Vec<u8> = (0..BODY_BYTES)
        .map(|at| (at * 31 + at / 251) as u8)
        .collect();
    let mut body = Vec::new();
    for chunk in data.chunks(chunk_bytes) {
        body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n\r\n");
    let decode = |body: &[u8], write: &mut dyn FnMut(&[u8])| {
        let mut decoder = Decoder::new(true, 0);
        let mut at = 0;
        while !decoder.is_done() {
            let part = decoder.read(&body[at..]).expect("right chunks");
            at += part.framing + part.data;
            write(&body[at - part.data..at]);
        }
        assert_eq!(at, body.len());
    };
    let mut decoded = Vec::new();
    decode(&body, &mut |piece| decoded.extend_from_slice(piece));
    assert!(decoded == data, "other data");
    let name = format!("chunks of {chunk_bytes}");
    measure_speed(mode, report, &name, body.len(), || {
        let mut bytes = 0;
        decode(black_box(&body), &mut |piece| bytes += piece.len());
        assert_eq!(bytes, BODY_BYTES);
        body.len()
    });
}

/// Measures a writer that emits its output in pieces, on one piece repeated.
fn measure_writer(
    mode: Mode,
    report: &Report,
    name: &str,
    piece: &[u8],
    expected: &[u8],
    run: impl Fn(&[u8], &mut dyn FnMut(&[u8])),
) {
    let times = TEXT_BYTES / piece.len();
    let (text, expected) = (piece.repeat(times), expected.repeat(times));
    let mut output = Vec::new();
    run(&text, &mut |piece| output.extend_from_slice(piece));
    assert!(output == expected, "{name}: another text");
    measure_speed(mode, report, name, text.len(), || {
        let mut bytes = 0;
        run(black_box(&text), &mut |piece| {
            bytes += black_box(piece).len()
        });
        assert_eq!(bytes, expected.len());
        text.len()
    });
}

/// Megabytes per second of `run`, which takes `bytes` of input each time, in rounds of 2 ms.
fn measure_speed(
    mode: Mode,
    report: &Report,
    name: &str,
    bytes: usize,
    mut run: impl FnMut() -> usize,
) {
    const ROUND: Duration = Duration::from_millis(2);
    let mut speeds = Vec::new();
    for _ in 0..mode.of(1, 10, 100) {
        let started = Instant::now();
        let mut taken = 0;
        loop {
            let count = run();
            assert_eq!(count, bytes, "{name}");
            taken += count;
            if mode == Mode::Check || started.elapsed() >= ROUND {
                break;
            }
        }
        speeds.push(taken as f64 / started.elapsed().as_secs_f64() / 1e6);
    }
    report.add(name, "MB/s", &speeds, None);
}
