//! The event that each service makes of a request.
//!
//! Sources of what is written here: AWS's documentation of each service, and recordings of what
//! they send. A behaviour of which neither is known is marked as assumed.

use super::Source;
use super::coding::{base64, decoded, decoded_query, text};
use super::message::{Headers, Request};
use serde_json::{Map, Value, json};

/// Who asks: the address of the client as the service sees it.
const CLIENT: &str = "127.0.0.1";

/// The trace id of every request.
pub const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

/// Headers that a REST API does not pass on.
const DROPPED_BY_REST: [&str; 12] = [
    "connection",
    "content-length",
    "content-md5",
    "expect",
    "max-forwards",
    "proxy-authenticate",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// Types whose bodies are sent as text, unless they are encoded, by all but REST APIs.
const TEXT_TYPES: [&str; 3] = [
    "application/json",
    "application/javascript",
    "application/xml",
];

/// The event for a request. `host` is the front's own address; `is_binary`: a REST API treats
/// bodies of all types as binary (`binaryMediaTypes: */*`), or none.
pub fn event(source: Source, request: &Request, host: &str, is_binary: bool) -> Value {
    let parts = Parts {
        source,
        request,
        headers: headers(source, request, host),
        is_binary,
    };
    match source {
        Source::Rest | Source::Http1 => parts.rest(),
        Source::Http2 | Source::FunctionUrl => parts.http(),
        Source::AlbMulti | Source::AlbSingle => parts.alb(),
    }
}

struct Parts<'a> {
    source: Source,
    request: &'a Request,
    /// Those of the event.
    headers: Headers,
    is_binary: bool,
}

/// The headers of the request as the service passes them on, with its own.
fn headers(source: Source, request: &Request, host: &str) -> Headers {
    let mut headers = request.headers.clone();
    if source == Source::Rest {
        headers.retain(|(name, _)| !DROPPED_BY_REST.contains(&&*name.to_ascii_lowercase()));
    } else {
        for (name, _) in &mut headers {
            name.make_ascii_lowercase();
        }
        // The services frame the body again, and say its length.
        headers.retain(|(name, _)| name != "transfer-encoding" && name != "expect");
    }
    let spelled = |name: &str| match source {
        Source::Rest => name.to_string(),
        _ => name.to_ascii_lowercase(),
    };
    let is_alb = matches!(source, Source::AlbMulti | Source::AlbSingle);
    let forwarded: Vec<String> = values(&headers, "x-forwarded-for");
    let mut forwarded: Vec<&str> = forwarded.iter().map(String::as_str).collect();
    forwarded.push(CLIENT); // appended to what the client wrote
    let port = host.rsplit(':').next().unwrap_or("443");
    let own = [
        ("X-Amzn-Trace-Id", TRACE.to_string()),
        ("X-Forwarded-For", forwarded.join(", ")),
        ("X-Forwarded-Port", port.to_string()),
        (
            "X-Forwarded-Proto",
            if is_alb { "http" } else { "https" }.to_string(),
        ),
    ];
    for (name, value) in own {
        headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        headers.push((spelled(name), value.into_bytes()));
    }
    headers
}

fn values(headers: &Headers, name: &str) -> Vec<String> {
    let named = headers
        .iter()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name));
    named.map(|(_, value)| text(value)).collect()
}

/// A map of names to all their values, each name as it was first spelled.
fn grouped<K: AsRef<str>>(pairs: &[(K, String)]) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in pairs {
        let name = name.as_ref();
        match groups.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) => values.push(value),
            None => groups.push((name, vec![value])),
        }
    }
    groups
}

