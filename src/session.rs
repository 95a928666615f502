//! The session with the Runtime API: the client, and how the current event is answered.
//!
//! All of it is one value. The loop owns it; while code of the function runs, it is lent to
//! [`LENT`], from which a panic report and a streamed response take it, and without std a log
//! record the ids of the event. No other static has state of the loop that code of the function
//! reaches. `Handoff` gives it to one taker at a time, so a panic of one thread and a write of
//! another never use it at once; the second taker finds nothing.

use crate::buffer::Buffer;
use crate::failure::Failure;
use crate::message_reader::MessageReader;
use crate::runtime_api::RuntimeApi;
use crate::sys::Handoff;

/// The client, and the state of the response to the current event.
#[repr(C)] // frequently used fields first: a large offset takes three bytes more
pub struct Session {
    /// The state of the current event's streamed response.
    pub stream_state: StreamState,
    /// The code that finishes the stream; `None` unless the response is streamed.
    pub stream: Option<&'static dyn ResponseStream>,
    /// In a worker of a pool before the common start: the link to its parent.
    pub worker_link: Option<WorkerLink>,
    /// The client of the Runtime API.
    pub api: RuntimeApi,
}

/// The state of a streamed response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum StreamState {
    /// Nothing was sent.
    NotStarted,
    /// The head was sent.
    Started,
    /// The connection was lost after a part of the response.
    Failed,
}

/// A streamed response; module `stream` implements it. A trait object, because the loop and
/// `Response::write` are in every program, and a program that streams nothing does not link the 5
/// KB of the implementation.
pub trait ResponseStream: Sync {
    /// Sends a chunk, and before the first one the head from the buffer.
    fn write_chunk(&self, buffer: &mut Buffer, bytes: &[u8]) -> Result<(), Failure>;

    /// Sends the end of the body, and checks the reply. `is_streamed`: the response was not
    /// cleared. False: nothing was sent, and the event has to be answered like one that was not
    /// streamed.
    fn finish(
        &self,
        session: &mut Session,
        reader: &mut MessageReader,
        buffer: &mut Buffer,
        outcome: &Result<(), Failure>,
        is_streamed: bool,
    ) -> bool;
}

/// The descriptors that a starting worker shares with its parent; see `concurrency`.
pub struct WorkerLink {
    /// The worker sends here that it is ready, or its init error.
    pub events: crate::sys::Descriptor,
    /// Readable when all workers are ready.
    pub start_gate: crate::sys::Descriptor,
}

/// Holds the session while code of the function runs.
static LENT: Handoff<Session> = Handoff::new();

/// Lends the session to code that runs between this call and [`take_lent`].
pub fn lend(session: &'static mut Session) {
    LENT.put(session);
}

/// Takes the session back; `None`: other code has taken it.
pub fn take_lent() -> Option<&'static mut Session> {
    LENT.take()
}

/// Runs code with the lent session; `None`: none is lent, or other code has taken it.
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
