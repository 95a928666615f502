//! A strict parser of request heads: it accepts what RFC 9112 allows a client to send, and lists
//! the faults of anything else.

use super::ledger::Kind;

/// One request head.
#[derive(Clone, Debug)]
pub struct Head {
    /// The call of a POST and the id in its path; `None` for GET of `/next`.
    pub post: Option<(Kind, String)>,
    /// A call that is not about events.
    pub other: Option<Other>,
    /// Header names and values as received.
    pub headers: Vec<(String, String)>,
    /// The body's length in bytes.
    pub content_length: usize,
    /// The body is streamed, in chunks.
    pub chunked: bool,
    /// The faults of the head.
    pub faults: Vec<String>,
}

/// Calls that are not about events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// `GET /runtime/restore/next`
    RestoreNext,
    /// `POST /extension/register`
    Register,
    /// `GET /extension/event/next`
    ExtensionNext,
}

impl Other {
    const ALL: [(Other, &str); 3] = [
        (Other::RestoreNext, "GET /2018-06-01/runtime/restore/next "),
        (Other::Register, "POST /2020-01-01/extension/register "),
        (
            Other::ExtensionNext,
            "GET /2020-01-01/extension/event/next ",
        ),
    ];

    /// The call that a request line begins with.
    pub fn of(line: &str, prefix: &str) -> Option<Other> {
        let line = line.replacen(&format!(" {prefix}"), " ", 1);
        let mut all = Other::ALL.into_iter();
        all.find(|(_, start)| line.starts_with(start))
            .map(|pair| pair.0)
    }
}

/// The longest head that is parsed, in bytes.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The length of the head in these bytes, with its empty line.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

/// Parses a whole head with its empty line. `prefix` is the path before `/2018-06-01`.
pub fn read(bytes: &[u8], prefix: &str) -> Head {
    let mut head = Head {
        post: None,
        other: None,
        headers: Vec::new(),
        content_length: 0,
        chunked: false,
        faults: Vec::new(),
    };
    let text = String::from_utf8_lossy(&bytes[..bytes.len() - 4]).into_owned();
    let mut lines = text.split("\r\n");
    request_line(lines.next().unwrap_or(""), prefix, &mut head);
    for line in lines {
        header_line(line, &mut head);
    }
    framing(&mut head);
    head
}

fn request_line(line: &str, prefix: &str, head: &mut Head) {
    head.other = Other::of(line, prefix);
    if head.other.is_some() {
        return;
    }
    let words: Vec<&str> = line.split(' ').collect();
    let &[method, target, "HTTP/1.1"] = words.as_slice() else {
        return head.faults.push(format!("request line {line:?}"));
    };
    let Some(path) = target
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix("/2018-06-01/runtime/"))
    else {
        return head.faults.push(format!("path {target:?}"));
    };
    match (method, path) {
        ("GET", "invocation/next") => return,
        ("POST", "init/error") => {
            head.post = Some((Kind::InitError, String::new()));
            return;
        }
        ("POST", "restore/error") => {
            head.post = Some((Kind::RestoreError, String::new()));
            return;
        }
        _ => {}
    }
    let invocation = path.strip_prefix("invocation/").unwrap_or("");
    let (id, what) = invocation.split_once('/').unwrap_or_default();
    let decoded = decode(id);
    let text = String::from_utf8_lossy(&decoded).into_owned();
    if id != encode(&decoded) {
        head.faults.push(format!("request id {id:?}"));
    }
    let post = match what {
        "response" => Some((Kind::Response, text)),
        "error" => Some((Kind::Error, text)),
        _ => None,
    };
    if method != "POST" || post.is_none() {
        head.faults.push(format!("request line {line:?}"));
    }
    head.post = post;
}

/// A percent-decoded segment of a path.
fn decode(segment: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let [first, behind @ ..] = rest {
        let code = std::str::from_utf8(behind.get(..2).unwrap_or_default());
        let code = code.ok().and_then(|code| u8::from_str_radix(code, 16).ok());
        (bytes, rest) = match (first, code) {
            (b'%', Some(byte)) => ([bytes, vec![byte]].concat(), &behind[2..]),
            _ => ([bytes, vec![*first]].concat(), behind),
        };
    }
    bytes
}

/// A segment as Go's net/url encodes it. AWS's servers compare an id with the decoded path only if
/// the path is encoded like this (`URL.RawPath`).
fn encode(bytes: &[u8]) -> String {
    let one = |&byte: &u8| {
        if byte.is_ascii_alphanumeric() || b"$&+,-.:;=@_~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    bytes.iter().map(one).collect()
}

fn header_line(line: &str, head: &mut Head) {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    match line.split_once(':') {
        Some((name, value))
            if !name.is_empty() && name.bytes().all(is_token) && value.bytes().all(is_plain) =>
        {
            head.headers
                .push((name.to_string(), value.trim().to_string()));
        }
        _ => head.faults.push(format!("header line {line:?}")),
    }
}

fn framing(head: &mut Head) {
    let values = |name: &str| -> Vec<&str> {
        let same = head
            .headers
            .iter()
            .filter(|h| h.0.eq_ignore_ascii_case(name));
        same.map(|h| h.1.as_str()).collect()
    };
    let mut faults = Vec::new();
    for (name, _) in &head.headers {
        if values(name).len() != 1 {
            faults.push(format!("header {name} more than once"));
        }
    }
    if values("host").len() != 1 {
        faults.push("no Host".to_string());
    }
    let stream_headers = [
        ("lambda-runtime-function-response-mode", "streaming"),
        ("transfer-encoding", "chunked"),
        (
            "trailer",
            "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
        ),
    ];
    let chunked = !values(stream_headers[0].0).is_empty();
    for (name, value) in stream_headers {
        let expected: &[&str] = if chunked { &[value] } else { &[] };
        if values(name) != expected {
            faults.push(format!("header {name} is {:?}", values(name)));
        }
    }
    if chunked && !matches!(head.post, Some((Kind::Response, _))) {
        faults.push("a request other than a response is streamed".to_string());
    }
    for name in ["expect", "upgrade"] {
        if !values(name).is_empty() {
            faults.push(format!("header {name}"));
        }
    }
    let mut length = 0;
    match (
        (head.post.is_some() || head.other == Some(Other::Register)) && !chunked,
        values("content-length").as_slice(),
    ) {
        (false, []) => {}
        (true, [text]) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            length = text.parse().unwrap_or(0);
        }
        (_, found) => faults.push(format!("Content-Length {found:?}")),
    }
    head.content_length = length;
    head.chunked = chunked;
    head.faults.append(&mut faults);
}
