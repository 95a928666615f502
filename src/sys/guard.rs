//! A small process that kills the children's process group when this process dies.
//!
//! A child is the leader of a process group of its own, so that it can be killed with what it has
//! started, and it dies with us (`PR_SET_PDEATHSIG`). But what it has started does not: a subshell,
//! and the commands in it, would outlive a SIGKILL that reaches us alone, or our own group, as that
//! of the platform does. The guard shares our memory, so it costs two pages and knows the group
//! without being told; it waits for the signal that the kernel sends when its parent dies, in a
//! group of its own.
//!
//! What has left the group (`setsid`, job control) it does not reach.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_int, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::calls::{call1, call2, call3, call4};

/// The process group of the child that runs; 0: there is none.
static GROUP: AtomicUsize = AtomicUsize::new(0);

/// The guard; 0: there is none.
static GUARD: AtomicUsize = AtomicUsize::new(0);

/// What the guard runs on.
static STACK: Stack = Stack(UnsafeCell::new([0; _]));
struct Stack(UnsafeCell<[u128; STACK_BYTES / 16]>);
const STACK_BYTES: usize = 4096;

// SAFETY: only the guard uses it, and there is one at a time.
unsafe impl Sync for Stack {}

/// What processes are shown as (`PR_SET_NAME`: 15 bytes at most).
const NAME: &CStr = c"bootstrap-guard";

/// The descriptors that it closes where the kernel cannot close all at once (before 5.9).
const DESCRIPTORS: usize = 1024;

/// This is the process group of the child that runs.
pub(super) fn set_group(group: usize) {
    GROUP.store(group, Ordering::Relaxed);
}

/// The number of a child, or of the guard, may be another's from here on.
pub(super) fn forget(pid: usize) {
    for place in [&GROUP, &GUARD] {
        let _ = place.compare_exchange(pid, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Starts the guard, unless there is one. Where there can be none (no processes left, or an
/// emulator without shared memory), all else works.
pub(super) fn start() {
    if GUARD.load(Ordering::Relaxed) != 0 {
        return;
    }
    // SAFETY: no memory is involved.
    let parent = unsafe { call1(libc::SYS_getpid, 0) };
    // SAFETY: the stack grows down from its end, which is aligned to 16. The guard makes system
    // calls only, and writes to no memory but its stack.
    let pid = unsafe {
        let top = STACK.0.get().add(1).cast();
        let argument = null_mut::<c_void>().wrapping_byte_offset(parent);
        libc::clone(guard, top, libc::CLONE_VM | libc::SIGCHLD, argument)
    };
    GUARD.store(pid.max(0) as usize, Ordering::Relaxed);
}

/// The guard's whole life.
extern "C" fn guard(parent: *mut c_void) -> c_int {
    let parent = parent as isize;
    let [everything, death] = [u64::MAX, 1 << (libc::SIGTERM - 1)];
    // SAFETY: valid for reading; no other memory is involved.
    unsafe {
        call2(libc::SYS_setpgid, 0, 0);
        // It holds nothing open: who waits for our end waits for ours alone.
        if call3(libc::SYS_close_range, 0, u32::MAX as usize, 0) < 0 {
            for descriptor in 0..DESCRIPTORS {
                call1(libc::SYS_close, descriptor);
            }
        }
        let (how, mask) = (libc::SIG_SETMASK as usize, &raw const everything as usize);
        call4(libc::SYS_rt_sigprocmask, how, mask, 0, 8);
        let name = NAME.as_ptr() as usize;
        call2(libc::SYS_prctl, libc::PR_SET_NAME as usize, name);
        let (option, signal) = (libc::PR_SET_PDEATHSIG as usize, libc::SIGTERM as usize);
        call2(libc::SYS_prctl, option, signal);
        // It may have died before that was set, and others may send the signal too.
        while call1(libc::SYS_getppid, 0) == parent {
            let set = &raw const death as usize;
            call4(libc::SYS_rt_sigtimedwait, set, 0, 0, 8);
        }
        let group = GROUP.load(Ordering::Relaxed);
        if group != 0 {
            let kill = libc::SIGKILL as usize;
            call2(libc::SYS_kill, group.wrapping_neg(), kill);
        }
        loop {
            call1(libc::SYS_exit, 0);
        }
    }
}
