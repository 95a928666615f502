//! Reply heads.

use std::sync::LazyLock;

use tinderbox::wire::http1::{FRAMING, Framing, Head, KNOWN, decimal, header};
use tinderbox::wire::{Error, Parsed};

use crate::corpus::{HEAD_PIECES, HEADS};
use crate::{count, for_each_seed, naive};

/// A head that was read before, from a reply with everything in it.
static USED: LazyLock<Head> = LazyLock::new(|| {
    let mut text = b"HTTP/1.0 204 x\r\n".to_vec();
    for name in KNOWN {
        text.extend([*name, b": close\r\n"].concat());
    }
    text.extend(b"\r\n");
    let mut head = Head::EMPTY;
    assert_eq!(head.read(&text), Ok(Parsed::Complete(())));
    head.framing = Framing::Chunked;
    head
});

/// Both parsers on one text; returns what they agree on.
fn agree(text: &[u8]) -> Result<Option<naive::Head>, Error> {
    let mut head = *USED;
    let real = head.read(text).map(|parsed| match parsed {
        Parsed::Partial => None,
        Parsed::Complete(()) => Some(naive::Head {
            status: head.status,
            bytes: head.bytes,
            close: head.close,
            length: (head.framing == Framing::Sized).then_some(head.length),
            chunked: head.framing == Framing::Chunked,
            values: head
                .values
                .iter()
                .map(|span| span.of(text).to_vec())
                .collect(),
        }),
    });
    let naive = naive::head(text, KNOWN);
    assert_eq!(real, naive, "of {:?}", String::from_utf8_lossy(text));
    if let Ok(Some(head)) = &real {
        // The function that handlers use finds the same, where there is something to find.
        for (name, value) in KNOWN[FRAMING..].iter().zip(&head.values) {
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

/// The outcome as the corpus has it.
fn said(outcome: &Result<Option<naive::Head>, Error>, text: &str) -> String {
    let head = match outcome {
        Err(error) => return format!("{error:?}"),
        Ok(None) => return "partial".into(),
        Ok(Some(head)) => head,
    };
    let body = match head.length {
        Some(length) => length.to_string(),
        None if head.chunked => "chunked".into(),
        None => "until-close".into(),
    };
    let close = if head.close { " close" } else { "" };
    let behind = match text.len() - head.bytes {
        0 => String::new(),
        bytes => format!(" +{bytes}"),
    };
    format!("{} {body}{close}{behind}", head.status)
}

#[test]
fn the_corpus_says_what_it_should() {
    for (text, wanted) in HEADS {
        assert_eq!(said(&agree(text.as_bytes()), text), *wanted, "{text:?}");
    }
}

#[test]
fn the_values_of_known_headers_are_found() {
    let values = |text: &str| {
        let head = agree(text.as_bytes()).expect("right").expect("whole");
        let text = |value| String::from_utf8(value).expect("UTF-8");
        head.values.into_iter().map(text).collect::<Vec<String>>()
    };
    let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";
    let id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
    assert_eq!(values(HEADS[0].0), [id, "", trace, ""]);
    let text = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id:  a: b :\t \r\n\
                TRANSFER-ENCODING:CHUNKED\nConnection:\r\n\
                lambda-runtime-invocation-id: \u{0}\u{e9}\u{0}z\u{0}\r\n\
                lambda-runtime-aws-TENANT-id: t\r\n\r\n\
                X-Behind: the head\r\n\r\n";
    let found = values(text);
    assert_eq!(found, ["a: b :", "\u{0}\u{e9}\u{0}z\u{0}", "", "t"]);
}

#[test]
fn any_header_is_found_by_its_name() {
    let head = b"HTTP/1.1 200 a: b\r\nX:\r\nx: \t\r\nX-Y: no\r\nX: first \r\nx: second\r\n\r\n";
    assert_eq!(header(head, b"x"), Some(&b"first"[..]), "empty is absent");
    assert_eq!(header(head, b"x-y"), Some(&b"no"[..]));
    for absent in ["y", "x-", "", "http/1.1 200 a", "x:"] {
        assert_eq!(header(head, absent.as_bytes()), None, "{absent:?}");
    }
    assert_eq!(header(b"", b"x"), None);
}

#[test]
fn a_head_cut_at_any_offset_is_partial_until_it_is_settled() {
    for (text, _) in HEADS {
        let text = text.as_bytes();
        let mut settled = None;
        // Under Miri a byte costs a thousand times as much.
        for cut in (0..=text.len()).step_by(if cfg!(miri) { 101 } else { 1 }) {
            let now = agree(&text[..cut]);
            match &settled {
                Some(settled) => assert_eq!(&now, settled, "cut at {cut}"),
                None if now == Ok(None) => {}
                None => {
                    // A line is judged when it ends; nor is a head sooner.
                    let is_line_end = text[cut - 1] == b'\n';
                    assert!(cfg!(miri) || is_line_end, "cut at {cut}: {now:?}");
                    let bytes = now
                        .as_ref()
                        .map(|head| head.as_ref().map(|head| head.bytes));
                    let early = matches!(bytes, Ok(Some(bytes)) if bytes > cut);
                    assert!(!early, "whole at {cut}, before its end");
                    settled = Some(now);
                }
            }
        }
        if !cfg!(miri) {
            assert_eq!(settled.unwrap_or(Ok(None)), agree(text));
        }
    }
}

#[test]
fn mutated_heads_are_read_alike_by_both_parsers() {
    let rounds = count(600_000);
    let (mut past, mut whole) = (0, 0);
    let test = "mutated_heads_are_read_alike_by_both_parsers";
    let all = for_each_seed(test, rounds, |random| {
        let (text, _) = HEADS[random.below(HEADS.len())];
        let text = random.mutate(text.as_bytes(), HEAD_PIECES);
        let outcome = agree(&text);
        let begun = agree(&text[..random.below(text.len() + 1)]);
        assert!(begun == Ok(None) || begun == outcome, "{text:?}");
        past += usize::from(text.contains(&b'\n') && outcome != Err(Error::StatusLine));
        whole += usize::from(matches!(outcome, Ok(Some(_))));
    });
    println!("{rounds} mutated heads: {past} past the status line, {whole} whole");
    assert!(
        !all || past * 5 >= rounds,
        "only {past} of {rounds} got past the status line"
    );
    assert!(
        !all || cfg!(miri) || whole * 20 >= rounds,
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
