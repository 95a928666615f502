//! What the reader of events and the writer of answers should do, by another technique: all of JSON
//! is parsed first, and everything is a string.

use serde_json::{Map, Value, json};
use tinderbox::http_event::{Source, reason};

use crate::ordered::{Json, raw_member};

/// The result of reading an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    NotHttp,
    Malformed(Source),
    Request(Box<Request>),
}

/// A request as an application would see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub source: Source,
    pub method: Vec<u8>,
    pub path: Vec<u8>,
    pub query: Vec<u8>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub host: Vec<u8>,
    pub address: Vec<u8>,
    pub context: Vec<u8>,
    pub protocol: Vec<u8>,
    /// None: it is not base64.
    pub body: Option<Vec<u8>>,
}

impl Request {
    /// The values of a header.
    pub fn values(&self, name: &str) -> Vec<String> {
        let is_wanted = |(other, _): &&(String, Vec<u8>)| other.eq_ignore_ascii_case(name);
        let text = |(_, value): &(String, Vec<u8>)| String::from_utf8_lossy(value).into_owned();
        self.headers.iter().filter(is_wanted).map(text).collect()
    }

    /// The path and the query, as a request line has them.
    pub fn target(&self) -> String {
        let path = String::from_utf8_lossy(&self.path);
        match &self.query[..] {
            [] => path.into_owned(),
            query => format!("{path}?{}", String::from_utf8_lossy(query)),
        }
    }
}

/// Headers that are not passed on.
const DROPPED: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "content-length",
    "x-amzn-request-context",
    "x-amzn-lambda-context",
];

/// The verdict on an event; None where the grammar of JSON has nothing against the event and
/// serde_json has: half of a surrogate pair, a number beyond an f64.
pub fn read(event: &[u8]) -> Option<Verdict> {
    let Some(json) = Json::parse(event) else {
        return (!is_odd(event)).then_some(Verdict::NotHttp);
    };
    Some(verdict(&json, event))
}

/// Whether a text may be one that serde_json alone refuses.
fn is_odd(event: &[u8]) -> bool {
    let has = |what: &[u8]| event.windows(what.len()).any(|part| part == what);
    has(b"\\ud")
        || has(b"\\uD")
        || event
            .windows(2)
            .any(|part| part[0].is_ascii_digit() && part[1].eq_ignore_ascii_case(&b'e'))
}

fn verdict(event: &Json, text: &[u8]) -> Verdict {
    let context = match event.get("requestContext") {
        context @ Json::Object(_) => context,
        _ => &Json::Null,
    };
    let http = context.get("http");
    let (headers, is_multi) = choose(event.get("multiValueHeaders"), event.get("headers"));
    let version = event.get("version").scalar();
    let has_method = *event.get("httpMethod") != Json::Null;
    let source = match version.as_deref() {
        _ if *context.get("elb") != Json::Null && is_multi => Source::AlbMulti,
        _ if *context.get("elb") != Json::Null => Source::AlbSingle,
        Some("2.0") if *http.get("method") != Json::Null => Source::V2,
        Some("1.0") if has_method => Source::HttpV1,
        _ if has_method && *event.get("version") == Json::Null => Source::RestV1,
        _ => return Verdict::NotHttp,
    };
    let text = std::str::from_utf8(text).expect("UTF-8");
    let raw_context = raw_member(text, "requestContext");
    let is_escaped = |is_v2: &str, is_v1: &str| {
        // The reader hands out methods and protocols as they stand.
        let raw = match source {
            Source::V2 => raw_member(raw_member(raw_context, "http"), is_v2),
            _ if is_v1 == "protocol" => raw_member(raw_context, is_v1),
            _ => raw_member(text, is_v1),
        };
        raw.contains('\\')
    };
    let request = match source {
        _ if is_escaped("method", "httpMethod") => None,
        Source::V2 => v2(event, http),
        _ => v1(event, source),
    };
    let Some((method, path, query)) = request else {
        return Verdict::Malformed(source);
    };
    let cookies = match (source, event.get("cookies")) {
        (Source::V2, cookies) => cookies,
        _ => &Json::Null,
    };
    let protocol = match source {
        Source::V2 => http.get("protocol").scalar(),
        _ => context.get("protocol").scalar(),
    };
    let protocol = protocol.filter(|_| !is_escaped("protocol", "protocol"));
    let address = match source {
        Source::V2 => http.get("sourceIp").scalar(),
        Source::AlbMulti | Source::AlbSingle => pairs(headers)
            .into_iter()
            .rfind(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-for"))
            .map(|(_, value)| value),
        _ => context.get("identity").get("sourceIp").scalar(),
    };
    let host = context.get("domainName").scalar();
    let body = body(event);
    let context = match context {
        Json::Null => "",
        _ => raw_context,
    };
    match (passed_headers(headers, cookies), body) {
        (Some(headers), Some(body)) => Verdict::Request(Box::new(Request {
            source,
            method,
            path,
            query,
            headers,
            host: one_line(
                &host
                    .filter(|host| !host.is_empty())
                    .unwrap_or("localhost".into()),
            ),
            address: last_address(&address.unwrap_or_default()),
            context: context.into(),
            protocol: visible(protocol.unwrap_or_default()),
            body,
        })),
        _ => Verdict::Malformed(source),
    }
}

/// The map that counts, and whether it is that of lists.
fn choose<'a>(multi: &'a Json, single: &'a Json) -> (&'a Json, bool) {
    let has_members = |map: &Json| matches!(map, Json::Object(members) if !members.is_empty());
    match multi {
        Json::Null => (single, false),
        _ if !has_members(multi) && has_members(single) => (single, false),
        _ => (multi, true),
    }
}

