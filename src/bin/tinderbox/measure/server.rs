//! The Runtime API for one process that is measured: one thread, and nothing allocated for an
//! event.
//!
//! It does what every bootstrap needs and keeps the times: a `GET` of the next event is held until
//! the one who measures lets an event go; an answer is judged and acknowledged at once. Clients
//! that pipeline, that do not, and that open a connection for each request are all served.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use super::desk::{Desk, Reply};
use super::wire::{self, Chunks, Framing, Head, Parsed, Progress};
use crate::sys::meter::Poller;

const READ_BYTES: usize = 64 * 1024;

/// The server of one process.
pub struct Server {
    pub desk: Desk,
    listener: TcpListener,
    slots: Vec<Option<Connection>>,
    /// The slots whose `GET` of an event is held, in the order in which they came.
    waiting: VecDeque<usize>,
    poller: Poller,
    /// What the entries of the poller mean, behind the listener's.
    polled: Vec<usize>,
}

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    /// What of `input` has come and is not used up yet.
    start: usize,
    end: usize,
    head: Option<Head>,
    chunks: Chunks,
    body: Vec<u8>,
    sending: Option<Sending>,
}

/// An event on its way out.
struct Sending {
    sent: usize,
    is_http_1_0: bool,
    closes: bool,
}

impl Server {
    /// Listens on a free port of 127.0.0.1.
    pub fn new(desk: Desk) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        Ok(Server {
            desk,
            listener,
            slots: Vec::new(),
            waiting: VecDeque::new(),
            poller: Poller::default(),
            polled: Vec::new(),
        })
    }

    /// `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> io::Result<String> {
        Ok(format!("127.0.0.1:{}", self.listener.local_addr()?.port()))
    }

    /// Whether somebody waits for an event.
    pub fn is_asked(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Lets an event go to who waits longest; says when. `None`: nobody takes it. What does not go
    /// at once follows while `pump` is called.
    pub fn send_event(&mut self) -> Option<Instant> {
        let slot = self.waiting.pop_front()?;
        let connection = self.slots[slot].as_mut()?;
        let head = connection.head.take()?;
        self.desk.make_event(head.is_http_1_0);
        connection.sending = Some(Sending {
            sent: 0,
            is_http_1_0: head.is_http_1_0,
            closes: head.closes,
        });
        let at = Instant::now();
        self.send_on(slot, at);
        self.slots[slot].is_some().then_some(at)
    }

    /// As much of the event as the client takes now.
    fn send_on(&mut self, slot: usize, at: Instant) {
        let Some(connection) = self.slots[slot].as_mut() else {
            return;
        };
        let Some(sending) = connection.sending.as_mut() else {
            return;
        };
        let packet = self.desk.event(sending.is_http_1_0);
        while sending.sent < packet.len() {
            match (&connection.stream).write(&packet[sending.sent..]) {
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
            self.read_on(slot, at); // requests that came behind the `GET`
        }
    }

    /// Does what there is to do; waits for it for at most so long. `other` may end the wait.
    pub fn pump(&mut self, timeout: Duration, other: Option<RawFd>) {
        self.poller.clear();
        self.polled.clear();
        self.poller.push(self.listener.as_raw_fd());
        for (slot, connection) in self.slots.iter().enumerate() {
            if let Some(connection) = connection {
                let is_sending = connection.sending.is_some();
                self.poller
                    .push_either(connection.stream.as_raw_fd(), is_sending);
                self.polled.push(slot);
            }
        }
        if let Some(other) = other {
            self.poller.push(other);
        }
        if !self.poller.wait(timeout) {
            return;
        }
        for index in 0..self.polled.len() {
            if self.poller.is_ready(index + 1) {
                self.send_on(self.polled[index], Instant::now());
                self.receive(self.polled[index]);
            }
        }
        if self.poller.is_ready(0) {
            self.accept();
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            // Without this a reply behind an unacknowledged one waits for a delayed ACK: 40 ms.
            if stream.set_nodelay(true).is_err() || stream.set_nonblocking(true).is_err() {
                continue;
            }
            self.desk.connections += 1;
            let free = self.slots.iter().position(Option::is_none);
            let slot = free.unwrap_or(self.slots.len());
            if free.is_none() {
                self.slots.push(None);
            }
            self.slots[slot] = Some(Connection::new(stream));
            self.receive(slot); // often the request is there already
        }
    }

    fn receive(&mut self, slot: usize) {
        let Some(connection) = self.slots[slot].as_mut() else {
            return;
        };
        connection.make_room();
        let received = (&connection.stream).read(&mut connection.input[connection.end..]);
        let at = Instant::now();
        match received {
            Ok(count) if count > 0 => {
                connection.end += count;
                self.read_on(slot, at);
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            _ => self.close(slot),
        }
    }

    /// Answers the requests that are complete, up to one that has to wait.
    fn read_on(&mut self, slot: usize, at: Instant) {
        while let Some(connection) = self.slots[slot].as_mut() {
            if self.waiting.contains(&slot) {
                return;
            }
            let length = match connection.request() {
                Some(Ok(length)) => length,
                None => return,
                Some(Err(())) => {
                    self.desk.complain("sent what is not HTTP");
                    return self.close(slot);
                }
            };
            let Some(head) = connection.head.take() else {
                return;
            };
            let reply = self
                .desk
                .handle(&head, connection.path(&head), connection.body(&head), at);
            connection.start += length;
            let is_sent = match reply {
                Reply::Hold => {
                    connection.head = Some(head);
                    return self.waiting.push_back(slot);
                }
                Reply::HoldForEver => return,
                Reply::Accepted => send(&connection.stream, self.desk.accepted()),
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

impl Connection {
    fn new(stream: TcpStream) -> Connection {
        Connection {
            stream,
            input: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            head: None,
            chunks: Chunks::default(),
            body: Vec::new(),
            sending: None,
        }
    }

    /// Makes sure that more can be read.
    fn make_room(&mut self) {
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

    /// The length of the request at the start, once it is complete; its head is in `head` then.
    fn request(&mut self) -> Option<Result<usize, ()>> {
        let input = &self.input[self.start..self.end];
        if self.head.is_none() {
            match wire::parse(input) {
                Parsed::Partial => return None,
                Parsed::Broken => return Some(Err(())),
                Parsed::Complete(head) => {
                    if head.expects_continue && input.len() == head.length {
                        send(&self.stream, b"HTTP/1.1 100 Continue\r\n\r\n");
                    }
                    self.chunks = Chunks::default();
                    self.chunks.used = head.length;
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
            Framing::Chunked => match self.chunks.take(input, &mut self.body) {
                Progress::Partial => None,
                Progress::Broken => Some(Err(())),
                Progress::Complete => {
                    head.names_error |= self.chunks.names_error;
                    Some(Ok(self.chunks.used))
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

/// Sends a short reply; `false` when the other side does not take it.
fn send(mut stream: &TcpStream, bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        match stream.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return false, // also when there is no room: it has left megabytes unread
        }
    }
    true
}
