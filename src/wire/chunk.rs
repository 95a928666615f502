//! Bodies of messages: a decoder for a known length or chunks (RFC 9112, 7.1), and what frames a
//! chunk that is sent.
//!
//! Decisions, with the sections of RFC 9112:
//!
//! - A line ends in CRLF or LF, as in a head (2.2). A CR anywhere else is malformed.
//! - A size is one hexadecimal digit or more, leading zeros included, and fits a `usize`. Nothing
//!   stands before it; spaces and tabs may follow, then the end of the line or a semicolon and
//!   extensions, which are read over whatever they are (7.1, 7.1.1).
//! - Behind the data of a chunk there is the end of a line and nothing else (7.1).
//! - A trailer is a line with a colon and, before that, a name without white space; it is read over
//!   (7.1.2). So the head of the next reply does not pass for trailers where the empty line is
//!   missing that ends the body.
//!
//! AWS's servers send neither extensions nor trailers.

use super::number::{hex_digit, hex_value};
use super::{Error, find_from, slice_or_empty};

/// Where the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a size, no digit seen yet.
    Size,
    /// In a size.
    Digits,
    /// In the white space after it.
    Blank,
    /// In extensions, or in the value of a trailer.
    Rest,
    /// Between the CR and the LF of their line.
    RestLf,
    /// Between data and the end of their line; between its CR and its LF.
    DataCrlf,
    DataLf,
    /// At the beginning of a trailer; in its name; between the CR and the LF of the empty line.
    Trailer,
    Name,
    LastLf,
    Data,
    Done,
    /// The state after an invalid byte. No decoder is left in it.
    Malformed,
}

/// The bytes that have a column each in the table; then follow any other byte, and a digit.
const CLASSES: &[u8] = b"\n\r:; \t";
const COLUMNS: usize = CLASSES.len() + 2;

/// The next state, by state and class of the byte. `Data` after a size of 0 is the first trailer.
#[rustfmt::skip]
static NEXT: [State; 10 * COLUMNS] = {
    use State::{Malformed as Wrong, *};
    [
        // LF, CR,     colon, semicolon, space, tab, other, digit
        Wrong, Wrong,  Wrong, Wrong, Wrong, Wrong, Wrong, Digits, // Size
        Data,  RestLf, Wrong, Rest,  Blank, Blank, Wrong, Digits, // Digits
        Data,  RestLf, Wrong, Rest,  Blank, Blank, Wrong, Wrong,  // Blank
        Data,  RestLf, Rest,  Rest,  Rest,  Rest,  Rest,  Rest,   // Rest
        Data,  Wrong,  Wrong, Wrong, Wrong, Wrong, Wrong, Wrong,  // RestLf
        Size,  DataLf, Wrong, Wrong, Wrong, Wrong, Wrong, Wrong,  // DataCrlf
        Size,  Wrong,  Wrong, Wrong, Wrong, Wrong, Wrong, Wrong,  // DataLf
        Done,  LastLf, Wrong, Name,  Wrong, Wrong, Name,  Name,   // Trailer
        Wrong, Wrong,  Rest,  Name,  Wrong, Wrong, Name,  Name,   // Name
        Done,  Wrong,  Wrong, Wrong, Wrong, Wrong, Wrong, Wrong,  // LastLf
    ]
};

/// Reads one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoder {
    state: State,
    /// It comes in chunks; else it ends with its data.
    chunked: bool,
    /// The bytes of the size or of the data that are still to come.
    left: usize,
}

/// How far a call of [`Decoder::read`] got: a number of bytes of each kind, the framing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of framing, which the decoder has consumed.
    pub framing: usize,
    /// Bytes of data after them, for the caller.
    pub data: usize,
}

impl Decoder {
    /// For a body in chunks, or of the given length.
    pub const fn new(chunked: bool, bytes: usize) -> Decoder {
        Decoder {
            state: if chunked {
                State::Size
            } else if bytes > 0 {
                State::Data
            } else {
                State::Done
            },
            chunked,
            left: bytes,
        }
    }

