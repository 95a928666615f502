//! Child processes: how they are spawned, killed and waited for.

use core::ffi::{c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::null;
use core::sync::atomic::{AtomicIsize, Ordering};

use super::calls::{syscall1, syscall2, syscall3, syscall4, syscall5};
use super::envp::Envp;
use super::files::c_string;
use super::guard;
use super::{Descriptor, INTERRUPTED};
use crate::limits::CONSOLE_ARGUMENTS_MAX;

/// Standard input.
pub const STDIN: usize = 0;
/// Standard output.
pub const STDOUT: usize = 1;
/// Standard error.
pub const STDERR: usize = 2;

/// The stack of a new process until it executes the program: it makes a few system calls.
const STACK_BYTES: usize = 16 * 1024;

/// The highest signal number of Linux (signal(7)).
const SIGNAL_MAX: usize = 64;

/// The exit status of a child whose program could not be executed, as shells have it.
pub const CANNOT_RUN: usize = 127;

/// The most arguments of a program, with its name: those of a command, after its interpreter and
/// its file.
pub const ARGUMENTS_MAX: usize = 2 + CONSOLE_ARGUMENTS_MAX;

/// The most descriptors that a child can be given.
pub const CHILD_FDS_MAX: usize = 8;

/// A child process, leader of a process group of its own.
pub struct Child {
    pid: usize,
    /// Readable when the process has exited. Kernels before 5.3 have none.
    pub pidfd: Option<Descriptor>,
}

/// How a process ended.
pub enum ExitStatus {
    /// It exited with this status.
    Exit(usize),
    /// This signal killed it.
    Signal(usize),
}

impl ExitStatus {
    /// Decodes the status that wait4(2) stores.
    pub(super) fn from_wait_status(status: c_int) -> ExitStatus {
        if libc::WIFSIGNALED(status) {
            return ExitStatus::Signal(libc::WTERMSIG(status) as usize);
        }
        ExitStatus::Exit(libc::WEXITSTATUS(status) as usize)
    }
}

/// The program to spawn, with its arguments, environment and descriptors.
pub struct Spawn<'a> {
    /// The program, with a NUL at its end.
    pub path: &'a [u8],
    /// Its arguments, the first of which is its name, each with a NUL at its end; the first `None`
    /// ends them.
    pub arguments: &'a [Option<&'a [u8]>],
    /// Its environment.
    pub environment: Envp<'a>,
    /// Its descriptors, each with the number that it has in the child; what is beyond
    /// `CHILD_FDS_MAX` is left out. Where there is `None`, the child inherits ours if it is 0, 1 or
    /// 2, and has nothing else.
    pub fds: &'a [(usize, Option<&'a Descriptor>)],
}

/// The data of the child, in the memory that it shares with us until it executes the program.
struct ChildArgs<'a> {
    path: *const c_char,
    argv: [*const c_char; ARGUMENTS_MAX + 1],
    environment: Envp<'a>,
    /// The number in the child, and ours.
    fds: [(c_int, c_int); CHILD_FDS_MAX],
    parent: isize,
    /// The negative errno of the call that failed in the child; 0: none did.
    failure: AtomicIsize,
}

const NO_FD: (c_int, c_int) = (-1, -1);

