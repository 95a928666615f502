//! What a child prints, other than its response: it is written on at once, as it is, or in JSON
//! mode as a record a line.

use crate::buffer::put;
use crate::limits::{DRAIN_READS, LOG_LINE_BYTES_MAX, PIPE_BYTES, TAIL_BYTES};
use crate::record::{self, Level};
use crate::sys::pipes::{Read, read};
use crate::sys::{self, Descriptor};
use crate::wire::{find, part};

/// The memory for a child's log.
pub struct Logs {
    /// The end to read from, while there is one.
    pub from: Option<Descriptor>,
    /// A record a line.
    json: bool,
    read: [u8; PIPE_BYTES],
    /// The last of it, and how much of that there is.
    tail: [u8; TAIL_BYTES],
    tail_bytes: usize,
    /// The line that has not ended.
    line: [u8; LOG_LINE_BYTES_MAX],
    line_bytes: usize,
}

impl Logs {
    /// No log yet.
    pub const fn new() -> Logs {
        Logs {
            from: None,
            json: false,
            read: [0; _],
            tail: [0; _],
            tail_bytes: 0,
            line: [0; _],
            line_bytes: 0,
        }
    }

    /// Finds out in which form it is to be written on.
    pub fn set_up(&mut self) {
        self.json = record::is_json();
    }

    /// Whether each line becomes a record.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// The last 4 KiB, without the white space at its end.
    pub fn tail(&self) -> &[u8] {
        part(&self.tail, 0, self.tail_bytes).trim_ascii_end()
    }

    /// Forgets the last of what was before.
    pub fn clear_tail(&mut self) {
        self.tail_bytes = 0;
    }

    /// Reads once, and writes it on. Returns how much it was.
    pub fn take(&mut self) -> usize {
        let Some(from) = &self.from else {
            return 0;
        };
        match read(from, &mut self.read) {
            Read::Some(bytes) => {
                self.write_on(bytes);
                self.keep(bytes);
                bytes
            }
            Read::Nothing => 0,
            Read::End => {
                self.from = None;
                0
            }
        }
    }

    /// Reads what is there, as much as a pipe holds, and ends the line.
    pub fn drain(&mut self) {
        for _ in 0..DRAIN_READS {
            if self.take() == 0 {
                break;
            }
        }
        if self.line_bytes > 0 {
            self.end_line();
        }
    }

    /// Says why an event, or init, has failed.
    pub fn say_failed(&self, why: &[u8]) {
        if self.json {
            record::printed(Level::Error, why);
        } else {
            sys::write_error_line(b"tinderbox: ", b"failed: ", why);
        }
    }

    fn write_on(&mut self, bytes: usize) {
        if !self.json {
            sys::write_all(2, part(&self.read, 0, bytes));
            return;
        }
        let mut start = 0;
        while start < bytes {
            let end = find(part(&self.read, 0, bytes), start, b'\n').min(bytes);
            let piece = part(&self.read, start, end);
            let free = LOG_LINE_BYTES_MAX - self.line_bytes;
            if piece.len() > free {
                self.end_line();
            }
            let piece = part(&self.read, start, end);
            self.line_bytes += put(&mut self.line, self.line_bytes, piece);
            if end < bytes {
                self.end_line();
            }
            start = end + 1;
        }
    }

    fn end_line(&mut self) {
        let line = part(&self.line, 0, self.line_bytes);
        let bytes = self.line_bytes - usize::from(line.last() == Some(&b'\r'));
        record::printed(Level::Info, part(line, 0, bytes));
        self.line_bytes = 0;
    }

    /// Keeps the last bytes.
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
