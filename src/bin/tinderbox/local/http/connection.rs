//! One connection: its bytes, its current request, its reply.

mod deadlines;
mod receiving;
mod sending;

use std::net::TcpStream;
use std::ops::Range;
use std::time::Instant;

use super::body::{Body, Decoder, Step};
use super::head::{self, BodyFraming, Parsed, Scan};
use super::output::Output;
use super::{Reply, Request, Timeouts, spare};
use crate::sys::epoll::Interest;
use deadlines::Deadlines;

/// How many bytes of later requests are received while one is being handled.
const AHEAD_BYTES_MAX: usize = 64 * 1024;

/// A connection.
pub struct Connection {
    stream: TcpStream,
    stage: Stage,
    /// The request that is being read or handled.
    request: Option<Request>,
    /// Received bytes that are not consumed: the start of a head or of a line, or later requests.
    received: Vec<u8>,
    output: Output,
    /// The reply that follows once the body is discarded.
    deferred: Option<Reply>,
    deadlines: Deadlines,
    /// The client sends nothing more.
    at_end: bool,
    /// The client accepts nothing more.
    is_broken: bool,
    /// Nothing is read for now: whoever consumes the parts of a body is slow.
    pub is_paused: bool,
    /// No further request is served.
    pub is_retired: bool,
    /// What the socket is watched for.
    pub watched: Interest,
}

/// How far the connection is.
enum Stage {
    /// Between requests, or within a head.
    Head(Scan),
    /// A head is complete, and what to do with its body is not decided.
    Requested,
    Body(Decoder, BodyPlan, Body),
    /// The request is being handled.
    Handling,
    /// The last reply is being sent.
    Closing,
    /// The last reply was sent. Closing at once with unread bytes would send a reset, which can
    /// overtake the reply.
    Lingering,
}

/// What to do with a body.
#[derive(Clone, Copy)]
pub enum BodyPlan {
    /// Keep as many bytes; read and count the rest.
    Keep(usize),
    /// Pass each part on.
    Stream,
    /// Read it, and send the deferred reply.
    Discard,
}

/// What the bytes so far have led to.
pub enum Progress {
    /// More bytes are needed.
    Incomplete,
    /// A request's head; `request` has it, and `begin_body` or `reply` has to follow.
    Request,
    /// A part of a streamed body: this range of the input.
    Part(Range<usize>),
    /// The end of a body; a reply has to follow.
    Body(Body),
    /// The end of a body that was not wanted; the reply is on its way.
    Replied,
    /// The head is refused with this status and text; `reply` has to follow.
    Refused(u16, &'static str),
    /// The framing of a body is malformed: the connection is useless.
    Malformed,
}

/// The result of one read.
pub enum Received {
    Bytes(usize),
    Nothing,
    End,
    Broken,
}

impl Connection {
    /// Takes over an accepted stream, which does not block.
    pub fn new(stream: TcpStream, timeouts: Timeouts, now: Instant) -> Connection {
        // Without this a reply after an unacknowledged one waits for a delayed ACK: 40 ms.
        let _ = stream.set_nodelay(true);
        Connection {
            stream,
            stage: Stage::Head(Scan::default()),
            request: None,
            received: Vec::new(),
            output: Output::default(),
            deferred: None,
            deadlines: Deadlines::new(timeouts, now),
            at_end: false,
            is_broken: false,
            is_paused: false,
            is_retired: false,
            watched: Interest::Read,
        }
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The request that is being read or handled.
    pub fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }

