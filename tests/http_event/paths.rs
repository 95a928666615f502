//! Paths: what an application sees of the path that a client sent.

use tinderbox::http_event::HttpEvent;

use crate::fronts::{Client, FRONTS, event};
use crate::{agree, request, written};

/// A path as a client sends it; what is seen of it through a source that decodes it; and what that
/// loses. All other sources lose nothing.
const PATHS: &[(&str, &str, &str)] = &[
    ("/", "/", ""),
    ("/a/b/", "/a/b/", ""),
    ("/space%20value", "/space%20value", ""),
    ("/100%25", "/100%25", ""),
    ("/a%2541", "/a%2541", ""),
    ("/a%20b%2520c", "/a%20b%2520c", ""),
    ("/caf%C3%A9", "/caf%C3%A9", ""),
    ("/%E4%B8%96/%F0%9F%98%80", "/%E4%B8%96/%F0%9F%98%80", ""),
    ("/a+b", "/a+b", ""),
    ("/a;b=1;c,d", "/a;b=1;c,d", ""),
    ("//a//b", "//a//b", ""),
    ("/a/../b/./c", "/a/../b/./c", ""),
    ("/~user/(x)!*'$@:", "/~user/(x)!*'$@:", ""),
    ("/[x]|{y}^\"<z>\\", "/[x]|{y}^\"<z>\\", ""),
    ("/a%23b", "/a%23b", ""),
    ("/a%0D%0AX:%20y", "/a%0D%0AX:%20y", ""),
    ("/a%00b%7F", "/a%00b%7F", ""),
    ("/a%2Fb", "/a/b", "a slash that is no separator"),
    ("/a%2fb", "/a/b", "a slash that is no separator"),
    ("/a%2Bb", "/a+b", "the encoding of what needs none"),
    ("/a%7Eb%41", "/a~bA", "the encoding of what needs none"),
    ("/a/%2e%2e/b", "/a/../b", "the encoding of what needs none"),
    ("/caf%c3%a9", "/caf%C3%A9", "digits in lower case"),
    ("/a%3Fb", "/a", "all behind a question mark"),
];

#[test]
fn path_through_each_source_loses_what_is_documented() {
    for (path, decoded, loss) in PATHS {
        assert_eq!(path == decoded, loss.is_empty(), "{path}");
        for front in FRONTS {
            let seen = request(&event(front, &Client::get(path, ""))).path;
            let expected = if front.decodes_path() { decoded } else { path };
            assert_eq!(
                String::from_utf8_lossy(&seen),
                *expected,
                "{path} by {front:?}"
            );
        }
    }
}

