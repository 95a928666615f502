//! The headers of an event, as they are passed on.

use super::names::{COMPARED_NAME_BYTES_MAX, is_dropped, is_option, is_token, write_value};
use super::values::Values;
use crate::wire::http1::eq_ignore_ascii_case_lower;
use crate::wire::json::Text;
use crate::wire::slice_or_empty;

/// The longest `Connection` header, in bytes of JSON: each name is looked up in it.
pub const CONNECTION_BYTES_MAX: usize = 1024;

const COOKIE: &[u8] = b"cookie";

/// Iterates over the headers to pass on, in the order of the event, and then the cookies.
#[derive(Clone)]
pub struct Headers<'a> {
    values: Values<'a>,
    /// The JSON value of the header `connection`, at most `CONNECTION_BYTES_MAX`; may be empty.
    connection: &'a [u8],
    /// Where the cookies are: an array of them, or the headers.
    cookies: &'a [u8],
    has_cookies: bool,
}

impl<'a> Headers<'a> {
    /// The headers of a map. `cookies` is an array of at least one cookie, or empty: they are in
    /// the map then.
    pub(super) fn new(map: &'a [u8], connection: &'a [u8], cookies: &'a [u8]) -> Headers<'a> {
        let has_cookies = !cookies.is_empty();
        Headers {
            values: Values::new(map),
            connection,
            cookies: if has_cookies { cookies } else { map },
            has_cookies,
        }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (HeaderName<'a>, HeaderValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((name, value)) = self.values.next() {
            let name = HeaderName(name);
            let mut unescaped = [0; COMPARED_NAME_BYTES_MAX];
            let bytes = name.bytes(&mut unescaped);
            if eq_ignore_ascii_case_lower(bytes, COOKIE) {
                self.has_cookies = true;
            } else if name.is_token() && !is_dropped(bytes) && !self.is_option(bytes) {
                return Some((name, HeaderValue::Text(value)));
            }
        }
        core::mem::take(&mut self.has_cookies).then(|| {
            let name = HeaderName(Text::new(COOKIE));
            (name, HeaderValue::Cookies(self.cookies))
        })
    }
}

impl Headers<'_> {
    /// Whether the header `connection` of the event drops that name.
    fn is_option(&self, name: &[u8]) -> bool {
        !self.connection.is_empty()
            && Values::new(self.connection).any(|(_, options)| {
                let mut unescaped = [0; CONNECTION_BYTES_MAX];
                is_option(unescape_into(options, &mut unescaped), name)
            })
    }
}

/// The text unescaped, as far as it fits into `space`, unless it needs none.
pub fn unescape_into<'b>(text: Text<'b>, space: &'b mut [u8]) -> &'b [u8] {
    if let Some(plain) = text.plain() {
        return plain;
    }
    let mut length = 0;
    text.unescape(&mut |piece| {
        let places = space.get_mut(length..).unwrap_or_default();
        for (place, byte) in places.iter_mut().zip(piece) {
            *place = *byte;
            length += 1;
        }
    });
    slice_or_empty(space, 0, length)
}

/// The name of a header: a token. It may be escaped in the JSON.
#[derive(Clone, Copy)]
pub struct HeaderName<'a>(pub(super) Text<'a>);

impl<'a> HeaderName<'a> {
    /// Writes the name as it was sent.
    pub fn write(self, write: &mut dyn FnMut(&[u8])) {
        self.0.unescape(write);
    }

    /// Whether it is that name but for case; `lower` is in lower case, at most
    /// `COMPARED_NAME_BYTES_MAX` long.
    pub fn is(self, lower: &[u8]) -> bool {
        let mut unescaped = [0; COMPARED_NAME_BYTES_MAX];
        eq_ignore_ascii_case_lower(self.bytes(&mut unescaped), lower)
    }

    /// The name; of one that is escaped, and longer than `unescaped`, nothing.
    fn bytes<'b>(self, unescaped: &'b mut [u8; COMPARED_NAME_BYTES_MAX]) -> &'b [u8]
    where
        'a: 'b,
    {
        let bytes = unescape_into(self.0, unescaped);
        let is_cut = bytes.len() == COMPARED_NAME_BYTES_MAX && self.0.plain().is_none();
        if is_cut { b"" } else { bytes }
    }

    fn is_token(self) -> bool {
        let mut all = !self.0.raw().is_empty();
        self.0.unescape(&mut |piece| all &= is_token(piece));
        all
    }
}

/// The value of a header: bytes, not always UTF-8 characters of the client's.
#[derive(Clone, Copy)]
pub enum HeaderValue<'a> {
    /// A value.
    Text(Text<'a>),
    /// The cookies of an array, or of a map of headers, in JSON.
    Cookies(&'a [u8]),
}

impl HeaderValue<'_> {
    /// Writes the value in one line: CR, LF, NUL and other control bytes but tabs become spaces.
    pub fn write(self, write: &mut dyn FnMut(&[u8])) {
        let cookies = match self {
            HeaderValue::Text(text) => {
                return text.unescape(&mut |piece| write_value(piece, write));
            }
            HeaderValue::Cookies(json) => json,
        };
        let is_map = cookies.trim_ascii_start().starts_with(b"{");
        let mut is_first = true;
        for (name, cookie) in Values::new(cookies) {
            if is_map && !HeaderName(name).is(COOKIE) {
                continue;
            }
            if !core::mem::take(&mut is_first) {
                write(b"; ");
            }
            HeaderValue::Text(cookie).write(write);
        }
    }
}
