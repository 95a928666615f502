//! Answers: each is read back, and has the status, the headers, the cookies and the bytes of the
//! body that were to be sent.

use serde_json::{Value, json};
use tinderbox::http_event::{AnswerHead, Source, TooLarge, reason, write_answer, write_prelude};
use tinderbox::wire::http1::HeaderLines;

use crate::fronts::to_base64;
use crate::oracle::{self, Lines, answer_head};
use crate::ordered::Json;
use crate::random::{Random, Replay, seeds};
use crate::rounds;

const SOURCES: [Source; 5] = [
    Source::RestV1,
    Source::HttpV1,
    Source::V2,
    Source::AlbMulti,
    Source::AlbSingle,
];

/// As long as an answer can be.
const LIMIT: usize = 6_291_556;

fn head_of(lines: &Lines) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in lines {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    head
}

fn answer(source: Source, status: u16, head: &[u8], body: &[u8], limit: usize) -> Option<Vec<u8>> {
    let lines = HeaderLines::without_start_line(head);
    let mut answer = Vec::new();
    let write = &mut |piece: &[u8]| answer.extend_from_slice(piece);
    match write_answer(source, &AnswerHead { status, lines }, body, limit, write) {
        Ok(()) => Some(answer),
        Err(TooLarge) => {
            assert!(answer.is_empty(), "nothing of what is too large is written");
            None
        }
    }
}

/// The object of an answer, none of whose members is repeated.
fn parse(answer: &[u8]) -> Value {
    fn assert_unique(json: &Json) {
        if let Json::Object(members) = json {
            for (index, (name, value)) in members.iter().enumerate() {
                let is_same = |(other, _): &(String, Json)| other.eq_ignore_ascii_case(name);
                assert!(!members[..index].iter().any(is_same), "{name} twice");
                assert_unique(value);
            }
        }
    }
    let shown = String::from_utf8_lossy(answer);
    assert_unique(&Json::parse(answer).unwrap_or_else(|| panic!("JSON: {shown}")));
    serde_json::from_slice(answer).expect("JSON")
}

/// Writes an answer, compares it with the oracle's, and returns whether its body is base64.
fn check(source: Source, status: u16, lines: &Lines, body: &[u8]) -> bool {
    let answer = answer(source, status, &head_of(lines), body, LIMIT).expect("it fits");
    let real = parse(&answer);
    let mut expected = answer_head(source, status, lines);
    let is_base64 = std::str::from_utf8(body).is_err();
    expected["isBase64Encoded"] = json!(is_base64);
    expected["body"] = match is_base64 {
        true => json!(to_base64(body)),
        false => json!(String::from_utf8_lossy(body)),
    };
    assert_eq!(real, expected);
    is_base64
}

fn lines(lines: &[(&str, &[u8])]) -> Lines {
    let own = |(name, value): &(&str, &[u8])| (name.to_string(), value.to_vec());
    lines.iter().map(own).collect()
}

#[test]
fn answer_has_the_shape_of_its_source() {
    let head = b"Content-Type: text/html\r\nSet-Cookie: a=1; Path=/\r\nX-A: 1\r\n\
                 set-cookie: b=2\r\nx-a: 2\r\nContent-Length: 7\r\n";
    let text = |source| {
        let answer = answer(source, 404, head, b"<p>\"\n", LIMIT).expect("it fits");
        String::from_utf8(answer).expect("UTF-8")
    };
    let multi = "\"multiValueHeaders\":{\"Content-Type\":[\"text/html\"],\
                 \"Set-Cookie\":[\"a=1; Path=/\",\"b=2\"],\"X-A\":[\"1\",\"2\"]}";
    let body = "\"isBase64Encoded\":false,\"body\":\"<p>\\\"\\n\"";
    let v1 = format!("{{\"statusCode\":404,{multi},{body}}}");
    assert_eq!(text(Source::RestV1), v1);
    assert_eq!(text(Source::HttpV1), v1);
    let description = "\"statusDescription\":\"404 Not Found\"";
    let alb = format!("{{\"statusCode\":404,{description},{multi},{body}}}");
    assert_eq!(text(Source::AlbMulti), alb);
    let single = "\"headers\":{\"Content-Type\":\"text/html\",\"Set-Cookie\":\"b=2\",\
                  \"X-A\":\"1, 2\"}";
    let alb = format!("{{\"statusCode\":404,{description},{single},{body}}}");
    assert_eq!(text(Source::AlbSingle), alb);
    let headers = "\"headers\":{\"Content-Type\":\"text/html\",\"X-A\":\"1, 2\"},\
                   \"cookies\":[\"a=1; Path=/\",\"b=2\"]";
    assert_eq!(
        text(Source::V2),
        format!("{{\"statusCode\":404,{headers},{body}}}")
    );
}

