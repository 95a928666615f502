//! Connections: read, consumed, watched, closed.

use super::{Endpoint, Engine, Key};
use crate::local::http::{Progress, Received, Reply};
use crate::local::invoke_api;
use crate::sys::epoll::{Interest, Ready};

/// How often one connection is read before others are.
const READS_MAX: usize = 4;

impl Engine {
    /// Adds an endpoint with a connection, and watches its socket.
    pub(super) fn watch(&mut self, endpoint: Endpoint) -> Option<Key> {
        let key = self.endpoints.insert(endpoint);
        let connection = match self.endpoints.get_mut(key)? {
            Endpoint::Caller(caller) => &mut caller.connection,
            Endpoint::Runtime(runtime) => &mut runtime.connection,
            _ => return None,
        };
        let interest = connection.interest();
        connection.watched = interest;
        let watched = self.epoll.add(connection.stream(), key.number(), interest);
        let deadline = connection.deadline();
        self.wake_by(deadline);
        if watched.is_err() {
            self.close(key);
            return None;
        }
        Some(key)
    }

    /// A connection is ready.
    pub fn handle_connection(&mut self, key: Key, ready: Ready) {
        if ready.writable {
            let now = self.now;
            if let Some(connection) = self.connection(key) {
                connection.flush(now);
            }
            self.output_flushed(key);
        }
        if ready.readable {
            self.read(key);
        }
        if ready.hung_up {
            self.close(key);
        }
        self.update(key);
    }

    fn read(&mut self, key: Key) {
        let mut scratch = std::mem::take(&mut self.scratch);
        for _ in 0..READS_MAX {
            let now = self.now;
            let Some(connection) = self.connection(key) else {
                break;
            };
            if !matches!(
                connection.interest(),
                Interest::Read | Interest::ReadAndWrite
            ) {
                break;
            }
            let direct = connection.receive_body(now);
            let is_direct = direct.is_some();
            match direct.unwrap_or_else(|| connection.receive(&mut scratch, now)) {
                Received::Bytes(_) if is_direct => self.consume(key, &[]),
                Received::Bytes(count) => {
                    self.consume(key, &scratch[..count]);
                    if count < scratch.len() {
                        break;
                    }
                }
                Received::Nothing => break,
                Received::End => {
                    self.received_end(key);
                    break;
                }
                Received::Broken => {
                    self.close(key);
                    break;
                }
            }
        }
        self.scratch = scratch;
    }

    /// Consumes what was received before and now, as far as possible.
    pub fn consume(&mut self, key: Key, new: &[u8]) {
        let Some(connection) = self.connection(key) else {
            return;
        };
        let mut earlier = connection.take_received();
        let is_new = earlier.is_empty();
        if !is_new {
            earlier.extend_from_slice(new);
        }
        let mut used = 0;
        loop {
            let input = if is_new { new } else { &earlier };
            let now = self.now;
            let Some(connection) = self.connection(key) else {
                return; // closed by a handler
            };
            let (count, progress) = connection.advance(&input[used..], now);
            let part = used..used + count;
            used = part.end;
            match progress {
                Progress::Incomplete => break,
                Progress::Replied => {}
                Progress::Request => self.handle_request(key),
                Progress::Part(range) => {
                    let start = part.start;
                    self.handle_part(key, &input[start + range.start..start + range.end]);
                }
                Progress::Body(body) => self.handle_body(key, body),
                Progress::Refused(status, text) => self.refuse_head(key, status, text),
                Progress::Malformed => return self.refuse_body(key),
            }
        }
        if let Some(connection) = self.connection(key) {
            match is_new {
                true if used < new.len() => connection.put_back(new[used..].to_vec()),
                true => {}
                false => {
                    earlier.drain(..used);
                    connection.put_back(earlier);
                }
            }
        }
        self.update(key);
    }

    fn handle_request(&mut self, key: Key) {
        match self.endpoints.get(key) {
            Some(Endpoint::Caller(_)) => self.handle_call(key),
            Some(Endpoint::Runtime(_)) => self.handle_runtime_request(key),
            _ => {}
        }
    }

    fn refuse_head(&mut self, key: Key, status: u16, text: &'static str) {
        let reply = match self.endpoints.get(key) {
            Some(Endpoint::Caller(_)) => invoke_api::http_refusal(status, text),
            _ => Reply::text(status, text),
        };
        self.reply(key, reply);
    }

    /// A body is malformed. An answer of a bootstrap is cut by that.
    fn refuse_body(&mut self, key: Key) {
        match self.endpoints.get_mut(key) {
            Some(Endpoint::Caller(caller)) => {
                caller.connection.give_up_body();
                self.refuse_head(key, 400, "400 Bad Request: malformed body");
            }
            _ => self.close(key),
        }
    }

    /// Replies to the current request of a connection.
    pub fn reply(&mut self, key: Key, reply: Reply) {
        let now = self.now;
        if let Some(connection) = self.connection(key) {
            connection.reply(reply, now);
            self.replied(key);
        }
    }

    /// A reply is on its way: the next request may have been received already.
    pub fn replied(&mut self, key: Key) {
        if self.connection(key).is_some_and(|it| it.has_received()) {
            self.resumable.push(key);
        }
        self.update(key);
    }

    /// Watches the socket for what is needed now; closes a connection that is of no use any more.
    pub fn update(&mut self, key: Key) {
        let Some(connection) = self.connection(key) else {
            return;
        };
        if connection.is_finished() {
            return self.close(key);
        }
        let (interest, deadline) = (connection.interest(), connection.deadline());
        if interest != connection.watched {
            connection.watched = interest;
            if let Some(Endpoint::Caller(_) | Endpoint::Runtime(_)) = self.endpoints.get(key) {
                self.watch_again(key, interest);
            }
        }
        self.wake_by(deadline);
    }

    fn watch_again(&mut self, key: Key, interest: Interest) {
        let stream = match self.endpoints.get(key) {
            Some(Endpoint::Caller(caller)) => caller.connection.stream(),
            Some(Endpoint::Runtime(runtime)) => runtime.connection.stream(),
            _ => return,
        };
        // It fails only for a socket that is not watched.
        let _ = self.epoll.modify(stream, key.number(), interest);
    }

    /// The client has sent its last byte.
    fn received_end(&mut self, key: Key) {
        if let Some(Endpoint::Runtime(runtime)) = self.endpoints.get(key)
            && runtime.is_waiting()
        {
            // As net/http: who waits for an event and closes its side is gone.
            return self.close(key);
        }
        if self
            .connection(key)
            .is_some_and(|it| it.is_useless_without_input())
        {
            self.close(key);
        }
    }

    /// Closes a connection and forgets it. A call of it goes on.
    pub fn close(&mut self, key: Key) {
        match self.endpoints.get(key) {
            Some(Endpoint::Caller(_)) => {
                self.callers -= 1;
                self.endpoints.remove(key);
            }
            Some(Endpoint::Runtime(_)) => self.close_runtime(key),
            _ => {}
        }
    }
}
