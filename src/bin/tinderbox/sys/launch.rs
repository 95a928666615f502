//! Starts a process with an overhead that is small and does not depend on the tool's size.
//!
//! The child shares the tool's memory until it executes the program (as with vfork(2)): nothing is
//! copied, so the time from here to the program's first instruction is the kernel's alone.

use std::ffi::{CString, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use super::ExecImage;
use crate::exit_status::CANNOT_EXECUTE;

/// The child makes a dozen system calls on it.
const STACK_BYTES: usize = 64 * 1024;

/// Whether the tool traces a process (ptrace(2)).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tracing {
    Off,
    On,
}

/// A prepared start.
pub struct Launch {
    args: ChildArgs,
    stack: Vec<u128>,
}

/// Input of the child, in memory that it shares with the tool until it executes the program.
struct ChildArgs {
    image: ExecImage,
    directory: CString,
    input: RawFd,
    output: RawFd,
    parent: libc::pid_t,
    tracing: Tracing,
    /// Why the program could not be executed; 0 for success.
    errno: c_int,
}

impl Launch {
    /// Prepares a start in `directory`; a traced process stops at the program's first instruction.
    ///
    /// `null` is its stdin, `output` its stdout and stderr. Both have to be open during `spawn`.
    pub fn new(
        image: ExecImage,
        directory: &Path,
        null: BorrowedFd<'_>,
        output: BorrowedFd<'_>,
        tracing: Tracing,
    ) -> io::Result<Launch> {
        Ok(Launch {
            args: ChildArgs {
                image,
                directory: CString::new(directory.as_os_str().as_bytes())?,
                input: null.as_raw_fd(),
                output: output.as_raw_fd(),
                // SAFETY: no memory is involved.
                parent: unsafe { libc::getpid() },
                tracing,
                errno: 0,
            },
            stack: vec![0; STACK_BYTES / size_of::<u128>()],
        })
    }

    /// Starts the process as the leader of a process group; it is killed when the calling thread
    /// ends. Returns when the program runs, or the reason why it does not.
    pub fn spawn(&mut self) -> io::Result<u32> {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        self.args.errno = 0;
        // SAFETY: the stack grows down from its end, which has the alignment of a u128; stack and
        // args outlive the child's use of them and are not accessed meanwhile, because CLONE_VFORK
        // suspends this thread until the child has executed the program or exited.
        let pid = unsafe {
            let top = self.stack.as_mut_ptr().add(self.stack.len()).cast();
            libc::clone(child_main, top, flags, (&raw mut self.args).cast())
        };
        if pid < 0 {
            return Err(io::Error::last_os_error());
        }
        match self.args.errno {
            0 => Ok(pid.unsigned_abs()),
            errno => {
                super::reap(pid.unsigned_abs());
                Err(io::Error::from_raw_os_error(errno))
            }
        }
    }
}

/// In the child: executes the program. Only system calls: the memory is the parent's.
extern "C" fn child_main(args: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes arguments that are valid and not accessed elsewhere meanwhile.
    let args = unsafe { &mut *args.cast::<ChildArgs>() };
    // SAFETY: async-signal-safe calls, with valid strings and sets; errno is that of the suspended
    // parent thread.
    unsafe {
        libc::setpgid(0, 0);
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        // The parent may have died before the line above: then no signal arrives.
        if libc::getppid() != args.parent {
            libc::_exit(CANNOT_EXECUTE);
        }
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL); // fails for SIGKILL and a few others
        }
        let none = std::mem::zeroed::<libc::sigset_t>();
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
        let ready = libc::dup2(args.input, 0) >= 0
            && libc::dup2(args.output, 1) >= 0
            && libc::dup2(args.output, 2) >= 0
            && libc::chdir(args.directory.as_ptr()) == 0
            && (args.tracing == Tracing::Off || super::trace::request_tracing());
        let error = match ready {
            true => args.image.exec(),
            false => io::Error::last_os_error(),
        };
        args.errno = error.raw_os_error().unwrap_or(libc::EINVAL);
        libc::_exit(CANNOT_EXECUTE)
    }
}
