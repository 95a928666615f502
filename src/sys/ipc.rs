//! Pipes, sockets and files in memory between us and a child, and waiting for them with poll(2).

use core::ffi::c_int;
use core::mem::MaybeUninit;

use super::calls::{syscall2, syscall3, syscall4, syscall5, syscall6};
use super::{Descriptor, INTERRUPTED};

/// A pipe: the end to read from, which does not block, and the end to write to, which does.
///
/// # Errors
/// The errno: EMFILE, ENFILE or ENOMEM, or the errno of the call that makes the end nonblocking.
pub fn pipe() -> Result<(Descriptor, Descriptor), usize> {
    let mut ends: [c_int; 2] = [0; 2];
    // SAFETY: valid for writing two descriptors.
    let made = unsafe {
        let place = ends.as_mut_ptr() as usize;
        syscall2(libc::SYS_pipe2, place, libc::O_CLOEXEC as usize)
    };
    let [from, to] = opened(made, ends)?;
    let (set, flags) = (libc::F_SETFL as usize, libc::O_NONBLOCK as usize);
    // A reader that has a deadline cannot use a pipe that still blocks. SAFETY: no memory is
    // involved.
    errno_of(unsafe { syscall3(libc::SYS_fcntl, from.raw_fd(), set, flags) })?;
    Ok((from, to))
}

/// A file in memory that holds `bytes`; more can be appended.
///
/// # Errors
/// The errno: EMFILE, ENFILE or ENOMEM.
pub fn memfd(bytes: &[u8]) -> Result<Descriptor, usize> {
    // SAFETY: a C string.
    let made = unsafe {
        let (name, flags) = (c"event".as_ptr() as usize, libc::MFD_CLOEXEC as usize);
        syscall2(libc::SYS_memfd_create, name, flags)
    };
    errno_of(made)?;
    let file = Descriptor(made as c_int);
    append(&file, bytes)?;
    Ok(file)
}

/// Appends `bytes` to a file in memory.
///
/// # Errors
/// The errno, mostly ENOMEM or ENOSPC.
pub fn append(file: &Descriptor, bytes: &[u8]) -> Result<(), usize> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (start, length) = (rest.as_ptr() as usize, rest.len());
        // SAFETY: valid for the length given.
        let written = unsafe { syscall3(libc::SYS_write, file.raw_fd(), start, length) };
        if written <= 0 && written != INTERRUPTED {
            return Err(written.unsigned_abs());
        }
        rest = rest.get(written.max(0) as usize..).unwrap_or_default();
    }
    Ok(())
}

/// Goes back to the start of a file.
pub fn rewind(file: &Descriptor) {
    // SAFETY: no memory is involved.
    unsafe { syscall3(libc::SYS_lseek, file.raw_fd(), 0, libc::SEEK_SET as usize) };
}

/// The result of a read that does not wait, or not for long.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryRead {
    /// The number of bytes that were read.
    Data(usize),
    /// Nothing can be read now.
    Nothing,
    /// End of file.
    End,
    /// The descriptor cannot be read: its content is lost.
    Failed,
}

impl TryRead {
    fn from_ret(got: isize) -> TryRead {
        match got {
            INTERRUPTED | WOULD_BLOCK => TryRead::Nothing,
            1.. => TryRead::Data(got.unsigned_abs()),
            0 => TryRead::End,
            _ => TryRead::Failed,
        }
    }
}

/// Reads available bytes from a pipe, without waiting.
pub fn try_read(from: &Descriptor, buf: &mut [u8]) -> TryRead {
    loop {
        let (start, length) = (buf.as_mut_ptr() as usize, buf.len());
        // SAFETY: valid for the length given.
        let got = unsafe { syscall3(libc::SYS_read, from.raw_fd(), start, length) };
        if got != INTERRUPTED {
            return TryRead::from_ret(got);
        }
    }
}

/// How long a receive may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// As long as the receive timeout (`set_receive_timeout`).
    Briefly,
}

/// Receives available bytes from a socket. After an interruption there is nothing (signal(7): a
/// receive with a timeout is interrupted when the process was stopped and continued).
pub fn try_receive(from: &Descriptor, buf: &mut [u8], wait: Wait) -> TryRead {
    let flags = if wait == Wait::No {
        libc::MSG_DONTWAIT as usize
    } else {
        0
    };
    let (start, length) = (buf.as_mut_ptr() as usize, buf.len());
    // SAFETY: valid for the length given.
    let got = unsafe {
        syscall6(
            libc::SYS_recvfrom,
            from.raw_fd(),
            start,
            length,
            flags,
            0,
            0,
        )
    };
    TryRead::from_ret(got)
}

/// Bounds how long a receive from a socket blocks (SO_RCVTIMEO, socket(7)). False: it is unbounded.
pub fn set_receive_timeout(socket: &Descriptor, timeout_ms: u64) -> bool {
    let time = libc::timeval {
        tv_sec: (timeout_ms / 1000) as _,
        tv_usec: (timeout_ms % 1000 * 1000) as _,
    };
    let (level, option) = (libc::SOL_SOCKET as usize, libc::SO_RCVTIMEO as usize);
    let (value, length) = (&raw const time as usize, size_of::<libc::timeval>());
    // SAFETY: the option is valid for the length given.
    unsafe {
        syscall5(
            libc::SYS_setsockopt,
            socket.raw_fd(),
            level,
            option,
            value,
            length,
        ) >= 0
    }
}

