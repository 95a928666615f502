//! A buffered byte stream to a process, over any stream socket: a socketpair, a Unix socket, TCP.
//!
//! Every call has a deadline, and none deadlocks, however much the process writes or prints: while
//! a call waits for longer than a moment, captured output is forwarded and the exit of the process
//! is noticed.
//!
//! There are two paths. Where the answer comes at once, which is the common case, an event costs
//! one send and one receive: the receive blocks for a short while ([`FAST_WAIT_MS`]), and the exit
//! of the process shows as end of file. Only when that was not enough, the careful path looks at
//! the clock and waits with `ppoll` for the socket, captured output, the exit of the process and
//! the deadline.

use crate::host::deadline::Deadline;
use crate::host::process::Process;
use crate::host::protocol::ProcessError;
use crate::host::receive::{ExchangeError, closed, receive, receive_any};
use crate::limits::PIPE_BYTES;
use crate::response::Response;
use crate::sys::ipc::{Direction, TryRead, Wait, set_receive_timeout, try_receive, try_send};
use crate::sys::{self, Descriptor, TakeOnce};
use crate::wire::{find_from, slice_or_empty};

/// How long a receive of the fast path may block, in milliseconds: short against the margin before
/// a deadline (`MARGIN_MS_MIN`), because nothing else is checked during that time.
const FAST_WAIT_MS: u64 = 4;

/// The number of receives of an answer that may block: some processes send the head and the body of
/// an answer one after the other, and one that sends byte by byte must not delay its deadline.
const FAST_RECEIVES: u8 = 4;

static BUF: TakeOnce<[u8; PIPE_BYTES]> = TakeOnce::new([0; _]);

/// A channel.
pub struct Channel {
    socket: Option<Descriptor>,
    /// Receives have a short timeout.
    blocks_briefly: bool,
    /// The number of receives that may still block.
    fast_receives: u8,
    /// The connection was reset.
    was_reset: bool,
    /// Bytes that were received and not consumed.
    start: usize,
    end: usize,
    buf: &'static mut [u8; PIPE_BYTES],
}

/// Which descriptor can be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// The channel can be read, or the process has exited.
    Channel,
    /// The other descriptor can be read, and the channel cannot.
    Other,
}

impl Channel {
    /// Not connected. `None` on the second call: its buffer is static.
    pub fn new() -> Option<Channel> {
        Some(Channel {
            socket: None,
            blocks_briefly: false,
            fast_receives: 0,
            was_reset: false,
            start: 0,
            end: 0,
            buf: BUF.take()?,
        })
    }

    /// Sets the socket, and discards bytes that were received over a former one.
    pub fn open(&mut self, socket: Descriptor) {
        self.close();
        self.blocks_briefly = set_receive_timeout(&socket, FAST_WAIT_MS);
        self.socket = Some(socket);
    }

    /// Closes the socket, if there is one, and discards the received bytes.
    pub fn close(&mut self) {
        self.socket = None;
        (self.fast_receives, self.start, self.end) = (0, 0, 0);
        self.was_reset = false;
    }

    /// The socket, to be waited for.
    pub fn socket(&self) -> Option<&Descriptor> {
        self.socket.as_ref()
    }

    /// Whether the connection was reset: something that was sent may be lost.
    #[cfg(feature = "web")]
    pub fn was_reset(&self) -> bool {
        self.was_reset
    }

    /// Whether something was received that is not used yet.
    pub fn has_unread(&self) -> bool {
        self.start < self.end
    }

    /// The bytes that were received and not consumed.
    pub fn unread(&self) -> &[u8] {
        slice_or_empty(self.buf, self.start, self.end)
    }

    /// Consumes bytes of `unread`.
    pub fn consume(&mut self, bytes: usize) {
        self.start = self.end.min(self.start + bytes);
    }

