//! What each service makes of an answer of the function.

use super::Source;
use super::coding::bytes_of_base64;
use super::message::Answer;
use serde_json::{Map, Value};

/// The keys that a REST API accepts in an answer; any other key is an error.
const REST_KEYS: [&str; 5] = [
    "statusCode",
    "headers",
    "multiValueHeaders",
    "body",
    "isBase64Encoded",
];

/// Headers that a REST API sends under the name `x-amzn-Remapped-NAME`.
const REMAPPED: [&str; 14] = [
    "authorization",
    "connection",
    "content-length",
    "content-md5",
    "date",
    "expect",
    "host",
    "max-forwards",
    "proxy-authenticate",
    "server",
    "trailer",
    "upgrade",
    "user-agent",
    "www-authenticate",
];

/// Headers of an answer that no service passes on.
const FRAMING: [&str; 4] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
];

/// The answer to a request whose event has this response.
pub fn answer(source: Source, response: &[u8], is_binary: bool) -> Answer {
    let read = match serde_json::from_slice::<Value>(response) {
        Ok(value) => shaped(source, &value, is_binary),
        Err(_) if source.is_http_payload_2() => Some(as_body(response)),
        Err(_) => None,
    };
    read.unwrap_or_else(|| malformed(source))
}

/// The answer to a request whose event failed, or is no event that the function may get.
pub fn failed(source: Source) -> Answer {
    match source {
        Source::Rest => {
            let body = r#"{"message": "Internal server error"}"#;
            let answer = Answer::new(502, "application/json", body);
            answer.header("x-amzn-ErrorType", "InternalServerErrorException")
        }
        Source::Http1 | Source::Http2 => {
            let body = r#"{"message":"Internal Server Error"}"#;
            Answer::new(500, "application/json", body)
        }
        Source::FunctionUrl => Answer::new(502, "text/plain", "Internal Server Error"),
        Source::AlbMulti | Source::AlbSingle => {
            let page = "<html><head><title>502 Bad Gateway</title></head></html>\r\n";
            Answer::new(502, "text/html", page).header("Server", "awselb/2.0")
        }
    }
}

/// The answer where the service has waited for too long.
pub fn late(source: Source) -> Answer {
    let body = r#"{"message": "Endpoint request timed out"}"#;
    match source {
        Source::Http1 | Source::Http2 => Answer::new(
            503,
            "application/json",
            r#"{"message":"Service Unavailable"}"#,
        ),
        _ => Answer::new(504, "application/json", body),
    }
}

/// The answer to a request whose event is too large.
pub fn too_large(source: Source) -> Answer {
    let message = match source {
        Source::Rest => r#"{"message":"Request Too Long"}"#,
        _ => r#"{"message":"Request Entity Too Large"}"#,
    };
    Answer::new(413, "application/json", message)
}

fn malformed(source: Source) -> Answer {
    match source {
        Source::Rest => {
            let body = r#"{"message":"Internal server error"}"#;
            Answer::new(502, "application/json", body)
        }
        _ => failed(source),
    }
}

/// A response that does not describe an answer is its body.
fn as_body(response: &[u8]) -> Answer {
    Answer::new(200, "application/json", response)
}

/// The answer that a response of the function describes; `None` where it is malformed.
fn shaped(source: Source, value: &Value, is_binary: bool) -> Option<Answer> {
    let described = value
        .as_object()
        .filter(|map| map.contains_key("statusCode"));
    let Some(map) = described.or(value.as_object().filter(|_| source == Source::Rest)) else {
        return match source.is_http_payload_2() {
            true => Some(match value {
                Value::String(text) => as_body(text.as_bytes()),
                _ => as_body(value.to_string().as_bytes()),
            }),
            false => None,
        };
    };
    let is_known = |key: &String| REST_KEYS.contains(&key.as_str());
    if source == Source::Rest && (map.is_empty() || !map.keys().all(is_known)) {
        return None;
    }
    let mut answer = Answer {
        status: status(map.get("statusCode"))?,
        is_whole: true,
        ..Answer::default()
    };
    answer.headers = headers(source, map)?;
    add_content_type(source, &mut answer);
    answer.body = body(source, map, is_binary)?;
    if let (true, Some(text)) = (source.is_alb(), map.get("statusDescription")) {
        let text = text.as_str()?;
        let (code, reason) = text.split_once(' ')?;
        if code != answer.status.to_string() {
            return None;
        }
        answer.reason = reason.to_string();
    }
    Some(answer)
}

/// A status: a whole number, also as text.
fn status(value: Option<&Value>) -> Option<u16> {
    let status = match value {
        None => 200, // of a REST API
        Some(Value::String(text)) => text.parse().ok()?,
        Some(value) => u16::try_from(value.as_u64()?).ok()?,
    };
    (100..=599).contains(&status).then_some(status)
}

