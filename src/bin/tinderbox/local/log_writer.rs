//! The log: lines on their way to stderr, which never block the engine.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use crate::output;
use crate::sys;

/// A write of as many bytes to a pipe that is writable does not block (pipe(7): PIPE_BUF).
const WRITE_BYTES_MAX: usize = 4096;

/// Above as many unwritten bytes the engine produces no more of them.
const PENDING_BYTES_MAX: usize = 1024 * 1024;

/// Lines that are not written yet.
pub struct LogWriter {
    pending: Vec<u8>,
    /// Whether a write to stderr can block.
    may_block: bool,
}

/// What is left after a flush.
pub enum Flushed {
    All,
    /// Stderr accepts nothing at the moment.
    Some,
}

impl LogWriter {
    /// An empty log.
    pub fn new() -> LogWriter {
        LogWriter {
            pending: Vec::new(),
            may_block: sys::may_block(&io::stderr()),
        }
    }

    /// A line of the tool's own.
    pub fn diagnostic(&mut self, text: &str) {
        output::append_diagnostic(text, &mut self.pending);
    }

    /// Where whole lines are appended.
    pub fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// Whether nobody reads stderr.
    pub fn is_full(&self) -> bool {
        self.pending.len() > PENDING_BYTES_MAX
    }

    /// Writes what stderr accepts.
    pub fn flush(&mut self) -> Flushed {
        let mut written = 0;
        while written < self.pending.len() {
            let mut rest = &self.pending[written..];
            if self.may_block {
                if !sys::is_writable(&io::stderr()) {
                    break;
                }
                rest = &rest[..rest.len().min(WRITE_BYTES_MAX)];
            }
            match io::stderr().write(rest) {
                Ok(count) if count > 0 => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // No other channel is left for an error of stderr.
                _ => written = self.pending.len(),
            }
        }
        self.pending.drain(..written);
        match self.pending.is_empty() {
            true => Flushed::All,
            false => Flushed::Some,
        }
    }

    /// A descriptor of stderr to wait for.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        io::stderr().as_fd().try_clone_to_owned()
    }
}
