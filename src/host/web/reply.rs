//! The answer to an event: made of the head and the body that an application sends.

use crate::buffer::{Buffer, FixedBytes};
use crate::diagnostics::diagnostic_by_deadline;
use crate::host::errors::set;
use crate::host::protocol::EventError;
use crate::host::web::Settings;
use crate::http_event::{AnswerHead, Source, TooLarge, reason, write_answer, write_prelude};
use crate::limits::{ANSWER_HEAD_BYTES_MAX, RESPONSE_BYTES_MAX};
use crate::response::Response;
use crate::stream::HTTP_INTEGRATION_TYPE;
use crate::wire::http1::HeaderLines;
use crate::wire::number::Decimal;

/// What is answered.
#[derive(Clone, Copy)]
pub enum ReplyTo {
    /// A request of this source.
    Request {
        /// Decides the shape of the answer.
        source: Source,
        /// Its method is HEAD: there is no body.
        is_head: bool,
    },
    /// An event that is no request: the answer is the body alone.
    Event,
}

/// What becomes of the body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyTo {
    /// It is stored until its end.
    Buffer,
    /// Each piece is sent at once.
    Stream,
    /// There ought to be none.
    Nowhere,
}

/// The answer to one event.
pub struct Reply<'a> {
    to: ReplyTo,
    /// The answer is to be streamed.
    streams: bool,
    body_to: BodyTo,
    status: u16,
    too_large: bool,
    head: &'a mut FixedBytes<ANSWER_HEAD_BYTES_MAX>,
    body: &'a mut FixedBytes<RESPONSE_BYTES_MAX>,
    response: &'a mut Response,
}

impl<'a> Reply<'a> {
    /// Nothing of it yet. Takes the regions of the answer.
    pub fn new(
        to: ReplyTo,
        settings: &Settings,
        head: &'a mut FixedBytes<ANSWER_HEAD_BYTES_MAX>,
        body: &'a mut FixedBytes<RESPONSE_BYTES_MAX>,
        response: &'a mut Response,
    ) -> Reply<'a> {
        let streams = matches!(to, ReplyTo::Request { .. }) && settings.streams_answer();
        head.set(b"");
        body.set(b"");
        Reply {
            to,
            streams,
            body_to: BodyTo::Buffer,
            status: 0,
            too_large: false,
            head,
            body,
            response,
        }
    }

    /// Takes the head: the status, and the header lines without a start line. A status that no
    /// answer has becomes 502.
    pub fn start(&mut self, status: u16, lines: &[u8]) {
        self.head.set(lines);
        self.start_collected(status, lines.len());
    }

    /// Collects a piece of the head, as much as fits.
    pub fn collect_head(&mut self, piece: &[u8]) {
        self.head.push(piece);
    }

    /// The part of the head that was collected.
    pub fn collected_head(&self) -> &[u8] {
        self.head.as_bytes()
    }

    /// The same as [`start`](Reply::start), with the first bytes of what was collected as the
    /// header lines.
    pub fn start_collected(&mut self, status: u16, head_bytes: usize) {
        self.status = status;
        self.head.truncate(head_bytes);
        let ReplyTo::Request { source, is_head } = self.to else {
            return;
        };
        let is_bad = !(200..=599).contains(&status);
        if is_bad {
            let number = Decimal::new(status.into());
            diagnostic_by_deadline(
                b"answered with 502, the application's status is outside of 200 to 599: ",
                number.as_bytes(),
            );
            self.status = 502;
            self.head.set(TEXT);
        }
        if is_head || matches!(status, 204 | 304) {
            self.body_to = BodyTo::Nowhere;
        }
        if self.streams {
            let head = AnswerHead {
                status: self.status,
                lines: HeaderLines::without_start_line(self.head.as_bytes()),
            };
            let is_started = begin_stream(source, &head, self.response);
            if is_started && self.body_to == BodyTo::Buffer {
                self.body_to = BodyTo::Stream;
            }
        }
        if is_bad {
            self.write(b"Bad Gateway\n");
            self.body_to = BodyTo::Nowhere;
        }
    }

    /// Takes a piece of the body. False: nobody takes more of it, so there is no reason to read on.
    pub fn write(&mut self, piece: &[u8]) -> bool {
        match self.body_to {
            BodyTo::Nowhere => true,
            BodyTo::Stream => self.response.write(piece).is_ok(),
            BodyTo::Buffer => {
                self.too_large |= !self.body.try_push(piece);
                !self.too_large
            }
        }
    }

    /// Has `read` write at most `bytes_max` bytes of the body to their place, where they have one.
    /// It returns their number, as this does; it is not called where there is none.
    pub fn receive(&mut self, bytes_max: usize, read: &mut dyn FnMut(&mut [u8]) -> usize) -> usize {
        match self.body_to {
            BodyTo::Buffer => self.body.read_at_most(bytes_max, read),
            BodyTo::Stream | BodyTo::Nowhere => 0,
        }
    }

    /// Whether the answer has no body because of the method.
    pub fn is_to_head(&self) -> bool {
        matches!(self.to, ReplyTo::Request { is_head: true, .. })
    }

    /// Writes the response.
    ///
    /// # Errors
    /// `Function.HttpStatus`, where an event that is no request was answered with a status of 400
    /// or more. (A response that is too long has that as its error already.)
    pub fn finish(self) -> Result<(), EventError> {
        if self.response.is_streamed() {
            return Ok(());
        }
        if self.too_large {
            self.response.fail_too_large();
            return Ok(());
        }
        match self.to {
            ReplyTo::Request { source, .. } => {
                let head = AnswerHead {
                    status: self.status,
                    lines: HeaderLines::without_start_line(self.head.as_bytes()),
                };
                write_to(source, &head, self.body.as_bytes(), self.response);
                Ok(())
            }
            ReplyTo::Event if self.status >= 400 => {
                let number = Decimal::new(self.status.into());
                let message: [&[u8]; 2] = [
                    b"the application answered the event with the HTTP status ",
                    number.as_bytes(),
                ];
                let error_type = set(self.response, "Function.HttpStatus", &message);
                Err(EventError::Reported(error_type))
            }
            ReplyTo::Event => {
                let _ = self.response.write(self.body.as_bytes());
                Ok(())
            }
        }
    }
}

