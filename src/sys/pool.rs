//! Processes that do the same work side by side, and signals as something to wait for.

use core::ffi::c_int;
use core::ptr::null_mut;

use super::calls::{call1, call2, call3, call4, call6};
use super::child::{CANNOT_RUN, ExitStatus};
use super::{Descriptor, INTERRUPTED, STANDARD_MAX};

unsafe extern "C" {
    /// fork(3) without the handlers that pthread_atfork(3) has put down (POSIX.1-2024). Not the
    /// bare system call: libc keeps the number of the thread, which abort(3) and raise(3) use.
    #[cfg(not(feature = "std"))]
    fn _Fork() -> libc::pid_t;
}

/// The signals that a pool deals in.
pub const SIGCHLD: c_int = libc::SIGCHLD;
/// The end is near.
pub const SIGTERM: c_int = libc::SIGTERM;
/// The end is here.
pub const KILL: c_int = libc::SIGKILL;

/// Both sides of a fork.
pub enum Fork {
    /// In the parent: the child's number.
    Parent(usize),
    /// In the child.
    Child,
}

/// Makes another process like this one; or says by errno(3) why there can be none. To be called
/// while there is one thread.
pub fn fork() -> Result<Fork, usize> {
    // SAFETY: there is one thread, so the child finds no lock held by another.
    #[cfg(feature = "std")]
    let pid = unsafe { libc::fork() };
    // SAFETY: as above.
    #[cfg(not(feature = "std"))]
    let pid = unsafe { _Fork() };
    match pid {
        // SAFETY: libc gives a valid address for this thread.
        ..0 => Err(unsafe { *libc::__errno_location() } as usize),
        0 => Ok(Fork::Child),
        _ => Ok(Fork::Parent(pid.unsigned_abs() as usize)),
    }
}

/// Opens placeholders for those of the descriptors 0, 1 and 2 that are closed. A pipe or a channel
/// that is opened later would get such a number, and what is logged be written into it.
///
/// A placeholder is an epoll instance: it needs no file system, and reading and writing fail with
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

/// The number of this process.
pub fn own_pid() -> usize {
    // SAFETY: no memory is involved.
    unsafe { call1(libc::SYS_getpid, 0) as usize }
}

/// Dies when its parent does; at once, if it has another one than `parent` already.
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

/// Sends a signal to one process of ours that was not yet waited for.
pub fn kill(pid: usize, signal: c_int) {
    // SAFETY: no memory is involved.
    unsafe { call2(libc::SYS_kill, pid, signal as usize) };
}

/// A child that has ended, and how; with `wait`, whenever one does. `None`: there is none (now).
pub fn reap(wait: bool) -> Option<(usize, ExitStatus)> {
    let mut status: c_int = 0;
    let options = if wait { 0 } else { libc::WNOHANG as usize };
    let place = &raw mut status as usize;
    loop {
        // SAFETY: valid for writing.
        let pid = unsafe { call4(libc::SYS_wait4, usize::MAX, place, options, 0) };
        if pid == INTERRUPTED {
            continue;
        }
        return (pid > 0).then(|| {
            let ending = if libc::WIFSIGNALED(status) {
                ExitStatus::Signal(libc::WTERMSIG(status) as usize)
            } else {
                ExitStatus::Exit(libc::WEXITSTATUS(status) as usize)
            };
            (pid.unsigned_abs(), ending)
        });
    }
}

/// Lets signals do what they do by default: who started us may have had them ignored, and a child
/// whose parent ignores SIGCHLD ends without a word (wait(2)).
pub fn reset_to_default(signals: &[c_int]) {
    let nothing = [0usize; 4]; // SIG_DFL, and no flags: the kernel's struct sigaction
    for signal in signals {
        let place = nothing.as_ptr() as usize;
        // SAFETY: valid for reading; there is no handler.
        unsafe { call4(libc::SYS_rt_sigaction, *signal as usize, place, 0, 8) };
    }
}

/// Signals that wait until they are asked for, and no longer do what they did.
pub struct Signals {
    mask: u64,
    /// Readable when one has come.
    pub come: Descriptor,
}

impl Signals {
    /// Blocks these signals in this thread; `None` when there is no descriptor for them.
    pub fn block(signals: &[c_int]) -> Option<Signals> {
        let mask = signals.iter().fold(0, |mask: u64, signal| {
            mask | 1u64.wrapping_shl(signal.wrapping_sub(1) as u32)
        });
        change_mask(libc::SIG_BLOCK, mask);
        let (place, length) = (&raw const mask as usize, size_of::<u64>());
        let flags = (libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) as usize;
        // SAFETY: the mask is valid for the length given.
        let made = unsafe { call4(libc::SYS_signalfd4, usize::MAX, place, length, flags) };
        (made >= 0).then(|| Signals {
            mask,
            come: Descriptor(made as c_int),
        })
    }

    /// Takes one that has come.
    pub fn take(&self) -> Option<c_int> {
        let mut about = core::mem::MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        let length = size_of::<libc::signalfd_siginfo>();
        let place = about.as_mut_ptr() as usize;
        // SAFETY: valid for writing, and zeros are one.
        unsafe {
            let got = call3(libc::SYS_read, self.come.0 as usize, place, length);
            (got == length as isize).then(|| about.assume_init().ssi_signo as c_int)
        }
    }

    /// They do what they did before.
    pub fn unblock(self) {
        change_mask(libc::SIG_UNBLOCK, self.mask);
    }
}

fn change_mask(how: c_int, mask: u64) {
    let (place, length) = (&raw const mask as usize, size_of::<u64>());
    let none = null_mut::<u64>() as usize;
    // SAFETY: the mask is valid for the length given.
    unsafe { call4(libc::SYS_rt_sigprocmask, how as usize, place, none, length) };
}

/// Two ends of a channel that keeps messages apart.
pub fn channel() -> Option<[Descriptor; 2]> {
    super::ipc::pair(libc::SOCK_SEQPACKET)
}

/// A message from a channel, if there is one; 0: there is none.
pub fn try_recv(from: &Descriptor, room: &mut [u8]) -> usize {
    let (start, length) = (room.as_mut_ptr() as usize, room.len());
    let flags = libc::MSG_DONTWAIT as usize;
    // SAFETY: valid for the length given.
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
