//! The answer to a request: records, in which there is a CGI head (RFC 3875, 6) and a body.

use crate::buffer::FixedBytes;
use crate::diagnostics::diagnostic_by_deadline;
use crate::host::protocol::ProcessError;
use crate::host::receive::ExchangeError;
use crate::host::web::exchange::Exchange;
use crate::host::web::reply::Reply;
use crate::limits::ANSWER_HEAD_BYTES_MAX;
use crate::wire::fastcgi::{Piece, RecordReader};
use crate::wire::http1::{Head, HeadFormat, Span, pack, packed_bytes};
use crate::wire::number::parse_decimal;
use crate::wire::{Parsed, find_from, slice_or_empty};

/// The headers of a CGI head that decide the status.
const TRACKED: &[&[u8]] = &[b"status", b"location"];

static NAMES: [u8; packed_bytes(TRACKED)] = pack(TRACKED);

static FORMAT: HeadFormat = HeadFormat {
    has_status_line: false,
    names: &NAMES,
};

/// Takes an answer.
pub trait AnswerSink {
    /// Collects a piece of the head, as much as fits into `ANSWER_HEAD_BYTES_MAX`.
    fn collect_head(&mut self, piece: &[u8]);
    /// The part of the head that was collected, and bytes behind it.
    fn collected_head(&self) -> &[u8];
    /// The head is whole: its status, and its length.
    fn start(&mut self, status: u16, head_bytes: usize);
    /// Takes a piece of the body. False: nobody takes more of it.
    fn write(&mut self, piece: &[u8]) -> bool;
}

impl AnswerSink for Reply<'_> {
    fn collect_head(&mut self, piece: &[u8]) {
        Reply::collect_head(self, piece);
    }

    fn collected_head(&self) -> &[u8] {
        Reply::collected_head(self)
    }

    fn start(&mut self, status: u16, head_bytes: usize) {
        self.start_collected(status, head_bytes);
    }

    fn write(&mut self, piece: &[u8]) -> bool {
        Reply::write(self, piece)
    }
}

/// Takes the status alone.
pub struct StatusSink<'a> {
    /// The status; 0: there is none yet.
    pub status: u16,
    /// Memory for the head.
    pub head: &'a mut FixedBytes<ANSWER_HEAD_BYTES_MAX>,
}

impl AnswerSink for StatusSink<'_> {
    fn collect_head(&mut self, piece: &[u8]) {
        self.head.push(piece);
    }

    fn collected_head(&self) -> &[u8] {
        self.head.as_bytes()
    }

    fn start(&mut self, status: u16, _: usize) {
        self.status = status;
    }

    fn write(&mut self, _: &[u8]) -> bool {
        true
    }
}

/// How an answer ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is complete, and the connection is ready for the next request.
    Complete,
    /// Nobody takes more of it, or the server has not read the whole request: the connection is to
    /// be closed.
    Early,
}

/// Why there is no answer.
pub enum AnswerError {
    /// The connection is closed, or the process has failed.
    Exchange(ExchangeError),
    /// The script has broken the rules of CGI: what it did.
    Script(&'static [u8]),
}

impl From<ExchangeError> for AnswerError {
    fn from(error: ExchangeError) -> AnswerError {
        AnswerError::Exchange(error)
    }
}

const VIOLATION: AnswerError =
    AnswerError::Exchange(ExchangeError::Process(ProcessError::ProtocolViolation));

/// Reads an answer to its end.
pub fn read_answer(
    exchange: &mut Exchange<'_>,
    reply: &mut dyn AnswerSink,
) -> Result<Ended, AnswerError> {
    let mut records = RecordReader::default();
    let mut has_head = false;
    loop {
        let (bytes, piece) = records.read(exchange.unread()).map_err(|error| {
            diagnostic_by_deadline(b"PHP violates the protocol: ", error.text());
            VIOLATION
        })?;
        match piece {
            Piece::Stdout(output) => {
                let is_wanted = if has_head {
                    reply.write(output)
                } else {
                    let before = reply.collected_head().len();
                    reply.collect_head(output);
                    match read_head(reply, output)? {
                        Some(head_bytes) => {
                            has_head = true;
                            let body = slice_or_empty(output, head_bytes - before, output.len());
                            body.is_empty() || reply.write(body)
                        }
                        None => true,
                    }
                };
                if !is_wanted {
                    return Ok(Ended::Early);
                }
            }
            Piece::Stderr(_) => {
                exchange.consume_as_output(bytes);
                continue;
            }
            Piece::End(0) if has_head && exchange.is_sent() => {
                exchange.consume(bytes);
                return Ok(Ended::Complete);
            }
            Piece::End(0) if has_head => return Ok(Ended::Early),
            Piece::End(0) => return Err(AnswerError::Script(NO_HEAD)),
            Piece::End(_) => return Err(AnswerError::Script(REFUSED)),
            Piece::Values => return Err(VIOLATION),
            Piece::Framing if bytes == 0 => {
                exchange.fill()?;
                continue;
            }
            Piece::Framing => {}
        }
        exchange.consume(bytes);
    }
}

const NO_HEAD: &[u8] = b"it ended without the headers of an answer";
const REFUSED: &[u8] = b"PHP's FastCGI server refused the request";
const MALFORMED_HEAD: &[u8] = b"a header line of its answer is malformed";
const HEAD_TOO_LONG: &[u8] = b"the headers of its answer are longer than 65536 bytes";

const _: () = assert!(ANSWER_HEAD_BYTES_MAX == 65_536);

/// Reads the head that was collected, if it is whole, and starts the reply. Returns its length.
fn read_head(reply: &mut dyn AnswerSink, new: &[u8]) -> Result<Option<usize>, AnswerError> {
    // A head ends with a line.
    if find_from(new, 0, b'\n') < new.len() {
        let mut head = Head::<[Span; TRACKED.len()]>::EMPTY;
        let collected = reply.collected_head();
        match (&mut head as &mut Head).read(&FORMAT, collected) {
            Ok(Parsed::Complete(())) => {
                let [status, location] = &head.values;
                let status = match (status.get(collected), location.get(collected)) {
                    (b"", b"") => 200,
                    // A redirect of the client (RFC 3875, 6.2.3).
                    (b"", _) => 302,
                    (text, _) => status_number(text),
                };
                reply.start(status, head.bytes);
                return Ok(Some(head.bytes));
            }
            Ok(Parsed::Partial) => {}
            Err(_) => return Err(AnswerError::Script(MALFORMED_HEAD)),
        }
    }
    if reply.collected_head().len() >= ANSWER_HEAD_BYTES_MAX {
        return Err(AnswerError::Script(HEAD_TOO_LONG));
    }
    Ok(None)
}

/// The number in `404 Not Found`; 0: there is none that is a status.
fn status_number(text: &[u8]) -> u16 {
    let digits = slice_or_empty(text, 0, find_from(text, 0, b' ').min(text.len()));
    let number = parse_decimal(digits).unwrap_or_default();
    number.min(u16::MAX.into()) as u16
}