/// A map with one value a name.
fn single(groups: &[(&str, Vec<&str>)], choose: impl Fn(&[&str]) -> String) -> Value {
    let entries = groups.iter();
    let entries = entries.map(|(name, values)| (name.to_string(), choose(values).into()));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// A map with a list of values a name.
fn multi(groups: &[(&str, Vec<&str>)]) -> Value {
    let entries = groups.iter();
    let entries = entries.map(|(name, values)| (name.to_string(), json!(values)));
    Value::Object(entries.collect::<Map<_, _>>())
}

fn last(values: &[&str]) -> String {
    values.last().copied().unwrap_or("").to_string()
}

/// Where there is nothing, nothing is written.
fn null_if_empty(map: Value) -> Value {
    match map.as_object() {
        Some(entries) if entries.is_empty() => Value::Null,
        _ => map,
    }
}

impl Parts<'_> {
    /// The pairs of the query, in order.
    fn query(&self, read: impl Fn(&[u8]) -> String) -> Vec<(String, String)> {
        let (_, query) = self.request.path_and_query();
        let parts = query.unwrap_or_default().split(|byte| *byte == b'&');
        let parts = parts.filter(|part| !part.is_empty());
        let pairs = parts.map(|part| {
            let at = part.iter().position(|byte| *byte == b'=');
            let at = at.unwrap_or(part.len());
            let value = part.get(at + 1..).unwrap_or_default();
            (read(&part[..at]), read(value))
        });
        pairs.collect()
    }

    fn header_pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in &self.headers {
            let first = pairs
                .iter()
                .find(|(other, _)| other.eq_ignore_ascii_case(name));
            let spelling = first.map_or(name, |(other, _)| other).clone();
            pairs.push((spelling, text(value)));
        }
        pairs
    }

    fn path(&self) -> String {
        text(self.request.path_and_query().0)
    }

    /// The path as an HTTP API has it: decoded, and cut at a question mark that appears then.
    fn decoded_path(&self) -> String {
        let bytes = decoded(self.request.path_and_query().0);
        let path = String::from_utf8_lossy(&bytes).into_owned();
        path.split('?').next().unwrap_or("").to_string()
    }

    fn user_agent(&self) -> Option<String> {
        self.request.value("User-Agent").map(text)
    }

    /// `body` and `isBase64Encoded`.
    fn body(&self) -> (Value, bool) {
        let body = &self.request.body;
        if body.is_empty() {
            let is_alb = matches!(self.source, Source::AlbMulti | Source::AlbSingle);
            return (if is_alb { "".into() } else { Value::Null }, false);
        }
        if self.is_text() {
            // Without binary types, a REST API damages what is not UTF-8.
            return (String::from_utf8_lossy(body).into(), false);
        }
        (base64(body).into(), true)
    }

    fn is_text(&self) -> bool {
        if self.source == Source::Rest {
            return !self.is_binary;
        }
        let kind = self.request.value("Content-Type").map(text);
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        let kind = kind.split(';').next().unwrap_or("").trim();
        let is_listed = kind.starts_with("text/") || TEXT_TYPES.contains(&kind);
        // Assumed: what is declared as text and is not UTF-8 is sent as base64, as JSON has no
        // other way.
        let is_encoded = self.request.value("Content-Encoding").is_some();
        is_listed && !is_encoded && std::str::from_utf8(&self.request.body).is_ok()
    }

    /// REST APIs, and HTTP APIs with payload 1.0.
    fn rest(&self) -> Value {
        let is_rest = self.source == Source::Rest;
        let (headers, query) = (self.header_pairs(), self.query(decoded_query));
        let (headers, query) = (grouped(&headers), grouped(&query));
        let (body, is_base64) = self.body();
        let path = match is_rest {
            true => self.path(),
            false => self.decoded_path(),
        };
        // Behind the stage, two slashes at the start of the path are one.
        let path = match path.strip_prefix("//") {
            Some(rest) if is_rest => format!("/{rest}"),
            _ => path,
        };
        let user_agent = match (self.user_agent(), is_rest) {
            (Some(name), _) => name.into(),
            (None, true) => Value::Null,
            (None, false) => "".into(),
        };
        let mut event = json!({
            "resource": if is_rest { "/{proxy+}" } else { "$default" },
            "path": path,
            "httpMethod": self.request.method,
            "headers": single(&headers, last),
            "multiValueHeaders": multi(&headers),
            "queryStringParameters": null_if_empty(single(&query, last)),
            "multiValueQueryStringParameters": null_if_empty(multi(&query)),
            "pathParameters": { "proxy": path.trim_start_matches('/') },
            "stageVariables": null,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "1234567890",
                "domainName": self.request.value("Host").map(text),
                "httpMethod": self.request.method,
                "identity": {
                    "accessKey": null,
                    "caller": null,
                    "sourceIp": CLIENT,
                    "user": null,
                    "userAgent": user_agent,
                },
                "path": format!("/stage{}", self.path()),
                "protocol": "HTTP/1.1",
                "requestId": "a1b2c3d4-5678-90ab-cdef-1234567890ab",
                "requestTime": "14/Apr/2025:22:16:23 +0000",
                "requestTimeEpoch": 1_744_668_983_000_u64,
                "resourcePath": "/{proxy+}",
                "stage": "stage",
            },
            "body": body,
            "isBase64Encoded": is_base64,
        });
        if !is_rest {
            event["version"] = "1.0".into();
            event["requestContext"]["path"] = path.into();
            event["requestContext"]["stage"] = "$default".into();
        }
        event
    }

    /// HTTP APIs with payload 2.0, and Function URLs.
    fn http(&self) -> Value {
        let is_url = self.source == Source::FunctionUrl;
        let domain = match is_url {
            true => Some("abc123.lambda-url.us-east-1.on.aws".into()),
            false => self.request.value("Host").map(text),
        };
        let cookies = values(&self.headers, "cookie");
        let cookies = cookies.iter().flat_map(|cookies| cookies.split(';'));
        let cookies: Vec<&str> = cookies.map(str::trim).filter(|c| !c.is_empty()).collect();
        let mut headers = self.header_pairs();
        headers.retain(|(name, _)| is_url || name != "cookie");
        let query = self.query(decoded_query);
        let query = null_if_empty(single(&grouped(&query), |values| values.join(",")));
        let (_, raw_query) = self.request.path_and_query();
        let (body, is_base64) = self.body();
        let decoded_path = self.decoded_path();
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": if is_url { self.path() } else { decoded_path.clone() },
            "rawQueryString": text(raw_query.unwrap_or_default()),
            "headers": single(&grouped(&headers), |values| values.join(",")),
            "requestContext": {
                "accountId": if is_url { "anonymous" } else { "123456789012" },
                "apiId": "r3pmxmplak",
                "domainName": domain,
                "domainPrefix": "r3pmxmplak",
                "http": {
                    "method": self.request.method,
                    "path": decoded_path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": CLIENT,
                    "userAgent": self.user_agent().unwrap_or_default(),
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": "$default",
                "stage": "$default",
                "time": "14/Apr/2025:22:16:23 +0000",
                "timeEpoch": 1_744_668_983_000_u64,
            },
            "isBase64Encoded": is_base64,
        });
        if !cookies.is_empty() {
            event["cookies"] = json!(cookies);
        }
        if !query.is_null() {
            event["queryStringParameters"] = query;
        }
        if !body.is_null() {
            event["body"] = body;
        }
        event
    }

    fn alb(&self) -> Value {
        let (headers, query) = (self.header_pairs(), self.query(text));
        let (headers, query) = (grouped(&headers), grouped(&query));
        let (body, is_base64) = self.body();
        let target = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123";
        let mut event = json!({
            "requestContext": { "elb": { "targetGroupArn": target } },
            "httpMethod": self.request.method,
            "path": self.path(),
            "body": body,
            "isBase64Encoded": is_base64,
        });
        if self.source == Source::AlbMulti {
            event["multiValueQueryStringParameters"] = multi(&query);
            event["multiValueHeaders"] = multi(&headers);
        } else {
            event["queryStringParameters"] = single(&query, last);
            event["headers"] = single(&headers, last);
        }
        event
    }
}
