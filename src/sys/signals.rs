//! Signals: dispositions, and blocked signals that are read from a descriptor.

use core::ffi::c_int;
use core::ptr::null_mut;

use super::Descriptor;
use super::calls::{syscall3, syscall4};

/// A child has changed its state.
pub const SIGCHLD: c_int = libc::SIGCHLD;
/// Asks a process to exit.
pub const SIGTERM: c_int = libc::SIGTERM;
/// Kills a process.
pub const SIGKILL: c_int = libc::SIGKILL;

/// Sets the default disposition of signals: our parent may have ignored them, and the children of a
/// process that ignores SIGCHLD leave no exit status (wait(2)).
pub fn reset_to_default(signals: &[c_int]) {
    let nothing = [0usize; 4]; // SIG_DFL, and no flags: the kernel's struct sigaction
    for signal in signals {
        let place = nothing.as_ptr() as usize;
        // SAFETY: valid for reads; there is no handler.
        unsafe { syscall4(libc::SYS_rt_sigaction, *signal as usize, place, 0, 8) };
    }
}

/// Blocked signals, read from a descriptor (signalfd(2)).
pub struct Signals {
    mask: u64,
    /// Readable when a signal is pending.
    pub fd: Descriptor,
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
        let made = unsafe { syscall4(libc::SYS_signalfd4, usize::MAX, place, length, flags) };
        (made >= 0).then(|| Signals {
            mask,
            fd: Descriptor(made as c_int),
        })
    }

    /// The next pending signal, if there is one.
    pub fn try_next(&self) -> Option<c_int> {
        let mut info = core::mem::MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        let length = size_of::<libc::signalfd_siginfo>();
        let place = info.as_mut_ptr() as usize;
        // SAFETY: valid for writes, and all zeros are a valid signalfd_siginfo.
        unsafe {
            let got = syscall3(libc::SYS_read, self.fd.0 as usize, place, length);
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
    unsafe { syscall4(libc::SYS_rt_sigprocmask, how as usize, place, none, length) };
}