    /// Whether the body is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads framing, then data, up to the end of the bytes; the next call continues after them.
    /// With no bytes left, or at the end of the body, both numbers are 0.
    ///
    /// # Errors
    /// The fault of the first malformed byte; the decoder does not pass that byte.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        let mut framing = 0;
        for &byte in bytes {
            if matches!(self.state, State::Data | State::Done) {
                break;
            }
            if !self.step(byte) {
                return Err(self.fault());
            }
            framing += 1;
        }
        let mut data = 0;
        if self.state == State::Data {
            data = self.left.min(bytes.len() - framing);
            self.left -= data;
            self.end_data();
        }
        Ok(Progress { framing, data })
    }

    /// How many bytes of data come before the next framing, if that is known.
    pub fn data_left(&self) -> usize {
        match self.state {
            State::Data => self.left,
            _ => 0,
        }
    }

    /// Passes bytes of data that its caller has read: at most `data_left`.
    pub fn skip(&mut self, data: usize) {
        if self.state == State::Data {
            self.left = self.left.saturating_sub(data);
            self.end_data();
        }
    }

    /// Behind the last byte of data there is framing, or nothing.
    fn end_data(&mut self) {
        if self.left == 0 {
            self.state = if self.chunked {
                State::DataCrlf
            } else {
                State::Done
            };
        }
    }

    /// Handles one byte outside of the data. False: it is invalid here.
    #[inline(never)]
    fn step(&mut self, byte: u8) -> bool {
        // A digit is none of the classes, so it comes after them and any other byte.
        let digit = hex_value(byte);
        let class = find_from(CLASSES, 0, byte) + usize::from(digit < 16);
        let next = NEXT.get(self.state as usize * COLUMNS + class).copied();
        let next = next.unwrap_or(State::Malformed);
        match next {
            State::Malformed => return false,
            State::Digits => {
                if self.left > usize::MAX >> 4 {
                    return false;
                }
                self.left = self.left << 4 | usize::from(digit);
            }
            _ => {}
        }
        let is_last_chunk = next == State::Data && self.left == 0;
        self.state = if is_last_chunk { State::Trailer } else { next };
        true
    }

    /// The fault of a malformed byte in this state.
    fn fault(&self) -> Error {
        match self.state {
            State::Size | State::Digits | State::Blank => Error::ChunkSize,
            State::Rest | State::RestLf => Error::ChunkLine,
            State::DataCrlf | State::DataLf => Error::ChunkEnd,
            _ => Error::Trailer,
        }
    }
}

/// Hexadecimal digits of a `usize`, at most, and the end of their line.
const CHUNK_HEADER_BYTES_MAX: usize = 16 + 2;

/// The line before the data of a chunk.
pub struct ChunkHeader {
    line: [u8; CHUNK_HEADER_BYTES_MAX],
    first: usize,
}

impl ChunkHeader {
    /// Writes the line for a chunk of the given length. An empty chunk would end the body.
    pub fn new(data_bytes: usize) -> ChunkHeader {
        let mut line = [b'\n'; CHUNK_HEADER_BYTES_MAX];
        let mut first = CHUNK_HEADER_BYTES_MAX - 1;
        let mut rest = data_bytes;
        let (digits, _) = line.split_at_mut(first);
        for (index, place) in digits.iter_mut().rev().enumerate() {
            *place = match index {
                0 => b'\r',
                _ => {
                    let digit = (rest & 15) as u8;
                    rest >>= 4;
                    hex_digit(digit)
                }
            };
            first -= 1;
            if index > 0 && rest == 0 {
                break;
            }
        }
        ChunkHeader { line, first }
    }

    /// The line, with its end.
    pub fn as_bytes(&self) -> &[u8] {
        slice_or_empty(&self.line, self.first, CHUNK_HEADER_BYTES_MAX)
    }
}

/// The line end after the data of a chunk.
pub const CRLF: &[u8] = b"\r\n";

/// The chunk that ends a body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
