//! The messages that come over a connection.

use crate::buffer::release_unused;
use crate::connection::Connection;
use crate::diagnostics;
use crate::limits::{EVENT_BYTES_MAX, HEAD_BYTES_MAX};
use crate::sys;
use crate::wire::api_headers::{REPLY, TRACKED_COUNT};
use crate::wire::chunk::Decoder;
use crate::wire::http1::{Framing, Head, Span};
use crate::wire::{Error, Parsed, slice_or_empty};

/// A first chunk header shorter than this stays where it is. A longer one, with extensions, is
/// written over, so that its sender does not decide where an event begins.
const SKIPPED_CHUNK_HEADER_BYTES_MAX: usize = 32;

/// Received bytes: a message at the front, perhaps more behind it.
pub struct MessageReader {
    /// Where the received bytes end.
    filled: usize,
    /// Where the message ends.
    message_end: usize,
    /// The head of the message.
    pub head: Head<[Span; TRACKED_COUNT]>,
    /// Its body was longer than an event may be: all of it was read, and dropped.
    pub too_large: bool,
    body: usize,
    body_end: usize,
    region: &'static mut [u8],
}

impl MessageReader {
    /// Nothing received. The region holds a head and a body, and is at least as long as what may be
    /// taken at once.
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

    /// The value of one of the headers that are known; empty when it is absent.
    pub fn value(&self, known: usize) -> &[u8] {
        self.head
            .values
            .get(known)
            .map_or(b"", |span| span.get(self.region))
    }

    /// The body of the message; empty when it was too large.
    pub fn body(&self) -> &[u8] {
        slice_or_empty(self.region, self.body, self.body_end)
    }

    /// Whether there is nothing behind the message.
    pub fn is_empty(&self) -> bool {
        self.filled == self.message_end
    }

    /// Discards the bytes behind the message: those of a lost connection are part of no message.
    pub fn discard_unread(&mut self) {
        self.filled = self.message_end;
    }

    /// Returns the pages behind what was received to the kernel, but for those that stay resident.
    pub fn release_pages(&mut self) {
        release_unused(self.region, self.filled);
    }

    /// Logs what is malformed in a reply, and the bytes from there on, and exits with code 1.
    fn exit_malformed(&self, fault: Error, at: usize) -> ! {
        diagnostics::exit_malformed(fault, slice_or_empty(self.region, at, self.filled))
    }

    /// Waits for a whole reply, taking at most `limit` bytes at once. Interim replies (1xx) are
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

    /// A body: data are moved down over what stands between them. The first stay where they are, so
    /// a body of one chunk, which is what AWS's servers send, is not moved.
    fn receive_body(&mut self, from: &Connection, limit: usize) -> bool {
        // Without a length there is nothing to wait for in a reply; the caller sees to it that it
        // is no event.
        let is_chunked = self.head.framing == Framing::Chunked;
        let mut decoder = Decoder::new(is_chunked, self.head.length);
        let mut read = self.head.bytes;
        self.body = read;
        self.body_end = read;
        self.too_large = false;
        while !decoder.is_done() {
            if read == self.filled {
                // All was read, so what is not data can be written over.
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

    /// Drops the bytes before the next message.
    fn consume(&mut self, bytes: usize) {
        self.filled -= bytes;
        sys::move_down(self.region, bytes, 0, self.filled);
        self.message_end = 0;
    }
}
