//! An event is read: its source, its members, and everything about them that can be wrong.

use super::body::Body;
use super::headers::{CONNECTION_BYTES_MAX, HeaderName};
use super::names::is_token;
use super::values::Values;
use super::{EventFault, HttpEvent, Source};
use crate::wire::json::{Reader, Text, Token, members, scalar};
use crate::wire::uri::Charset;

/// The members of an event.
const EVENT: [&[u8]; 13] = [
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
/// The members of its `requestContext`, and of `requestContext.http`.
const CONTEXT: [&[u8]; 5] = [b"elb", b"http", b"identity", b"domainName", b"protocol"];
const HTTP: [&[u8]; 4] = [b"method", b"path", b"protocol", b"sourceIp"];

impl<'a> HttpEvent<'a> {
    /// Reads an event, and checks all of it but base64.
    ///
    /// # Errors
    /// It is no HTTP event, or a malformed one.
    pub fn read(event: &'a [u8]) -> Result<HttpEvent<'a>, EventFault> {
        let values = members(event, EVENT).map_err(|_| EventFault::NotHttp)?;
        let [
            method,
            path,
            version,
            raw_path,
            raw_query,
            cookies,
            more @ ..,
        ] = values.map(present);
        let [
            headers,
            multi_headers,
            query,
            multi_query,
            context,
            body,
            is_base64,
        ] = more;

        let context = if context.starts_with(b"{") {
            context
        } else {
            b""
        };
        let [elb, http, identity, domain_name, protocol] = members_or_empty(context, CONTEXT);
        let [http_method, http_path, http_protocol, http_ip] = members_or_empty(http, HTTP);
        let [identity_ip] = members_or_empty(identity, [b"sourceIp"]);

        let headers = Maps::new(multi_headers, headers);
        let is_version = |text| scalar(version).is_some_and(|version| version.is(text));
        let source = match headers.is_multi {
            true if !elb.is_empty() => Source::AlbMulti,
            false if !elb.is_empty() => Source::AlbSingle,
            _ if is_version(b"2.0") && !http_method.is_empty() => Source::V2,
            _ if is_version(b"1.0") && !method.is_empty() => Source::HttpV1,
            _ if version.is_empty() && !method.is_empty() => Source::RestV1,
            _ => return Err(EventFault::NotHttp),
        };
        let fault = |text| EventFault::Malformed(source, text);
        let is_v2 = source == Source::V2;

        let query = if is_v2 {
            raw_query
        } else {
            Maps::new(multi_query, query).map.map_err(fault)?
        };
        let (path, path_charset) = match source {
            Source::V2 => (raw_path, charset_of(raw_path, http_path)),
            Source::HttpV1 => (path, Charset::Path),
            _ => (path, Charset::Visible),
        };
        let headers = headers.map.map_err(fault)?;
        Ok(HttpEvent {
            source,
            method: read_method(if is_v2 { http_method } else { method }).map_err(fault)?,
            path: read_path(path).map_err(fault)?,
            path_charset,
            query,
            headers,
            connection: read_connection(headers).map_err(fault)?,
            cookies: read_cookies(if is_v2 { cookies } else { b"" }).map_err(fault)?,
            request_context: context,
            domain_name,
            source_ip: if is_v2 { http_ip } else { identity_ip },
            protocol: if is_v2 { http_protocol } else { protocol },
            body: read_body(body, is_base64).map_err(fault)?,
        })
    }
}

/// A member that is there, and not null; else empty.
fn present(value: Option<&[u8]>) -> &[u8] {
    value
        .filter(|value| !value.starts_with(b"n"))
        .unwrap_or_default()
}

/// Members of an object as [`present`] has them; of anything else all are empty.
fn members_or_empty<'a, const N: usize>(object: &'a [u8], names: [&[u8]; N]) -> [&'a [u8]; N] {
    members(object, names).unwrap_or([None; N]).map(present)
}

/// The map that counts of one of lists and one of single values.
struct Maps<'a> {
    /// May be empty.
    map: Result<&'a [u8], &'static [u8]>,
    is_multi: bool,
}

impl<'a> Maps<'a> {
    /// The one of lists, unless only the other one has members.
    fn new(multi: &'a [u8], single: &'a [u8]) -> Maps<'a> {
        let has_members = |map| {
            let mut reader = Reader::new(map);
            _ = reader.next();
            matches!(reader.next(), Ok(Some(Token::Name(_))))
        };
        let is_multi = !multi.is_empty() && (has_members(multi) || !has_members(single));
        let map = if is_multi { multi } else { single };
        let is_map = map.is_empty() || map.starts_with(b"{");
        let fault: &[u8] = b"headers or query parameters are no JSON object";
        Maps {
            map: is_map.then_some(map).ok_or(fault),
            is_multi,
        }
    }
}

/// The characters that stay in the path of an event with payload 2.0, or of a Function URL: the
/// latter has an encoded path that differs from the decoded one as soon as anything is encoded.
fn charset_of(raw_path: &[u8], decoded_path: &[u8]) -> Charset {
    match (scalar(raw_path), scalar(decoded_path)) {
        (Some(path), Some(decoded)) if path.is_same(decoded) => Charset::Path,
        _ => Charset::Visible,
    }
}

fn read_method(method: &[u8]) -> Result<&[u8], &'static [u8]> {
    scalar(method)
        .and_then(Text::plain)
        .filter(|method| !method.is_empty() && is_token(method))
        .ok_or(b"the event has no method, or one that is no token")
}

fn read_path(path: &[u8]) -> Result<Text<'_>, &'static [u8]> {
    let path = scalar(path).ok_or(&b"the event has no path"[..])?;
    match path.bytes().next() {
        None => Ok(Text::new(b"/")),
        Some(b'/') => Ok(path),
        Some(_) => Err(b"the path does not begin with a slash"),
    }
}

/// The value of the header `connection`, unless it names no other header.
fn read_connection(headers: &[u8]) -> Result<&[u8], &'static [u8]> {
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
    if connection.len() > CONNECTION_BYTES_MAX {
        return Err(b"the header connection is longer than 1024 bytes");
    }
    Ok(connection)
}

/// The array of cookies, if there is a cookie in it.
fn read_cookies(cookies: &[u8]) -> Result<&[u8], &'static [u8]> {
    match cookies.first() {
        Some(b'[') if Values::new(cookies).next().is_some() => Ok(cookies),
        None | Some(b'[') => Ok(b""),
        Some(_) => Err(b"cookies is no JSON array"),
    }
}

fn read_body<'a>(body: &'a [u8], is_base64: &[u8]) -> Result<Body<'a>, &'static [u8]> {
    if body.is_empty() {
        return Ok(Body::Empty);
    }
    let text = scalar(body).ok_or(&b"the body is no string"[..])?;
    let is_base64 = scalar(is_base64).is_some_and(|value| value.is(b"true"));
    Ok(match text.raw() {
        [] => Body::Empty,
        _ if is_base64 => Body::Base64(text),
        _ => Body::Text(text),
    })
}
