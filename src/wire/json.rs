//! JSON: a writer of strings of any bytes, and a pull reader of texts.
//!
//! [`escape`] and [`copy_string_as_ascii`] write short strings a character at a time, and
//! [`escape_text`] long ones in long pieces. [`Reader`] reads a text token by token, [`members`]
//! looks up members of an object, and [`Text`] is the inside of a string that was read.

use super::number::{escape_byte, hex_digit};
use super::slice_or_empty;

mod error;
mod lookup;
mod reader;
mod scan;
mod string;
mod text;

pub use error::{Error, ErrorKind};
pub use lookup::{find_members, is_true, members, scalar, string};
pub use reader::{DEPTH_MAX, Reader, Token};
pub use string::{Bytes, Text};
pub use text::{escape_text, escaped_text_bytes};

/// Writes `text` as the inside of a JSON string (RFC 8259, 7), in pieces.
///
/// Quotes, backslashes and control bytes are escaped; invalid UTF-8 becomes U+FFFD, one for each
/// maximal part of a character, as the Unicode standard (3.9, U+FFFD substitution) and
/// `String::from_utf8_lossy` have it.
pub fn escape(text: &[u8], write: &mut dyn FnMut(&[u8])) {
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        let (expected, valid) = utf8_sequence_len(rest);
        match byte {
            _ if valid < expected => write("\u{fffd}".as_bytes()),
            b'"' | b'\\' => write(&[b'\\', byte]),
            0..=0x1f | 0x7f => {
                write(&escape_byte(byte));
            }
            _ => write(rest.get(..valid).unwrap_or_default()),
        }
        rest = rest.get(valid.max(1)..).unwrap_or_default();
    }
}

/// Writes the inside of a JSON string in ASCII alone, a character or an escape at a time, until its
/// quote, its end, a byte that no string has, also within an escape, or until `write` returns
/// false.
pub fn copy_string_as_ascii(text: &[u8], write: &mut dyn FnMut(&[u8]) -> bool) {
    let mut rest = text;
    while let Some(&byte) = rest.first().filter(|byte| **byte != b'"') {
        let (bytes, code) = match (byte, rest) {
            (..b' ' | 0x7f, _) => break, // no JSON, and no part of a header
            (b'\\', [_, b'u', ..]) => (6, 0),
            (b'\\', _) => (2, 0),
            (..0x80, _) => (1, 0),
            _ => decode_utf8(rest),
        };
        let written = if code == 0 {
            let plain = slice_or_empty(rest, 0, bytes);
            plain.iter().all(|byte| matches!(byte, b' '..=b'~')) && write(plain)
        } else {
            let [high, low] = match code.checked_sub(0x1_0000) {
                Some(above) => [0xd800 + (above >> 10), 0xdc00 + (above & 0x3ff)],
                None => [code, 0],
            };
            let digits = [unicode_escape(high), unicode_escape(low)];
            let bytes = if low == 0 { 6 } else { 12 };
            write(slice_or_empty(digits.as_flattened(), 0, bytes))
        };
        if !written {
            break;
        }
        rest = slice_or_empty(rest, bytes, rest.len());
    }
}

/// A character of two to four bytes: how many, and its code point.
fn decode_utf8(text: &[u8]) -> (usize, u32) {
    let first = text.first().copied().unwrap_or_default();
    let (bytes, bits) = match first {
        0xf0.. => (4, first & 7),
        0xe0.. => (3, first & 15),
        _ => (2, first & 31),
    };
    let more = slice_or_empty(text, 1, bytes.min(text.len()));
    let code = more.iter().fold(u32::from(bits), |code, byte| {
        code << 6 | u32::from(byte & 0x3f)
    });
    (bytes.min(text.len()), code)
}

/// The escape of a code unit.
fn unicode_escape(unit: u32) -> [u8; 6] {
    let mut escape = *b"\\u0000";
    let mut rest = unit;
    for byte in escape.iter_mut().skip(2).rev() {
        *byte = hex_digit((rest & 15) as u8);
        rest >>= 4;
    }
    escape
}

/// How many bytes the character at the front should have, and how many of them are valid (Unicode
/// standard, table 3-7).
fn utf8_sequence_len(text: &[u8]) -> (usize, usize) {
    let first = text.first().copied().unwrap_or_default();
    let (expected, mut low, mut high) = match first {
        0..=0x7f => (1, 0x80, 0xbf),
        0xc2..=0xdf => (2, 0x80, 0xbf),
        0xe0..=0xef => (3, 0x80, 0xbf),
        0xf0..=0xf4 => (4, 0x80, 0xbf),
        _ => return (1, 0),
    };
    // Neither longer than need be, nor a surrogate, nor beyond U+10FFFF.
    match first {
        0xe0 => low = 0xa0,
        0xed => high = 0x9f,
        0xf0 => low = 0x90,
        0xf4 => high = 0x8f,
        _ => {}
    }
    let mut valid = 1;
    while valid < expected
        && text
            .get(valid)
            .is_some_and(|&byte| low <= byte && byte <= high)
    {
        (low, high) = (0x80, 0xbf);
        valid += 1;
    }
    (expected, valid)
}
