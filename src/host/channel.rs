//! The channel to a process that is kept alive: lines and bodies, both ways, without a dead-lock
//! however much is said or printed, and not beyond the time there is.

use crate::host::child::{News, attend, ends_soon};
use crate::host::kept::{Input, Kept, Running, Trouble};
use crate::host::logs::Logs;
use crate::response::Response;
use crate::sys::child::Child;
use crate::sys::pipes::{Read, read, send_now};
use crate::sys::{self, Descriptor};
use crate::wire::frame::LINE_BYTES_MAX;
use crate::wire::{find, part};

impl Kept {
    /// Sends two parts, one behind the other.
    pub fn send(&mut self, parts: [&[u8]; 2], end_ms: Option<u64>) -> Result<(), Trouble> {
        let Some(running) = &mut self.running else {
            return Err(Trouble::Ended);
        };
        running.served = true;
        let [mut first, mut second] = parts;
        loop {
            let Some(sent) = send_now(&running.channel, [first, second]) else {
                return Err(closed(&running.child, self.logs, end_ms));
            };
            let of_first = sent.min(first.len());
            first = part(first, of_first, first.len());
            second = part(second, sent - of_first, second.len());
            if first.is_empty() && second.is_empty() {
                return Ok(());
            }
            let channel = [Some(&running.channel), None];
            match attend(&running.child, channel, true, self.logs, end_ms) {
                News::First | News::Second => {}
                News::Ended => return Err(Trouble::Ended),
                News::Late => return Err(Trouble::Late),
            }
        }
    }

    /// Waits for something on the channel, or on another descriptor. True: that has something, and
    /// the channel has nothing.
    pub fn wait(
        &mut self,
        also: Option<&Descriptor>,
        end_ms: Option<u64>,
    ) -> Result<bool, Trouble> {
        let Some(running) = &self.running else {
            return Err(Trouble::Ended);
        };
        let awaited = [Some(&running.channel), also];
        match attend(&running.child, awaited, false, self.logs, end_ms) {
            // It may have said something before it ended: who reads will see.
            News::First | News::Ended => Ok(false),
            News::Second => Ok(true),
            News::Late => Err(Trouble::Late),
        }
    }

    /// Waits for a line, and takes it, without its end; it is `said` then.
    pub fn line(&mut self, end_ms: Option<u64>) -> Result<(), Trouble> {
        let mut start = self.input.start;
        loop {
            let end = find(part(&self.input.bytes, 0, self.input.end), start, b'\n');
            if end - self.input.start >= LINE_BYTES_MAX {
                return Err(Trouble::Broken);
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
    pub fn has_line(&mut self) -> Result<bool, Trouble> {
        let Some(running) = &self.running else {
            return Err(Trouble::Ended);
        };
        let room = self.input.bytes.get_mut(self.input.end..);
        match read(&running.channel, room.unwrap_or_default()) {
            Read::Some(bytes) => self.input.end += bytes,
            Read::Nothing => {}
            Read::End | Read::Failed => return Err(Trouble::Broken),
        }
        let (start, end) = (self.input.start, self.input.end);
        let line_end = find(part(&self.input.bytes, 0, end), start, b'\n');
        if line_end - start >= LINE_BYTES_MAX {
            return Err(Trouble::Broken);
        }
        Ok(line_end < end)
    }

    /// Takes so many bytes, and hands them on as they come.
    pub fn body(
        &mut self,
        bytes: usize,
        end_ms: Option<u64>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Trouble> {
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
    ) -> Result<(), Trouble> {
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
    fn fill(&mut self, end_ms: Option<u64>) -> Result<(), Trouble> {
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
    logs: &mut Logs,
    end_ms: Option<u64>,
    room: &mut [u8],
) -> Result<usize, Trouble> {
    let Some(Running { child, channel, .. }) = running else {
        return Err(Trouble::Ended);
    };
    loop {
        let news = attend(child, [Some(channel), None], false, logs, end_ms);
        if news == News::Late {
            return Err(Trouble::Late);
        }
        // What it said before it ended is in the channel, all of it.
        match read(channel, room) {
            Read::Some(bytes) => return Ok(bytes),
            _ if news == News::Ended => return Err(Trouble::Ended),
            // A socket fails when its other end was closed with something unread in it (unix(7)).
            Read::End | Read::Failed => return Err(closed(child, logs, end_ms)),
            Read::Nothing => {}
        }
    }
}

/// The channel is closed: mostly because the process is about to end.
fn closed(child: &Child, logs: &mut Logs, end_ms: Option<u64>) -> Trouble {
    if ends_soon(child, logs, end_ms) {
        Trouble::Ended
    } else {
        Trouble::Broken
    }
}
