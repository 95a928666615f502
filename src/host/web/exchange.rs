//! A request and its answer on one connection: the request is sent while the answer is read. A
//! server may answer before it has read everything, and wait until the answer is taken from it.

use crate::host::channel::Channel;
use crate::host::deadline::Deadline;
use crate::host::process::Process;
use crate::host::protocol::{Link, ProcessError};
use crate::host::receive::ExchangeError;
use crate::sys::ipc::Direction;
use crate::wire::slice_or_empty;

/// One request and its answer.
pub struct Exchange<'a> {
    channel: &'a mut Channel,
    process: &'a mut Process,
    deadline: &'a Deadline,
    /// The parts of the request that are still to be sent.
    unsent: [&'a [u8]; 2],
    /// The other end takes no more of the request.
    is_refused: bool,
    /// A byte of the answer has come.
    has_received: bool,
}

impl<'a> Exchange<'a> {
    /// Over the open channel of `link`. Nothing is sent before the first [`fill`](Exchange::fill).
    #[inline(never)] // a frame of its own is smaller code
    pub fn new(link: &'a mut Link, deadline: &'a Deadline, request: [&'a [u8]; 2]) -> Exchange<'a> {
        link.channel.begin_exchange();
        Exchange {
            channel: &mut link.channel,
            process: &mut link.process,
            deadline,
            unsent: request,
            is_refused: false,
            has_received: false,
        }
    }

    /// The bytes that were received and not consumed.
    pub fn unread(&self) -> &[u8] {
        self.channel.unread()
    }

    /// Consumes bytes of `unread`.
    pub fn consume(&mut self, bytes: usize) {
        self.channel.consume(bytes);
    }

    /// Forwards bytes of `unread` to the log, as output of the process, and consumes them.
    pub fn consume_as_output(&mut self, bytes: usize) {
        let text = slice_or_empty(self.channel.unread(), 0, bytes);
        self.process.output.forward_text(text);
        self.channel.consume(bytes);
    }

    /// Whether the connection was reset: a part of the answer may be lost.
    pub fn was_reset(&self) -> bool {
        self.channel.was_reset()
    }

    /// Whether a byte of an answer has come.
    pub fn has_received(&self) -> bool {
        self.has_received
    }

    /// Whether all of the request was sent.
    pub fn is_sent(&self) -> bool {
        let [first, second] = self.unsent;
        first.is_empty() && second.is_empty() && !self.is_refused
    }

    /// Sends what is unsent, as much as the other end takes, and receives at least one byte more.
    ///
    /// # Errors
    /// The connection is closed, the process has exited, or the time is over. `unread` is full:
    /// `ProtocolViolation`.
    pub fn fill(&mut self) -> Result<(), ExchangeError> {
        self.send()?;
        self.channel.receive_answer(self.process, self.deadline)?;
        self.has_received = true;
        Ok(())
    }

    /// The same while nothing is unread, and into `buf`. Returns the number of bytes.
    ///
    /// # Errors
    /// As for [`fill`](Exchange::fill).
    pub fn receive_into(&mut self, buf: &mut [u8]) -> Result<usize, ExchangeError> {
        self.send()?;
        self.channel.receive_into(self.process, self.deadline, buf)
    }

    /// Sends until there is nothing unsent, or something to receive.
    fn send(&mut self) -> Result<(), ExchangeError> {
        loop {
            if self.unsent.iter().all(|part| part.is_empty()) {
                return Ok(());
            }
            match self.channel.try_send(self.unsent) {
                Some(rest) => self.unsent = rest,
                // It reads no more, but may have answered.
                None => {
                    self.is_refused = true;
                    self.unsent = [b""; 2];
                }
            }
            if self.unsent.iter().all(|part| part.is_empty()) {
                return Ok(());
            }
            let socket = self.channel.socket();
            let wake = self
                .process
                .wait([socket, socket], Direction::Write, self.deadline);
            if wake.timed_out() {
                return Err(ExchangeError::Process(ProcessError::TimedOut));
            }
            if wake.second || wake.exited {
                return Ok(());
            }
        }
    }
}
