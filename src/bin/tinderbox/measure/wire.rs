//! Requests as a bootstrap sends them: bytes in; partial, complete or broken out.
//!
//! Not the reader of `local`: that one keeps every header in a string of its own, and the server
//! that measures allocates nothing for an event. Sources: RFC 9112 sections 2 to 7.

use std::ops::Range;

/// The longest head that is waited for.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// What the bytes so far amount to.
pub enum Parsed {
    Partial,
    Complete(Head),
    Broken,
}

/// A request's head, as far as it matters here. Places count from the request's first byte.
#[derive(Clone)]
pub struct Head {
    /// With the empty line that ends it.
    pub length: usize,
    pub method: Method,
    pub path: Range<usize>,
    pub framing: Framing,
    pub is_http_1_0: bool,
    /// The connection ends with the reply.
    pub closes: bool,
    pub expects_continue: bool,
    /// It has an error's type, as a response must not.
    pub names_error: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Other,
}

/// How the body's end is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Length(usize),
    Chunked,
}

/// The header, or trailer, of a response that went wrong midway.
const ERROR_TYPE: &[u8] = b"lambda-runtime-function-error-type";

/// Reads a head from the start of `bytes`.
pub fn parse(bytes: &[u8]) -> Parsed {
    let mut head = Head {
        length: 0,
        method: Method::Other,
        path: 0..0,
        framing: Framing::Length(0),
        is_http_1_0: false,
        closes: false,
        expects_continue: false,
        names_error: false,
    };
    let mut at = 0;
    while let Some(end) = bytes[at..].iter().position(|&byte| byte == b'\n') {
        let line = bytes[at..at + end].strip_suffix(b"\r");
        let line = line.unwrap_or(&bytes[at..at + end]);
        let is_read = match at {
            _ if line.is_empty() && head.path.is_empty() => return Parsed::Broken,
            _ if line.is_empty() => {
                head.length = at + end + 1;
                return Parsed::Complete(head);
            }
            0 => request_line(line, &mut head),
            _ => header(line, &mut head),
        };
        if is_read.is_none() {
            return Parsed::Broken;
        }
        at += end + 1;
    }
    match bytes.len() > HEAD_BYTES_MAX {
        true => Parsed::Broken,
        false => Parsed::Partial,
    }
}

fn request_line(line: &[u8], head: &mut Head) -> Option<()> {
    let first = line.iter().position(|&byte| byte == b' ')?;
    let last = line.iter().rposition(|&byte| byte == b' ')?;
    if last <= first + 1 {
        return None;
    }
    head.method = match &line[..first] {
        b"GET" => Method::Get,
        b"POST" => Method::Post,
        _ => Method::Other,
    };
    head.path = first + 1..last;
    head.is_http_1_0 = match &line[last + 1..] {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return None,
    };
    head.closes = head.is_http_1_0;
    Some(())
}

fn header(line: &[u8], head: &mut Head) -> Option<()> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    if name.eq_ignore_ascii_case(b"content-length") {
        head.framing = Framing::Length(std::str::from_utf8(value).ok()?.parse().ok()?);
    } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
        head.framing = Framing::Chunked;
    } else if name.eq_ignore_ascii_case(b"connection") {
        head.closes = match value {
            _ if value.eq_ignore_ascii_case(b"close") => true,
            _ if value.eq_ignore_ascii_case(b"keep-alive") => false,
            _ => head.closes,
        };
    } else if name.eq_ignore_ascii_case(b"expect") {
        head.expects_continue = true;
    } else if name.eq_ignore_ascii_case(ERROR_TYPE) {
        head.names_error = true;
    }
    Some(())
}

/// A chunked body on its way in.
#[derive(Default)]
pub struct Chunks {
    /// How much of the input it has used up.
    pub used: usize,
    /// How much of the chunk in hand is still to come, with the line end behind it.
    left: Option<usize>,
    in_trailers: bool,
    pub names_error: bool,
}

/// How far a body is.
#[derive(PartialEq, Eq)]
pub enum Progress {
    Partial,
    Complete,
    Broken,
}

impl Chunks {
    /// Takes from `input`, the same bytes as before and those that have come since, as much as is
    /// there, and moves the data to `body`.
    pub fn take(&mut self, input: &[u8], body: &mut Vec<u8>) -> Progress {
        loop {
            let rest = &input[self.used..];
            if let Some(left) = self.left {
                let count = left.min(rest.len());
                body.extend_from_slice(&rest[..count.min(left.saturating_sub(2))]);
                self.used += count;
                self.left = (left > count).then_some(left - count);
                if self.left.is_some() {
                    return Progress::Partial;
                }
                continue;
            }
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                return Progress::Partial;
            };
            let line = rest[..end].trim_ascii_end();
            self.used += end + 1;
            if self.in_trailers {
                let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
                self.names_error |= name.eq_ignore_ascii_case(ERROR_TYPE);
                if line.is_empty() {
                    return Progress::Complete;
                }
                continue;
            }
            match size(line) {
                Some(0) => self.in_trailers = true,
                Some(size) => self.left = Some(size + 2),
                None => return Progress::Broken,
            }
        }
    }
}

/// The size on a chunk's first line; what stands behind `;` is of no concern.
fn size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii_end();
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
