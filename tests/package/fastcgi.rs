//! A small FastCGI client, for php-fpm alone: what a test needs to see one page, and a bench to
//! see what php-fpm itself takes. It shares no code with `bootstrap`.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::Duration;

/// The longest wait for a part of an answer.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);

/// Record types and roles of the FastCGI specification, version 1.0.
const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;
const RESPONDER: u8 = 1;
const KEEP_CONN: u8 = 1;

/// The longest content of a record.
const CONTENT_BYTES_MAX: usize = 65_535;

/// What php-fpm answered.
#[derive(Default)]
pub struct Page {
    /// The header lines of CGI.
    pub head: String,
    pub body: Vec<u8>,
    /// What PHP wrote to its standard error.
    pub log: String,
}

/// A keep-alive connection.
pub struct Client(UnixStream);

impl Client {
    /// Connects to a socket with an abstract name.
    pub fn connect(name: &[u8]) -> Client {
        let address = SocketAddr::from_abstract_name(name).expect("an abstract name");
        let stream = UnixStream::connect_addr(&address).expect("connect to php-fpm");
        stream
            .set_read_timeout(Some(STEP_TIMEOUT))
            .expect("set a timeout");
        Client(stream)
    }

    /// Asks for a page: the file of the script, the path and query, and a body to post.
    pub fn page(&mut self, script: &str, uri: &str, body: &[u8]) -> Page {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let length = body.len().to_string();
        let method = if body.is_empty() { "GET" } else { "POST" };
        let parameters = [
            ("SCRIPT_FILENAME", script),
            ("SCRIPT_NAME", path),
            ("REQUEST_URI", uri),
            ("QUERY_STRING", query),
            ("REQUEST_METHOD", method),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("CONTENT_TYPE", "application/octet-stream"),
            ("CONTENT_LENGTH", &length),
        ];
        let mut request = record(BEGIN_REQUEST, &[0, RESPONDER, KEEP_CONN, 0, 0, 0, 0, 0]);
        let pairs = parameters.map(|(name, value)| pair(name, value)).concat();
        request.extend(record(PARAMS, &pairs));
        request.extend(record(PARAMS, b""));
        for part in body.chunks(CONTENT_BYTES_MAX) {
            request.extend(record(STDIN, part));
        }
        request.extend(record(STDIN, b""));
        self.0.write_all(&request).expect("send a request");
        self.read_page()
    }

    fn read_page(&mut self) -> Page {
        let (mut out, mut log) = (Vec::new(), Vec::new());
        loop {
            let (kind, content) = self.read_record();
            match kind {
                STDOUT => out.extend(content),
                STDERR => log.extend(content),
                END_REQUEST => break,
                other => panic!("php-fpm sent a record of type {other}"),
            }
        }
        let end = out.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.expect("an empty line after the head") + 4;
        Page {
            head: String::from_utf8_lossy(&out[..end]).into_owned(),
            body: out.split_off(end),
            log: String::from_utf8_lossy(&log).into_owned(),
        }
    }

    fn read_record(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 8];
        self.0.read_exact(&mut head).expect("read a record's head");
        let [_, kind, _, _, high, low, padding, _] = head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let mut content = vec![0; length + usize::from(padding)];
        self.0.read_exact(&mut content).expect("read a record");
        content.truncate(length);
        (kind, content)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("content that fits a record");
    let [high, low] = length.to_be_bytes();
    let mut record = vec![1, kind, 0, 1, high, low, 0, 0];
    record.extend(content);
    record
}

/// A name and a value, each behind its length: one byte below 128, else four.
fn pair(name: &str, value: &str) -> Vec<u8> {
    let mut pair = Vec::new();
    for length in [name.len(), value.len()] {
        match u8::try_from(length) {
            Ok(short) if short < 128 => pair.push(short),
            _ => pair.extend((length as u32 | 1 << 31).to_be_bytes()),
        }
    }
    pair.extend(name.as_bytes());
    pair.extend(value.as_bytes());
    pair
}