impl Child {
    /// Spawns a process. Returns when it executes the program.
    ///
    /// The child shares our memory until then (as vfork(2) does), so nothing is copied, whatever
    /// our size. It is killed when we die, and has default signal dispositions and an empty mask: a
    /// shell could not undo an ignored signal. (Where memory is not shared after all, under qemu's
    /// user mode, a program that cannot be executed is a child that exits with 127.)
    ///
    /// # Errors
    /// The errno of clone(2), or of the call that failed in the child: fcntl(2), dup3(2) or
    /// execve(2).
    pub fn spawn(spawn: &Spawn) -> Result<Child, usize> {
        let mut fds = [NO_FD; CHILD_FDS_MAX];
        for (place, (number, descriptor)) in fds.iter_mut().zip(spawn.fds) {
            *place = descriptor.map_or(NO_FD, |descriptor| (*number as c_int, descriptor.0));
        }
        let args = ChildArgs {
            path: c_string(spawn.path),
            argv: argv(spawn.arguments),
            environment: spawn.environment,
            fds,
            // SAFETY: no memory is involved.
            parent: unsafe { syscall1(libc::SYS_getpid, 0) },
            failure: AtomicIsize::new(0),
        };
        let mut stack = MaybeUninit::<[u128; STACK_BYTES / 16]>::uninit();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the stack grows down from its end, which is aligned to 16; stack and arguments
        // outlive the child's use of them, for CLONE_VFORK holds us here until it has executed the
        // program or exited.
        let pid = unsafe {
            let top = stack.as_mut_ptr().add(1).cast();
            libc::clone(child_main, top, flags, (&raw const args).cast_mut().cast())
        };
        if pid < 0 {
            // SAFETY: libc gives a valid address for this thread.
            return Err(unsafe { *libc::__errno_location() }.unsigned_abs() as usize);
        }
        let pid = pid.unsigned_abs() as usize;
        // SAFETY: no memory is involved. The process is ours and not yet waited for, so the number
        // cannot be another's.
        let pidfd = unsafe { syscall2(libc::SYS_pidfd_open, pid, 0) };
        let child = Child {
            pid,
            pidfd: Descriptor::from_ret(pidfd),
        };
        match args.failure.load(Ordering::Relaxed) {
            0 => {
                guard::start();
                Ok(child)
            }
            failure => {
                child.wait();
                Err(failure.unsigned_abs())
            }
        }
    }

    /// Kills it and its process group, which it may have left.
    pub fn kill(&self) {
        let signal = libc::SIGKILL as usize;
        for target in [self.pid.wrapping_neg(), self.pid] {
            // SAFETY: no memory is involved. The leader is not yet waited for, so its number, and
            // that of its group, are still its own.
            unsafe { syscall2(libc::SYS_kill, target, signal) };
        }
    }

    /// Asks it to exit (SIGTERM), and not its process group: what it has started is its own.
    pub fn terminate(&self) {
        // SAFETY: no memory is involved. It is not yet waited for, so its number is its own.
        unsafe { syscall2(libc::SYS_kill, self.pid, libc::SIGTERM as usize) };
    }

    /// Whether it has exited. It is not waited for yet, so its number is still its own.
    pub fn has_exited(&self) -> bool {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        let (kind, place) = (libc::P_PID as usize, info.as_mut_ptr() as usize);
        let options = (libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) as usize;
        // SAFETY: valid for writing, and zeros are one.
        unsafe {
            syscall5(libc::SYS_waitid, kind, self.pid, place, options, 0) < 0
                || info.assume_init_ref().si_pid() != 0
        }
    }

    /// Reaps it if it has exited, unless `reap_orphans` did.
    pub fn reap(&self) {
        guard::forget_pid(self.pid);
        // SAFETY: no memory is involved.
        unsafe { syscall4(libc::SYS_wait4, self.pid, 0, libc::WNOHANG as usize, 0) };
    }

    /// Waits until it exits, and reaps it. Call it once.
    pub fn wait(&self) -> ExitStatus {
        guard::forget_pid(self.pid);
        let mut status: c_int = 0;
        let place = &raw mut status as usize;
        loop {
            // SAFETY: valid for writing.
            let pid = unsafe { syscall4(libc::SYS_wait4, self.pid, place, 0, 0) };
            return match pid {
                INTERRUPTED => continue,
                // It was reaped already, and the status is lost.
                ..=0 => ExitStatus::Exit(CANNOT_RUN),
                _ => ExitStatus::from_wait_status(status),
            };
        }
    }
}

/// Executes a program in place of this one (execve(2)). Returns the errno of the failure.
pub fn exec(path: &[u8], arguments: &[Option<&[u8]>], environment: Envp) -> usize {
    let (path, arguments) = (c_string(path) as usize, argv(arguments));
    let list = arguments.as_ptr() as usize;
    // SAFETY: C strings, and lists of them that end in null.
    unsafe { syscall3(libc::SYS_execve, path, list, environment.address()) }.unsigned_abs()
}

