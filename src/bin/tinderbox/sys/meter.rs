//! Waiting for sockets, choosing a processor, and what processes have used of one.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, RawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// A set of descriptors to wait for; its memory is used again and again.
#[derive(Default)]
pub struct Poller(Vec<libc::pollfd>);

impl Poller {
    /// Forgets all descriptors.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds one that is waited for until it can be read.
    pub fn push(&mut self, fd: RawFd) {
        self.add(fd, libc::POLLIN);
    }

    /// Adds one that is waited for until it can be read or, if that is of use, written.
    pub fn push_either(&mut self, fd: RawFd, also_to_write: bool) {
        self.add(
            fd,
            libc::POLLIN | if also_to_write { libc::POLLOUT } else { 0 },
        );
    }

    fn add(&mut self, fd: RawFd, events: libc::c_short) {
        self.0.push(libc::pollfd {
            fd,
            events,
            revents: 0,
        });
    }

    /// Waits until one is ready or the time has passed; a signal is as good as a time-out.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let count = self.0.len() as libc::nfds_t;
        // SAFETY: the pointer and the count are those of the vector.
        unsafe { libc::poll(self.0.as_mut_ptr(), count, timeout_ms) > 0 }
    }

    /// Whether the descriptor that was added as this one is ready, or its other end is gone.
    pub fn is_ready(&self, index: usize) -> bool {
        self.0.get(index).is_some_and(|polled| polled.revents != 0)
    }
}

/// The processor that the calling thread is on.
pub fn this_cpu() -> Option<usize> {
    // SAFETY: no memory is involved. (By number, for musl's libc has no name for it here.)
    let cpu = unsafe {
        let mut cpu: libc::c_uint = 0;
        match libc::syscall(libc::SYS_getcpu, &raw mut cpu, 0, 0) {
            0 => Some(cpu),
            _ => None,
        }
    };
    usize::try_from(cpu?).ok()
}

/// Keeps the calling thread, and what it starts from now on, on one processor.
pub fn pin(cpu: usize) -> io::Result<()> {
    const BITS: usize = usize::BITS as usize;
    let mut mask = [0usize; 1024 / BITS]; // as many as a cpu_set_t has
    match mask.get_mut(cpu / BITS) {
        Some(word) => *word = 1 << (cpu % BITS),
        None => return Err(io::ErrorKind::InvalidInput.into()),
    }
    // SAFETY: the size is that of the mask; an array of longs is what the kernel reads.
    match unsafe { libc::sched_setaffinity(0, size_of_val(&mask), mask.as_ptr().cast()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What all threads of a live process have used of processors; `None` when it is gone.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let mut clock: libc::clockid_t = 0;
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: both have room; zeros are a timespec.
    let time = unsafe {
        let found = libc::clock_getcpuclockid(pid.cast_signed(), &mut clock) == 0
            && libc::clock_gettime(clock, time.as_mut_ptr()) == 0;
        found.then_some(time.assume_init())?
    };
    let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, nanoseconds))
}

/// How many ticks of `/proc/PID/stat` make a second.
pub fn ticks_per_s() -> u64 {
    // SAFETY: no memory is involved.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    u64::try_from(ticks).unwrap_or(100).max(1)
}

/// The end of one child, if it has come; it is reaped then.
pub fn ended(pid: u32) -> Option<ExitStatus> {
    let mut status = 0;
    // SAFETY: the status has room.
    let found = unsafe { libc::waitpid(pid.cast_signed(), &mut status, libc::WNOHANG) };
    (found == pid.cast_signed()).then(|| ExitStatus::from_raw(status))
}

/// An unnamed file in memory.
pub fn memory_file() -> io::Result<File> {
    // SAFETY: a terminated string; the descriptor is new, so the file is its only owner.
    unsafe {
        match libc::memfd_create(c"output".as_ptr(), libc::MFD_CLOEXEC) {
            fd if fd >= 0 => Ok(File::from_raw_fd(fd)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
