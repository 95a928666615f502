//! One kept-alive connection to the Runtime API, and the messages that come over it.

use crate::config::Endpoint;
use crate::limits::{EVENT_BYTES_MAX, EVENT_REGION_BYTES, HEAD_BYTES_MAX, REPLY_BYTES};
use crate::sys::{self, Descriptor};
use crate::wire::chunk::Decoder;
use crate::wire::http1::{Framing, Head};
use crate::wire::{Error, Parsed, part};

/// A first size line shorter than this stays where it is. A longer one, with extensions, is written
/// over, so that its sender does not decide where an event begins.
const SIZE_LINE_BYTES_MAX: usize = 32;

/// Why there is no message.
pub enum Trouble {
    /// The server closed, or the connection broke.
    Closed,
    /// A head longer than `HEAD_BYTES_MAX`.
    HeadTooLong,
    /// What came is not HTTP as it should be.
    Broken(Error),
}

impl Trouble {
    /// The trouble in a few words.
    pub fn text(&self) -> &'static str {
        match self {
            Trouble::Closed => "connection closed twice",
            Trouble::HeadTooLong => "head too long",
            Trouble::Broken(error) => error.text(),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Broken(error)
    }
}

/// A connection that is there or not.
pub struct Connection {
    /// Where it leads.
    pub endpoint: Option<Endpoint>,
    socket: Option<Descriptor>,
}

impl Connection {
    /// No connection, to nowhere.
    pub const fn new() -> Connection {
        Connection {
            endpoint: None,
            socket: None,
        }
    }

    /// Connects unless it is connected, and sends. False: the connection is gone, perhaps within
    /// the bytes. `None`: nobody listens.
    pub fn send(&mut self, bytes: &[u8]) -> Option<bool> {
        let new = self.socket.is_none();
        if new {
            let endpoint = self.endpoint.as_ref()?;
            self.socket = Descriptor::connect(endpoint.address, endpoint.port);
        }
        let socket = self.socket.as_ref()?;
        let sent = socket.send(bytes);
        if new {
            // The first write meets no delay, so this can wait until nobody waits for us.
            socket.send_at_once();
        }
        Some(sent)
    }

    /// Leaves the connection, if there is one.
    pub fn close(&mut self) {
        self.socket = None;
    }

    fn receive(&self, room: &mut [u8], limit: usize) -> usize {
        self.socket
            .as_ref()
            .map_or(0, |socket| socket.receive(room, limit))
    }
}

/// What was received: a message at the front, perhaps more behind it. All zeros when it is new, so
/// that its region costs nothing in the file.
pub struct Inbox {
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

impl Inbox {
    /// An empty inbox.
    pub const fn new() -> Inbox {
        Inbox {
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

    /// Forgets what is behind the message: what a lost connection leaves is part of nothing.
    pub fn cut(&mut self) {
        self.end = self.next;
    }

    /// Gives the pages behind the first `keep` bytes of the region back to the kernel.
    pub fn give_back(&mut self, keep: usize) {
        sys::give_back(&mut self.region, keep);
    }

    /// Waits for a reply, whole. With `short`, takes little beyond it, and no body without a
    /// length. Interim replies are read over.
    #[inline(never)]
    pub fn receive(&mut self, from: &Connection, short: bool) -> Result<(), Trouble> {
        self.drop_front(self.next);
        let limit = if short { REPLY_BYTES } else { usize::MAX };
        loop {
            match self.head.read(part(&self.region, 0, self.end))? {
                Parsed::Complete(()) if self.head.status < 200 => self.drop_front(self.head.bytes),
                Parsed::Complete(()) if self.head.bytes <= HEAD_BYTES_MAX => break,
                Parsed::Partial if self.end < HEAD_BYTES_MAX => self.fill(from, limit)?,
                _ => return Err(Trouble::HeadTooLong),
            }
        }
        let decoder = match self.head.framing {
            Framing::Length(length) => Decoder::sized(length),
            Framing::Chunked => Decoder::chunked(),
            Framing::UntilClose if short => Decoder::sized(0),
            Framing::UntilClose => return Err(Trouble::Broken(Error::Length)),
        };
        self.receive_body(from, decoder, limit)
    }

    /// A body: data are moved down over what stands between them. The first stay where they are, so
    /// a body of one chunk, which is what AWS's servers send, is not moved.
    #[inline(never)]
    fn receive_body(
        &mut self,
        from: &Connection,
        mut decoder: Decoder,
        limit: usize,
    ) -> Result<(), Trouble> {
        let mut read = self.head.bytes;
        self.body = read;
        self.body_end = read;
        self.too_large = false;
        loop {
            while read < self.end && !decoder.is_done() {
                let piece = decoder.read(part(&self.region, read, self.end))?;
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
            if decoder.is_done() {
                self.next = read;
                return Ok(());
            }
            // All was read, so what is not data can be written over.
            read = self.body_end;
            self.end = read;
            self.fill(from, limit)?;
        }
    }

    /// Waits for more bytes.
    #[inline(never)]
    fn fill(&mut self, from: &Connection, limit: usize) -> Result<(), Trouble> {
        let room = self.region.get_mut(self.end..).unwrap_or_default();
        let got = from.receive(room, limit);
        self.end += got;
        if got == 0 {
            Err(Trouble::Closed)
        } else {
            Ok(())
        }
    }

    /// Drops what is before the next message.
    fn drop_front(&mut self, bytes: usize) {
        self.end -= bytes;
        sys::move_down(&mut self.region, bytes, 0, self.end);
        self.next = 0;
    }
}
