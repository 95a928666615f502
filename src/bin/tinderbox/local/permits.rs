//! Permits for the connections of one server: how many there may be, and which idle one is evicted
//! for a new one.
//!
//! Each connection has a thread and a permit. A new connection that finds no free permit gets that
//! of the connection that has been idle longest; if none is idle, it is refused. So idle
//! connections block no others. Each server has permits of its own: callers do not count against
//! the bootstrap.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::sys;

/// The most connections of callers, and of the bootstrap besides those for concurrent events.
const CALLERS_MAX: usize = 256;
const RUNTIME_MAX: usize = 32;

/// The least capacity.
const CAPACITY_MIN: usize = 4;

/// Descriptors for everything else: files, listeners, and the start of a process.
const OTHER_DESCRIPTORS: usize = 40;

/// How many threads of evicted connections may still be about to end.
const EVICTED_THREADS_MAX: usize = 16;

/// How many permits a server gives up when the system refuses it a thread, and for how long: the
/// bootstrap and the other server need threads too.
const REDUCTION: usize = 8;
const REDUCTION_TIME: Duration = Duration::from_secs(60);

/// The stack of a connection's thread: it parses JSON with 128 levels of nesting. Where address
/// space is limited, all stacks use half of it at most: a thread that cannot be started is an error
/// that can be handled, an allocation that fails aborts the tool.
pub const STACK_BYTES: usize = 512 * 1024;

/// The capacities of the two servers: callers, and runtimes.
pub fn capacities(concurrency: Option<u16>) -> (usize, usize) {
    let runtimes = RUNTIME_MAX + 2 * usize::from(concurrency.unwrap_or(0));
    let descriptors = sys::descriptors_max().saturating_sub(OTHER_DESCRIPTORS + runtimes);
    let stacks = sys::address_space_max() / 2 / STACK_BYTES;
    let callers = descriptors.min(stacks.saturating_sub(runtimes));
    (callers.clamp(CAPACITY_MIN, CALLERS_MAX), runtimes)
}

/// Which connections may be evicted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Evictable {
    /// Every idle connection.
    Idle,
    /// An idle connection that has never sent a request.
    NeverServed,
}

/// How the permits of one server are given.
#[derive(Clone, Copy)]
pub struct Rules {
    pub capacity: usize,
    pub evictable: Evictable,
    /// The reply to a connection that gets no permit.
    pub refusal: &'static [u8],
}

/// The permits of one server.
pub struct Permits {
    rules: Rules,
    holders: Mutex<Holders>,
}

#[derive(Default)]
struct Holders {
    last_id: u64,
    connections: HashMap<u64, Holder>,
    threads: usize,
    /// A reduced capacity, and since when.
    reduced: Option<(Instant, usize)>,
}

/// A connection with a permit.
struct Holder {
    stream: Arc<TcpStream>,
    /// Since when it waits for a request, if it does.
    idle_since: Option<Instant>,
    has_been_served: bool,
}

/// The answer to a request for a permit.
pub enum Admission {
    Granted(Permit),
    /// An eviction is under way.
    Retry,
    Refused,
}

/// A connection's permit, returned on drop.
pub struct Permit {
    permits: Arc<Permits>,
    id: u64,
}

impl Permits {
    /// Permits that are all free.
    pub fn new(rules: Rules) -> Arc<Permits> {
        Arc::new(Permits {
            rules,
            holders: Mutex::default(),
        })
    }

    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// A permit for a new connection.
    pub fn request(self: &Arc<Permits>, stream: &Arc<TcpStream>) -> Admission {
        let mut holders = self.lock();
        let capacity = holders.capacity(self.rules.capacity);
        if holders.connections.len() >= capacity && !self.evict(&mut holders) {
            // An idle connection with an unread request is about to become busy, or idle again.
            let is_idle = |holder: &Holder| holder.idle_since.is_some() && self.may_evict(holder);
            return match holders.connections.values().any(is_idle) {
                true => Admission::Retry,
                false => Admission::Refused,
            };
        }
        if holders.threads >= capacity + EVICTED_THREADS_MAX {
            return Admission::Retry;
        }
        holders.last_id += 1;
        holders.threads += 1;
        let id = holders.last_id;
        let holder = Holder {
            stream: stream.clone(),
            idle_since: Some(Instant::now()),
            has_been_served: false,
        };
        holders.connections.insert(id, holder);
        drop(holders);
        Admission::Granted(Permit {
            permits: self.clone(),
            id,
        })
    }

    /// The system has no more threads: reduces the capacity for `REDUCTION_TIME`.
    pub fn reduce_capacity(&self) {
        let mut holders = self.lock();
        let capacity = holders.connections.len().saturating_sub(REDUCTION);
        let capacity = capacity.max(CAPACITY_MIN);
        holders.reduced = Some((Instant::now(), capacity));
        while holders.connections.len() > capacity && self.evict(&mut holders) {}
    }

    /// Evicts one idle connection, if there is one.
    pub fn evict_one(&self) {
        self.evict(&mut self.lock());
    }

    /// Takes the permit of the connection that has been idle longest; false if there is none. Its
    /// thread sees the end of the stream.
    fn evict(&self, holders: &mut Holders) -> bool {
        let connections = holders.connections.iter();
        let idle = connections.filter(|(_, holder)| self.may_evict(holder));
        let idle = idle.filter_map(|(id, holder)| {
            let idle_since = holder.idle_since?;
            let has_request = sys::has_unread(&*holder.stream); // its thread is about to read it
            (!has_request).then_some((holder.has_been_served, idle_since, *id))
        });
        let Some((_, _, id)) = idle.min() else {
            return false;
        };
        if let Some(holder) = holders.connections.remove(&id) {
            // What it has sent is still read and can be answered.
            let _ = holder.stream.shutdown(Shutdown::Read);
        }
        true
    }

    fn may_evict(&self, holder: &Holder) -> bool {
        !holder.has_been_served || self.rules.evictable == Evictable::Idle
    }

    fn lock(&self) -> MutexGuard<'_, Holders> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holders {
    fn capacity(&mut self, usual: usize) -> usize {
        self.reduced
            .take_if(|(since, _)| since.elapsed() > REDUCTION_TIME);
        self.reduced
            .map_or(usual, |(_, reduced)| reduced.min(usual))
    }
}

impl Permit {
    /// The connection waits for a request.
    pub fn set_idle(&self) {
        self.set(Some(Instant::now()));
    }

    /// The connection has a request, and keeps its permit until that is answered. A connection that
    /// was evicted at this moment is served, and then closed: `is_valid` is false.
    pub fn set_busy(&self) {
        self.set(None);
    }

    /// Whether the connection was not evicted.
    pub fn is_valid(&self) -> bool {
        self.permits.lock().connections.contains_key(&self.id)
    }

    fn set(&self, idle_since: Option<Instant>) {
        if let Some(holder) = self.permits.lock().connections.get_mut(&self.id) {
            holder.has_been_served |= idle_since.is_none();
            holder.idle_since = idle_since;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut holders = self.permits.lock();
        holders.threads -= 1;
        holders.connections.remove(&self.id);
    }
}
