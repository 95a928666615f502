//! One server-side HTTP/1.1 connection: requests in, replies out, as Go's net/http does it.
//!
//! AWS's servers are net/http, so its behaviour is copied where a client can observe it: requests
//! are served in order and pipelined ones wait, up to 256 KiB of an unread body are drained before
//! a refusal, a longer one closes the connection. Sources: RFC 9112; Go's `net/http/server.go` and
//! `transfer.go`; the observed behaviour of AWS's emulator.

mod body;
mod head;
mod reply;
mod streaming;

pub use body::Body;
pub use head::Request;
pub use reply::{Framing, Reply};

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::permits::Permit;
use head::{BodyFraming, Parsed, Scan};

/// How long a connection is still read while it is being closed, so that the client sees the reply
/// before a reset (net/http: `rstAvoidanceDelay`).
const LINGER: Duration = Duration::from_millis(500);

/// The longest body that is sent in one write with its head.
const SINGLE_WRITE_BYTES_MAX: usize = 64 * 1024;

/// The first size of the buffer, the least space for a read, and the largest growth.
const BUFFER_BYTES: usize = 8 * 1024;
const READ_BYTES_MIN: usize = 4 * 1024;
const GROWTH_BYTES_MAX: usize = 256 * 1024;

/// A larger buffer is freed once it is empty.
const IDLE_BUFFER_BYTES_MAX: usize = 128 * 1024;

/// How long the server waits for a client; `None` is without limit.
#[derive(Clone, Copy)]
pub struct Timeouts {
    /// For the first byte of the first request, and of each later one.
    pub first: Option<Duration>,
    pub idle: Option<Duration>,
    /// For a head from its first byte to its last, and for a body.
    pub head: Option<Duration>,
    pub body: Option<Duration>,
    /// For the next byte within a head or a body.
    pub stall: Option<Duration>,
    /// For the client to accept any bytes.
    pub send: Option<Duration>,
}

/// The connection cannot be used any more: closed, truncated, timed out or malformed.
pub struct ConnectionClosed;

/// A connection and its read buffer.
pub struct Connection {
    stream: Arc<TcpStream>,
    permit: Permit,
    timeouts: Timeouts,
    /// The socket's current read timeout.
    read_timeout: Option<Duration>,
    /// When the head or body that is being read has to be complete.
    deadline: Option<Instant>,
    /// `buffer[consumed..filled]` was read and not consumed.
    buffer: Vec<u8>,
    filled: usize,
    consumed: usize,
    /// Whether the current request's body has been read to its end.
    body_is_read: bool,
    /// The reply to a malformed request, from a status and a text.
    refusal: fn(u16, &str) -> Reply,
}

impl Connection {
    /// Takes over an accepted stream.
    pub fn new(stream: Arc<TcpStream>, permit: Permit, timeouts: Timeouts) -> Connection {
        // Without this a reply after an unacknowledged one waits for a delayed ACK: 40 ms.
        let _ = stream.set_nodelay(true);
        let _ = stream.set_write_timeout(timeouts.send);
        let mut connection = Connection {
            stream,
            permit,
            timeouts,
            read_timeout: None,
            deadline: None,
            buffer: Vec::new(),
            filled: 0,
            consumed: 0,
            body_is_read: true,
            refusal: Reply::text,
        };
        connection.set_read_timeout(timeouts.first);
        connection
    }

    /// Replaces the form of the replies to malformed requests, which is text.
    pub fn refuse_with(&mut self, refusal: fn(u16, &str) -> Reply) {
        self.refusal = refusal;
    }

    /// Waits for the next request's head. A malformed one is answered here and closes the
    /// connection.
    pub fn read_request(&mut self) -> Result<Request, ConnectionClosed> {
        let mut scan = Scan::default();
        loop {
            match head::parse(&self.buffer[self.consumed..self.filled], &mut scan) {
                Parsed::Complete(request, length) => {
                    self.permit.set_busy();
                    self.consumed += length;
                    self.body_is_read = matches!(request.framing, BodyFraming::Length(0));
                    self.deadline = self.timeouts.body.map(|time| Instant::now() + time);
                    return Ok(request);
                }
                Parsed::Refused(status, text) => {
                    let reply = (self.refusal)(status, text);
                    let _ = self.send(&reply.head(true, false));
                    let _ = self.send(&reply.body);
                    self.linger();
                    return Err(ConnectionClosed);
                }
                Parsed::Partial => self.fill_head()?,
            }
        }
    }

