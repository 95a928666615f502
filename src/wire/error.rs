//! The faults of a message, each with a sentence for the log.

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

/// The texts of the variants, in their order. A table of slices would take 16 bytes more each.
static TEXTS: &[u8] = b"invalid status line: \n\
    invalid header line: \n\
    invalid Content-Length: \n\
    unsupported Transfer-Encoding: \n\
    conflicting body framing: \n\
    head too long: \n\
    invalid chunk size: \n\
    CR without LF: \n\
    no CRLF after a chunk: \n\
    invalid trailer: \n";

impl Error {
    /// The fault as a text for the log, which the malformed bytes follow.
    pub fn text(self) -> &'static [u8] {
        let mut start = 0;
        for _ in 0..self as u8 {
            start = find_from(TEXTS, start, b'\n') + 1;
        }
        slice_or_empty(TEXTS, start, find_from(TEXTS, start, b'\n'))
    }
}
