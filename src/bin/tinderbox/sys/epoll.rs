//! Waiting for many descriptors (epoll(7)), and signals as a descriptor (signalfd(2)).

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::SignalSet;

/// The most descriptors that one wait reports.
const READY_MAX: usize = 64;

/// What a descriptor is watched for. Errors and hang-ups are always reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    None,
    Read,
    Write,
    ReadAndWrite,
}

/// A descriptor that is ready.
#[derive(Clone, Copy)]
pub struct Ready {
    /// The number that it was added with.
    pub token: u64,
    /// There are bytes, an end of stream or an error to read.
    pub readable: bool,
    pub writable: bool,
    /// Nobody is at the other end, in either direction.
    pub hung_up: bool,
}

/// A set of watched descriptors; level-triggered.
pub struct Epoll {
    set: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    /// An empty set.
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: no memory is involved; the descriptor is new and owned here alone.
        let set = unsafe {
            let fd = check(libc::epoll_create1(libc::EPOLL_CLOEXEC))?;
            OwnedFd::from_raw_fd(fd)
        };
        let events = vec![libc::epoll_event { events: 0, u64: 0 }; READY_MAX];
        Ok(Epoll { set, events })
    }

    /// Watches a descriptor. It leaves the set when it is closed.
    pub fn add(&self, fd: &impl AsRawFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, interest)
    }

    /// Changes what a descriptor is watched for.
    pub fn modify(&self, fd: &impl AsRawFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token, interest)
    }

    fn control(
        &self,
        operation: libc::c_int,
        fd: &impl AsRawFd,
        token: u64,
        interest: Interest,
    ) -> io::Result<()> {
        let events = match interest {
            Interest::None => 0,
            Interest::Read => libc::EPOLLIN,
            Interest::Write => libc::EPOLLOUT,
            Interest::ReadAndWrite => libc::EPOLLIN | libc::EPOLLOUT,
        };
        let mut event = libc::epoll_event {
            events: events.cast_unsigned(),
            u64: token,
        };
        // SAFETY: both descriptors are open while they are borrowed; the event is read only.
        let code = unsafe {
            libc::epoll_ctl(
                self.set.as_raw_fd(),
                operation,
                fd.as_raw_fd(),
                &raw mut event,
            )
        };
        check(code).map(drop)
    }

    /// Waits until a descriptor is ready or the timeout has passed, and stores the ready ones.
    pub fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) {
        ready.clear();
        // Rounded up: a wait that ends before the deadline would be repeated without a pause.
        let timeout_ms = timeout.map_or(-1, |timeout| {
            i32::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
        });
        // SAFETY: the pointer and the length are those of the vector.
        let count = unsafe {
            libc::epoll_wait(
                self.set.as_raw_fd(),
                self.events.as_mut_ptr(),
                READY_MAX as libc::c_int,
                timeout_ms,
            )
        };
        // An interrupted wait has nothing; the caller waits again.
        let count = usize::try_from(count).unwrap_or(0);
        ready.extend(self.events.iter().take(count).map(|event| {
            let has = |flags: libc::c_int| event.events & flags.cast_unsigned() != 0;
            Ready {
                token: event.u64,
                readable: has(libc::EPOLLIN | libc::EPOLLHUP | libc::EPOLLERR),
                writable: has(libc::EPOLLOUT | libc::EPOLLERR),
                hung_up: has(libc::EPOLLHUP | libc::EPOLLERR),
            }
        }));
    }
}

/// Blocked signals as a descriptor that becomes readable.
pub struct SignalReader(OwnedFd);

impl SignalReader {
    /// Reads these signals, which have to be blocked.
    pub fn new(signals: &SignalSet) -> io::Result<SignalReader> {
        let flags = libc::SFD_NONBLOCK | libc::SFD_CLOEXEC;
        // SAFETY: the set is initialised; the descriptor is new and owned here alone.
        unsafe {
            let fd = check(libc::signalfd(-1, signals.as_ptr(), flags))?;
            Ok(SignalReader(OwnedFd::from_raw_fd(fd)))
        }
    }

    /// The number of the next signal that has arrived.
    pub fn next(&self) -> Option<i32> {
        let mut info = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: the structure is writable and as long as the length says; all zeroes is a valid
        // value of it.
        unsafe {
            let count = libc::read(self.0.as_raw_fd(), info.as_mut_ptr().cast(), size);
            let number = info.assume_init().ssi_signo;
            (count == size.cast_signed()).then_some(number.cast_signed())
        }
    }
}

impl AsRawFd for SignalReader {
    fn as_raw_fd(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

fn check(code: libc::c_int) -> io::Result<libc::c_int> {
    match code {
        0.. => Ok(code),
        _ => Err(io::Error::last_os_error()),
    }
}
