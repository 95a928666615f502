//! JSON strings of any bytes, read back by serde_json.

use tinderbox::wire::json::{copy_string_as_ascii, escape, escape_text, escaped_text_bytes};

use crate::{count, for_each_seed};

/// Escapes a text, also in ASCII alone, reads it back, and compares.
fn check(text: &[u8]) {
    let mut json = b"\"".to_vec();
    escape(text, &mut |piece| json.extend_from_slice(piece));
    json.push(b'"');
    let read: serde_json::Value = serde_json::from_slice(&json)
        .unwrap_or_else(|error| panic!("{text:?} became {json:?}: {error}"));
    assert_eq!(
        read.as_str(),
        Some(&*String::from_utf8_lossy(text)),
        "of {text:?}"
    );
    let mut ascii = b"\"".to_vec();
    copy_string_as_ascii(&json[1..], &mut |piece| {
        assert!(piece.is_ascii() && !piece.contains(&0x7f), "{piece:?}");
        ascii.extend_from_slice(piece);
        true
    });
    ascii.push(b'"');
    let again: serde_json::Value = serde_json::from_slice(&ascii)
        .unwrap_or_else(|error| panic!("{text:?} became {ascii:?}: {error}"));
    assert_eq!(again, read, "of {text:?} in ASCII");
    check_long(text);
}

/// The same for texts of any length, which are UTF-8 or not: also with the shortest escapes.
fn check_long(text: &[u8]) {
    let bytes = escaped_text_bytes(text);
    let Ok(string) = std::str::from_utf8(text) else {
        assert_eq!(bytes, None, "of {text:?}");
        return;
    };
    let mut json = Vec::new();
    escape_text(text, &mut |piece| json.extend_from_slice(piece));
    assert_eq!(bytes, Some(json.len()), "of {text:?}");
    let json = String::from_utf8(json).expect("UTF-8");
    assert_eq!(
        format!("\"{json}\""),
        serde_json::to_string(string).expect("a string")
    );
}

#[test]
fn json_string_of_long_text_has_the_shortest_escapes() {
    // Runs around the length of a block, and of a word, with each kind of escape between them.
    let runs: Vec<usize> = if cfg!(miri) {
        vec![7, 64]
    } else {
        (0..140).collect()
    };
    for first in runs {
        for between in [
            "\n",
            "\"",
            "\u{1}",
            "é",
            "😀",
            "\u{7f}",
            "\\\\\\",
            "\u{8}\u{c}",
        ] {
            for second in [0, 1, 7, 8, 9, 63, 64, 65, 200] {
                let text = "x".repeat(first) + between + &"y".repeat(second) + between;
                check_long(text.as_bytes());
                let mut bytes = text.into_bytes();
                bytes.insert(first, 0xe9);
                check_long(&bytes);
            }
        }
    }
}

#[test]
fn json_string_of_all_short_texts_comes_back() {
    check(b"");
    let step = if cfg!(miri) { 51 } else { 1 };
    for first in (0..=255).step_by(step) {
        check(&[first]);
        for second in (0..=255).step_by(step) {
            check(&[first, second]);
            check(&[b'a', first, second, b'"']);
        }
    }
}

#[test]
fn json_string_of_characters_at_boundaries_comes_back() {
    let mut codes = vec![
        0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdfff, 0xe000, 0xfffd, 0xffff,
    ];
    codes.extend([0x10000, 0x10ffff, 0x110000, 0x1fffff]);
    for code in codes {
        // By the bits, so that what is no character is encoded too.
        let more = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
        let forms = [
            vec![0xc0 | (code >> 6 & 0x1f) as u8, more(0)],
            vec![0xe0 | (code >> 12 & 0x0f) as u8, more(6), more(0)],
            vec![0xf0 | (code >> 18 & 0x07) as u8, more(12), more(6), more(0)],
        ];
        for form in forms {
            for cut in 0..=form.len() {
                check(&form[..cut]);
                check(&form[cut..]);
                let company = [b"x", &form[..cut], b"\xe2\x82", &form[cut..], b"\\\"\n"];
                check(&company.concat());
            }
        }
    }
}

#[test]
fn json_string_of_random_bytes_comes_back() {
    let odd = b"\xe2\x82\xac\xf0\x9f\x94\xa5\xed\xa0\x80\xc3\xa9\xf4\x90a\"\\\n\0\x7f";
    for_each_seed(
        "json_string_of_random_bytes_comes_back",
        count(50_000),
        |random| {
            let length = random.below(24);
            let any: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
            check(&any);
            let likely: Vec<u8> = (0..length).map(|_| odd[random.below(odd.len())]).collect();
            check(&likely);
        },
    );
}

/// A header is no place for a line feed, not even after a backslash.
#[test]
fn ascii_string_not_json_ends_before_control_bytes() {
    for bad in [
        &b"\\\nX: y"[..],
        b"\\\r\n",
        b"\\\0",
        b"\\u\r\nX:",
        b"\\u00\n0",
        b"\\\x7f",
        b"\\\xff",
        b"\xc0\0",
        b"\x80\0",
        b"\xf0\0\0\0",
        b"\n",
    ] {
        let mut ascii = Vec::new();
        copy_string_as_ascii(&[b"ab", bad].concat(), &mut |piece| {
            ascii.extend_from_slice(piece);
            true
        });
        assert_eq!(ascii, b"ab", "{bad:?}");
    }
}
