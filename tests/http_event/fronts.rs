//! Fronts: the event that each source makes of a client's request, as far as it is documented or
//! was captured.

/// A source of events. A Function URL has the shape of payload 2.0, but not its paths and cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    RestV1,
    HttpV1,
    V2,
    Url,
    AlbMulti,
    AlbSingle,
}

pub const FRONTS: [Front; 6] = [
    Front::RestV1,
    Front::HttpV1,
    Front::V2,
    Front::Url,
    Front::AlbMulti,
    Front::AlbSingle,
];

impl Front {
    /// Whether its events have paths that were decoded.
    pub fn decodes_path(self) -> bool {
        matches!(self, Front::HttpV1 | Front::V2)
    }

    /// Whether its events have maps of queries that were decoded.
    pub fn decodes_query(self) -> bool {
        matches!(self, Front::RestV1 | Front::HttpV1)
    }

    fn is_alb(self) -> bool {
        matches!(self, Front::AlbMulti | Front::AlbSingle)
    }

    fn is_v2(self) -> bool {
        matches!(self, Front::V2 | Front::Url)
    }
}

/// A client's request.
#[derive(Clone, Debug)]
pub struct Client<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl<'a> Client<'a> {
    /// GET without headers.
    pub fn get(path: &'a str, query: &'a str) -> Client<'a> {
        Client {
            method: "GET",
            path,
            query,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Client<'a> {
        self.headers.push((name.into(), value.into()));
        self
    }
}

pub fn quote(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}

/// Values grouped by their names, in the order of the first of each.
fn grouped(pairs: &[(String, String)]) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in pairs {
        match groups.iter_mut().find(|(other, _)| other == name) {
            Some((_, values)) => values.push(value.clone()),
            None => groups.push((name.clone(), vec![value.clone()])),
        }
    }
    groups
}

fn lists(pairs: &[(String, String)]) -> String {
    let list = |(name, values): &(String, Vec<String>)| {
        let values: Vec<String> = values.iter().map(|value| quote(value)).collect();
        format!("{}:[{}]", quote(name), values.join(","))
    };
    let members: Vec<String> = grouped(pairs).iter().map(list).collect();
    format!("{{{}}}", members.join(","))
}

/// A map of strings: of repeated ones the last, or all, joined.
fn strings(pairs: &[(String, String)], joined: bool) -> String {
    let string = |(name, values): &(String, Vec<String>)| {
        let value = match joined {
            true => values.join(","),
            false => values.last().expect("one at least").clone(),
        };
        format!("{}:{}", quote(name), quote(&value))
    };
    let members: Vec<String> = grouped(pairs).iter().map(string).collect();
    format!("{{{}}}", members.join(","))
}

/// Percent-decoded, once.
pub fn decode(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let digits = rest.get(1..3).filter(|_| first == b'%');
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(match byte {
            Some(byte) => byte,
            None if first == b'+' && plus_is_space => b' ',
            None => first,
        });
        rest = &rest[if byte.is_some() { 3 } else { 1 }..];
    }
    String::from_utf8(bytes).expect("the cases are UTF-8")
}

/// The pairs of a query.
fn pairs(query: &str, decoded: bool) -> Vec<(String, String)> {
    let one = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match decoded {
            true => (decode(name, true), decode(value, true)),
            false => (name.to_string(), value.to_string()),
        }
    };
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(one).collect()
}

/// The event that a front makes of a request.
pub fn event(front: Front, client: &Client) -> String {
    let mut members: Vec<(&str, String)> = Vec::new();
    let path = match front.decodes_path() {
        true => {
            let decoded = decode(client.path, false);
            // Cut at a question mark that was encoded.
            let end = decoded.find('?').unwrap_or(decoded.len());
            quote(&decoded[..end])
        }
        false => quote(client.path),
    };
    let method = quote(client.method);
    let headers: Vec<(String, String)> = match front {
        Front::RestV1 | Front::HttpV1 => client.headers.clone(),
        _ => {
            let lower = |(name, value): &(String, String)| (name.to_lowercase(), value.clone());
            client.headers.iter().map(lower).collect()
        }
    };
    let is_cookie = |header: &(String, String)| header.0.eq_ignore_ascii_case("cookie");
    if front.is_v2() {
        members.push(("version", "\"2.0\"".into()));
        members.push(("rawPath", path.clone()));
        members.push(("rawQueryString", quote(client.query)));
        let cookies: Vec<String> = headers
            .iter()
            .filter(|header| is_cookie(header))
            .cloned()
            .flat_map(|(_, value)| value.split("; ").map(quote).collect::<Vec<_>>())
            .collect();
        if !cookies.is_empty() {
            members.push(("cookies", format!("[{}]", cookies.join(","))));
        }
        let is_passed = |header: &&(String, String)| front == Front::Url || !is_cookie(header);
        let passed: Vec<_> = headers.iter().filter(is_passed).cloned().collect();
        members.push(("headers", strings(&passed, true)));
        let decoded = match front {
            Front::Url => quote(&decode(client.path, false)),
            _ => path,
        };
        members.push((
            "requestContext",
            format!(
                "{{\"domainName\":\"id.example\",\"http\":{{\"method\":{method},\"path\":{decoded},\
             \"protocol\":\"HTTP/1.1\",\"sourceIp\":\"192.0.2.1\"}}}}"
            ),
        ));
    } else {
        let query = pairs(client.query, front.decodes_query());
        if front == Front::HttpV1 {
            members.push(("version", "\"1.0\"".into()));
        }
        members.push(("httpMethod", method));
        members.push(("path", path));
        if front != Front::AlbSingle {
            members.push(("multiValueHeaders", lists(&headers)));
            members.push(("multiValueQueryStringParameters", lists(&query)));
        }
        if front != Front::AlbMulti {
            members.push(("headers", strings(&headers, false)));
            members.push(("queryStringParameters", strings(&query, false)));
        }
        let context = match front.is_alb() {
            true => "{\"elb\":{\"targetGroupArn\":\"arn\"}}",
            false => {
                "{\"domainName\":\"id.example\",\"identity\":{\"sourceIp\":\"192.0.2.1\"},\
                      \"protocol\":\"HTTP/1.1\"}"
            }
        };
        members.push(("requestContext", context.into()));
    }
    let text = std::str::from_utf8(&client.body);
    members.push((
        "body",
        match text {
            Ok("") if front.is_alb() => "\"\"".into(),
            Ok("") => "null".into(),
            Ok(text) => quote(text),
            Err(_) => quote(&to_base64(&client.body)),
        },
    ));
    members.push(("isBase64Encoded", text.is_err().to_string()));
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Base64 with padding.
pub fn to_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            match digit <= group.len() {
                true => text.push(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize].into()),
                false => text.push('='),
            }
        }
    }
    text
}