/// Names and values of a map, or of a list, which has no names.
fn pairs(json: &Json) -> Vec<(String, String)> {
    let of_list = |name: &str, value: &Json| {
        match value {
            Json::Array(values) => values.iter().filter_map(Json::scalar).collect(),
            value => value.scalar().into_iter().collect::<Vec<_>>(),
        }
        .into_iter()
        .map(|value| (name.to_string(), value))
        .collect::<Vec<_>>()
    };
    match json {
        Json::Object(members) => {
            let each = members
                .iter()
                .flat_map(|(name, value)| of_list(name, value));
            each.collect()
        }
        Json::Array(values) => values.iter().flat_map(|value| of_list("", value)).collect(),
        value => of_list("", value),
    }
}

fn encoded(text: &str, stays: fn(u8) -> bool) -> String {
    let one = |byte: u8| match stays(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

fn raw(text: &str) -> String {
    encoded(text, |byte| byte.is_ascii_graphic())
}

fn decoded_path(text: &str) -> String {
    encoded(text, |byte| {
        byte.is_ascii_graphic() && !b"%?#".contains(&byte)
    })
}

fn once(text: &str) -> String {
    encoded(text, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
    })
}

type Line = (Vec<u8>, Vec<u8>, Vec<u8>);

fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

fn path_of(json: &Json) -> Option<String> {
    match json.scalar()? {
        path if path.is_empty() => Some("/".into()),
        path if path.starts_with('/') => Some(path),
        _ => None,
    }
}

fn v2(event: &Json, http: &Json) -> Option<Line> {
    let path = path_of(event.get("rawPath"))?;
    let is_decoded = event.get("rawPath").scalar() == http.get("path").scalar();
    let path = if is_decoded {
        decoded_path(&path)
    } else {
        raw(&path)
    };
    let query = raw(&event.get("rawQueryString").scalar().unwrap_or_default());
    let method = http
        .get("method")
        .scalar()
        .filter(|method| is_token(method))?;
    Some((method.into(), path.into(), query.into()))
}

fn v1(event: &Json, source: Source) -> Option<Line> {
    let path = path_of(event.get("path"))?;
    let path = match source {
        Source::HttpV1 => decoded_path(&path),
        _ => raw(&path),
    };
    let multi = event.get("multiValueQueryStringParameters");
    let (map, _) = choose(multi, event.get("queryStringParameters"));
    if !matches!(map, Json::Null | Json::Object(_)) {
        return None;
    }
    let encode = match source {
        Source::AlbMulti | Source::AlbSingle => raw,
        _ => once,
    };
    let pair = |(name, value): (String, String)| encode(&name) + "=" + &encode(&value);
    let query: Vec<String> = pairs(map).into_iter().map(pair).collect();
    let method = event
        .get("httpMethod")
        .scalar()
        .filter(|method| is_token(method))?;
    Some((method.into(), path.into(), query.join("&").into()))
}

/// The bytes of a body; the inner None: they are no base64, the outer: it is no string.
fn body(event: &Json) -> Option<Option<Vec<u8>>> {
    let is_base64 = event.get("isBase64Encoded").scalar().as_deref() == Some("true");
    match event.get("body") {
        Json::Null => Some(Some(Vec::new())),
        body => body.scalar().map(|text| match is_base64 {
            true => base64(&text),
            false => Some(text.into_bytes()),
        }),
    }
}

/// The bytes of base64, with padding or without; no byte of another alphabet, no bits behind.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if digits.len() % 4 == 1 || padding > 0 && (padding > 2 || text.len() % 4 != 0) {
        return None;
    }
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in digits.chars() {
        bits = bits << 6 | DIGITS.find(digit)? as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (bits == 0).then_some(bytes)
}

