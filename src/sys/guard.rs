//! The guard: a small process that kills the child's process group when this process dies.
//!
//! A child leads a process group of its own, so that it can be killed together with its
//! descendants, and it dies with us (`PR_SET_PDEATHSIG`). Its descendants do not: a subshell and
//! its commands would survive a SIGKILL of this process alone, or of its group, which is what the
//! platform sends. The guard shares our memory, so it costs two pages and reads the current group
//! there; it is in a group of its own, and waits for the signal that the kernel sends when its
//! parent dies.
//!
//! It does not reach a descendant that has left the group (`setsid`, job control).

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_int, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::calls::{syscall1, syscall2, syscall3, syscall4};

/// The process group of the running child; 0: none.
static GROUP: AtomicUsize = AtomicUsize::new(0);

/// The pid of the guard; 0: none.
static GUARD: AtomicUsize = AtomicUsize::new(0);

/// The stack of the guard.
static STACK: Stack = Stack(UnsafeCell::new([0; _]));
struct Stack(UnsafeCell<[u128; STACK_BYTES / 16]>);
const STACK_BYTES: usize = 4096;

// SAFETY: only the guard uses it, and there is one guard at a time.
unsafe impl Sync for Stack {}

/// The name of the process (`PR_SET_NAME`: 15 bytes at most).
const NAME: &CStr = c"bootstrap-guard";

/// The number of descriptors that it closes where close_range(2) is missing (Linux before 5.9).
const DESCRIPTORS: usize = 1024;

/// Sets the process group of the running child.
pub(super) fn set_group(group: usize) {
    GROUP.store(group, Ordering::Relaxed);
}

/// Removes a child or the guard that is about to be reaped: its pid may be reused.
pub(super) fn forget_pid(pid: usize) {
    for place in [&GROUP, &GUARD] {
        let _ = place.compare_exchange(pid, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Starts the guard, unless it runs. Where it cannot start (process limit, or an emulator without
/// shared memory), everything else works without it.
pub(super) fn start() {
    if GUARD.load(Ordering::Relaxed) != 0 {
        return;
    }
    // SAFETY: no memory is involved.
    let parent = unsafe { syscall1(libc::SYS_getpid, 0) };
    // SAFETY: the stack grows down from its end, which is aligned to 16. The guard makes only
    // system calls, and writes only to its stack.
    let pid = unsafe {
        let top = STACK.0.get().add(1).cast();
        let argument = null_mut::<c_void>().wrapping_byte_offset(parent);
        libc::clone(guard, top, libc::CLONE_VM | libc::SIGCHLD, argument)
    };
    GUARD.store(pid.max(0) as usize, Ordering::Relaxed);
}

/// The main function of the guard.
extern "C" fn guard(parent: *mut c_void) -> c_int {
    let parent = parent as isize;
    let [everything, death] = [u64::MAX, 1 << (libc::SIGTERM - 1)];
    // SAFETY: valid for reads; no other memory is involved.
    unsafe {
        syscall2(libc::SYS_setpgid, 0, 0);
        // It keeps nothing open: a reader of one of our pipes must see its end when we exit.
        if syscall3(libc::SYS_close_range, 0, u32::MAX as usize, 0) < 0 {
            for descriptor in 0..DESCRIPTORS {
                syscall1(libc::SYS_close, descriptor);
            }
        }
        let (how, mask) = (libc::SIG_SETMASK as usize, &raw const everything as usize);
        syscall4(libc::SYS_rt_sigprocmask, how, mask, 0, 8);
        let name = NAME.as_ptr() as usize;
        syscall2(libc::SYS_prctl, libc::PR_SET_NAME as usize, name);
        let (option, signal) = (libc::PR_SET_PDEATHSIG as usize, libc::SIGTERM as usize);
        syscall2(libc::SYS_prctl, option, signal);
        // The parent may have died before the prctl, and other processes may send the signal too.
        while syscall1(libc::SYS_getppid, 0) == parent {
            let set = &raw const death as usize;
            syscall4(libc::SYS_rt_sigtimedwait, set, 0, 0, 8);
        }
        let group = GROUP.load(Ordering::Relaxed);
        if group != 0 {
            let kill = libc::SIGKILL as usize;
            syscall2(libc::SYS_kill, group.wrapping_neg(), kill);
        }
        loop {
            syscall1(libc::SYS_exit, 0);
        }
    }
}
