//! CPUs, CPU time, a child's exit, memory files.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::FromRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// The CPU that the calling thread runs on.
pub fn current_cpu() -> Option<usize> {
    // SAFETY: no memory is involved. (By number: the libc crate lacks the function for musl.)
    let cpu = unsafe {
        let mut cpu: libc::c_uint = 0;
        match libc::syscall(libc::SYS_getcpu, &raw mut cpu, 0, 0) {
            0 => Some(cpu),
            _ => None,
        }
    };
    usize::try_from(cpu?).ok()
}

/// Pins the calling thread, and everything it starts from now on, to one CPU.
pub fn pin_to_cpu(cpu: usize) -> io::Result<()> {
    const BITS: usize = usize::BITS as usize;
    let mut mask = [0usize; 1024 / BITS]; // as long as a cpu_set_t
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

/// The CPU time of all threads of a process; `None` when it is gone.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let mut clock: libc::clockid_t = 0;
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: both are writable; zeros are a valid timespec.
    let time = unsafe {
        let found = libc::clock_getcpuclockid(pid.cast_signed(), &mut clock) == 0
            && libc::clock_gettime(clock, time.as_mut_ptr()) == 0;
        found.then_some(time.assume_init())?
    };
    let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, nanoseconds))
}

/// Ticks of `/proc/PID/stat` per second.
pub fn ticks_per_s() -> u64 {
    // SAFETY: no memory is involved.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    u64::try_from(ticks).unwrap_or(100).max(1)
}

/// The exit status of a child, if it has exited; it is reaped then.
pub fn try_wait(pid: u32) -> Option<ExitStatus> {
    let mut status = 0;
    // SAFETY: the status is writable.
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
