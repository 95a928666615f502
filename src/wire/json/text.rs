//! Texts of any length, written as strings in long pieces: bodies and values of answers.

use super::scan::{DENSE_BYTES, plain_bytes};
use super::utf8_sequence_len;
use crate::wire::number::escape_byte;
use crate::wire::slice_or_empty;

/// How many bytes are escaped at a time, and the shortest run that is written without a copy.
const BLOCK_BYTES: usize = 64;

/// An escape as `\u00XX`.
const UNIT: u8 = b'u';

/// The byte behind the backslash in the escape of a byte; 0: it stands for itself.
static ESCAPES: [u8; b'\\' as usize + 1] = {
    let mut codes = [0; b'\\' as usize + 1];
    let mut byte = 0;
    while byte < 0x20 {
        codes[byte] = UNIT;
        byte += 1;
    }
    codes[8] = b'b';
    codes[b'\t' as usize] = b't';
    codes[b'\n' as usize] = b'n';
    codes[12] = b'f';
    codes[b'\r' as usize] = b'r';
    codes[b'"' as usize] = b'"';
    codes[b'\\' as usize] = b'\\';
    codes
};

fn escape_code(byte: u8) -> u8 {
    ESCAPES.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Writes a text, which is UTF-8, as the inside of a JSON string, with the shortest escapes (RFC
/// 8259, 7). A piece may end within a character.
///
/// [`escape`](super::escape) is for short texts of any bytes, and writes a character at a time.
pub fn escape_text(text: &[u8], write: &mut dyn FnMut(&[u8])) {
    if plain_bytes(text) == text.len() {
        write(text);
    } else {
        escape_blocks(text, write);
    }
}

#[inline(never)]
fn escape_blocks(text: &[u8], write: &mut dyn FnMut(&[u8])) {
    let mut escaped = [0; BLOCK_BYTES * 6];
    let mut rest = text;
    while !rest.is_empty() {
        let plain = plain_bytes(rest);
        if plain >= BLOCK_BYTES {
            write(slice_or_empty(rest, 0, plain));
            rest = slice_or_empty(rest, plain, rest.len());
            continue;
        }
        let (block, behind) = rest.split_at_checked(BLOCK_BYTES).unwrap_or((rest, b""));
        let mut length = 0;
        let mut push = |byte: u8| {
            if let Some(place) = escaped.get_mut(length) {
                *place = byte;
            }
            length += 1;
        };
        for &byte in block {
            match escape_code(byte) {
                0 => push(byte),
                UNIT => escape_byte(byte).into_iter().for_each(&mut push),
                code => {
                    push(b'\\');
                    push(code);
                }
            }
        }
        write(slice_or_empty(&escaped, 0, length));
        rest = behind;
    }
}

/// The length in bytes of what [`escape_text`] writes; `None`: the text is not UTF-8.
pub fn escaped_text_bytes(text: &[u8]) -> Option<usize> {
    let mut bytes = text.len();
    let mut at = 0;
    loop {
        at += plain_bytes(slice_or_empty(text, at, text.len()));
        let dense_end = at + DENSE_BYTES;
        while at < dense_end {
            let Some(&byte) = text.get(at) else {
                return Some(bytes);
            };
            if byte >= 0x80 {
                let (expected, valid) = utf8_sequence_len(slice_or_empty(text, at, text.len()));
                if valid < expected {
                    return None;
                }
                at += expected;
                continue;
            }
            bytes += match escape_code(byte) {
                0 => 0,
                UNIT => 5,
                _ => 1,
            };
            at += 1;
        }
    }
}