#[test]
fn answer_without_headers_has_empty_maps() {
    for source in SOURCES {
        check(source, 200, &Vec::new(), b"");
        check(
            source,
            299,
            &lines(&[("Connection", b"x"), ("x", b"")]),
            b"",
        );
    }
}

#[test]
fn answer_drops_headers_of_one_hop_and_what_is_no_header() {
    let of_one_hop = lines(&[
        ("Connection", b"close, X-Hop"),
        ("Keep-Alive", b"timeout=5"),
        ("Transfer-Encoding", b"chunked"),
        ("Content-Length", b"5"),
        ("Status", b"404 Not Found"),
        ("Trailer", b"x"),
        ("Upgrade", b"h2c"),
        ("Proxy-Connection", b"x"),
        ("X-Amzn-Request-Context", b"x"),
        ("x-hop", b"1"),
        ("X Y", b"1"),
        ("X-\u{e9}", b"1"),
        ("", b"1"),
        ("Content-Encoding", b"gzip"),
        ("X-Empty", b""),
    ]);
    for source in SOURCES {
        check(source, 200, &of_one_hop, b"x");
        let answer = answer(source, 200, &head_of(&of_one_hop), b"x", LIMIT).expect("it fits");
        let text = String::from_utf8(answer).expect("UTF-8");
        assert!(text.contains("gzip") && text.contains("X-Empty"), "{text}");
        for dropped in [
            "lose", "imeout", "hunked", "Length", "404", "hop", "X Y", "\u{e9}",
        ] {
            assert!(!text.contains(dropped), "{dropped} in {text}");
        }
    }
}

#[test]
fn answer_values_that_are_no_utf_8_are_latin_1() {
    for source in SOURCES {
        let head = lines(&[
            ("X-Latin", b"caf\xe9 \xff\x80"),
            ("X-Utf8", "café €😀".as_bytes()),
            (
                "X-Long",
                &[&[b'x'; 31][..], "é".as_bytes(), &[b'y'; 40], "€".as_bytes()].concat(),
            ),
            ("X-Controls", b"a\rb\x01c\x7fd\te\"f\\"),
        ]);
        check(source, 200, &head, b"");
        let answer = answer(source, 200, &head_of(&head), b"", LIMIT).expect("it fits");
        let text = String::from_utf8(answer).expect("UTF-8");
        assert!(
            text.contains("caf\u{e9} \u{ff}\u{80}") && !text.contains('\u{fffd}'),
            "{text}"
        );
        assert!(text.contains("a b c d\\te\\\"f\\\\"), "{text}");
    }
}

#[test]
fn answer_body_is_text_if_it_is_utf_8() {
    let every_byte: Vec<u8> = (0..=255).collect();
    for (body, is_base64) in [
        (&b""[..], false),
        (b"\0\x01\x1f\x7f", false),
        ("é€😀\u{fffd}\u{10ffff}".as_bytes(), false),
        (b"\xed\xa0\x80", true),
        (b"\xc3", true),
        (b"\x1f\x8b\x08", true),
        (&every_byte, true),
    ] {
        for source in SOURCES {
            assert_eq!(check(source, 200, &Vec::new(), body), is_base64);
        }
    }
}

#[test]
fn answer_at_its_limit_is_text_then_base64_then_too_large() {
    let head = b"X-A: \xff\"\x01\r\nX-B: 2\r\nx-b: 3\r\n";
    let bodies: [&[u8]; 5] = [
        b"",
        b"plain",
        &[b'\x01'; 100],
        b"\n\n\n\n\n\n\n",
        b"\xff\xfe",
    ];
    for source in SOURCES {
        for body in bodies {
            let at = |limit| answer(source, 200, head, body, limit);
            let whole = at(LIMIT).expect("it fits");
            assert_eq!(at(whole.len()).as_ref(), Some(&whole));
            // The next shorter one, if there is one, is base64.
            let Some(shorter) = at(whole.len() - 1) else {
                assert!(at(0).is_none());
                continue;
            };
            assert!(shorter.len() < whole.len());
            let json = parse(&shorter);
            assert_eq!(json["isBase64Encoded"], true);
            let text = json["body"].as_str().expect("a string");
            assert_eq!(oracle::base64(text).as_deref(), Some(body));
            assert_eq!(at(shorter.len()).as_ref(), Some(&shorter));
            assert_eq!(at(shorter.len() - 1), None);
        }
    }
}

