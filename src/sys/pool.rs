//! Forked workers: fork, kill, reap, the channel to the parent; and signals that are waited for.

use core::ffi::c_int;
use core::ptr::null_mut;

use super::calls::{call1, call2, call3, call4, call6};
use super::child::{CANNOT_RUN, ExitStatus};
use super::{Descriptor, INTERRUPTED, STANDARD_MAX};

unsafe extern "C" {
    /// fork(3) without the handlers of pthread_atfork(3) (POSIX.1-2024). Not the raw system call:
    /// libc caches the thread id, which abort(3) and raise(3) use.
    #[cfg(not(feature = "std"))]
    fn _Fork() -> libc::pid_t;
}

/// A child has changed its state.
pub const SIGCHLD: c_int = libc::SIGCHLD;
/// Asks a process to exit.
pub const SIGTERM: c_int = libc::SIGTERM;
/// Kills a process.
pub const KILL: c_int = libc::SIGKILL;

/// The side of a fork that returns.
pub enum Fork {
    /// The parent, with the pid of the child.
    Parent(usize),
    /// The child.
    Child,
}

/// Forks this process. Returns the errno where that fails. Only one thread may exist.
pub fn fork() -> Result<Fork, usize> {
    // SAFETY: there is one thread, so no other thread holds a lock in the child.
    #[cfg(feature = "std")]
    let pid = unsafe { libc::fork() };
    // SAFETY: as above.
    #[cfg(not(feature = "std"))]
    let pid = unsafe { _Fork() };
    match pid {
        // SAFETY: libc returns a valid address for this thread.
        ..0 => Err(unsafe { *libc::__errno_location() } as usize),
        0 => Ok(Fork::Child),
        _ => Ok(Fork::Parent(pid.unsigned_abs() as usize)),
    }
}

/// Opens placeholders for those of the descriptors 0, 1 and 2 that are closed. Otherwise a pipe or
/// a channel that is opened later would get such a number, and log lines would be written to it.
///
/// A placeholder is an epoll instance: it needs no file system, and reads and writes fail with
/// EINVAL and raise no signal, much as with a closed descriptor. It stays open across execve(2).
pub fn open_placeholders() {
    let open = || {
        // SAFETY: no memory is involved.
        Descriptor::of(unsafe { call1(libc::SYS_epoll_create1, 0) })
    };
    while let Some(placeholder) = open().filter(|opened| opened.number() <= STANDARD_MAX) {
        core::mem::forget(placeholder);
    }
}

/// The pid of this process.
pub fn own_pid() -> usize {
    // SAFETY: no memory is involved.
    unsafe { call1(libc::SYS_getpid, 0) as usize }
}

/// Has this process killed when its parent dies. Exits if its parent is not `parent` any more.
pub fn set_parent_death_signal(parent: usize) {
    let (option, signal) = (libc::PR_SET_PDEATHSIG as usize, libc::SIGKILL as usize);
    // SAFETY: no memory is involved.
    let now = unsafe {
        call2(libc::SYS_prctl, option, signal);
        call1(libc::SYS_getppid, 0) as usize
    };
    if now != parent {
        super::exit(CANNOT_RUN as i32);
    }
}

/// Sends a signal to a child that was not reaped yet.
pub fn kill(pid: usize, signal: c_int) {
    // SAFETY: no memory is involved.
    unsafe { call2(libc::SYS_kill, pid, signal as usize) };
}

/// Reaps a child that has exited; with `wait`, blocks until one does. `None`: there is none.
pub fn reap(wait: bool) -> Option<(usize, ExitStatus)> {
    let mut status: c_int = 0;
    let options = if wait { 0 } else { libc::WNOHANG as usize };
    let place = &raw mut status as usize;
    loop {
        // SAFETY: valid for writes.
        let pid = unsafe { call4(libc::SYS_wait4, usize::MAX, place, options, 0) };
        if pid == INTERRUPTED {
            continue;
        }
        return (pid > 0).then(|| {
            let exit_status = if libc::WIFSIGNALED(status) {
                ExitStatus::Signal(libc::WTERMSIG(status) as usize)
            } else {
                ExitStatus::Exit(libc::WEXITSTATUS(status) as usize)
            };
            (pid.unsigned_abs(), exit_status)
        });
    }
}

/// Sets the default disposition of signals: our parent may have ignored them, and the children of a
/// process that ignores SIGCHLD leave no exit status (wait(2)).
pub fn reset_to_default(signals: &[c_int]) {
    let nothing = [0usize; 4]; // SIG_DFL, and no flags: the kernel's struct sigaction
    for signal in signals {
        let place = nothing.as_ptr() as usize;
        // SAFETY: valid for reads; there is no handler.
        unsafe { call4(libc::SYS_rt_sigaction, *signal as usize, place, 0, 8) };
    }
}

/// Blocked signals, read from a descriptor (signalfd(2)).
pub struct Signals {
    mask: u64,
    /// Readable when a signal is pending.
    pub come: Descriptor,
}

impl Signals {
    /// Blocks these signals in this thread; `None` if no descriptor can be opened.
    pub fn block(signals: &[c_int]) -> Option<Signals> {
        let mask = signals.iter().fold(0, |mask: u64, signal| {
            mask | 1u64.wrapping_shl(signal.wrapping_sub(1) as u32)
        });
        change_mask(libc::SIG_BLOCK, mask);
        let (place, length) = (&raw const mask as usize, size_of::<u64>());
        let flags = (libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) as usize;
        // SAFETY: the mask is valid for its length.
        let made = unsafe { call4(libc::SYS_signalfd4, usize::MAX, place, length, flags) };
        (made >= 0).then(|| Signals {
            mask,
            come: Descriptor(made as c_int),
        })
    }

    /// The next pending signal, if there is one.
    pub fn take(&self) -> Option<c_int> {
        let mut info = core::mem::MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        let length = size_of::<libc::signalfd_siginfo>();
        let place = info.as_mut_ptr() as usize;
        // SAFETY: valid for writes, and all zeros are a valid signalfd_siginfo.
        unsafe {
            let got = call3(libc::SYS_read, self.come.0 as usize, place, length);
            (got == length as isize).then(|| info.assume_init().ssi_signo as c_int)
        }
    }

    /// Unblocks the signals.
    pub fn unblock(self) {
        change_mask(libc::SIG_UNBLOCK, self.mask);
    }
}

fn change_mask(how: c_int, mask: u64) {
    let (place, length) = (&raw const mask as usize, size_of::<u64>());
    let none = null_mut::<u64>() as usize;
    // SAFETY: the mask is valid for its length.
    unsafe { call4(libc::SYS_rt_sigprocmask, how as usize, place, none, length) };
}

/// The two ends of a channel that keeps message boundaries (`SOCK_SEQPACKET`).
pub fn channel() -> Option<[Descriptor; 2]> {
    super::ipc::pair(libc::SOCK_SEQPACKET)
}

/// Reads a message from a channel without blocking. Returns its length; 0: there is none.
pub fn try_recv(from: &Descriptor, buf: &mut [u8]) -> usize {
    let (start, length) = (buf.as_mut_ptr() as usize, buf.len());
    let flags = libc::MSG_DONTWAIT as usize;
    // SAFETY: valid for its length.
    let got = unsafe {
        call6(
            libc::SYS_recvfrom,
            from.0 as usize,
            start,
            length,
            flags,
            0,
            0,
        )
    };
    got.max(0) as usize
}