    /// Before a request: the first receives of its answer are on the fast path.
    #[cfg(feature = "web")]
    pub fn begin_exchange(&mut self) {
        self.fast_receives = if self.blocks_briefly {
            FAST_RECEIVES
        } else {
            0
        };
    }

    /// Sends as much of two parts as fits now, and returns the rest; `None`: the other end reads no
    /// more, or the channel is not open.
    #[cfg(feature = "web")]
    pub fn try_send<'a>(&mut self, [first, second]: [&'a [u8]; 2]) -> Option<[&'a [u8]; 2]> {
        let sent = try_send(self.socket.as_ref()?, [first, second])?;
        let of_first = sent.min(first.len());
        let rest = slice_or_empty(second, sent - of_first, second.len());
        Some([slice_or_empty(first, of_first, first.len()), rest])
    }

    /// Whether nothing was received, and the other end has neither sent anything nor closed the
    /// connection.
    #[cfg(feature = "web")]
    pub fn is_quiet(&mut self) -> bool {
        let Some(socket) = &self.socket else {
            return false;
        };
        !self.has_unread() && try_receive(socket, self.buf, Wait::No) == TryRead::Nothing
    }

    /// Receives at least a byte into `buf`, while nothing is unread.
    #[cfg(feature = "web")]
    pub fn receive_into(
        &mut self,
        process: &mut Process,
        deadline: &Deadline,
        buf: &mut [u8],
    ) -> Result<usize, ExchangeError> {
        let (fast_receives, was_reset) = (&mut self.fast_receives, &mut self.was_reset);
        let socket = &self.socket;
        receive_any(socket, fast_receives, was_reset, process, deadline, buf)
    }

    /// Waits for more bytes, and appends them to those of `unread`. Unlike other reads, it tells a
    /// connection that the other end has closed from a process that has exited.
    #[cfg(feature = "web")]
    pub fn receive_answer(
        &mut self,
        process: &mut Process,
        deadline: &Deadline,
    ) -> Result<(), ExchangeError> {
        self.compact();
        let free = self.buf.get_mut(self.end..).unwrap_or_default();
        if free.is_empty() {
            let full = ProcessError::ProtocolViolation;
            return Err(ExchangeError::Process(full));
        }
        let received = receive_any(
            &self.socket,
            &mut self.fast_receives,
            &mut self.was_reset,
            process,
            deadline,
            free,
        );
        self.end += received?;
        Ok(())
    }

    /// Sends two parts, in this order. The next read is on the fast path.
    ///
    /// # Errors
    /// `Unreachable`: the process has closed its end, and nothing was sent. `Exited`: the channel
    /// is not open.
    pub fn send(
        &mut self,
        parts: [&[u8]; 2],
        process: &mut Process,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        let Some(socket) = &self.socket else {
            return Err(ProcessError::Exited);
        };
        let [mut first, mut second] = parts;
        let mut is_sent = false;
        self.fast_receives = if self.blocks_briefly {
            FAST_RECEIVES
        } else {
            0
        };
        loop {
            let Some(sent) = try_send(socket, [first, second]) else {
                return Err(if is_sent {
                    closed(process, deadline)
                } else {
                    ProcessError::Unreachable
                });
            };
            is_sent |= sent > 0;
            let of_first = sent.min(first.len());
            first = slice_or_empty(first, of_first, first.len());
            second = slice_or_empty(second, sent - of_first, second.len());
            if first.is_empty() && second.is_empty() {
                return Ok(());
            }
            self.fast_receives = 0;
            let wake = process.wait([Some(socket), None], Direction::Write, deadline);
            if wake.exited {
                return Err(ProcessError::Exited);
            }
            if wake.timed_out() {
                return Err(ProcessError::TimedOut);
            }
        }
    }

    /// Waits until the channel or another descriptor can be read.
    pub fn wait_or(
        &mut self,
        other: Option<&Descriptor>,
        process: &mut Process,
        deadline: &Deadline,
    ) -> Result<Ready, ProcessError> {
        if self.has_unread() {
            return Ok(Ready::Channel);
        }
        self.fast_receives = 0;
        let descriptors = [self.socket.as_ref(), other];
        let wake = process.wait(descriptors, Direction::Read, deadline);
        // Bytes that the process sent before it exited can still be read.
        if wake.first || wake.exited {
            Ok(Ready::Channel)
        } else if wake.second {
            Ok(Ready::Other)
        } else {
            Err(ProcessError::TimedOut)
        }
    }

    /// Reads a line, and returns it without its line feed, with which it is at most `limit` bytes
    /// long. A part of a line that was received stays for the next call.
    pub fn read_line(
        &mut self,
        limit: usize,
        process: &mut Process,
        deadline: &Deadline,
    ) -> Result<&[u8], ProcessError> {
        let mut searched = 0;
        loop {
            let line_end = find_from(
                slice_or_empty(self.buf, 0, self.end),
                self.start + searched,
                b'\n',
            );
            let length = line_end - self.start;
            if length >= limit {
                return Err(ProcessError::ProtocolViolation);
            }
            if line_end < self.end {
                let start = self.start;
                self.start = line_end + 1;
                return Ok(slice_or_empty(self.buf, start, line_end));
            }
            searched = length;
            self.receive_more(process, deadline)?;
        }
    }

    /// Receives the bytes that have arrived, without waiting.
    pub fn receive_available(&mut self) -> Result<(), ProcessError> {
        self.compact();
        let Some(socket) = &self.socket else {
            return Err(ProcessError::Exited);
        };
        let free = self.buf.get_mut(self.end..).unwrap_or_default();
        match try_receive(socket, free, Wait::No) {
            TryRead::Data(bytes) => self.end += bytes,
            TryRead::Nothing => {}
            TryRead::End | TryRead::Failed => return Err(ProcessError::ProtocolViolation),
        }
        Ok(())
    }

    /// Reads the given number of bytes, and passes them to `consume` piece by piece.
    pub fn read_exact(
        &mut self,
        bytes: usize,
        process: &mut Process,
        deadline: &Deadline,
        consume: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ProcessError> {
        let mut left = bytes;
        while left > 0 {
            if !self.has_unread() {
                self.receive_more(process, deadline)?;
            }
            let end = self.start + left.min(self.end - self.start);
            let piece = slice_or_empty(self.buf, self.start, end);
            consume(piece);
            left -= piece.len();
            self.start = end;
        }
        Ok(())
    }

    /// The same, into a response: bytes that have not arrived yet are received directly into its
    /// buffer.
    pub fn read_into(
        &mut self,
        bytes: usize,
        process: &mut Process,
        deadline: &Deadline,
        response: &mut Response,
    ) -> Result<(), ProcessError> {
        let ready = bytes.min(self.end - self.start);
        let end = self.start + ready;
        let _ = response.write(slice_or_empty(self.buf, self.start, end));
        self.start = end;
        let mut left = bytes - ready;
        while left > 0 {
            let mut outcome = Ok(0);
            response.buffer().read_into(left, |free| {
                outcome = receive(
                    &self.socket,
                    &mut self.fast_receives,
                    process,
                    deadline,
                    free,
                );
                *outcome.as_ref().unwrap_or(&0)
            });
            left -= outcome?;
        }
        Ok(())
    }

    /// Waits for more bytes, and appends them to the received ones.
    fn receive_more(
        &mut self,
        process: &mut Process,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        self.compact();
        let free = self.buf.get_mut(self.end..).unwrap_or_default();
        let fast_receives = &mut self.fast_receives;
        self.end += receive(&self.socket, fast_receives, process, deadline, free)?;
        Ok(())
    }

    fn compact(&mut self) {
        let length = self.end - self.start;
        sys::move_down(self.buf, self.start, 0, length);
        (self.start, self.end) = (0, length);
    }
}