#[test]
fn answer_of_megabytes_is_escaped_or_encoded() {
    let bytes = if cfg!(miri) { 3_000 } else { 4_600_000 };
    let html: Vec<u8> = "<li class=\"é\">\n"
        .bytes()
        .cycle()
        .take(bytes / 16 * 16)
        .collect();
    assert!(!check(Source::V2, 200, &Vec::new(), &html));
    assert!(check(
        Source::V2,
        200,
        &Vec::new(),
        &crate::random::noise(3, bytes)
    ));
    // Text that fits as base64 alone.
    let controls = vec![1; bytes];
    let answer = answer(Source::V2, 200, b"", &controls, LIMIT).expect("it fits");
    assert_eq!(parse(&answer)["isBase64Encoded"], cfg!(not(miri)));
}

#[test]
fn answer_of_random_lines_agrees_with_oracle() {
    const NAMES: &[&str] = &[
        "X-A",
        "x-a",
        "X-B",
        "Set-Cookie",
        "set-cookie",
        "SET-COOKIE",
        "Content-Type",
        "Vary",
        "Connection",
        "Status",
        "Te",
        "X-Forwarded-For",
        "x y",
        "Location",
    ];
    const VALUES: &[&[u8]] = &[
        b"",
        b"1",
        b"a, b",
        b"x-a",
        b"close",
        b"\xe9",
        b"\xc3\xa9",
        b"\"\\",
        b"a\tb\x02",
        b"x-b,vary",
    ];
    for seed in seeds(0, rounds("", 100_000)) {
        let _replay = Replay {
            what: "answer_of_random_lines_agrees_with_oracle",
            seed,
        };
        let random = &mut Random::new(seed);
        let count = random.below(12);
        let mut lines = Lines::new();
        for _ in 0..count {
            let name = match random.once_in(3) {
                true => format!("X-{}", random.below(100)),
                false => random.pick(NAMES).to_string(),
            };
            lines.push((name, random.pick(VALUES).to_vec()));
        }
        let length = random.below(150);
        let mut body = match random.below(3) {
            0 => crate::random::noise(seed, length),
            1 => crate::random::letters(seed, length),
            _ => "é\n\"€\\\u{1}😀x".bytes().cycle().take(length).collect(),
        };
        if random.once_in(2) {
            body = String::from_utf8_lossy(&body).into_owned().into_bytes();
        }
        let status = 200 + random.below(400) as u16;
        check(random.pick(&SOURCES), status, &lines, &body);
    }
}

#[test]
fn prelude_has_headers_and_cookies_and_a_delimiter() {
    let head = b"X-A: 1\r\nSet-Cookie: a=1\r\nx-a: 2\r\nset-cookie: b=2\r\nConnection: close\r\n";
    for source in SOURCES {
        let lines = HeaderLines::without_start_line(head);
        let mut prelude = Vec::new();
        let write = &mut |piece: &[u8]| prelude.extend_from_slice(piece);
        write_prelude(source, &AnswerHead { status: 201, lines }, write);
        let json = prelude.strip_suffix(&[0; 8]).expect("eight NULs");
        let own = HeaderLines::without_start_line(head)
            .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.to_vec()));
        assert_eq!(parse(json), answer_head(source, 201, &own.collect()));
    }
}

#[test]
fn reason_of_status_is_that_of_iana() {
    for (status, phrase) in [
        (200, "OK"),
        (204, "No Content"),
        (302, "Found"),
        (304, "Not Modified"),
        (404, "Not Found"),
        (413, "Content Too Large"),
        (500, "Internal Server Error"),
        (502, "Bad Gateway"),
        (511, "Network Authentication Required"),
        (299, "Unknown"),
        (599, "Unknown"),
        (418, "Unknown"),
    ] {
        assert_eq!(String::from_utf8_lossy(reason(status)), phrase);
    }
}