    /// Reads more of a head: the wait for its first byte may be long, the wait for the rest not.
    fn fill_head(&mut self) -> Result<(), ConnectionClosed> {
        if self.consumed < self.filled {
            self.set_read_timeout(self.timeouts.stall);
            return self.fill();
        }
        self.deadline = None;
        self.fill()?;
        self.deadline = self.timeouts.head.map(|time| Instant::now() + time);
        Ok(())
    }

    /// The request is answered: the wait for the next one may be long.
    fn set_idle(&mut self) {
        self.permit.set_idle();
        self.set_read_timeout(self.timeouts.idle);
    }

    /// Sends the reply; `Err` if it is the connection's last.
    pub fn reply(&mut self, request: &Request, reply: &Reply) -> Result<(), ConnectionClosed> {
        let keep_alive = request.keep_alive && self.permit.is_valid();
        let keep_alive = keep_alive && (self.body_is_read || self.drain(request));
        let mut head = reply.head(!keep_alive, request.is_http_1_0);
        let body: &[u8] = if request.method == "HEAD" {
            b""
        } else {
            &reply.body
        };
        let tail = reply.tail(request.is_http_1_0);
        if body.len() <= SINGLE_WRITE_BYTES_MAX {
            head.extend_from_slice(body);
            head.extend_from_slice(tail);
            self.send(&head)?;
        } else {
            self.send(&head)?;
            self.send(body)?;
            self.send(tail)?;
        }
        if keep_alive {
            self.set_idle();
            return Ok(());
        }
        self.linger();
        Err(ConnectionClosed)
    }

    /// Whether the client still waits for a reply.
    pub fn is_open(&self) -> bool {
        let mut byte = [0];
        // A pipelined request shows that the client is there.
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

    fn fill_body(&mut self) -> Result<(), ConnectionClosed> {
        self.set_read_timeout(self.timeouts.stall);
        self.fill()
    }

    /// Reads at least one more byte into the buffer.
    fn fill(&mut self) -> Result<(), ConnectionClosed> {
        if self.consumed > 0 {
            self.buffer.copy_within(self.consumed..self.filled, 0);
            self.filled -= self.consumed;
            self.consumed = 0;
        }
        if self.filled == 0 && self.buffer.len() > IDLE_BUFFER_BYTES_MAX {
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
    fn read(&mut self, into: &mut [u8]) -> Result<usize, ConnectionClosed> {
        loop {
            if self.deadline.is_some_and(|end| Instant::now() > end) {
                return Err(ConnectionClosed);
            }
            match (&*self.stream).read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) if count > 0 => return Ok(count),
                _ => return Err(ConnectionClosed),
            }
        }
    }

    fn set_read_timeout(&mut self, time: Option<Duration>) {
        if self.read_timeout != time && self.stream.set_read_timeout(time).is_ok() {
            self.read_timeout = time;
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionClosed> {
        (&*self.stream)
            .write_all(bytes)
            .map_err(|_| ConnectionClosed)
    }

    /// Asks a client that waits for "100 Continue" to send the body.
    fn send_continue(&mut self, request: &Request) -> Result<(), ConnectionClosed> {
        match request.expects_continue && !self.body_is_read {
            true => self.send(b"HTTP/1.1 100 Continue\r\n\r\n"),
            false => Ok(()),
        }
    }

    /// Closes the sending side, then reads on for a moment: closing with unread bytes would send a
    /// reset, which can overtake the reply.
    fn linger(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let end = Instant::now() + LINGER;
        let mut discarded = vec![0; BUFFER_BYTES];
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
                return;
            }
            match (&*self.stream).read(&mut discarded) {
                Ok(count) if count > 0 => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}
