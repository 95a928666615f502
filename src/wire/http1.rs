//! HTTP/1.1 as a client of the Runtime API reads it: reply heads and their headers.
//!
//! Lines end in LF, with or without a CR before it; names compare without case; values are any
//! bytes but LF, trimmed of white space and control bytes. Values stay that liberal because callers
//! choose some of them (a client context, a request id) and no caller may end an environment. What
//! frames the body is read strictly (RFC 9112, 6.3): a doubt there would mix up two events.

use super::{Error, Parsed, find, part};

/// How many headers are found on the way.
pub const KNOWN_COUNT: usize = if cfg!(feature = "platform") { 7 } else { 6 };

/// The headers that are found on the way, in lower case; the indices below are theirs.
pub static KNOWN: [&[u8]; KNOWN_COUNT] = [
    b"content-length",
    b"transfer-encoding",
    b"connection",
    b"lambda-runtime-aws-request-id",
    b"lambda-runtime-invocation-id",
    b"lambda-runtime-trace-id",
    #[cfg(feature = "platform")]
    b"lambda-runtime-aws-tenant-id",
];
/// So many of them, the first ones, say how a message is framed.
pub const FRAMING_COUNT: usize = 3;
/// The index of the request id.
pub const REQUEST_ID: usize = 3;
/// The index of the invocation id.
pub const INVOCATION_ID: usize = 4;
/// The index of the trace id.
pub const TRACE_ID: usize = 5;
/// The index of the tenant id, which log records have.
#[cfg(feature = "platform")]
pub const TENANT_ID: usize = 6;

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Length(usize),
    /// In chunks.
    Chunked,
    /// All until the server closes.
    UntilClose,
}

/// Where the value of a header stands in its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// No value.
    pub const NONE: Span = Span { start: 0, end: 0 };

    /// The value; empty when there is none.
    pub fn of(self, head: &[u8]) -> &[u8] {
        part(head, self.start as usize, self.end as usize)
    }

    /// `head[start..end]` without the white space, and control bytes, around it.
    #[inline(never)]
    fn trimmed(head: &[u8], start: usize, end: usize) -> Span {
        let (mut start, mut end) = (start, end);
        let blank = |at: usize| head.get(at).is_some_and(|byte| *byte <= b' ');
        while start < end && blank(start) {
            start += 1;
        }
        while start < end && blank(end - 1) {
            end -= 1;
        }
        Span {
            start: start as u32,
            end: end as u32,
        }
    }
}

/// The head of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// 100 to 999.
    pub status: u16,
    /// The server will close after this message. An HTTP/1.0 server is taken to close always.
    pub close: bool,
    /// Where its body ends. Interim replies and 204 and 304 have none.
    pub framing: Framing,
    /// The head's length in bytes, with its empty line.
    pub bytes: usize,
    /// The values of the `KNOWN` headers.
    pub values: [Span; KNOWN_COUNT],
}

impl Head {
    /// Nothing read yet.
    pub const EMPTY: Head = Head {
        status: 0,
        close: false,
        framing: Framing::Length(0),
        bytes: 0,
        values: [Span::NONE; KNOWN_COUNT],
    };

    /// Reads the head of a reply from its first byte, in one pass.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Parsed<()>, Error> {
        *self = Head::EMPTY;
        let mut start = 0;
        loop {
            let end = find(bytes, start, b'\n');
            if end >= bytes.len() {
                return Ok(Parsed::Partial);
            }
            if start == 0 {
                self.status_line(part(bytes, 0, end))?;
            } else if matches!(part(bytes, start, end), b"" | b"\r") {
                self.bytes = end + 1;
                return self.frame(bytes).map(Parsed::Complete);
            } else {
                self.field(bytes, start, end)?;
            }
            start = end + 1;
        }
    }

    /// `HTTP/1.x NNN[ reason]`.
    #[inline(never)]
    fn status_line(&mut self, line: &[u8]) -> Result<(), Error> {
        const SHAPE: &[u8] = b"HTTP/1.0 000"; // a zero stands for any digit
        let fits = |(byte, shape): (&u8, &u8)| match shape {
            b'0' => byte.is_ascii_digit(),
            _ => byte == shape,
        };
        let status = decimal(part(line, 9, SHAPE.len())).unwrap_or_default();
        self.status = status as u16;
        self.close = line.get(7) == Some(&b'0');
        let end = line.get(SHAPE.len()).copied().unwrap_or(b' ');
        if line.iter().zip(SHAPE).all(fits) && status >= 100 && matches!(end, b' ' | b'\r') {
            Ok(())
        } else {
            Err(Error::StatusLine)
        }
    }

    /// Notes the value of a header line, if it is one of the known. The first of a name that is not
    /// empty counts, and where it says how the message is framed, no second may come.
    #[inline(never)]
    fn field(&mut self, bytes: &[u8], start: usize, end: usize) -> Result<(), Error> {
        let colon = find(bytes, start, b':');
        let name = part(bytes, start, colon);
        if colon >= end || name.first().is_none_or(|byte| *byte <= b' ') {
            return Err(Error::HeaderLine);
        }
        for (index, (known, span)) in KNOWN.iter().zip(&mut self.values).enumerate() {
            if !same(name, known) {
                continue;
            }
            if span.start == span.end {
                *span = Span::trimmed(bytes, colon + 1, end);
            } else if index < FRAMING_COUNT {
                return Err(Error::HeaderLine);
            }
        }
        Ok(())
    }

    /// Finds where the body ends.
    fn frame(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let [length, encoding, connection, ..] = &self.values;
        if same(connection.of(bytes), b"close") {
            self.close = true;
        }
        if self.status < 200 || self.status == 204 || self.status == 304 {
            return Ok(());
        }
        self.framing = if encoding.end != 0 {
            if length.end != 0 || !same(encoding.of(bytes), b"chunked") {
                return Err(Error::Length);
            }
            Framing::Chunked
        } else if length.end != 0 {
            Framing::Length(decimal(length.of(bytes)).ok_or(Error::Length)?)
        } else {
            self.close = true;
            Framing::UntilClose
        };
        Ok(())
    }
}

/// The value of the first header of that name (in lower case) in a whole head; absent and empty
/// alike are `None`.
pub fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut start = find(head, 0, b'\n') + 1;
    while start < head.len() {
        let end = find(head, start, b'\n');
        let colon = find(head, start, b':');
        if same(part(head, start, colon), name) {
            let value = Span::trimmed(head, colon + 1, end).of(head);
            if !value.is_empty() {
                return Some(value);
            }
        }
        start = end + 1;
    }
    None
}

/// A number of decimal digits alone; `None` when it is empty, something else or too large.
#[inline(never)]
pub fn decimal(text: &[u8]) -> Option<usize> {
    let mut number: usize = 0;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(digit.into())?;
    }
    (!text.is_empty()).then_some(number)
}

/// Whether a text is that one but for case; `lower` is in lower case. (The standard library's own
/// takes 350 bytes, and can panic.)
#[inline(never)]
fn same(text: &[u8], lower: &[u8]) -> bool {
    text.len() == lower.len()
        && text
            .iter()
            .zip(lower)
            .all(|(byte, lower)| byte.to_ascii_lowercase() == *lower)
}
