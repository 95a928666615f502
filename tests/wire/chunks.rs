//! Bodies in chunks.

use tinderbox::wire::Error;
use tinderbox::wire::chunk::Decoder;

use crate::{Random, count, naive};

const CORPUS: &[&str] = &[
    "0\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\n\r\n",
    "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n",
    "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
    "0005\r\nhello\r\n000\r\n\r\n",
    "5;name=value\r\nhello\r\n0;x\r\n\r\n",
    "5;name=\"quoted \\\" ; text\"\r\nhello\r\n0\r\n\r\n",
    "5 \t\r\nhello\r\n0\r\n\r\n",
    "5\nhello\n0\n\n",
    "5\r\nhello\r\n0\r\nTrailer: value\r\nOther: x\r\n\r\n",
    "5\r\nhello\r\n0\r\nTrailer: value\n\n",
    "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
    "\r\n",
    "g\r\nx\r\n0\r\n\r\n",
    "-1\r\nx\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    ";x\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5hello\r\n0\r\n\r\n",
    "5\r\nhello!\r\n0\r\n\r\n",
    "5\r\nhell\r\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "ffffffffffffffff\r\nx",
    "10000000000000000\r\nx",
    "00000000000000000000000000000005\r\nhello\r\n0\r\n\r\n",
];

const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"0",
    b"5",
    b"f",
    b";",
    b" ",
    b"\0",
    b"\xff",
    b"0\r\n\r\n",
    b"3\r\nabc\r\n",
    b"ffffffffffffffff",
];

/// What the decoder makes of a text that comes in such pieces: the data, and what it read.
fn decode(pieces: &[&[u8]]) -> Result<Option<(Vec<u8>, usize)>, Error> {
    let mut decoder = Decoder::chunked();
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
        naive::chunks(text),
        "of {:?}",
        String::from_utf8_lossy(text)
    );
    real
}

#[test]
fn the_corpus_says_what_it_should() {
    let hello = Ok(Some((b"hello".to_vec(), 15)));
    assert_eq!(agree(b"5\r\nhello\r\n0\r\n\r\n"), hello);
    assert_eq!(agree(b"0\r\n\r\n"), Ok(Some((vec![], 5))));
    assert_eq!(agree(b"5\r\nhello\r\n"), Ok(None));
    let text = b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n";
    assert_eq!(
        agree(text),
        Ok(Some((b"\r\n0\r\n\r\n".to_vec(), 17))),
        "what follows stays"
    );
    for wrong in [
        "\r\n",
        "g\r\n",
        "-1\r\n",
        "5hello",
        "5\r\nhello!",
        "10000000000000000",
    ] {
        assert_eq!(agree(wrong.as_bytes()), Err(Error::Chunk), "{wrong:?}");
    }
}

#[test]
fn bodies_cut_anywhere_and_fed_in_any_pieces_are_the_same() {
    let mut random = Random(0xc4_0c4);
    for text in CORPUS {
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
        for _ in 0..if cfg!(miri) { 2 } else { 20 } {
            let first = random.below(text.len() + 1);
            let second = first + random.below(text.len() - first + 1);
            let pieces = [&text[..first], &text[first..second], &text[second..]];
            assert_eq!(decode(&pieces), last, "in three at {first}, {second}");
        }
    }
}

#[test]
fn large_bodies_in_chunks_of_all_sizes_come_out_whole() {
    let total = if cfg!(miri) { 300 } else { 6_291_556 };
    let data: Vec<u8> = (0..total).map(|number| (number % 251) as u8).collect();
    for size in [1, 7, 4_096, 32_768, total] {
        if size == 1 && total > 1_000_000 {
            continue; // a million chunks of seven say as much
        }
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
                whole == (data.clone(), text.len()),
                "chunks of {size}, reads of {read}"
            );
        }
    }
}

#[test]
fn a_body_of_known_length_ends_there() {
    let mut decoder = Decoder::sized(5);
    let part = decoder.read(b"hel").expect("no framing");
    assert_eq!((part.framing, part.data, decoder.is_done()), (0, 3, false));
    let part = decoder.read(b"lo world").expect("no framing");
    assert_eq!((part.framing, part.data, decoder.is_done()), (0, 2, true));
    assert!(Decoder::sized(0).is_done());
}

#[test]
fn mutated_bodies_are_read_alike_by_both_parsers() {
    let mut random = Random(0xb0d1e5);
    let rounds = count(400_000);
    let (mut whole, mut wrong) = (0, 0);
    for round in 0..rounds {
        let text = random.mutate(CORPUS[round % CORPUS.len()].as_bytes(), PIECES);
        let outcome = agree(&text);
        let cut = random.below(text.len() + 1);
        assert_eq!(
            decode(&[&text[..cut], &text[cut..]]),
            outcome,
            "in two at {cut}"
        );
        whole += usize::from(matches!(outcome, Ok(Some(_))));
        wrong += usize::from(outcome.is_err());
    }
    println!("{rounds} mutated bodies: {whole} whole, {wrong} wrong");
    assert!(
        cfg!(miri) || whole * 10 >= rounds && wrong * 10 >= rounds,
        "{whole} whole, {wrong} wrong"
    );
}
