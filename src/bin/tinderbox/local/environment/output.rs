//! What the process writes to its stdout and stderr.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use crate::sys;

/// The reading end of a pipe that is the process's stdout and stderr.
pub struct Output(File);

impl Output {
    /// A pipe: its output, and its writing end for the process.
    pub fn new() -> io::Result<(Output, OwnedFd)> {
        let (read_end, write_end) = io::pipe()?;
        sys::set_nonblocking(&read_end)?;
        let output = Output(File::from(OwnedFd::from(read_end)));
        Ok((output, write_end.into()))
    }

    /// Reads once; 0 bytes is the end.
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl AsRawFd for Output {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
