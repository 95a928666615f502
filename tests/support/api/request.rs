//! A strict reader of request heads: it accepts what RFC 9112 lets a client send, and says what
//! is wrong with anything else.

use super::ledger::Kind;

/// One request head.
#[derive(Clone, Debug)]
pub struct Head {
    /// `None` for GET of `/next`, else what is posted and the id in the path.
    pub post: Option<(Kind, String)>,
    /// A call of another kind.
    pub other: Option<Other>,
    /// Header names and values as sent.
    pub headers: Vec<(String, String)>,
    /// The body's length in bytes.
    pub content_length: usize,
    /// The body is streamed, in chunks.
    pub chunked: bool,
    /// Everything that is wrong with it.
    pub wrong: Vec<String>,
}

/// Calls that have nothing to do with events.
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

/// A head that is longer is not looked at further, in bytes.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Where the head ends in these bytes, its empty line included.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

/// Reads a whole head, its empty line included. `prefix` is the path before `/2018-06-01`.
pub fn read(bytes: &[u8], prefix: &str) -> Head {
    let mut head = Head {
        post: None,
        other: None,
        headers: Vec::new(),
        content_length: 0,
        chunked: false,
        wrong: Vec::new(),
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
        return head.wrong.push(format!("request line {line:?}"));
    };
    let Some(path) = target
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix("/2018-06-01/runtime/"))
    else {
        return head.wrong.push(format!("path {target:?}"));
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
        head.wrong.push(format!("request id {id:?}"));
    }
    let post = match what {
        "response" => Some((Kind::Response, text)),
        "error" => Some((Kind::Error, text)),
        _ => None,
    };
    if method != "POST" || post.is_none() {
        head.wrong.push(format!("request line {line:?}"));
    }
    head.post = post;
}

/// A segment of a path, with its percent-encoding undone.
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

/// The same as Go's net/url encodes it. AWS's servers compare an id with the decoded path only if
/// the path was encoded like this (`URL.RawPath`).
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
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    match line.split_once(':') {
        Some((name, value))
            if !name.is_empty() && name.bytes().all(token) && value.bytes().all(plain) =>
        {
            head.headers
                .push((name.to_string(), value.trim().to_string()));
        }
        _ => head.wrong.push(format!("header line {line:?}")),
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
    let mut wrong = Vec::new();
    for (name, _) in &head.headers {
        if values(name).len() != 1 {
            wrong.push(format!("header {name} more than once"));
        }
    }
    if values("host").len() != 1 {
        wrong.push("no Host".to_string());
    }
    let streamed = [
        ("lambda-runtime-function-response-mode", "streaming"),
        ("transfer-encoding", "chunked"),
        (
            "trailer",
            "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
        ),
    ];
    let chunked = !values(streamed[0].0).is_empty();
    for (name, value) in streamed {
        let wanted: &[&str] = if chunked { &[value] } else { &[] };
        if values(name) != wanted {
            wrong.push(format!("header {name} is {:?}", values(name)));
        }
    }
    if chunked && !matches!(head.post, Some((Kind::Response, _))) {
        wrong.push("what is no response is streamed".to_string());
    }
    for name in ["expect", "upgrade"] {
        if !values(name).is_empty() {
            wrong.push(format!("header {name}"));
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
        (_, found) => wrong.push(format!("Content-Length {found:?}")),
    }
    head.content_length = length;
    head.chunked = chunked;
    head.wrong.append(&mut wrong);
}
