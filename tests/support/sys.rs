//! System calls that std does not offer: the only unsafe code of the tests.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes the close of this socket a reset (RST) instead of an orderly close (FIN).
pub fn reset_on_close(stream: &TcpStream) {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    // SAFETY: the descriptor is open while `stream` lives, and the option's value is a `linger`
    // of the length that is given.
    let result = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        )
    };
    assert_eq!(result, 0, "setsockopt SO_LINGER");
}

/// Sets the receive buffer of the connections of this listener, in bytes. The kernel doubles the
/// number and has a minimum (socket(7)).
pub fn set_receive_buffer(listener: &TcpListener, bytes: i32) {
    // SAFETY: the descriptor is open while `listener` lives, and the option's value is an int of
    // the length that is given.
    let result = unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUF,
            (&raw const bytes).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    };
    assert_eq!(result, 0, "setsockopt SO_RCVBUF");
}

/// Sends a signal to one process; a process that is already gone is not an error.
pub fn kill(pid: u32, signal: i32) {
    assert!(pid > 1, "never a process group, never init");
    // SAFETY: kill takes plain integers and touches no memory of this process.
    unsafe { libc::kill(pid as i32, signal) };
}

/// The same to the process group that a process leads.
pub fn kill_group(leader: u32, signal: i32) {
    assert!(leader > 1, "never the own group, never all processes");
    // SAFETY: kill takes plain integers and touches no memory of this process.
    unsafe { libc::kill(-(leader as i32), signal) };
}

/// Signals that tests send or expect.
pub const SIGKILL: i32 = libc::SIGKILL;
/// Raised by `abort`.
pub const SIGABRT: i32 = libc::SIGABRT;
/// A request to terminate.
pub const SIGTERM: i32 = libc::SIGTERM;

/// Makes this socket descriptor 3 of the processes that the command starts.
pub fn give_as_three(command: &mut Command, socket: &UnixStream) {
    let from = socket.as_raw_fd();
    let give = move || {
        // SAFETY: both take plain integers, touch no memory and may run between fork and exec
        // (signal-safety(7)). A descriptor made by dup2 stays open over exec; for one that is 3
        // already, the flag is cleared.
        let result = unsafe {
            match from {
                3 => libc::fcntl(3, libc::F_SETFD, 0),
                _ => libc::dup2(from, 3),
            }
        };
        match result {
            -1 => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // SAFETY: the closure only makes the system call above.
    unsafe { command.pre_exec(give) };
}

/// A process that does not exit, not even by SIGKILL, until this is dropped: like one that waits
/// for a network file system. The thread that made it has to drop it.
pub struct Undying {
    pid: i32,
}

impl Undying {
    /// Traces a process so that it stops before its exit; `None` where tracing is not allowed.
    pub fn new(pid: u32) -> Option<Undying> {
        let pid = pid as i32;
        let options = libc::PTRACE_O_TRACEEXIT as usize;
        // SAFETY: no memory is involved.
        let result = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0usize, options) };
        (result == 0).then_some(Undying { pid })
    }
}

impl Drop for Undying {
    fn drop(&mut self) {
        // SAFETY: the status is optional, and no other memory is involved.
        unsafe {
            libc::kill(self.pid, libc::SIGKILL);
            libc::waitpid(self.pid, std::ptr::null_mut(), libc::__WALL);
            libc::ptrace(libc::PTRACE_DETACH, self.pid, 0usize, 0usize);
        }
    }
}

/// The processor time that this thread has used.
pub fn thread_time() -> std::time::Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the structure is valid for writing.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "clock_gettime CLOCK_THREAD_CPUTIME_ID");
    std::time::Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Stops a process, which cannot catch it.
pub const SIGSTOP: i32 = libc::SIGSTOP;
/// Lets a stopped process go on.
pub const SIGCONT: i32 = libc::SIGCONT;

/// The number of processes and threads of a user. The other two limits are of a process: the number
/// of descriptors, and the bytes of address space.
pub const PROCESSES: i32 = libc::RLIMIT_NPROC as i32;
/// See above.
pub const DESCRIPTORS: i32 = libc::RLIMIT_NOFILE as i32;
/// See above.
pub const ADDRESS_SPACE: i32 = libc::RLIMIT_AS as i32;

/// Limits a resource of the process that the command starts (setrlimit(2)).
pub fn limit(command: &mut Command, resource: i32, most: u64) {
    let set = move || {
        let limit = libc::rlimit {
            rlim_cur: most,
            rlim_max: most,
        };
        // SAFETY: the structure is valid, and the call may run between fork and exec.
        match unsafe { libc::setrlimit(resource as _, &limit) } {
            -1 => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // SAFETY: the closure only makes the system call above.
    unsafe { command.pre_exec(set) };
}

/// Raises the limit of this process's descriptors as far as the system allows; the new limit.
pub fn raise_descriptors() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure is valid and writable.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
    }
    limit.rlim_cur
}

/// Gives the process that the command starts a mount namespace of its own, in which the first
/// folder of each pair is mounted over the second one, and then `root` as its root directory, with
/// `folder` as the current one in it. Needs root: see [`can_mount`].
pub fn isolate(command: &mut Command, mounts: &[(PathBuf, PathBuf)], root: &Path, folder: &Path) {
    let path = |path: &Path| CString::new(path.as_os_str().as_bytes()).expect("no NUL");
    let mounts = mounts.iter().map(|(from, over)| (path(from), path(over)));
    let mounts: Vec<_> = mounts.collect();
    let (root, folder) = (path(root), path(folder));
    let isolate = move || {
        let none = std::ptr::null();
        let failed = || Err(std::io::Error::last_os_error());
        let (private, bind) = (
            libc::MS_REC | libc::MS_PRIVATE,
            libc::MS_REC | libc::MS_BIND,
        );
        // SAFETY: all strings end with NUL and outlive the calls; NULL is a source, a type and data
        // that are ignored. The calls may run between fork and exec. Before a mount, the namespace
        // is cut off from the one that it was copied from.
        unsafe {
            if libc::unshare(libc::CLONE_NEWNS) != 0
                || libc::mount(none, c"/".as_ptr(), none, private, none.cast()) != 0
            {
                return failed();
            }
            for (from, over) in &mounts {
                if libc::mount(from.as_ptr(), over.as_ptr(), none, bind, none.cast()) != 0 {
                    return failed();
                }
            }
            if libc::chroot(root.as_ptr()) != 0 || libc::chdir(folder.as_ptr()) != 0 {
                return failed();
            }
        }
        Ok(())
    };
    // SAFETY: the closure only makes the system calls above.
    unsafe { command.pre_exec(isolate) };
}

/// Closes all descriptors but the three standard ones of the process that the command starts.
pub fn close_others(command: &mut Command) {
    // SAFETY: plain integers; the call may run between fork and exec.
    let close = || match unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3u32,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    } {
        -1 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    };
    // SAFETY: the closure only makes the system call above.
    unsafe { command.pre_exec(close) };
}

/// Whether this process may mount a folder over another.
pub fn can_mount(over: &str) -> bool {
    let mut command = Command::new("/bin/true");
    let mount = (std::env::temp_dir(), PathBuf::from(over));
    isolate(&mut command, &[mount], Path::new("/"), Path::new("/"));
    command.status().is_ok_and(|status| status.success())
}
