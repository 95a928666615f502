//! Request bodies, by length or in chunks, up to a limit.

use super::head::{BodyFraming, HEAD_BYTES_MAX, HEADERS_MAX};
use super::{Connection, ConnectionClosed, GROWTH_BYTES_MAX, Request};
use crate::number::chunk_size;

/// How much of an unread body is drained to keep the connection (net/http:
/// `maxPostHandlerReadBytes`).
const DRAIN_BYTES_MAX: u64 = 256 * 1024;

/// The longest line between chunks.
pub const CHUNK_LINE_BYTES_MAX: usize = 4096;

/// A body, up to a limit, and its full length.
pub struct Body {
    pub bytes: Vec<u8>,
    pub length: u64,
    /// The headers after a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Body {
    /// An empty body.
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
    pub fn read_body(&mut self, request: &Request, limit: usize) -> Result<Body, ConnectionClosed> {
        self.send_continue(request)?;
        let mut body = Body::EMPTY;
        match request.framing {
            BodyFraming::Length(length) => {
                let stored = limit.min(usize::try_from(length).unwrap_or(usize::MAX));
                // Without memory the body cannot be read.
                body.bytes
                    .try_reserve_exact(stored)
                    .map_err(|_| ConnectionClosed)?;
                self.read_data(length, limit, &mut body)?;
            }
            BodyFraming::Chunked => self.read_chunks(limit, u64::MAX, &mut body)?,
        }
        self.body_is_read = true;
        Ok(body)
    }

    /// Reads and discards the rest of a body; false if that would take too long.
    pub fn drain(&mut self, request: &Request) -> bool {
        let mut discarded = Body::EMPTY;
        // A client that waits for "100 Continue" has not sent the body and will not.
        if request.expects_continue {
            return false;
        }
        let drained = match request.framing {
            BodyFraming::Length(length) if length > DRAIN_BYTES_MAX => return false,
            BodyFraming::Length(length) => self.read_data(length, 0, &mut discarded),
            BodyFraming::Chunked => self.read_chunks(0, DRAIN_BYTES_MAX, &mut discarded),
        };
        self.body_is_read = drained.is_ok();
        self.body_is_read
    }

    /// Moves `length` bytes to the body, discarding those above the limit.
    fn read_data(
        &mut self,
        length: u64,
        limit: usize,
        body: &mut Body,
    ) -> Result<(), ConnectionClosed> {
        let mut left = length;
        while left > 0 {
            let capacity = limit.saturating_sub(body.bytes.len());
            if self.consumed == self.filled && capacity as u64 >= left {
                return self.read_directly(left, body);
            }
            if self.consumed == self.filled {
                self.fill_body()?;
            }
            let ready = &self.buffer[self.consumed..self.filled];
            let count = ready.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let stored = count.min(capacity);
            body.bytes
                .try_reserve(stored)
                .map_err(|_| ConnectionClosed)?;
            body.bytes.extend_from_slice(&ready[..stored]);
            self.consumed += count;
            body.length += count as u64;
            left -= count as u64;
        }
        Ok(())
    }

    /// Reads the rest of a body into its place, without the buffer.
    fn read_directly(&mut self, left: u64, body: &mut Body) -> Result<(), ConnectionClosed> {
        self.set_read_timeout(self.timeouts.stall);
        let mut filled = body.bytes.len();
        let end = filled + usize::try_from(left).map_err(|_| ConnectionClosed)?;
        let bytes = &mut body.bytes;
        bytes
            .try_reserve_exact(end - filled)
            .map_err(|_| ConnectionClosed)?;
        while filled < end {
            if filled == bytes.len() {
                bytes.resize(end.min(filled + GROWTH_BYTES_MAX), 0);
            }
            filled += self.read(&mut bytes[filled..])?;
        }
        body.length += left;
        Ok(())
    }

    /// Reads chunks up to the last one and its trailers; fails above `length_max` bytes.
    fn read_chunks(
        &mut self,
        limit: usize,
        length_max: u64,
        body: &mut Body,
    ) -> Result<(), ConnectionClosed> {
        while let Some(size) = self.read_chunk_header()? {
            if size > length_max.saturating_sub(body.length) {
                return Err(ConnectionClosed);
            }
            self.read_data(size, limit, body)?;
            self.read_chunk_end()?;
        }
        body.trailers = self.read_trailers()?;
        Ok(())
    }

    /// The size of the next chunk; `None` for the last chunk.
    pub fn read_chunk_header(&mut self) -> Result<Option<u64>, ConnectionClosed> {
        let line = self.read_line(CHUNK_LINE_BYTES_MAX)?;
        let size = chunk_size(&line).ok_or(ConnectionClosed)?;
        Ok((size > 0).then_some(size))
    }

    /// The line end after a chunk's data.
    pub fn read_chunk_end(&mut self) -> Result<(), ConnectionClosed> {
        let line = self.read_line(CHUNK_LINE_BYTES_MAX)?;
        line.is_empty().then_some(()).ok_or(ConnectionClosed)
    }

    /// Trailers, within the limits of a head.
    pub fn read_trailers(&mut self) -> Result<Vec<(String, String)>, ConnectionClosed> {
        let mut trailers = Vec::new();
        let mut left = HEAD_BYTES_MAX;
        loop {
            let line = self.read_line(left)?;
            if line.is_empty() {
                return Ok(trailers);
            }
            left = left.checked_sub(line.len()).ok_or(ConnectionClosed)?;
            if trailers.len() == HEADERS_MAX {
                return Err(ConnectionClosed);
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            let (name, value) = line.split_once(':').ok_or(ConnectionClosed)?;
            trailers.push((name.to_string(), value.trim().to_string()));
        }
    }

    /// One line of at most `bytes_max` bytes, without its line end.
    fn read_line(&mut self, bytes_max: usize) -> Result<Vec<u8>, ConnectionClosed> {
        let mut seen = 0;
        loop {
            let ready = &self.buffer[self.consumed..self.filled];
            let end = ready[seen..].iter().position(|&byte| byte == b'\n');
            seen = end.map_or(ready.len(), |end| seen + end);
            if seen > bytes_max {
                return Err(ConnectionClosed);
            }
            if end.is_some() {
                let line = ready[..seen].strip_suffix(b"\r").unwrap_or(&ready[..seen]);
                let line = line.to_vec();
                self.consumed += seen + 1;
                return Ok(line);
            }
            self.fill_body()?;
        }
    }
}
