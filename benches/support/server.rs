//! A Runtime API that costs little: one connection, blocking, in the thread of the bench. Every
//! request is read as far as the figures need it: its path, its framing, its body.
//!
//! Replies have the headers of AWS's emulator in its order, with the one that frames the body last;
//! an event of more than 2,048 bytes comes as one chunk, as there.

use std::io::{IoSlice, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// No step takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is read at once, at least, in bytes.
pub const ROOM_BYTES: usize = 64 * 1024;

/// Events of more bytes come as a chunk.
const SIZED_BYTES_MAX: usize = 2048;

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n\
    Date: Sun, 22 Nov 2026 10:00:00 GMT\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";

/// A listener on a port of its own.
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

    /// The connection of what was just started. `input` is room to read into, made before the start
    /// so that it costs nothing within what is timed.
    pub fn accept(&self, name: &str, input: Vec<u8>) -> Connection {
        watch(Some((Instant::now() + PATIENCE, self.port)));
        let (stream, _) = self.listener.accept().expect("accept");
        assert!(watch(None), "{name} ended or hangs before it connects");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream
            .set_read_timeout(Some(PATIENCE))
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

/// When an accept has to be over, and the port to knock at if it is not.
static WATCHED: Mutex<Option<(Instant, u16)>> = Mutex::new(None);

/// Sets what is watched; says whether the accept before was in time. A blocking accept has no time
/// limit in std, so a thread of its own connects when it takes too long.
fn watch(next: Option<(Instant, u16)>) -> bool {
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

/// A kept-alive connection.
pub struct Connection {
    name: String,
    stream: TcpStream,
    input: Vec<u8>,
    /// What was read and not yet used: `input[start..end]`.
    start: usize,
    end: usize,
    events: usize,
}

/// From the sending of an event until its response was there.
#[derive(Clone, Copy)]
pub struct Took {
    /// The head of it.
    pub head: Duration,
    /// All of it.
    pub whole: Duration,
}

impl Connection {
    /// Waits for the request for an event; the moment when it was complete.
    pub fn until_next(&mut self) -> Instant {
        let end = self.head();
        let head = &self.input[self.start..end];
        let right = head.starts_with(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n");
        assert!(right, "{}: {}", self.name, String::from_utf8_lossy(head));
        self.start = end;
        Instant::now()
    }

    /// Sends an event and reads the response, which has to be the expected one, and the request for
    /// the next event.
    pub fn exchange(&mut self, event: &[u8], expected: &[u8]) -> Took {
        let took = self.handle(event, expected);
        self.stream
            .write_all(ACCEPTED.as_bytes())
            .expect("write the reply");
        self.until_next();
        took
    }

    fn handle(&mut self, event: &[u8], expected: &[u8]) -> Took {
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
        let (framing, head) = self.response(&id);
        let head = head - sent;
        let data = match framing {
            Some(bytes) => {
                self.fill(bytes);
                vec![(0, bytes)]
            }
            None => self.chunks(),
        };
        let whole = sent.elapsed();
        self.compare(&data, expected);
        // A body in chunks ends with an empty line, which `chunks` leaves in its last part.
        self.start += data.last().map_or(0, |(_, end)| *end);
        Took { head, whole }
    }

    /// Reads the head of the response to the event of this id: its length, if it has one, and when
    /// it was there.
    fn response(&mut self, id: &str) -> (Option<usize>, Instant) {
        let end = self.head();
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
        assert_ne!(length.is_some(), chunked, "{}: its framing", self.name);
        self.start = end;
        (length, at)
    }

    /// Reads a body in chunks. Where its data stand, from `start` on; last, an empty part behind
    /// the trailers.
    fn chunks(&mut self) -> Vec<(usize, usize)> {
        let mut data = Vec::new();
        let mut at = 0;
        loop {
            let end = self.line(at);
            let line = &self.input[self.start + at..self.start + end];
            let line = std::str::from_utf8(line).expect("a line of text");
            let bytes = usize::from_str_radix(line.trim_end(), 16).expect("the size of a chunk");
            at = end;
            if bytes == 0 {
                break;
            }
            self.fill(at + bytes + 2);
            data.push((at, at + bytes));
            at += bytes + 2;
        }
        // Trailers, to an empty line.
        loop {
            let end = self.line(at);
            let empty = end - at == 2;
            at = end;
            if empty {
                data.push((at, at));
                return data;
            }
        }
    }

    fn compare(&self, data: &[(usize, usize)], expected: &[u8]) {
        let mut rest = expected;
        for (from, to) in data {
            let part = &self.input[self.start + from..self.start + to];
            assert!(rest.starts_with(part), "{}: another response", self.name);
            rest = &rest[part.len()..];
        }
        assert!(rest.is_empty(), "{}: a shorter response", self.name);
    }

    /// Where the line at `at` ends, both from `start` on.
    fn line(&mut self, at: usize) -> usize {
        let mut looked = at;
        loop {
            let unused = &self.input[self.start..self.end];
            let rest = unused.get(looked..).unwrap_or_default();
            if let Some(place) = rest.iter().position(|byte| *byte == b'\n') {
                return looked + place + 1;
            }
            looked = unused.len();
            self.fill(looked + 1);
        }
    }

    /// Where the head that comes next ends, its empty line included.
    fn head(&mut self) -> usize {
        let mut looked = 0;
        loop {
            let unused = &self.input[self.start..self.end];
            let rest = unused[looked..].windows(4);
            if let Some(at) = rest.clone().position(|four| four == b"\r\n\r\n") {
                return self.start + looked + at + 4;
            }
            looked = unused.len().saturating_sub(3);
            self.fill(unused.len() + 1);
        }
    }

    /// Reads until so many bytes are unused.
    fn fill(&mut self, bytes: usize) {
        if self.end - self.start >= bytes {
            return;
        }
        self.input.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < bytes {
            let wanted = bytes.max(self.end) + ROOM_BYTES;
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

/// One system call for all parts, as far as the socket takes them.
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
