//! Bodies that are passed on while they arrive, and replies in chunks.

use super::body::Body;
use super::head::BodyFraming;
use super::{Connection, ConnectionClosed, Reply, Request};

impl Connection {
    /// Reads the whole body of the request and passes each part to `each`; the returned body has
    /// only the trailers.
    pub fn read_body_in_parts(
        &mut self,
        request: &Request,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<Body, ConnectionClosed> {
        self.send_continue(request)?;
        let mut body = Body::EMPTY;
        match request.framing {
            BodyFraming::Length(length) => self.read_parts(length, each)?,
            BodyFraming::Chunked => {
                while let Some(size) = self.read_chunk_header()? {
                    self.read_parts(size, each)?;
                    self.read_chunk_end()?;
                }
                body.trailers = self.read_trailers()?;
            }
        }
        self.body_is_read = true;
        Ok(body)
    }

    fn read_parts(
        &mut self,
        length: u64,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ConnectionClosed> {
        let mut left = length;
        while left > 0 {
            if self.consumed == self.filled {
                self.fill_body()?;
            }
            let ready = &self.buffer[self.consumed..self.filled];
            let count = ready.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            each(&ready[..count]);
            self.consumed += count;
            left -= count as u64;
        }
        Ok(())
    }

    /// Sends the head of a reply whose body follows in chunks; `reply.body` is not sent.
    pub fn start_chunks(&mut self, reply: &Reply) -> Result<(), ConnectionClosed> {
        self.send(&reply.chunked_head())
    }

    /// Sends a chunk at once.
    pub fn send_chunk(&mut self, bytes: &[u8]) -> Result<(), ConnectionClosed> {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.send(&chunk)
    }

    /// Sends the last chunk.
    pub fn finish_chunks(&mut self) -> Result<(), ConnectionClosed> {
        self.send(b"0\r\n\r\n")?;
        self.set_idle();
        Ok(())
    }
}
