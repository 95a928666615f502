//! A cheap Runtime API: one connection, blocking, in the thread of the bench. Of a request it reads
//! only what the benches need: path, framing, body.
//!
//! Replies have the headers of AWS's emulator in its order, with the one that frames the body last;
//! an event of more than 2,048 bytes comes as one chunk, as there.

use std::io::{IoSlice, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Timeout of each step.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

/// Free space of the input buffer before a read, in bytes.
pub const READ_BYTES_MIN: usize = 64 * 1024;

/// Longer events are sent as one chunk.
const SIZED_BYTES_MAX: usize = 2048;

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n\
    Date: Sun, 22 Nov 2026 10:00:00 GMT\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";

/// A listener on an ephemeral port.
pub struct Server {
    listener: TcpListener,
    port: u16,
}

impl Server {
    /// Starts to listen.
    pub fn start() -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind 127.0.0.1:0");
        let port = listener.local_addr().expect("an address").port();
        Server { listener, port }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Accepts the connection of the binary that was just spawned. `input` is the read buffer: its
    /// owner allocates it before the spawn, so that it is not part of the time.
    pub fn accept(&self, name: &str, input: Vec<u8>) -> Connection {
        set_watchdog(Some((Instant::now() + STEP_TIMEOUT, self.port)));
        let (stream, _) = self.listener.accept().expect("accept");
        assert!(
            set_watchdog(None),
            "{name} exited or hangs before it connects"
        );
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream
            .set_read_timeout(Some(STEP_TIMEOUT))
            .expect("a time limit");
        Connection {
            name: name.to_string(),
            stream,
            input,
            start: 0,
            end: 0,
            events: 0,
        }
    }
}

/// The deadline of the current accept, and the port to connect to when it has passed.
static WATCHED: Mutex<Option<(Instant, u16)>> = Mutex::new(None);

/// Sets the deadline of the next accept; returns whether the previous one was in time. A blocking
/// accept has no timeout in std, so a thread connects to the port when it takes too long.
fn set_watchdog(next: Option<(Instant, u16)>) -> bool {
    static STARTED: std::sync::Once = std::sync::Once::new();
    STARTED.call_once(|| {
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let watched = *WATCHED.lock().expect("the watch");
                if let Some((_, port)) = watched.filter(|(end, _)| Instant::now() > *end) {
                    let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
                }
            }
        });
    });
    let mut watched = WATCHED.lock().expect("the watch");
    let in_time = watched.is_none_or(|(end, _)| Instant::now() <= end);
    *watched = next;
    in_time
}

/// A keep-alive connection.
pub struct Connection {
    name: String,
    stream: TcpStream,
    input: Vec<u8>,
    /// Bytes that were read and not yet used: `input[start..end]`.
    start: usize,
    end: usize,
    events: usize,
}

/// Times from sending an event.
#[derive(Clone, Copy)]
pub struct Timing {
    /// To the end of the response's head.
    pub head: Duration,
    /// To the end of the response.
    pub whole: Duration,
    /// To the request for the next event: [`Connection::exchange`].
    pub cycle: Duration,
}

