//! Replies: whole ones, and those in chunks.

use std::net::Shutdown;
use std::time::Instant;

use super::{BodyPlan, Connection, Stage};
use crate::local::http::head::{BodyFraming, DISCARDED_BYTES_MAX, Scan};
use crate::local::http::{Payload, Reply};

/// The longest body that is copied behind its head.
const COPIED_BYTES_MAX: usize = 4 * 1024;

impl Connection {
    /// Replies to the request. An unread body is discarded first, or, if it is long, not read at
    /// all, and then the reply is the last one.
    pub fn reply(&mut self, reply: Reply, now: Instant) {
        if matches!(self.stage, Stage::Requested | Stage::Body(..)) && self.has_unread_body() {
            if self.can_discard() {
                self.deferred = Some(reply);
                match &mut self.stage {
                    Stage::Body(_, plan, _) => *plan = BodyPlan::Discard,
                    _ => self.begin_body(BodyPlan::Discard, now),
                }
                return;
            }
            self.is_retired = true;
        }
        let (mut keeps_alive, mut is_http_1_0, mut has_body) = (false, false, true);
        if let Some(request) = self.request.take() {
            keeps_alive = request.keep_alive && !self.is_retired;
            is_http_1_0 = request.is_http_1_0;
            has_body = request.method != "HEAD";
        }
        let mut head = self.output.take_spare();
        reply.write_head(!keeps_alive, is_http_1_0, &mut head);
        let tail = reply.tail(is_http_1_0);
        if !has_body {
            self.output.push(head);
        } else if reply.body.len() <= COPIED_BYTES_MAX {
            head.extend_from_slice(&reply.body);
            head.extend_from_slice(tail);
            self.output.push(head);
        } else {
            self.output.push(head);
            self.output.push(reply.body);
            self.output.push(Payload::Owned(tail.to_vec()));
        }
        self.finish(keeps_alive, now);
    }

    /// Sends the head of a reply whose body follows in chunks; `reply.body` is not sent.
    pub fn start_chunks(&mut self, reply: &Reply, now: Instant) {
        let mut head = self.output.take_spare();
        reply.write_chunked_head(&mut head);
        self.output.push(head);
        self.flush(now);
    }

    /// Sends a chunk.
    pub fn send_chunk(&mut self, bytes: Vec<u8>, now: Instant) {
        self.output.push(format!("{:x}\r\n", bytes.len()));
        self.output.push(bytes);
        self.output.push("\r\n");
        self.flush(now);
    }

    /// Sends the last chunk.
    pub fn finish_chunks(&mut self, now: Instant) {
        self.output.push("0\r\n\r\n");
        let request = self.request.take();
        let keeps_alive = request.is_some_and(|request| request.keep_alive) && !self.is_retired;
        self.finish(keeps_alive, now);
    }

    /// How many bytes wait for the client.
    pub fn unsent(&self) -> usize {
        self.output.left()
    }

    /// Sends what the socket accepts.
    pub fn flush(&mut self, now: Instant) {
        let before = self.output.left();
        if before == 0 {
            return;
        }
        let progress = match self.output.flush(&mut &self.stream) {
            Ok(count) => count > 0,
            Err(_) => {
                self.output = Default::default();
                self.is_broken = true;
                false
            }
        };
        self.deadlines
            .sending(self.output.left() > 0, progress, now);
        if self.output.left() == 0 && matches!(self.stage, Stage::Closing) {
            self.linger(now);
        }
    }

    /// The reply is on its way.
    fn finish(&mut self, keeps_alive: bool, now: Instant) {
        match keeps_alive {
            true => {
                self.stage = Stage::Head(Scan::default());
                self.deadlines.begin_idle(now);
            }
            false => self.stage = Stage::Closing,
        }
        self.flush(now);
    }

    fn linger(&mut self, now: Instant) {
        let _ = self.stream.shutdown(Shutdown::Write);
        self.stage = Stage::Lingering;
        self.deadlines.begin_linger(now);
    }

    fn has_unread_body(&self) -> bool {
        let framing = self.request.as_ref().map(|request| request.framing);
        framing.is_some_and(|framing| framing != BodyFraming::Length(0))
    }

    /// Whether the body may be read to its end: a client that waits for "100 Continue" has not sent
    /// the body and will not.
    fn can_discard(&self) -> bool {
        let Some(request) = &self.request else {
            return false;
        };
        let is_short = match request.framing {
            BodyFraming::Length(length) => length <= DISCARDED_BYTES_MAX,
            BodyFraming::Chunked => true,
        };
        is_short && !request.expects_continue && !self.at_end
    }
}
