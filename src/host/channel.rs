//! The channel to a process that is kept alive: lines and bodies, both ways, without a dead-lock
//! however much is said or printed, and not beyond the time there is.

use crate::host::child::{Wake, exits_within_grace, wait_child};
use crate::host::child_output::ChildOutput;
use crate::host::persistent::{Input, PersistentProcess, ProcessError, Running};
use crate::response::Response;
use crate::sys::child::Child;
use crate::sys::ipc::{Read, read, try_send};
use crate::sys::{self, Descriptor};
use crate::wire::frame::LINE_BYTES_MAX;
use crate::wire::{find, part};

impl PersistentProcess {
    /// Sends two parts, one behind the other.
    pub fn send(&mut self, parts: [&[u8]; 2], end_ms: Option<u64>) -> Result<(), ProcessError> {
        let Some(running) = &mut self.running else {
            return Err(ProcessError::Ended);
        };
        running.served = true;
        let [mut first, mut second] = parts;
        loop {
            let Some(sent) = try_send(&running.channel, [first, second]) else {
                return Err(closed(&running.child, self.logs, end_ms));
            };
            let of_first = sent.min(first.len());
            first = part(first, of_first, first.len());
            second = part(second, sent - of_first, second.len());
            if first.is_empty() && second.is_empty() {
                return Ok(());
            }
            let channel = [Some(&running.channel), None];
            match wait_child(&running.child, channel, true, self.logs, end_ms) {
                Wake::First | Wake::Second => {}
                Wake::Ended => return Err(ProcessError::Ended),
                Wake::Late => return Err(ProcessError::Late),
            }
        }
    }

    /// Waits for something on the channel, or on another descriptor. True: that has something, and
    /// the channel has nothing.
    pub fn wait(
        &mut self,
        also: Option<&Descriptor>,
        end_ms: Option<u64>,
    ) -> Result<bool, ProcessError> {
        let Some(running) = &self.running else {
            return Err(ProcessError::Ended);
        };
        let awaited = [Some(&running.channel), also];
        match wait_child(&running.child, awaited, false, self.logs, end_ms) {
            // It may have said something before it ended: who reads will see.
            Wake::First | Wake::Ended => Ok(false),
            Wake::Second => Ok(true),
            Wake::Late => Err(ProcessError::Late),
        }
    }

    /// Waits for a line, and takes it, without its end; it is `said` then.
    pub fn line(&mut self, end_ms: Option<u64>) -> Result<(), ProcessError> {
        let mut start = self.input.start;
        loop {
            let end = find(part(&self.input.bytes, 0, self.input.end), start, b'\n');
            if end - self.input.start >= LINE_BYTES_MAX {
                return Err(ProcessError::Broken);
            }
            if end < self.input.end {
                self.said
                    .set(part(&self.input.bytes, self.input.start, end));
                self.input.start = end + 1;
                return Ok(());
            }
            start = end - self.input.start;
            self.fill(end_ms)?;
        }
    }

    /// Reads what is there, without waiting, and says whether a line is.
    pub fn has_line(&mut self) -> Result<bool, ProcessError> {
        let Some(running) = &self.running else {
            return Err(ProcessError::Ended);
        };
        let room = self.input.bytes.get_mut(self.input.end..);
        match read(&running.channel, room.unwrap_or_default()) {
            Read::Some(bytes) => self.input.end += bytes,
            Read::Nothing => {}
            Read::End | Read::ReportedError => return Err(ProcessError::Broken),
        }
        let (start, end) = (self.input.start, self.input.end);
        let line_end = find(part(&self.input.bytes, 0, end), start, b'\n');
        if line_end - start >= LINE_BYTES_MAX {
            return Err(ProcessError::Broken);
        }
        Ok(line_end < end)
    }

    /// Takes so many bytes, and hands them on as they come.
    pub fn body(
        &mut self,
        bytes: usize,
        end_ms: Option<u64>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ProcessError> {
        let mut left = bytes;
        while left > 0 {
            if self.input.start == self.input.end {
                self.fill(end_ms)?;
            }
            let piece = left.min(self.input.end - self.input.start);
            let end = self.input.start + piece;
            take(part(&self.input.bytes, self.input.start, end));
            self.input.start = end;
            left -= piece;
        }
        Ok(())
    }

    /// The same, as a response: what comes is read to where it will be sent from.
    pub fn body_to(
        &mut self,
        bytes: usize,
        end_ms: Option<u64>,
        response: &mut Response,
    ) -> Result<(), ProcessError> {
        let ready = bytes.min(self.input.end - self.input.start);
        let end = self.input.start + ready;
        let _ = response.write(part(&self.input.bytes, self.input.start, end));
        self.input.start = end;
        let mut left = bytes - ready;
        while left > 0 {
            let mut outcome = Ok(0);
            response.buffer().fill(left, |room| {
                outcome = receive(&self.running, self.logs, end_ms, room);
                *outcome.as_ref().unwrap_or(&0)
            });
            left -= outcome?;
        }
        Ok(())
    }

    /// Reads more of what is said.
    fn fill(&mut self, end_ms: Option<u64>) -> Result<(), ProcessError> {
        let Input { start, end, bytes } = &mut *self.input;
        sys::move_down(bytes, *start, 0, *end - *start);
        (*start, *end) = (0, *end - *start);
        let room = bytes.get_mut(*end..).unwrap_or_default();
        *end += receive(&self.running, self.logs, end_ms, room)?;
        Ok(())
    }
}

/// Waits for something on the channel, and reads it; at least a byte.
fn receive(
    running: &Option<Running>,
    logs: &mut ChildOutput,
    end_ms: Option<u64>,
    room: &mut [u8],
) -> Result<usize, ProcessError> {
    let Some(Running { child, channel, .. }) = running else {
        return Err(ProcessError::Ended);
    };
    loop {
        let news = wait_child(child, [Some(channel), None], false, logs, end_ms);
        if news == Wake::Late {
            return Err(ProcessError::Late);
        }
        // What it said before it ended is in the channel, all of it.
        match read(channel, room) {
            Read::Some(bytes) => return Ok(bytes),
            _ if news == Wake::Ended => return Err(ProcessError::Ended),
            // A socket fails when its other end was closed with something unread in it (unix(7)).
            Read::End | Read::ReportedError => return Err(closed(child, logs, end_ms)),
            Read::Nothing => {}
        }
    }
}

/// The channel is closed: mostly because the process is about to end.
fn closed(child: &Child, logs: &mut ChildOutput, end_ms: Option<u64>) -> ProcessError {
    if exits_within_grace(child, logs, end_ms) {
        ProcessError::Ended
    } else {
        ProcessError::Broken
    }
}
