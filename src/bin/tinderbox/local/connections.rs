//! The connections of one server: how many there may be, who has to leave for a new one, and what
//! happens when the system has no more threads or descriptors.
//!
//! Each connection has a thread. A new one that finds all places taken takes that of one which only
//! waits, the longest first; where nobody waits, it is refused. So idle connections keep nobody
//! out. Each server has places of its own: the callers' do not count for the bootstrap.

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::http::{Connection, Waits};
use crate::sys;

/// The most connections of callers, and of the bootstrap besides those for events at once.
const CALLERS_MAX: usize = 256;
const RUNTIME_MAX: usize = 32;

/// There is always room for so many.
const PLACES_MIN: usize = 4;

/// Descriptors for all else: files, listeners, and the start of a process.
const OTHER_DESCRIPTORS: usize = 40;

/// So many threads of connections that have lost their place may still be on their way out.
const LEAVING_MAX: usize = 16;

/// What a server gives back when the system refuses it a thread, and for how long: the bootstrap,
/// and the other server, need some.
const GIVEN_BACK: usize = 8;
const GIVEN_BACK_FOR: Duration = Duration::from_secs(60);

/// How often, and how many times, a place and a thread are tried for: those that were asked to
/// leave need a moment.
const PAUSE: Duration = Duration::from_millis(2);
const TRIES: u32 = 100;

/// The first pause after an accept that failed, and the longest.
const ACCEPT_PAUSE: Duration = Duration::from_millis(2);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_millis(250);

/// So many refused connections are kept open behind their refusal: to close one at once would send
/// a reset, which can overtake it.
const REFUSED_MAX: usize = 8;

/// What a thread of a connection gets: JSON is read on it, 128 levels deep. Where address space is
/// limited, all of them take up half of it at most: a thread that gets none is an error that can
/// be told, an allocation that gets none is the end of the tool.
const STACK_BYTES: usize = 512 * 1024;

/// How many connections the two servers may have: callers, and runtimes.
pub fn places(concurrency: Option<u16>) -> (usize, usize) {
    let runtimes = RUNTIME_MAX + 2 * usize::from(concurrency.unwrap_or(0));
    let descriptors = sys::descriptors_max().saturating_sub(OTHER_DESCRIPTORS + runtimes);
    let stacks = sys::address_space_max() / 2 / STACK_BYTES;
    let callers = descriptors.min(stacks.saturating_sub(runtimes));
    (callers.clamp(PLACES_MIN, CALLERS_MAX), runtimes)
}

/// What sets one server's connections apart.
#[derive(Clone, Copy)]
pub struct Rules {
    pub places: usize,
    pub waits: Waits,
    /// One that has been served, and waits, has to leave as well as one that never called.
    pub served_may_leave: bool,
    /// What one that finds no place is told: a whole reply.
    pub refusal: &'static [u8],
}

/// The places of a server.
pub struct Gate {
    rules: Rules,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    /// Those that have a place.
    seated: HashMap<u64, Seat>,
    threads: usize,
    gave_back: Option<(Instant, usize)>,
}

struct Seat {
    stream: Arc<TcpStream>,
    /// Since when it waits for a request, if it does.
    waits_since: Option<Instant>,
    is_served: bool,
}

enum Entry {
    Place(Place),
    /// Somebody is on the way out.
    Soon,
    None,
}

/// A connection's place, until it is dropped.
pub struct Place {
    gate: Arc<Gate>,
    id: u64,
}

impl Gate {
    /// A server's places, all free.
    pub fn new(rules: Rules) -> Arc<Gate> {
        Arc::new(Gate {
            rules,
            open: Mutex::default(),
        })
    }

    /// Serves connections for ever, each by what `begin` makes for it. `others` give back threads
    /// and descriptors as well when there are none.
    pub fn serve<F, S>(
        self: &Arc<Gate>,
        listener: &TcpListener,
        others: &[Arc<Gate>],
        begin: F,
    ) -> !
    where
        F: Fn() -> S,
        S: FnOnce(Connection) + Send + 'static,
    {
        let mut refused = VecDeque::new();
        let mut pause = ACCEPT_PAUSE;
        loop {
            let Ok((stream, _)) = listener.accept() else {
                // Out of descriptors or memory, or that one client is gone. Never in a hot loop.
                refused.clear();
                self.ask_to_leave(&mut self.lock());
                for other in others {
                    other.ask_to_leave(&mut other.lock());
                }
                thread::sleep(pause);
                pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
                continue;
            };
            pause = ACCEPT_PAUSE;
            let stream = Arc::new(stream);
            if !self.seat(&stream, others, &begin) {
                refuse(&stream, self.rules.refusal);
                refused.push_back(stream);
                refused.drain(..refused.len().saturating_sub(REFUSED_MAX));
            }
        }
    }