/// The header line of an answer of our own that is a text.
pub const TEXT: &[u8] = b"Content-Type: text/plain; charset=utf-8\r\n";

/// Begins a streamed answer: the writes that follow are its body. False: it cannot be streamed.
fn begin_stream(source: Source, head: &AnswerHead<'_>, response: &mut Response) -> bool {
    let write = &mut |buffer: &mut Buffer| {
        write_prelude(source, head, &mut |piece| buffer.append(piece));
    };
    response.start_stream(HTTP_INTEGRATION_TYPE, write).is_ok()
}

/// Writes an answer of our own: a status, its name, and a reason (which may be empty).
pub fn write_own_answer(
    source: Source,
    streams: bool,
    status: u16,
    why: &[u8],
    response: &mut Response,
) {
    let mut body = FixedBytes::<512>::new();
    body.push(reason(status));
    if !why.is_empty() {
        body.push(b": ");
        body.push(why);
    }
    body.push(b"\n");
    let head = AnswerHead {
        status,
        lines: HeaderLines::without_start_line(TEXT),
    };
    if streams && begin_stream(source, &head, response) {
        let _ = response.write(body.as_bytes());
    } else {
        write_to(source, &head, body.as_bytes(), response);
    }
}

/// Writes an answer into a response.
pub fn write_to(source: Source, head: &AnswerHead<'_>, body: &[u8], response: &mut Response) {
    let buffer = response.buffer();
    let written = write_answer(source, head, body, RESPONSE_BYTES_MAX, &mut |piece| {
        buffer.append(piece);
    });
    if let Err(TooLarge) = written {
        response.clear();
        response.fail_too_large();
    }
}
