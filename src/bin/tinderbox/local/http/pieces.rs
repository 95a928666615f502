//! Bodies that are handed on as they come, in both directions.

use super::body::{Body, CHUNK_LINE_BYTES_MAX};
use super::head::{BodyFraming, chunk_size};
use super::{Closed, Connection, Reply, Request};

impl Connection {
    /// Reads the whole body of the request, and gives each piece to `each`; what comes back has the
    /// trailers alone.
    pub fn pieces(
        &mut self,
        request: &Request,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<Body, Closed> {
        if request.expects_continue && !self.body_is_read {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = Body::EMPTY;
        match request.framing {
            BodyFraming::Length(length) => self.piece(length, each)?,
            BodyFraming::Chunked => loop {
                let size = chunk_size(&self.line(CHUNK_LINE_BYTES_MAX)?).ok_or(Closed)?;
                if size == 0 {
                    body.trailers = self.trailers()?;
                    break;
                }
                self.piece(size, each)?;
                if !self.line(CHUNK_LINE_BYTES_MAX)?.is_empty() {
                    return Err(Closed);
                }
            },
        }
        self.body_is_read = true;
        Ok(body)
    }

    fn piece(&mut self, length: u64, each: &mut dyn FnMut(&[u8])) -> Result<(), Closed> {
        let mut left = length;
        while left > 0 {
            if self.used == self.filled {
                self.fill_body()?;
            }
            let ready = &self.buffer[self.used..self.filled];
            let count = ready.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            each(&ready[..count]);
            self.used += count;
            left -= count as u64;
        }
        Ok(())
    }

    /// Begins a reply whose body comes in chunks. Its own body is left out.
    pub fn begin_chunks(&mut self, reply: &Reply<'_>) -> Result<(), Closed> {
        self.send(&reply.chunked_head())
    }

    /// A chunk, at once.
    pub fn chunk(&mut self, bytes: &[u8]) -> Result<(), Closed> {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.send(&chunk)
    }

    /// The end of the chunks.
    pub fn end_chunks(&mut self) -> Result<(), Closed> {
        self.send(b"0\r\n\r\n")?;
        self.rest();
        Ok(())
    }
}
