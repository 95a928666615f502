//! System calls of a process and of all that it starts, one by one (ptrace(2)).
//!
//! A traced process stops before and behind each call; between two stops the tracer may look at
//! what the call has done. All of it belongs to the thread that started the process.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::FromRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::ptr;

/// The part of `struct ptrace_syscall_info` that is read: its kind, and room for the rest (88 bytes
/// as of Linux 6; the kernel writes no more than it is told there is).
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

/// What has happened to one of the traced processes.
pub enum Stop {
    /// It is about to make a call. It waits to be let on.
    Entry(u32),
    /// A call of its is done. It waits to be let on.
    Exit(u32),
    /// Something else; with the signal that it is to be given, it goes on. It waits to be let on.
    Other(u32, i32),
    /// It has ended.
    End(u32, ExitStatus),
}

/// In a new process, before it runs its program: the parent traces it. `false` with errno set.
pub(super) fn be_traced() -> bool {
    request(libc::PTRACE_TRACEME as libc::c_long, 0, 0, 0) == 0
}

/// Readable when a traced process has stopped. Make it before any other thread is started: SIGCHLD
/// is blocked from here on.
pub fn stops_file() -> io::Result<File> {
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

/// The first thing to do with a process that was started to be traced: waits until its program is
/// there, and says what is wanted to know of it.
pub fn begin(pid: u32) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: the status has room.
    let found = unsafe { libc::waitpid(pid.cast_signed(), &mut status, libc::__WALL) };
    if found != pid.cast_signed() || !libc::WIFSTOPPED(status) {
        return Err(io::Error::other("it ended before it could be traced"));
    }
    let set = libc::PTRACE_SETOPTIONS as libc::c_long;
    match request(set, pid, 0, OPTIONS as usize) {
        0 => let_on(pid, 0),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The next stop, if there is one by now. An error: this kernel does not say what a stop is.
pub fn next() -> io::Result<Option<Stop>> {
    let mut status = 0;
    // SAFETY: the status has room.
    let pid = unsafe { libc::waitpid(-1, &mut status, libc::__WALL | libc::WNOHANG) };
    if pid <= 0 {
        return Ok(None); // also when there are none: then the caller has seen them all end
    }
    let pid = pid.unsigned_abs();
    if !libc::WIFSTOPPED(status) {
        return Ok(Some(Stop::End(pid, ExitStatus::from_raw(status))));
    }
    let signal = libc::WSTOPSIG(status);
    if signal != libc::SIGTRAP | 0x80 {
        // A stop for an event has its number above the signal's; the signal is not a real one.
        let signal = if status >> 16 != 0 { 0 } else { signal };
        return Ok(Some(Stop::Other(pid, signal)));
    }
    let mut info = CallInfo {
        kind: 0,
        rest: [0; 127],
    };
    let place = &raw mut info as usize;
    if request(REQUEST_CALL_INFO, pid, size_of::<CallInfo>(), place) < 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::ESRCH) => Ok(Some(Stop::Other(pid, 0))), // killed meanwhile
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

/// Lets a stopped process on, to the next stop; it is given the signal, if that is not 0.
pub fn let_on(pid: u32, signal: i32) -> io::Result<()> {
    let on = libc::PTRACE_SYSCALL as libc::c_long;
    match request(on, pid, 0, signal.unsigned_abs() as usize) {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The system call itself: its declarations in C libraries differ in their types.
fn request(what: libc::c_long, pid: u32, address: usize, data: usize) -> libc::c_long {
    // SAFETY: of the requests here only REQUEST_CALL_INFO writes memory: at most `address` bytes,
    // the size of what `data` points to.
    unsafe { libc::syscall(libc::SYS_ptrace, what, pid as libc::c_long, address, data) }
}
