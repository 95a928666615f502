//! HTTP/1.1 as a client of the Runtime API reads it: reply heads and their headers.
//!
//! Decisions, with the sections of RFC 9112 (or RFC 9110, where it says so):
//!
//! - A line ends in CRLF or LF (2.2 allows LF alone). A CR anywhere else is a byte like others,
//!   which makes a status, a name and what frames the body malformed, and stays in a value that a
//!   caller may have chosen. AWS's servers write none: Go's net/http replaces it by a space.
//! - A status line is `HTTP/1.`, a digit, a space, three digits from 100 on, and then nothing or a
//!   space and any reason (4).
//! - A name is at least one byte, and none of them is white space or a control byte, so there is
//!   no white space before the colon (5.1). A folded line is malformed, too, and not unfolded
//!   (5.2): it could belong to a header that frames the body, and AWS's servers send none.
//! - A value loses the spaces and tabs around it (RFC 9110, 5.5). All other bytes stay: callers
//!   choose some values (client context, request id), and no caller may end an environment.
//! - `Content-Length` is decimal digits alone; leading zeros are digits. Repeated with the same
//!   number it is accepted, with another one it is not; a list on one line is not (6.3, item 5, and
//!   RFC 9110, 8.6: either is allowed).
//! - `Transfer-Encoding` is `chunked`, once. No other coding, list or parameter: the runtime asks
//!   for none (6.1). Beside `Content-Length` it is malformed (6.3, item 3: ought to be an error).
//! - Both of these without a value are malformed, never absent. Replies with a status of 1xx, 204
//!   or 304 have no body, whatever these headers say (6.3, item 1).
//! - `Connection` is a list; further lines add to it (RFC 9110, 7.6.1). HTTP/1.0 closes always.
//! - The first value of any other header counts that is not empty.

use super::{Error, Parsed, find, part};

/// The headers that are looked for, in lower case: those that frame the message, then those whose
/// values are kept.
pub const KNOWN: &[&[u8]] = &[
    b"connection",
    b"transfer-encoding",
    b"content-length",
    b"lambda-runtime-aws-request-id",
    b"lambda-runtime-invocation-id",
    b"lambda-runtime-trace-id",
    #[cfg(feature = "lambda-extras")]
    b"lambda-runtime-aws-tenant-id",
];
/// So many of them frame the message.
pub const FRAMING: usize = 3;
/// The values that are kept; the indices below are theirs.
pub const VALUES: usize = KNOWN.len() - FRAMING;
/// The request id.
pub const REQUEST_ID: usize = 0;
/// The invocation id.
pub const INVOCATION_ID: usize = 1;
/// The trace id.
pub const TRACE_ID: usize = 2;
/// The tenant id, which log records have; not tracked without the feature `lambda-extras`.
pub const TENANT_ID: usize = 3;

/// The known names one behind the other, the length of each before it: a table of slices takes
/// 16 bytes a name.
static NAMES: [u8; NAMES_BYTES] = {
    let mut names = [0; NAMES_BYTES];
    let mut end = 0;
    let mut rest = KNOWN;
    while let [first, behind @ ..] = rest {
        let mut name = *first;
        names[end] = name.len() as u8;
        end += 1;
        while let [byte, more @ ..] = name {
            names[end] = *byte;
            end += 1;
            name = more;
        }
        rest = behind;
    }
    names
};
const NAMES_BYTES: usize = {
    let mut bytes = 0;
    let mut rest = KNOWN;
    while let [name, behind @ ..] = rest {
        bytes += 1 + name.len();
        rest = behind;
    }
    bytes
};

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The end of the connection. The first variant, so that a new head is all zeros.
    UntilClose,
    /// Its length.
    Sized,
    /// Its last chunk.
    Chunked,
    /// Nothing: the headers are malformed or contradict each other. Not after a whole head.
    Malformed,
}

/// Where a header's value, and the white space around it, stands in its head.
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
        trimmed(part(head, self.start as usize, self.end as usize))
    }
}

