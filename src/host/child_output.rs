//! The captured output of a child process: it is forwarded to the log at once, as it is, or in JSON
//! mode line by line: a line that is a JSON object as it is, any other one as a record.

use crate::buffer::{FixedBytes, copy_at};
#[cfg(feature = "web")]
use crate::host::console::captured::Captured;
use crate::limits::{
    DRAIN_READS, JSON_LINE_BYTES_MAX, LOG_LINE_BYTES_MAX, OUTPUT_TAIL_BYTES, PIPE_BYTES,
    TRIM_KEEP_BYTES,
};
use crate::logging::{self, Level};
use crate::sys::ipc::{TryRead, try_read};
use crate::sys::{self, Descriptor};
use crate::wire::number::Decimal;
use crate::wire::{find_from, slice_or_empty};

/// Captured output, and its buffers.
pub struct ChildOutput {
    /// The pipe to read from, while there is one.
    pub pipe: Option<Descriptor>,
    /// What keeps the output of a command for its answer.
    #[cfg(feature = "web")]
    pub captured: Option<&'static mut Captured>,
    /// One record per line.
    json: bool,
    buf: [u8; PIPE_BYTES],
    /// The end of the forwarded output, for the messages of errors.
    tail: [u8; OUTPUT_TAIL_BYTES],
    tail_bytes: usize,
    line_bytes: usize,
    /// Bytes that were lost since the last report, because the log was not read in time.
    lost_bytes: usize,
    /// The line that has not ended.
    line: [u8; JSON_LINE_BYTES_MAX],
}

impl ChildOutput {
    /// No output captured.
    pub const fn new() -> ChildOutput {
        ChildOutput {
            pipe: None,
            #[cfg(feature = "web")]
            captured: None,
            json: false,
            buf: [0; _],
            tail: [0; _],
            tail_bytes: 0,
            line_bytes: 0,
            lost_bytes: 0,
            line: [0; _],
        }
    }

    /// Finds out in which format the log is.
    pub fn init_format(&mut self) {
        self.json = logging::is_json();
        sys::ignore_sigpipe(); // before the first line
    }

    /// Whether each line becomes a record.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// The last 4 KiB, without the white space at its end.
    pub fn tail(&self) -> &[u8] {
        slice_or_empty(&self.tail, 0, self.tail_bytes).trim_ascii_end()
    }

    /// Discards the end of the forwarded output.
    pub fn clear_tail(&mut self) {
        self.tail_bytes = 0;
        #[cfg(feature = "web")]
        if let Some(captured) = &mut self.captured {
            captured.clear();
        }
    }

    /// Reads once, without waiting, and forwards that. Returns how many bytes it was.
    pub fn forward_once(&mut self) -> usize {
        let Some(pipe) = &self.pipe else {
            return 0;
        };
        match try_read(pipe, &mut self.buf) {
            TryRead::Data(bytes) => {
                self.forward(bytes);
                self.append_tail(bytes);
                #[cfg(feature = "web")]
                if let Some(captured) = &mut self.captured {
                    captured.push(slice_or_empty(&self.buf, 0, bytes));
                }
                bytes
            }
            TryRead::Nothing => 0,
            TryRead::End | TryRead::Failed => {
                self.pipe = None;
                0
            }
        }
    }

    /// Forwards a text, at most 64 KiB, that has come another way than through the pipe.
    #[cfg(feature = "web")]
    pub fn forward_text(&mut self, text: &[u8]) {
        let bytes = copy_at(&mut self.buf, 0, text);
        self.forward(bytes);
        self.append_tail(bytes);
    }

    /// Forwards all that is there, as much as a pipe holds, and ends the line.
    pub fn drain(&mut self) {
        for _ in 0..DRAIN_READS {
            if self.forward_once() == 0 {
                break;
            }
        }
        self.flush_line();
    }

    /// Whether a line has begun that has not ended.
    pub fn has_begun_line(&self) -> bool {
        self.line_bytes > 0
    }

    /// Ends a line that has begun.
    pub fn flush_line(&mut self) {
        if self.has_begun_line() {
            self.end_line();
        }
    }

    fn forward(&mut self, bytes: usize) {
        if self.lost_bytes > 0 {
            self.report_lost();
        }
        if !self.json {
            self.lost_bytes += bytes - sys::write_log(2, slice_or_empty(&self.buf, 0, bytes));
            return;
        }
        let mut start = 0;
        while start < bytes {
            let end = find_from(slice_or_empty(&self.buf, 0, bytes), start, b'\n').min(bytes);
            let piece = slice_or_empty(&self.buf, start, end);
            if piece.len() > self.line_bytes_max(piece) - self.line_bytes {
                self.end_line();
            }
            let piece = slice_or_empty(&self.buf, start, end);
            self.line_bytes += copy_at(&mut self.line, self.line_bytes, piece);
            if end < bytes {
                self.end_line();
            }
            start = end + 1;
        }
    }

    /// How long the line may become of which this is the next piece.
    fn line_bytes_max(&self, piece: &[u8]) -> usize {
        let line = slice_or_empty(&self.line, 0, self.line_bytes);
        match line.first().or(piece.first()) {
            Some(b'{') => JSON_LINE_BYTES_MAX,
            _ => LOG_LINE_BYTES_MAX,
        }
    }

    fn end_line(&mut self) {
        let line = slice_or_empty(&self.line, 0, self.line_bytes);
        let is_logged = if line.starts_with(b"{") && line.trim_ascii_end().ends_with(b"}") {
            logging::log_child_json(line)
        } else {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            log_pieces(line)
        };
        if !is_logged {
            self.lost_bytes += self.line_bytes;
        }
        if self.line_bytes > TRIM_KEEP_BYTES {
            sys::release_pages(&mut self.line, TRIM_KEEP_BYTES);
        }
        self.line_bytes = 0;
    }

    /// Reports how much was lost, as soon as the log is read again.
    fn report_lost(&mut self) {
        let mut text = FixedBytes::<128>::new();
        text.set(b"\ntinderbox: the log was not read in time; lost bytes: ");
        text.push(Decimal::new(self.lost_bytes).as_bytes());
        let is_reported = if self.json {
            logging::log_child_line(
                Level::Warn,
                slice_or_empty(text.as_bytes(), 1, text.as_bytes().len()),
            )
        } else {
            text.push(b"\n");
            sys::write_log(2, text.as_bytes()) == text.as_bytes().len()
        };
        if is_reported {
            self.lost_bytes = 0;
        }
    }

    /// Appends to the end of the forwarded output.
    fn append_tail(&mut self, read_bytes: usize) {
        let new = slice_or_empty(
            &self.buf,
            read_bytes.saturating_sub(OUTPUT_TAIL_BYTES),
            read_bytes,
        );
        let excess = (self.tail_bytes + new.len()).saturating_sub(OUTPUT_TAIL_BYTES);
        let retained = self.tail_bytes.saturating_sub(excess);
        sys::move_down(&mut self.tail, excess, 0, retained);
        self.tail_bytes = retained + copy_at(&mut self.tail, retained, new);
    }
}

/// Logs a line as a record; a longer one that no limit has divided, as several.
fn log_pieces(line: &[u8]) -> bool {
    let (mut start, mut is_logged) = (0, true);
    loop {
        let end = line.len().min(start + LOG_LINE_BYTES_MAX);
        is_logged &= logging::log_child_line(Level::Info, slice_or_empty(line, start, end));
        start = end;
        if start >= line.len() {
            return is_logged;
        }
    }
}
