//! Reading from the socket.

use std::io::{self, Read};
use std::time::Instant;

use super::{BodyPlan, Connection, Received, Stage};
use crate::sys;

/// The shortest rest of a body that is read without a copy.
const DIRECT_BYTES_MIN: usize = 16 * 1024;

impl Connection {
    /// Reads once. The bytes are for `advance`, behind those that `take_received` returns.
    pub fn receive(&mut self, into: &mut [u8], now: Instant) -> Received {
        let result = (&self.stream).read(into);
        self.received(result, now)
    }

    /// Reads once into the memory of a long body, without a copy; `None` where there is no such.
    /// `advance` goes on without input.
    pub fn receive_body(&mut self, now: Instant) -> Option<Received> {
        let Stage::Body(decoder, BodyPlan::Keep(limit), body) = &mut self.stage else {
            return None;
        };
        let left = usize::try_from(decoder.length_left()?).ok()?;
        let free = (*limit).min(body.bytes.capacity()) - body.bytes.len().min(*limit);
        let wanted = left.min(free);
        if wanted < DIRECT_BYTES_MIN || !self.received.is_empty() {
            return None;
        }
        let result = sys::receive_into(&self.stream, &mut body.bytes, wanted);
        if let Ok(count) = result {
            decoder.skip(count as u64);
            body.length += count as u64;
        }
        Some(self.received(result, now))
    }

    fn received(&mut self, result: io::Result<usize>, now: Instant) -> Received {
        match result {
            Ok(0) => {
                self.at_end = true;
                Received::End
            }
            Ok(count) => {
                self.deadlines.byte_received(now);
                Received::Bytes(count)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Received::Nothing,
                _ => Received::Broken,
            },
        }
    }

    /// The bytes that were received and not consumed. `put_back` returns what is left of them.
    pub fn take_received(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
    }

    /// Keeps unconsumed bytes.
    pub fn put_back(&mut self, received: Vec<u8>) {
        self.received = received;
    }

    pub fn has_received(&self) -> bool {
        !self.received.is_empty()
    }
}