    /// Gives the connection a place and a thread; false when either is not to be had.
    fn seat<F, S>(
        self: &Arc<Gate>,
        stream: &Arc<TcpStream>,
        others: &[Arc<Gate>],
        begin: &F,
    ) -> bool
    where
        F: Fn() -> S,
        S: FnOnce(Connection) + Send + 'static,
    {
        for _ in 0..TRIES {
            let place = match self.enter(stream) {
                Entry::Place(place) => place,
                Entry::Soon => {
                    thread::sleep(PAUSE);
                    continue;
                }
                Entry::None => return false,
            };
            let (stream, serve, waits) = (stream.clone(), begin(), self.rules.waits);
            let work = move || serve(Connection::new(stream, place, waits));
            let builder = thread::Builder::new().stack_size(STACK_BYTES);
            if builder.spawn(work).is_ok() {
                return true;
            }
            self.give_back();
            others.iter().for_each(|other| other.give_back());
            thread::sleep(PAUSE);
        }
        false
    }

    fn enter(self: &Arc<Gate>, stream: &Arc<TcpStream>) -> Entry {
        let mut open = self.lock();
        let places = open.places(self.rules.places);
        if open.seated.len() >= places && !self.ask_to_leave(&mut open) {
            // One that has sent something, and waits to be read, is about to work, or to wait.
            let waits = |seat: &Seat| seat.waits_since.is_some() && self.may_leave(seat);
            return match open.seated.values().any(waits) {
                true => Entry::Soon,
                false => Entry::None,
            };
        }
        if open.threads >= places + LEAVING_MAX {
            return Entry::Soon;
        }
        open.next += 1;
        open.threads += 1;
        let id = open.next;
        let seat = Seat {
            stream: stream.clone(),
            waits_since: Some(Instant::now()),
            is_served: false,
        };
        open.seated.insert(id, seat);
        drop(open);
        Entry::Place(Place {
            gate: self.clone(),
            id,
        })
    }

    /// The system has no more threads: fewer connections, for a time.
    fn give_back(&self) {
        let mut open = self.lock();
        let fewer = open.seated.len().saturating_sub(GIVEN_BACK).max(PLACES_MIN);
        open.gave_back = Some((Instant::now(), fewer));
        while open.seated.len() > fewer && self.ask_to_leave(&mut open) {}
    }

    /// Takes its place from the connection that has waited longest; false when none may leave. Its
    /// thread finds nothing more to read.
    fn ask_to_leave(&self, open: &mut Open) -> bool {
        let seats = open.seated.iter().filter(|(_, seat)| self.may_leave(seat));
        let waiting = seats.filter_map(|(id, seat)| {
            let waits_since = seat.waits_since?;
            let has_called = sys::has_unread(&*seat.stream); // its thread is about to see that
            (!has_called).then_some((seat.is_served, waits_since, *id))
        });
        let Some((_, _, id)) = waiting.min() else {
            return false;
        };
        if let Some(seat) = open.seated.remove(&id) {
            // What it has sent is still read, and can be answered.
            let _ = seat.stream.shutdown(Shutdown::Read);
        }
        true
    }

    fn may_leave(&self, seat: &Seat) -> bool {
        !seat.is_served || self.rules.served_may_leave
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn places(&mut self, usual: usize) -> usize {
        self.gave_back
            .take_if(|(since, _)| since.elapsed() > GIVEN_BACK_FOR);
        self.gave_back.map_or(usual, |(_, fewer)| fewer.min(usual))
    }
}

impl Place {
    /// The connection waits for a request.
    pub fn waits(&self) {
        self.set(Some(Instant::now()));
    }

    /// The connection has a request, and keeps its place until that is answered. One that lost its
    /// place in this moment is served all the same, and then closed: false from `is_kept`.
    pub fn works(&self) {
        self.set(None);
    }

    /// Whether the connection still has its place.
    pub fn is_kept(&self) -> bool {
        self.gate.lock().seated.contains_key(&self.id)
    }

    fn set(&self, waits_since: Option<Instant>) {
        if let Some(seat) = self.gate.lock().seated.get_mut(&self.id) {
            seat.is_served |= waits_since.is_none();
            seat.waits_since = waits_since;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.gate.lock();
        open.threads -= 1;
        open.seated.remove(&self.id);
    }
}

/// Tells it, without waiting for anything.
fn refuse(mut stream: &TcpStream, refusal: &[u8]) {
    if stream.set_nonblocking(true).is_ok() {
        let _ = stream.read(&mut [0; 16 * 1024]); // what is unread at the close makes a reset
        let _ = stream.write(refusal);
        let _ = stream.shutdown(Shutdown::Write);
    }
}
