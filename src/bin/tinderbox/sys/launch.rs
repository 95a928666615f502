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
use super::enter::Enter;
use crate::exit_status::CANNOT_EXECUTE;

/// The child makes a few dozen system calls on it.
const STACK_BYTES: usize = 64 * 1024;

/// The child did not come as far as its steps, or it has done all of them.
const NO_STEP: usize = usize::MAX;

/// Whether the tool traces a process (ptrace(2)).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tracing {
    Off,
    On,
}

/// A prepared start.
pub struct Launch<'a> {
    args: ChildArgs<'a>,
    stack: Vec<u128>,
}

/// Input of the child, in memory that it shares with the tool until it executes the program.
struct ChildArgs<'a> {
    /// Nothing: the child only tries the steps.
    image: Option<ExecImage>,
    enter: &'a Enter,
    directory: CString,
    input: RawFd,
    output: [RawFd; 2],
    parent: libc::pid_t,
    tracing: Tracing,
    /// Why the program could not be executed; 0 for success.
    errno: c_int,
    /// The step of `enter` that failed.
    failed_step: usize,
}

impl<'a> Launch<'a> {
    /// Prepares a start in `directory`, as it is named after the steps of `enter`; a traced process
    /// stops at the program's first instruction.
    ///
    /// `null` is its stdin, `output` its stdout and stderr. They have to be open during `spawn`.
    pub fn new(
        image: ExecImage,
        directory: &Path,
        null: BorrowedFd<'_>,
        output: [BorrowedFd<'_>; 2],
        enter: &'a Enter,
        tracing: Tracing,
    ) -> io::Result<Launch<'a>> {
        let directory = CString::new(directory.as_os_str().as_bytes())?;
        let output = output.map(|fd| fd.as_raw_fd());
        let input = null.as_raw_fd();
        Ok(Launch::with(ChildArgs {
            image: Some(image),
            tracing,
            ..ChildArgs::new(enter, directory, input, output)
        }))
    }

    fn with(args: ChildArgs<'a>) -> Launch<'a> {
        Launch {
            args,
            stack: vec![0; STACK_BYTES / size_of::<u128>()],
        }
    }

    /// Starts the process as the leader of a process group; it is killed when the calling thread
    /// ends. Returns when the program runs, or the reason why it does not.
    pub fn spawn(&mut self) -> io::Result<u32> {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        self.args.errno = 0;
        self.args.failed_step = NO_STEP;
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
                Err(self.args.enter.error(self.args.failed_step, errno))
            }
        }
    }
}

impl Enter {
    /// Performs the steps in a process that then exits: whether this system allows them.
    pub fn attempt(&self) -> io::Result<()> {
        let args = ChildArgs::new(self, CString::default(), 0, [1, 2]);
        super::reap(Launch::with(args).spawn()?);
        Ok(())
    }
}

impl<'a> ChildArgs<'a> {
    fn new(enter: &'a Enter, directory: CString, input: RawFd, output: [RawFd; 2]) -> Self {
        ChildArgs {
            image: None,
            enter,
            directory,
            input,
            output,
            // SAFETY: no memory is involved.
            parent: unsafe { libc::getpid() },
            tracing: Tracing::Off,
            errno: 0,
            failed_step: NO_STEP,
        }
    }

    /// In the child: everything before the program's execution; `false` with errno set.
    fn prepare(&mut self) -> bool {
        if let Err(step) = self.enter.run() {
            self.failed_step = step;
            return false;
        }
        if self.image.is_none() {
            return true;
        }
        // SAFETY: async-signal-safe calls, with valid strings and sets.
        unsafe {
            // Behind the steps: the kernel may clear it when the credentials change.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
            // The parent may have died before the line above: then no signal arrives.
            if libc::getppid() != self.parent {
                libc::_exit(CANNOT_EXECUTE);
            }
            for signal in 1..=libc::SIGRTMAX() {
                libc::signal(signal, libc::SIG_DFL); // fails for SIGKILL and a few others
            }
            let none = std::mem::zeroed::<libc::sigset_t>();
            libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
            let [out, err] = self.output;
            libc::dup2(self.input, 0) >= 0
                && libc::dup2(out, 1) >= 0
                && libc::dup2(err, 2) >= 0
                && libc::chdir(self.directory.as_ptr()) == 0
                && (self.tracing == Tracing::Off || super::trace::request_tracing())
        }
    }
}

/// In the child: executes the program. Only system calls: the memory is the parent's.
extern "C" fn child_main(args: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes arguments that are valid and not accessed elsewhere meanwhile.
    let args = unsafe { &mut *args.cast::<ChildArgs<'_>>() };
    // SAFETY: async-signal-safe calls; errno is that of the suspended parent thread.
    unsafe {
        libc::setpgid(0, 0);
        let is_ready = args.prepare();
        let error = match &args.image {
            Some(image) if is_ready => image.exec(),
            None if is_ready => libc::_exit(0),
            _ => io::Error::last_os_error(),
        };
        args.errno = error.raw_os_error().unwrap_or(libc::EINVAL);
        libc::_exit(CANNOT_EXECUTE)
    }
}
