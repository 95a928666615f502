//! One kept-alive connection to the Runtime API, and the messages that come over it.

use crate::buffer::release_unused;
use crate::config::Endpoint;
use crate::diagnostics::{self, EXIT_API};
use crate::limits::{EVENT_BYTES_MAX, EVENT_REGION_BYTES, HEAD_BYTES_MAX};
#[cfg(feature = "platform")]
use crate::limits::{RESPAWN_MS_MIN, RETRY_MS_MAX};
use crate::sys::{self, Descriptor};
use crate::wire::chunk::Decoder;
use crate::wire::http1::{Framing, Head};
use crate::wire::{Parsed, part};

/// A first size line shorter than this stays where it is. A longer one, with extensions, is written
/// over, so that its sender does not decide where an event begins.
const SIZE_LINE_BYTES_MAX: usize = 32;

/// A connection that is there or not.
pub struct Connection(Option<Descriptor>);

impl Connection {
    /// No connection.
    pub const fn new() -> Connection {
        Connection(None)
    }

    /// Connects unless it is connected, and sends. False: the connection is of no use any more,
    /// perhaps within the bytes; what has arrived over it can be read, and nothing is waited for.
    /// Where nobody listens, the process ends.
    #[inline(never)]
    pub fn send(&mut self, to: &Endpoint, bytes: &[u8]) -> bool {
        self.send_by(to, |socket| socket.send(bytes))
    }

    /// The same for several parts, one behind the other.
    pub fn send_parts(&mut self, to: &Endpoint, parts: [&[u8]; 4]) -> bool {
        self.send_by(to, |socket| socket.send_parts(parts))
    }

    fn send_by(&mut self, to: &Endpoint, send: impl FnOnce(&Descriptor) -> bool) -> bool {
        let new = self.0.is_none();
        let socket = self.0.get_or_insert_with(|| connect(to));
        let sent = send(socket);
        if new {
            // The first write meets no delay, so this can wait until nobody waits for us.
            socket.set_nodelay();
        }
        sent
    }

    /// Leaves the connection, if there is one.
    pub fn close(&mut self) {
        self.0 = None;
    }

    /// Its descriptor, to wait for.
    #[cfg(feature = "platform")]
    pub fn descriptor(&self) -> Option<&Descriptor> {
        self.0.as_ref()
    }

    fn receive(&self, room: &mut [u8]) -> usize {
        self.0.as_ref().map_or(0, |socket| socket.receive(room))
    }
}

/// Connects. Where nobody listens, the process ends.
fn connect(to: &Endpoint) -> Descriptor {
    let mut waited_ms = 0;
    loop {
        match Descriptor::connect(to.address, to.port) {
            Ok(socket) => return socket,
            Err(errno) if !wait(to, &mut waited_ms) => {
                log_connect_error(to, errno);
                sys::exit(EXIT_API);
            }
            Err(_) => {}
        }
    }
}

