//! HTTP/1.1 as a client of the Runtime API reads it: reply heads and their headers.
//!
//! Lines end in LF, with or without a CR before it; names compare without case; values are any
//! bytes but LF, trimmed of white space. Values stay that liberal because callers choose some of
//! them (a client context, a request id) and no caller may end an environment. What frames the
//! body is read strictly (RFC 9112, 6.3): a doubt there would mix up two events.

use super::{Error, Parsed};

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

/// The head of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// 100 to 999.
    pub status: u16,
    /// The head's length in bytes, with its empty line.
    pub bytes: usize,
    /// Where its body ends. Interim replies and 204 and 304 have none.
    pub framing: Framing,
    /// The server will close after this message. An HTTP/1.0 server is taken to close always.
    pub close: bool,
}

/// Reads the head of a reply from its first byte.
#[inline(never)]
pub fn head(bytes: &[u8]) -> Result<Parsed<Head>, Error> {
    let mut rest = bytes;
    let Some(first) = line(&mut rest) else {
        return Ok(Parsed::Partial);
    };
    let (status, old) = status_line(first).ok_or(Error::StatusLine)?;
    let mut values = [b"".as_slice(); 3];
    let names: [&[u8]; 3] = [b"content-length", b"transfer-encoding", b"connection"];
    if !headers(&mut rest, &names, &mut values)? {
        return Ok(Parsed::Partial);
    }
    let [length, encoding, connection] = values;
    let framing = if status < 200 || status == 204 || status == 304 {
        Framing::Length(0)
    } else if encoding.is_empty() && length.is_empty() {
        Framing::UntilClose
    } else if encoding.is_empty() {
        Framing::Length(decimal(length).ok_or(Error::Length)?)
    } else if length.is_empty() && same(encoding, b"chunked") {
        Framing::Chunked
    } else {
        return Err(Error::Length);
    };
    let close = old || framing == Framing::UntilClose || same(connection, b"close");
    Ok(Parsed::Complete(Head {
        status,
        bytes: bytes.len() - rest.len(),
        framing,
        close,
    }))
}

/// Finds headers by their names (in lower case) in a whole head, in one pass. What is absent stays
/// as it is in `values`.
pub fn values<'a>(head: &'a [u8], names: &[&[u8]], values: &mut [&'a [u8]]) {
    let mut rest = head;
    if line(&mut rest).is_some() {
        let _ = headers(&mut rest, names, values);
    }
}

/// The value of the header of that name (in lower case); absent and empty alike are `None`.
pub fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut value = [b"".as_slice()];
    values(head, &[name], &mut value);
    value.first().copied().filter(|value| !value.is_empty())
}

/// Takes header lines from the front, to the empty line that ends them; false when that is not there
/// yet. A header that is wanted and comes twice, differently, is an error.
#[inline(never)]
fn headers<'a>(
    rest: &mut &'a [u8],
    names: &[&[u8]],
    values: &mut [&'a [u8]],
) -> Result<bool, Error> {
    while let Some(text) = line(rest) {
        if matches!(text, b"" | b"\r") {
            return Ok(true);
        }
        let (name, value) = field(text).ok_or(Error::HeaderLine)?;
        for (wanted, place) in names.iter().zip(&mut *values) {
            if same(name, wanted) {
                if !place.is_empty() && *place != value {
                    return Err(Error::HeaderLine);
                }
                *place = value;
            }
        }
    }
    Ok(false)
}

/// A number of decimal digits alone; `None` when it is empty, something else or too large.
pub fn decimal(text: &[u8]) -> Option<usize> {
    let mut rest = text;
    leading_decimal(&mut rest).filter(|_| rest.is_empty())
}

/// Takes a decimal number from the front; `None` when there is no digit, or it is too large.
#[inline(never)]
pub fn leading_decimal(rest: &mut &[u8]) -> Option<usize> {
    let mut number: Option<usize> = None;
    while let Some((byte, after)) = rest.split_first()
        && byte.is_ascii_digit()
    {
        let digit = usize::from(byte - b'0');
        number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
        *rest = after;
    }
    number
}

/// `HTTP/1.x NNN[ reason]`: the status, and whether the version is 1.0.
fn status_line(line: &[u8]) -> Option<(u16, bool)> {
    let &[
        b'H',
        b'T',
        b'T',
        b'P',
        b'/',
        b'1',
        b'.',
        minor,
        b' ',
        ref rest @ ..,
    ] = line
    else {
        return None;
    };
    let mut after = rest;
    let status = leading_decimal(&mut after)?;
    let ended = matches!(after.first(), None | Some(b' ' | b'\r'));
    let three = rest.len() - after.len() == 3 && status >= 100;
    (ended && three && minor.is_ascii_digit()).then_some((status as u16, minor == b'0'))
}

/// A header line's name and value; `None` when it is not one.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    if name.first()?.is_ascii_whitespace() {
        return None;
    }
    Some((name, value.get(1..)?.trim_ascii()))
}

/// Takes a line from the front, without its LF; `None` when there is no LF yet.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let (line, after) = rest.split_at_checked(end)?;
    *rest = after.get(1..)?;
    Some(line)
}

/// Whether a text is that one but for case; `lower` is in lower case. (The standard library's own
/// takes 350 bytes, and can panic.)
fn same(text: &[u8], lower: &[u8]) -> bool {
    text.len() == lower.len()
        && text
            .iter()
            .zip(lower)
            .all(|(byte, lower)| byte.to_ascii_lowercase() == *lower)
}
