//! The pull reader of JSON, with serde_json as the oracle.

use serde_json::{Map, Value};
use tinderbox::wire::json::{
    DEPTH_MAX, Error, ErrorKind, Reader, Text, Token, is_true, members, string,
};

use crate::{count, for_each_seed};

/// Texts that are right, and texts that are not.
const TEXTS: &[&str] = &[
    r#"{"version":"2.0","rawPath":"/a%20b","rawQueryString":"a=1&b=%20","cookies":["a=b","c"],
        "headers":{"Host":"x","x-a":"1,2"},"requestContext":{"http":{"method":"POST","path":"/a b",
        "sourceIp":"1.2.3.4"},"timeEpoch":1542409706888},"body":"YQ==","isBase64Encoded":true}"#,
    r#"{"httpMethod":"GET","path":"/","multiValueHeaders":{"A":["1","2"],"b":[]},"body":null,
        "requestContext":{"elb":{"targetGroupArn":"arn"}},"isBase64Encoded":false}"#,
    "null",
    "true",
    "false",
    "0",
    "-0",
    "12",
    "-12.5e+3",
    "1E5",
    "1e-7",
    "0.0",
    "\"\"",
    "[]",
    "{}",
    " \t\r\n[ 1 , 2 , [ ] , { } ] \n",
    "[[[[]]],[{\"a\":[{}]}]]",
    "{\"a\":1,\"a\":{\"b\":2},\"\":3}",
    r#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00\u0000""#,
    "\"\u{7f}é€😀\"",
    r#"{"\u0061":1,"a":2}"#,
    r#"["\ud83d\ude00","\uD83D\uDE00"]"#,
    // Not JSON.
    "",
    " ",
    "nul",
    "nulL",
    "truE",
    "True",
    "NaN",
    "Infinity",
    "-",
    "+1",
    "01",
    "-01",
    "1.",
    ".5",
    "1e",
    "1e+",
    "1.e1",
    "0x1",
    "1_0",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1",
    "]",
    "}",
    "[}",
    "{]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{a:1}",
    "{'a':1}",
    "{1:2}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "\"a",
    "\"\\",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12G4\"",
    "\"\n\"",
    "\"\0\"",
    "\"\t\"",
    "1 2",
    "[] []",
    "null,",
    "\u{feff}1",
    "\u{a0}1",
    "\u{c}1",
    "//x\n1",
    "[1]x",
    "\"a\"\"",
    "{\"a\":1}}",
    "\0",
    "1\0",
];

/// What mutations put in.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b" ",
    b"\n",
    b"\0",
    b"0",
    b"1",
    b"-",
    b".",
    b"e",
    b"E+",
    b"true",
    b"false",
    b"null",
    b"\"a\":",
    b"\"a\"",
    b"[]",
    b"{}",
    b"\\n",
    b"\\u00e9",
    b"\\ud83d",
    b"\\ude00",
    b"\\uD800",
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\x80",
    b"/",
    b"\x7f",
    b"\x1f",
];

fn text_of(text: Text) -> String {
    let mut bytes = Vec::new();
    text.unescape(&mut |piece| bytes.extend_from_slice(piece));
    assert!(text.is(&bytes) && !text.is(&[&bytes[..], b"x"].concat()));
    assert!(text.bytes().eq(bytes.iter().copied()) && text.is_same(text));
    if let [start @ .., _] = &bytes[..] {
        assert!(!text.is(start));
    }
    assert!(
        text.plain()
            .is_none_or(|plain| plain == bytes && plain == text.raw())
    );
    String::from_utf8(bytes).expect("what is unescaped is UTF-8")
}

/// Whether a text has what serde_json refuses in a value, though its grammar is right.
#[derive(Default)]
struct Beyond {
    /// A surrogate without its other half.
    surrogate: bool,
    /// A number that no f64 holds.
    number: bool,
    /// 128 levels: serde_json takes 127.
    depth: bool,
}

impl Beyond {
    fn any(&self) -> bool {
        self.surrogate || self.number || self.depth
    }

    fn text(&mut self, text: Text) -> String {
        let quoted = [b"\"", text.raw(), b"\""].concat();
        self.surrogate |= serde_json::from_slice::<Value>(&quoted).is_err();
        text_of(text)
    }
}

