//! Signals to processes that may exit, and whose ids others may get, at any time (pidfd_open(2)).

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::ptr;

/// A signal for `Pidfd::send`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Stop,
    Continue,
    Kill,
}

/// A reference to one process, also after its exit.
pub struct Pidfd(File);

impl Pidfd {
    /// The process that has this id now. Linux 5.3.
    pub fn open(pid: u32) -> io::Result<Pidfd> {
        // SAFETY: no memory is involved; the descriptor is new, so the file is its only owner.
        unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, pid.cast_signed(), 0);
            match RawFd::try_from(fd) {
                Ok(fd) if fd >= 0 => Ok(Pidfd(File::from_raw_fd(fd))),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    /// Sends a signal; nothing happens if the process has been reaped.
    pub fn send(&self, signal: Signal) {
        let number = match signal {
            Signal::Stop => libc::SIGSTOP,
            Signal::Continue => libc::SIGCONT,
            Signal::Kill => libc::SIGKILL,
        };
        let (fd, no_info) = (self.0.as_raw_fd(), ptr::null::<libc::siginfo_t>());
        // SAFETY: no memory is involved: the information about the sender is left to the kernel.
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, number, no_info, 0) };
    }
}
