//! An event is read: its source, its members, and everything about them that can be wrong.

use super::body::Body;
use super::headers::{CONNECTION_BYTES_MAX, HeaderName};
use super::names::is_token;
use super::values::Values;
use super::{EventFault, HttpEvent, Source};
use crate::wire::json::{Reader, Text, Token, find_members, scalar};
use crate::wire::uri::Charset;

/// The members of an event.
static EVENT: [&[u8]; 13] = [
    b"httpMethod",
    b"path",
    b"version",
    b"rawPath",
    b"rawQueryString",
    b"cookies",
    b"headers",
    b"multiValueHeaders",
    b"queryStringParameters",
    b"multiValueQueryStringParameters",
    b"requestContext",
    b"body",
    b"isBase64Encoded",
];
/// The members of its `requestContext`, of `requestContext.http`, and of `requestContext.identity`.
static CONTEXT: [&[u8]; 5] = [b"elb", b"http", b"identity", b"domainName", b"protocol"];
static HTTP: [&[u8]; 4] = [b"method", b"path", b"protocol", b"sourceIp"];
static IDENTITY: [&[u8]; 1] = [b"sourceIp"];

impl<'a> HttpEvent<'a> {
    /// Reads an event, and checks all of it but base64.
    ///
    /// # Errors
    /// It is no HTTP event, or a malformed one.
    #[inline(never)]
    pub fn read(event: &'a [u8]) -> Result<HttpEvent<'a>, EventFault> {
        // All that is absent, null or not JSON is empty.
        const EMPTY: &[u8] = b"";
        let (mut of_event, mut of_context) = ([EMPTY; 13], [EMPTY; 5]);
        let (mut of_http, mut of_identity) = ([EMPTY; 4], [EMPTY; 1]);
        // References, as to load each member where it is used is shorter.
        find_present(event, &EVENT, &mut of_event);
        let [
            method,
            path,
            version,
            raw_path,
            raw_query,
            cookies,
            maps @ ..,
            context,
            body,
            is_base64,
        ] = &of_event;
        let [headers, multi_headers, query, multi_query] = maps;
        find_present(context, &CONTEXT, &mut of_context);
        let [elb, http, identity, domain_name, protocol] = &of_context;
        find_present(http, &HTTP, &mut of_http);
        let [http_method, http_path, http_protocol, http_ip] = &of_http;
        find_present(identity, &IDENTITY, &mut of_identity);
        let [identity_ip] = &of_identity;

        let (headers, is_multi) = choose(multi_headers, headers);
        let members = [*elb, *http_method, *method, *version];
        let source = source_of(members, is_multi).ok_or(EventFault::NotHttp)?;
        let mut read = HttpEvent {
            source,
            method,
            path: Text::new(b""),
            path_charset: Charset::Visible,
            query: choose(multi_query, query).0,
            headers,
            connection: b"",
            cookies: b"",
            request_context: if context.starts_with(b"{") {
                context
            } else {
                b""
            },
            domain_name,
            source_ip: identity_ip,
            protocol,
            body: Body::Empty,
        };
        let mut path = path;
        match source {
            Source::HttpV1 => read.path_charset = Charset::Path,
            Source::V2 => {
                path = raw_path;
                read.path_charset = charset_of(raw_path, http_path);
                read.method = http_method;
                read.query = raw_query;
                read.cookies = cookies;
                read.source_ip = http_ip;
                read.protocol = http_protocol;
            }
            _ => {}
        }
        match read.check(path, body, is_base64) {
            b"" => Ok(read),
            fault => Err(EventFault::Malformed(source, fault)),
        }
    }

    /// Checks what was found, and completes it; returns what is wrong, or nothing.
    #[inline(never)]
    fn check(&mut self, path: &'a [u8], body: &'a [u8], is_base64: &[u8]) -> &'static [u8] {
        let is_map = |map: &[u8]| matches!(map, [] | [b'{', ..]);
        self.connection = connection_of(self.headers);
        self.method = scalar(self.method)
            .and_then(Text::plain)
            .unwrap_or_default();
        let path = scalar(path);
        self.path = path.unwrap_or(self.path);
        let body_text = scalar(body).unwrap_or(Text::new(b""));
        if !body_text.raw().is_empty() {
            let is_base64 = scalar(is_base64).is_some_and(|value| value.is(b"true"));
            self.body = if is_base64 {
                Body::Base64(body_text)
            } else {
                Body::Text(body_text)
            };
        }
        if self.method.is_empty() || !is_token(self.method) {
            return b"the event has no method, or one that is no token";
        }
        if path.is_none() {
            return b"the event has no path";
        }
        match self.path.bytes().next() {
            None => self.path = Text::new(b"/"),
            Some(b'/') => {}
            Some(_) => return b"the path does not begin with a slash",
        }
        if !is_map(self.headers) || self.source != Source::V2 && !is_map(self.query) {
            return b"headers or query parameters are no JSON object";
        }
        if self.connection.len() > CONNECTION_BYTES_MAX {
            return b"the header connection is longer than 1024 bytes";
        }
        if !matches!(self.cookies, [] | [b'[', ..]) {
            return b"cookies is no JSON array";
        }
        if Values::new(self.cookies).next().is_none() {
            self.cookies = b"";
        }
        if matches!(body, [b'{' | b'[', ..]) {
            return b"the body is no string";
        }
        b""
    }
}