/// The value that a reader's tokens make.
fn build<'a>(
    reader: &mut Reader<'a>,
    token: Token<'a>,
    depth: usize,
    beyond: &mut Beyond,
) -> Result<Value, Error> {
    beyond.depth |=
        depth >= usize::from(DEPTH_MAX) && matches!(token, Token::StartArray | Token::StartObject);
    Ok(match token {
        Token::Null => Value::Null,
        Token::Bool(value) => Value::Bool(value),
        Token::Number(raw) => serde_json::from_slice(raw).unwrap_or_else(|_| {
            beyond.number = true;
            Value::Null
        }),
        Token::String(text) => Value::String(beyond.text(text)),
        Token::StartArray => {
            let mut values = Vec::new();
            loop {
                match reader.next()?.expect("the end of the array") {
                    Token::EndArray => break Value::Array(values),
                    token => values.push(build(reader, token, depth + 1, beyond)?),
                }
            }
        }
        Token::StartObject => {
            let mut values = Map::new();
            loop {
                match reader.next()?.expect("the end of the object") {
                    Token::EndObject => break Value::Object(values),
                    Token::Name(name) => {
                        let name = beyond.text(name);
                        let token = reader.next()?.expect("a value");
                        values.insert(name, build(reader, token, depth + 1, beyond)?);
                    }
                    other => panic!("{other:?} is no name"),
                }
            }
        }
        other => panic!("{other:?} begins no value"),
    })
}

fn ours(text: &[u8], beyond: &mut Beyond) -> Result<Value, Error> {
    let mut reader = Reader::new(text);
    let token = reader.next()?.expect("a value");
    let value = build(&mut reader, token, 1, beyond)?;
    assert_eq!(reader.next()?, None);
    assert_eq!(reader.next()?, None, "the end stays");
    assert_eq!(reader.position(), text.len());
    Ok(value)
}

/// Both readers on one text: they agree on whether it is right, and on its value. Three things are
/// right by the grammar, and to ours, that serde_json refuses: those of [`Beyond`].
fn agree(text: &[u8]) -> Result<Value, Error> {
    let mut beyond = Beyond::default();
    let real = ours(text, &mut beyond);
    let oracle = serde_json::from_slice::<Value>(text);
    let shown = String::from_utf8_lossy(text);
    match (&real, &oracle) {
        (Ok(real), Ok(oracle)) => {
            assert_eq!(real, oracle, "of {shown:?}");
            assert!(!beyond.any(), "of {shown:?}");
        }
        (Ok(_), Err(error)) => assert!(beyond.any(), "of {shown:?}: {error}"),
        (Err(error), Ok(_)) => panic!("{error:?} of {shown:?}"),
        (Err(error), Err(_)) => assert!(error.at <= text.len(), "{error:?} of {shown:?}"),
    }
    real
}

#[test]
fn json_corpus_agrees_with_serde_json() {
    let mut valid = 0;
    for text in TEXTS {
        valid += usize::from(agree(text.as_bytes()).is_ok());
    }
    assert_eq!(valid, 22);
}

#[test]
fn json_cut_anywhere_is_unexpected_end() {
    for text in TEXTS {
        if agree(text.as_bytes()).is_err() {
            continue;
        }
        for cut in (0..text.len()).step_by(if cfg!(miri) { 101 } else { 1 }) {
            match agree(&text.as_bytes()[..cut]) {
                // Of a number, or of the white space after a value, a part may be enough.
                Ok(_) => assert!(text.trim_end().len() <= cut || text.parse::<f64>().is_ok()),
                Err(Error { kind, at }) => {
                    assert_eq!((kind, at), (ErrorKind::UnexpectedEnd, cut), "{text:?}");
                }
            }
        }
    }
}

#[test]
fn json_errors_have_kind_and_position() {
    for (text, kind, at) in [
        (&b"[1,x]"[..], ErrorKind::ExpectedValue, 3),
        (b"[1 2]", ErrorKind::ExpectedComma, 3),
        (b"[1}", ErrorKind::ExpectedComma, 2),
        (b"{1:2}", ErrorKind::ExpectedName, 1),
        (b"{\"a\";2}", ErrorKind::ExpectedColon, 4),
        (b"{\"a\":1,}", ErrorKind::ExpectedName, 7),
        (b"1 2", ErrorKind::TrailingBytes, 2),
        (b"-x", ErrorKind::InvalidNumber, 1),
        (b"[1.]", ErrorKind::InvalidNumber, 3),
        (b"\"\\x\"", ErrorKind::InvalidEscape, 2),
        (b"\"\\u00g0\"", ErrorKind::InvalidEscape, 5),
        (b"\"\x1f\"", ErrorKind::ControlByte, 1),
        (b"\"a\xff\"", ErrorKind::InvalidUtf8, 2),
        (b"\"\xed\xa0\x80\"", ErrorKind::InvalidUtf8, 2),
        (b"\xef\xbb\xbf1", ErrorKind::ExpectedValue, 0),
        (b"trux", ErrorKind::ExpectedValue, 3),
    ] {
        assert_eq!(agree(text), Err(Error { kind, at }), "{text:?}");
        assert!(!kind.text().is_empty());
    }
}

