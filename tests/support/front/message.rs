//! HTTP/1.1 messages: a request read from a connection, an answer written or read.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// Headers in their order: names and values as received, without white space around values.
pub type Headers = Vec<(String, Vec<u8>)>;

/// The longest head that is read, in bytes.
const HEAD_BYTES_MAX: usize = 1024 * 1024;

/// A request as the client sent it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The request target, byte for byte.
    pub target: Vec<u8>,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer as the client reads it.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The text behind the status.
    pub reason: String,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// The sizes of the chunks of the body, if it came in chunks.
    pub chunks: Vec<usize>,
    /// Whether the body came whole.
    pub is_whole: bool,
}

impl Request {
    /// A request without body.
    pub fn new(method: &str, target: impl AsRef<[u8]>) -> Request {
        Request {
            method: method.to_string(),
            target: target.as_ref().to_vec(),
            ..Request::default()
        }
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        self.headers
            .push((name.to_string(), value.as_ref().to_vec()));
        self
    }

    /// With a body, and its length.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.header("Content-Length", length)
    }

    /// With a body of a type.
    pub fn typed(self, kind: &str, body: impl Into<Vec<u8>>) -> Request {
        self.header("Content-Type", kind).body(body)
    }

    /// The value of the first header of a name in any case.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        value(&self.headers, name)
    }

    /// The target up to the question mark, and what is behind it.
    pub fn path_and_query(&self) -> (&[u8], Option<&[u8]>) {
        match self.target.iter().position(|byte| *byte == b'?') {
            Some(at) => (&self.target[..at], Some(&self.target[at + 1..])),
            None => (&self.target, None),
        }
    }

    /// The bytes of the request; `Host` is added where it is missing.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.method.clone().into_bytes();
        bytes.push(b' ');
        bytes.extend_from_slice(&self.target);
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        if self.value("Host").is_none() {
            bytes.extend_from_slice(b"Host: example.test\r\n");
        }
        write_headers(&mut bytes, &self.headers);
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Reads the next request of a connection; `None` at its end.
    pub fn read(from: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
        let Some(line) = head_line(from)? else {
            return Ok(None);
        };
        let mut words = line.split(|byte| *byte == b' ');
        let method = String::from_utf8_lossy(words.next().unwrap_or_default()).into_owned();
        let target = words
            .next()
            .ok_or_else(|| bad("no request target"))?
            .to_vec();
        if words.next() != Some(b"HTTP/1.1") || words.next().is_some() {
            return Err(bad("a request line that is not METHOD TARGET HTTP/1.1"));
        }
        let headers = read_headers(from)?;
        if value(&headers, "Expect").is_some() {
            from.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut chunks = Vec::new();
        let mut body = Vec::new();
        if is_chunked(&headers) {
            read_chunks(from, &mut body, &mut chunks)?;
        } else if let Some(length) = length(&headers)? {
            body.resize(length, 0);
            from.read_exact(&mut body)?;
        }
        Ok(Some(Request {
            method,
            target,
            headers,
            body,
        }))
    }
}

impl Answer {
    /// An answer with a body of a type.
    pub fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
        Answer {
            status,
            headers: vec![("Content-Type".to_string(), kind.as_bytes().to_vec())],
            body: body.into(),
            is_whole: true,
            ..Answer::default()
        }
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Answer {
        self.headers
            .push((name.to_string(), value.as_ref().to_vec()));
        self
    }

    /// The value of the first header of a name in any case, as text.
    pub fn value(&self, name: &str) -> Option<String> {
        value(&self.headers, name).map(super::coding::text)
    }

    /// The values of all headers of a name in any case, as text.
    pub fn values(&self, name: &str) -> Vec<String> {
        let named = self.headers.iter();
        let named = named.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| super::coding::text(value)).collect()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether an answer of this status has a body (RFC 9110, 6.4.1).
    pub fn has_body(status: u16) -> bool {
        status >= 200 && status != 204 && status != 304
    }

