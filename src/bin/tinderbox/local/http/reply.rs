//! Replies: a status, headers and a body, framed as net/http frames them.

use std::io::Write;

use super::Payload;
use crate::clock;
use crate::limits::UNCHUNKED_BYTES_MAX;

/// How the end of a body is marked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length`.
    KnownLength,
    /// `Content-Length` up to `UNCHUNKED_BYTES_MAX`, else one chunk: net/http's choice for a
    /// handler that sets no length.
    UnknownLength,
    /// No body and no framing header (204).
    NoBody,
}

/// A reply. Headers are sent in the given order, then `Date` and the framing.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Payload,
    pub framing: Framing,
}

impl Reply {
    /// A reply with a body of the given type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Payload>) -> Reply {
        Reply {
            status,
            headers: vec![("Content-Type", content_type.to_string())],
            body: body.into(),
            framing: Framing::KnownLength,
        }
    }

    /// A plain text, net/http's form of error replies.
    pub fn text(status: u16, text: &str) -> Reply {
        Reply::new(status, "text/plain; charset=utf-8", text)
    }

    /// A JSON body.
    pub fn json(status: u16, body: &serde_json::Value) -> Reply {
        Reply::new(status, "application/json", body.to_string())
    }

    /// No body.
    pub fn empty(status: u16) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: Payload::Owned(Vec::new()),
            framing: match status {
                204 => Framing::NoBody,
                _ => Framing::KnownLength,
            },
        }
    }

    /// The reply with one more header.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    /// Appends the head of a reply whose body follows in chunks.
    pub fn write_chunked_head(&self, head: &mut Vec<u8>) {
        self.write_lines(head);
        head.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    }

    /// Appends the head, and the chunk header if the body is one chunk.
    pub fn write_head(&self, close: bool, is_http_1_0: bool, head: &mut Vec<u8>) {
        self.write_lines(head);
        if close {
            head.extend_from_slice(b"Connection: close\r\n");
        }
        let length = self.body.len();
        // A vector takes everything.
        let _ = if self.is_chunked(is_http_1_0) {
            write!(head, "Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n")
        } else if self.framing == Framing::NoBody {
            write!(head, "\r\n")
        } else {
            write!(head, "Content-Length: {length}\r\n\r\n")
        };
    }

    fn write_lines(&self, head: &mut Vec<u8>) {
        let _ = write!(head, "HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend(value.bytes().map(|byte| match byte {
                b'\r' | b'\n' => b' ',
                _ => byte,
            }));
            head.extend_from_slice(b"\r\n");
        }
        let _ = write!(head, "Date: {}\r\n", clock::http_date());
    }

    /// The bytes after the body.
    pub fn tail(&self, is_http_1_0: bool) -> &'static [u8] {
        match self.is_chunked(is_http_1_0) {
            true => b"\r\n0\r\n\r\n",
            false => b"",
        }
    }

    fn is_chunked(&self, is_http_1_0: bool) -> bool {
        self.framing == Framing::UnknownLength
            && self.body.len() > UNCHUNKED_BYTES_MAX
            && !is_http_1_0
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        417 => "Expectation Failed",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}
