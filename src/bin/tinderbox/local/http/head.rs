//! Request heads: bytes in; partial, complete or refused out.
//!
//! Sources: RFC 9112 sections 2 to 7; for leniency, net/http as AWS's emulator runs it: bare LF and
//! absolute-form are accepted; a leading empty line, a missing `Host` and folded lines are not.

/// The longest head (net/http: `DefaultMaxHeaderBytes` and its 4 KiB of slack).
pub const HEAD_BYTES_MAX: usize = 1024 * 1024 + 4096;

/// The most headers. net/http limits only bytes; here a header costs twenty times its own size.
pub const HEADERS_MAX: usize = 4096;

/// How much of an unread body is read to keep the connection (net/http:
/// `maxPostHandlerReadBytes`).
pub const DISCARDED_BYTES_MAX: u64 = 256 * 1024;

/// A request without its body.
pub struct Request {
    pub method: String,
    /// The target's path as sent, without the query.
    pub path: String,
    /// What follows the first `?` of the target; empty for none.
    pub query: String,
    pub framing: BodyFraming,
    pub keep_alive: bool,
    pub is_http_1_0: bool,
    pub expects_continue: bool,
    headers: Vec<(String, String)>,
}

/// How the end of the body is determined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum BodyFraming {
    Length(u64),
    Chunked,
}

/// The state of a head after the bytes so far.
pub enum Parsed {
    Partial,
    /// A request and the length of its head.
    Complete(Request, usize),
    /// A status and a text for the client; the connection ends.
    Refused(u16, &'static str),
}

impl Request {
    /// The first header of this name, in any case; `None` when it is absent or empty.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        if value.is_empty() { None } else { Some(value) }
    }

    /// A request of these lines, of which each ends in a line feed.
    #[cfg(test)]
    pub fn of_lines(lines: &str) -> Request {
        match parse(
            format!("{lines}Host: x\n\n").as_bytes(),
            &mut Scan::default(),
        ) {
            Parsed::Complete(request, _) => request,
            _ => panic!("no head: {lines}"),
        }
    }

    /// How many bytes of the body are stored at most, with this limit.
    pub fn stored_body_bytes_max(&self, limit: usize) -> usize {
        match self.framing {
            BodyFraming::Length(length) => usize::try_from(length).unwrap_or(limit).min(limit),
            BodyFraming::Chunked => limit,
        }
    }

