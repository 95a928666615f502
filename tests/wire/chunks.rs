//! Bodies in chunks.

use tinderbox::wire::Error;
use tinderbox::wire::chunk::{ChunkHeader, Decoder};

use std::sync::LazyLock;

use crate::corpus::{BODIES, BODY_PIECES};
use crate::differences::{self, CHUNK_DIFFERENCES};
use crate::naive::{self, Rules};
use crate::{count, for_each_seed};

static DIFFERENCES: LazyLock<Rules> = LazyLock::new(differences::all);

/// The result of the decoder for a text in such pieces: the data, and the bytes read.
fn decode(pieces: &[&[u8]]) -> Result<Option<(Vec<u8>, usize)>, Error> {
    let mut decoder = Decoder::new(true, 0);
    let (mut data, mut taken) = (Vec::new(), 0);
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() && !decoder.is_done() {
            let part = decoder.read(rest)?;
            assert!(part.framing + part.data > 0, "it moves on");
            data.extend_from_slice(&rest[part.framing..part.framing + part.data]);
            rest = &rest[part.framing + part.data..];
            taken += part.framing + part.data;
        }
    }
    Ok(decoder.is_done().then_some((data, taken)))
}

fn agree(text: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Error> {
    let real = decode(&[text]);
    assert_eq!(
        real,
        naive::chunks(text, &DIFFERENCES),
        "of {:?}",
        String::from_utf8_lossy(text)
    );
    real
}

/// The outcome, written as in the corpus.
fn verdict(outcome: Result<Option<(Vec<u8>, usize)>, Error>) -> String {
    match outcome {
        Ok(Some((data, taken))) => format!("{}={taken}", String::from_utf8_lossy(&data)),
        Ok(None) => "partial".into(),
        Err(fault) => format!("{fault:?}"),
    }
}

#[test]
fn chunk_corpus_has_its_verdicts() {
    for (text, expected) in BODIES {
        assert_eq!(verdict(agree(text.as_bytes())), *expected, "{text:?}");
    }
}

#[test]
fn chunks_cut_anywhere_decode_the_same() {
    for (text, _) in BODIES {
        let text = text.as_bytes();
        let last = agree(text);
        // Under Miri a byte costs a thousand times as much.
        for cut in (0..=text.len()).step_by(if cfg!(miri) { 7 } else { 1 }) {
            match agree(&text[..cut]) {
                Ok(None) => {}
                other => assert_eq!(other, last, "cut at {cut}"),
            }
            assert_eq!(
                decode(&[&text[..cut], &text[cut..]]),
                last,
                "in two at {cut}"
            );
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(decode(&bytes), last, "one byte at a time");
        let test = "chunks_cut_anywhere_decode_the_same";
        for_each_seed(test, if cfg!(miri) { 2 } else { 20 }, |random| {
            let first = random.below(text.len() + 1);
            let second = first + random.below(text.len() - first + 1);
            let pieces = [&text[..first], &text[first..second], &text[second..]];
            assert_eq!(decode(&pieces), last, "in three at {first}, {second}");
        });
    }
}

#[test]
fn chunks_of_all_sizes_decode_whole() {
    let all = if cfg!(miri) { 300 } else { 6_291_556 };
    let data: Vec<u8> = (0..all).map(|number| (number % 251) as u8).collect();
    // A body in chunks of one byte is shorter, or it would take half of the time of all tests.
    for (size, total) in [
        (1, all / 30),
        (7, all),
        (4_096, all),
        (32_768, all),
        (all, all),
    ] {
        let data = &data[..total];
        let mut text = Vec::new();
        for chunk in data.chunks(size) {
            text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            text.extend_from_slice(chunk);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"0\r\n\r\n");
        for read in [1_000, 65_536, text.len()] {
            let pieces: Vec<&[u8]> = text.chunks(read).collect();
            let whole = decode(&pieces).expect("right").expect("whole");
            assert!(
                whole == (data.to_vec(), text.len()),
                "chunks of {size}, reads of {read}"
            );
        }
    }
}

#[test]
fn sized_body_ends_at_its_length() {
    let mut decoder = Decoder::new(false, 5);
    let part = decoder.read(b"hel").expect("no framing");
    assert_eq!((part.framing, part.data, decoder.is_done()), (0, 3, false));
    let part = decoder.read(b"lo world").expect("no framing");
    assert_eq!((part.framing, part.data, decoder.is_done()), (0, 2, true));
    assert!(Decoder::new(false, 0).is_done());
}

#[test]
fn chunk_mutations_agree_with_naive_parser() {
    let rounds = count(400_000);
    let (mut whole, mut wrong) = (0, 0);
    let right: Vec<_> = BODIES
        .iter()
        .filter(|(_, expected)| expected.contains('='))
        .collect();
    let test = "chunk_mutations_agree_with_naive_parser";
    let all = for_each_seed(test, rounds, |random| {
        // Most of the corpus is wrong before it is changed.
        let (text, _) = match random.below(2) {
            0 => BODIES[random.below(BODIES.len())],
            _ => *right[random.below(right.len())],
        };
        let text = random.mutate(text.as_bytes(), BODY_PIECES);
        let outcome = agree(&text);
        let cut = random.below(text.len() + 1);
        assert_eq!(
            decode(&[&text[..cut], &text[cut..]]),
            outcome,
            "in two at {cut}"
        );
        whole += usize::from(matches!(outcome, Ok(Some(_))));
        wrong += usize::from(outcome.is_err());
    });
    println!("{rounds} mutated bodies: {whole} whole, {wrong} wrong");
    assert!(
        !all || cfg!(miri) || whole * 10 >= rounds && wrong * 10 >= rounds,
        "{whole} whole, {wrong} wrong"
    );
}

#[test]
fn chunk_header_is_shortest_hexadecimal() {
    let powers = (0..usize::BITS).map(|bit| 1usize << bit);
    for size in powers
        .flat_map(|power| [power - 1, power, power + 1])
        .chain([usize::MAX])
    {
        let line = ChunkHeader::new(size);
        assert_eq!(line.as_bytes(), format!("{size:x}\r\n").as_bytes());
    }
}

#[test]
fn chunk_differences_from_rfc_are_those_listed() {
    for difference in CHUNK_DIFFERENCES {
        let text = difference.text.as_bytes();
        let by = |rules: &Rules| verdict(naive::chunks(text, rules));
        let why = format!("{:?}: {}", difference.rule, difference.reason);
        assert_ne!(difference.rfc, difference.ours, "{why}");
        assert_eq!(by(&Rules::new()), difference.rfc, "{why}");
        assert_eq!(
            by(&Rules::from([difference.rule])),
            difference.ours,
            "{why}"
        );
        assert_eq!(verdict(decode(&[text])), difference.ours, "{why}");
    }
}

#[test]
fn chunk_fault_read_again_is_the_same() {
    let mut decoder = Decoder::new(true, 0);
    assert_eq!(decoder.read(b"5g"), Err(Error::ChunkSize));
    assert_eq!(
        decoder.read(b"g"),
        Err(Error::ChunkSize),
        "it is not passed"
    );
}
