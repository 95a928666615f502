//! A raw HTTP client: what it sends and receives is under the control of the test.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::harness::TEST_TIMEOUT;

/// The path of an invocation of the function without a name of its own.
pub const INVOKE: &str = "/2015-03-31/functions/function/invocations";

/// A reply.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// The only header of this exact name, if there is one.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(found, _)| found == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} comes twice");
        value
    }

    /// A field of the body, which is a JSON object.
    pub fn field(&self, name: &str) -> String {
        let fields: serde_json::Value = serde_json::from_slice(&self.body).expect("a JSON body");
        fields[name].as_str().expect("a field of text").to_string()
    }
}

/// A connection and its read buffer.
pub struct Wire {
    stream: TcpStream,
    ahead: Vec<u8>,
    authority: String,
}

impl Wire {
    /// Connects to a port of this machine.
    pub fn connect(port: u16) -> Wire {
        Wire::connect_to(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    pub fn connect_to(server: SocketAddr) -> Wire {
        Wire::new(TcpStream::connect(server).expect("connect"), server)
    }

    /// A connection to this server.
    pub fn new(stream: TcpStream, server: SocketAddr) -> Wire {
        stream
            .set_read_timeout(Some(TEST_TIMEOUT))
            .expect("a read timeout");
        stream.set_nodelay(true).expect("no delay");
        Wire {
            stream,
            ahead: Vec::new(),
            authority: server.to_string(),
        }
    }

    /// Sends bytes as they are, but for a line `Host: x`: it becomes the server's own address,
    /// which the Invoke API requires.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = self.with_own_host(bytes.as_ref());
        self.stream.write_all(&bytes).expect("send");
    }

    /// The stream, to send from another thread while this one reads.
    pub fn writer(&self) -> TcpStream {
        self.stream.try_clone().expect("a second descriptor")
    }

    /// The bytes, with the server's own address in a line `Host: x`.
    pub fn with_own_host(&self, bytes: &[u8]) -> Vec<u8> {
        const PLACE: &[u8] = b"\r\nHost: x\r\n";
        let found = bytes.windows(PLACE.len()).position(|part| part == PLACE);
        let Some(at) = found else {
            return bytes.to_vec();
        };
        let host = format!("\r\nHost: {}\r\n", self.authority);
        [&bytes[..at], host.as_bytes(), &bytes[at + PLACE.len()..]].concat()
    }

    /// Sends bytes to a server that may have closed the connection.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        let bytes = self.with_own_host(bytes);
        self.stream.write_all(&bytes).is_ok()
    }

    /// Sends `GET` of this path.
    pub fn get(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    }

    /// Sends `POST` of this path with a body.
    pub fn post(&mut self, path: &str, body: &[u8]) {
        self.send(post(path, "", body));
    }

    /// Reads one reply.
    pub fn reply(&mut self) -> Reply {
        let head = String::from_utf8(self.read_through(b"\r\n\r\n")).expect("a head in UTF-8");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().expect("a status line");
        let status = status.strip_prefix("HTTP/1.1 ").expect("HTTP/1.1");
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").expect("a header"))
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let mut reply = Reply {
            status: status[..3].parse().expect("a status"),
            headers,
            body: Vec::new(),
        };
        reply.body = match reply.header("Content-Length") {
            Some(length) => self.read_exactly(length.parse().expect("a length")),
            None if reply.header("Transfer-Encoding") == Some("chunked") => self.read_chunks(),
            None => Vec::new(),
        };
        reply
    }

    /// Whether no byte arrives for a while: the call waits.
    pub fn is_silent(&mut self) -> bool {
        let moment = Duration::from_millis(100);
        self.stream
            .set_read_timeout(Some(moment))
            .expect("a read timeout");
        let result = self.stream.peek(&mut [0]);
        self.stream
            .set_read_timeout(Some(TEST_TIMEOUT))
            .expect("a read timeout");
        self.ahead.is_empty() && result.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Whether the server has closed the connection and nothing is left to read.
    pub fn is_closed(&mut self) -> bool {
        let read = self.read(&mut [0]);
        self.ahead.is_empty()
            && match read {
                Ok(count) => count == 0,
                Err(error) => error.kind() == ErrorKind::ConnectionReset,
            }
    }

    fn read_chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = self.read_through(b"\r\n");
            let digits = std::str::from_utf8(&line)
                .expect("a chunk's size")
                .trim_end();
            let size = usize::from_str_radix(digits, 16).expect("a chunk's size");
            body.extend(self.read_exactly(size));
            assert_eq!(self.read_exactly(2), b"\r\n", "the end of a chunk");
            if size == 0 {
                return body;
            }
        }
    }

    fn read_through(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            let found = self
                .ahead
                .windows(end.len())
                .position(|window| window == end);
            if let Some(at) = found {
                return self.ahead.drain(..at + end.len()).collect();
            }
            self.read_more();
        }
    }

    fn read_exactly(&mut self, length: usize) -> Vec<u8> {
        while self.ahead.len() < length {
            self.read_more();
        }
        self.ahead.drain(..length).collect()
    }

    fn read_more(&mut self) {
        let mut bytes = vec![0; 64 * 1024];
        let count = self.read(&mut bytes).expect("read");
        assert!(
            count > 0,
            "closed after {}",
            String::from_utf8_lossy(&self.ahead)
        );
        self.ahead.extend(&bytes[..count]);
    }

    /// A read with a timeout fails with EINTR when the process is stopped and continued: signal(7).
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.stream.read(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

/// A `POST` with more headers, each with its line end.
pub fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// The same bytes as chunks of the given size, in lower-case hexadecimal.
pub fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut all = Vec::new();
    for chunk in body.chunks(size) {
        all.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        all.extend(chunk);
        all.extend(b"\r\n");
    }
    all.extend(b"0\r\n\r\n");
    all
}
