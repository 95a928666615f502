//! A start of a process whose own cost is small and the same whatever the tool's size.
//!
//! The child shares the tool's memory until it runs the program (as vfork(2) does): nothing is
//! copied, so the time from here to the program's first instruction is the kernel's alone.

use std::ffi::{CString, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use super::Image;

/// What the child does on it is a dozen system calls.
const STACK_BYTES: usize = 64 * 1024;

/// The exit status of a child whose program could not be run, as shells have it.
const CANNOT_RUN: c_int = 127;

/// Everything a start needs, made ready beforehand.
pub struct Launch {
    plan: Plan,
    stack: Vec<u128>,
}

/// What the child reads, in memory that it shares with us until it runs the program.
struct Plan {
    image: Image,
    directory: CString,
    input: RawFd,
    output: RawFd,
    parent: libc::pid_t,
    is_traced: bool,
    /// Why the program could not be run; 0 while it could.
    failure: c_int,
}

impl Launch {
    /// A start of this image in `directory`; a traced one stops at the program's first instruction.
    ///
    /// `null` is its stdin; stdout and stderr go to `output`. Both have to be open at the start.
    pub fn new(
        image: Image,
        directory: &Path,
        null: BorrowedFd<'_>,
        output: BorrowedFd<'_>,
        is_traced: bool,
    ) -> io::Result<Launch> {
        Ok(Launch {
            plan: Plan {
                image,
                directory: CString::new(directory.as_os_str().as_bytes())?,
                input: null.as_raw_fd(),
                output: output.as_raw_fd(),
                // SAFETY: no memory is involved.
                parent: unsafe { libc::getpid() },
                is_traced,
                failure: 0,
            },
            stack: vec![0; STACK_BYTES / size_of::<u128>()],
        })
    }

    /// Starts it, as the leader of a process group that dies with the calling thread. Returns when
    /// the program runs, or with the reason why it does not.
    pub fn start(&mut self) -> io::Result<u32> {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        self.plan.failure = 0;
        // SAFETY: the stack grows down from its end, which has the alignment of a u128; stack and
        // plan outlive the child's use of them and are touched by nobody else meanwhile, because
        // CLONE_VFORK holds this thread here until the child has run the program or ended.
        let pid = unsafe {
            let top = self.stack.as_mut_ptr().add(self.stack.len()).cast();
            libc::clone(become_program, top, flags, (&raw mut self.plan).cast())
        };
        if pid < 0 {
            return Err(io::Error::last_os_error());
        }
        match self.plan.failure {
            0 => Ok(pid.unsigned_abs()),
            failure => {
                super::reap(pid.unsigned_abs());
                Err(io::Error::from_raw_os_error(failure))
            }
        }
    }
}

/// In the new process: becomes the program. Only system calls: the memory is the parent's.
extern "C" fn become_program(plan: *mut c_void) -> c_int {
    // SAFETY: `start` gives a plan that is valid and not used elsewhere until the program runs.
    let plan = unsafe { &mut *plan.cast::<Plan>() };
    // SAFETY: async-signal-safe calls, with strings and sets that are valid; errno is that of the
    // thread which waits for us.
    unsafe {
        libc::setpgid(0, 0);
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        // The parent may have died before the line above: then no signal will ever come.
        if libc::getppid() != plan.parent {
            libc::_exit(CANNOT_RUN);
        }
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL); // refused for SIGKILL and a few others: fine
        }
        let none = std::mem::zeroed::<libc::sigset_t>();
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
        let ready = libc::dup2(plan.input, 0) >= 0
            && libc::dup2(plan.output, 1) >= 0
            && libc::dup2(plan.output, 2) >= 0
            && libc::chdir(plan.directory.as_ptr()) == 0
            && (!plan.is_traced || super::trace::be_traced());
        let error = match ready {
            true => plan.image.replace_this_process(),
            false => io::Error::last_os_error(),
        };
        plan.failure = error.raw_os_error().unwrap_or(libc::EINVAL);
        libc::_exit(CANNOT_RUN)
    }
}