/// A text without the spaces and tabs around it.
#[inline(never)]
fn trimmed(text: &[u8]) -> &[u8] {
    let mut value = text;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The line from `start` to the LF at `end`, without the CR before that.
fn line_of(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    let line = part(bytes, start, end);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The head of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// 100 to 999.
    pub status: u16,
    /// The server will close after this message. An HTTP/1.0 server is taken to close always.
    pub close: bool,
    /// What ends its body.
    pub framing: Framing,
    /// The length of a sized body, in bytes; else 0.
    pub length: usize,
    /// The head's length in bytes, with its empty line.
    pub bytes: usize,
    /// The values that are kept.
    pub values: [Span; VALUES],
}

impl Head {
    /// Nothing read yet.
    pub const EMPTY: Head = Head {
        status: 0,
        close: false,
        framing: Framing::UntilClose,
        length: 0,
        bytes: 0,
        values: [Span::NONE; VALUES],
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
            let line = line_of(bytes, start, end);
            if start == 0 {
                self.status_line(line)?;
            } else if line.is_empty() {
                self.bytes = end + 1;
                return self.finish();
            } else {
                self.field(line, start)?;
            }
            start = end + 1;
        }
    }

    /// `HTTP/1.x NNN[ reason]`.
    #[inline(never)]
    fn status_line(&mut self, line: &[u8]) -> Result<(), Error> {
        const SHAPE: &[u8] = b"HTTP/1.0 000 "; // a zero stands for any digit
        let fits = |(byte, shape): (&u8, &u8)| byte ^ shape <= if *shape == b'0' { 9 } else { 0 };
        // A line that is too short for it has no status.
        let status = decimal(part(line, 9, 12)).unwrap_or_default();
        self.status = status as u16;
        self.close = line.get(7) == Some(&b'0');
        if line.iter().zip(SHAPE).all(fits) && status >= 100 {
            Ok(())
        } else {
            Err(Error::StatusLine)
        }
    }

    /// Notes the value of a header line, which begins at `start`, if its name is one of the known.
    #[inline(never)]
    fn field(&mut self, line: &[u8], start: usize) -> Result<(), Error> {
        let name_end = line.iter().position(|byte| *byte <= b' ' || *byte == b':');
        let colon = name_end.unwrap_or_default();
        if colon == 0 || line.get(colon) != Some(&b':') {
            return Err(Error::HeaderLine);
        }
        let index = known(part(line, 0, colon));
        let value = trimmed(part(line, colon + 1, line.len()));
        let (framing, length) = match index {
            0 => {
                self.close |= has_close(value);
                return Ok(());
            }
            1 if same(value, b"chunked") => (Framing::Chunked, 0),
            1 => (Framing::Malformed, 0),
            2 => decimal(value).map_or((Framing::Malformed, 0), |length| (Framing::Sized, length)),
            _ => {
                if let Some(span) = self.values.get_mut(index - FRAMING)
                    && span.end == 0
                    && !value.is_empty()
                {
                    *span = Span {
                        start: (start + colon + 1) as u32,
                        end: (start + line.len()) as u32,
                    };
                }
                return Ok(());
            }
        };
        // There may be one such header, or the same length again.
        let again = framing == Framing::Sized && self.framing == framing && self.length == length;
        let first = self.framing == Framing::UntilClose;
        self.framing = if first || again {
            framing
        } else {
            Framing::Malformed
        };
        self.length = length;
        Ok(())
    }

    /// The head is whole: settles where the body ends.
    fn finish(&mut self) -> Result<Parsed<()>, Error> {
        if self.status < 200 || self.status == 204 || self.status == 304 {
            self.framing = Framing::Sized;
            self.length = 0;
        }
        self.close |= self.framing == Framing::UntilClose;
        if self.framing == Framing::Malformed {
            return Err(Error::Framing);
        }
        Ok(Parsed::Complete(()))
    }
}

/// The index of a name among those that are known; beyond them when it is none.
#[inline(never)]
fn known(name: &[u8]) -> usize {
    let mut index = 0;
    let mut names = NAMES.as_slice();
    while let [bytes, rest @ ..] = names
        && let Some((known, behind)) = rest.split_at_checked((*bytes).into())
        && !same(name, known)
    {
        names = behind;
        index += 1;
    }
    index
}

/// Whether `close` is among the options of a `Connection` header.
#[inline(never)]
fn has_close(options: &[u8]) -> bool {
    const CLOSE: u64 = 0x63_6c6f_7365;
    let mut option = 0;
    for &byte in options {
        if byte > b' ' && byte != b',' {
            option = option << 8 | u64::from(byte | 0x20); // in lower case
        } else if option == CLOSE {
            break;
        } else {
            option = 0;
        }
    }
    option == CLOSE
}

/// The value of the first header of that name (in lower case) in a whole head; absent and empty
/// alike are `None`.
pub fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut start = find(head, 0, b'\n') + 1;
    while start < head.len() {
        let end = find(head, start, b'\n');
        let line = line_of(head, start, end);
        let colon = find(line, 0, b':');
        if same(part(line, 0, colon), name) {
            let value = trimmed(part(line, colon + 1, line.len()));
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
