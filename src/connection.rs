//! One kept-alive connection to the Runtime API, and the messages that come over it.

use crate::buffer::part;
use crate::config::Endpoint;
use crate::limits::{EVENT_BYTES_MAX, HEAD_BYTES_MAX, REPLY_BYTES};
use crate::sys::{self, Descriptor};
use crate::wire::chunk::Decoder;
use crate::wire::http1::{self, Framing};
use crate::wire::{Error, Parsed};

/// A first size line shorter than this stays where it is. A longer one, with extensions, is written
/// over, so that its sender does not decide where an event begins.
const SIZE_LINE_BYTES_MAX: usize = 32;

/// Why there is no message.
pub enum Trouble {
    /// The server closed, or the connection broke.
    Closed,
    /// What came is not HTTP as it should be.
    Broken(&'static str),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Broken(error.text())
    }
}

/// A connection that is there or not.
pub struct Connection {
    /// Where it leads.
    pub endpoint: Endpoint,
    socket: Option<Descriptor>,
}

impl Connection {
    /// No connection yet.
    pub const fn new(endpoint: Endpoint) -> Connection {
        Connection {
            endpoint,
            socket: None,
        }
    }

    /// Connects unless it is connected, and sends. False: the connection is gone, perhaps within
    /// the bytes.
    ///
    /// # Errors
    /// The system's number, when nobody listens.
    pub fn send(&mut self, bytes: &[u8]) -> Result<bool, usize> {
        if let Some(socket) = &self.socket {
            return Ok(socket.send(bytes));
        }
        let socket = Descriptor::connect(self.endpoint.address, self.endpoint.port)?;
        let sent = socket.send(bytes);
        // The first write meets no delay, so this can wait until nobody waits for us.
        socket.send_at_once();
        self.socket = Some(socket);
        Ok(sent)
    }

    /// Leaves the connection, if there is one.
    pub fn close(&mut self) {
        self.socket = None;
    }

    fn receive(&self, room: &mut [u8]) -> usize {
        self.socket
            .as_ref()
            .map_or(0, |socket| socket.receive(room))
    }
}

/// What was received: a message at the front, perhaps more behind it.
pub struct Inbox {
    region: &'static mut [u8],
    /// Where the bytes end.
    end: usize,
    /// Where the message ends.
    next: usize,
    head_end: usize,
    body: usize,
    body_end: usize,
    /// Of the message: 200 to 999, for interim replies are read over.
    pub status: u16,
    /// The server will close the connection behind it.
    pub close: bool,
    /// Its body was longer than an event may be: all of it was read, and dropped.
    pub too_large: bool,
}

impl Inbox {
    /// An empty inbox over a whole region.
    pub fn new(region: &'static mut [u8]) -> Inbox {
        Inbox {
            region,
            end: 0,
            next: 0,
            head_end: 0,
            body: 0,
            body_end: 0,
            status: 0,
            close: false,
            too_large: false,
        }
    }

    /// The head of the message.
    pub fn head(&self) -> &[u8] {
        part(self.region, 0, self.head_end)
    }

    /// The body of the message; empty when it was too large.
    pub fn body(&self) -> &[u8] {
        part(self.region, self.body, self.body_end)
    }

    /// Forgets what is behind the message: what a lost connection leaves is part of nothing.
    pub fn cut(&mut self) {
        self.end = self.next;
    }

    /// Gives the pages behind the first `keep` bytes of the region back to the kernel.
    pub fn give_back(&mut self, keep: usize) {
        sys::give_back(self.region, keep);
    }

    /// Waits for a reply, whole. With `short`, takes little beyond it, and no body without a length.
    #[inline(never)]
    pub fn receive(&mut self, from: &Connection, short: bool) -> Result<(), Trouble> {
        self.drop_front(self.next);
        let limit = if short { REPLY_BYTES } else { usize::MAX };
        let head = loop {
            match http1::head(part(self.region, 0, self.end))? {
                Parsed::Complete(head) if head.status < 200 => self.drop_front(head.bytes),
                Parsed::Complete(head) if head.bytes <= HEAD_BYTES_MAX => break head,
                Parsed::Partial if self.end < HEAD_BYTES_MAX => self.fill(from, limit)?,
                _ => return Err(Trouble::Broken("head too long")),
            }
        };
        self.status = head.status;
        self.close = head.close;
        self.head_end = head.bytes;
        let decoder = match head.framing {
            Framing::Length(length) => Decoder::sized(length),
            Framing::Chunked => Decoder::chunked(),
            Framing::UntilClose if short => Decoder::sized(0),
            Framing::UntilClose => return Err(Trouble::Broken("no length")),
        };
        self.receive_body(from, decoder, limit)
    }

    /// A body: data are moved down over what stands between them. The first stay where they are, so
    /// a body of one chunk, which is what AWS's servers send, is not moved.
    #[inline(never)]
    fn receive_body(
        &mut self,
        from: &Connection,
        decoder: Decoder,
        limit: usize,
    ) -> Result<(), Trouble> {
        let mut decoder = decoder;
        let mut read = self.head_end;
        let mut total: usize = 0;
        self.body = read;
        self.body_end = read;
        loop {
            while read < self.end && !decoder.is_done() {
                let piece = decoder.read(part(self.region, read, self.end))?;
                read += piece.framing;
                if total == 0 && read - self.head_end < SIZE_LINE_BYTES_MAX {
                    self.body = read;
                    self.body_end = read;
                }
                total = total.saturating_add(piece.data);
                if total > EVENT_BYTES_MAX {
                    self.body_end = self.body;
                } else {
                    sys::move_down(self.region, read, self.body_end, piece.data);
                    self.body_end += piece.data;
                }
                read += piece.data;
            }
            if decoder.is_done() {
                break;
            }
            // All was read, so what is not data can be written over.
            read = self.body_end;
            self.end = read;
            self.fill(from, limit)?;
        }
        self.next = read;
        self.too_large = total > EVENT_BYTES_MAX;
        Ok(())
    }

    /// Waits for more bytes.
    #[inline(never)]
    fn fill(&mut self, from: &Connection, limit: usize) -> Result<(), Trouble> {
        let room = self.region.get_mut(self.end..).unwrap_or_default();
        let room_bytes = room.len().min(limit);
        let got = from.receive(room.get_mut(..room_bytes).unwrap_or_default());
        self.end += got;
        if got == 0 {
            Err(Trouble::Closed)
        } else {
            Ok(())
        }
    }

    /// Drops what is before the next message.
    fn drop_front(&mut self, bytes: usize) {
        let left = self.end.saturating_sub(bytes);
        sys::move_down(self.region, bytes, 0, left);
        self.next = 0;
        self.end = left;
    }
}
