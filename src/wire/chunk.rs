//! Bodies as they come: of a known length, or in chunks (RFC 9112, 7.1).
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

use super::{Error, find, part};

/// Where the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a size, no digit seen yet.
    Size,
    /// In a size.
    Digits,
    /// In the white space behind it.
    Blank,
    /// In extensions, or in the value of a trailer.
    Rest,
    /// Between the CR and the LF of their line.
    RestLf,
    /// Between data and the end of their line; between its CR and its LF.
    End,
    EndLf,
    /// At the beginning of a trailer; in its name; between the CR and the LF of the empty line.
    Trailer,
    Name,
    LastLf,
    Data,
    Done,
    /// What a byte leads to that has no place where it stands.
    Wrong,
}

/// The bytes that have a column each in the table; behind them, any other byte, and a digit.
const CLASSES: &[u8] = b"\n\r:; \t";
const COLUMNS: usize = CLASSES.len() + 2;

/// What a byte leads to, by state and class. `Data` behind a size of 0 is the first trailer.
#[rustfmt::skip]
static NEXT: [State; 10 * COLUMNS] = {
    use State::*;
    [
        // LF, CR,     colon, semicolon, space, tab, other, digit
        Wrong, Wrong,  Wrong, Wrong, Wrong, Wrong, Wrong, Digits, // Size
        Data,  RestLf, Wrong, Rest,  Blank, Blank, Wrong, Digits, // Digits
        Data,  RestLf, Wrong, Rest,  Blank, Blank, Wrong, Wrong,  // Blank
        Data,  RestLf, Rest,  Rest,  Rest,  Rest,  Rest,  Rest,   // Rest
        Data,  Wrong,  Wrong, Wrong, Wrong, Wrong, Wrong, Wrong,  // RestLf
        Size,  EndLf,  Wrong, Wrong, Wrong, Wrong, Wrong, Wrong,  // End
        Size,  Wrong,  Wrong, Wrong, Wrong, Wrong, Wrong, Wrong,  // EndLf
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
    /// A body in chunks, or of so many bytes.
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

    /// Reads framing, then data, as far as there are any; the next call continues behind them. With
    /// no bytes left, or at the end of the body, both parts are empty.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Part, Error> {
        let mut framing = 0;
        for &byte in bytes {
            if matches!(self.state, State::Data | State::Done | State::Wrong) {
                break;
            }
            self.step(byte);
            framing += 1;
        }
        if self.state == State::Wrong {
            return Err(Error::Chunk);
        }
        let mut data = 0;
        if self.state == State::Data {
            data = self.left.min(bytes.len() - framing);
            self.left -= data;
            if self.left == 0 {
                self.state = if self.chunked {
                    State::End
                } else {
                    State::Done
                };
            }
        }
        Ok(Part { framing, data })
    }

    /// One byte outside of the data.
    #[inline(never)]
    fn step(&mut self, byte: u8) {
        // A digit is none of the classes, so it comes behind them and any other byte.
        let digit = char::from(byte).to_digit(16).unwrap_or(16);
        let class = find(CLASSES, 0, byte) + usize::from(digit < 16);
        let next = NEXT.get(self.state as usize * COLUMNS + class).copied();
        self.state = next.unwrap_or(State::Wrong);
        match self.state {
            State::Digits if self.left <= usize::MAX >> 4 => {
                self.left = self.left << 4 | digit as usize;
            }
            State::Digits => self.state = State::Wrong,
            State::Data if self.left == 0 => self.state = State::Trailer,
            _ => {}
        }
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