    /// All headers of this name, in any case, also empty ones.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// How far a partial head has been searched for its end.
#[derive(Default)]
pub struct Scan {
    /// The start of the last, incomplete line, and the end of the searched part.
    line_start: usize,
    seen: usize,
}

/// Parses a request's head; `scan` remembers what earlier calls have searched.
pub fn parse(bytes: &[u8], scan: &mut Scan) -> Parsed {
    let Some(length) = head_length(bytes, scan) else {
        return match bytes.len() > HEAD_BYTES_MAX {
            true => Parsed::Refused(TOO_LARGE.0, TOO_LARGE.1),
            false => Parsed::Partial,
        };
    };
    if length > HEAD_BYTES_MAX {
        return Parsed::Refused(TOO_LARGE.0, TOO_LARGE.1);
    }
    match parse_request(&bytes[..length]) {
        Ok(request) => Parsed::Complete(request, length),
        Err((status, text)) => Parsed::Refused(status, text),
    }
}

/// The length of the head including its final empty line.
fn head_length(bytes: &[u8], scan: &mut Scan) -> Option<usize> {
    while let Some(end) = bytes[scan.seen..].iter().position(|&byte| byte == b'\n') {
        let end = scan.seen + end;
        let line = &bytes[scan.line_start..end];
        if line.is_empty() || line == b"\r" {
            return Some(end + 1);
        }
        scan.line_start = end + 1;
        scan.seen = end + 1;
    }
    scan.seen = bytes.len();
    None
}

type Refusal = (u16, &'static str);

const BAD_REQUEST: Refusal = (400, "400 Bad Request");
const TOO_LARGE: Refusal = (431, "431 Request Header Fields Too Large");

fn parse_request(head: &[u8]) -> Result<Request, Refusal> {
    let mut lines = head
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let (method, target, minor) = parse_request_line(lines.next().unwrap_or_default())?;
    let (path, query) = target;
    let mut headers = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        if headers.len() == HEADERS_MAX {
            return Err(TOO_LARGE);
        }
        headers.push(parse_header_line(line)?);
    }
    let mut request = Request {
        method,
        path,
        query,
        framing: BodyFraming::Length(0),
        keep_alive: false,
        is_http_1_0: minor == 0,
        expects_continue: false,
        headers,
    };
    if minor != 0 && request.values("Host").count() != 1 {
        return Err((400, "400 Bad Request: missing required Host header"));
    }
    request.framing = determine_framing(&request)?;
    request.expects_continue = match request.header("Expect") {
        None => false,
        Some(value) if value.eq_ignore_ascii_case("100-continue") => minor != 0,
        Some(_) => return Err((417, "417 Expectation Failed")),
    };
    request.keep_alive = minor != 0
        && !request
            .values("Connection")
            .flat_map(|value| value.split(','))
            .any(|option| option.trim().eq_ignore_ascii_case("close"));
    Ok(request)
}

/// The method, the path and the query, and the minor version.
fn parse_request_line(line: &[u8]) -> Result<(String, (String, String), u8), Refusal> {
    let line = std::str::from_utf8(line).map_err(|_| BAD_REQUEST)?;
    let mut parts = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(BAD_REQUEST);
    };
    let minor = match version {
        "HTTP/1.1" => 1,
        "HTTP/1.0" => 0,
        _ if version.starts_with("HTTP/") => return Err((505, "505 HTTP Version Not Supported")),
        _ => return Err(BAD_REQUEST),
    };
    let target = path_and_query(target).ok_or(BAD_REQUEST)?;
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err(BAD_REQUEST);
    }
    Ok((method.to_string(), target, minor))
}

/// The path and the query of an origin-form or absolute-form target.
fn path_and_query(target: &str) -> Option<(String, String)> {
    let target = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => target,
    };
    let target = target.split('#').next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    path.starts_with('/')
        .then(|| (path.to_string(), query.to_string()))
}

fn parse_header_line(line: &[u8]) -> Result<(String, String), Refusal> {
    let colon = line.iter().position(|&byte| byte == b':');
    let (name, value) = line.split_at(colon.ok_or(BAD_REQUEST)?);
    let value = value[1..].trim_ascii();
    let is_control = |&byte: &u8| (byte < b' ' && byte != b'\t') || byte == 0x7f;
    if name.is_empty() || !name.iter().copied().all(is_token) || value.iter().any(is_control) {
        return Err(BAD_REQUEST);
    }
    Ok((
        String::from_utf8_lossy(name).into_owned(),
        String::from_utf8_lossy(value).into_owned(),
    ))
}

fn determine_framing(request: &Request) -> Result<BodyFraming, Refusal> {
    let mut lengths = request.values("Content-Length");
    let mut encodings = request.values("Transfer-Encoding");
    let (length, encoding) = (lengths.next(), encodings.next());
    match (length, encoding) {
        (None, None) => Ok(BodyFraming::Length(0)),
        // Both at once allow request smuggling (RFC 9112 section 6.1).
        (Some(_), Some(_)) => Err(BAD_REQUEST),
        (None, Some(name)) if name.eq_ignore_ascii_case("chunked") => match encodings.next() {
            None if !request.is_http_1_0 => Ok(BodyFraming::Chunked),
            _ => Err(BAD_REQUEST),
        },
        (None, Some(_)) => Err((501, "501 Not Implemented: unsupported transfer encoding")),
        (Some(length), None) => {
            let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
            if !is_number || lengths.any(|other| other != length) {
                return Err(BAD_REQUEST);
            }
            length
                .parse()
                .map(BodyFraming::Length)
                .map_err(|_| BAD_REQUEST)
        }
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