/// Nothing can be read or written now.
const WOULD_BLOCK: isize = -(libc::EAGAIN as isize);

/// A connected pair of stream sockets: our end, and the end of a child.
///
/// # Errors
/// The errno: EMFILE, ENFILE or ENOMEM.
pub fn channel_pair() -> Result<(Descriptor, Descriptor), usize> {
    let [ours, theirs] = socketpair(libc::SOCK_STREAM)?;
    Ok((ours, theirs))
}

/// A connected pair of Unix sockets of this kind.
///
/// # Errors
/// As for [`channel_pair`].
pub fn socketpair(kind: c_int) -> Result<[Descriptor; 2], usize> {
    let mut ends: [c_int; 2] = [0; 2];
    let kind = (kind | libc::SOCK_CLOEXEC) as usize;
    let place = ends.as_mut_ptr() as usize;
    // SAFETY: valid for writing two descriptors.
    let made = unsafe {
        let family = libc::AF_UNIX as usize;
        syscall4(libc::SYS_socketpair, family, kind, 0, place)
    };
    opened(made, ends)
}

/// The two descriptors that a call has opened which returned `made`.
fn opened(made: isize, [one, other]: [c_int; 2]) -> Result<[Descriptor; 2], usize> {
    errno_of(made)?;
    Ok([Descriptor(one), Descriptor(other)])
}

/// The errno of a call that returned `result`, if it failed.
fn errno_of(result: isize) -> Result<(), usize> {
    if result < 0 {
        return Err(result.unsigned_abs());
    }
    Ok(())
}

/// Sends as much of two consecutive parts as fits now to a socket, without waiting, and returns how
/// many bytes that was; `None`: the other end is closed, or the socket cannot be used.
pub fn try_send(to: &Descriptor, parts: [&[u8]; 2]) -> Option<usize> {
    let mut pieces = parts.map(|bytes| libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    });
    let mut message = MaybeUninit::<libc::msghdr>::zeroed();
    // SAFETY: zeros are a message; its fields are ours to set.
    let place = unsafe {
        let message = message.assume_init_mut();
        message.msg_iov = pieces.as_mut_ptr();
        message.msg_iovlen = pieces.len() as _;
        &raw const *message as usize
    };
    let flags = (libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) as usize;
    // SAFETY: the message and what it points to are valid for the lengths given.
    let sent = unsafe { syscall3(libc::SYS_sendmsg, to.raw_fd(), place, flags) };
    match sent {
        0.. => Some(sent.unsigned_abs()),
        INTERRUPTED | WOULD_BLOCK => Some(0),
        _ => None,
    }
}

/// The number of descriptors that can be polled at once.
pub const POLL_FDS: usize = 5;

/// The event that is awaited of the first polled descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// That it can be read, as of all others.
    Read,
    /// That it can be written to.
    Write,
}

/// Waits until one of the descriptors is ready, or `timeout_ms` has passed, if there is a timeout,
/// and returns which are. An interruption counts as a timeout.
#[inline(never)]
pub fn poll(
    descriptors: [Option<&Descriptor>; POLL_FDS],
    direction: Direction,
    timeout_ms: Option<u64>,
) -> [bool; POLL_FDS] {
    let time = timeout_ms.map(|timeout_ms| libc::timespec {
        tv_sec: (timeout_ms / 1000) as _,
        tv_nsec: (timeout_ms % 1000 * 1_000_000) as _,
    });
    poll_for(descriptors, direction, time)
}

/// The same, until one can be read, with a timeout in microseconds.
#[cfg(feature = "web")]
#[inline(never)]
pub fn poll_us(descriptors: [Option<&Descriptor>; POLL_FDS], timeout_us: u64) -> [bool; POLL_FDS] {
    let time = libc::timespec {
        tv_sec: (timeout_us / 1_000_000) as _,
        tv_nsec: (timeout_us % 1_000_000 * 1000) as _,
    };
    poll_for(descriptors, Direction::Read, Some(time))
}

#[inline(always)] // a call with these arguments takes more bytes in programs that only use `poll`
fn poll_for(
    descriptors: [Option<&Descriptor>; POLL_FDS],
    direction: Direction,
    time: Option<libc::timespec>,
) -> [bool; POLL_FDS] {
    let mut fds = descriptors.map(|descriptor| libc::pollfd {
        fd: descriptor.map_or(-1, |descriptor| descriptor.0),
        events: libc::POLLIN,
        revents: 0,
    });
    if let [first, ..] = &mut fds
        && direction == Direction::Write
    {
        first.events = libc::POLLOUT;
    }
    let time_place = time.as_ref().map_or(0, |time| &raw const *time as usize);
    let (place, count) = (fds.as_mut_ptr() as usize, fds.len());
    // SAFETY: valid for writing `count` of them; the time is valid or absent.
    let found = unsafe { syscall4(libc::SYS_ppoll, place, count, time_place, 0) };
    fds.map(|one| found > 0 && one.revents != 0)
}
