//! Reads messages from a connection.

use crate::buffer::release_unused;
use crate::connection::Connection;
use crate::diagnostics;
use crate::limits::{EVENT_BYTES_MAX, HEAD_BYTES_MAX};
use crate::sys;
use crate::wire::api_headers::{REPLY, TRACKED_COUNT};
use crate::wire::chunk::Decoder;
use crate::wire::http1::{Framing, Head, Span};
use crate::wire::{Error, Parsed, slice_or_empty};

/// A first chunk header shorter than this stays before the body. A longer one, with extensions, is
/// overwritten by the body, so that the sender does not decide where an event begins.
const SKIPPED_CHUNK_HEADER_BYTES_MAX: usize = 32;

/// Received bytes: a message, and perhaps bytes after it.
pub struct MessageReader {
    /// End of the received bytes.
    filled: usize,
    /// End of the message.
    message_end: usize,
    /// The head of the message.
    pub head: Head<[Span; TRACKED_COUNT]>,
    /// The body was longer than the longest event: all of it was read and dropped.
    pub too_large: bool,
    body: usize,
    body_end: usize,
    region: &'static mut [u8],
}

impl MessageReader {
    /// Nothing received. The region holds a head and a body, and is at least as long as the `limit`
    /// of `receive`.
    pub fn new(region: &'static mut [u8]) -> MessageReader {
        MessageReader {
            filled: 0,
            message_end: 0,
            head: Head::EMPTY,
            too_large: false,
            body: 0,
            body_end: 0,
            region,
        }
    }

    /// The head of the message, as text.
    pub fn head(&self) -> &[u8] {
        slice_or_empty(self.region, 0, self.head.bytes)
    }

    /// The value of a tracked header; empty when it is absent.
    pub fn value(&self, index: usize) -> &[u8] {
        self.head
            .values
            .get(index)
            .map_or(b"", |span| span.get(self.region))
    }

    /// The body of the message; empty when it was too large.
    pub fn body(&self) -> &[u8] {
        slice_or_empty(self.region, self.body, self.body_end)
    }

    /// Whether no bytes follow the message.
    pub fn is_empty(&self) -> bool {
        self.filled == self.message_end
    }

    /// Discards the bytes after the message: those of a lost connection are part of no message.
    pub fn discard_unread(&mut self) {
        self.filled = self.message_end;
    }

    /// Returns the pages after the received bytes to the kernel, except the first `TRIM_KEEP_BYTES`
    /// of the region.
    pub fn release_pages(&mut self) {
        release_unused(self.region, self.filled);
    }

    /// Logs which part of a reply is malformed, and the bytes from `at` on, and exits with code 1.
    fn exit_malformed(&self, fault: Error, at: usize) -> ! {
        diagnostics::exit_malformed(fault, slice_or_empty(self.region, at, self.filled))
    }

    /// Waits for a whole reply, and reads at most `limit` bytes at once. Interim replies (1xx) are
    /// skipped. False: the connection is lost. A malformed reply ends the process.
    #[inline(never)]
    pub fn receive(&mut self, from: &Connection, limit: usize) -> bool {
        loop {
            self.consume(self.message_end);
            let most = self.filled.min(HEAD_BYTES_MAX);
            let head: &mut Head = &mut self.head;
            match head.read(&REPLY, slice_or_empty(self.region, 0, most)) {
                Ok(Parsed::Complete(())) => {
                    let is_whole = self.receive_body(from, limit);
                    if !is_whole || self.head.status >= 200 {
                        return is_whole;
                    }
                }
                Ok(Parsed::Partial) if most < HEAD_BYTES_MAX => {
                    if !self.read_more(from, limit) {
                        return false;
                    }
                }
                Ok(Parsed::Partial) => self.exit_malformed(Error::HeadTooLong, 0),
                Err(fault) => self.exit_malformed(fault, self.head.bytes),
            }
        }
    }

    /// Reads a body. The data of later chunks are moved down over their framing; the first chunk
    /// stays in place, so a body of one chunk, as AWS's servers send it, is not moved.
    fn receive_body(&mut self, from: &Connection, limit: usize) -> bool {
        // A reply without a length is read as one without a body; the caller refuses such an event.
        let is_chunked = self.head.framing == Framing::Chunked;
        let mut decoder = Decoder::new(is_chunked, self.head.length);
        let mut read = self.head.bytes;
        self.body = read;
        self.body_end = read;
        self.too_large = false;
        while !decoder.is_done() {
            if read == self.filled {
                // Everything was decoded, so bytes that are not data can be overwritten.
                read = self.body_end;
                self.filled = read;
                if !self.read_more(from, limit) {
                    return false;
                }
            }
            let piece = match decoder.read(slice_or_empty(self.region, read, self.filled)) {
                Ok(piece) => piece,
                Err(fault) => self.exit_malformed(fault, read),
            };
            read += piece.framing;
            if self.body == self.body_end && read - self.head.bytes < SKIPPED_CHUNK_HEADER_BYTES_MAX
            {
                self.body = read;
                self.body_end = read;
            }
            if piece.data > EVENT_BYTES_MAX - (self.body_end - self.body) {
                self.too_large = true;
            }
            if self.too_large {
                self.body_end = self.body;
            } else {
                sys::move_down(self.region, read, self.body_end, piece.data);
                self.body_end += piece.data;
            }
            read += piece.data;
        }
        self.message_end = read;
        true
    }

    /// Waits for more bytes. False: the connection is lost.
    #[inline(never)]
    fn read_more(&mut self, from: &Connection, limit: usize) -> bool {
        let end = self.region.len().min(self.filled + limit);
        let buf = self.region.get_mut(self.filled..end);
        let got = buf.map_or(0, |buf| from.receive(buf));
        self.filled += got;
        got != 0
    }

    /// Drops the first `bytes` bytes, so that the next message is at the start.
    fn consume(&mut self, bytes: usize) {
        self.filled -= bytes;
        sys::move_down(self.region, bytes, 0, self.filled);
        self.message_end = 0;
    }
}
