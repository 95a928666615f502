//! System calls that std does not offer: stop signals, states of children, exec, randomness.
//!
//! This file and its folder hold all `unsafe` and `libc` of the tool. Process ids are `u32`, as in
//! std. `launch` starts processes, `enter` prepares what they do before their program, `in_root`
//! looks into another root, `pidfd` sends signals to processes that are no children, `epoll` waits
//! for descriptors, `socket_diag` finds owners of sockets. For `measure` alone: `poller` (poll(2)),
//! `resources` (CPUs and CPU time), `trace` (system calls of another process).
#![allow(unsafe_code)]

pub mod enter;
pub mod epoll;
pub mod in_root;
pub mod launch;
pub mod pidfd;
pub mod poller;
pub mod resources;
pub mod socket_diag;
pub mod trace;

use std::cell::RefCell;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::ptr;

use enter::Enter;
use launch::{Launch, Tracing};

/// The signals that the tool waits for, blocked in all threads: those that stop it, and SIGCHLD.
pub struct SignalSet(libc::sigset_t);

/// Sent when a child has exited.
pub const SIGCHLD: i32 = libc::SIGCHLD;

impl SignalSet {
    /// Blocks the signals that stop the tool, and SIGCHLD if it is wanted too, in the calling
    /// thread and in every thread it starts from now on.
    ///
    /// An ignored SIGHUP stays ignored: `nohup` depends on it.
    pub fn block(with_children: bool) -> io::Result<SignalSet> {
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
            if with_children {
                libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
            }
            let code = libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut());
            (set.assume_init(), code)
        };
        match code {
            0 => Ok(SignalSet(set)),
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

    fn as_ptr(&self) -> *const libc::sigset_t {
        &raw const self.0
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
    /// The file, where it is open: the path may name nothing in the new process's file system.
    file: Option<File>,
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
            file: None,
            program: CString::new(program.as_os_str().as_bytes())?,
            arguments: CStrings::new(arguments)?,
            environment: CStrings::new(environment)?,
        })
    }

    /// Executes this open file, whatever the path names. Not for scripts: the interpreter could not
    /// open it.
    pub fn with_file(mut self, file: File) -> ExecImage {
        self.file = Some(file);
        self
    }

    /// Replaces this process; returns only the error.
    fn exec(&self) -> io::Error {
        let (arguments, environment) = (&self.arguments.pointers, &self.environment.pointers);
        // SAFETY: terminated strings and two null-terminated arrays of such, owned by self. (By
        // number: some C libraries have no execveat.)
        unsafe {
            match &self.file {
                None => {
                    let (arguments, environment) = (arguments.as_ptr(), environment.as_ptr());
                    libc::execve(self.program.as_ptr(), arguments, environment);
                }
                Some(file) => {
                    libc::syscall(
                        libc::SYS_execveat,
                        file.as_raw_fd(),
                        c"".as_ptr(),
                        arguments.as_ptr(),
                        environment.as_ptr(),
                        libc::AT_EMPTY_PATH,
                    );
                }
            }
        }
        io::Error::last_os_error()
    }
}

/// Starts a process in `directory` and in a process group of its own, with an empty stdin; `output`
/// is its stdout and stderr. Before its program it performs the steps of `enter`. Returns its id.
///
/// It is killed when the calling thread ends, so the thread has to live as long as the tool
/// (prctl(2): the parent of PR_SET_PDEATHSIG is the thread).
pub fn spawn(
    image: ExecImage,
    directory: &Path,
    output: &[OwnedFd; 2],
    enter: &Enter,
) -> io::Result<u32> {
    let null = File::open("/dev/null")?;
    let [out, err] = output;
    let output = [out.as_fd(), err.as_fd()];
    Launch::new(image, directory, null.as_fd(), output, enter, Tracing::Off)?.spawn()
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
    let flags = libc::WEXITED | libc::WNOWAIT | libc::WNOHANG;
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

/// Makes reads and writes return at once (fcntl(2)).
pub fn set_nonblocking(fd: &impl AsRawFd) -> io::Result<()> {
    // SAFETY: no memory is involved; the descriptor is open while it is borrowed.
    let code = unsafe {
        let flags = libc::fcntl(fd.as_raw_fd(), libc::F_GETFL);
        libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK)
    };
    match code {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Reads once, up to `limit` bytes, into the memory that a vector has behind its bytes.
pub fn receive_into(socket: &impl AsRawFd, into: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
    let free = into.spare_capacity_mut();
    let count = free.len().min(limit);
    // SAFETY: as many bytes are writable there.
    let received = unsafe { libc::recv(socket.as_raw_fd(), free.as_mut_ptr().cast(), count, 0) };
    let Ok(received) = usize::try_from(received) else {
        return Err(io::Error::last_os_error());
    };
    // SAFETY: the system has written these bytes behind those of the vector.
    unsafe { into.set_len(into.len() + received) };
    Ok(received)
}

/// Whether a write of up to `PIPE_BUF` bytes would not block now (poll(2)).
pub fn is_writable(fd: &impl AsRawFd) -> bool {
    let mut polled = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one structure, valid and writable.
    unsafe { libc::poll(&raw mut polled, 1, 0) > 0 }
}

/// Whether a write can block: to a pipe, a socket or a terminal (fstat(2)).
pub fn may_block(fd: &impl AsRawFd) -> bool {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the structure is writable; all zeroes is a valid value of it.
    let mode = unsafe {
        libc::fstat(fd.as_raw_fd(), stat.as_mut_ptr());
        stat.assume_init().st_mode & libc::S_IFMT
    };
    // SAFETY: no memory is involved.
    let is_terminal = || unsafe { libc::isatty(fd.as_raw_fd()) == 1 };
    mode == libc::S_IFIFO || mode == libc::S_IFSOCK || is_terminal()
}

/// Sixteen unpredictable bytes.
pub fn random() -> [u8; 16] {
    thread_local! {
        /// Bytes of one system call for the next ones, and how many are left.
        static AHEAD: RefCell<([u8; 256], usize)> = const { RefCell::new(([0; 256], 0)) };
    }
    AHEAD.with_borrow_mut(|(bytes, left)| {
        if *left == 0 {
            // SAFETY: the pointer and the length are those of the array. getrandom(2) gives up to
            // 256 bytes whole and without interruption once the system has started.
            unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
            *left = bytes.len();
        }
        *left -= 16;
        let mut taken = [0; 16];
        taken.copy_from_slice(&bytes[*left..*left + 16]);
        taken
    })
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

fn hangup_is_ignored() -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action sigaction only writes the old one, which is writable.
    unsafe {
        libc::sigaction(libc::SIGHUP, ptr::null(), action.as_mut_ptr());
        action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}
