//! Reply heads.

use std::sync::LazyLock;

use tinderbox::wire::api_headers::{REPLY, TRACKED_COUNT, TRACKED_HEADERS};
use tinderbox::wire::http1::{FRAMING_HEADERS, Framing, Head, HeaderLines, Span, header};
use tinderbox::wire::{Error, Parsed};

use crate::corpus::{HEAD_PIECES, HEADS};
use crate::differences::{self, HEAD_DIFFERENCES};
use crate::naive::{self, Rules};
use crate::{count, for_each_seed};

type RuntimeHead = Head<[Span; TRACKED_COUNT]>;

/// A head that was read before, from a reply with everything in it.
static USED: LazyLock<RuntimeHead> = LazyLock::new(|| {
    let mut text = b"HTTP/1.0 204 x\r\n".to_vec();
    for name in FRAMING_HEADERS.iter().chain(TRACKED_HEADERS) {
        text.extend([*name, b": close\r\n"].concat());
    }
    text.extend(b"\r\n");
    let mut head = RuntimeHead::EMPTY;
    assert_eq!(read(&mut head, &text), Ok(Parsed::Complete(())));
    head.framing = Framing::Chunked;
    head
});

static DIFFERENCES: LazyLock<Rules> = LazyLock::new(differences::all);

fn read(head: &mut Head, text: &[u8]) -> Result<Parsed<()>, Error> {
    head.read(&REPLY, text)
}

/// What our reader makes of a text.
fn ours(text: &[u8]) -> Result<Option<naive::Head>, Error> {
    let mut head = *USED;
    let parsed = read(&mut head, text)?;
    Ok((parsed != Parsed::Partial).then(|| naive::Head {
        status: head.status,
        bytes: head.bytes,
        close: head.close,
        length: match head.framing {
            Framing::Sized => Some(head.length),
            Framing::NoBody => Some(0),
            Framing::Chunked | Framing::UntilClose => None,
        },
        chunked: head.framing == Framing::Chunked,
        values: head
            .values
            .iter()
            .map(|span| span.get(text).to_vec())
            .collect(),
        lines: HeaderLines::new(&text[..head.bytes])
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect(),
    }))
}

/// Both parsers on one text; returns what they agree on.
fn agree(text: &[u8]) -> Result<Option<naive::Head>, Error> {
    let real = ours(text);
    let naive = naive::head(text, TRACKED_HEADERS, &DIFFERENCES);
    assert_eq!(real, naive, "of {:?}", String::from_utf8_lossy(text));
    if let Ok(Some(head)) = &real {
        // The function that handlers use finds the same, where there is something to find.
        for (name, value) in TRACKED_HEADERS.iter().zip(&head.values) {
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

/// The outcome, written as in the corpus.
fn verdict(outcome: &Result<Option<naive::Head>, Error>, text: &str) -> String {
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
fn head_corpus_has_its_verdicts() {
    for (text, expected) in HEADS {
        assert_eq!(
            verdict(&agree(text.as_bytes()), text),
            *expected,
            "{text:?}"
        );
    }
}

#[test]
fn tracked_headers_values_are_stored() {
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
fn header_by_name_is_first_that_is_not_empty() {
    let head = b"HTTP/1.1 200 a: b\r\nX:\r\nx: \t\r\nX-Y: no\r\nX: first \r\nx: second\r\n\r\n";
    assert_eq!(header(head, b"x"), Some(&b"first"[..]), "empty is absent");
    assert_eq!(header(head, b"x-y"), Some(&b"no"[..]));
    for absent in ["y", "x-", "", "http/1.1 200 a", "x:"] {
        assert_eq!(header(head, absent.as_bytes()), None, "{absent:?}");
    }
    assert_eq!(header(b"", b"x"), None);
}

#[test]
fn head_cut_anywhere_is_partial_until_settled() {
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
fn head_mutations_agree_with_naive_parser() {
    let rounds = count(600_000);
    let (mut past, mut whole) = (0, 0);
    let test = "head_mutations_agree_with_naive_parser";
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
fn head_differences_from_rfc_are_those_listed() {
    for difference in HEAD_DIFFERENCES {
        let text = difference.text.as_bytes();
        let by = |rules: &Rules| {
            let head = naive::head(text, TRACKED_HEADERS, rules);
            verdict(&head, difference.text)
        };
        let why = format!("{:?}: {}", difference.rule, difference.reason);
        assert_ne!(difference.rfc, difference.ours, "{why}");
        assert_eq!(by(&Rules::new()), difference.rfc, "{why}");
        assert_eq!(
            by(&Rules::from([difference.rule])),
            difference.ours,
            "{why}"
        );
        assert_eq!(
            verdict(&ours(text), difference.text),
            difference.ours,
            "{why}"
        );
    }
}
