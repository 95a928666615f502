//! One server-side HTTP/1.1 connection: requests in, replies out, as Go's net/http does it.
//!
//! AWS's servers are net/http, so its habits are kept where a client can see them: requests are
//! served one after another and bytes that come early wait, an unread body of up to 256 KiB is
//! drained before a refusal, a longer one costs the connection. Sources: RFC 9112; Go's
//! `net/http/server.go` and `transfer.go`; what AWS's emulator was seen to do.

mod head;
mod pieces;
mod reply;

pub use head::Request;
pub use reply::{Framing, Reply};

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use head::{BodyFraming, Parsed};

/// How much of an unread body is drained to keep the connection (net/http:
/// `maxPostHandlerReadBytes`).
const DRAIN_BYTES_MAX: u64 = 256 * 1024;

/// How long a connection that is being closed is still read, so that the client sees the reply
/// before it sees a reset (net/http: `rstAvoidanceDelay`).
const LINGER: Duration = Duration::from_millis(500);

const READ_BYTES: usize = 64 * 1024;
const CHUNK_LINE_BYTES_MAX: usize = 4096;

/// A body: all of it, or as much as the limit allows and the number of bytes there really were.
pub struct Body {
    pub bytes: Vec<u8>,
    pub length: u64,
    /// The headers behind a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Body {
    const EMPTY: Body = Body {
        bytes: Vec::new(),
        length: 0,
        trailers: Vec::new(),
    };

    /// The first trailer of this name, in any case.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        let mut trailers = self.trailers.iter();
        let found = trailers.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }
}

/// The connection is of no more use: ended, cut within a message, or not HTTP.
pub struct Closed;

/// A connection and the bytes that have been read ahead.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How much of `buffer` has been used up.
    used: usize,
    /// Whether the current request's body has been read to its end.
    body_is_read: bool,
}

impl Connection {
    /// Takes over an accepted stream.
    pub fn new(stream: TcpStream) -> Connection {
        // Without this a reply behind an unacknowledged one waits for a delayed ACK: 40 ms.
        let _ = stream.set_nodelay(true);
        Connection {
            stream,
            buffer: Vec::new(),
            used: 0,
            body_is_read: true,
        }
    }

    /// Waits for the next request's head. What is not HTTP is answered here, and the end.
    pub fn request(&mut self) -> Result<Request, Closed> {
        self.forget_used();
        loop {
            match head::parse(&self.buffer) {
                Parsed::Complete(request, length) => {
                    self.used = length;
                    self.body_is_read = matches!(request.framing, BodyFraming::Length(0));
                    return Ok(request);
                }
                Parsed::Refused(status, text) => {
                    let reply = Reply::text(status, text);
                    let _ = self.stream.write_all(&reply.head(true, false));
                    let _ = self.stream.write_all(reply.body);
                    self.linger();
                    return Err(Closed);
                }
                Parsed::Partial => self.fill()?,
            }
        }
    }

