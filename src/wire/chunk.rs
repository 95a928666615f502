//! Bodies as they come: of a known length, or in chunks (RFC 9112, 7.1).
//!
//! Extensions and trailers are read over; AWS's servers send neither.

use super::{Error, part};

/// Where the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a size, no digit seen yet.
    Size,
    /// In a size.
    Digits,
    /// Between a size and the end of its line.
    Extension,
    Data,
    /// Between data and the end of their line.
    End,
    /// At the beginning of a trailer line; within one.
    Trailer,
    TrailerLine,
    Done,
}

/// Reads one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoder {
    state: State,
    /// What follows the data: the rest of the chunk, or nothing.
    after: State,
    /// Of the size, or of the data, what is still to come.
    left: usize,
}

/// A part of a body, at the front of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// So many bytes of framing come first.
    pub framing: usize,
    /// Then so many of data.
    pub data: usize,
}

impl Decoder {
    /// A body in chunks.
    pub const fn chunked() -> Decoder {
        Decoder {
            state: State::Size,
            after: State::End,
            left: 0,
        }
    }

    /// A body of so many bytes.
    pub const fn sized(bytes: usize) -> Decoder {
        let state = if bytes == 0 { State::Done } else { State::Data };
        Decoder {
            state,
            after: State::Done,
            left: bytes,
        }
    }

    /// Whether the body is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads framing, then data, as far as there are any; the next call continues behind them. With
    /// no bytes left, or at the end of the body, both parts are empty.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Part, Error> {
        let mut framing = 0;
        for &byte in bytes {
            if matches!(self.state, State::Data | State::Done) {
                break;
            }
            self.step(byte)?;
            framing += 1;
        }
        let mut data = 0;
        if self.state == State::Data {
            data = self.left.min(bytes.len() - framing);
            self.left -= data;
            if self.left == 0 {
                self.state = self.after;
            }
        }
        Ok(Part { framing, data })
    }

    /// One byte outside of the data.
    fn step(&mut self, byte: u8) -> Result<(), Error> {
        let state = self.state;
        self.state = if byte == b'\n' {
            match state {
                State::Digits | State::Extension if self.left > 0 => State::Data,
                State::Digits | State::Extension | State::TrailerLine => State::Trailer,
                State::End => State::Size,
                State::Trailer => State::Done,
                _ => return Err(Error::Chunk),
            }
        } else if matches!(state, State::Trailer | State::TrailerLine) {
            if state == State::Trailer && byte == b'\r' {
                State::Trailer
            } else {
                State::TrailerLine
            }
        } else if matches!(state, State::Size | State::Digits) && byte.is_ascii_hexdigit() {
            if self.left > usize::MAX >> 4 {
                return Err(Error::Chunk);
            }
            // The low four bits are right for digits, and nine short for letters.
            let digit = (byte & 15) + 9 * (byte >> 6);
            self.left = self.left << 4 | usize::from(digit);
            State::Digits
        } else if state == State::Extension
            || state == State::Digits && matches!(byte, b'\r' | b';' | b' ' | b'\t')
        {
            State::Extension
        } else if state == State::End && byte == b'\r' {
            State::End
        } else {
            return Err(Error::Chunk);
        };
        Ok(())
    }
}

/// Hexadecimal digits of a `usize`, at most, and the end of their line.
const SIZE_LINE_BYTES_MAX: usize = 16 + 2;

/// The line before the data of a chunk.
pub struct SizeLine {
    line: [u8; SIZE_LINE_BYTES_MAX],
    first: usize,
}

impl SizeLine {
    /// Writes it out. A chunk of no bytes would end the body.
    pub fn new(data_bytes: usize) -> SizeLine {
        let mut line = [b'\n'; SIZE_LINE_BYTES_MAX];
        let mut first = SIZE_LINE_BYTES_MAX - 1;
        let mut rest = data_bytes;
        let (digits, _) = line.split_at_mut(first);
        for (index, place) in digits.iter_mut().rev().enumerate() {
            *place = match index {
                0 => b'\r',
                _ => {
                    let digit = (rest & 15) as u8;
                    rest >>= 4;
                    digit + if digit < 10 { b'0' } else { b'a' - 10 }
                }
            };
            first -= 1;
            if index > 0 && rest == 0 {
                break;
            }
        }
        SizeLine { line, first }
    }

    /// The line, with its end.
    pub fn text(&self) -> &[u8] {
        part(&self.line, self.first, SIZE_LINE_BYTES_MAX)
    }
}

/// What follows the data of a chunk.
pub const DATA_END: &[u8] = b"\r\n";

/// The chunk that ends a body without trailers.
pub const LAST: &[u8] = b"0\r\n\r\n";
