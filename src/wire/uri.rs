//! Percent-encoding (RFC 3986, 2.1) of paths and queries, and decoding.
//!
//! [`encode`] serves texts that are encoded already, whose bytes all stay as far as a request line
//! can hold them, and texts that are not. Digits are in upper case (6.2.2.1).

use super::number::{hex_digit_upper, hex_value};
use super::slice_or_empty;

/// Which bytes stay as they are; all others are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Charset {
    /// What a request line can hold: visible ASCII, with `%` and delimiters. For texts that are
    /// encoded, also by clients that leave `{`, `"` or `|` as they are.
    Visible = 1,
    /// Those without `%`, `?` and `#`: for a path that was decoded, with its `/`.
    Path = 2,
    /// Unreserved ones (2.3): for a name or a value of a query that was decoded.
    Unreserved = 4,
}

/// The sets that each byte of ASCII is in.
static CHARSETS: [u8; 128] = {
    let mut sets = [0; 128];
    let mut byte = b'!';
    while byte < 0x7f {
        let mut set = Charset::Visible as u8;
        if !matches!(byte, b'%' | b'?' | b'#') {
            set |= Charset::Path as u8;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            set |= Charset::Unreserved as u8;
        }
        sets[byte as usize] = set;
        byte += 1;
    }
    sets
};

/// How many bytes are encoded or decoded at a time.
const BLOCK_BYTES: usize = 32;

/// Writes a text with all bytes encoded that are not in `charset`. The text may come in pieces that
/// end anywhere.
#[inline(never)]
pub fn encode(text: &[u8], charset: Charset, write: &mut dyn FnMut(&[u8])) {
    let stays = |byte: &u8| {
        let sets = CHARSETS.get(usize::from(*byte)).copied();
        sets.unwrap_or_default() & charset as u8 != 0
    };
    if text.iter().all(stays) {
        return write(text);
    }
    let mut encoded = [0; BLOCK_BYTES * 3];
    for block in text.chunks(BLOCK_BYTES) {
        let mut length = 0;
        for byte in block {
            let mut push = |byte: u8| {
                if let Some(place) = encoded.get_mut(length) {
                    *place = byte;
                }
                length += 1;
            };
            if stays(byte) {
                push(*byte);
            } else {
                push(b'%');
                push(hex_digit_upper(byte >> 4));
                push(hex_digit_upper(byte & 15));
            }
        }
        write(slice_or_empty(&encoded, 0, length));
    }
}

/// Writes a text decoded, once. A `%` without two hexadecimal digits stays as it is.
pub fn decode(text: &[u8], write: &mut dyn FnMut(&[u8])) {
    let mut decoded = [0; BLOCK_BYTES];
    let mut at = 0;
    while at < text.len() {
        let mut length = 0;
        for place in &mut decoded {
            let Some(&byte) = text.get(at) else {
                break;
            };
            let digit = |offset| text.get(at + offset).map_or(16, |byte| hex_value(*byte));
            let (high, low) = (digit(1), digit(2));
            let is_encoded = byte == b'%' && high | low < 16;
            *place = if is_encoded { high << 4 | low } else { byte };
            at += if is_encoded { 3 } else { 1 };
            length += 1;
        }
        write(slice_or_empty(&decoded, 0, length));
    }
}
