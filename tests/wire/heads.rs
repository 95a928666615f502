//! Reply heads.

use tinderbox::wire::http1::{Framing, Head, KNOWN, decimal, header};
use tinderbox::wire::{Error, Parsed};

use crate::{Random, count, naive};

/// What AWS's emulator and production send, what other emulators send, and what nobody should.
const CORPUS: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: \
     8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\nLambda-Runtime-Deadline-Ms: 1542409706888\r\n\
     Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:012345678912:function:f\r\n\
     Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419\
     ;Sampled=1\r\nDate: Fri, 16 Nov 2018 23:08:26 GMT\r\nContent-Length: 17\r\n\r\n",
    "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 202 Accepted\r\nContent-Type: x\r\nDate: x\r\nContent-Length: 16\r\n\r\n",
    "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: low\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nLAMBDA-RUNTIME-INVOCATION-ID: up\r\nCONTENT-LENGTH: 3\r\n\r\nabc",
    "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 a: b: c\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 5\n\n",
    "HTTP/1.1 200 OK\r\nContent-Length:\t 7 \t\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length:8\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 007\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 202 Accepted\r\nConnection: CLOSE\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 202 Accepted\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nContent-Length: nonsense\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 403 Forbidden\r\nContent-Length: 68\r\n\r\n",
    "HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 000 x\r\n\r\n",
    "HTTP/1.1 1000 x\r\n\r\n",
    "HTTP/1.1 20 x\r\n\r\n",
    "HTTP/1.1 2x0 OK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.12 200 OK\r\n\r\n",
    "HTTP/1. 200 OK\r\n\r\n",
    "HTTP/1.x 200 OK\r\n\r\n",
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/2.0 200 OK\r\n\r\n",
    "http/1.1 200 OK\r\n\r\n",
    "HTTP/1.1\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "\n",
    "SSH-2.0-OpenSSH\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n: no name\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nName : x\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nLong: a\r\n folded: b\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nLong: a\r\n\tfolded\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: \u{0}\u{1}\u{7f}\u{e9}\rz\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX:\r\nLambda-Runtime-Trace-Id:\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a:b:c\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nLambda-Runtime-Trace-Id: a\r\nLambda-Runtime-Trace-Id: b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n \r\n\r\n",
];

const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b":",
    b" ",
    b"\t",
    b"\0",
    b"\xff",
    b"0",
    b"9",
    b"Content-Length: 4\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"chunked",
    b"close",
    b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"Lambda-Runtime-Aws-Request-Id: q\r\n",
    b"x: y\r\n",
];

/// Both parsers on one text; returns what they agree on.
fn agree(text: &[u8]) -> Result<Option<naive::Head>, Error> {
    let mut head = Head::EMPTY;
    let real = head.read(text).map(|parsed| match parsed {
        Parsed::Partial => None,
        Parsed::Complete(()) => Some(naive::Head {
            status: head.status,
            bytes: head.bytes,
            close: head.close,
            length: match head.framing {
                Framing::Length(length) => Some(length),
                _ => None,
            },
            chunked: head.framing == Framing::Chunked,
            values: head
                .values
                .iter()
                .map(|span| span.of(text).to_vec())
                .collect(),
        }),
    });
    let naive = naive::head(text, &KNOWN);
    assert_eq!(real, naive, "of {:?}", String::from_utf8_lossy(text));
    if let Ok(Some(head)) = &real {
        // The function that handlers use finds the same, where there is something to find.
        for (name, value) in KNOWN.iter().zip(&head.values) {
            let found = header(&text[..head.bytes], name);
            assert_eq!(
                found.unwrap_or_default(),
                value,
                "{:?}",
                String::from_utf8_lossy(text)
            );
        }
    }
    real
}

#[test]
fn the_corpus_says_what_it_should() {
    let outcome = |text: &str| agree(text.as_bytes());
    let whole = |text: &str| outcome(text).expect("right").expect("whole");
    let real = whole(CORPUS[0]);
    assert_eq!(
        (real.status, real.length, real.close),
        (200, Some(17), false)
    );
    assert_eq!(real.values[3], b"8476a536-e9f4-11e8-9739-2dfe598c3fcd");
    assert!(real.values[5].starts_with(b"Root=1-") && real.values[5].ends_with(b"Sampled=1"));
    assert!(whole(CORPUS[1]).chunked);
    assert_eq!(
        whole("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").bytes,
        38
    );
    assert_eq!(whole("HTTP/1.1 204 No Content\r\n\r\n").length, Some(0));
    let until_close = whole("HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(
        (until_close.length, until_close.chunked, until_close.close),
        (None, false, true)
    );
    for (text, error) in [
        ("HTTP/1.1 099 x\r\n", Error::StatusLine),
        ("HTTP/1.1 200 OK\r\nno colon\r\n", Error::HeaderLine),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            Error::Length,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", Error::Length),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            Error::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            Error::HeaderLine,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            Error::Length,
        ),
    ] {
        assert_eq!(outcome(text), Err(error), "{text:?}");
    }
    assert_eq!(outcome("HTTP/1.1 200 OK\r\n"), Ok(None));
    assert_eq!(outcome(""), Ok(None));
}

#[test]
fn a_head_cut_at_any_offset_is_partial_or_wrong_in_the_same_way() {
    for text in CORPUS {
        let text = text.as_bytes();
        let last = agree(text);
        let end = last
            .as_ref()
            .ok()
            .and_then(|head| head.as_ref())
            .map_or(text.len(), |head| head.bytes);
        // Under Miri a byte costs a thousand times as much.
        for cut in (0..text.len()).step_by(if cfg!(miri) { 101 } else { 1 }) {
            match agree(&text[..cut]) {
                Ok(None) => assert!(cut < end || last != Err(Error::StatusLine)),
                Ok(Some(head)) => assert!(cut >= end && Ok(Some(head)) == last),
                Err(error) => assert_eq!(Err(error), last, "cut at {cut}"),
            }
        }
    }
}

#[test]
fn mutated_heads_are_read_alike_by_both_parsers() {
    let mut random = Random(0x7101_de4b);
    let rounds = count(600_000);
    let (mut past, mut whole) = (0, 0);
    for round in 0..rounds {
        let text = random.mutate(CORPUS[round % CORPUS.len()].as_bytes(), PIECES);
        let outcome = agree(&text);
        past += usize::from(text.contains(&b'\n') && outcome != Err(Error::StatusLine));
        whole += usize::from(matches!(outcome, Ok(Some(_))));
    }
    println!("{rounds} mutated heads: {past} past the status line, {whole} whole");
    assert!(
        past * 5 >= rounds,
        "only {past} of {rounds} got past the status line"
    );
    assert!(
        cfg!(miri) || whole * 20 >= rounds,
        "only {whole} of {rounds} were whole"
    );
}

#[test]
fn numbers_are_digits_alone_and_fit() {
    for (text, number) in [
        ("0", Some(0)),
        ("00012", Some(12)),
        ("18446744073709551615", Some(usize::MAX)),
        ("18446744073709551616", None),
        ("", None),
        ("+1", None),
        ("1 ", None),
        ("1a", None),
        ("/", None),
        (":", None),
    ] {
        assert_eq!(decimal(text.as_bytes()), number, "{text:?}");
    }
}
