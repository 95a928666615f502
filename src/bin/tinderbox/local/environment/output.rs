//! What the process writes to its stdout and stderr, as lines.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use crate::sys;

/// The longest line that is kept together.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// The reading end of a pipe that is the process's stdout and stderr.
pub struct Output {
    pipe: File,
    /// The last line, as long as it has no line end.
    partial: Vec<u8>,
}

impl Output {
    /// A pipe: its output, and its writing end for the process.
    pub fn new() -> io::Result<(Output, OwnedFd)> {
        let (read_end, write_end) = io::pipe()?;
        sys::set_nonblocking(&read_end)?;
        let output = Output {
            pipe: File::from(OwnedFd::from(read_end)),
            partial: Vec::new(),
        };
        Ok((output, write_end.into()))
    }

    /// Reads once, and appends whole lines to `lines`; false at the end of the pipe.
    pub fn read(&mut self, scratch: &mut [u8], lines: &mut Vec<u8>) -> io::Result<bool> {
        let count = match self.pipe.read(scratch) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error),
        };
        let bytes = &scratch[..count];
        let end = bytes.iter().rposition(|&byte| byte == b'\n');
        let (whole, rest) = bytes.split_at(end.map_or(0, |end| end + 1));
        if !whole.is_empty() {
            lines.append(&mut self.partial);
            lines.extend_from_slice(whole);
        }
        self.partial.extend_from_slice(rest);
        if self.partial.len() > LINE_BYTES_MAX {
            self.take_partial(lines);
        }
        Ok(count > 0)
    }

    /// Appends the last line even without a line end, which is added.
    pub fn take_partial(&mut self, lines: &mut Vec<u8>) {
        if !self.partial.is_empty() {
            lines.append(&mut self.partial);
            lines.push(b'\n');
        }
    }
}

impl AsRawFd for Output {
    fn as_raw_fd(&self) -> RawFd {
        self.pipe.as_raw_fd()
    }
}
