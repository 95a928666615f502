//! Traces the system calls of a process and its descendants (ptrace(2)).
//!
//! A traced process stops before and after each call; between two stops the tracer may observe the
//! effects of the call. Only the thread that started the process may trace it.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::FromRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::ptr;

/// `struct ptrace_syscall_info`: only its kind is read. It has 88 bytes as of Linux 6; the kernel
/// writes no more than the size that it is given.
#[repr(C, align(8))]
struct CallInfo {
    kind: u8,
    rest: [u8; 127],
}

const REQUEST_CALL_INFO: libc::c_long = 0x420e;
const KIND_ENTRY: u8 = 1;
const KIND_EXIT: u8 = 2;

const OPTIONS: libc::c_int = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_EXITKILL;

/// An event of a traced process. After each but `Exited`, the process waits for `resume`.
pub enum Stop {
    /// It is about to make a system call.
    Entry(u32),
    /// A system call has returned.
    Exit(u32),
    /// Any other stop, with the signal to resume it with.
    Other(u32, i32),
    /// It has exited.
    Exited(u32, ExitStatus),
}

/// In a new process before it executes its program: its parent traces it. `false` with errno set.
pub(super) fn request_tracing() -> bool {
    ptrace(libc::PTRACE_TRACEME as libc::c_long, 0, 0, 0) == 0
}

/// A descriptor that is readable when a traced process has stopped. Create it before any other
/// thread is started: it blocks SIGCHLD.
pub fn sigchld_fd() -> io::Result<File> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset writes the whole set before anything reads it; the descriptor is new, so
    // the file is its only owner.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut());
        match libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            fd if fd >= 0 => Ok(File::from_raw_fd(fd)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Waits for the first stop of a process that was started with `Tracing::On`, sets the tracing
/// options and resumes it.
pub fn begin(pid: u32) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: the status is writable.
    let found = unsafe { libc::waitpid(pid.cast_signed(), &mut status, libc::__WALL) };
    if found != pid.cast_signed() || !libc::WIFSTOPPED(status) {
        return Err(io::Error::other("the process exited before its first stop"));
    }
    let set = libc::PTRACE_SETOPTIONS as libc::c_long;
    match ptrace(set, pid, 0, OPTIONS as usize) {
        0 => resume(pid, 0),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The next stop, if there is one. An error: this kernel does not report the kind of a stop.
pub fn next() -> io::Result<Option<Stop>> {
    let mut status = 0;
    // SAFETY: the status is writable.
    let pid = unsafe { libc::waitpid(-1, &mut status, libc::__WALL | libc::WNOHANG) };
    if pid <= 0 {
        return Ok(None); // also if there are no children: then the caller has seen all exits
    }
    let pid = pid.unsigned_abs();
    if !libc::WIFSTOPPED(status) {
        return Ok(Some(Stop::Exited(pid, ExitStatus::from_raw(status))));
    }
    let signal = libc::WSTOPSIG(status);
    if signal != libc::SIGTRAP | 0x80 {
        // A stop for a ptrace event has its number above the signal's, which is not a real one.
        let signal = if status >> 16 != 0 { 0 } else { signal };
        return Ok(Some(Stop::Other(pid, signal)));
    }
    let mut info = CallInfo {
        kind: 0,
        rest: [0; 127],
    };
    let address = &raw mut info as usize;
    if ptrace(REQUEST_CALL_INFO, pid, size_of::<CallInfo>(), address) < 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::ESRCH) => Ok(Some(Stop::Other(pid, 0))), // killed in the meantime
            _ => Err(error),
        };
    }
    let _ = info.rest;
    Ok(Some(match info.kind {
        KIND_ENTRY => Stop::Entry(pid),
        KIND_EXIT => Stop::Exit(pid),
        _ => Stop::Other(pid, 0),
    }))
}

/// Resumes a stopped process until its next stop; a signal other than 0 is delivered to it.
pub fn resume(pid: u32, signal: i32) -> io::Result<()> {
    let request = libc::PTRACE_SYSCALL as libc::c_long;
    match ptrace(request, pid, 0, signal.unsigned_abs() as usize) {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The system call itself: its declarations in C libraries differ in their types.
fn ptrace(request: libc::c_long, pid: u32, address: usize, data: usize) -> libc::c_long {
    // SAFETY: of the requests here only REQUEST_CALL_INFO writes memory: at most `address` bytes,
    // the size of what `data` points to.
    unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            request,
            pid as libc::c_long,
            address,
            data,
        )
    }
}
