//! Base64 (RFC 4648, 4): bytes to text and back, each in pieces of any lengths.
//!
//! Text is written with padding. It is read with padding or without, as API Gateway, `base64 -w0`
//! and others write it, and otherwise strictly: no byte of another alphabet, no line ends (3.3), no
//! bits after the last byte (3.5), nothing after the padding.

use super::slice_or_empty;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The most characters that the encoder writes at once.
const TEXT_PIECE_BYTES: usize = 256;

/// Encodes `bytes`, in pieces of whole groups of four characters.
pub fn encode(bytes: &[u8], write: &mut dyn FnMut(&[u8])) {
    let mut text = [[0; 4]; TEXT_PIECE_BYTES / 4];
    for piece in bytes.chunks(TEXT_PIECE_BYTES / 4 * 3) {
        let (groups, rest) = piece.as_chunks::<3>();
        for (place, &[a, b, c]) in text.iter_mut().zip(groups) {
            *place = digits([a, b, c]);
        }
        write(slice_or_empty(text.as_flattened(), 0, groups.len() * 4));
        encode_rest(rest, write);
    }
}

/// The four characters of three bytes.
#[inline]
fn digits([a, b, c]: [u8; 3]) -> [u8; 4] {
    let digit = |bits: u8| DIGITS[usize::from(bits & 63)];
    [
        digit(a >> 2),
        digit(a << 4 | b >> 4),
        digit(b << 2 | c >> 6),
        digit(c),
    ]
}

/// Encodes one or two bytes as four characters, of which two or one are padding; none as nothing.
fn encode_rest(bytes: &[u8], write: &mut dyn FnMut(&[u8])) {
    let second = bytes.get(1).copied();
    if let Some(&first) = bytes.first() {
        let [a, b, c, _] = digits([first, second.unwrap_or_default(), 0]);
        let c = if second.is_some() { c } else { b'=' };
        write(&[a, b, c, b'=']);
    }
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
        let mut rest = bytes;
        while self.length > 0
            && let [byte, behind @ ..] = rest
        {
            self.push(*byte, write);
            rest = behind;
        }
        let whole = rest.len() / 3 * 3;
        encode(slice_or_empty(rest, 0, whole), write);
        for &byte in slice_or_empty(rest, whole, rest.len()) {
            self.push(byte, write);
        }
    }

    fn push(&mut self, byte: u8, write: &mut dyn FnMut(&[u8])) {
        if let Some(place) = self.group.get_mut(self.length) {
            *place = byte;
        }
        self.length += 1;
        if self.length == 3 {
            write(&digits(self.group));
            self.length = 0;
        }
    }

    /// Encodes the bytes that wait.
    pub fn finish(self, write: &mut dyn FnMut(&[u8])) {
        encode_rest(slice_or_empty(&self.group, 0, self.length), write);
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
const NONE: u32 = 64;

/// The value of each byte as a digit.
static VALUES: [u8; 256] = {
    let mut values = [NONE as u8; 256];
    let mut value = 0;
    while value < NONE as u8 {
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
        let mut at = 0;
        loop {
            if self.digits == 0 {
                at += decode_groups(slice_or_empty(text, at, text.len()), write);
            }
            let Some(&byte) = text.get(at) else {
                return Ok(());
            };
            self.push(byte, write)?;
            at += 1;
        }
    }

    /// Decodes one character.
    fn push(&mut self, byte: u8, write: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        let value = value_of(byte);
        if byte == b'=' && self.digits >= 2 {
            self.padding += 1;
        } else if value == NONE || self.padding > 0 {
            return Err(Error::InvalidByte);
        }
        self.bits = self.bits << 6 | value & 63;
        self.digits += 1;
        if self.padding > 0 {
            if self.digits > 4 {
                return Err(Error::InvalidByte);
            }
        } else if self.digits == 4 {
            let [_, bytes @ ..] = self.bits.to_be_bytes();
            write(&bytes);
            self.bits = 0;
            self.digits = 0;
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

/// The value of a digit; `NONE` for any other byte.
#[inline]
fn value_of(digit: u8) -> u32 {
    VALUES[usize::from(digit)].into()
}

/// Decodes groups of four digits at the front, until one has another byte. Returns how many
/// characters that were.
#[inline(never)]
fn decode_groups(text: &[u8], write: &mut dyn FnMut(&[u8])) -> usize {
    let mut piece = [[0; 3]; PIECE_BYTES / 3];
    let (mut rest, _) = text.as_chunks::<4>();
    let mut decoded = 0;
    loop {
        let mut groups = 0;
        for (place, digits) in piece.iter_mut().zip(rest) {
            let [a, b, c, d] = *digits;
            let (a, b, c, d) = (value_of(a), value_of(b), value_of(c), value_of(d));
            if (a | b | c | d) & NONE != 0 {
                break;
            }
            let bits = a << 18 | b << 12 | c << 6 | d;
            let [_, bytes @ ..] = bits.to_be_bytes();
            *place = bytes;
            groups += 1;
        }
        if groups == 0 {
            return decoded * 4;
        }
        write(slice_or_empty(piece.as_flattened(), 0, groups * 3));
        decoded += groups;
        rest = rest.get(groups..).unwrap_or_default();
    }
}
