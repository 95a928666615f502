//! A Runtime API that misbehaves on purpose, told how by a script, and that keeps a ledger.
//!
//! One thread a connection, blocking sockets on 127.0.0.1, an ephemeral port. Every request is
//! read strictly (`request`); what is wrong with it is a violation in the ledger. Sources for what
//! a server may do: RFC 9110 and 9112, and the statuses of the Runtime API.

mod connection;
pub mod ledger;
pub mod request;
pub mod script;

pub use ledger::{Kind, Ledger, Post};
pub use script::{Cut, Event, Framing, HangUp, Script, Turn};

use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
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
    gets: std::vec::IntoIter<Turn>,
    posts: std::vec::IntoIter<Turn>,
    restores: std::vec::IntoIter<Turn>,
    register: Option<Turn>,
    /// The turn that handed out an event last, when such are handed out again.
    again: Option<Turn>,
    /// It could not be written whole.
    is_undelivered: bool,
    redelivers: bool,
    /// How many GET are held.
    held: usize,
    ledger: Ledger,
    stopping: bool,
    open: Vec<(usize, TcpStream)>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has already failed the test; what it left behind is still true.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The turn of the next GET on this connection. Where events are handed out again, one that has
    /// no answer yet comes first: it is not the next one's turn.
    fn next_get(&mut self) -> Option<Turn> {
        let is_undelivered = std::mem::take(&mut self.is_undelivered);
        let waiting = self.ledger.outstanding.first().map(|(_, id)| id);
        if self.redelivers
            && let Some(turn) = &self.again
            && (is_undelivered || waiting.is_some() && turn.delivers.as_ref() == waiting)
        {
            return Some(turn.clone());
        }
        let turn = self.gets.next();
        if self.redelivers && turn.as_ref().is_some_and(|turn| turn.delivers.is_some()) {
            self.again.clone_from(&turn);
        }
        turn
    }
}

impl Server {
    /// Starts to listen.
    pub fn start(script: Script) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind 127.0.0.1:0");
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

    /// Waits at most so long until a GET is held because no turn is left; says whether it is.
    pub fn wait_idle(&self, at_most: Duration) -> bool {
        self.wait_held(1, at_most)
    }

    /// The same until so many GET are held, each on a connection of its own.
    pub fn wait_held(&self, count: usize, at_most: Duration) -> bool {
        let state = self.shared.lock();
        let wait = self
            .shared
            .changed
            .wait_timeout_while(state, at_most, |s| s.held < count || s.gets.len() > 0);
        let (state, _) = wait.unwrap_or_else(PoisonError::into_inner);
        state.held >= count && state.gets.len() == 0
    }

    /// More turns of GET: a held GET takes the first of them.
    pub fn more(&self, turns: Vec<Turn>) {
        let mut state = self.shared.lock();
        let rest: Vec<Turn> = state.gets.by_ref().chain(turns).collect();
        state.gets = rest.into_iter();
        drop(state);
        self.shared.changed.notify_all();
    }

    /// How many requests about events have come.
    pub fn requests(&self) -> usize {
        let state = self.shared.lock();
        state.ledger.gets + state.ledger.posts.len()
    }

    /// The deliveries, the answers and the log so far, which the server forgets: for runs that are
    /// too long to be kept whole.
    pub fn take(&self) -> Ledger {
        let mut state = self.shared.lock();
        let ledger = &mut state.ledger;
        Ledger {
            deliveries: std::mem::take(&mut ledger.deliveries),
            posts: std::mem::take(&mut ledger.posts),
            log: std::mem::take(&mut ledger.log),
            ..ledger.clone()
        }
    }

    /// The ledger as it is now.
    pub fn ledger(&self) -> Ledger {
        self.shared.lock().ledger.clone()
    }

    /// Stops, and gives the ledger as it is once everything received has been entered.
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
        // Wakes the acceptor, which then sees that it should stop.
        let _ = TcpStream::connect(self.address);
        let died = acceptor.join().is_err();
        assert!(!died || std::thread::panicking(), "the API server panicked");
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
            // The runtime has ended or is idle: what is still open is no longer needed.
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
