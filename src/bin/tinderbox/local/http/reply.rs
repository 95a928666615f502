//! Replies: a status, headers and a body, framed as net/http frames them.

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

    /// The head of a reply whose body follows in chunks.
    pub fn chunked_head(&self) -> Vec<u8> {
        let mut head = self.head_lines();
        head += "Transfer-Encoding: chunked\r\n\r\n";
        head.into_bytes()
    }

    fn head_lines(&self) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head += &format!("{name}: {}\r\n", value.replace(['\r', '\n'], " "));
        }
        head += &format!("Date: {}\r\n", clock::http_date());
        head
    }

    /// The head, and the chunk header if the body is one chunk.
    pub fn head(&self, close: bool, is_http_1_0: bool) -> Vec<u8> {
        let mut head = self.head_lines();
        if close {
            head += "Connection: close\r\n";
        }
        if self.is_chunked(is_http_1_0) {
            head += &format!(
                "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n",
                self.body.len()
            );
        } else if self.framing == Framing::NoBody {
            head += "\r\n";
        } else {
            head += &format!("Content-Length: {}\r\n\r\n", self.body.len());
        }
        head.into_bytes()
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
        410 => "Gone",
        413 => "Request Entity Too Large",
        417 => "Expectation Failed",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}
