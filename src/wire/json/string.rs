//! The inside of a JSON string, escaped as in the text, and unescaped.

use crate::wire::number::hex_value;
use crate::wire::{bytes_eq, find_from, slice_or_empty};

/// The inside of a string of a text that the reader accepted: its quotes left out, its escapes as
/// they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a [u8],
}

impl<'a> Text<'a> {
    /// The inside of a string.
    pub(super) fn new(raw: &'a [u8]) -> Text<'a> {
        Text { raw }
    }

    /// The bytes between the quotes.
    pub fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// The unescaped string, if it has no escapes.
    pub fn plain(self) -> Option<&'a [u8]> {
        (find_from(self.raw, 0, b'\\') >= self.raw.len()).then_some(self.raw)
    }

    /// Writes the unescaped string, UTF-8, in pieces as long as possible. A surrogate without its
    /// other half becomes U+FFFD.
    pub fn unescape(self, write: &mut dyn FnMut(&[u8])) {
        let mut rest = self.raw;
        while !rest.is_empty() {
            let escape = find_from(rest, 0, b'\\');
            if escape > 0 {
                write(slice_or_empty(rest, 0, escape.min(rest.len())));
            }
            rest = slice_or_empty(rest, escape, rest.len());
            if !rest.is_empty() {
                let (bytes, code) = decode_escape(rest);
                let (encoded, length) = encode_utf8(code);
                write(slice_or_empty(&encoded, 0, length));
                rest = slice_or_empty(rest, bytes, rest.len());
            }
        }
    }

    /// Whether the string means that text.
    pub fn is(self, text: &[u8]) -> bool {
        let (mut rest, mut same) = (text, true);
        self.unescape(&mut |piece| {
            same &= bytes_eq(slice_or_empty(rest, 0, piece.len()), piece);
            rest = slice_or_empty(rest, piece.len(), rest.len());
        });
        same && rest.is_empty()
    }
}

/// How many bytes the escape at the front takes, or two that are one character, and its code point.
fn decode_escape(text: &[u8]) -> (usize, u32) {
    let code = match text.get(1).copied().unwrap_or_default() {
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'f' => 12,
        b'r' => b'\r',
        b'u' => {
            let unit = code_unit(text);
            let next = slice_or_empty(text, 6, text.len());
            return match unit {
                0xd800..0xdc00 if matches!(next, [b'\\', b'u', ..]) => match code_unit(next) {
                    low @ 0xdc00..0xe000 => (12, 0x1_0000 + ((unit & 0x3ff) << 10 | low & 0x3ff)),
                    _ => (6, 0xfffd),
                },
                0xd800..0xe000 => (6, 0xfffd),
                _ => (6, unit),
            };
        }
        other => other,
    };
    (2, code.into())
}

/// The code unit of the escape `\uHHHH` at the front.
fn code_unit(text: &[u8]) -> u32 {
    slice_or_empty(text, 2, 6)
        .iter()
        .fold(0, |unit, byte| unit << 4 | u32::from(hex_value(*byte) & 15))
}

/// A code point in UTF-8, and how many bytes that takes.
fn encode_utf8(code: u32) -> ([u8; 4], usize) {
    let more = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
    match code {
        ..0x80 => ([code as u8, 0, 0, 0], 1),
        0x80..0x800 => ([0xc0 | (code >> 6) as u8, more(0), 0, 0], 2),
        0x800..0x1_0000 => ([0xe0 | (code >> 12) as u8, more(6), more(0), 0], 3),
        _ => ([0xf0 | (code >> 18) as u8, more(12), more(6), more(0)], 4),
    }
}
