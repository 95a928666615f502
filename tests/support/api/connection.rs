//! One connection of the server: reads requests, replies as scripted, records both in the ledger.

use super::arrival::Arrival;
use super::ledger::{Kind, Post, hash};
use super::request::{self, HEAD_BYTES_MAX, Head, Other};
use super::script::{CloseAt, HangUp, ScriptedReply};
use super::{Shared, now_ms};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The most bytes of one read.
const READ_BYTES: usize = 256 * 1024;

/// Serves a connection until either side closes it.
pub fn serve(stream: TcpStream, number: usize, shared: &Shared) {
    let mut connection = Connection {
        stream,
        number,
        shared,
        buffer: Vec::new(),
        streaming: String::new(),
        piece: vec![0; READ_BYTES],
        budget: usize::MAX,
        pace_bytes: 0,
        unanswered: false,
    };
    while connection.serve_request().is_some() {}
    let Connection { stream, buffer, .. } = connection;
    let mut state = shared.lock();
    state.ledger.note(number, "ended");
    for id in state.ledger.enter_end(number) {
        if let Some(arrivals) = &mut state.arrivals {
            arrivals.enter(&id, Arrival::Abandoned);
        }
    }
    shared.changed.notify_all();
    if !buffer.is_empty() && !state.stopping {
        let text = format!("#{number} ended within a request: {} bytes", buffer.len());
        state.ledger.violation(text);
    }
    // The clone is dropped first: a socket is closed with its last descriptor.
    state.open.retain(|(other, _)| *other != number);
    drop(state);
    drop(stream);
}

struct Connection<'a> {
    stream: TcpStream,
    number: usize,
    shared: &'a Shared,
    /// Bytes that were read and not yet consumed.
    buffer: Vec<u8>,
    /// The id of the event whose streamed response is being read.
    streaming: String,
    /// The target of a read. Allocated once, since a debug build fills memory slowly.
    piece: Vec<u8>,
    /// The number of bytes of this request that may still be read.
    budget: usize,
    pace_bytes: usize,
    /// An event was delivered on this connection, and no POST has come since.
    unanswered: bool,
}

/// The part of a body that was read.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    length: usize,
    chunks: Vec<usize>,
    trailers: Vec<(String, String)>,
    complete: bool,
}

/// The part of a streamed body that is stored, in bytes.
const STORED_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Body {
    fn append(&mut self, bytes: &[u8]) {
        let capacity = STORED_BYTES_MAX.saturating_sub(self.bytes.len());
        let stored = bytes.len().min(capacity);
        self.bytes.extend_from_slice(&bytes[..stored]);
        self.length += bytes.len();
    }
}

