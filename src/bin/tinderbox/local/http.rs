//! One server-side HTTP/1.1 connection: requests in, replies out, as Go's net/http does it.
//!
//! AWS's servers are net/http, so its habits are kept where a client can see them: requests are
//! served one after another and bytes that come early wait, an unread body of up to 256 KiB is
//! drained before a refusal, a longer one costs the connection. Sources: RFC 9112; Go's
//! `net/http/server.go` and `transfer.go`; what AWS's emulator was seen to do.

mod body;
mod head;
mod pieces;
mod reply;

pub use body::Body;
pub use head::Request;
pub use reply::{Framing, Reply};

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connections::Place;
use head::{BodyFraming, Parsed, Scan};

/// How long a connection that is being closed is still read, so that the client sees the reply
/// before it sees a reset (net/http: `rstAvoidanceDelay`).
const LINGER: Duration = Duration::from_millis(500);

/// What is sent with its head in one piece.
const SEND_BYTES: usize = 64 * 1024;

/// The room for the first read, the least for any, and the most that is added at once.
const BUFFER_BYTES: usize = 8 * 1024;
const READ_BYTES_MIN: usize = 4 * 1024;
const GROWTH_BYTES_MAX: usize = 256 * 1024;

/// A larger buffer is given back once it is used up.
const BUFFER_BYTES_KEPT: usize = 128 * 1024;

/// How long a client is waited for; `None` is without limit.
#[derive(Clone, Copy)]
pub struct Waits {
    /// For the first byte of the first request, and of each one after it.
    pub first: Option<Duration>,
    pub idle: Option<Duration>,
    /// For a head from its first byte to its last, and for a body.
    pub head: Option<Duration>,
    pub body: Option<Duration>,
    /// For any bytes more, within a head or a body.
    pub stall: Option<Duration>,
    /// For the client to take any bytes.
    pub send: Option<Duration>,
}

/// The connection is of no more use: ended, cut within a message, or not HTTP.
pub struct Closed;

/// A connection and the bytes that have been read ahead.
pub struct Connection {
    stream: Arc<TcpStream>,
    place: Place,
    waits: Waits,
    /// The read timeout that the socket has.
    read_timeout: Option<Duration>,
    /// When what is being read has to be whole.
    deadline: Option<Instant>,
    /// Its first `filled` bytes were read, the first `used` of these are used up.
    buffer: Vec<u8>,
    filled: usize,
    used: usize,
    /// Whether the current request's body has been read to its end.
    body_is_read: bool,
}

impl Connection {
    /// Takes over an accepted stream.
    pub fn new(stream: Arc<TcpStream>, place: Place, waits: Waits) -> Connection {
        // Without this a reply behind an unacknowledged one waits for a delayed ACK: 40 ms.
        let _ = stream.set_nodelay(true);
        let _ = stream.set_write_timeout(waits.send);
        let mut connection = Connection {
            stream,
            place,
            waits,
            read_timeout: None,
            deadline: None,
            buffer: Vec::new(),
            filled: 0,
            used: 0,
            body_is_read: true,
        };
        connection.wait_at_most(waits.first);
        connection
    }

    /// Waits for the next request's head. What is not HTTP is answered here, and the end.
    pub fn request(&mut self) -> Result<Request, Closed> {
        let mut scan = Scan::default();
        loop {
            match head::parse(&self.buffer[self.used..self.filled], &mut scan) {
                Parsed::Complete(request, length) => {
                    self.place.works();
                    self.used += length;
                    self.body_is_read = matches!(request.framing, BodyFraming::Length(0));
                    self.deadline = self.waits.body.map(|wait| Instant::now() + wait);
                    return Ok(request);
                }
                Parsed::Refused(status, text) => {
                    let reply = Reply::text(status, text);
                    let _ = self.send(&reply.head(true, false));
                    let _ = self.send(reply.body);
                    self.linger();
                    return Err(Closed);
                }
                Parsed::Partial => self.fill_head()?,
            }
        }
    }

    /// Reads more of a head: its beginning may be long in coming, its rest may not.
    fn fill_head(&mut self) -> Result<(), Closed> {
        if self.used < self.filled {
            self.wait_at_most(self.waits.stall);
            return self.fill();
        }
        self.deadline = None;
        self.fill()?;
        self.deadline = self.waits.head.map(|wait| Instant::now() + wait);
        Ok(())
    }

    /// What was asked for is answered: the next request may be long in coming.
    fn rest(&mut self) {
        self.place.waits();
        self.wait_at_most(self.waits.idle);
    }

    /// Sends the reply; `Err` when the connection ends with it.
    pub fn reply(&mut self, request: &Request, reply: &Reply<'_>) -> Result<(), Closed> {
        let keep = request.keep_alive && self.place.is_kept();
        let keep = keep && (self.body_is_read || self.drain(request));
        let mut head = reply.head(!keep, request.is_http_1_0);
        let body: &[u8] = if request.method == "HEAD" {
            b""
        } else {
            reply.body
        };
        let tail = reply.tail(request.is_http_1_0);
        if body.len() <= SEND_BYTES {
            head.extend_from_slice(body);
            head.extend_from_slice(tail);
            self.send(&head)?;
        } else {
            self.send(&head)?;
            self.send(body)?;
            self.send(tail)?;
        }
        if keep {
            self.rest();
            return Ok(());
        }
        self.linger();
        Err(Closed)
    }

    /// Whether the client is still there, while it waits for a reply.
    pub fn is_open(&self) -> bool {
        let mut byte = [0];
        // What comes early is a client that is there.
        let peeked = self
            .stream
            .set_nonblocking(true)
            .and_then(|()| self.stream.peek(&mut byte));
        let restored = self.stream.set_nonblocking(false).is_ok();
        match peeked {
            Ok(count) => count > 0 && restored,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock && restored,
        }
    }

    fn fill_body(&mut self) -> Result<(), Closed> {
        self.wait_at_most(self.waits.stall);
        self.fill()
    }

    /// Reads at least one more byte behind those that are still to be used.
    fn fill(&mut self) -> Result<(), Closed> {
        if self.used > 0 {
            self.buffer.copy_within(self.used..self.filled, 0);
            self.filled -= self.used;
            self.used = 0;
        }
        if self.filled == 0 && self.buffer.len() > BUFFER_BYTES_KEPT {
            self.buffer = Vec::new();
        }
        if self.buffer.len() - self.filled < READ_BYTES_MIN {
            let growth = self.buffer.len().clamp(BUFFER_BYTES, GROWTH_BYTES_MAX);
            self.buffer.resize(self.buffer.len() + growth, 0);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = self.read(&mut buffer[self.filled..]);
        self.buffer = buffer;
        self.filled += read?;
        Ok(())
    }

    /// Reads at least one byte.
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Closed> {
        loop {
            if self.deadline.is_some_and(|end| Instant::now() > end) {
                return Err(Closed);
            }
            match (&*self.stream).read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) if count > 0 => return Ok(count),
                _ => return Err(Closed),
            }
        }
    }

    fn wait_at_most(&mut self, time: Option<Duration>) {
        if self.read_timeout != time && self.stream.set_read_timeout(time).is_ok() {
            self.read_timeout = time;
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Closed> {
        (&*self.stream).write_all(bytes).map_err(|_| Closed)
    }

    /// Ends our side, then reads on for a moment: closing with unread bytes would send a reset,
    /// which can overtake the reply.
    fn linger(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let end = Instant::now() + LINGER;
        let mut nothing = vec![0; BUFFER_BYTES];
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
                return;
            }
            match (&*self.stream).read(&mut nothing) {
                Ok(count) if count > 0 => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}
