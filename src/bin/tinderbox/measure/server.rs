//! The Runtime API for one measured process: one thread, and no allocation for an event.
//!
//! It implements what every bootstrap needs and takes the times: a `GET` of the next event is held
//! until the measurement sends an event; an answer is checked and acknowledged at once. It serves
//! clients that pipeline, clients that do not, and clients that open a connection for each request.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use super::api_session::{ApiSession, Reply};
use super::wire::{self, ChunkDecoder, Framing, Head, HttpVersion, Parsed, Progress};
use crate::sys::poller::{Interest, Poller};

const READ_BYTES: usize = 64 * 1024;

/// The server of one process.
pub struct Server {
    pub session: ApiSession,
    listener: TcpListener,
    slots: Vec<Option<Connection>>,
    /// The slots whose `GET` of an event is held, in the order of arrival.
    waiting: VecDeque<usize>,
    poller: Poller,
    /// The slots of the poller's entries after the listener's.
    poll_slots: Vec<usize>,
}

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    /// `input[start..end]` was received and not consumed.
    start: usize,
    end: usize,
    head: Option<Head>,
    chunks: ChunkDecoder,
    body: Vec<u8>,
    sending: Option<Sending>,
}

/// An event that is partly sent.
struct Sending {
    sent: usize,
    version: HttpVersion,
    closes: bool,
}