impl Connection<'_> {
    /// Serves one request; `None` when the connection is closed.
    fn serve_request(&mut self) -> Option<()> {
        self.budget = usize::MAX;
        self.pace_bytes = 0;
        let first = self.first_byte()?;
        if let Some(other) = self.other() {
            return self.serve_other(other);
        }
        if first == b'P' {
            let scripted = self.shared.lock().posts.next();
            self.serve_post(scripted.unwrap_or_else(|| ScriptedReply::status(202)))
        } else {
            let scripted = self.next_get();
            self.serve_get(scripted)
        }
    }

    fn first_byte(&mut self) -> Option<u8> {
        if self.buffer.is_empty() {
            let mut byte = [0];
            return match self.stream.peek(&mut byte) {
                Ok(1) => Some(byte[0]),
                _ => None,
            };
        }
        self.buffer.first().copied()
    }

    /// The kind of the next request, if it is not about events.
    fn other(&mut self) -> Option<Other> {
        let mut start = [0; 512];
        let count = match self.buffer.as_slice() {
            [] => self.stream.peek(&mut start).unwrap_or(0),
            _ => 0, // sent with an answer: a GET of the next event
        };
        let line = String::from_utf8_lossy(&start[..count]).into_owned();
        Other::of(&line, &self.shared.prefix)
    }

    fn serve_other(&mut self, other: Other) -> Option<()> {
        let head = self.head()?;
        let length = head.content_length;
        while self.buffer.len() < length {
            self.read_more()?;
        }
        self.buffer.drain(..length);
        let mut state = self.shared.lock();
        state.ledger.note(self.number, &format!("{other:?}"));
        let scripted = match other {
            Other::RestoreNext => {
                state.ledger.restores += 1;
                state
                    .restores
                    .next()
                    .unwrap_or_else(|| ScriptedReply::status(404))
            }
            Other::Register => {
                state.ledger.extensions.push(head);
                state
                    .register
                    .clone()
                    .unwrap_or_else(|| ScriptedReply::status(404))
            }
            Other::ExtensionNext => {
                state.ledger.extensions.push(head);
                drop(state);
                let _ = self.read_more(); // no event of an extension is ever sent
                return None;
            }
        };
        drop(state);
        std::thread::sleep(scripted.delay);
        if scripted.close_at == Some(CloseAt::BeforeReply) {
            return self.hang_up(scripted.hang_up);
        }
        self.reply(&scripted)?;
        self.after_reply(&scripted)
    }

    /// The reply to the GET that begins here. Where events are delivered again, earlier connections
    /// have to be closed first, so that their last requests are read.
    fn next_get(&self) -> Option<ScriptedReply> {
        let end = Instant::now() + super::super::bound(2_000);
        loop {
            let mut state = self.shared.lock();
            let is_last = !state.open.iter().any(|(other, _)| *other < self.number);
            if !state.redelivers || is_last || Instant::now() > end {
                return state.next_get();
            }
            drop(state);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn serve_get(&mut self, scripted: Option<ScriptedReply>) -> Option<()> {
        if let Some(scripted) = &scripted {
            self.prepare(scripted)?;
        }
        let Some(head) = self.head() else {
            return self.ended_in_request(scripted.as_ref());
        };
        self.enter_get(&head);
        let scripted = match scripted {
            Some(scripted) => scripted,
            None => self.hold()?,
        };
        std::thread::sleep(scripted.delay);
        if matches!(
            scripted.close_at,
            Some(CloseAt::BeforeReply | CloseAt::InRequest(_))
        ) {
            return self.hang_up(scripted.hang_up);
        }
        self.expect_silence();
        self.reply(&scripted)?;
        self.after_reply(&scripted)
    }

    fn serve_post(&mut self, scripted: ScriptedReply) -> Option<()> {
        self.prepare(&scripted)?;
        let Some(head) = self.head() else {
            return self.ended_in_request(Some(&scripted));
        };
        self.unanswered = false;
        if scripted.early {
            self.enter_post(&head, Body::default(), &scripted);
            self.reply(&scripted)?;
            self.after_reply(&scripted)?;
            self.body(&head);
            return Some(());
        }
        self.enter_start(&head);
        let body = self.body(&head);
        let complete = body.complete;
        self.enter_post(&head, body, &scripted);
        std::thread::sleep(scripted.delay);
        if !complete
            || matches!(
                scripted.close_at,
                Some(CloseAt::BeforeReply | CloseAt::InRequest(_))
            )
        {
            return self.hang_up(scripted.hang_up);
        }
        self.reply(&scripted)?;
        self.after_reply(&scripted)
    }

    /// Applies the part of the script that comes before the request is read.
    fn prepare(&mut self, scripted: &ScriptedReply) -> Option<()> {
        self.pace_bytes = scripted.read_bytes;
        match scripted.close_at {
            Some(CloseAt::BeforeRequest) => return self.hang_up(scripted.hang_up),
            Some(CloseAt::InRequest(bytes)) => {
                self.budget = bytes.saturating_sub(self.buffer.len());
            }
            _ => {}
        }
        Some(())
    }

    fn ended_in_request(&mut self, scripted: Option<&ScriptedReply>) -> Option<()> {
        match scripted {
            Some(scripted) if scripted.close_at.is_some() => {
                self.buffer.clear();
                self.hang_up(scripted.hang_up)
            }
            _ => None,
        }
    }

    fn after_reply(&mut self, scripted: &ScriptedReply) -> Option<()> {
        match scripted.close_at {
            Some(CloseAt::InReply(_) | CloseAt::AfterReply) => self.hang_up(scripted.hang_up),
            _ => Some(()),
        }
    }

    /// Reads once; `None` at the end of file, on an error, or when the budget is used up.
    fn read_more(&mut self) -> Option<()> {
        let mut most = READ_BYTES.min(self.budget);
        if self.pace_bytes > 0 {
            std::thread::sleep(Duration::from_millis(1));
            most = most.min(self.pace_bytes);
        }
        if most == 0 {
            return None;
        }
        let count = self.stream.read(&mut self.piece[..most]).unwrap_or(0);
        self.buffer.extend_from_slice(&self.piece[..count]);
        self.budget = self.budget.saturating_sub(count);
        (count > 0).then_some(())
    }

    fn head(&mut self) -> Option<Head> {
        loop {
            if let Some(end) = request::head_end(&self.buffer) {
                let head = request::read(&self.buffer[..end], &self.shared.prefix);
                self.buffer.drain(..end);
                let mut state = self.shared.lock();
                for fault in &head.faults {
                    let text = format!("#{} {fault}", self.number);
                    state.ledger.violation(text);
                }
                return Some(head);
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                let text = format!("#{} a head over {HEAD_BYTES_MAX} bytes", self.number);
                self.shared.lock().ledger.violation(text);
                return None;
            }
            self.read_more()?;
        }
    }

    /// The body, or the part of it that came and may be read.
    fn body(&mut self, head: &Head) -> Body {
        let mut body = Body::default();
        if head.chunked {
            body.complete = self.chunks(&mut body).is_some();
            return body;
        }
        let length = head.content_length;
        while self.buffer.len() < length && self.read_more().is_some() {}
        let behind = self.buffer.split_off(length.min(self.buffer.len()));
        body.bytes = std::mem::replace(&mut self.buffer, behind);
        body.length = body.bytes.len();
        body.complete = body.length == length;
        body
    }

    /// Reads chunks strictly: sizes in lower case without leading zeros, no extensions; then the
    /// trailers. `None` when the end is missing.
    fn chunks(&mut self, body: &mut Body) -> Option<()> {
        loop {
            let line = self.line()?;
            let size = usize::from_str_radix(&line, 16).unwrap_or(usize::MAX);
            if format!("{size:x}") != line {
                let text = format!("#{} chunk size {line:?}", self.number);
                self.shared.lock().ledger.violation(text);
                return None;
            }
            if size == 0 {
                break;
            }
            body.chunks.push(size);
            self.shared.lock().ledger.streamed_bytes += size;
            let mut left = size;
            while left > 0 {
                if self.buffer.is_empty() {
                    self.read_more()?;
                }
                let count = left.min(self.buffer.len());
                body.append(&self.buffer[..count]);
                self.enter_piece(count);
                self.buffer.drain(..count);
                left -= count;
            }
            if !self.line()?.is_empty() {
                let text = format!("#{} bytes behind a chunk", self.number);
                self.shared.lock().ledger.violation(text);
                return None;
            }
        }
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else {
                if !line.is_empty() {
                    let text = format!("#{} trailer {line:?}", self.number);
                    self.shared.lock().ledger.violation(text);
                }
                return Some(());
            };
            body.trailers.push((name.to_string(), value.to_string()));
        }
    }

    /// A line, without its line end; at most 4,096 bytes, the limit of Go's server for trailers.
    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).take(end).collect();
                return Some(String::from_utf8_lossy(&line).into_owned());
            }
            if self.buffer.len() > 4096 {
                let text = format!("#{} a line over 4,096 bytes", self.number);
                self.shared.lock().ledger.violation(text);
                return None;
            }
            self.read_more()?;
        }
    }

    /// Writes the reply as scripted, and records its delivery.
    fn reply(&mut self, scripted: &ScriptedReply) -> Option<()> {
        let end = match scripted.close_at {
            Some(CloseAt::InReply(bytes)) => bytes.min(scripted.bytes.len()),
            _ => scripted.bytes.len(),
        };
        let mut from = 0;
        let inner = scripted.splits.iter().copied().filter(|split| *split < end);
        for to in inner.chain([end]) {
            if from > 0 {
                std::thread::sleep(scripted.pause);
            }
            // Before the last byte is sent: the answer may arrive before this thread runs again.
            if let (Some(id), true) = (&scripted.delivers, to == end) {
                self.enter_delivery(id, end == scripted.bytes.len(), end);
            }
            if self.stream.write_all(&scripted.bytes[from..to]).is_err() {
                let mut state = self.shared.lock();
                state.is_undelivered = scripted.delivers.is_some();
                state.ledger.note(
                    self.number,
                    "the client closed the connection within the reply",
                );
                state
                    .ledger
                    .take_back_delivery(scripted.delivers.as_deref(), to == end);
                return None;
            }
            from = to;
        }
        Some(())
    }

    /// Checks that nothing was sent after a GET that has no reply yet.
    fn expect_silence(&mut self) {
        let mut byte = [0];
        self.stream.set_nonblocking(true).expect("non-blocking");
        let is_early = !self.buffer.is_empty() || matches!(self.stream.peek(&mut byte), Ok(1));
        self.stream.set_nonblocking(false).expect("blocking");
        if is_early {
            let text = format!("#{} bytes behind a GET without a reply", self.number);
            self.shared.lock().ledger.violation(text);
        }
    }

    /// Holds the GET until there is another reply; `None` when the server stops.
    fn hold(&mut self) -> Option<ScriptedReply> {
        let mut state = self.shared.lock();
        state.held += 1;
        state.ledger.note(self.number, "idle");
        self.shared.changed.notify_all();
        let changed = &self.shared.changed;
        // A closed connection is not held any more: no event may be delivered to it.
        let mut gone = false;
        while !state.stopping && state.gets.len() == 0 && !gone {
            let wait = changed.wait_timeout(state, Duration::from_millis(5));
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
            gone = self.is_gone();
        }
        state.held -= 1;
        if gone {
            return None;
        }
        if state.stopping {
            drop(state);
            self.expect_silence();
            return None;
        }
        state.next_get()
    }

    /// Whether the client has closed its side.
    fn is_gone(&self) -> bool {
        let mut byte = [0];
        self.stream.set_nonblocking(true).expect("non-blocking");
        let peeked = self.stream.peek(&mut byte);
        self.stream.set_nonblocking(false).expect("blocking");
        match peeked {
            Ok(count) => count == 0,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }

    fn hang_up(&mut self, how: HangUp) -> Option<()> {
        let mut state = self.shared.lock();
        state.open.retain(|(other, _)| *other != self.number);
        let text = format!("hung up ({how:?})");
        state.ledger.note(self.number, &text);
        drop(state);
        self.buffer.clear();
        match how {
            HangUp::Close => {}
            HangUp::Reset => super::super::sys::reset_on_close(&self.stream),
            HangUp::Fin => self.drain(),
        }
        None
    }

    /// Closes the server's side, then reads until the client closes its own.
    fn drain(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let patience = super::super::bound(5_000);
        self.stream
            .set_read_timeout(Some(patience))
            .expect("a read timeout");
        let mut waste = vec![0; READ_BYTES];
        loop {
            match self.stream.read(&mut waste) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    let text = format!(
                        "#{} does not close a connection that the server closed",
                        self.number
                    );
                    return self.shared.lock().ledger.violation(text);
                }
                Err(_) => return,
            }
        }
    }

    fn enter_get(&mut self, head: &Head) {
        let mut state = self.shared.lock();
        state.ledger.enter_get(self.number, self.unanswered);
        if head.post.is_some() {
            let text = format!("#{} a method that is neither GET nor POST", self.number);
            state.ledger.violation(text);
        }
    }

    fn enter_delivery(&mut self, id: &str, complete: bool, bytes: usize) {
        let mut state = self.shared.lock();
        state
            .ledger
            .enter_delivery(self.number, id, complete, bytes);
        self.unanswered |= complete;
    }

    /// Hands out the head of a streamed response, where answers are observed.
    fn enter_start(&mut self, head: &Head) {
        let Some((Kind::Response, id)) = &head.post else {
            return;
        };
        let mut state = self.shared.lock();
        if let (Some(arrivals), true) = (&mut state.arrivals, head.chunked) {
            arrivals.enter(id, Arrival::Start(head.headers.clone()));
            self.streaming.clone_from(id);
            self.shared.changed.notify_all();
        }
    }

    /// Hands out the first bytes of the buffer as a part of a streamed response.
    fn enter_piece(&mut self, count: usize) {
        let mut state = self.shared.lock();
        if let Some(arrivals) = &mut state.arrivals {
            let piece = self.buffer[..count].to_vec();
            arrivals.enter(&self.streaming, Arrival::Piece(piece));
            self.shared.changed.notify_all();
        }
    }

    fn enter_post(&mut self, head: &Head, body: Body, scripted: &ScriptedReply) {
        let Some((kind, id)) = head.post.clone() else {
            return;
        };
        let post = Post {
            connection: self.number,
            kind,
            id,
            headers: head.headers.clone(),
            hash: hash(&body.bytes),
            complete: body.complete,
            at_ms: now_ms(),
            counted: scripted.counted.unwrap_or(body.complete || scripted.early),
            get_behind: !self.buffer.is_empty(),
            body_bytes: body.length,
            body: body.bytes,
            chunks: body.chunks,
            trailers: body.trailers,
        };
        let mut state = self.shared.lock();
        if let (Some(arrivals), Kind::Response | Kind::Error) = (&mut state.arrivals, post.kind) {
            arrivals.enter(&post.id, Arrival::End(post.clone()));
        }
        state.ledger.enter_post(post);
        self.shared.changed.notify_all();
    }
}