/// A list of C strings that ends in null, also before a text that is none; what is beyond
/// `ARGUMENTS_MAX` is left out.
fn argv(arguments: &[Option<&[u8]>]) -> [*const c_char; ARGUMENTS_MAX + 1] {
    let mut list = [null(); ARGUMENTS_MAX + 1];
    for (place, argument) in list.iter_mut().take(ARGUMENTS_MAX).zip(arguments) {
        *place = argument.map_or(null(), c_string);
    }
    list
}

/// Reaps orphans that were reparented to us, as they are to process 1. Leaves `except` unreaped:
/// its owner waits for it.
pub fn reap_orphans(except: Option<&Child>) {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let place = info.as_mut_ptr() as usize;
    let options = (libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) as usize;
    loop {
        // SAFETY: valid for writing, and zeros are one.
        let (found, pid) = unsafe {
            info = MaybeUninit::zeroed();
            let found = syscall5(libc::SYS_waitid, libc::P_ALL as usize, 0, place, options, 0);
            (found, info.assume_init_ref().si_pid() as usize)
        };
        if found < 0 || pid == 0 || except.is_some_and(|child| child.pid == pid) {
            return;
        }
        let orphan = Child { pid, pidfd: None };
        orphan.reap();
    }
}

/// The new process: executes the program.
extern "C" fn child_main(args: *mut c_void) -> c_int {
    let zeros = [0usize; 4];
    let start = zeros.as_ptr() as usize;
    // SAFETY: the arguments are valid until the program is executed, see `spawn`. Only system calls
    // are made here, for our memory is the parent's.
    unsafe {
        let args = &*args.cast::<ChildArgs<'_>>();
        syscall2(libc::SYS_setpgid, 0, 0);
        let own = syscall1(libc::SYS_getpid, 0);
        guard::set_group(own.unsigned_abs());
        let (option, kill) = (libc::PR_SET_PDEATHSIG as usize, libc::SIGKILL as usize);
        syscall2(libc::SYS_prctl, option, kill);
        // The parent may have died before that was set.
        if syscall1(libc::SYS_getppid, 0) != args.parent {
            syscall1(libc::SYS_exit, CANNOT_RUN);
        }
        let mut signal = 1;
        while signal <= SIGNAL_MAX {
            syscall4(libc::SYS_rt_sigaction, signal, start, 0, 8);
            signal += 1;
        }
        let set = libc::SIG_SETMASK as usize;
        syscall4(libc::SYS_rt_sigprocmask, set, start, 0, 8);
        let mut failure = install_fds(args.fds);
        if failure >= 0 {
            let (path, argv) = (args.path as usize, args.argv.as_ptr() as usize);
            let environment = args.environment.address();
            failure = syscall3(libc::SYS_execve, path, argv, environment);
        }
        args.failure.store(failure, Ordering::Relaxed);
    }
    CANNOT_RUN as c_int
}

/// In the child: gives each descriptor its number. Returns the result of the call that failed.
///
/// # Safety
/// It is called in the child alone: descriptors of these numbers are replaced.
unsafe fn install_fds(mut fds: [(c_int, c_int); CHILD_FDS_MAX]) -> isize {
    let mut above = 0;
    for (number, _) in fds {
        above = number.max(above - 1) + 1;
    }
    // No source may have a number that another one is to get: it would be replaced too soon.
    for (number, ours) in &mut fds {
        if *ours < above && ours != number {
            let (copy, from) = (libc::F_DUPFD_CLOEXEC as usize, *ours as usize);
            // SAFETY: no memory is involved.
            let moved = unsafe { syscall3(libc::SYS_fcntl, from, copy, above as usize) };
            if moved < 0 {
                return moved;
            }
            *ours = moved as c_int;
        }
    }
    for (number, ours) in fds {
        let (number, from) = (number as usize, ours as usize);
        // SAFETY: no memory is involved. One that has its number already stays, and only loses its
        // close-on-exec flag (dup3 refuses that).
        let done = unsafe {
            if (number as c_int, from as c_int) == NO_FD {
                0
            } else if number == from {
                syscall3(libc::SYS_fcntl, number, libc::F_SETFD as usize, 0)
            } else {
                syscall3(libc::SYS_dup3, from, number, 0)
            }
        };
        if done < 0 {
            return done;
        }
    }
    0
}

#[cfg(test)]
mod tests;