impl Connection {
    /// Waits for the request for an event; returns the time when it was complete.
    pub fn wait_for_next(&mut self) -> Instant {
        let end = self.head_end();
        let head = &self.input[self.start..end];
        let expected = head.starts_with(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n");
        assert!(expected, "{}: {}", self.name, String::from_utf8_lossy(head));
        self.start = end;
        Instant::now()
    }

    /// Sends an event, reads the response, which must be `expected`, and the request for the next
    /// event.
    pub fn exchange(&mut self, event: &[u8], expected: &[u8]) -> Timing {
        let (sent, mut timing) = self.send_event(event, expected);
        self.stream
            .write_all(ACCEPTED.as_bytes())
            .expect("write the reply");
        timing.cycle = self.wait_for_next() - sent;
        timing
    }

    fn send_event(&mut self, event: &[u8], expected: &[u8]) -> (Instant, Timing) {
        self.events += 1;
        let id = format!("8476a536-e9f4-11e8-9739-{:012x}", self.events);
        let chunked = event.len() > SIZED_BYTES_MAX;
        let framing = match chunked {
            true => format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", event.len()),
            false => format!("Content-Length: {}\r\n\r\n", event.len()),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
             Lambda-Runtime-Aws-Request-Id: {id}\r\n\
             Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
             Lambda-Runtime-Invoked-Function-Arn: \
             arn:aws:lambda:us-east-1:012345678912:function:bench\r\n\
             Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;\
             Parent=9a9197af755a6419;Sampled=1\r\n\
             Date: Sun, 22 Nov 2026 10:00:00 GMT\r\n{framing}"
        );
        let end: &[u8] = if chunked { b"\r\n0\r\n\r\n" } else { b"" };
        let sent = Instant::now();
        write_all(&mut self.stream, &[head.as_bytes(), event, end]);
        let (framing, head) = self.read_response_head(&id);
        let head = head - sent;
        let data = match framing {
            Some(bytes) => {
                self.read_until(bytes);
                vec![(0, bytes)]
            }
            None => self.read_chunks(),
        };
        let whole = sent.elapsed();
        self.check_body(&data, expected);
        // A chunked body ends with an empty line, which is the last range of `read_chunks`.
        self.start += data.last().map_or(0, |(_, end)| *end);
        let cycle = whole;
        (sent, Timing { head, whole, cycle })
    }

    /// Reads the head of the response to the event of this id. Returns its length, if it has one,
    /// and the time when the head was complete.
    fn read_response_head(&mut self, id: &str) -> (Option<usize>, Instant) {
        let end = self.head_end();
        let at = Instant::now();
        let head = std::str::from_utf8(&self.input[self.start..end]).expect("a head of text");
        let mut lines = head.split("\r\n");
        let line = format!("POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1");
        assert_eq!(lines.next(), Some(line.as_str()), "{}", self.name);
        let (mut length, mut chunked) = (None, false);
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = Some(value.parse().expect("a length")),
                "transfer-encoding" => chunked = value == "chunked",
                _ => {}
            }
        }
        assert_ne!(
            length.is_some(),
            chunked,
            "{}: both framings, or none",
            self.name
        );
        self.start = end;
        (length, at)
    }

    /// Reads a chunked body. Returns the ranges of its data, relative to `start`; the last one is
    /// empty and follows the trailers.
    fn read_chunks(&mut self) -> Vec<(usize, usize)> {
        let mut data = Vec::new();
        let mut at = 0;
        loop {
            let end = self.line_end(at);
            let line = &self.input[self.start + at..self.start + end];
            let line = std::str::from_utf8(line).expect("a line of text");
            let bytes = usize::from_str_radix(line.trim_end(), 16).expect("the size of a chunk");
            at = end;
            if bytes == 0 {
                break;
            }
            self.read_until(at + bytes + 2);
            data.push((at, at + bytes));
            at += bytes + 2;
        }
        // Trailers, up to an empty line.
        loop {
            let end = self.line_end(at);
            let empty = end - at == 2;
            at = end;
            if empty {
                data.push((at, at));
                return data;
            }
        }
    }

    fn check_body(&self, data: &[(usize, usize)], expected: &[u8]) {
        let mut rest = expected;
        for (from, to) in data {
            let part = &self.input[self.start + from..self.start + to];
            assert!(rest.starts_with(part), "{}: unexpected response", self.name);
            rest = &rest[part.len()..];
        }
        assert!(rest.is_empty(), "{}: response is too short", self.name);
    }

    /// The end of the line at `at`, both relative to `start`.
    fn line_end(&mut self, at: usize) -> usize {
        let mut looked = at;
        loop {
            let unused = &self.input[self.start..self.end];
            let rest = unused.get(looked..).unwrap_or_default();
            if let Some(place) = rest.iter().position(|byte| *byte == b'\n') {
                return looked + place + 1;
            }
            looked = unused.len();
            self.read_until(looked + 1);
        }
    }

    /// The end of the next head, its empty line included.
    fn head_end(&mut self) -> usize {
        let mut looked = 0;
        loop {
            let unused = &self.input[self.start..self.end];
            let rest = unused[looked..].windows(4);
            if let Some(at) = rest.clone().position(|four| four == b"\r\n\r\n") {
                return self.start + looked + at + 4;
            }
            looked = unused.len().saturating_sub(3);
            self.read_until(unused.len() + 1);
        }
    }

    /// Reads until `bytes` bytes are unused.
    fn read_until(&mut self, bytes: usize) {
        if self.end - self.start >= bytes {
            return;
        }
        self.input.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < bytes {
            let wanted = bytes.max(self.end) + READ_BYTES_MIN;
            if self.input.len() < wanted {
                self.input.resize(2 * wanted, 0);
            }
            let count = self.stream.read(&mut self.input[self.end..]);
            let count = count.unwrap_or_else(|error| panic!("{}: {error}", self.name));
            assert!(count > 0, "{} closed the connection", self.name);
            self.end += count;
        }
    }
}

/// Writes all parts with one system call, or more where the socket takes less.
fn write_all(stream: &mut TcpStream, parts: &[&[u8]; 3]) {
    let mut slices = parts.map(IoSlice::new);
    let mut slices = &mut slices[..];
    // Drops the empty ones.
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        let count = stream.write_vectored(slices).expect("write an event");
        IoSlice::advance_slices(&mut slices, count);
    }
}
