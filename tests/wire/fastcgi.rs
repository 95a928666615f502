//! Records of FastCGI: a corpus, cut at every offset, and mutations, against a reader that knows
//! the whole text; name-value pairs that are written, against the specification.

use std::fmt::Write;

use tinderbox::wire::fastcgi::{
    BEGIN_REQUEST, CONTENT_BYTES_MAX, Error, GET_VALUES, Piece, RecordReader, RecordType,
    pair_lengths, record_header,
};

use crate::{count, for_each_seed};

/// A record with padding.
fn record(kind: u8, id: u16, content: &[u8], padding: u8) -> Vec<u8> {
    let [high, low] = (content.len() as u16).to_be_bytes();
    let [id_high, id_low] = id.to_be_bytes();
    let mut bytes = vec![1, kind, id_high, id_low, high, low, padding, 0xaa];
    bytes.extend(content);
    bytes.extend(std::iter::repeat_n(0x5a, padding.into()));
    bytes
}

/// The end of a request.
fn end(status: u8, padding: u8) -> Vec<u8> {
    record(3, 1, &[0, 0, 0, 9, status, 1, 2, 3], padding)
}

/// What a reader makes of bytes: the pieces of the same kind joined, then the fault, if any, or how
/// many bytes are left that need more.
fn ours(bytes: &[u8], ends: &[usize]) -> String {
    let mut reader = RecordReader::default();
    let mut story = Story::default();
    let mut at = 0;
    for &end in ends.iter().chain([&bytes.len()]) {
        loop {
            match reader.read(&bytes[at..end]) {
                Err(error) => return story.end(&format!("fault {error:?}")),
                Ok((0, piece)) => {
                    assert_eq!(piece, Piece::Framing);
                    break;
                }
                Ok((read, piece)) => {
                    match piece {
                        Piece::Framing => {}
                        Piece::Stdout(text) => story.add("out", text),
                        Piece::Stderr(text) => story.add("err", text),
                        Piece::End(status) => story.add(&format!("end {status}"), b""),
                        Piece::Values => story.add("values", b""),
                    }
                    if let Piece::Stdout(text) | Piece::Stderr(text) = piece {
                        assert_eq!(text.len(), read);
                    }
                    at += read;
                }
            }
        }
    }
    story.end("more")
}

/// The same by another technique: whole records of a text, one after the other.
fn naive(bytes: &[u8]) -> String {
    let mut story = Story::default();
    let mut rest = bytes;
    while rest.len() >= 8 {
        let length = usize::from(rest[4]) * 256 + usize::from(rest[5]);
        let whole = 8 + length + usize::from(rest[6]);
        let id = (rest[2], rest[3]);
        let fault = match rest[1] {
            _ if rest[0] != 1 => Some(Error::Version),
            3 if length != 8 => Some(Error::EndRequest),
            3 | 6 | 7 if id != (0, 1) => Some(Error::RequestId),
            10 | 11 if id != (0, 0) => Some(Error::RequestId),
            3 | 6 | 7 | 10 | 11 => None,
            _ => Some(Error::RecordType),
        };
        if let Some(fault) = fault {
            return story.end(&format!("fault {fault:?}"));
        }
        let content = &rest[8..rest.len().min(8 + length)];
        match rest[1] {
            6 => story.add("out", content),
            7 => story.add("err", content),
            _ if rest.len() < whole => {}
            3 => story.add(&format!("end {}", content[4]), b""),
            _ => story.add("values", b""),
        }
        if rest.len() < whole {
            break;
        }
        rest = &rest[whole..];
    }
    story.end("more")
}

/// A text of what was read, in which adjacent parts of the same kind are one.
#[derive(Default)]
struct Story {
    text: String,
    kind: String,
}

impl Story {
    fn add(&mut self, kind: &str, bytes: &[u8]) {
        let is_text = kind == "out" || kind == "err";
        if is_text && bytes.is_empty() {
            return;
        }
        if !is_text || self.kind != kind {
            let _ = write!(self.text, "|{kind} ");
        }
        self.kind = kind.to_string();
        let _ = write!(self.text, "{}", bytes.escape_ascii());
    }

    fn end(mut self, how: &str) -> String {
        let _ = write!(self.text, "|{how}");
        self.text
    }
}

