//! Writes to log descriptors: standard error, and the one for log records. Other processes share
//! them, so they must stay blocking; and their reader may be slow, or gone.
//!
//! No write here blocks for long, and none raises SIGPIPE: output that is not read in time is
//! dropped, so that no event waits for it. A pipe that poll(2) reports as writable takes
//! `PIPE_BUF_BYTES` without blocking (pipe(7)), and an empty one its whole capacity; no more is
//! written at once.

#[cfg(not(feature = "std"))]
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering;
use core::sync::atomic::{AtomicU64, AtomicUsize};

use super::calls::{syscall3, syscall4};
use super::{INTERRUPTED, clock_us};
use crate::limits::{LOG_WAIT_MS, PIPE_BUF_BYTES};
use crate::wire::slice_or_empty;

/// The descriptor of the last write, if its reader was too slow; 0: none.
static STALLED: AtomicUsize = AtomicUsize::new(0);

/// The deadline of the current event on the monotonic clock, in milliseconds; 0: none.
static DEADLINE_MS: AtomicU64 = AtomicU64::new(0);

/// Sets the time on the monotonic clock until which writes may wait.
pub fn set_log_deadline(end_ms: Option<u64>) {
    DEADLINE_MS.store(end_ms.unwrap_or_default(), Ordering::Relaxed);
}

/// The deadline of log writes.
fn log_deadline_ms() -> u64 {
    if let end_ms @ 1.. = DEADLINE_MS.load(Ordering::Relaxed) {
        return end_ms;
    }
    u64::MAX
}

/// Writes a line of at most `PIPE_BUF_BYTES` to standard error, in one call, so that lines of
/// several processes do not interleave.
pub fn write_error_line(name: &[u8], message: &[u8], detail: &[u8]) {
    let piece = |bytes: &[u8]| libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let pieces = [piece(name), piece(message), piece(detail), piece(b"\n")];
    let start = pieces.as_ptr() as usize;
    if wait_writable(2, LOG_WAIT_MS) {
        // SAFETY: all pieces are valid for their lengths.
        unsafe { syscall3(libc::SYS_writev, 2, start, pieces.len()) };
    }
}

/// Writes as much as is read in time. Returns the number of bytes written.
pub fn write_log(descriptor: usize, bytes: &[u8]) -> usize {
    ignore_sigpipe();
    let now_ms = || clock_us(libc::CLOCK_MONOTONIC) / 1000;
    let until_ms = (now_ms() + LOG_WAIT_MS).min(log_deadline_ms());
    let mut done = 0;
    while done < bytes.len() && wait_writable(descriptor, until_ms.saturating_sub(now_ms())) {
        let rest = slice_or_empty(bytes, done, bytes.len());
        let most = if rest.len() > PIPE_BUF_BYTES {
            free_bytes(descriptor)
        } else {
            PIPE_BUF_BYTES
        };
        let piece = slice_or_empty(rest, 0, rest.len().min(most));
        let start = piece.as_ptr() as usize;
        // SAFETY: valid for its length.
        match unsafe { syscall3(libc::SYS_write, descriptor, start, piece.len()) } {
            written @ 1.. => done += written.unsigned_abs(),
            // Another process may have made the descriptor non-blocking, or filled it since.
            INTERRUPTED | WOULD_BLOCK => {}
            _ => break,
        }
    }
    done
}

/// The number of bytes that a writable descriptor takes without blocking: for an empty pipe its
/// capacity, so that the output of several processes does not interleave.
fn free_bytes(descriptor: usize) -> usize {
    let mut unread: libc::c_int = 0;
    let place = &raw mut unread as usize;
    // SAFETY: valid for writes of a number; the other call involves no memory.
    let pipe_bytes = unsafe {
        syscall3(libc::SYS_ioctl, descriptor, libc::FIONREAD as usize, place);
        syscall3(libc::SYS_fcntl, descriptor, libc::F_GETPIPE_SZ as usize, 0)
    };
    if unread == 0 && pipe_bytes > 0 {
        pipe_bytes.unsigned_abs()
    } else {
        PIPE_BUF_BYTES
    }
}

/// Ignores SIGPIPE, so that a write without a reader is an error: the reader may exit between poll
/// and write. A program with std does so at its start.
#[cfg(feature = "std")]
pub fn ignore_sigpipe() {}

/// Ignores SIGPIPE, so that a write without a reader is an error: the reader may exit between poll
/// and write. Only once: the program may set another disposition later.
#[cfg(not(feature = "std"))]
pub fn ignore_sigpipe() {
    static IGNORED: AtomicBool = AtomicBool::new(false);
    const IGNORE: [usize; 4] = [1, 0, 0, 0]; // SIG_IGN, and no flags: the kernel's struct sigaction
    if !IGNORED.swap(true, Ordering::Relaxed) {
        let (signal, new) = (libc::SIGPIPE as usize, IGNORE.as_ptr() as usize);
        // SAFETY: valid for reads; there is no handler.
        unsafe { syscall4(libc::SYS_rt_sigaction, signal, new, 0, 8) };
    }
}

const WOULD_BLOCK: isize = -(libc::EAGAIN as isize);

/// Waits until a descriptor is writable, for `wait_ms` at most: after a timeout the next call does
/// not wait. False: it is not writable, or has no reader.
#[inline(always)]
fn wait_writable(descriptor: usize, wait_ms: u64) -> bool {
    let mut polled = libc::pollfd {
        fd: descriptor as i32,
        events: libc::POLLOUT,
        revents: 0,
    };
    let wait_ms = if STALLED.load(Ordering::Relaxed) == descriptor {
        0
    } else {
        wait_ms
    };
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: (wait_ms * 1_000_000) as _,
    };
    let (place, time) = (&raw mut polled as usize, &raw const time as usize);
    // SAFETY: one pollfd, valid for writes; the time is valid for reads.
    unsafe { syscall4(libc::SYS_ppoll, place, 1, time, 0) };
    let is_writable = polled.revents == libc::POLLOUT;
    STALLED.store(if is_writable { 0 } else { descriptor }, Ordering::Relaxed);
    is_writable
}
