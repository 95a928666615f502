//! Request heads, as the writer writes them.

use tinderbox::wire::http1::{GET, HeadWriter, HeaderLines, POST};

use crate::{count, for_each_seed};

/// A request with this header.
fn request(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut write = |piece: &[u8]| bytes.extend_from_slice(piece);
    let mut head = HeadWriter::new(GET, &[b"/a", b"?b"], b"localhost:80", &mut write);
    head.header(name, value);
    head.end();
    bytes
}

#[test]
fn request_head_follows_rfc_9112() {
    let expected = b"GET /a?b HTTP/1.1\r\nHost: localhost:80\r\nX: y\r\n\r\n";
    assert_eq!(request(b"X: ", b"y"), expected);
    let mut bytes = Vec::new();
    let mut write = |piece: &[u8]| bytes.extend_from_slice(piece);
    HeadWriter::new(POST, &[b"/"], b"h", &mut write).end_with_length(120);
    assert_eq!(
        bytes,
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 120\r\n\r\n"
    );
}

#[test]
fn header_value_with_control_bytes_ends_no_line() {
    for (value, expected) in [
        (&b""[..], &b""[..]),
        (b"\r\nInjected: x", b"Injected: x"),
        (b"a\r\n\r\nb", b"a    b"),
        (b"a\0\x01\x1f\x7fb\t\xff\xc3\xa9", b"a    b\t\xff\xc3\xa9"),
    ] {
        let bytes = request(b"X: ", value);
        let lines: Vec<_> = HeaderLines::new(&bytes).collect();
        assert_eq!(
            lines,
            [(&b"Host"[..], &b"localhost:80"[..]), (b"X", expected)]
        );
    }
}

#[test]
fn header_value_of_any_bytes_stays_on_its_line() {
    for_each_seed(
        "header_value_of_any_bytes_stays_on_its_line",
        count(20_000),
        |random| {
            let value: Vec<u8> = (0..random.below(12))
                .map(|_| random.below(256) as u8)
                .collect();
            let bytes = request(b"X: ", &value);
            assert_eq!(HeaderLines::new(&bytes).count(), 2, "{value:?}");
            assert_eq!(bytes.len(), request(b"X: ", b"").len() + value.len());
        },
    );
}
