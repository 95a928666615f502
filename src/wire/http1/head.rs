//! The reader of a head: one pass from its first byte.

use super::table::{FRAMING_HEADERS, HeadFormat};
use crate::wire::number::parse_decimal;
use crate::wire::{Error, Parsed, find_from, slice_or_empty};

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By the end of the connection; in a CGI head, by its carrier. The first variant, so that a
    /// new head is all zeros.
    UntilClose,
    /// By the status: there is no body.
    NoBody,
    /// By its length.
    Sized,
    /// By its last chunk.
    Chunked,
}

/// The place of a header's value, with the white space around it, in its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// No value.
    pub const NONE: Span = Span { start: 0, end: 0 };

    /// The value in `head`; empty when there is none.
    pub fn get(self, head: &[u8]) -> &[u8] {
        trimmed(slice_or_empty(head, self.start as usize, self.end as usize))
    }
}

/// The head of a reply. `Head<[Span; N]>` keeps the values of a table of `N` headers; one compiled
/// reader, that of `Head<[Span]>`, serves tables of any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<V: ?Sized = [Span]> {
    /// 100 to 999; of a CGI head 200, whatever the value of its header `Status`.
    pub status: u16,
    /// The server will close after this message. An HTTP/1.0 server is taken to close always.
    pub close: bool,
    /// How the end of its body is determined.
    pub framing: Framing,
    /// The length of a sized body, in bytes; else 0.
    pub length: usize,
    /// The head's length in bytes, with its empty line. Of a head that is not whole, or malformed:
    /// where the last line begins that was read.
    pub bytes: usize,
    /// The values of the tracked headers, in the order of the table.
    pub values: V,
}

impl<const N: usize> Head<[Span; N]> {
    /// Nothing read yet.
    pub const EMPTY: Self = Head {
        status: 0,
        close: false,
        framing: Framing::UntilClose,
        length: 0,
        bytes: 0,
        values: [Span::NONE; N],
    };
}

impl Head {
    /// Reads a head from its first byte.
    ///
    /// # Errors
    /// The fault of the first malformed line, which begins at `self.bytes`.
    pub fn read(&mut self, format: &HeadFormat, bytes: &[u8]) -> Result<Parsed<()>, Error> {
        self.status = 200;
        self.close = false;
        self.framing = Framing::UntilClose;
        self.length = 0;
        self.bytes = 0;
        self.values.fill(Span::NONE);
        loop {
            let start = self.bytes;
            let end = find_from(bytes, start, b'\n');
            if end >= bytes.len() {
                return Ok(Parsed::Partial);
            }
            let line = line_of(bytes, start, end);
            if start == 0 && format.has_status_line {
                self.parse_status_line(line)?;
            } else if line.is_empty() {
                self.bytes = end + 1;
                self.close |= self.framing == Framing::UntilClose;
                return Ok(Parsed::Complete(()));
            } else {
                self.parse_header_line(format, line)?;
            }
            self.bytes = end + 1;
        }
    }

    /// `HTTP/1.x NNN[ reason]`.
    #[inline(never)]
    fn parse_status_line(&mut self, line: &[u8]) -> Result<(), Error> {
        const SHAPE: &[u8] = b"HTTP/1.0 000 "; // a zero means any digit
        let fits = |(byte, shape): (&u8, &u8)| byte ^ shape <= if *shape == b'0' { 9 } else { 0 };
        // A line that is too short for it has no status.
        let status = parse_decimal(slice_or_empty(line, 9, 12)).unwrap_or_default();
        self.status = status as u16;
        self.close = line.get(7) == Some(&b'0');
        if self.status < 200 || self.status == 204 || self.status == 304 {
            self.framing = Framing::NoBody;
        }
        if line.iter().zip(SHAPE).all(fits) && status >= 100 {
            Ok(())
        } else {
            Err(Error::StatusLine)
        }
    }

    /// Notes the value of a header line, which begins at `self.bytes`, if the table has its name.
    #[inline(never)]
    fn parse_header_line(&mut self, format: &HeadFormat, line: &[u8]) -> Result<(), Error> {
        let name_end = line.iter().position(|byte| *byte <= b' ' || *byte == b':');
        let colon = name_end.unwrap_or_default();
        if colon == 0 || line.get(colon) != Some(&b':') {
            return Err(Error::HeaderLine);
        }
        let index = index_of(format.names, slice_or_empty(line, 0, colon));
        let value = trimmed(slice_or_empty(line, colon + 1, line.len()));
        if index == 0 {
            self.close |= has_close(value);
        } else if index < FRAMING_HEADERS.len() {
            if format.has_status_line && self.framing != Framing::NoBody {
                return self.determine_framing(index == 1, value);
            }
        } else if let Some(span) = self.values.get_mut(index - FRAMING_HEADERS.len())
            && span.end == 0
            && !value.is_empty()
        {
            *span = Span {
                start: (self.bytes + colon + 1) as u32,
                end: (self.bytes + line.len()) as u32,
            };
        }
        Ok(())
    }

    /// Handles the value of `Transfer-Encoding` or `Content-Length`. There may be one such header,
    /// or the same length again.
    fn determine_framing(&mut self, is_encoding: bool, value: &[u8]) -> Result<(), Error> {
        let (framing, length, fault) = if is_encoding {
            let is_chunked = eq_ignore_ascii_case_lower(value, b"chunked");
            let length = is_chunked.then_some(0);
            (Framing::Chunked, length, Error::TransferEncoding)
        } else {
            (Framing::Sized, parse_decimal(value), Error::ContentLength)
        };
        let length = length.ok_or(fault)?;
        if self.framing != Framing::UntilClose {
            if self.framing != framing {
                return Err(Error::FramingConflict);
            }
            if is_encoding || length != self.length {
                return Err(fault);
            }
        }
        self.framing = framing;
        self.length = length;
        Ok(())
    }
}

/// A text without the spaces and tabs around it.
#[inline(never)]
pub fn trimmed(text: &[u8]) -> &[u8] {
    let mut value = text;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The line from `start` to the LF at `end`, without the CR before that.
pub fn line_of(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    let line = slice_or_empty(bytes, start, end);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The index of a name in a table that [`pack`](super::pack) made; beyond its names when it is
/// none of them.
#[inline(never)]
pub fn index_of(names: &[u8], name: &[u8]) -> usize {
    let mut index = 0;
    let mut names = names;
    while let [bytes, rest @ ..] = names
        && let Some((tracked, behind)) = rest.split_at_checked((*bytes).into())
        && !eq_ignore_ascii_case_lower(name, tracked)
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

/// Whether a text is that one but for case; `lower` is in lower case. (The standard library's own
/// takes 350 bytes, and can panic.)
#[inline(never)]
pub fn eq_ignore_ascii_case_lower(text: &[u8], lower: &[u8]) -> bool {
    text.len() == lower.len()
        && text
            .iter()
            .zip(lower)
            .all(|(byte, lower)| byte.to_ascii_lowercase() == *lower)
}
