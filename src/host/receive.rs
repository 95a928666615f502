//! Receives of a channel: on the fast path, then carefully.

use crate::host::deadline::Deadline;
use crate::host::process::Process;
use crate::host::protocol::ProcessError;
use crate::sys::Descriptor;
use crate::sys::ipc::{Direction, TryRead, Wait, try_receive};

/// Why nothing more can be received.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ExchangeError {
    /// The other end has closed or reset the connection. The process may still run.
    Closed,
    /// The process has exited, or the time is over.
    Process(ProcessError),
}

/// Waits until something can be received, and receives it; at least a byte.
pub fn receive(
    socket: &Option<Descriptor>,
    fast_receives: &mut u8,
    process: &mut Process,
    deadline: &Deadline,
    buf: &mut [u8],
) -> Result<usize, ProcessError> {
    match receive_any(socket, fast_receives, &mut false, process, deadline, buf) {
        Ok(bytes) => Ok(bytes),
        Err(ExchangeError::Closed) => Err(closed(process, deadline)),
        Err(ExchangeError::Process(error)) => Err(error),
    }
}

/// The same, and tells a connection that is closed from a process that has exited. `was_reset` is
/// set where the connection was reset, so that something may be lost.
pub fn receive_any(
    socket: &Option<Descriptor>,
    fast_receives: &mut u8,
    was_reset: &mut bool,
    process: &mut Process,
    deadline: &Deadline,
    buf: &mut [u8],
) -> Result<usize, ExchangeError> {
    let Some(socket) = socket else {
        return Err(ExchangeError::Process(ProcessError::Exited));
    };
    if *fast_receives > 0 {
        *fast_receives -= 1;
        match try_receive(socket, buf, Wait::Briefly) {
            TryRead::Data(bytes) => return Ok(bytes),
            TryRead::Nothing => *fast_receives = 0,
            TryRead::End => return Err(ExchangeError::Closed),
            TryRead::Failed => {
                *was_reset = true;
                return Err(ExchangeError::Closed);
            }
        }
    }
    loop {
        let wake = process.wait([Some(socket), None], Direction::Read, deadline);
        if wake.timed_out() {
            return Err(ExchangeError::Process(ProcessError::TimedOut));
        }
        match try_receive(socket, buf, Wait::No) {
            TryRead::Data(bytes) => return Ok(bytes),
            // All bytes that it sent before it exited are in the socket.
            _ if wake.exited => return Err(ExchangeError::Process(ProcessError::Exited)),
            TryRead::End => return Err(ExchangeError::Closed),
            TryRead::Failed => {
                *was_reset = true;
                return Err(ExchangeError::Closed);
            }
            TryRead::Nothing => {}
        }
    }
}

/// The other end is closed, mostly because the process is about to exit. (A Unix socket also fails
/// when its other end was closed with something unread in it, unix(7).)
pub fn closed(process: &mut Process, deadline: &Deadline) -> ProcessError {
    if process.exits_within_grace(deadline) {
        ProcessError::Exited
    } else {
        ProcessError::ProtocolViolation
    }
}
