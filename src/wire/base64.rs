//! Base64 (RFC 4648, 4): bytes to text and back, each in pieces of any lengths.
//!
//! Text is written with padding. It is read with padding or without, as API Gateway, `base64 -w0`
//! and others write it, and otherwise strictly: no byte of another alphabet, no line ends (3.3), no
//! bits after the last byte (3.5), nothing after the padding.

use super::slice_or_empty;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes `bytes`, in pieces of four characters.
pub fn encode(bytes: &[u8], write: &mut dyn FnMut(&[u8])) {
    let mut at = 0;
    while at < bytes.len() {
        encode_group(slice_or_empty(bytes, at, bytes.len().min(at + 3)), write);
        at += 3;
    }
}

/// Encodes one to three bytes as four characters.
fn encode_group(bytes: &[u8], write: &mut dyn FnMut(&[u8])) {
    let three = [0, 1, 2].map(|offset| bytes.get(offset).copied());
    let [a, b, c] = three.map(|byte| usize::from(byte.unwrap_or_default()));
    let bits = a << 16 | b << 8 | c;
    let text = [18, 12, 6, 0].map(|shift| DIGITS[bits >> shift & 63]);
    let there = 1 + bytes.len();
    write(slice_or_empty(&text, 0, there));
    write(slice_or_empty(b"==", 0, 4 - there));
}

/// Encodes bytes that come in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Encoder {
    /// The bytes of a group that is not whole, and how many there are.
    group: [u8; 3],
    length: usize,
}

impl Encoder {
    /// Encodes more bytes; up to two wait for the next call.
    pub fn encode(&mut self, bytes: &[u8], write: &mut dyn FnMut(&[u8])) {
        for &byte in bytes {
            if let Some(place) = self.group.get_mut(self.length) {
                *place = byte;
            }
            self.length += 1;
            if self.length == 3 {
                encode_group(&self.group, write);
                self.length = 0;
            }
        }
    }

    /// Encodes the bytes that wait.
    pub fn finish(self, write: &mut dyn FnMut(&[u8])) {
        if self.length > 0 {
            encode_group(slice_or_empty(&self.group, 0, self.length), write);
        }
    }
}

/// A fault of an encoded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A byte is not of the alphabet, or follows the padding.
    InvalidByte,
    /// The text ends within a byte, or its padding is not whole.
    InvalidLength,
    /// The last character has bits after the last byte.
    TrailingBits,
}

impl Error {
    /// The fault, as a text.
    pub fn text(self) -> &'static [u8] {
        match self {
            Error::InvalidByte => b"a byte that base64 does not have",
            Error::InvalidLength => b"the base64 text is cut off",
            Error::TrailingBits => b"the base64 text ends in bits of no byte",
        }
    }
}

/// Not a digit.
const NONE: u8 = 64;

/// The value of each byte as a digit.
static VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < NONE {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
};

/// The most bytes that the decoder writes at once.
const PIECE_BYTES: usize = 192;

/// Decodes a text that comes in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    /// The digits of a group that is not whole, six bits each, and how many there are, with the
    /// padding.
    bits: u32,
    digits: u8,
    padding: u8,
}

impl Decoder {
    /// Decodes more of the text.
    ///
    /// # Errors
    /// The first fault; bytes before it may have been written.
    pub fn decode(&mut self, text: &[u8], write: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        let mut piece = [0; PIECE_BYTES];
        // Four characters give three bytes, and up to three are there: no piece is too long.
        for text in text.chunks(PIECE_BYTES / 3 * 4 - 4) {
            let mut length = 0;
            for &byte in text {
                let value = VALUES.get(usize::from(byte)).copied().unwrap_or(NONE);
                if byte == b'=' && self.digits >= 2 {
                    self.padding += 1;
                } else if value == NONE || self.padding > 0 {
                    return Err(Error::InvalidByte);
                }
                self.bits = self.bits << 6 | u32::from(value & 63);
                self.digits += 1;
                if self.padding > 0 {
                    if self.digits > 4 {
                        return Err(Error::InvalidByte);
                    }
                } else if self.digits == 4 {
                    let [_, bytes @ ..] = self.bits.to_be_bytes();
                    if let Some(place) = piece.get_mut(length..length + 3) {
                        for (place, byte) in place.iter_mut().zip(bytes) {
                            *place = byte;
                        }
                    }
                    length += 3;
                    self.bits = 0;
                    self.digits = 0;
                }
            }
            write(slice_or_empty(&piece, 0, length));
        }
        Ok(())
    }

    /// Decodes the rest at the end of the text.
    ///
    /// # Errors
    /// The text was cut off, or ends in bits of no byte.
    pub fn finish(self, write: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        if self.padding > 0 && self.digits != 4 || self.digits == 1 {
            return Err(Error::InvalidLength);
        }
        // Missing digits and padding alike are zeros.
        let missing = 4 - u32::from(self.digits);
        let bytes = match self.digits - self.padding {
            2 => 1,
            3 => 2,
            _ => return Ok(()),
        };
        let [_, group @ ..] = (self.bits << (6 * missing)).to_be_bytes();
        if slice_or_empty(&group, bytes, 3)
            .iter()
            .any(|byte| *byte != 0)
        {
            return Err(Error::TrailingBits);
        }
        write(slice_or_empty(&group, 0, bytes));
        Ok(())
    }
}
