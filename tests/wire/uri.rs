//! Percent-encoding, written and read.

use tinderbox::wire::uri::{Charset, decode, encode};

use crate::{count, for_each_seed};

const CHARSETS: [Charset; 3] = [Charset::Visible, Charset::Path, Charset::Unreserved];

fn encoded(text: &[u8], charset: Charset) -> String {
    let mut bytes = Vec::new();
    encode(text, charset, &mut |piece| bytes.extend_from_slice(piece));
    String::from_utf8(bytes).expect("ASCII")
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    decode(text.as_bytes(), &mut |piece| bytes.extend_from_slice(piece));
    bytes
}

/// The same by strings.
fn naive(text: &[u8], charset: Charset) -> String {
    let stays = |byte: u8| match charset {
        Charset::Visible => byte > b' ' && byte < 0x7f,
        Charset::Path => byte > b' ' && byte < 0x7f && !"%?#".contains(char::from(byte)),
        Charset::Unreserved => byte.is_ascii_alphanumeric() || "-._~".contains(char::from(byte)),
    };
    let one = |byte: &u8| match stays(*byte) {
        true => char::from(*byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.iter().map(one).collect()
}

#[test]
fn uri_each_byte_is_encoded_by_its_charset() {
    for charset in CHARSETS {
        for byte in 0..=255 {
            assert_eq!(encoded(&[byte], charset), naive(&[byte], charset), "{byte}");
            let long = [byte; 100];
            assert_eq!(encoded(&long, charset), naive(&long, charset), "{byte}");
        }
        assert_eq!(encoded(b"", charset), "");
    }
    assert_eq!(
        encoded("/a b?é%20#".as_bytes(), Charset::Visible),
        "/a%20b?%C3%A9%20#"
    );
    assert_eq!(
        encoded("/a b?é%20#".as_bytes(), Charset::Path),
        "/a%20b%3F%C3%A9%2520%23"
    );
    assert_eq!(encoded(b"a=b&c+d", Charset::Unreserved), "a%3Db%26c%2Bd");
}

#[test]
fn uri_decoded_once_keeps_what_is_not_encoded() {
    for (text, expected) in [
        ("", &b""[..]),
        ("/a%20b", b"/a b"),
        ("%2F%2f%41", b"//A"),
        ("%2541", b"%41"),
        ("%", b"%"),
        ("%4", b"%4"),
        ("%zz%4g%g4", b"%zz%4g%g4"),
        ("%%41", b"%A"),
        ("%e4%00%ff", b"\xe4\0\xff"),
        ("a+b", b"a+b"),
    ] {
        assert_eq!(decoded(text), expected, "{text}");
    }
}

#[test]
fn uri_encoded_in_any_pieces_comes_back() {
    for_each_seed(
        "uri_encoded_in_any_pieces_comes_back",
        count(50_000),
        |random| {
            let length = random.below(120);
            let text: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
            for charset in CHARSETS {
                let all = encoded(&text, charset);
                assert_eq!(all, naive(&text, charset));
                let cut = random.below(length + 1);
                let pieces = encoded(&text[..cut], charset) + &encoded(&text[cut..], charset);
                assert_eq!(all, pieces);
            }
            assert_eq!(decoded(&encoded(&text, Charset::Unreserved)), text);
            assert_eq!(decoded(&encoded(&text, Charset::Path)), text);
        },
    );
}
