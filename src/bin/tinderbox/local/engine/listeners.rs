//! Listeners, and connections accepted within limits.
//!
//! A new caller who finds all places taken gets that of the connection that has been idle longest;
//! if none is idle, it is refused. So idle and half-open connections block no others, and memory
//! stays bounded. Bootstraps have places of their own: callers do not count against them.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::callers::Caller;
use super::runtimes::Runtime;
use super::{Endpoint, Engine, Key};
use crate::local::http::Connection;
use crate::local::{invoke_api, listener, runtime_api};
use crate::output::Failure;
use crate::sys;
use crate::sys::epoll::Interest;

/// The most connections of callers, and of one bootstrap besides those for concurrent events.
const CALLERS_MAX: usize = 256;
const RUNTIME_MAX: usize = 32;

/// The least number of callers, and descriptors for everything else.
const CALLERS_MIN: usize = 4;
const OTHER_DESCRIPTORS: usize = 40;

/// How many refused connections are open beyond that: each until its refusal is sent.
const REFUSED_MAX: usize = 8;

/// The pause after a failed accept: no descriptors, or no memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Engine {
    pub fn accept_caller(&mut self, listener: Key) {
        let Some(stream) = self.accept(listener) else {
            return;
        };
        let capacity = self.callers_max();
        if self.callers >= capacity && !self.evict_idle_caller() {
            if self.callers < capacity + REFUSED_MAX {
                let mut connection = Connection::new(stream, invoke_api::TIMEOUTS, self.now);
                connection.reply(invoke_api::refusal(), self.now);
                self.add_caller(connection);
            }
            return;
        }
        self.add_caller(Connection::new(stream, invoke_api::TIMEOUTS, self.now));
    }

    fn callers_max(&self) -> usize {
        let places = self.environments.iter().count() * (RUNTIME_MAX + 4);
        let descriptors = sys::descriptors_max().saturating_sub(OTHER_DESCRIPTORS + places);
        descriptors.clamp(CALLERS_MIN, CALLERS_MAX)
    }

    fn add_caller(&mut self, connection: Connection) {
        self.callers += 1;
        self.watch(Endpoint::Caller(Box::new(Caller::new(connection))));
    }

    pub fn accept_runtime(&mut self, listener: Key) {
        let Some(stream) = self.accept(listener) else {
            return;
        };
        let Some(Endpoint::Runtimes(_, key)) = self.endpoints.get(listener) else {
            return;
        };
        let key = *key;
        let Some(environment) = self.environments.get(key) else {
            return;
        };
        let concurrency = environment.settings().concurrency.unwrap_or(0);
        let capacity = RUNTIME_MAX + 2 * usize::from(concurrency);
        let connections = environment.connections.clone();
        let timeouts = runtime_api::timeouts(environment.settings().timeout);
        // At once: a client that closes its socket after a call has no owner any more.
        let leader = environment.state.process;
        let leaders = self
            .environments
            .iter()
            .filter_map(|(_, other)| other.state.process);
        let others = leaders.filter(|&other| Some(other) != leader).collect();
        let verdict = self.clients.verdict(&stream, leader, others);
        let mut connection = Connection::new(stream, timeouts, self.now);
        if connections.len() >= capacity && !self.evict_unused(&connections) {
            if connections.len() >= capacity + REFUSED_MAX {
                return;
            }
            connection.reply(runtime_api::refusal(), self.now);
        }
        let runtime = Runtime::new(connection, key, verdict);
        if let Some(added) = self.watch(Endpoint::Runtime(Box::new(runtime)))
            && let Some(environment) = self.environments.get_mut(key)
        {
            environment.connections.push(added);
        }
    }

    /// The next connection of a listener. One per call: epoll(7) reports the others again.
    fn accept(&mut self, listener: Key) -> Option<TcpStream> {
        let (Endpoint::Callers(socket) | Endpoint::Runtimes(socket, _)) =
            self.endpoints.get(listener)?
        else {
            return None;
        };
        match socket.accept() {
            Ok((stream, _)) => stream.set_nonblocking(true).is_ok().then_some(stream),
            Err(error) if is_of_client(&error) => None,
            Err(_) => {
                // No descriptors or no memory. Never a busy loop.
                self.evict_idle_caller();
                self.pause_listeners();
                None
            }
        }
    }

    fn pause_listeners(&mut self) {
        self.listen_again = Some(self.now + ACCEPT_PAUSE);
        self.wake_by(self.listen_again);
        self.watch_listeners(Interest::None);
    }

    pub fn resume_listeners(&mut self) {
        self.listen_again = None;
        self.watch_listeners(Interest::Read);
    }

    fn watch_listeners(&self, interest: Interest) {
        for (key, endpoint) in self.endpoints.iter() {
            if let Endpoint::Callers(socket) | Endpoint::Runtimes(socket, _) = endpoint {
                // It fails only for a socket that is not watched.
                let _ = self.epoll.modify(socket, key.number(), interest);
            }
        }
    }

    /// Closes the caller's connection that has been idle longest; false if none is idle. One whose
    /// request has arrived, and is read next, is not.
    fn evict_idle_caller(&mut self) -> bool {
        let idle = self.endpoints.iter().filter_map(|(key, endpoint)| {
            let Endpoint::Caller(caller) = endpoint else {
                return None;
            };
            let connection = &caller.connection;
            let is_idle = connection.is_idle() && !connection.has_unread_bytes();
            is_idle.then(|| (connection.idle_since(), key))
        });
        let oldest = idle.min_by_key(|(since, _)| *since);
        oldest.map(|(_, key)| self.close(key)).is_some()
    }

    /// The same for a bootstrap's, which keeps one that has sent a request: it sends none while it
    /// handles an event.
    fn evict_unused(&mut self, connections: &[Key]) -> bool {
        let oldest = connections
            .iter()
            .filter_map(|&key| match self.endpoints.get(key)? {
                Endpoint::Runtime(runtime) => Some((&runtime.connection, key)),
                _ => None,
            })
            .filter(|(connection, _)| connection.is_idle() && !connection.has_served())
            .filter(|(connection, _)| !connection.has_unread_bytes())
            .map(|(connection, key)| (connection.idle_since(), key))
            .min_by_key(|(since, _)| *since);
        oldest.map(|(_, key)| self.close(key)).is_some()
    }

    /// A new listener on loopback for one environment.
    pub fn add_runtime_listener(&mut self, port: u16) -> Result<(TcpListener, Key), Failure> {
        let (listener, _) = listener::listen(&self.options.runtime_host, port, "--runtime-port")?;
        let cannot = |error| Failure::caused("cannot watch a listener", error);
        listener.set_nonblocking(true).map_err(cannot)?;
        let copy = listener.try_clone().map_err(cannot)?;
        // Its environment does not exist yet: `Engine::add_environment` puts it in.
        let key = self
            .endpoints
            .insert(Endpoint::Runtimes(copy, Key::from_number(u64::MAX)));
        let watched = self.epoll.add(&listener, key.number(), Interest::Read);
        watched.map_err(cannot)?;
        Ok((listener, key))
    }
}

/// Whether only this client's connection has failed (accept(2)).
fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
    matches!(error.kind(), ConnectionAborted | Interrupted | WouldBlock)
}
