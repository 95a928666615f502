//! What connects us with a child: pipes, sockets, files in memory; and how all of them are awaited.

use core::ffi::c_int;
use core::mem::MaybeUninit;

use super::calls::{call2, call3, call4};
use super::{Descriptor, INTERRUPTED};

/// A pipe: the end to read from, which does not block, and the end to write to, which does.
pub fn pipe() -> Option<(Descriptor, Descriptor)> {
    let mut ends: [c_int; 2] = [0; 2];
    // SAFETY: valid for writing two descriptors.
    let made = unsafe {
        let place = ends.as_mut_ptr() as usize;
        call2(libc::SYS_pipe2, place, libc::O_CLOEXEC as usize)
    };
    let [from, to] = opened(made, ends)?;
    set_nonblocking(&from).then_some((from, to))
}

/// A file in memory that holds `bytes`; more can be written behind them.
pub fn memfd(bytes: &[u8]) -> Option<Descriptor> {
    // SAFETY: a C string.
    let made = unsafe {
        let (name, flags) = (c"event".as_ptr() as usize, libc::MFD_CLOEXEC as usize);
        call2(libc::SYS_memfd_create, name, flags)
    };
    let file = Descriptor::of(made)?;
    append(&file, bytes).then_some(file)
}

/// Writes `bytes` behind what a file in memory holds. False: there is no memory for them.
pub fn append(file: &Descriptor, bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (start, length) = (rest.as_ptr() as usize, rest.len());
        // SAFETY: valid for the length given.
        let written = unsafe { call3(libc::SYS_write, file.number(), start, length) };
        if written <= 0 && written != INTERRUPTED {
            return false;
        }
        rest = rest.get(written.max(0) as usize..).unwrap_or_default();
    }
    true
}

/// Goes back to the start of a file.
pub fn rewind(file: &Descriptor) {
    // SAFETY: no memory is involved.
    unsafe { call3(libc::SYS_lseek, file.number(), 0, libc::SEEK_SET as usize) };
}

/// What a pipe has to give.
pub enum Read {
    /// So many bytes.
    Some(usize),
    /// Nothing now.
    Nothing,
    /// Nothing any more.
    End,
    /// The system cannot read it: what it held is lost.
    ReportedError,
}

/// Reads what is there, without waiting.
pub fn read(from: &Descriptor, room: &mut [u8]) -> Read {
    loop {
        let (start, length) = (room.as_mut_ptr() as usize, room.len());
        // SAFETY: valid for the length given.
        let got = unsafe { call3(libc::SYS_read, from.0 as usize, start, length) };
        match got {
            INTERRUPTED => {}
            WOULD_BLOCK => return Read::Nothing,
            1.. => return Read::Some(got.unsigned_abs()),
            0 => return Read::End,
            _ => return Read::ReportedError,
        }
    }
}

/// Nothing can be read or written now.
const WOULD_BLOCK: isize = -(libc::EAGAIN as isize);

/// A connected pair of stream sockets: our end, which does not block, and the end of a child.
pub fn channel_pair() -> Option<(Descriptor, Descriptor)> {
    let [ours, theirs] = pair(libc::SOCK_STREAM)?;
    set_nonblocking(&ours).then_some((ours, theirs))
}

/// A connected pair of Unix sockets of this kind.
pub fn pair(kind: c_int) -> Option<[Descriptor; 2]> {
    let mut ends: [c_int; 2] = [0; 2];
    let kind = (kind | libc::SOCK_CLOEXEC) as usize;
    let place = ends.as_mut_ptr() as usize;
    // SAFETY: valid for writing two descriptors.
    let made = unsafe {
        let family = libc::AF_UNIX as usize;
        call4(libc::SYS_socketpair, family, kind, 0, place)
    };
    opened(made, ends)
}

/// What a call has opened that says `made`; `None` where it has failed.
fn opened(made: isize, [one, other]: [c_int; 2]) -> Option<[Descriptor; 2]> {
    (made >= 0).then_some(())?;
    Some([Descriptor(one), Descriptor(other)])
}

/// False: it still blocks, so it is of no use to who has a deadline.
fn set_nonblocking(end: &Descriptor) -> bool {
    let (set, flags) = (libc::F_SETFL as usize, libc::O_NONBLOCK as usize);
    // SAFETY: no memory is involved.
    unsafe { call3(libc::SYS_fcntl, end.number(), set, flags) >= 0 }
}

/// Sends what fits now of two parts, one behind the other, to a socket that does not block, and
/// says how much that was; `None`: nobody reads any more.
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
    // SAFETY: the message and what it points to are valid for the lengths given.
    let sent = unsafe {
        call3(
            libc::SYS_sendmsg,
            to.number(),
            place,
            libc::MSG_NOSIGNAL as usize,
        )
    };
    match sent {
        0.. => Some(sent.unsigned_abs()),
        INTERRUPTED | WOULD_BLOCK => Some(0),
        _ => None,
    }
}

/// So many descriptors can be waited for at once.
const AWAITED: usize = 4;

/// Waits until one of them has something to say, or `timeout_ms` has passed, if there is one, and
/// says which. With `writes`, what is awaited of the first is room to write to it. An interruption
/// is as good as a time-out.
pub fn wait_for(
    descriptors: [Option<&Descriptor>; AWAITED],
    writes: bool,
    timeout_ms: Option<u64>,
) -> [bool; AWAITED] {
    let mut polled = descriptors.map(|descriptor| libc::pollfd {
        fd: descriptor.map_or(-1, |descriptor| descriptor.0),
        events: libc::POLLIN,
        revents: 0,
    });
    if let [first, ..] = &mut polled
        && writes
    {
        first.events = libc::POLLOUT;
    }
    let time = timeout_ms.map(|timeout_ms| libc::timespec {
        tv_sec: (timeout_ms / 1000) as _,
        tv_nsec: (timeout_ms % 1000 * 1_000_000) as _,
    });
    let time_place = time.as_ref().map_or(0, |time| &raw const *time as usize);
    let (place, count) = (polled.as_mut_ptr() as usize, polled.len());
    // SAFETY: valid for writing `count` of them; the time is valid or absent.
    let found = unsafe { call4(libc::SYS_ppoll, place, count, time_place, 0) };
    polled.map(|one| found > 0 && one.revents != 0)
}