/// Logs why no connection to the Runtime API can be made.
#[cfg(feature = "platform")]
#[inline(never)]
pub fn log_connect_error(to: &Endpoint, errno: usize) {
    // The digits replace the spaces, right-aligned: text of any length would take 140 bytes more.
    let mut text = *b"cannot connect to the Runtime API, errno    : ";
    let mut rest = errno;
    for digit in text.iter_mut().rev().skip(b": ".len()).take(3) {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    diagnostics::diagnostic(&text, to.authority());
}

/// Logs that no connection to the Runtime API can be made: the errno would take 144 bytes.
#[cfg(not(feature = "platform"))]
fn log_connect_error(to: &Endpoint, _: usize) {
    diagnostics::diagnostic(b"cannot connect to the Runtime API: ", to.authority());
}

/// Waits for an API that is not there but may come back, each time longer than before. False: it
/// will not come.
#[cfg(feature = "platform")]
fn wait(to: &Endpoint, waited_ms: &mut u64) -> bool {
    let more = to.retry_unreachable && *waited_ms < RETRY_MS_MAX;
    if more {
        *waited_ms = (*waited_ms * 2).max(RESPAWN_MS_MIN);
        sys::sleep(*waited_ms);
    }
    more
}

#[cfg(not(feature = "platform"))]
fn wait(_: &Endpoint, _: &mut u64) -> bool {
    false
}

/// What was received: a message at the front, perhaps more behind it. All zeros when it is new, so
/// that its region costs nothing in the file.
#[repr(C)] // the region last: a large offset takes three bytes more
pub struct MessageReader {
    /// Where the bytes end.
    end: usize,
    /// Where the message ends.
    next: usize,
    /// The head of the message.
    pub head: Head,
    /// Its body was longer than an event may be: all of it was read, and dropped.
    pub too_large: bool,
    body: usize,
    body_end: usize,
    region: [u8; EVENT_REGION_BYTES],
}

impl MessageReader {
    /// An empty inbox.
    pub const fn new() -> MessageReader {
        MessageReader {
            end: 0,
            next: 0,
            head: Head::EMPTY,
            too_large: false,
            body: 0,
            body_end: 0,
            region: [0; _],
        }
    }

    /// The head of the message, as text.
    pub fn head(&self) -> &[u8] {
        part(&self.region, 0, self.head.bytes)
    }

    /// The value of one of the headers that are known; empty when it is absent.
    pub fn value(&self, known: usize) -> &[u8] {
        self.head
            .values
            .get(known)
            .map_or(b"", |span| span.of(&self.region))
    }

    /// The body of the message; empty when it was too large.
    pub fn body(&self) -> &[u8] {
        part(&self.region, self.body, self.body_end)
    }

    /// Whether there is nothing behind the message.
    #[cfg(feature = "platform")]
    pub fn is_empty(&self) -> bool {
        self.end == self.next
    }

    /// Forgets what is behind the message: what a lost connection leaves is part of nothing.
    pub fn cut(&mut self) {
        self.end = self.next;
    }

    /// Returns the pages behind what was received to the kernel, but for those that stay resident.
    pub fn release_pages(&mut self) {
        release_unused(&mut self.region, self.end);
    }

    /// Logs what came from the server, which cannot be served, and ends the process.
    pub fn exit_malformed(&self) -> ! {
        diagnostics::fatal(EXIT_API, b"not HTTP: ", part(&self.region, 0, self.end))
    }

    /// Waits for a reply, whole, taking at most `limit` bytes at once. Interim replies are read
    /// over. False: the connection is gone. What is not HTTP as it should be ends the process.
    #[inline(never)]
    pub fn receive(&mut self, from: &Connection, limit: usize) -> bool {
        loop {
            self.consume(self.next);
            let most = self.end.min(HEAD_BYTES_MAX);
            match self.head.read(part(&self.region, 0, most)) {
                Ok(Parsed::Complete(())) => {
                    let is_whole = self.receive_body(from, limit);
                    if !is_whole || self.head.status >= 200 {
                        return is_whole;
                    }
                }
                Ok(Parsed::Partial) if most < HEAD_BYTES_MAX => {
                    if !self.fill(from, limit) {
                        return false;
                    }
                }
                _ => self.exit_malformed(),
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
            if read == self.end {
                // All was read, so what is not data can be written over.
                read = self.body_end;
                self.end = read;
                if !self.fill(from, limit) {
                    return false;
                }
            }
            let Ok(piece) = decoder.read(part(&self.region, read, self.end)) else {
                self.exit_malformed();
            };
            read += piece.framing;
            if self.body == self.body_end && read - self.head.bytes < SIZE_LINE_BYTES_MAX {
                self.body = read;
                self.body_end = read;
            }
            if piece.data > EVENT_BYTES_MAX - (self.body_end - self.body) {
                self.too_large = true;
            }
            if self.too_large {
                self.body_end = self.body;
            } else {
                sys::move_down(&mut self.region, read, self.body_end, piece.data);
                self.body_end += piece.data;
            }
            read += piece.data;
        }
        self.next = read;
        true
    }

    /// Waits for more bytes. False: the connection is gone.
    #[inline(never)]
    fn fill(&mut self, from: &Connection, limit: usize) -> bool {
        let end = self.region.len().min(self.end + limit);
        let room = self.region.get_mut(self.end..end);
        let got = room.map_or(0, |room| from.receive(room));
        self.end += got;
        got != 0
    }

    /// Drops what is before the next message.
    fn consume(&mut self, bytes: usize) {
        self.end -= bytes;
        sys::move_down(&mut self.region, bytes, 0, self.end);
        self.next = 0;
    }
}