/// The source of an event with these members: `elb`, `http.method`, `httpMethod`, `version`.
fn source_of(members: [&[u8]; 4], is_multi: bool) -> Option<Source> {
    let [elb, http_method, method, version] = members;
    let is_version = |text| scalar(version).is_some_and(|version| version.is(text));
    if !elb.is_empty() {
        Some(if is_multi {
            Source::AlbMulti
        } else {
            Source::AlbSingle
        })
    } else if !http_method.is_empty() && is_version(b"2.0") {
        Some(Source::V2)
    } else if method.is_empty() {
        None
    } else if is_version(b"1.0") {
        Some(Source::HttpV1)
    } else {
        version.is_empty().then_some(Source::RestV1)
    }
}

/// Finds members of an object that are not null. Where it is no right JSON of an object, none is
/// found.
#[inline(never)]
fn find_present<'a>(object: &'a [u8], names: &[&[u8]], values: &mut [&'a [u8]]) {
    let is_right = find_members(object, names, values).is_ok();
    for value in values {
        if !is_right || value.starts_with(b"n") {
            *value = b"";
        }
    }
}

/// The map that counts of one of lists and one of single values, and whether it is the first: that
/// is, unless only the other one has members.
#[inline(never)]
fn choose<'a>(multi: &'a [u8], single: &'a [u8]) -> (&'a [u8], bool) {
    if multi.is_empty() || !has_members(multi) && has_members(single) {
        (single, false)
    } else {
        (multi, true)
    }
}

fn has_members(map: &[u8]) -> bool {
    let mut reader = Reader::new(map);
    _ = reader.next();
    matches!(reader.next(), Ok(Some(Token::Name(_))))
}

/// The characters that stay in the path of an event with payload 2.0, or of a Function URL: the
/// latter has an encoded path that differs from the decoded one as soon as anything is encoded.
fn charset_of(raw_path: &[u8], decoded_path: &[u8]) -> Charset {
    match (scalar(raw_path), scalar(decoded_path)) {
        (Some(path), Some(decoded)) if path.is_same(decoded) => Charset::Path,
        _ => Charset::Visible,
    }
}

/// The value of the header `connection`, unless it names no other header.
fn connection_of(headers: &[u8]) -> &[u8] {
    let mut reader = Reader::new(headers);
    let mut connection: &[u8] = b"";
    _ = reader.next();
    while let Ok(Some(Token::Name(name))) = reader.next() {
        let value = reader.next_raw().ok().flatten().unwrap_or_default();
        if HeaderName(name).is(b"connection") {
            connection = value;
        }
    }
    let is = |text| scalar(connection).is_some_and(|value| value.is(text));
    if is(b"keep-alive") || is(b"close") {
        connection = b"";
    }
    connection
}
