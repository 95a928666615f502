//! Bodies of requests.

use tinderbox::http_event::{Body, HttpEvent};

use crate::fronts::{Client, FRONTS, event, to_base64};
use crate::{agree, request, written};

fn with_body(body: &str, is_base64: &str) -> String {
    format!(
        "{{\"httpMethod\":\"POST\",\"path\":\"/\",\"body\":{body},\"isBase64Encoded\":{is_base64}}}"
    )
}

#[test]
fn body_of_any_bytes_comes_through_each_source() {
    let every_byte: Vec<u8> = (0..=255).collect();
    let multipart =
        b"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\n\
                      \x00\xff\xfe\r\n--x--\r\n";
    let bodies: [&[u8]; 9] = [
        b"",
        b"text",
        b"\0",
        b"\"quoted\" \\ and\r\nlines\t\x0b\x7f",
        "é€😀\u{fffd}".as_bytes(),
        b"a=1&b=%20",
        &every_byte,
        multipart,
        b"\xff",
    ];
    for front in FRONTS {
        for body in bodies {
            let mut client = Client::get("/", "");
            client.body = body.to_vec();
            let seen = request(&event(front, &client)).body;
            assert_eq!(seen.as_deref(), Some(body), "{front:?}");
        }
    }
}

/// Six megabytes, as many as an event can have.
#[test]
fn body_of_megabytes_comes_through() {
    let bytes = if cfg!(miri) { 3_000 } else { 4_400_000 };
    let binary = crate::random::noise(1, bytes);
    let text: String = "<a href=\"é\">\n\t".repeat(bytes / 14);
    for body in [binary, text.into_bytes(), vec![b'a'; bytes]] {
        let mut client = Client::get("/", "");
        client.body = body;
        let event = event(FRONTS[2], &client);
        let event = HttpEvent::read(event.as_bytes()).expect("right");
        let mut seen = Vec::new();
        event
            .body()
            .write(&mut |piece| seen.extend_from_slice(piece))
            .expect("right");
        assert!(seen == client.body);
        assert_eq!(event.body().len_bytes(), client.body.len());
    }
}

#[test]
fn body_flag_true_decodes_base64() {
    for (body, flag, seen) in [
        ("\"YQ==\"", "true", "a"),
        ("\"YQ==\"", "\"true\"", "a"),
        ("\"YQ==\"", "false", "YQ=="),
        ("\"YQ==\"", "null", "YQ=="),
        ("\"YQ==\"", "1", "YQ=="),
        ("\"YQ\"", "true", "a"),
        ("\"\\u0059\\u0051\\u003d\\u003d\"", "true", "a"),
        ("\"Pz8\\/Pz8\\/\"", "true", "??????"),
        ("\"\"", "true", ""),
        ("null", "true", ""),
        ("5", "false", "5"),
        ("true", "false", "true"),
    ] {
        let seen_body = request(&with_body(body, flag)).body;
        assert_eq!(seen_body.as_deref(), Some(seen.as_bytes()), "{body} {flag}");
    }
}

#[test]
fn body_of_invalid_base64_is_an_error_when_written() {
    for body in [
        "Y", "YQ=", "YR==", "YQ==YQ==", "Y Q=", "YWJj\\n", "é", "YQ-_", "====",
    ] {
        let request = request(&with_body(&format!("\"{body}\""), "true"));
        assert_eq!(request.body, None, "{body}");
    }
}

#[test]
fn body_of_base64_of_all_lengths_has_its_length() {
    for bytes in if cfg!(miri) { 0..5 } else { 0..200 } {
        let body = crate::random::noise(bytes, bytes as usize);
        let padded = to_base64(&body);
        for text in [
            padded.replace('/', "\\/"),
            padded.trim_end_matches('=').to_string(),
            padded,
        ] {
            let request = request(&with_body(&format!("\"{text}\""), "true"));
            assert_eq!(request.body.as_deref(), Some(&body[..]), "{text}");
        }
    }
}

#[test]
fn body_without_escapes_is_not_copied() {
    let event = with_body("\"plain é text\"", "false");
    let range = event.as_bytes().as_ptr_range();
    let read = HttpEvent::read(event.as_bytes()).expect("right");
    let plain = read.body().plain().expect("no escapes");
    assert!(range.contains(&plain.as_ptr()));
    for (body, flag) in [("\"a\\n\"", "false"), ("\"YQ==\"", "true")] {
        let event = with_body(body, flag);
        let read = HttpEvent::read(event.as_bytes()).expect("right");
        assert!(read.body().plain().is_none());
    }
    assert_eq!(Body::Empty.plain(), Some(&b""[..]));
    assert_eq!(Body::Empty.len_bytes(), 0);
    _ = written(|write| Body::Empty.write(write).expect("nothing to decode"));
}

#[test]
fn body_that_is_no_string_is_malformed() {
    for body in ["{}", "[]", "[\"a\"]"] {
        let event = with_body(body, "false");
        assert!(
            matches!(agree(event.as_bytes()), crate::Verdict::Malformed(_)),
            "{body}"
        );
    }
}
