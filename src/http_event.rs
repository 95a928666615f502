//! HTTP events: a request read from the event of any source, and an answer in that source's shape.
//!
//! Pure functions over bytes: a request borrows from its event, and everything is written to a
//! sink. Public for the tests and the benches of this package only; not part of the library's API.
//!
//! | | REST API | HTTP API, payload 1.0 | 2.0 | Function URL | ALB |
//! |---|---|---|---|---|---|
//! | recognised by | `httpMethod`, no `version` | `version` 1.0 | `version` 2.0, `requestContext.http.method` | as 2.0 | `requestContext.elb` |
//! | path | encoded | decoded | decoded | encoded | encoded |
//! | query | decoded | decoded | as sent | as sent | encoded, in a map |
//! | cookies | header | header | `cookies` | `cookies`, and a header | header |
//! | answer's headers | lists | lists | strings, and `cookies` | as 2.0 | as in the event |
//!
//! Decisions:
//!
//! - Payload 2.0 and a Function URL look the same. A path that equals the decoded
//!   `requestContext.http.path` was decoded, or needs no encoding: `%` in it is a byte of its own.
//! - What is encoded keeps its bytes, but for those that no request line can hold; what was decoded
//!   is encoded again. No byte that ends a line, a target or a header is ever written.
//! - Where the event has lists of values, they count; else the single values. A map that is null or
//!   empty is none. Repeated members of a map are repeated headers or parameters; of any other
//!   repeated member, the last counts.
//! - Header values are what the source makes of the client's bytes: UTF-8.
//! - A value of an answer's header that is no UTF-8 is Latin-1 (RFC 9110, 5.5 allows it): its
//!   characters are sent in UTF-8.

use crate::wire::json::{Text, scalar};
use crate::wire::uri::{self, Charset};
use crate::wire::{bytes_eq, slice_or_empty};

mod answer;
mod body;
mod headers;
mod names;
mod read;
mod reason;
mod values;

pub use answer::{AnswerHead, TooLarge, write_answer, write_prelude};
pub use body::Body;
pub use headers::{HeaderName, HeaderValue, Headers};
pub use reason::reason;

use names::write_value;
use values::Values;

/// Where an event comes from: it decides how it is read, and the shape of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A REST API.
    RestV1,
    /// An HTTP API with payload 1.0.
    HttpV1,
    /// An HTTP API with payload 2.0, or a Function URL.
    V2,
    /// An Application Load Balancer, with headers in a map of lists.
    AlbMulti,
    /// An Application Load Balancer, with headers in a map of strings.
    AlbSingle,
}

/// Why an event is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventFault {
    /// It is no HTTP event: any other JSON, or no JSON.
    NotHttp,
    /// It is an event of that source, but malformed: the text is what is wrong.
    Malformed(Source, &'static [u8]),
}

/// An HTTP request, borrowed from its event. Values that are JSON are as they stand there; empty:
/// there are none.
#[derive(Clone)]
pub struct HttpEvent<'a> {
    source: Source,
    method: &'a [u8],
    path: Text<'a>,
    path_charset: Charset,
    /// A string of an encoded query, or a map.
    query: &'a [u8],
    /// A map.
    headers: &'a [u8],
    connection: &'a [u8],
    /// An array of at least one cookie.
    cookies: &'a [u8],
    request_context: &'a [u8],
    domain_name: &'a [u8],
    source_ip: &'a [u8],
    protocol: &'a [u8],
    body: Body<'a>,
}

