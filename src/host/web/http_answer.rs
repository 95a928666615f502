//! Answers of a web server, read into a [`Reply`].

use crate::buffer::FixedBytes;
use crate::host::protocol::ProcessError;
use crate::host::receive::ExchangeError;
use crate::host::web::exchange::Exchange;
use crate::host::web::reply::Reply;
use crate::wire::chunk::Decoder;
use crate::wire::http1::{Framing, Head, HeadFormat, Span, pack, packed_bytes};
use crate::wire::{Error, Parsed, find_from, slice_or_empty};

/// The headers that frame an answer, and no others.
const FORMAT: HeadFormat = HeadFormat {
    has_status_line: true,
    names: &pack::<{ packed_bytes(&[]) }>(&[]),
};

/// The most bytes of a malformed part that a message shows.
const SHOWN_BYTES_MAX: usize = 100;

/// The status of an answer that changes the protocol.
const SWITCHING_PROTOCOLS: u16 = 101;

/// Why there is no answer, or not all of it.
pub enum Fault {
    /// The connection was closed before a byte of it came.
    NoAnswer,
    /// The connection was closed before its end.
    CutShort,
    /// It is malformed, from these bytes on.
    Malformed(Error, FixedBytes<SHOWN_BYTES_MAX>),
    /// It changes the protocol.
    SwitchesProtocols,
    /// The process has exited, or the time is over.
    Process(ProcessError),
}

impl From<ProcessError> for Fault {
    fn from(error: ProcessError) -> Fault {
        Fault::Process(error)
    }
}

/// An answer that was read.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// The connection can be used again.
    pub keeps_connection: bool,
}

/// Sends the request, and reads the answer into the reply, if there is one. `is_head`: it has no
/// body because of the method.
pub fn read_answer(
    exchange: &mut Exchange<'_>,
    is_head: bool,
    mut reply: Option<&mut Reply<'_>>,
) -> Result<Answer, Fault> {
    let mut head = read_head(exchange)?;
    if let Some(reply) = &mut reply {
        let bytes = exchange.unread();
        let lines_start = find_from(bytes, 0, b'\n') + 1;
        reply.start(head.status, slice_or_empty(bytes, lines_start, head.bytes));
    }
    exchange.consume(head.bytes);
    if is_head {
        head.framing = Framing::NoBody;
    }
    let is_whole = match head.framing {
        Framing::NoBody => true,
        Framing::UntilClose => read_until_close(exchange, reply)?,
        Framing::Sized | Framing::Chunked => {
            let is_chunked = head.framing == Framing::Chunked;
            read_body(exchange, Decoder::new(is_chunked, head.length), reply)?
        }
    };
    Ok(Answer {
        status: head.status,
        // Bytes behind it belong to no request.
        keeps_connection: is_whole
            && !head.close
            && exchange.is_sent()
            && exchange.unread().is_empty(),
    })
}

/// Reads the head of the answer, and reads over heads that only announce it (1xx).
fn read_head(exchange: &mut Exchange<'_>) -> Result<Head<[Span; 0]>, Fault> {
    let mut head = Head::EMPTY;
    let mut searched = 0;
    loop {
        let bytes = exchange.unread();
        // A head ends with a line: a part of one is not read again and again.
        let has_line = find_from(bytes, searched, b'\n') < bytes.len();
        searched = bytes.len();
        let reader: &mut Head = &mut head;
        match reader.read(&FORMAT, if has_line { bytes } else { b"" }) {
            Err(error) => return Err(malformed(error, exchange, reader.bytes)),
            Ok(Parsed::Complete(())) if reader.status == SWITCHING_PROTOCOLS => {
                return Err(Fault::SwitchesProtocols);
            }
            Ok(Parsed::Complete(())) if reader.status >= 200 => return Ok(head),
            Ok(Parsed::Complete(())) => {
                exchange.consume(head.bytes);
                searched = 0;
            }
            Ok(Parsed::Partial) => match exchange.fill() {
                Err(ExchangeError::Process(ProcessError::ProtocolViolation)) => {
                    return Err(malformed(Error::HeadTooLong, exchange, 0));
                }
                filled => filled.map_err(|error| closed(error, exchange))?,
            },
        }
    }
}

/// Reads a body of a known length, or in chunks. False: nobody takes the rest of it.
fn read_body(
    exchange: &mut Exchange<'_>,
    mut decoder: Decoder,
    mut reply: Option<&mut Reply<'_>>,
) -> Result<bool, Fault> {
    loop {
        let bytes = exchange.unread();
        let progress = decoder.read(bytes);
        let progress = progress.map_err(|error| malformed(error, exchange, 0))?;
        let end = progress.framing + progress.data;
        let piece = slice_or_empty(bytes, progress.framing, end);
        if reply.as_mut().is_some_and(|reply| !reply.write(piece)) {
            return Ok(false);
        }
        exchange.consume(end);
        if decoder.is_done() {
            return Ok(true);
        }
        if end == 0 {
            receive_data(exchange, &mut decoder, reply.as_deref_mut())
                .map_err(|error| closed(error, exchange))?;
        }
    }
}

/// Receives data straight into their place, where that is possible; else anything.
fn receive_data(
    exchange: &mut Exchange<'_>,
    decoder: &mut Decoder,
    reply: Option<&mut Reply<'_>>,
) -> Result<(), ExchangeError> {
    let mut outcome = Ok(0);
    if let Some(reply) = reply {
        let got = reply.receive(decoder.data_left(), &mut |free| {
            outcome = exchange.receive_into(free);
            *outcome.as_ref().unwrap_or(&0)
        });
        decoder.skip(got);
    }
    match outcome {
        Ok(0) => exchange.fill(),
        _ => outcome.map(drop),
    }
}

/// Reads a body that ends with the connection. False: as above.
fn read_until_close(
    exchange: &mut Exchange<'_>,
    mut reply: Option<&mut Reply<'_>>,
) -> Result<bool, Fault> {
    loop {
        let bytes = exchange.unread();
        if reply.as_mut().is_some_and(|reply| !reply.write(bytes)) {
            return Ok(false);
        }
        let bytes = bytes.len();
        exchange.consume(bytes);
        match exchange.fill() {
            Ok(()) => {}
            Err(ExchangeError::Closed) if !exchange.was_reset() => return Ok(true),
            Err(error) => return Err(closed(error, exchange)),
        }
    }
}

fn closed(error: ExchangeError, exchange: &Exchange<'_>) -> Fault {
    match error {
        ExchangeError::Process(error) => Fault::Process(error),
        _ if exchange.has_received() => Fault::CutShort,
        _ => Fault::NoAnswer,
    }
}

fn malformed(error: Error, exchange: &Exchange<'_>, at: usize) -> Fault {
    let bytes = exchange.unread();
    let end = find_from(bytes, at, b'\n').min(at + SHOWN_BYTES_MAX);
    let mut shown = FixedBytes::new();
    shown.set(slice_or_empty(bytes, at, end.min(bytes.len())));
    Fault::Malformed(error, shown)
}
