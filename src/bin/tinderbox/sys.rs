//! System calls that std does not offer: stop signals, states of children, exec, randomness.
//!
//! This file and its folder hold all `unsafe` and `libc` of the tool. Process ids are `u32`, as in
//! std. `socket_diag`: owners of sockets. For `measure` alone: `launch` (a start with the least
//! overhead), `poller` (poll(2)), `resources` (CPUs, CPU time), `trace` (another's system calls).
#![allow(unsafe_code)]

pub mod launch;
pub mod poller;
pub mod resources;
pub mod socket_diag;
pub mod trace;

use std::ffi::{CString, OsStr};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::ptr;

use crate::exit_status;

/// The signals that stop the tool: blocked in all threads, awaited by one.
pub struct StopSignals(libc::sigset_t);

impl StopSignals {
    /// Blocks them in the calling thread and in every thread it starts from now on.
    ///
    /// An ignored SIGHUP stays ignored: `nohup` depends on it.
    pub fn block() -> io::Result<StopSignals> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigemptyset writes the whole set before anything reads it; the other two are
        // given that set and no old mask to store.
        let (set, code) = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGQUIT, libc::SIGHUP] {
                if signal != libc::SIGHUP || !hangup_is_ignored() {
                    libc::sigaddset(set.as_mut_ptr(), signal);
                }
            }
            let code = libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut());
            (set.assume_init(), code)
        };
        match code {
            0 => Ok(StopSignals(set)),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }

    /// Waits for one of them; its number.
    pub fn wait(&self) -> i32 {
        let mut signal = 0;
        // SAFETY: the set is initialised and the number is writable; sigwait fails only for a set
        // that holds no valid signal.
        while unsafe { libc::sigwait(&self.0, &mut signal) } != 0 {}
        signal
    }
}

/// Makes this process the subreaper: it adopts every descendant whose own parent dies.
pub fn become_subreaper() -> io::Result<()> {
    // SAFETY: this option takes one integer and touches no memory.
    match unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The arguments of `execve`: a path, arguments that begin with the name, and `NAME=VALUE`s.
pub struct ExecImage {
    program: CString,
    arguments: CStrings,
    environment: CStrings,
}

impl ExecImage {
    /// Fails for a NUL byte in any part.
    pub fn new<A: AsRef<OsStr>, E: AsRef<OsStr>>(
        program: &Path,
        arguments: &[A],
        environment: &[E],
    ) -> io::Result<ExecImage> {
        Ok(ExecImage {
            program: CString::new(program.as_os_str().as_bytes())?,
            arguments: CStrings::new(arguments)?,
            environment: CStrings::new(environment)?,
        })
    }

    /// Replaces this process; returns only the error.
    fn exec(&self) -> io::Error {
        // SAFETY: a terminated string and two null-terminated arrays of such, owned by self.
        unsafe {
            libc::execve(
                self.program.as_ptr(),
                self.arguments.pointers.as_ptr(),
                self.environment.pointers.as_ptr(),
            );
        }
        io::Error::last_os_error()
    }
}

/// Starts a process in `directory` and in a process group of its own, with an empty stdin; `output`
/// is its stdout and stderr. Returns its id.
///
/// It is killed when the calling thread ends, so the thread has to live as long as the tool
/// (prctl(2): the parent of PR_SET_PDEATHSIG is the thread). Not std's own exec: that is `execvp`,
/// which in glibc passes a file that the kernel refuses to a shell.
pub fn spawn(image: ExecImage, directory: &Path, output: [OwnedFd; 2]) -> io::Result<u32> {
    let [out, err] = output;
    let parent = std::process::id();
    let mut command = Command::new("/proc/self/exe"); // never reached: the closure replaces us
    command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .process_group(0);
    let enter = move || {
        reset_child_process(parent)?;
        Err(image.exec())
    };
    // SAFETY: between fork and exec the closure makes system calls and allocates nothing.
    unsafe { command.pre_exec(enter) };
    command.spawn().map(|child| child.id())
}

/// The state of this process's children.
pub enum ChildState {
    /// There are no children, neither running nor waiting to be reaped.
    None,
    /// None of the children has exited.
    Running,
    /// This child has exited and is not reaped, so its id is still its own.
    Exited(u32),
}

/// The state of the children at once; reaps none.
pub fn poll_children() -> ChildState {
    wait_id(libc::WNOHANG)
}

/// Waits until a child has exited or there is none; reaps none.
pub fn wait_for_child() -> ChildState {
    wait_id(0)
}

fn wait_id(flags: libc::c_int) -> ChildState {
    let flags = libc::WEXITED | libc::WNOWAIT | flags;
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: the structure is writable; all zeroes is a valid value of it, and si_pid is the
        // field to read for a child's exit and, with WNOHANG, for none: all zeroes.
        let (code, pid) = unsafe {
            let code = libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), flags);
            (code, info.assume_init_ref().si_pid())
        };
        match code {
            0 if pid == 0 => return ChildState::Running,
            0 => return ChildState::Exited(pid.unsigned_abs()),
            _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => return ChildState::None,
        }
    }
}