#[test]
fn json_nested_128_levels_is_read_and_129_refused() {
    let nested =
        |open: &str, close: &str, levels| open.repeat(levels) + "1" + &close.repeat(levels);
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let levels = usize::from(DEPTH_MAX) / open.matches(['[', '{']).count();
        assert!(agree(nested(open, close, levels).as_bytes()).is_ok());
        let deeper = nested(open, close, levels + 1);
        assert_eq!(
            agree(deeper.as_bytes()).unwrap_err().kind,
            ErrorKind::TooDeep
        );
        assert_eq!(
            agree(
                open.repeat(if cfg!(miri) { 1_000 } else { 100_000 })
                    .as_bytes()
            )
            .unwrap_err()
            .kind,
            ErrorKind::TooDeep
        );
    }
}

#[test]
fn json_lone_surrogate_unescapes_to_replacement_character() {
    for (raw, expected) in [
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d", "\u{fffd}"),
        (r"\ude00", "\u{fffd}"),
        (r"\ud83dx", "\u{fffd}x"),
        (r"\ud83d\n", "\u{fffd}\n"),
        (r"\ud83d\u0041", "\u{fffd}A"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\udbff\udfff", "\u{10ffff}"),
        (r"\ud800\udc00", "\u{10000}"),
    ] {
        let text = format!("\"{raw}\"");
        assert_eq!(
            agree(text.as_bytes()),
            Ok(Value::String(expected.into())),
            "{raw}"
        );
    }
}

#[test]
fn json_members_last_of_a_name_is_found() {
    let event = br#" {"a":1,"b":{"c":[1,2]},"\u0061":"x","isBase64Encoded":true,"n":null} "#;
    let found = members(event, [b"a", b"b", b"isBase64Encoded", b"absent", b"n"]).expect("right");
    let expected: [Option<&[u8]>; 5] = [
        Some(b"\"x\""),
        Some(b"{\"c\":[1,2]}"),
        Some(b"true"),
        None,
        Some(b"null"),
    ];
    assert_eq!(found, expected);
    assert_eq!(
        string(found[0].unwrap()).and_then(Text::plain),
        Some(&b"x"[..])
    );
    assert_eq!(string(found[1].unwrap()), None);
    assert!(is_true(found[2].unwrap()) && !is_true(found[4].unwrap()));
    let inner = members(found[1].unwrap(), [b"c"]).expect("right");
    assert_eq!(inner, [Some(&b"[1,2]"[..])]);
    for (text, kind) in [
        (&b"[]"[..], ErrorKind::NotAnObject),
        (b"", ErrorKind::UnexpectedEnd),
        (b"{}x", ErrorKind::TrailingBytes),
        (b"{\"a\":1", ErrorKind::UnexpectedEnd),
        (b"{\"a\":[}", ErrorKind::ExpectedValue),
    ] {
        assert_eq!(members(text, [b"a"]).unwrap_err().kind, kind, "{text:?}");
    }
}

#[test]
fn json_raw_values_of_an_array_are_its_elements() {
    let mut reader = Reader::new(b"[ \"a\" , {\"b\":[1]} ,-1.5e3, [ ] ]");
    assert_eq!(reader.next(), Ok(Some(Token::StartArray)));
    for raw in [&b"\"a\""[..], b"{\"b\":[1]}", b"-1.5e3", b"[ ]"] {
        assert_eq!(reader.next_raw(), Ok(Some(raw)));
    }
    assert_eq!(reader.next_raw(), Ok(None));
    assert_eq!(reader.next_raw(), Ok(None), "the text is over");
}

#[test]
fn json_mutations_agree_with_serde_json() {
    let rounds = count(1_000_000);
    let mut valid = 0;
    let test = "json_mutations_agree_with_serde_json";
    let right: Vec<&str> = TEXTS.iter().copied().take(22).collect();
    let all = for_each_seed(test, rounds, |random| {
        // Small texts stay right more often.
        let text = match random.below(4) {
            0 => TEXTS[random.below(TEXTS.len())],
            _ => right[random.below(right.len())],
        };
        let text = random.mutate(text.as_bytes(), PIECES);
        valid += usize::from(agree(&text).is_ok());
    });
    println!("{rounds} mutated texts: {valid} valid");
    assert!(
        !all || cfg!(miri) || valid * 20 >= rounds,
        "{valid} of {rounds} valid"
    );
}