    /// The head with the headers of the answer, and those of its framing.
    pub fn head(&self, framing: Option<&str>) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} {}\r\n", self.status, self.reason).into_bytes();
        if let Some(framing) = framing {
            bytes.extend_from_slice(framing.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        write_headers(&mut bytes, &self.headers);
        bytes
    }

    /// Writes the answer to a request of this method.
    pub fn write(&self, to: &mut impl Write, method: &str) -> io::Result<()> {
        if !Answer::has_body(self.status) {
            return to.write_all(&self.head(None));
        }
        let mut bytes = self.head(Some(&format!("Content-Length: {}", self.body.len())));
        if method != "HEAD" {
            bytes.extend_from_slice(&self.body);
        }
        to.write_all(&bytes)
    }

    /// Reads the answer to a request of this method.
    pub fn read(from: &mut BufReader<TcpStream>, method: &str) -> io::Result<Answer> {
        let mut answer = Answer::default();
        while answer.status < 200 {
            let line = head_line(from)?.ok_or_else(|| bad("closed without an answer"))?;
            let line = super::coding::text(&line);
            let mut words = line.splitn(3, ' ');
            let status = words.nth(1).and_then(|word| word.parse().ok());
            answer.status = status.ok_or_else(|| bad("a status line without status"))?;
            answer.reason = words.next().unwrap_or("").to_string();
            answer.headers = read_headers(from)?;
        }
        answer.is_whole = true;
        if method == "HEAD" || !Answer::has_body(answer.status) {
            return Ok(answer);
        }
        if is_chunked(&answer.headers) {
            let read = read_chunks(from, &mut answer.body, &mut answer.chunks);
            answer.is_whole = read.is_ok();
        } else if let Some(length) = length(&answer.headers)? {
            from.by_ref()
                .take(length as u64)
                .read_to_end(&mut answer.body)?;
            answer.is_whole = answer.body.len() == length;
        } else {
            from.read_to_end(&mut answer.body)?;
        }
        Ok(answer)
    }
}

/// An error of a peer that does not speak HTTP.
pub fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The value of the first header of a name in any case.
pub fn value<'a>(headers: &'a Headers, name: &str) -> Option<&'a [u8]> {
    let mut named = headers.iter();
    let found = named.find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_slice())
}

fn is_chunked(headers: &Headers) -> bool {
    let coding = value(headers, "Transfer-Encoding").unwrap_or_default();
    coding.eq_ignore_ascii_case(b"chunked")
}

fn length(headers: &Headers) -> io::Result<Option<usize>> {
    let Some(value) = value(headers, "Content-Length") else {
        return Ok(None);
    };
    let text = super::coding::text(value);
    let length = text
        .parse()
        .map_err(|_| bad("a length that is no number"))?;
    Ok(Some(length))
}

/// A line of a head without its end; `None` at the end of the connection.
fn head_line(from: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let most = HEAD_BYTES_MAX as u64;
    from.by_ref().take(most).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(Some(line.to_vec())),
        None => Err(bad("a line of a head without CR LF, or too long")),
    }
}

fn read_headers(from: &mut BufReader<TcpStream>) -> io::Result<Headers> {
    let mut headers = Headers::new();
    loop {
        let line = head_line(from)?.ok_or_else(|| bad("closed within a head"))?;
        if line.is_empty() {
            return Ok(headers);
        }
        let at = line.iter().position(|byte| *byte == b':');
        let at = at.ok_or_else(|| bad("a header without colon"))?;
        let value = line[at + 1..].trim_ascii().to_vec();
        headers.push((super::coding::text(&line[..at]), value));
    }
}

fn write_headers(bytes: &mut Vec<u8>, headers: &Headers) {
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
}

fn read_chunks(
    from: &mut BufReader<TcpStream>,
    body: &mut Vec<u8>,
    sizes: &mut Vec<usize>,
) -> io::Result<()> {
    loop {
        let line = head_line(from)?.ok_or_else(|| bad("closed within a body"))?;
        let text = super::coding::text(&line);
        let digits = text.split(';').next().unwrap_or("").trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| bad("a bad chunk size"))?;
        if size == 0 {
            read_headers(from)?;
            return Ok(());
        }
        sizes.push(size);
        if from.by_ref().take(size as u64).read_to_end(body)? < size {
            return Err(bad("closed within a chunk"));
        }
        head_line(from)?;
    }
}
