//! An event that is an HTTP request, and its answer: pure functions.
#![allow(missing_docs)] // the stubs of a contract

use crate::wire::base64;
use crate::wire::http1::HeaderLines;
use crate::wire::json::Text;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    RestV1,
    HttpV1,
    V2,
    AlbMulti,
    AlbSingle,
}

pub enum EventFault {
    NotHttp,
    Malformed(Source, &'static [u8]),
}

pub struct HttpEvent<'a> {
    event: &'a [u8],
}

impl<'a> HttpEvent<'a> {
    pub fn read(event: &'a [u8]) -> Result<HttpEvent<'a>, EventFault> {
        if event.is_empty() {
            return Err(EventFault::NotHttp);
        }
        Ok(HttpEvent { event })
    }
    pub fn source(&self) -> Source {
        Source::V2
    }
    pub fn method(&self) -> &'a [u8] {
        b"GET"
    }
    pub fn is_head(&self) -> bool {
        false
    }
    pub fn write_path(&self, _strip_prefix: &[u8], write: &mut dyn FnMut(&[u8])) {
        write(b"/");
    }
    pub fn write_query(&self, _write: &mut dyn FnMut(&[u8])) {}
    pub fn headers(&self) -> Headers<'a> {
        Headers(self.event)
    }
    pub fn header(&self, _lower_name: &[u8]) -> Option<HeaderValue<'a>> {
        None
    }
    pub fn write_default_host(&self, write: &mut dyn FnMut(&[u8])) {
        write(b"localhost");
    }
    pub fn write_client_address(&self, _write: &mut dyn FnMut(&[u8])) {}
    pub fn request_context(&self) -> &'a [u8] {
        b""
    }
    pub fn body(&self) -> Body<'a> {
        Body::Empty
    }
    pub fn protocol(&self) -> &'a [u8] {
        b""
    }
}

pub struct Headers<'a>(&'a [u8]);

impl<'a> Iterator for Headers<'a> {
    type Item = (HeaderName<'a>, HeaderValue<'a>);
    fn next(&mut self) -> Option<Self::Item> {
        let _ = self.0;
        None
    }
}

#[derive(Clone, Copy)]
pub struct HeaderName<'a>(pub Text<'a>);

impl HeaderName<'_> {
    pub fn write(self, write: &mut dyn FnMut(&[u8])) {
        self.0.unescape(write);
    }
    pub fn is(self, lower: &[u8]) -> bool {
        self.0.is(lower)
    }
}

#[derive(Clone, Copy)]
pub enum HeaderValue<'a> {
    Text(Text<'a>),
    Cookies(&'a [u8]),
}

impl HeaderValue<'_> {
    pub fn write(self, write: &mut dyn FnMut(&[u8])) {
        if let HeaderValue::Text(text) = self {
            text.unescape(write);
        }
    }
}

#[derive(Clone, Copy)]
pub enum Body<'a> {
    Empty,
    Text(Text<'a>),
    Base64(Text<'a>),
}

impl<'a> Body<'a> {
    pub fn plain(self) -> Option<&'a [u8]> {
        None
    }
    pub fn len_bytes(self) -> usize {
        0
    }
    pub fn write(self, _write: &mut dyn FnMut(&[u8])) -> Result<(), base64::Error> {
        Ok(())
    }
}

#[derive(Clone)]
pub struct AnswerHead<'a> {
    pub status: u16,
    pub lines: HeaderLines<'a>,
}

pub struct TooLarge;

pub fn write_answer(
    _source: Source,
    _head: &AnswerHead<'_>,
    body: &[u8],
    _limit: usize,
    write: &mut dyn FnMut(&[u8]),
) -> Result<(), TooLarge> {
    write(body);
    Ok(())
}

pub fn write_prelude(_source: Source, _head: &AnswerHead<'_>, _write: &mut dyn FnMut(&[u8])) {}

pub fn reason(_status: u16) -> &'static [u8] {
    b"OK"
}