/// Paths of events that no front makes: each stays one target on one line.
#[test]
fn path_with_bytes_of_no_target_is_encoded() {
    for (path, seen) in [
        ("", "/"),
        ("/a b", "/a%20b"),
        ("/Año", "/A%C3%B1o"),
        ("/100%", "/100%"),
        ("/%zz%2", "/%zz%2"),
        ("/\\u0000\\u001f\\u007f", "/%00%1F%7F"),
        (
            "/a HTTP/1.1\\r\\nX: y\\r\\n\\r\\n",
            "/a%20HTTP/1.1%0D%0AX:%20y%0D%0A%0D%0A",
        ),
        ("\\/a\\/b", "/a/b"),
        ("\\u002fa\\u00e9", "/a%C3%A9"),
        ("/\\ud83d\\ude00", "/%F0%9F%98%80"),
    ] {
        let event = format!("{{\"httpMethod\":\"GET\",\"path\":\"{path}\"}}");
        assert_eq!(request(&event).target(), seen, "{path}");
    }
    // Half of a surrogate pair, which serde_json does not take.
    let event = HttpEvent::read(br#"{"httpMethod":"GET","path":"/\ud83d"}"#);
    let event = event.expect("right by the grammar");
    assert_eq!(written(|write| event.write_path(b"", write)), b"/%EF%BF%BD");
}

#[test]
fn path_of_payload_2_is_decoded_if_it_equals_the_decoded_one() {
    let event = |raw: &str, decoded: &str| {
        let http = format!("{{\"method\":\"GET\",\"path\":{decoded}}}");
        let event = format!(
            "{{\"version\":\"2.0\",\"rawPath\":{raw},\"requestContext\":{{\"http\":{http}}}}}"
        );
        request(&event).target()
    };
    assert_eq!(event("\"/a%41 b\"", "\"/a%41 b\""), "/a%2541%20b");
    assert_eq!(event("\"/a%2541%20b\"", "\"/a%41 b\""), "/a%2541%20b");
    // An emulator with the encoded path in both.
    assert_eq!(event("\"/a%20b\"", "\"/a%20b\""), "/a%2520b");
    // Written with other escapes, they are equal still.
    assert_eq!(event("\"/\\u00e9%\"", "\"\\/é%\""), "/%C3%A9%25");
    assert_eq!(event("\"/\\u00e9%\"", "\"/\\u00E9%\""), "/%C3%A9%25");
    assert_eq!(
        event("\"/\\ud83d\\ude00?\"", "\"/😀\\u003f\""),
        "/%F0%9F%98%80%3F"
    );
    assert_eq!(event("\"/\\u00e9%\"", "\"/é%2\""), "/%C3%A9%");
    // Without the decoded one, it is taken as encoded.
    assert_eq!(event("\"/a%20b\"", "null"), "/a%20b");
    assert_eq!(event("\"/a%20b\"", "7"), "/a%20b");
}

#[test]
fn path_prefix_is_stripped_once_and_where_a_segment_ends() {
    for (path, prefix, stripped) in [
        ("/stage/a", "/stage", "/a"),
        ("/stage/a", "/stage/", "/a"),
        ("/stage", "/stage", "/"),
        ("/stage/", "/stage", "/"),
        ("/stage/stage/a", "/stage", "/stage/a"),
        ("/stage//a", "/stage", "//a"),
        ("/stages/a", "/stage", "/stages/a"),
        ("/stag", "/stage", "/stag"),
        ("/Stage/a", "/stage", "/Stage/a"),
        ("/a/stage/b", "/stage", "/a/stage/b"),
        ("/a/b/c", "/a/b", "/c"),
        ("/a", "/", "/a"),
        ("/a", "", "/a"),
        ("/a", "a", "/a"),
        ("/caf\u{e9}/a", "/caf%C3%A9", "/a"),
        ("/caf\\u00e9/a", "/caf%C3%A9", "/a"),
        ("/\\u0061b/c", "/ab", "/c"),
        ("/ab\\u002fc", "/ab", "/c"),
        ("", "/a", "/"),
    ] {
        let event = format!("{{\"httpMethod\":\"GET\",\"path\":\"{path}\"}}");
        let event = HttpEvent::read(event.as_bytes()).expect("right");
        let seen = written(|write| event.write_path(prefix.as_bytes(), write));
        assert_eq!(String::from_utf8_lossy(&seen), stripped, "{path} {prefix}");
    }
    // A long one, in pieces.
    for bytes in (0..200)
        .step_by(if cfg!(miri) { 31 } else { 1 })
        .chain([1_000])
    {
        let prefix = "/".to_string() + &"x".repeat(bytes);
        let path = prefix.clone() + "/\u{e9}";
        let event = format!("{{\"httpMethod\":\"GET\",\"path\":\"{path}\"}}");
        let event = HttpEvent::read(event.as_bytes()).expect("right");
        let seen = written(|write| event.write_path(prefix.as_bytes(), write));
        let expected = if bytes == 0 { "//%C3%A9" } else { "/%C3%A9" };
        assert_eq!(String::from_utf8_lossy(&seen), expected, "{bytes}");
    }
}

#[test]
fn path_that_begins_with_no_slash_is_malformed() {
    for front in FRONTS {
        for path in ["*", "a", "http://example.com/", " /"] {
            let event = event(front, &Client::get(path, ""));
            assert!(
                matches!(agree(event.as_bytes()), crate::Verdict::Malformed(_)),
                "{event}"
            );
        }
    }
}