    /// Whether the connection is between two requests and sends nothing. Bytes of a head do not
    /// count: a client may send one and never another.
    pub fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Head(_)) && self.output.left() == 0
    }

    /// Whether a head or a body is incomplete, or the last reply was sent.
    pub fn is_useless_without_input(&self) -> bool {
        matches!(
            self.stage,
            Stage::Head(_) | Stage::Body(..) | Stage::Lingering
        ) && self.output.left() == 0
    }

    /// Whether it is of no use any more: the client accepts nothing, or sends nothing more while
    /// only that could lead on.
    pub fn is_finished(&self) -> bool {
        let is_over = self.at_end && self.is_useless_without_input() && self.received.is_empty();
        self.is_broken || is_over
    }

    /// Whether bytes have arrived that were not read: maybe a request.
    pub fn has_unread_bytes(&self) -> bool {
        self.stream.peek(&mut [0]).is_ok_and(|count| count > 0)
    }

    /// Since when it is idle.
    pub fn idle_since(&self) -> Instant {
        self.deadlines.idle_since
    }

    /// Whether it has served a request.
    pub fn has_served(&self) -> bool {
        self.deadlines.has_served
    }

    /// What the socket has to be watched for.
    pub fn interest(&self) -> Interest {
        let is_ahead = match self.stage {
            Stage::Handling | Stage::Requested => self.received.len() > AHEAD_BYTES_MAX,
            _ => false,
        };
        let reads = !self.at_end && !self.is_paused && !is_ahead;
        match (reads, self.output.left() > 0) {
            (true, true) => Interest::ReadAndWrite,
            (true, false) => Interest::Read,
            (false, true) => Interest::Write,
            (false, false) => Interest::None,
        }
    }

    /// When the client has made the server wait for too long.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Consumes bytes of the input, and says how many and what they have led to.
    pub fn advance(&mut self, input: &[u8], now: Instant) -> (usize, Progress) {
        match &mut self.stage {
            Stage::Head(_) if input.is_empty() || self.is_retired => (0, Progress::Incomplete),
            Stage::Head(scan) => match head::parse(input, scan) {
                Parsed::Partial => {
                    self.deadlines.begin_head(now);
                    (0, Progress::Incomplete)
                }
                Parsed::Complete(request, length) => {
                    self.deadlines.begin_body(now);
                    self.request = Some(request);
                    self.stage = Stage::Requested;
                    (length, Progress::Request)
                }
                Parsed::Refused(status, text) => {
                    self.stage = Stage::Handling;
                    self.request = None;
                    (input.len(), Progress::Refused(status, text))
                }
            },
            Stage::Body(..) => self.advance_body(input, now),
            Stage::Requested | Stage::Handling => (0, Progress::Incomplete),
            Stage::Closing | Stage::Lingering => (input.len(), Progress::Incomplete),
        }
    }

    fn advance_body(&mut self, input: &[u8], now: Instant) -> (usize, Progress) {
        let Stage::Body(decoder, plan, body) = &mut self.stage else {
            return (0, Progress::Incomplete);
        };
        let mut used = 0;
        loop {
            let rest = &input[used..];
            let (count, step) = match decoder.step(rest) {
                Ok(read) => read,
                Err(_) if self.deferred.is_some() => {
                    self.is_retired = true;
                    return (input.len(), self.end_body(Body::default(), now));
                }
                Err(_) => return (used, Progress::Malformed),
            };
            let part = used..used + count;
            used += count;
            match step {
                Step::Incomplete => return (used, Progress::Incomplete),
                Step::Framing => {}
                Step::Data => {
                    body.length += count as u64;
                    match *plan {
                        BodyPlan::Stream => return (used, Progress::Part(part)),
                        BodyPlan::Keep(limit) => {
                            let stored = count.min(limit.saturating_sub(body.bytes.len()));
                            body.bytes.extend_from_slice(&rest[..stored]);
                        }
                        BodyPlan::Discard if body.length > head::DISCARDED_BYTES_MAX => {
                            self.is_retired = true;
                            return (used, self.end_body(Body::default(), now));
                        }
                        BodyPlan::Discard => {}
                    }
                }
                Step::End => {
                    let mut body = std::mem::take(body);
                    body.trailers = std::mem::take(&mut decoder.trailers);
                    return (used, self.end_body(body, now));
                }
            }
        }
    }

    /// Reads no more of a body; the next reply is the last one.
    pub fn give_up_body(&mut self) {
        self.is_retired = true;
        self.stage = Stage::Handling;
    }

    fn end_body(&mut self, body: Body, now: Instant) -> Progress {
        self.stage = Stage::Handling;
        self.deadlines.begin_handling();
        match self.deferred.take() {
            Some(reply) => {
                self.reply(reply, now);
                Progress::Replied
            }
            None => Progress::Body(body),
        }
    }

    /// Decides what becomes of the body, of which `advance` then reports parts and end.
    pub fn begin_body(&mut self, plan: BodyPlan, now: Instant) {
        let Some(request) = &self.request else {
            return;
        };
        let has_body = request.framing != BodyFraming::Length(0);
        if has_body && request.expects_continue && !matches!(plan, BodyPlan::Discard) {
            self.output.push("HTTP/1.1 100 Continue\r\n\r\n");
        }
        let mut body = Body::default();
        if let (BodyFraming::Length(length), BodyPlan::Keep(limit)) = (request.framing, plan) {
            let stored = usize::try_from(length).unwrap_or(limit).min(limit);
            body.bytes = spare::take(stored); // without memory it fails on the way
        }
        self.stage = Stage::Body(Decoder::new(request.framing), plan, body);
        self.flush(now);
    }
}
