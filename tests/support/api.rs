//! A Runtime API that misbehaves as its script says, and records all requests in a ledger.
//!
//! One thread per connection, blocking sockets on 127.0.0.1, an ephemeral port. Requests are parsed
//! strictly (`request`); a fault in one is a violation in the ledger. What a server may do is taken
//! from RFC 9110 and 9112, and from the statuses of the Runtime API.

pub mod arrival;
mod connection;
pub mod ledger;
pub mod request;
pub mod script;

pub use arrival::Arrival;
pub use ledger::{Kind, Ledger, Post};
pub use script::{CloseAt, Event, Framing, HangUp, Script, ScriptedReply};

use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest event and the longest response, in bytes (6 MiB and 100, the service's own limit).
pub const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024 + 100;

/// Milliseconds since the epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock after 1970").as_millis() as u64
}

/// A running server. Dropping it closes every connection and joins every thread.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    prefix: String,
}

struct State {
    gets: std::vec::IntoIter<ScriptedReply>,
    posts: std::vec::IntoIter<ScriptedReply>,
    restores: std::vec::IntoIter<ScriptedReply>,
    register: Option<ScriptedReply>,
    /// The reply with the last event, when events are delivered again.
    again: Option<ScriptedReply>,
    /// That reply could not be written whole.
    is_undelivered: bool,
    redelivers: bool,
    /// The number of held GETs.
    held: usize,
    ledger: Ledger,
    /// Parts of answers that nobody has taken yet, by event; none in most runs.
    arrivals: Option<arrival::Arrivals>,
    stopping: bool,
    open: Vec<(usize, TcpStream)>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has already failed the test; the state is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The reply to the next GET. Where events are delivered again, an event without an answer
    /// comes first.
    fn next_get(&mut self) -> Option<ScriptedReply> {
        let is_undelivered = std::mem::take(&mut self.is_undelivered);
        let unanswered = self.ledger.outstanding.first().map(|(_, id)| id);
        if self.redelivers
            && let Some(reply) = &self.again
            && (is_undelivered || unanswered.is_some() && reply.delivers.as_ref() == unanswered)
        {
            return Some(reply.clone());
        }
        let reply = self.gets.next();
        if self.redelivers && reply.as_ref().is_some_and(|reply| reply.delivers.is_some()) {
            self.again.clone_from(&reply);
        }
        reply
    }
}

impl Server {
    /// Starts a server on an ephemeral port.
    pub fn start(script: Script) -> Server {
        let listener = match script.on_ipv6 {
            true => TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).expect("bind [::1]:0"),
            false => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind 127.0.0.1:0"),
        };
        if script.receive_buffer > 0 {
            super::sys::set_receive_buffer(&listener, script.receive_buffer);
        }
        let address = listener.local_addr().expect("the address of the listener");
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                gets: script.gets.into_iter(),
                posts: script.posts.into_iter(),
                restores: script.restores.into_iter(),
                register: script.register,
                again: None,
                is_undelivered: false,
                redelivers: script.redelivers,
                held: 0,
                ledger: Ledger::default(),
                arrivals: script.is_observed.then(arrival::Arrivals::default),
                stopping: false,
                open: Vec::new(),
            }),
            changed: Condvar::new(),
            prefix: script.prefix,
        });
        let for_acceptor = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accept(&listener, &for_acceptor));
        Server {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The port alone.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits, up to a limit, until a GET is held because no reply is left; whether one is.
    pub fn wait_idle(&self, at_most: Duration) -> bool {
        self.wait_held(1, at_most)
    }

    /// The same until `count` GETs are held, each on its own connection.
    pub fn wait_held(&self, count: usize, at_most: Duration) -> bool {
        let state = self.shared.lock();
        let wait = self
            .shared
            .changed
            .wait_timeout_while(state, at_most, |s| s.held < count || s.gets.len() > 0);
        let (state, _) = wait.unwrap_or_else(PoisonError::into_inner);
        state.held >= count && state.gets.len() == 0
    }

    /// Appends replies to GET; the first one goes to a held GET.
    pub fn more(&self, replies: Vec<ScriptedReply>) {
        let mut state = self.shared.lock();
        let rest: Vec<ScriptedReply> = state.gets.by_ref().chain(replies).collect();
        state.gets = rest.into_iter();
        drop(state);
        self.shared.changed.notify_all();
    }

    /// A number that changes with each request about events and each streamed byte.
    pub fn progress(&self) -> usize {
        let state = self.shared.lock();
        state.ledger.gets + state.ledger.posts.len() + state.ledger.streamed_bytes
    }

    /// Moves the deliveries, the answers and the log so far out of the ledger: for runs that are
    /// too long to be recorded whole.
    pub fn take(&self) -> Ledger {
        let mut state = self.shared.lock();
        let ledger = &mut state.ledger;
        Ledger {
            deliveries: std::mem::take(&mut ledger.deliveries),
            posts: std::mem::take(&mut ledger.posts),
            log: std::mem::take(&mut ledger.log),
            gets_at_ms: std::mem::take(&mut ledger.gets_at_ms),
            ..ledger.clone()
        }
    }

    /// A copy of the ledger.
    pub fn ledger(&self) -> Ledger {
        self.shared.lock().ledger.clone()
    }

    /// Stops the server; the ledger with everything received.
    pub fn finish(mut self) -> Ledger {
        self.stop();
        std::mem::take(&mut self.shared.lock().ledger)
    }

    fn stop(&mut self) {
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        // Wakes the acceptor, which then stops.
        let _ = TcpStream::connect(self.address);
        let panicked = acceptor.join().is_err();
        assert!(
            !panicked || std::thread::panicking(),
            "the API server panicked"
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    loop {
        let (stream, _) = listener.accept().expect("accept");
        let mut state = shared.lock();
        if state.stopping {
            // The runtime has exited or is idle: open connections are no longer needed.
            for (_, stream) in &state.open {
                let _ = stream.shutdown(Shutdown::Both);
            }
            break;
        }
        stream.set_nodelay(true).expect("TCP_NODELAY");
        state.ledger.connections += 1;
        let number = state.ledger.connections;
        state.ledger.note(number, "connected");
        let for_shutdown = stream.try_clone().expect("clone a stream");
        state.open.push((number, for_shutdown));
        drop(state);
        let shared = Arc::clone(shared);
        threads.push(std::thread::spawn(move || {
            connection::serve(stream, number, &shared);
        }));
    }
    for thread in threads {
        thread.join().expect("a connection's thread");
    }
}
