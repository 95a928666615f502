//! What a child prints, other than its response: it is written on at once, as it is, or in JSON
//! mode as a record a line.

use crate::buffer::{Decimal, FixedBytes, put};
use crate::limits::{
    DRAIN_READS, LOG_LINE_BYTES_MAX, OUTPUT_TAIL_BYTES, PIPE_BUF_BYTES, PIPE_BYTES,
};
use crate::logging::{self, Level};
use crate::sys::ipc::{Read, read};
use crate::sys::{self, Descriptor};
use crate::wire::number::escape_byte;
use crate::wire::{find, part};

/// The memory for a child's log.
pub struct ChildOutput {
    /// The end to read from, while there is one.
    pub from: Option<Descriptor>,
    /// A record a line.
    json: bool,
    read: [u8; PIPE_BYTES],
    /// The last of it, and how much of that there is.
    tail: [u8; OUTPUT_TAIL_BYTES],
    tail_bytes: usize,
    /// The line that has not ended.
    line: [u8; LOG_LINE_BYTES_MAX],
    line_bytes: usize,
    /// So much was not read in time, in bytes, since that was last said.
    lost_bytes: usize,
}

impl ChildOutput {
    /// No log yet.
    pub const fn new() -> ChildOutput {
        ChildOutput {
            from: None,
            json: false,
            read: [0; _],
            tail: [0; _],
            tail_bytes: 0,
            line: [0; _],
            line_bytes: 0,
            lost_bytes: 0,
        }
    }

    /// Finds out in which form it is to be written on.
    pub fn set_up(&mut self) {
        self.json = logging::is_json();
        sys::ignore_sigpipe(); // before the first line
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
            Read::End | Read::ReportedError => {
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
            logging::log_child_line(Level::Error, why);
            return;
        }
        let mut line = FixedBytes::<PIPE_BUF_BYTES>::new();
        line.set(b"tinderbox: failed: ");
        let mut rest = why;
        while let Some(&byte) = rest.first() {
            // JSON may hold the control characters U+0080 to U+009F as they are; terminals obey
            // them.
            let (bytes, escaped) = match rest {
                [0xc2, byte @ 0x80..=0x9f, ..] => (2, escape_byte(*byte)),
                _ => (1, [byte, 0, 0, 0, 0, 0]),
            };
            let piece = part(&escaped, 0, if bytes == 1 { 1 } else { escaped.len() });
            if !line.take(piece) {
                sys::write_log(2, line.get());
                line.set(piece);
            }
            rest = part(rest, bytes, rest.len());
        }
        if !line.take(b"\n") {
            sys::write_log(2, line.get());
            line.set(b"\n");
        }
        sys::write_log(2, line.get());
    }

    fn write_on(&mut self, bytes: usize) {
        if self.lost_bytes > 0 {
            self.say_lost();
        }
        if !self.json {
            self.lost_bytes += bytes - sys::write_log(2, part(&self.read, 0, bytes));
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
        if !logging::log_child_line(Level::Info, part(line, 0, bytes)) {
            self.lost_bytes += bytes;
        }
        self.line_bytes = 0;
    }

    /// Says how much was lost, as soon as the log is read again.
    fn say_lost(&mut self) {
        let mut text = FixedBytes::<128>::new();
        text.set(b"\ntinderbox: the log was not read in time; lost bytes: ");
        text.push(Decimal::new(self.lost_bytes).text());
        let said = if self.json {
            logging::log_child_line(Level::Warn, part(text.get(), 1, text.get().len()))
        } else {
            text.push(b"\n");
            sys::write_log(2, text.get()) == text.get().len()
        };
        if said {
            self.lost_bytes = 0;
        }
    }

    /// Keeps the last bytes.
    fn keep(&mut self, read_bytes: usize) {
        let new = part(
            &self.read,
            read_bytes.saturating_sub(OUTPUT_TAIL_BYTES),
            read_bytes,
        );
        let excess = (self.tail_bytes + new.len()).saturating_sub(OUTPUT_TAIL_BYTES);
        let kept = self.tail_bytes.saturating_sub(excess);
        sys::move_down(&mut self.tail, excess, 0, kept);
        self.tail_bytes = kept + put(&mut self.tail, kept, new);
    }
}
