//! Requests of a bootstrap: bytes in; partial, complete or malformed out.
//!
//! Not the parser of `local`: that one stores every header in a string of its own, and the
//! measuring server allocates nothing for an event. Sources: RFC 9112 sections 2 to 7.

use std::ops::Range;

use crate::number::chunk_size;

/// The longest head.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The state of a head after the bytes so far.
pub enum Parsed {
    Partial,
    Complete(Head),
    Malformed,
}

/// The needed parts of a request's head. Offsets count from the request's first byte.
#[derive(Clone)]
pub struct Head {
    /// Including the final empty line.
    pub length: usize,
    pub method: Method,
    pub path: Range<usize>,
    pub framing: Framing,
    pub version: HttpVersion,
    /// The connection closes after the reply.
    pub closes: bool,
    pub expects_continue: bool,
    /// It has a header with an error type, which a response must not have.
    pub has_error_type: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    Http10,
    Http11,
}

/// How the end of the body is determined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Length(usize),
    Chunked,
}

/// The header, or trailer, of a response that failed midway.
const ERROR_TYPE: &[u8] = b"lambda-runtime-function-error-type";

/// Parses a head at the start of `bytes`.
pub fn parse_head(bytes: &[u8]) -> Parsed {
    let mut head = Head {
        length: 0,
        method: Method::Other,
        path: 0..0,
        framing: Framing::Length(0),
        version: HttpVersion::Http11,
        closes: false,
        expects_continue: false,
        has_error_type: false,
    };
    let mut offset = 0;
    while let Some(end) = bytes[offset..].iter().position(|&byte| byte == b'\n') {
        let line = &bytes[offset..offset + end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let parsed = match offset {
            _ if line.is_empty() && head.path.is_empty() => return Parsed::Malformed,
            _ if line.is_empty() => {
                head.length = offset + end + 1;
                return Parsed::Complete(head);
            }
            0 => parse_request_line(line, &mut head),
            _ => parse_header_line(line, &mut head),
        };
        if parsed.is_none() {
            return Parsed::Malformed;
        }
        offset += end + 1;
    }
    match bytes.len() > HEAD_BYTES_MAX {
        true => Parsed::Malformed,
        false => Parsed::Partial,
    }
}

fn parse_request_line(line: &[u8], head: &mut Head) -> Option<()> {
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
    head.version = match &line[last + 1..] {
        b"HTTP/1.1" => HttpVersion::Http11,
        b"HTTP/1.0" => HttpVersion::Http10,
        _ => return None,
    };
    head.closes = head.version == HttpVersion::Http10;
    Some(())
}

fn parse_header_line(line: &[u8], head: &mut Head) -> Option<()> {
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
        head.has_error_type = true;
    }
    Some(())
}

/// Decodes a chunked body that arrives in parts.
#[derive(Default)]
pub struct ChunkDecoder {
    /// How much of the input it has consumed.
    pub consumed: usize,
    state: ChunkState,
    pub has_error_type: bool,
}

/// What the decoder expects next.
#[derive(Clone, Copy, Default)]
enum ChunkState {
    #[default]
    Header,
    /// This number of bytes of data, and the line end after them.
    Data(usize),
    Trailers,
}

/// The state of a body after the bytes so far.
#[derive(PartialEq, Eq)]
pub enum Progress {
    Partial,
    Complete,
    Malformed,
}

impl ChunkDecoder {
    /// A decoder whose body begins at this offset of the input.
    pub fn starting_at(offset: usize) -> ChunkDecoder {
        ChunkDecoder {
            consumed: offset,
            ..ChunkDecoder::default()
        }
    }

    /// Consumes as much as possible of `input`, which is the same as before with more bytes at its
    /// end, and appends the data to `body`.
    pub fn decode(&mut self, input: &[u8], body: &mut Vec<u8>) -> Progress {
        loop {
            let rest = &input[self.consumed..];
            if let ChunkState::Data(left) = self.state {
                let count = left.min(rest.len());
                body.extend_from_slice(&rest[..count.min(left.saturating_sub(2))]);
                self.consumed += count;
                if left > count {
                    self.state = ChunkState::Data(left - count);
                    return Progress::Partial;
                }
                self.state = ChunkState::Header;
                continue;
            }
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                return Progress::Partial;
            };
            let line = rest[..end].trim_ascii_end();
            self.consumed += end + 1;
            if let ChunkState::Trailers = self.state {
                let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
                self.has_error_type |= name.eq_ignore_ascii_case(ERROR_TYPE);
                if line.is_empty() {
                    return Progress::Complete;
                }
                continue;
            }
            // No body of a bootstrap has 4 GiB; a longer chunk would overflow the offsets.
            match chunk_size(line).and_then(|size| u32::try_from(size).ok()) {
                Some(0) => self.state = ChunkState::Trailers,
                Some(size) => self.state = ChunkState::Data(size as usize + 2),
                None => return Progress::Malformed,
            }
        }
    }
}
