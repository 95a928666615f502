//! Forked workers: fork, kill, reap, and the channel to the parent.

use core::ffi::c_int;

use super::calls::{syscall1, syscall2, syscall4, syscall6};
use super::child::{CANNOT_RUN, ExitStatus};
use super::{Descriptor, INTERRUPTED};

unsafe extern "C" {
    /// fork(3) without the handlers of pthread_atfork(3) (POSIX.1-2024). Not the raw system call:
    /// libc caches the thread id, which abort(3) and raise(3) use.
    #[cfg(not(feature = "std"))]
    fn _Fork() -> libc::pid_t;
}

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

/// The pid of this process.
pub fn own_pid() -> usize {
    // SAFETY: no memory is involved.
    unsafe { syscall1(libc::SYS_getpid, 0) as usize }
}

/// Has this process killed when its parent dies. Exits if its parent is not `parent` any more.
pub fn set_parent_death_signal(parent: usize) {
    let (option, signal) = (libc::PR_SET_PDEATHSIG as usize, libc::SIGKILL as usize);
    // SAFETY: no memory is involved.
    let now = unsafe {
        syscall2(libc::SYS_prctl, option, signal);
        syscall1(libc::SYS_getppid, 0) as usize
    };
    if now != parent {
        super::exit(CANNOT_RUN as i32);
    }
}

/// Sends a signal to a child that was not reaped yet.
pub fn kill(pid: usize, signal: c_int) {
    // SAFETY: no memory is involved.
    unsafe { syscall2(libc::SYS_kill, pid, signal as usize) };
}

/// Reaps a child that has exited; with `wait`, blocks until one does. `None`: no child has exited.
pub fn reap(wait: bool) -> Option<(usize, ExitStatus)> {
    let mut status: c_int = 0;
    let options = if wait { 0 } else { libc::WNOHANG as usize };
    let place = &raw mut status as usize;
    loop {
        // SAFETY: valid for writes.
        let pid = unsafe { syscall4(libc::SYS_wait4, usize::MAX, place, options, 0) };
        if pid == INTERRUPTED {
            continue;
        }
        return (pid > 0).then(|| (pid.unsigned_abs(), ExitStatus::from_wait_status(status)));
    }
}

/// The two ends of a channel that keeps message boundaries (`SOCK_SEQPACKET`).
pub fn seqpacket_pair() -> Option<[Descriptor; 2]> {
    super::ipc::socketpair(libc::SOCK_SEQPACKET).ok()
}

/// Reads a message from a channel without blocking. Returns its length; 0: no message.
pub fn try_recv(from: &Descriptor, buf: &mut [u8]) -> usize {
    let (start, length) = (buf.as_mut_ptr() as usize, buf.len());
    let flags = libc::MSG_DONTWAIT as usize;
    // SAFETY: valid for its length.
    let got = unsafe {
        syscall6(
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
