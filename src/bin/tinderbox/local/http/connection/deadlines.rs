//! How long a connection waits for its client.

use std::time::{Duration, Instant};

use crate::local::http::Timeouts;

/// How long a connection is still read while it is being closed, so that the client sees the reply
/// before a reset (net/http: `rstAvoidanceDelay`).
const LINGER: Duration = Duration::from_millis(500);

/// The deadlines of one connection.
pub struct Deadlines {
    timeouts: Timeouts,
    /// For the first byte, the whole head or the whole body, whichever is being read.
    whole: Option<Instant>,
    /// For the next byte of a head or a body.
    next_byte: Option<Instant>,
    /// For the client to accept bytes.
    send: Option<Instant>,
    is_within_head: bool,
    reads: bool,
    pub idle_since: Instant,
    pub has_served: bool,
}

impl Deadlines {
    pub fn new(timeouts: Timeouts, now: Instant) -> Deadlines {
        Deadlines {
            timeouts,
            whole: timeouts.first.map(|time| now + time),
            next_byte: None,
            send: None,
            is_within_head: false,
            reads: true,
            idle_since: now,
            has_served: false,
        }
    }

    /// The earliest one.
    pub fn next(&self) -> Option<Instant> {
        let reading = [self.whole, self.next_byte].into_iter().flatten();
        reading.filter(|_| self.reads).chain(self.send).min()
    }

    pub fn byte_received(&mut self, now: Instant) {
        if self.next_byte.is_some() {
            self.next_byte = self.timeouts.stall.map(|time| now + time);
        }
    }

    /// A part of a head was received.
    pub fn begin_head(&mut self, now: Instant) {
        if !self.is_within_head {
            self.is_within_head = true;
            self.whole = self.timeouts.head.map(|time| now + time);
            self.next_byte = self.timeouts.stall.map(|time| now + time);
        }
    }

    /// A head is complete.
    pub fn begin_body(&mut self, now: Instant) {
        self.is_within_head = false;
        self.whole = self.timeouts.body.map(|time| now + time);
        self.next_byte = self.timeouts.stall.map(|time| now + time);
    }

    /// The request is complete: only the server takes time.
    pub fn begin_handling(&mut self) {
        self.reads = false;
    }

    /// The request was replied to.
    pub fn begin_idle(&mut self, now: Instant) {
        self.reads = true;
        self.is_within_head = false;
        self.whole = self.timeouts.idle.map(|time| now + time);
        self.next_byte = None;
        self.idle_since = now;
        self.has_served = true;
    }

    /// The last reply was sent.
    pub fn begin_linger(&mut self, now: Instant) {
        self.reads = true;
        self.whole = Some(now + LINGER);
        self.next_byte = None;
        self.send = None;
    }

    /// Bytes wait for the client, who has just accepted some, or not.
    pub fn sending(&mut self, is_waiting: bool, has_progress: bool, now: Instant) {
        match (is_waiting, self.send, has_progress) {
            (false, _, _) => self.send = None,
            (true, Some(_), false) => {}
            (true, _, _) => self.send = self.timeouts.send.map(|time| now + time),
        }
    }
}
