//! The framing of request bodies: by length, or in chunks (RFC 9112 sections 6 and 7).

use super::head::{BodyFraming, HEAD_BYTES_MAX, HEADERS_MAX};
use crate::number::chunk_size;

/// The longest line between chunks.
const CHUNK_LINE_BYTES_MAX: usize = 4096;

/// A body, up to a limit, and its full length.
#[derive(Default)]
pub struct Body {
    pub bytes: Vec<u8>,
    pub length: u64,
    /// The headers after a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Body {
    /// The first trailer of this name, in any case.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        let mut trailers = self.trailers.iter();
        let found = trailers.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }
}

/// Reads the framing of one body.
pub struct Decoder {
    expected: Expected,
    /// How many bytes of trailers were read.
    trailer_bytes: usize,
    pub trailers: Vec<(String, String)>,
}

#[derive(Clone, Copy)]
enum Expected {
    /// This many more bytes of a body by length.
    Data(u64),
    ChunkHeader,
    /// This many more bytes of a chunk.
    ChunkData(u64),
    ChunkEnd,
    Trailer,
    End,
}

/// What a step has read.
pub enum Step {
    /// The input ends within a line; it has to come again with more behind it.
    Incomplete,
    /// A part of the framing.
    Framing,
    /// As many bytes of data.
    Data,
    /// The body has ended before this input.
    End,
}

/// The framing is malformed.
pub struct Malformed;

impl Decoder {
    /// A decoder at the start of a body.
    pub fn new(framing: BodyFraming) -> Decoder {
        Decoder {
            expected: match framing {
                BodyFraming::Length(length) => Expected::Data(length),
                BodyFraming::Chunked => Expected::ChunkHeader,
            },
            trailer_bytes: 0,
            trailers: Vec::new(),
        }
    }

    /// How many bytes of a body by length are left; `None` for one in chunks.
    pub fn length_left(&self) -> Option<u64> {
        match self.expected {
            Expected::Data(left) => Some(left),
            _ => None,
        }
    }

    /// As many bytes of a body by length were read elsewhere.
    pub fn skip(&mut self, count: u64) {
        if let Expected::Data(left) = &mut self.expected {
            *left = left.saturating_sub(count);
        }
    }

    /// Reads from the start of the input; the number says how many bytes were read.
    pub fn step(&mut self, input: &[u8]) -> Result<(usize, Step), Malformed> {
        match self.expected {
            Expected::Data(0) | Expected::End => return Ok((0, Step::End)),
            _ if input.is_empty() => return Ok((0, Step::Incomplete)),
            Expected::Data(left) => {
                let (count, left) = split(input, left);
                self.expected = Expected::Data(left);
                return Ok((count, Step::Data));
            }
            Expected::ChunkData(left) => {
                let (count, left) = split(input, left);
                self.expected = match left {
                    0 => Expected::ChunkEnd,
                    _ => Expected::ChunkData(left),
                };
                return Ok((count, Step::Data));
            }
            Expected::ChunkHeader | Expected::ChunkEnd | Expected::Trailer => {}
        }
        let limit = match self.expected {
            Expected::Trailer => HEAD_BYTES_MAX - self.trailer_bytes,
            _ => CHUNK_LINE_BYTES_MAX,
        };
        let Some(end) = input.iter().position(|&byte| byte == b'\n') else {
            return match input.len() > limit {
                true => Err(Malformed),
                false => Ok((0, Step::Incomplete)),
            };
        };
        if end > limit {
            return Err(Malformed);
        }
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        self.read_line(line)?;
        Ok((end + 1, Step::Framing))
    }

    fn read_line(&mut self, line: &[u8]) -> Result<(), Malformed> {
        self.expected = match self.expected {
            Expected::ChunkHeader => match chunk_size(line).ok_or(Malformed)? {
                0 => Expected::Trailer,
                size => Expected::ChunkData(size),
            },
            Expected::ChunkEnd if line.is_empty() => Expected::ChunkHeader,
            Expected::Trailer if line.is_empty() => Expected::End,
            Expected::Trailer => {
                self.read_trailer(line)?;
                Expected::Trailer
            }
            _ => return Err(Malformed),
        };
        Ok(())
    }

    fn read_trailer(&mut self, line: &[u8]) -> Result<(), Malformed> {
        self.trailer_bytes += line.len();
        if self.trailers.len() == HEADERS_MAX || self.trailer_bytes > HEAD_BYTES_MAX {
            return Err(Malformed);
        }
        let line = String::from_utf8_lossy(line);
        let (name, value) = line.split_once(':').ok_or(Malformed)?;
        self.trailers
            .push((name.to_string(), value.trim().to_string()));
        Ok(())
    }
}

/// How many bytes of the input belong to the `left` ones, and how many are left behind them.
fn split(input: &[u8], left: u64) -> (usize, u64) {
    let count = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
    (count, left - count as u64)
}
