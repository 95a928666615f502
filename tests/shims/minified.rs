//! The embedded text of the workers: minified and packed.

use crate::shims::{SHIMS_BYTES, Shim, pack, text, thin, unpack};

fn minified(text: &str, comment: &str, keep: bool) -> String {
    let mut buffer = vec![0xaa; text.len()];
    let length = thin(text.as_bytes(), comment.as_bytes(), keep, &mut buffer);
    assert!(buffer[length..].iter().all(|&byte| byte == 0xaa));
    String::from_utf8(buffer[..length].to_vec()).expect("text")
}

#[test]
fn minifier_drops_comments_blank_lines_and_indentation() {
    for (text, wanted) in [
        ("", ""),
        ("\n\n", ""),
        ("a\n", "a\n"),
        ("a", "a"),
        ("\t\ta b\n\n \t\n  c // d\n", "a b\nc // d\n"),
        ("// x\na\n\t // y\nb\n//", "a\nb\n"),
        ("/ a\n/", "/ a\n/"),
        ("a\n\t", "a\n"),
    ] {
        assert_eq!(minified(text, "//", false), wanted, "{text:?}");
    }
    let text = "# x\ndef f():\n\t# y\n\n\treturn '#'  # z\n\t \n";
    assert_eq!(minified(text, "#", true), "def f():\n\treturn '#'  # z\n");
    assert_eq!(minified(text, "#", false), "def f():\nreturn '#'  # z\n");
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut buffer = vec![0; text.len()];
    let length = pack(text, &mut buffer);
    buffer.truncate(length);
    buffer
}

#[test]
fn packed_text_is_unpacked_unchanged() {
    let workers = {
        let mut buffer = [0; SHIMS_BYTES];
        text(Shim::Php, &mut buffer);
        buffer
    };
    // Copies of every length and, with what stands between them, of many distances.
    let mut texts = vec![workers.to_vec(), Vec::new()];
    for bytes in 1..140 {
        let piece: Vec<u8> = (0..bytes).map(|at| b'0' + (at * 7 % 70) as u8).collect();
        for between in [0, 1, 2, 2_040, 2_048, 2_049, 5_000] {
            let between = &workers[..between];
            texts.push([&piece, between, &piece, b"!"].concat());
        }
        texts.push(vec![b'a'; bytes]);
    }
    let mut buffer = vec![0; SHIMS_BYTES + 1];
    for text in &texts {
        let packed = packed(text);
        assert!(packed.len() <= text.len());
        let length = unpack(&packed, &mut buffer);
        assert_eq!(&buffer[..length], text);
    }
    let whole = packed(&workers);
    assert!(whole.len() < SHIMS_BYTES / 2, "{} bytes", whole.len());
}

#[test]
fn unpack_of_invalid_input_does_not_panic() {
    let whole = packed(b"abcabcabcabcabcabc abcabcabc");
    for end in 0..whole.len() {
        for buffer in 0..40 {
            let mut buffer = vec![0; buffer];
            assert!(unpack(&whole[..end], &mut buffer) <= buffer.len());
        }
    }
    for first in 0..=255 {
        for bytes in [&[first][..], &[first, 0], &[b'a', first, 0xff, 0xff]] {
            unpack(bytes, &mut [0; 16]);
        }
    }
}

#[test]
fn embedded_worker_is_a_text_of_its_own() {
    let mut buffer = [0; SHIMS_BYTES];
    for (shim, bytes_max, part) in [
        (Shim::Php, 4_400, "fgets("),
        (Shim::Node, 7_700, "new Socket("),
        (Shim::Python, 5_400, "import importlib"),
        (Shim::Ruby, 4_400, "module Kernel"),
        (Shim::Shell, 1_500, "pipefail"),
    ] {
        let code = text(shim, &mut buffer);
        let code = code.strip_suffix(b"\0").expect("ends in a NUL");
        let code = std::str::from_utf8(code).expect("text");
        assert!(code.contains(part) && !code.contains('\0'), "{part}");
        assert!(code.ends_with('\n') && !code.contains("\n\n") && !code.contains(" \n"));
        assert!(code.len() <= bytes_max, "{} bytes", code.len());
    }
}
