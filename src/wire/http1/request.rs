//! The head of a request: its fixed parts, and a writer.

use crate::wire::number::Decimal;
use crate::wire::slice_or_empty;

/// The method of a request without a body.
pub const GET: &[u8] = b"GET ";
/// The method of a request with a body.
pub const POST: &[u8] = b"POST ";
/// The text between the target of a request and its authority.
pub const VERSION_AND_HOST: &[u8] = b" HTTP/1.1\r\nHost: ";
/// The header of the length of a body, with its colon.
pub const CONTENT_LENGTH: &[u8] = b"Content-Length: ";
/// The end of a line.
pub const LINE_END: &[u8] = b"\r\n";
/// The end of the last line of a head, and the empty line after it.
pub const HEAD_END: &[u8] = b"\r\n\r\n";

/// Writes the head of a request, line by line, into a sink that takes pieces of bytes.
pub struct HeadWriter<'a> {
    write: &'a mut dyn FnMut(&[u8]),
}

impl<'a> HeadWriter<'a> {
    /// Writes the request line and `Host`. `method` is [`GET`], [`POST`] or another one with a
    /// space behind it; `target`, in pieces, has no white space and no control bytes.
    pub fn new(
        method: &[u8],
        target: &[&[u8]],
        authority: &[u8],
        write: &'a mut dyn FnMut(&[u8]),
    ) -> HeadWriter<'a> {
        write(method);
        for piece in target {
            write(piece);
        }
        write(VERSION_AND_HOST);
        write(authority);
        write(LINE_END);
        HeadWriter { write }
    }

    /// The same behind a request line and `Host` that were written otherwise.
    pub fn without_start_line(write: &'a mut dyn FnMut(&[u8])) -> HeadWriter<'a> {
        HeadWriter { write }
    }

    /// Writes a piece of a header line: the caller sees to it that nothing in it ends the line early.
    pub fn piece(&mut self, piece: &[u8]) {
        (self.write)(piece);
    }

    /// Writes a header line; the name comes with its colon and a space. A control byte of the value
    /// becomes a space (RFC 9110, 5.5), so that no value ends a line.
    pub fn header(&mut self, name: &[u8], value: &[u8]) {
        (self.write)(name);
        let mut rest = value;
        while !rest.is_empty() {
            let is_text = |byte: &&u8| **byte >= b' ' && **byte != 0x7f || **byte == b'\t';
            let bytes = rest.iter().take_while(is_text).count();
            (self.write)(slice_or_empty(rest, 0, bytes));
            if bytes < rest.len() {
                (self.write)(b" ");
            }
            rest = slice_or_empty(rest, bytes + 1, rest.len());
        }
        (self.write)(LINE_END);
    }

    /// Writes the length of the body that follows, and ends the head.
    pub fn end_with_length(self, body_bytes: usize) {
        (self.write)(CONTENT_LENGTH);
        (self.write)(Decimal::new(body_bytes).as_bytes());
        (self.write)(LINE_END);
        self.end();
    }

    /// Ends the head.
    pub fn end(self) {
        (self.write)(LINE_END);
    }
}