fn body(source: Source, map: &Map<String, Value>, is_binary: bool) -> Option<Vec<u8>> {
    let text = match map.get("body") {
        None | Some(Value::Null) => "",
        Some(body) => body.as_str()?,
    };
    let is_base64 = match map.get("isBase64Encoded") {
        None | Some(Value::Null) => false,
        Some(flag) => flag.as_bool()?,
    };
    // Without binary types, a REST API sends the base64 as it is.
    match is_base64 && (source != Source::Rest || is_binary) {
        true => bytes_of_base64(text),
        false => Some(text.as_bytes().to_vec()),
    }
}

/// A value of a header as text: numbers and booleans are written as JSON.
fn header_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

type Pairs = Vec<(String, String)>;

fn single(map: &Map<String, Value>) -> Option<Pairs> {
    let entries = match map.get("headers") {
        None | Some(Value::Null) => return Some(Pairs::new()),
        Some(headers) => headers.as_object()?.iter(),
    };
    entries
        .map(|(name, value)| Some((name.clone(), header_text(value)?)))
        .collect()
}

fn multi(map: &Map<String, Value>) -> Option<Pairs> {
    let mut pairs = Pairs::new();
    let entries = match map.get("multiValueHeaders") {
        None | Some(Value::Null) => return Some(pairs),
        Some(headers) => headers.as_object()?.iter(),
    };
    for (name, values) in entries {
        for value in values.as_array()? {
            pairs.push((name.clone(), header_text(value)?));
        }
    }
    Some(pairs)
}

/// The headers as the service sends them.
fn headers(source: Source, map: &Map<String, Value>) -> Option<super::message::Headers> {
    let mut pairs = match source {
        Source::AlbMulti => multi(map)?, // the configured one alone
        Source::AlbSingle => single(map)?,
        Source::Http2 | Source::FunctionUrl => {
            let mut pairs = single(map)?;
            pairs.retain(|(name, _)| !name.eq_ignore_ascii_case("set-cookie"));
            let cookies = map.get("cookies").and_then(Value::as_array);
            for cookie in cookies.into_iter().flatten() {
                pairs.push(("Set-Cookie".to_string(), cookie.as_str()?.to_string()));
            }
            pairs
        }
        Source::Rest | Source::Http1 => {
            let mut pairs = multi(map)?;
            pairs.extend(single(map)?);
            pairs
        }
    };
    pairs.retain(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name == "transfer-encoding" || source == Source::Rest || !FRAMING.contains(&&*name)
    });
    pairs.retain(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding"));
    let mut headers = Vec::new();
    for (name, value) in pairs {
        // A line break in a header would be an answer of the function's own making.
        if !is_token(&name) || value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return None;
        }
        let is_remapped = REMAPPED.contains(&&*name.to_ascii_lowercase());
        let name = match source == Source::Rest && is_remapped {
            true => format!("x-amzn-Remapped-{name}"),
            false => name,
        };
        headers.push((name, value.into_bytes()));
    }
    Some(headers)
}

/// Whether a name may be that of a header (RFC 9110, 5.6.2).
fn is_token(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_allowed)
}

fn add_content_type(source: Source, answer: &mut Answer) {
    let kind = match source {
        Source::Rest | Source::FunctionUrl => "application/json",
        Source::Http1 | Source::Http2 => "text/plain; charset=utf-8",
        Source::AlbMulti | Source::AlbSingle => return,
    };
    if answer.value("Content-Type").is_none() {
        let header = ("Content-Type".to_string(), kind.as_bytes().to_vec());
        answer.headers.push(header);
    }
}

/// The head that the start of a streamed response describes, and the number of its bytes; `None`
/// while it is not whole.
pub fn prelude(bytes: &[u8]) -> Option<Result<(Answer, usize), String>> {
    let at = bytes.windows(8).position(|eight| eight == [0; 8])?;
    let read = serde_json::from_slice::<Value>(&bytes[..at]);
    let value = match read {
        Ok(value) => value,
        Err(error) => return Some(Err(format!("a prelude that is no JSON: {error}"))),
    };
    let Some(map) = value.as_object() else {
        return Some(Err(format!("a prelude that is no object: {value}")));
    };
    let answer = status(map.get("statusCode")).and_then(|status| {
        let headers = headers(Source::FunctionUrl, map)?;
        let mut pairs = headers;
        for (name, value) in multi(map)? {
            pairs.push((name, value.into_bytes()));
        }
        Some(Answer {
            status,
            headers: pairs,
            is_whole: true,
            ..Answer::default()
        })
    });
    let Some(mut answer) = answer else {
        return Some(Err(format!("a prelude that describes no head: {value}")));
    };
    add_content_type(Source::FunctionUrl, &mut answer);
    Some(Ok((answer, at + 8)))
}
