//! The faults of a message, each with its name for the log.

use super::{find_from, slice_or_empty};

/// Which part of a message is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Error {
    /// The first line is not `HTTP/1.x NNN`.
    StatusLine,
    /// A header line has no colon, no name, or white space or a control byte in its name.
    HeaderLine,
    /// `Content-Length` is not a number, does not fit a `usize`, or is repeated with another value.
    ContentLength,
    /// `Transfer-Encoding` is not `chunked`, or is repeated.
    TransferEncoding,
    /// There are both `Content-Length` and `Transfer-Encoding`.
    FramingConflict,
    /// The head is longer than the reader of the connection accepts.
    HeadTooLong,
    /// A chunk size has no digits, is not hexadecimal, or does not fit a `usize`.
    ChunkSize,
    /// A carriage return that ends no line, after a chunk size or within a trailer.
    ChunkLine,
    /// The data of a chunk are not followed by the end of a line.
    ChunkEnd,
    /// The last chunk is followed by neither a header line nor the empty line.
    Trailer,
}

/// What is malformed, in the order of the variants. A table of slices would take 16 bytes more
/// each.
static PARTS: &[u8] = b"status line: \n\
    header line: \n\
    Content-Length: \n\
    Transfer-Encoding: \n\
    framing: \n\
    head (too long): \n\
    chunk size: \n\
    chunk line: \n\
    chunk end: \n\
    trailer: ";

impl Error {
    /// The malformed part as a text for the log, which the malformed bytes follow.
    pub fn part(self) -> &'static [u8] {
        let mut start = 0;
        for _ in 0..self as u8 {
            start = find_from(PARTS, start, b'\n') + 1;
        }
        slice_or_empty(PARTS, start, find_from(PARTS, start, b'\n'))
    }
}
