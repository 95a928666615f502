//! Writes to the descriptors of logs: standard error, and the one that takes log records. Other
//! processes share them, so they stay blocking; and their reader may be slow, or gone.
//!
//! No write here blocks for long, and none raises SIGPIPE: what is not read in time is lost, and no
//! event waits for it. A pipe that poll(2) calls writable takes `PIPE_BUF_BYTES` without blocking
//! (pipe(7)), and an empty one as much as it holds; no more is written at once.

#[cfg(not(feature = "std"))]
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering;
use core::sync::atomic::{AtomicU64, AtomicUsize};

use super::calls::{call3, call4};
use super::{INTERRUPTED, clock_us};
use crate::limits::{LOG_WAIT_MS, PIPE_BUF_BYTES};
use crate::wire::part;

/// The descriptor that nobody has read in time, if the last one that was written to is such.
static STALLED: AtomicUsize = AtomicUsize::new(0);

/// The deadline of the event in hand on the monotonic clock, in milliseconds; 0: there is none.
static DEADLINE_MS: AtomicU64 = AtomicU64::new(0);

/// No write waits beyond `end_ms` on the monotonic clock, if there is such a deadline.
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
/// several processes do not mix.
pub fn write_error_line(name: &[u8], text: &[u8], about: &[u8]) {
    let piece = |bytes: &[u8]| libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let pieces = [piece(name), piece(text), piece(about), piece(b"\n")];
    let start = pieces.as_ptr() as usize;
    if wait_writable(2, LOG_WAIT_MS) {
        // SAFETY: all pieces are valid for the lengths given.
        unsafe { call3(libc::SYS_writev, 2, start, pieces.len()) };
    }
}

/// Writes as much as is read in time, and says how much that was.
pub fn write_log(descriptor: usize, bytes: &[u8]) -> usize {
    ignore_sigpipe();
    let now_ms = || clock_us(libc::CLOCK_MONOTONIC) / 1000;
    let until_ms = (now_ms() + LOG_WAIT_MS).min(log_deadline_ms());
    let mut done = 0;
    while done < bytes.len() && wait_writable(descriptor, until_ms.saturating_sub(now_ms())) {
        let rest = part(bytes, done, bytes.len());
        let most = if rest.len() > PIPE_BUF_BYTES {
            room_of(descriptor)
        } else {
            PIPE_BUF_BYTES
        };
        let piece = part(rest, 0, rest.len().min(most));
        let start = piece.as_ptr() as usize;
        // SAFETY: valid for the length given.
        match unsafe { call3(libc::SYS_write, descriptor, start, piece.len()) } {
            written @ 1.. => done += written.unsigned_abs(),
            // A descriptor that another process has made non-blocking may have been filled since.
            INTERRUPTED | WOULD_BLOCK => {}
            _ => break,
        }
    }
    done
}

/// How much a writable descriptor takes at once without blocking, in bytes: an empty pipe all that
/// it holds, so that what several processes write there does not mix.
fn room_of(descriptor: usize) -> usize {
    let mut unread: libc::c_int = 0;
    let place = &raw mut unread as usize;
    // SAFETY: valid for writing a number; the other call involves no memory.
    let pipe_bytes = unsafe {
        call3(libc::SYS_ioctl, descriptor, libc::FIONREAD as usize, place);
        call3(libc::SYS_fcntl, descriptor, libc::F_GETPIPE_SZ as usize, 0)
    };
    if unread == 0 && pipe_bytes > 0 {
        pipe_bytes.unsigned_abs()
    } else {
        PIPE_BUF_BYTES
    }
}

/// Makes a write without a reader an error, not the end of the process: the reader may go between
/// the two calls of a write. A program with std does so at its start.
#[cfg(feature = "std")]
pub fn ignore_sigpipe() {}

/// Makes a write without a reader an error, not the end of the process: the reader may go between
/// the two calls of a write. Once: the program may have other plans later.
#[cfg(not(feature = "std"))]
pub fn ignore_sigpipe() {
    static IGNORED: AtomicBool = AtomicBool::new(false);
    const IGNORE: [usize; 4] = [1, 0, 0, 0]; // SIG_IGN, and no flags: the kernel's struct sigaction
    if !IGNORED.swap(true, Ordering::Relaxed) {
        let (signal, new) = (libc::SIGPIPE as usize, IGNORE.as_ptr() as usize);
        // SAFETY: valid for reading; there is no handler.
        unsafe { call4(libc::SYS_rt_sigaction, signal, new, 0, 8) };
    }
}

const WOULD_BLOCK: isize = -(libc::EAGAIN as isize);

/// Waits until a descriptor takes something, or until nobody has read it in time: the next call
/// does not wait then. False: nothing can be written, or nobody reads it any more.
#[inline(always)]
fn wait_writable(descriptor: usize, wait_ms: u64) -> bool {
    let mut polled = libc::pollfd {
        fd: descriptor as i32,
        events: libc::POLLOUT,
        revents: 0,
    };
    let wait_ms = if STALLED.swap(0, Ordering::Relaxed) == descriptor {
        0
    } else {
        wait_ms
    };
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: (wait_ms * 1_000_000) as _,
    };
    let (place, time) = (&raw mut polled as usize, &raw const time as usize);
    // SAFETY: valid for writing one of them; the time is valid for reading.
    unsafe { call4(libc::SYS_ppoll, place, 1, time, 0) };
    let is_writable = polled.revents == libc::POLLOUT;
    if !is_writable {
        STALLED.store(descriptor, Ordering::Relaxed);
    }
    is_writable
}