/// Answers, and what is wrong with them.
fn corpus() -> Vec<Vec<u8>> {
    let out = |text: &[u8], padding| record(6, 1, text, padding);
    let err = |text: &[u8], padding| record(7, 1, text, padding);
    vec![
        Vec::new(),
        [out(b"Status: 200\r\n\r\nhi", 0), end(0, 0)].concat(),
        [
            out(b"X: y\r\n", 7),
            err(b"a warning", 3),
            out(b"\r\nbody", 255),
            end(0, 8),
        ]
        .concat(),
        [
            out(b"", 0),
            out(b"", 200),
            out(b"a", 0),
            out(b"", 0),
            end(0, 0),
        ]
        .concat(),
        [err(b"", 0), err(b"only this", 1), end(0, 0)].concat(),
        [end(1, 0), end(2, 1), end(3, 255)].concat(),
        [
            out(b"more requests", 0),
            end(0, 0),
            out(b"next", 0),
            end(0, 0),
        ]
        .concat(),
        [record(10, 0, b"\x0f\x01FCGI_MPXS_CONNS0", 7), out(b"x", 0)].concat(),
        [record(10, 0, b"", 0), record(10, 0, b"", 1)].concat(),
        record(11, 0, &[9, 0, 0, 0, 0, 0, 0, 0], 0),
        out(&[b'x'; 300], 4),
        // Wrong ones.
        record(6, 2, b"another request", 0),
        record(6, 0, b"none", 0),
        record(6, 257, b"the low byte is right", 0),
        record(3, 0, &[0; 8], 0),
        record(10, 1, b"", 0),
        record(3, 1, b"", 0),
        record(3, 1, &[0; 7], 0),
        record(3, 1, &[0; 9], 0),
        record(1, 1, &[0; 8], 0),
        record(4, 1, b"", 0),
        record(0, 1, b"", 0),
        record(255, 1, b"", 0),
        b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
        [out(b"good", 0), vec![2, 6, 0, 1, 0, 0, 0, 0]].concat(),
    ]
}

#[test]
fn records_cut_at_every_offset_are_read_alike() {
    for bytes in corpus() {
        let wanted = naive(&bytes);
        assert_eq!(ours(&bytes, &[]), wanted, "{}", bytes.escape_ascii());
        for cut in 0..bytes.len() {
            assert_eq!(ours(&bytes, &[cut]), wanted, "cut at {cut}");
            assert_eq!(
                ours(&bytes[..cut], &[]),
                naive(&bytes[..cut]),
                "end at {cut}"
            );
        }
        let all: Vec<usize> = (0..bytes.len()).collect();
        assert_eq!(ours(&bytes, &all), wanted, "byte by byte");
    }
}

#[test]
fn record_of_the_greatest_length_is_read_whole() {
    let content: Vec<u8> = (0..CONTENT_BYTES_MAX).map(|at| at as u8).collect();
    let bytes = [record(6, 1, &content, 255), end(0, 0)].concat();
    let wanted = naive(&bytes);
    assert_eq!(ours(&bytes, &[]), wanted);
    assert_eq!(ours(&bytes, &[7, 8, 9, 65_542, 65_543, 65_800]), wanted);
}

#[test]
fn mutated_records_are_read_as_by_another_reader() {
    let corpus = corpus();
    let header = record_header(RecordType::Stdout, 3);
    let stop = end(0, 0);
    let pieces: [&[u8]; 5] = [
        &header,
        &stop,
        b"\x01\x06",
        b"\0\x01",
        b"\x01\x03\0\x01\0\x08",
    ];
    for_each_seed("mutated_records", count(1_000_000), |random| {
        let original = &corpus[random.below(corpus.len())];
        let bytes = random.mutate(original, &pieces);
        let mut ends: Vec<usize> = (0..random.below(4))
            .map(|_| random.below(bytes.len() + 1))
            .collect();
        ends.sort_unstable();
        assert_eq!(
            ours(&bytes, &ends),
            naive(&bytes),
            "{}",
            bytes.escape_ascii()
        );
    });
}

#[test]
fn requests_are_written_as_specified() {
    // 5.1: role 1, a responder, and the flag that keeps the connection.
    assert_eq!(
        BEGIN_REQUEST,
        [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    );
    // 4.1: a management record with one name and no value.
    assert_eq!(GET_VALUES[..8], [1, 9, 0, 0, 0, 17, 0, 0]);
    assert_eq!(GET_VALUES[8..10], [15, 0]);
    assert_eq!(&GET_VALUES[10..], b"FCGI_MPXS_CONNS");
    for (kind, number) in [
        (RecordType::Params, 4),
        (RecordType::Stdin, 5),
        (RecordType::Stdout, 6),
    ] {
        for bytes in [0, 1, 255, 256, 65_535] {
            let [high, low] = (bytes as u16).to_be_bytes();
            assert_eq!(
                record_header(kind, bytes),
                [1, number, 0, 1, high, low, 0, 0]
            );
        }
    }
}

#[test]
fn pair_lengths_of_any_size_have_four_bytes_each() {
    for (name, value) in [(0, 0), (1, 127), (127, 128), (128, 65_535), (16, 6_291_556)] {
        let lengths = pair_lengths(name, value);
        let number = |four: &[u8]| {
            let number = u32::from_be_bytes(four.try_into().expect("four bytes"));
            assert_eq!(number >> 31, 1);
            (number & 0x7fff_ffff) as usize
        };
        assert_eq!(
            (number(&lengths[..4]), number(&lengths[4..])),
            (name, value)
        );
    }
}