impl<'a> HttpEvent<'a> {
    /// Where the event comes from.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The method, a token.
    pub fn method(&self) -> &'a [u8] {
        self.method
    }

    /// Whether a streamed answer can reach the client: from a Function URL, whose events differ
    /// from those of an HTTP API in the domain's name alone, and from a REST API.
    pub fn takes_stream(&self) -> bool {
        const URL: &[u8] = b".lambda-url.";
        match self.source {
            Source::RestV1 => true,
            Source::V2 => {
                let name = scalar(self.domain_name).and_then(Text::plain);
                let mut parts = name.unwrap_or_default().windows(URL.len());
                parts.any(|part| bytes_eq(part, URL))
            }
            _ => false,
        }
    }

    /// Whether the answer has no body because of the method.
    pub fn is_head(&self) -> bool {
        bytes_eq(self.method, b"HEAD")
    }

    /// Writes the path for a request line: it begins with `/`, and is percent-encoded.
    /// `strip_prefix`, which is encoded too and may be empty, is removed once, and only where a
    /// segment ends.
    pub fn write_path(&self, strip_prefix: &[u8], write: &mut dyn FnMut(&[u8])) {
        let prefix = strip_prefix.strip_suffix(b"/").unwrap_or(strip_prefix);
        let (mut rest, mut begins, mut next) = (prefix, true, None);
        if !prefix.is_empty() {
            write_encoded(self.path, self.path_charset, &mut |piece| {
                let bytes = rest.len().min(piece.len());
                begins &= bytes_eq(
                    slice_or_empty(piece, 0, bytes),
                    slice_or_empty(rest, 0, bytes),
                );
                rest = slice_or_empty(rest, bytes, rest.len());
                if rest.is_empty() {
                    next = next.or(piece.get(bytes).copied());
                }
            });
        }
        let begins = begins && rest.is_empty();
        let mut skipped = match next {
            None if begins && !prefix.is_empty() => return write(b"/"),
            Some(b'/') if begins => prefix.len(),
            _ => 0,
        };
        write_encoded(self.path, self.path_charset, &mut |piece| {
            let bytes = skipped.min(piece.len());
            skipped -= bytes;
            if bytes < piece.len() {
                write(slice_or_empty(piece, bytes, piece.len()));
            }
        });
    }

    /// Writes the query for a request line, without `?`; nothing where there is none.
    pub fn write_query(&self, write: &mut dyn FnMut(&[u8])) {
        let charset = match self.source {
            Source::V2 => {
                if let Some(query) = scalar(self.query) {
                    write_encoded(query, Charset::Visible, write);
                }
                return;
            }
            Source::RestV1 | Source::HttpV1 => Charset::Unreserved,
            Source::AlbMulti | Source::AlbSingle => Charset::Visible,
        };
        let mut is_first = true;
        for (name, value) in Values::new(self.query) {
            if !core::mem::take(&mut is_first) {
                write(b"&");
            }
            write_encoded(name, charset, write);
            write(b"=");
            write_encoded(value, charset, write);
        }
    }

    /// The headers to pass on: repeated ones repeatedly, cookies as one header `cookie`, which
    /// comes last. Left out: those that end at this hop, those that only the runtime may write, and
    /// those whose names are no tokens.
    #[inline(never)]
    pub fn headers(&self) -> Headers<'a> {
        Headers::new(self.headers, self.connection, self.cookies)
    }

    /// The first value of the header of that name, which is in lower case.
    pub fn header(&self, lower_name: &[u8]) -> Option<HeaderValue<'a>> {
        let is_wanted = |(name, _): &(HeaderName, _)| name.is(lower_name);
        self.headers().find(is_wanted).map(|(_, value)| value)
    }

    /// Writes the host where no header names it.
    pub fn write_default_host(&self, write: &mut dyn FnMut(&[u8])) {
        match scalar(self.domain_name) {
            Some(name) if !name.raw().is_empty() => HeaderValue::Text(name).write(write),
            _ => write(b"localhost"),
        }
    }

    /// Writes the client's address as the front saw it: an ALB appends it to `x-forwarded-for`,
    /// what stands before it is the client's. Nothing where there is none.
    pub fn write_client_address(&self, write: &mut dyn FnMut(&[u8])) {
        let address = match self.source {
            Source::AlbMulti | Source::AlbSingle => Values::new(self.headers)
                .filter(|(name, _)| HeaderName(*name).is(b"x-forwarded-for"))
                .last()
                .map(|(_, addresses)| addresses),
            _ => scalar(self.source_ip),
        };
        let mut last = [0; 64]; // an IPv6 address with a zone and a port
        let mut length = 0;
        if let Some(addresses) = address {
            addresses.unescape(&mut |piece| {
                for &byte in piece {
                    if byte == b',' {
                        length = 0;
                    } else if let Some(place) = last.get_mut(length) {
                        *place = byte;
                        length += 1;
                    }
                }
            });
        }
        write_value(slice_or_empty(&last, 0, length).trim_ascii(), write);
    }

    /// The JSON of `requestContext` as it stands in the event; empty: there is none.
    pub fn request_context(&self) -> &'a [u8] {
        self.request_context
    }

    /// The client's protocol, such as `HTTP/1.1`; empty: the event does not have it.
    pub fn protocol(&self) -> &'a [u8] {
        scalar(self.protocol)
            .and_then(Text::plain)
            .filter(|text| text.iter().all(u8::is_ascii_graphic))
            .unwrap_or_default()
    }

    /// The body.
    pub fn body(&self) -> Body<'a> {
        self.body
    }
}

/// Writes a text of the event, percent-encoded.
fn write_encoded(text: Text<'_>, charset: Charset, write: &mut dyn FnMut(&[u8])) {
    text.unescape(&mut |piece| uri::encode(piece, charset, write));
}