/// The headers that an application gets; None: they are malformed.
fn passed_headers(headers: &Json, cookies: &Json) -> Option<Vec<(String, Vec<u8>)>> {
    if !matches!(headers, Json::Null | Json::Object(_))
        || !matches!(cookies, Json::Null | Json::Array(_))
    {
        return None;
    }
    let options = options(headers)?;
    let mut passed = Vec::new();
    let mut in_headers = Vec::new();
    for (name, value) in pairs(headers) {
        let lower = name.to_ascii_lowercase();
        if lower == "cookie" {
            in_headers.push(value);
        } else if is_token(&name) && !DROPPED.contains(&&lower[..]) && !options.contains(&lower) {
            passed.push((name, one_line(&value)));
        }
    }
    let cookies = match pairs(cookies) {
        none if none.is_empty() => in_headers,
        cookies => cookies.into_iter().map(|(_, cookie)| cookie).collect(),
    };
    if !cookies.is_empty() {
        passed.push(("cookie".into(), one_line(&cookies.join("; "))));
    }
    Some(passed)
}

/// The headers that the last member `connection` names, in lower case, unless the front adds them;
/// None: it is too long.
fn options(headers: &Json) -> Option<Vec<String>> {
    let members = match headers {
        Json::Object(members) => &members[..],
        _ => &[],
    };
    let is_connection = |member: &&(String, Json)| member.0.eq_ignore_ascii_case("connection");
    let Some((_, value)) = members.iter().rev().find(is_connection) else {
        return Some(Vec::new());
    };
    let values: Vec<String> = pairs(value).into_iter().map(|(_, value)| value).collect();
    if values.iter().map(String::len).sum::<usize>() > 1024 {
        return None;
    }
    if values == ["close"] {
        return Some(Vec::new());
    }
    let of_front = ["host", "x-forwarded-", "x-amz", "cloudfront-"];
    let options = values.iter().flat_map(|value| value.split(','));
    let options = options.map(|option| option.trim_ascii().to_ascii_lowercase());
    let drops = |option: &String| !of_front.iter().any(|start| option.starts_with(start));
    Some(options.filter(drops).collect())
}

fn one_line(text: &str) -> Vec<u8> {
    clean(text.as_bytes())
}

fn clean(text: &[u8]) -> Vec<u8> {
    let is_control = |byte: u8| byte < b' ' && byte != b'\t' || byte == 0x7f;
    let clean = |byte: &u8| if is_control(*byte) { b' ' } else { *byte };
    text.iter().map(clean).collect()
}

fn last_address(addresses: &str) -> Vec<u8> {
    let last = addresses
        .rsplit(',')
        .next()
        .expect("one at least")
        .as_bytes();
    clean(last[..last.len().min(64)].trim_ascii())
}

fn visible(text: String) -> Vec<u8> {
    match text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => text.into(),
        false => Vec::new(),
    }
}

/// The head of an answer: names, and values of any bytes.
pub type Lines = Vec<(String, Vec<u8>)>;

fn latin1_or_utf8(value: &[u8]) -> String {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.to_string(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    };
    let clean = |c: char| {
        if c < ' ' && c != '\t' || c == '\x7f' {
            ' '
        } else {
            c
        }
    };
    text.chars().map(clean).collect()
}

/// An answer without its body, as an object.
pub fn answer_head(source: Source, status: u16, lines: &Lines) -> Value {
    let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    let options = lines.iter().filter(|(name, _)| is(name, "connection"));
    let options: Vec<String> = options
        .flat_map(|(_, value)| {
            let options = value.split(|byte| *byte == b',');
            let text = |option: &[u8]| String::from_utf8_lossy(option.trim_ascii()).into_owned();
            options.map(text).collect::<Vec<_>>()
        })
        .collect();
    let of_front = ["host", "x-forwarded-", "x-amz", "cloudfront-"];
    let mut grouped: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in lines {
        let lower = name.to_ascii_lowercase();
        let is_option = options.iter().any(|option| is(option, name))
            && !of_front.iter().any(|start| lower.starts_with(start));
        if !is_token(name) || DROPPED.contains(&&lower[..]) || lower == "status" || is_option {
            continue;
        }
        let value = latin1_or_utf8(value);
        match grouped.iter_mut().find(|(other, _)| is(other, name)) {
            Some((_, values)) => values.push(value),
            None => grouped.push((name.clone(), vec![value])),
        }
    }
    let mut answer = Map::new();
    answer.insert("statusCode".into(), json!(status));
    let mut cookies = Vec::new();
    let mut headers = Map::new();
    for (name, values) in grouped {
        let value = match source {
            Source::V2 if is(&name, "set-cookie") => {
                cookies = values;
                continue;
            }
            Source::AlbSingle if is(&name, "set-cookie") => json!(values.last()),
            Source::V2 | Source::AlbSingle => json!(values.join(", ")),
            _ => json!(values),
        };
        headers.insert(name, value);
    }
    let member = match source {
        Source::V2 | Source::AlbSingle => "headers",
        _ => "multiValueHeaders",
    };
    answer.insert(member.into(), Value::Object(headers));
    if source == Source::V2 {
        answer.insert("cookies".into(), json!(cookies));
    }
    if matches!(source, Source::AlbMulti | Source::AlbSingle) {
        let phrase = String::from_utf8_lossy(reason(status));
        answer.insert(
            "statusDescription".into(),
            json!(format!("{status} {phrase}")),
        );
    }
    Value::Object(answer)
}
