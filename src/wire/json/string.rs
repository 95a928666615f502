//! The inside of a JSON string, escaped as in the text, and unescaped.

use super::scan::find_backslash;
use crate::wire::number::hex_value;
use crate::wire::{bytes_eq, slice_or_empty};

/// The inside of a string of a text that the reader accepted: its quotes left out, its escapes as
/// they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a [u8],
}

impl<'a> Text<'a> {
    /// The inside of a string, or any text that is valid as such.
    pub(crate) const fn new(raw: &'a [u8]) -> Text<'a> {
        Text { raw }
    }

    /// The bytes between the quotes.
    pub fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// The unescaped string, if it has no escapes.
    pub fn plain(self) -> Option<&'a [u8]> {
        (find_backslash(self.raw) == self.raw.len()).then_some(self.raw)
    }

    /// Writes the unescaped string, UTF-8, in pieces, which may end within a character. A surrogate
    /// without its other half becomes U+FFFD.
    pub fn unescape(self, write: &mut dyn FnMut(&[u8])) {
        match self.plain() {
            Some([]) => {}
            Some(text) => write(text),
            None => unescape_blocks(self.raw, write),
        }
    }

    /// Whether the string means that text.
    pub fn is(self, text: &[u8]) -> bool {
        // An escape is longer than its character.
        if self.raw.len() <= text.len() {
            return bytes_eq(self.raw, text) && self.plain().is_some();
        }
        self.bytes().eq(text.iter().copied())
    }

    /// Whether two strings mean the same text.
    pub fn is_same(self, other: Text<'_>) -> bool {
        bytes_eq(self.raw, other.raw) || self.bytes().eq(other.bytes())
    }

    /// The bytes of the unescaped string, one at a time: for short ones.
    pub fn bytes(self) -> Bytes<'a> {
        Bytes {
            raw: self.raw,
            escaped: [0; 4],
            left: 0,
        }
    }
}

/// Iterates over the bytes of an unescaped string.
#[derive(Clone, Debug)]
pub struct Bytes<'a> {
    raw: &'a [u8],
    /// The bytes of a character that was escaped, and how many are left.
    escaped: [u8; 4],
    left: usize,
}

impl Iterator for Bytes<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let mut read = 1;
        let byte = if self.left > 0 {
            read = 0;
            self.left -= 1;
            let [first, rest @ ..] = self.escaped;
            let [second, third, fourth] = rest;
            self.escaped = [second, third, fourth, 0];
            first
        } else {
            let first = *self.raw.first()?;
            if first == b'\\' {
                let (bytes, code) = decode_escape(self.raw);
                let ([first, second, third, fourth], length) = encode_utf8(code);
                self.escaped = [second, third, fourth, 0];
                self.left = length - 1;
                read = bytes;
                first
            } else {
                first
            }
        };
        self.raw = slice_or_empty(self.raw, read, self.raw.len());
        Some(byte)
    }
}

/// How many bytes are unescaped at a time, and the shortest run that is written without a copy.
const BLOCK_BYTES: usize = 64;

/// A run at a time where runs are long, else a block.
#[inline(never)]
fn unescape_blocks(raw: &[u8], write: &mut dyn FnMut(&[u8])) {
    let mut block = [0; BLOCK_BYTES + 4];
    let mut at = 0;
    while at < raw.len() {
        let run = find_backslash(slice_or_empty(raw, at, raw.len()));
        if run >= BLOCK_BYTES {
            write(slice_or_empty(raw, at, at + run));
            at += run;
        }
        let mut length = 0;
        while length < BLOCK_BYTES
            && let Some(&byte) = raw.get(at)
        {
            let next = raw.get(at + 1).copied().unwrap_or_default();
            if byte != b'\\' || next != b'u' {
                let is_escape = byte == b'\\';
                if let Some(place) = block.get_mut(length) {
                    *place = if is_escape { unescaped(next) } else { byte };
                }
                at += 1 + usize::from(is_escape);
                length += 1;
                continue;
            }
            let (read, code) = decode_escape(slice_or_empty(raw, at, raw.len()));
            let (encoded, bytes) = encode_utf8(code);
            // All four bytes: the next character overwrites those that are not its own.
            if let Some(place) = block.get_mut(length..).and_then(<[u8]>::first_chunk_mut) {
                *place = encoded;
            }
            at += read;
            length += bytes;
        }
        write(slice_or_empty(&block, 0, length));
    }
}

/// How many bytes the escape at the front takes, or two that are one character, and its code point.
fn decode_escape(text: &[u8]) -> (usize, u32) {
    let code = text.get(1).copied().unwrap_or_default();
    if code != b'u' {
        return (2, unescaped(code).into());
    }
    let unit = code_unit(text);
    let next = slice_or_empty(text, 6, text.len());
    match unit {
        0xd800..0xdc00 if matches!(next, [b'\\', b'u', ..]) => match code_unit(next) {
            low @ 0xdc00..0xe000 => (12, 0x1_0000 + ((unit & 0x3ff) << 10 | low & 0x3ff)),
            _ => (6, 0xfffd),
        },
        0xd800..0xe000 => (6, 0xfffd),
        _ => (6, unit),
    }
}

/// The byte that an escape of two bytes means, of its second one.
#[inline(always)]
fn unescaped(code: u8) -> u8 {
    match code {
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'f' => 12,
        b'r' => b'\r',
        other => other,
    }
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