impl Server {
    /// Listens on a free port of 127.0.0.1.
    pub fn new(session: ApiSession) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        Ok(Server {
            session,
            listener,
            slots: Vec::new(),
            waiting: VecDeque::new(),
            poller: Poller::default(),
            poll_slots: Vec::new(),
        })
    }

    /// `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> io::Result<String> {
        Ok(format!("127.0.0.1:{}", self.listener.local_addr()?.port()))
    }

    /// Whether a `GET` of the next event is held.
    pub fn has_waiting_next(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Sends an event to the connection that has waited longest; the time of the first write.
    /// `None` if the connection is closed. What the socket does not accept at once is sent by
    /// `poll_once`.
    pub fn send_event(&mut self) -> Option<Instant> {
        let slot = self.waiting.pop_front()?;
        let connection = self.slots[slot].as_mut()?;
        let head = connection.head.take()?;
        self.session.prepare_event(head.version);
        connection.sending = Some(Sending {
            sent: 0,
            version: head.version,
            closes: head.closes,
        });
        let at = Instant::now();
        self.continue_send(slot, at);
        self.slots[slot].is_some().then_some(at)
    }

    /// Sends as much of the event as the socket accepts.
    fn continue_send(&mut self, slot: usize, at: Instant) {
        let Some(connection) = self.slots[slot].as_mut() else {
            return;
        };
        let Some(sending) = connection.sending.as_mut() else {
            return;
        };
        let event = self.session.event(sending.version);
        while sending.sent < event.len() {
            match (&connection.stream).write(&event[sending.sent..]) {
                Ok(count) => sending.sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.close(slot),
            }
        }
        let closes = sending.closes;
        connection.sending = None;
        if closes {
            let _ = connection.stream.shutdown(Shutdown::Write);
        } else {
            self.process_input(slot, at); // requests that were pipelined after the `GET`
        }
    }

    /// Waits for input, output or `other`, and handles what is ready.
    pub fn poll_once(&mut self, timeout: Duration, other: Option<RawFd>) {
        self.poller.clear();
        self.poll_slots.clear();
        self.poller.push(self.listener.as_raw_fd(), Interest::Read);
        for (slot, connection) in self.slots.iter().enumerate() {
            if let Some(connection) = connection {
                let interest = match connection.sending {
                    Some(_) => Interest::ReadOrWrite,
                    None => Interest::Read,
                };
                self.poller.push(connection.stream.as_raw_fd(), interest);
                self.poll_slots.push(slot);
            }
        }
        if let Some(other) = other {
            self.poller.push(other, Interest::Read);
        }
        if !self.poller.wait(timeout) {
            return;
        }
        for index in 0..self.poll_slots.len() {
            if self.poller.is_ready(index + 1) {
                self.continue_send(self.poll_slots[index], Instant::now());
                self.receive(self.poll_slots[index]);
            }
        }
        if self.poller.is_ready(0) {
            self.accept();
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            // Without this a reply after an unacknowledged one waits for a delayed ACK: 40 ms.
            if stream.set_nodelay(true).is_err() || stream.set_nonblocking(true).is_err() {
                continue;
            }
            self.session.connections += 1;
            let free = self.slots.iter().position(Option::is_none);
            let slot = free.unwrap_or(self.slots.len());
            if free.is_none() {
                self.slots.push(None);
            }
            self.slots[slot] = Some(Connection::new(stream));
            self.receive(slot); // the request has often arrived already
        }
    }

    fn receive(&mut self, slot: usize) {
        let Some(connection) = self.slots[slot].as_mut() else {
            return;
        };
        connection.reserve();
        let received = (&connection.stream).read(&mut connection.input[connection.end..]);
        let at = Instant::now();
        match received {
            Ok(count) if count > 0 => {
                connection.end += count;
                self.process_input(slot, at);
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            _ => self.close(slot),
        }
    }

    /// Handles complete requests, up to one that is held.
    fn process_input(&mut self, slot: usize, at: Instant) {
        while let Some(connection) = self.slots[slot].as_mut() {
            if self.waiting.contains(&slot) {
                return;
            }
            let length = match connection.parse_request() {
                Some(Ok(length)) => length,
                None => return,
                Some(Err(Malformed)) => {
                    self.session.record_protocol_fault("sent malformed HTTP");
                    return self.close(slot);
                }
            };
            let Some(head) = connection.head.take() else {
                return;
            };
            let (path, body) = (connection.path(&head), connection.body(&head));
            let reply = self.session.handle(&head, path, body, at);
            connection.start += length;
            let is_sent = match reply {
                Reply::Hold => {
                    connection.head = Some(head);
                    return self.waiting.push_back(slot);
                }
                Reply::HoldForever => return,
                Reply::Accepted => send(&connection.stream, self.session.accepted()),
                Reply::Text(text) => send(&connection.stream, text.as_bytes()),
            };
            if !is_sent {
                return self.close(slot);
            }
            if head.closes {
                let _ = connection.stream.shutdown(Shutdown::Write);
                return;
            }
        }
    }

    fn close(&mut self, slot: usize) {
        self.slots[slot] = None;
        self.waiting.retain(|&waiting| waiting != slot);
    }
}

struct Malformed;

impl Connection {
    fn new(stream: TcpStream) -> Connection {
        Connection {
            stream,
            input: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            head: None,
            chunks: ChunkDecoder::default(),
            body: Vec::new(),
            sending: None,
        }
    }

    /// Makes space for a read.
    fn reserve(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end < self.input.len() {
            return;
        }
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        } else {
            self.input.resize(2 * self.input.len(), 0);
        }
    }

    /// The length of the first request, once it is complete; `head` then has its head.
    fn parse_request(&mut self) -> Option<Result<usize, Malformed>> {
        let input = &self.input[self.start..self.end];
        if self.head.is_none() {
            match wire::parse_head(input) {
                Parsed::Partial => return None,
                Parsed::Malformed => return Some(Err(Malformed)),
                Parsed::Complete(head) => {
                    if head.expects_continue && input.len() == head.length {
                        send(&self.stream, b"HTTP/1.1 100 Continue\r\n\r\n");
                    }
                    self.chunks = ChunkDecoder::starting_at(head.length);
                    self.body.clear();
                    self.head = Some(head);
                }
            }
        }
        let head = self.head.as_mut()?;
        match head.framing {
            Framing::Length(length) => {
                let length = head.length + length;
                (input.len() >= length).then_some(Ok(length))
            }
            Framing::Chunked => match self.chunks.decode(input, &mut self.body) {
                Progress::Partial => None,
                Progress::Malformed => Some(Err(Malformed)),
                Progress::Complete => {
                    head.has_error_type |= self.chunks.has_error_type;
                    Some(Ok(self.chunks.consumed))
                }
            },
        }
    }

    fn path(&self, head: &Head) -> &[u8] {
        &self.input[self.start..self.end][head.path.clone()]
    }

    fn body(&self, head: &Head) -> &[u8] {
        match head.framing {
            Framing::Length(length) => &self.input[self.start + head.length..][..length],
            Framing::Chunked => &self.body,
        }
    }
}

/// Sends a short reply; `false` if the client does not accept it.
fn send(mut stream: &TcpStream, bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        match stream.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return false, // also WouldBlock: the client has megabytes unread
        }
    }
    true
}
