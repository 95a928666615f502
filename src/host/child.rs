//! The one place that feeds, watches and kills a child that runs for an event.
//!
//! One `ppoll` waits for its response, its log, its end and the deadline. The response ends with
//! the process, never at end of file: a process that it left behind may hold the pipe for ever.

use crate::buffer::put;
use crate::limits::{DRAIN_READS, PIPE_BYTES, TAIL_BYTES};
use crate::response::Response;
use crate::sys::child::{Child, Ending, Read, read, reap_orphans, wait_for};
use crate::sys::{self, Descriptor, monotonic_ms};
use crate::wire::part;

/// Without a pidfd, the child is asked for so often.
const ASK_MS: u64 = 10;

/// The memory that a child needs on our side.
pub struct Room {
    read: [u8; PIPE_BYTES],
    /// The last of its log, and how much of it there is.
    tail: [u8; TAIL_BYTES],
    tail_bytes: usize,
}

impl Room {
    /// Nothing in it.
    pub const fn new() -> Room {
        Room {
            read: [0; _],
            tail: [0; _],
            tail_bytes: 0,
        }
    }

    /// The last 4 KiB of what the child wrote to its standard error.
    pub fn tail(&self) -> &[u8] {
        part(&self.tail, 0, self.tail_bytes)
    }

    /// Forgets the log of the child before.
    pub fn clear(&mut self) {
        self.tail_bytes = 0;
    }

    /// Reads once from the response; `None` when that makes it too long.
    fn take_response(&mut self, out: &mut Stream, response: &mut Response) -> Option<usize> {
        let bytes = out.read(&mut self.read);
        response.write(part(&self.read, 0, bytes)).ok()?;
        Some(bytes)
    }

    /// Reads once from the log, and writes it on at once.
    fn take_log(&mut self, log: &mut Stream) -> usize {
        let bytes = log.read(&mut self.read);
        if bytes > 0 {
            sys::write_error(part(&self.read, 0, bytes));
            self.keep(bytes);
        }
        bytes
    }

    /// Keeps the last bytes of a log.
    fn keep(&mut self, read_bytes: usize) {
        let new = part(
            &self.read,
            read_bytes.saturating_sub(TAIL_BYTES),
            read_bytes,
        );
        let excess = (self.tail_bytes + new.len()).saturating_sub(TAIL_BYTES);
        let kept = self.tail_bytes.saturating_sub(excess);
        sys::move_down(&mut self.tail, excess, 0, kept);
        self.tail_bytes = kept + put(&mut self.tail, kept, new);
    }
}

/// One of the child's streams, until it ends.
struct Stream(Option<Descriptor>);

impl Stream {
    /// Reads what is there, as far as there is room.
    fn read(&mut self, room: &mut [u8]) -> usize {
        match self
            .0
            .as_ref()
            .map_or(Read::Nothing, |from| read(from, room))
        {
            Read::Some(bytes) => return bytes,
            Read::Nothing => {}
            Read::End => self.0 = None,
        }
        0
    }
}

/// What became of a child.
pub enum Outcome {
    /// It ended by itself.
    Ended(Ending),
    /// It was killed, because its time was up.
    Late,
    /// It was killed, because it wrote more than a response may have. The response knows.
    TooLarge,
}

/// Takes the response and the log of a child until it ends, or kills it after `limit_ms`.
pub fn watch(
    child: &Child,
    streams: [Descriptor; 2],
    limit_ms: Option<u64>,
    room: &mut Room,
    response: &mut Response,
) -> Outcome {
    let [mut out, mut log] = streams.map(|stream| Stream(Some(stream)));
    let end_ms = limit_ms.map(|limit_ms| monotonic_ms().saturating_add(limit_ms));
    let mut killed = None;
    let ending = loop {
        let mut timeout_ms = None;
        if let Some(end_ms) = end_ms.filter(|_| killed.is_none()) {
            let left_ms = end_ms.saturating_sub(monotonic_ms());
            if left_ms == 0 {
                child.kill();
                killed = Some(Outcome::Late);
            } else {
                timeout_ms = Some(left_ms);
            }
        }
        if child.ended.is_none() {
            timeout_ms = Some(timeout_ms.unwrap_or(ASK_MS).min(ASK_MS));
        }
        let [has_out, has_log, has_ended] = wait_for(
            [out.0.as_ref(), log.0.as_ref(), child.ended.as_ref()],
            timeout_ms,
        );
        if has_out && room.take_response(&mut out, response).is_none() {
            // It may go on writing for ever.
            child.kill();
            killed = Some(Outcome::TooLarge);
            out.0 = None;
        }
        if has_log {
            room.take_log(&mut log);
        }
        if (has_ended || child.ended.is_none())
            && let Some(ending) = child.ending(false)
        {
            break ending;
        }
    };
    // What it wrote is in the pipes by now; who else holds them may go on writing.
    for _ in 0..DRAIN_READS {
        let more = room.take_response(&mut out, response).unwrap_or_default();
        if more + room.take_log(&mut log) == 0 {
            break;
        }
    }
    reap_orphans();
    killed.unwrap_or(Outcome::Ended(ending))
}
