//! Bodies as they are read: by length or in chunks, whole, or as much as is wanted.

use super::head::{self, BodyFraming, HEAD_BYTES_MAX, HEADERS_MAX};
use super::{Closed, Connection, GROWTH_BYTES_MAX, Request};

/// How much of an unread body is drained to keep the connection (net/http:
/// `maxPostHandlerReadBytes`).
const DRAIN_BYTES_MAX: u64 = 256 * 1024;

/// The longest line between chunks.
pub const CHUNK_LINE_BYTES_MAX: usize = 4096;

/// A body: all of it, or as much as the limit allows and the number of bytes there really were.
pub struct Body {
    pub bytes: Vec<u8>,
    pub length: u64,
    /// The headers behind a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Body {
    /// Nothing yet.
    pub const EMPTY: Body = Body {
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

impl Connection {
    /// Reads the whole body of the request, keeping at most `limit` bytes of it.
    pub fn body(&mut self, request: &Request, limit: usize) -> Result<Body, Closed> {
        if request.expects_continue && !self.body_is_read {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = Body::EMPTY;
        match request.framing {
            BodyFraming::Length(length) => {
                let kept = limit.min(usize::try_from(length).unwrap_or(usize::MAX));
                // Where there is no memory, there is no body.
                body.bytes.try_reserve_exact(kept).map_err(|_| Closed)?;
                self.take(length, limit, &mut body)?;
            }
            BodyFraming::Chunked => self.chunks(limit, u64::MAX, &mut body)?,
        }
        self.body_is_read = true;
        Ok(body)
    }

    /// Reads the rest of a body that nobody wants, if that is cheap.
    pub fn drain(&mut self, request: &Request) -> bool {
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
            if self.used == self.filled && room as u64 >= left {
                return self.take_directly(left, body);
            }
            if self.used == self.filled {
                self.fill_body()?;
            }
            let ready = &self.buffer[self.used..self.filled];
            let count = ready.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let kept = count.min(room);
            body.bytes.try_reserve(kept).map_err(|_| Closed)?;
            body.bytes.extend_from_slice(&ready[..kept]);
            self.used += count;
            body.length += count as u64;
            left -= count as u64;
        }
        Ok(())
    }

    /// The rest of a large body needs no way through the buffer.
    fn take_directly(&mut self, left: u64, body: &mut Body) -> Result<(), Closed> {
        self.wait_at_most(self.waits.stall);
        let mut at = body.bytes.len();
        let end = at + usize::try_from(left).map_err(|_| Closed)?;
        let bytes = &mut body.bytes;
        bytes.try_reserve_exact(end - at).map_err(|_| Closed)?;
        while at < end {
            if at == bytes.len() {
                bytes.resize(end.min(at + GROWTH_BYTES_MAX), 0);
            }
            at += self.read(&mut bytes[at..])?;
        }
        body.length += left;
        Ok(())
    }

    /// Reads chunks to the last one and the trailers behind it, or gives up after `most` bytes.
    fn chunks(&mut self, limit: usize, most: u64, body: &mut Body) -> Result<(), Closed> {
        loop {
            let line = self.line(CHUNK_LINE_BYTES_MAX)?;
            let size = head::chunk_size(&line).ok_or(Closed)?;
            if size == 0 {
                break;
            }
            if size > most.saturating_sub(body.length) {
                return Err(Closed);
            }
            self.take(size, limit, body)?;
            if !self.line(CHUNK_LINE_BYTES_MAX)?.is_empty() {
                return Err(Closed);
            }
        }
        body.trailers = self.trailers()?;
        Ok(())
    }

    /// Trailers, within the limits of a head.
    pub fn trailers(&mut self) -> Result<Vec<(String, String)>, Closed> {
        let mut trailers = Vec::new();
        let mut left = HEAD_BYTES_MAX;
        loop {
            let line = self.line(left)?;
            if line.is_empty() {
                return Ok(trailers);
            }
            left = left.checked_sub(line.len()).ok_or(Closed)?;
            if trailers.len() == HEADERS_MAX {
                return Err(Closed);
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            let (name, value) = line.split_once(':').ok_or(Closed)?;
            trailers.push((name.to_string(), value.trim().to_string()));
        }
    }

    /// One line without its end, of at most so many bytes.
    pub fn line(&mut self, bytes_max: usize) -> Result<Vec<u8>, Closed> {
        let mut seen = 0;
        loop {
            let ready = &self.buffer[self.used..self.filled];
            let end = ready[seen..].iter().position(|&byte| byte == b'\n');
            seen = end.map_or(ready.len(), |end| seen + end);
            if seen > bytes_max {
                return Err(Closed);
            }
            if end.is_some() {
                let line = ready[..seen].strip_suffix(b"\r").unwrap_or(&ready[..seen]);
                let line = line.to_vec();
                self.used += seen + 1;
                return Ok(line);
            }
            self.fill_body()?;
        }
    }
}
