//! The session with the Runtime API: the client, and how the current event is answered.
//!
//! One value has all of it. The loop owns it; while code of the function runs, it is lent to
//! [`LENT`], the one global of the runtime: a panic is reported through it, and a streamed response
//! is sent through it. It is there or it is not: `Handoff` gives it to one taker at a time, so a
//! panic of one thread and a write of another never use it at once.

use crate::buffer::Buffer;
use crate::failure::Failure;
use crate::message_reader::MessageReader;
use crate::runtime_api::RuntimeApi;
use crate::sys::Handoff;

/// The client, and the state of the response to the current event.
#[repr(C)] // frequently used fields first: a large offset takes three bytes more
pub struct Session {
    /// How far the current event's streamed response is.
    pub stream_state: StreamState,
    /// The code that ends it; `None` unless the response is streamed.
    pub stream: Option<&'static dyn ResponseStream>,
    /// In a worker of a pool that has not started yet: where its init error goes.
    pub worker_link: Option<WorkerLink>,
    /// The client of the Runtime API.
    pub api: RuntimeApi,
}

/// How far a streamed response is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum StreamState {
    /// Nothing was sent.
    NotStarted,
    /// The head was sent.
    Started,
    /// The connection was lost within it.
    Failed,
}

/// A streamed response: module `stream` implements it. A trait object, because the loop and
/// `Response::write` are in every program, and one that streams nothing links none of it: 5 KB.
pub trait ResponseStream: Sync {
    /// Sends a chunk; before the first, the head, which is in the buffer.
    fn write_chunk(&self, buffer: &mut Buffer, bytes: &[u8]) -> Result<(), Failure>;

    /// Sends the end of the body, and checks the reply; `is_streamed`: the response was not
    /// cleared.
    /// False: nothing was sent, and the event has to be answered as if it had not been streamed.
    fn finish(
        &self,
        session: &mut Session,
        reader: &mut MessageReader,
        buffer: &mut Buffer,
        outcome: &Result<(), Failure>,
        is_streamed: bool,
    ) -> bool;
}

/// What a starting worker shares with its parent; see `concurrency`.
pub struct WorkerLink {
    /// Where the worker sends that it is ready, or its init error.
    pub events: crate::sys::Descriptor,
    /// Readable when all workers are ready.
    pub start_gate: crate::sys::Descriptor,
}

/// The session while code of the function runs.
static LENT: Handoff<Session> = Handoff::new();

/// Lends the session to code that runs between this call and [`take_lent`].
pub fn lend(session: &'static mut Session) {
    LENT.put(session);
}

/// Takes the session back; `None`: it is being used.
pub fn take_lent() -> Option<&'static mut Session> {
    LENT.take()
}

/// Runs code with the lent session; `None`: none is lent, or it is being used.
pub fn with_lent<T>(code: impl FnOnce(&mut Session) -> T) -> Option<T> {
    let session = LENT.take()?;
    let value = code(session);
    LENT.put(session);
    Some(value)
}

impl Session {
    /// No current event.
    pub const fn new() -> Session {
        Session {
            stream_state: StreamState::NotStarted,
            stream: None,
            worker_link: None,
            api: RuntimeApi::new(),
        }
    }
}