    /// Reads the whole body of the request, keeping at most `limit` bytes of it.
    pub fn body(&mut self, request: &Request, limit: usize) -> Result<Body, Closed> {
        if request.expects_continue && !self.body_is_read {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = Body::EMPTY;
        match request.framing {
            BodyFraming::Length(length) => self.take(length, limit, &mut body)?,
            BodyFraming::Chunked => self.chunks(limit, u64::MAX, &mut body)?,
        }
        self.body_is_read = true;
        Ok(body)
    }

    /// Sends the reply; `Err` when the connection ends with it.
    pub fn reply(&mut self, request: &Request, reply: &Reply<'_>) -> Result<(), Closed> {
        let keep = request.keep_alive && (self.body_is_read || self.drain(request));
        let mut head = reply.head(!keep, request.is_http_1_0);
        let body: &[u8] = if request.method == "HEAD" {
            b""
        } else {
            reply.body
        };
        let tail = reply.tail(request.is_http_1_0);
        if body.len() <= READ_BYTES {
            head.extend_from_slice(body);
            head.extend_from_slice(tail);
            self.send(&head)?;
        } else {
            self.send(&head)?;
            self.send(body)?;
            self.send(tail)?;
        }
        if keep {
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

    /// Reads the rest of a body that nobody wants, if that is cheap.
    fn drain(&mut self, request: &Request) -> bool {
        let mut nothing = Body::EMPTY;
        // A client which waits for "100 Continue" has not sent the body and will not.
        if request.expects_continue {
            return false;
        }
        let drained = match request.framing {
            BodyFraming::Length(length) if length > DRAIN_BYTES_MAX => return false,
            BodyFraming::Length(length) => self.take(length, 0, &mut nothing),
            BodyFraming::Chunked => self.chunks(0, DRAIN_BYTES_MAX, &mut nothing),
        };
        self.body_is_read = drained.is_ok();
        self.body_is_read
    }

    /// Moves `length` bytes to the body, dropping what is over the limit.
    fn take(&mut self, length: u64, limit: usize, body: &mut Body) -> Result<(), Closed> {
        let mut left = length;
        while left > 0 {
            let room = limit.saturating_sub(body.bytes.len());
            if self.used == self.buffer.len() && room as u64 >= left {
                return self.take_directly(left, body);
            }
            if self.used == self.buffer.len() {
                self.fill()?;
            }
            let ready = &self.buffer[self.used..];
            let count = ready.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            body.bytes.extend_from_slice(&ready[..count.min(room)]);
            self.used += count;
            body.length += count as u64;
            left -= count as u64;
        }
        Ok(())
    }

    /// The rest of a large body needs no way through the buffer.
    fn take_directly(&mut self, left: u64, body: &mut Body) -> Result<(), Closed> {
        body.bytes.reserve(usize::try_from(left).unwrap_or(0));
        match (&self.stream).take(left).read_to_end(&mut body.bytes) {
            Ok(count) if count as u64 == left => {
                body.length += left;
                Ok(())
            }
            _ => Err(Closed),
        }
    }

    /// Reads chunks to the last one and the trailers behind it, or gives up after `most` bytes.
    fn chunks(&mut self, limit: usize, most: u64, body: &mut Body) -> Result<(), Closed> {
        loop {
            let line = self.line()?;
            let size = head::chunk_size(&line).ok_or(Closed)?;
            if size == 0 {
                break;
            }
            if size > most.saturating_sub(body.length) {
                return Err(Closed);
            }
            self.take(size, limit, body)?;
            if !self.line()?.is_empty() {
                return Err(Closed);
            }
        }
        body.trailers = self.trailers()?;
        Ok(())
    }

    fn trailers(&mut self) -> Result<Vec<(String, String)>, Closed> {
        let mut trailers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(trailers);
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            let (name, value) = line.split_once(':').ok_or(Closed)?;
            trailers.push((name.to_string(), value.trim().to_string()));
        }
    }

    /// One line without its end.
    fn line(&mut self) -> Result<Vec<u8>, Closed> {
        loop {
            let ready = &self.buffer[self.used..];
            if let Some(end) = ready.iter().position(|&byte| byte == b'\n') {
                let line = ready[..end].strip_suffix(b"\r").unwrap_or(&ready[..end]);
                let line = line.to_vec();
                self.used += end + 1;
                return Ok(line);
            }
            if ready.len() > CHUNK_LINE_BYTES_MAX {
                return Err(Closed);
            }
            self.fill()?;
        }
    }

    fn forget_used(&mut self) {
        self.buffer.drain(..self.used);
        self.used = 0;
    }

    /// Reads at least one more byte behind those that are still to be used.
    fn fill(&mut self) -> Result<(), Closed> {
        self.forget_used();
        let old = self.buffer.len();
        self.buffer.resize(old + READ_BYTES, 0);
        loop {
            match self.stream.read(&mut self.buffer[old..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) if count > 0 => {
                    self.buffer.truncate(old + count);
                    return Ok(());
                }
                _ => {
                    self.buffer.truncate(old);
                    return Err(Closed);
                }
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Closed> {
        self.stream.write_all(bytes).map_err(|_| Closed)
    }

    /// Ends our side, then reads on for a moment: closing with unread bytes would send a reset,
    /// which can overtake the reply.
    fn linger(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let end = Instant::now() + LINGER;
        let mut nothing = vec![0; READ_BYTES];
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
                return;
            }
            match self.stream.read(&mut nothing) {
                Ok(count) if count > 0 => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}