/// Reaps a child which has try_wait; its id may be another's from here on.
pub fn reap(pid: u32) -> ExitStatus {
    let mut status = 0;
    // SAFETY: the status is writable. The child has exited, so this neither blocks nor fails.
    unsafe { libc::waitpid(pid.cast_signed(), &mut status, 0) };
    ExitStatus::from_raw(status)
}

/// Sends SIGKILL to a child that is not reaped.
pub fn send_sigkill(pid: u32) {
    // SAFETY: kill accesses no memory.
    unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) };
}

/// Sends SIGTERM to a child that is not reaped.
pub fn send_sigterm(pid: u32) {
    // SAFETY: kill accesses no memory.
    unsafe { libc::kill(pid.cast_signed(), libc::SIGTERM) };
}

/// Sends SIGKILL to a process group whose leader is not reaped.
pub fn kill_group(leader: u32) {
    // SAFETY: kill accesses no memory.
    unsafe { libc::kill(-leader.cast_signed(), libc::SIGKILL) };
}

/// No more processes; no more descriptors in the system; or in this process.
pub const EAGAIN: i32 = libc::EAGAIN;
pub const ENFILE: i32 = libc::ENFILE;
pub const EMFILE: i32 = libc::EMFILE;

/// The limit of this process's descriptors (RLIMIT_NOFILE), or the usual number.
pub fn descriptors_max() -> usize {
    soft_limit(libc::RLIMIT_NOFILE, 1024)
}

/// The limit of this process's address space in bytes (RLIMIT_AS); mostly unlimited.
pub fn address_space_max() -> usize {
    soft_limit(libc::RLIMIT_AS, libc::RLIM_INFINITY)
}

fn soft_limit(resource: Resource, default: libc::rlim_t) -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: default,
        rlim_max: default,
    };
    // SAFETY: the structure is valid and writable.
    unsafe { libc::getrlimit(resource, &mut limit) };
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}

/// The type of `RLIMIT_...`: C libraries differ.
#[cfg(target_env = "musl")]
type Resource = libc::c_int;
#[cfg(not(target_env = "musl"))]
type Resource = libc::__rlimit_resource_t;

/// Whether a socket has unread bytes or an unread end of stream. Never waits.
pub fn has_unread(socket: &impl AsRawFd) -> bool {
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    let mut byte = 0u8;
    // SAFETY: the descriptor is open while the socket is borrowed, and one byte is writable.
    unsafe { libc::recv(socket.as_raw_fd(), (&raw mut byte).cast(), 1, flags) >= 0 }
}

/// Sixteen unpredictable bytes.
pub fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    // SAFETY: the pointer and the length are those of the array. getrandom(2) gives up to 256
    // bytes whole and without interruption once the system has started.
    unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    bytes
}

/// Strings and the null-terminated array of pointers to them that `execve` takes.
struct CStrings {
    pointers: Vec<*const libc::c_char>,
    /// INVARIANT: never changed after `pointers` is filled, which points into these strings.
    _strings: Vec<CString>,
}

// SAFETY: the pointers lead to heap memory that this value owns and that is never changed.
unsafe impl Send for CStrings {}
// SAFETY: as above; shared access only reads.
unsafe impl Sync for CStrings {}

impl CStrings {
    fn new<S: AsRef<OsStr>>(strings: &[S]) -> io::Result<CStrings> {
        let strings = strings
            .iter()
            .map(|string| CString::new(string.as_ref().as_bytes()).map_err(io::Error::from))
            .collect::<io::Result<Vec<CString>>>()?;
        let mut pointers: Vec<_> = strings.iter().map(|string| string.as_ptr()).collect();
        pointers.push(ptr::null());
        Ok(CStrings {
            pointers,
            _strings: strings,
        })
    }
}

/// In the child: it is killed when its parent dies, and no signal is blocked, ignored or handled.
fn reset_child_process(parent: u32) -> io::Result<()> {
    // SAFETY: these calls are async-signal-safe (signal-safety(7); prctl is a plain system call)
    // and access no memory but a set that sigemptyset has written.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) != 0 {
            return Err(io::Error::last_os_error());
        }
        // The parent may have died before the line above: then no signal arrives.
        if libc::getppid() != parent.cast_signed() {
            libc::_exit(exit_status::CANNOT_EXECUTE);
        }
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL); // fails for SIGKILL and a few others
        }
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
    }
    Ok(())
}

fn hangup_is_ignored() -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action sigaction only writes the old one, which is writable.
    unsafe {
        libc::sigaction(libc::SIGHUP, ptr::null(), action.as_mut_ptr());
        action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}
