//! Replies: a status, headers and a body, framed as net/http frames them.

use super::super::clock;

/// Larger bodies of unknown length leave net/http chunked (`bufferBeforeChunkingSize`).
const SIZED_BYTES_MAX: usize = 2048;

/// How the end of a body is made known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length`.
    Sized,
    /// `Content-Length` up to 2,048 bytes, else one chunk: a handler that names no length.
    Unsized,
    /// No body and no header about it (204).
    Absent,
}

/// A reply. Headers leave in the order given, `Date` and the framing behind them.
pub struct Reply<'a> {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: &'a [u8],
    pub framing: Framing,
}

impl<'a> Reply<'a> {
    /// A reply with a body of the given type.
    pub fn new(status: u16, content_type: &str, body: &'a [u8]) -> Reply<'a> {
        Reply {
            status,
            headers: vec![("Content-Type", content_type.to_string())],
            body,
            framing: Framing::Sized,
        }
    }

    /// A plain text, as net/http and its routers answer what they do not know.
    pub fn text(status: u16, text: &'a str) -> Reply<'a> {
        Reply::new(status, "text/plain; charset=utf-8", text.as_bytes())
    }

    /// The bytes of a head whose body comes in chunks.
    pub fn chunked_head(&self) -> Vec<u8> {
        let mut head = self.lines();
        head += "Transfer-Encoding: chunked\r\n\r\n";
        head.into_bytes()
    }

    fn lines(&self) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head += &format!("{name}: {}\r\n", value.replace(['\r', '\n'], " "));
        }
        head += &format!("Date: {}\r\n", clock::http_date());
        head
    }

    /// The bytes of the head, and of the chunk's first line where there is one.
    pub fn head(&self, close: bool, is_http_1_0: bool) -> Vec<u8> {
        let mut head = self.lines();
        if close {
            head += "Connection: close\r\n";
        }
        if self.is_chunked(is_http_1_0) {
            head += &format!(
                "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n",
                self.body.len()
            );
        } else if self.framing == Framing::Absent {
            head += "\r\n";
        } else {
            head += &format!("Content-Length: {}\r\n\r\n", self.body.len());
        }
        head.into_bytes()
    }

    /// What follows the body.
    pub fn tail(&self, is_http_1_0: bool) -> &'static [u8] {
        match self.is_chunked(is_http_1_0) {
            true => b"\r\n0\r\n\r\n",
            false => b"",
        }
    }

    fn is_chunked(&self, is_http_1_0: bool) -> bool {
        self.framing == Framing::Unsized && self.body.len() > SIZED_BYTES_MAX && !is_http_1_0
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
