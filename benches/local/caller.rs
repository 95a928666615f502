//! A cheap caller: one connection, blocking, one write for a request.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use super::support::figures::us;

/// Timeout of each step.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

/// A keep-alive connection.
pub struct Caller {
    stream: TcpStream,
    output: Vec<u8>,
    /// Bytes that were read: `input[..end]`.
    input: Vec<u8>,
    end: usize,
}

impl Caller {
    pub fn connect(port: u16) -> Caller {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connect");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream
            .set_read_timeout(Some(STEP_TIMEOUT))
            .expect("a time limit");
        Caller {
            stream,
            output: Vec::new(),
            input: vec![0; 64 * 1024],
            end: 0,
        }
    }

    /// The time of an event, in microseconds. The answer must be the event.
    pub fn echo(&mut self, path: &str, event: &[u8]) -> f64 {
        let began = Instant::now();
        let (start, length) = self.exchange(path, event);
        let time = us(began.elapsed());
        let answer = &self.input[start..start + length];
        let is_right = answer == event;
        assert!(
            is_right,
            "{}",
            String::from_utf8_lossy(&answer[..answer.len().min(300)])
        );
        time
    }

    /// The answer to an event.
    pub fn call(&mut self, path: &str, event: &[u8]) -> Vec<u8> {
        let (start, length) = self.exchange(path, event);
        self.input[start..start + length].to_vec()
    }

    /// Where the body of the answer is in `input`, without the framing of its chunks.
    fn exchange(&mut self, path: &str, event: &[u8]) -> (usize, usize) {
        self.output.clear();
        self.output
            .extend_from_slice(head(path, event.len()).as_bytes());
        self.output.extend_from_slice(event);
        self.stream.write_all(&self.output).expect("send a request");
        self.end = 0;
        let mut seen = 0;
        let start = loop {
            let found = self.input[seen..self.end]
                .windows(4)
                .position(|part| part == b"\r\n\r\n");
            match found {
                Some(at) => break seen + at + 4,
                None => seen = self.end.saturating_sub(3),
            }
            self.read();
        };
        let head = String::from_utf8_lossy(&self.input[..start]).to_ascii_lowercase();
        let value = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            let mut found = lines.filter(|(found, _)| *found == name);
            found.next().map(|(_, value)| value.trim().to_string())
        };
        match value("content-length") {
            Some(length) => {
                let length = length.parse().expect("a length");
                self.read_until(start + length);
                (start, length)
            }
            None => {
                let framing = value("transfer-encoding");
                assert_eq!(framing.as_deref(), Some("chunked"), "{head}");
                (start, self.join_chunks(start))
            }
        }
    }

    /// Reads all chunks, and moves their data together.
    fn join_chunks(&mut self, start: usize) -> usize {
        let (mut at, mut length) = (start, 0);
        loop {
            let line = loop {
                let unread = &self.input[at..self.end];
                match unread.windows(2).position(|part| part == b"\r\n") {
                    Some(line) => break line,
                    None => self.read(),
                }
            };
            let size = std::str::from_utf8(&self.input[at..at + line]).expect("a size");
            let size = usize::from_str_radix(size, 16).expect("a size");
            let data = at + line + 2;
            self.read_until(data + size + 2);
            self.input.copy_within(data..data + size, start + length);
            (at, length) = (data + size + 2, length + size);
            if size == 0 {
                return length;
            }
        }
    }

    fn read_until(&mut self, end: usize) {
        if self.input.len() < end {
            self.input.resize(end, 0);
        }
        while self.end < end {
            self.read();
        }
    }

    fn read(&mut self) {
        if self.end == self.input.len() {
            self.input.resize(2 * self.end, 0);
        }
        let read = self.stream.read(&mut self.input[self.end..]);
        let bytes = read.expect("read an answer");
        assert!(bytes > 0, "the server closed the connection");
        self.end += bytes;
    }
}

/// The head of a request, as SDKs send it without a signature.
fn head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: identity\r\n\
         User-Agent: bench\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// Connections that have sent a part of a head, as many as the server accepts.
pub fn half_requests(port: u16, path: &str, count: usize) -> Vec<TcpStream> {
    let part = format!("POST {path} HTTP/1.1\r\nHost: ");
    let connect = |_| {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        // A server with a limit has closed the connection already.
        let _ = stream.write_all(part.as_bytes());
        std::thread::sleep(Duration::from_micros(200));
        Some(stream)
    };
    let held = (0..count).filter_map(connect).collect();
    std::thread::sleep(Duration::from_millis(500));
    held
}
