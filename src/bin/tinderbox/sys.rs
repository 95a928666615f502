//! The system calls that std has no word for: stop signals, the fate of children, exec, randomness.
//!
//! This file and its folder have all `unsafe` and `libc` of the tool. Process ids are `u32`, as std
//! has them. What `measure` needs besides: `launch` (a start that costs as little as can be),
//! `meter` (waiting, processors, time of processors), `trace` (system calls of others).
#![allow(unsafe_code)]

pub mod launch;
pub mod meter;
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

/// The signals that ask the tool to stop: blocked everywhere, awaited by one thread.
pub struct StopSignals(libc::sigset_t);

impl StopSignals {
    /// Blocks them in the calling thread and in every thread it starts from now on.
    ///
    /// SIGHUP stays as it is where it is ignored: that is what `nohup` asks for.
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

    /// Waits for one of them.
    pub fn wait(&self) -> i32 {
        let mut signal = 0;
        // SAFETY: the set is initialised and the number has room; sigwait fails only for a set
        // that holds no valid signal.
        while unsafe { libc::sigwait(&self.0, &mut signal) } != 0 {}
        signal
    }
}

/// Makes this process the parent of every descendant whose own parent dies.
pub fn become_subreaper() -> io::Result<()> {
    // SAFETY: this option takes one integer and touches no memory.
    match unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What `execve` is given: a path as it stands, arguments with the name first, `NAME=VALUE`s.
pub struct Image {
    program: CString,
    arguments: CStrings,
    environment: CStrings,
}

impl Image {
    /// An image; a NUL byte in any part is an error.
    pub fn new<A: AsRef<OsStr>, E: AsRef<OsStr>>(
        program: &Path,
        arguments: &[A],
        environment: &[E],
    ) -> io::Result<Image> {
        Ok(Image {
            program: CString::new(program.as_os_str().as_bytes())?,
            arguments: CStrings::new(arguments)?,
            environment: CStrings::new(environment)?,
        })
    }

    fn replace_this_process(&self) -> io::Error {
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

/// Starts the image in `directory`, in a process group of its own, stdin empty, output to `output`.
///
/// It is killed when the calling thread ends, so call this from one that lives as long as the
/// process (prctl(2): the parent of PR_SET_PDEATHSIG is the thread). The kernel alone judges the
/// file: std's own exec is `execvp`, which in glibc hands whatever the kernel refuses to a shell.
pub fn start(image: Image, directory: &Path, output: [OwnedFd; 2]) -> io::Result<u32> {
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
        settle(parent)?;
        Err(image.replace_this_process())
    };
    // SAFETY: between fork and exec the closure makes system calls and allocates nothing.
    unsafe { command.pre_exec(enter) };
    command.spawn().map(|child| child.id())
}

/// What became of this process's children.
pub enum Children {
    /// There are none, neither alive nor waiting to be reaped.
    None,
    /// None of them has ended.
    Running,
    /// This one has ended and is still to be reaped, so its id is still its own.
    Ended(u32),
}

/// Looks at the children and reaps none; `wait` blocks until one has ended or there is none.
pub fn children(wait: bool) -> Children {
    let flags = libc::WEXITED | libc::WNOWAIT | if wait { 0 } else { libc::WNOHANG };
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: the structure has room; all zeroes is a valid value of it, and for a child's end
        // (or for nothing, with WNOHANG: all zeroes) si_pid is the field to read.
        let (code, pid) = unsafe {
            let code = libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), flags);
            (code, info.assume_init_ref().si_pid())
        };
        match code {
            0 if pid == 0 => return Children::Running,
            0 => return Children::Ended(pid.unsigned_abs()),
            _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => return Children::None,
        }
    }
}

/// Reaps a child which has ended; its id may be another's from here on.
pub fn reap(pid: u32) -> ExitStatus {
    let mut status = 0;
    // SAFETY: the status has room. The child has ended, so nothing blocks or interrupts this.
    unsafe { libc::waitpid(pid.cast_signed(), &mut status, 0) };
    ExitStatus::from_raw(status)
}

/// SIGKILL to one child that has not been reaped.
pub fn kill(pid: u32) {
    // SAFETY: kill touches no memory of ours.
    unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) };
}

/// SIGTERM to one child that has not been reaped.
pub fn terminate(pid: u32) {
    // SAFETY: kill touches no memory of ours.
    unsafe { libc::kill(pid.cast_signed(), libc::SIGTERM) };
}

/// SIGKILL to a process group whose leader has not been reaped.
pub fn kill_group(leader: u32) {
    // SAFETY: kill touches no memory of ours.
    unsafe { libc::kill(-leader.cast_signed(), libc::SIGKILL) };
}

/// No more processes, no more descriptors in the system, or in this process.
pub const EAGAIN: i32 = libc::EAGAIN;
pub const ENFILE: i32 = libc::ENFILE;
pub const EMFILE: i32 = libc::EMFILE;

/// How many descriptors this process may have (RLIMIT_NOFILE), or the usual number.
pub fn descriptors_max() -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: 1024,
        rlim_max: 1024,
    };
    // SAFETY: the structure is valid and has room for the answer.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}

/// How many bytes of address space this process may have (RLIMIT_AS); mostly without limit.
pub fn address_space_max() -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: the structure is valid and has room for the answer.
    unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) };
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}

/// Whether a socket has bytes, or its end, that nobody has read. Never waits.
pub fn has_unread(socket: &impl AsRawFd) -> bool {
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    let mut byte = 0u8;
    // SAFETY: the descriptor is open while the socket is borrowed, and one byte has room.
    unsafe { libc::recv(socket.as_raw_fd(), (&raw mut byte).cast(), 1, flags) >= 0 }
}

/// Sixteen bytes that nobody can guess.
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
    /// INVARIANT: never changed after `pointers` is filled, which points into these.
    _strings: Vec<CString>,
}

// SAFETY: the pointers lead to heap memory that the same value owns and that nobody changes.
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

/// In the child: dies with its parent, and starts with no signal blocked, ignored or handled.
fn settle(parent: u32) -> io::Result<()> {
    // SAFETY: these calls are async-signal-safe (signal-safety(7); prctl is a plain system call)
    // and are given no memory but a set that sigemptyset has written.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) != 0 {
            return Err(io::Error::last_os_error());
        }
        // The parent may have died before the line above: then no signal will ever come.
        if libc::getppid() != parent.cast_signed() {
            libc::_exit(1);
        }
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL); // refused for SIGKILL and a few others: fine
        }
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
    }
    Ok(())
}

fn hangup_is_ignored() -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action sigaction only writes the old one, which has room.
    unsafe {
        libc::sigaction(libc::SIGHUP, ptr::null(), action.as_mut_ptr());
        action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}
