//! Children: how they are started and killed, and how they end.

use core::ffi::{c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::null;
use core::sync::atomic::{AtomicIsize, Ordering};

use super::calls::{call1, call2, call3, call4, call5};
use super::environment::Environment;
use super::envp::Envp;
use super::files::c_string;
use super::guard;
use super::{Descriptor, INTERRUPTED};

/// What a new process does on a stack of its own before it becomes the program: a few system calls.
const STACK_BYTES: usize = 16 * 1024;

/// The highest signal number of Linux (signal(7)).
const SIGNAL_MAX: usize = 64;

/// The exit status of a child whose program could not be run, as shells have it.
pub const CANNOT_RUN: usize = 127;

/// The most arguments of a program, with its name.
pub const ARGUMENTS_MAX: usize = 15;

/// A started process, leader of a process group of its own.
pub struct Child {
    pid: usize,
    /// Readable when the process has ended. Kernels before 5.3 have none.
    pub ended: Option<Descriptor>,
}

/// How a process ended.
pub enum ExitStatus {
    /// By itself, with this status.
    Exit(usize),
    /// By this signal.
    Signal(usize),
}

/// What to start, and how.
pub struct Start<'a> {
    /// The program, with a NUL at its end.
    pub path: &'a [u8],
    /// Its arguments, the first of which is its name, each with a NUL at its end; the first that is
    /// none ends them.
    pub arguments: &'a [Option<&'a [u8]>],
    /// Its environment.
    pub environment: Envp<'a>,
    /// Its descriptors 0 to 3; without one, it has what we have there.
    pub streams: [Option<&'a Descriptor>; 4],
}

/// What the child needs to know, in the memory that it shares with us until it runs the program.
struct ChildArgs<'a> {
    path: *const c_char,
    arguments: [*const c_char; ARGUMENTS_MAX + 1],
    environment: Envp<'a>,
    streams: [c_int; 4],
    parent: isize,
    /// Why the program could not be run, if it could not.
    failure: AtomicIsize,
}

const NO_STREAM: c_int = -1;

impl Child {
    /// Runs a program. Returns when it runs, or the number that says why not.
    ///
    /// The child shares our memory until then (as vfork(2) does), so nothing is copied, whatever
    /// our size. It dies with us, and has default signal dispositions and an empty mask: a shell
    /// could not undo an ignored signal. (Where memory is not shared after all, under qemu's user
    /// mode, a program that cannot be run is a child that exits with 127.)
    pub fn start(start: &Start) -> Result<Child, usize> {
        let plan = ChildArgs {
            path: c_string(start.path),
            arguments: argv(start.arguments),
            environment: start.environment,
            streams: start
                .streams
                .map(|stream| stream.map_or(NO_STREAM, |stream| stream.0)),
            // SAFETY: no memory is involved.
            parent: unsafe { call1(libc::SYS_getpid, 0) },
            failure: AtomicIsize::new(0),
        };
        let mut stack = MaybeUninit::<[u128; STACK_BYTES / 16]>::uninit();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the stack grows down from its end, which is aligned to 16; stack and plan outlive
        // the child's use of them, for CLONE_VFORK holds us here until it has run the program or
        // ended.
        let pid = unsafe {
            let top = stack.as_mut_ptr().add(1).cast();
            libc::clone(child_main, top, flags, (&raw const plan).cast_mut().cast())
        };
        if pid < 0 {
            // SAFETY: libc gives a valid address for this thread.
            return Err(unsafe { *libc::__errno_location() }.unsigned_abs() as usize);
        }
        let pid = pid.unsigned_abs() as usize;
        // SAFETY: no memory is involved. The process is ours and not yet waited for, so the number
        // cannot be another's.
        let ended = unsafe { call2(libc::SYS_pidfd_open, pid, 0) };
        let child = Child {
            pid,
            ended: Descriptor::of(ended),
        };
        match plan.failure.load(Ordering::Relaxed) {
            0 => {
                guard::start();
                Ok(child)
            }
            failure => {
                child.ending();
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
            unsafe { call2(libc::SYS_kill, target, signal) };
        }
    }

    /// Whether it has ended. It is not waited for yet, so its number is still its own.
    pub fn has_ended(&self) -> bool {
        let mut about = MaybeUninit::<libc::siginfo_t>::zeroed();
        let (kind, place) = (libc::P_PID as usize, about.as_mut_ptr() as usize);
        let options = (libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) as usize;
        // SAFETY: valid for writing, and zeros are one.
        unsafe {
            call5(libc::SYS_waitid, kind, self.pid, place, options, 0) < 0
                || about.assume_init_ref().si_pid() != 0
        }
    }

    /// Lets go of one that has ended, unless `reap_orphans` did.
    pub fn reap(&self) {
        guard::forget(self.pid);
        // SAFETY: no memory is involved.
        unsafe { call4(libc::SYS_wait4, self.pid, 0, libc::WNOHANG as usize, 0) };
    }

    /// Waits for its end, and says how that was. Ask once.
    pub fn ending(&self) -> ExitStatus {
        guard::forget(self.pid);
        let mut status: c_int = 0;
        let place = &raw mut status as usize;
        loop {
            // SAFETY: valid for writing.
            let pid = unsafe { call4(libc::SYS_wait4, self.pid, place, 0, 0) };
            return match pid {
                INTERRUPTED => continue,
                // Nothing to wait for: somebody else did, and the status is lost.
                ..=0 => ExitStatus::Exit(CANNOT_RUN),
                _ if libc::WIFSIGNALED(status) => {
                    ExitStatus::Signal(libc::WTERMSIG(status) as usize)
                }
                _ => ExitStatus::Exit(libc::WEXITSTATUS(status) as usize),
            };
        }
    }
}

/// Becomes a program, whose arguments are its path, this `first` one, and all that this process has
/// behind its own name; both texts have a NUL at their end. Returns the errno(3) that says why not;
/// then the arguments of this process are lost. To be called before `environ` is another list than
/// that of the start.
pub fn exec(path: &[u8], first: &[u8], environment: &Environment) -> usize {
    let environment = environment.entries().address();
    // The kernel leaves the number of arguments, the arguments and a null right before the
    // environment (System V ABI, "Process Initialization"). The place of the number becomes that of
    // the first argument, so there is room for one more, however many there are.
    let mut list = (environment as *mut *const c_char).wrapping_sub(2);
    let mut count = 0;
    // SAFETY: within that list. An address is never as small as the number of arguments.
    unsafe {
        while *list as usize != count {
            list = list.sub(1);
            count += 1;
        }
        if count == 0 {
            return libc::EINVAL as usize; // no place for the first one (Linux before 5.18)
        }
        *list = c_string(path);
        *list.add(1) = c_string(first);
    }
    let (path, list) = (c_string(path) as usize, list as usize);
    // SAFETY: C strings, and lists of them that end in null.
    unsafe { call3(libc::SYS_execve, path, list, environment) }.unsigned_abs()
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

/// Takes leave of children of children that were left to us, as they are to process 1; not of
/// `kept`, whose end others will ask for.
pub fn reap_orphans(kept: Option<&Child>) {
    let mut about = MaybeUninit::<libc::siginfo_t>::zeroed();
    let place = about.as_mut_ptr() as usize;
    let options = (libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) as usize;
    loop {
        // SAFETY: valid for writing, and zeros are one.
        let (found, pid) = unsafe {
            about = MaybeUninit::zeroed();
            let found = call5(libc::SYS_waitid, libc::P_ALL as usize, 0, place, options, 0);
            (found, about.assume_init_ref().si_pid() as usize)
        };
        if found < 0 || pid == 0 || kept.is_some_and(|kept| kept.pid == pid) {
            return;
        }
        let orphan = Child { pid, ended: None };
        orphan.reap();
    }
}

/// In the new process: becomes the program.
extern "C" fn child_main(plan: *mut c_void) -> c_int {
    let nothing = [0usize; 4];
    let start = nothing.as_ptr() as usize;
    // SAFETY: the plan is valid until the program runs, see `start`. Only system calls are made
    // here, for our memory is the parent's.
    unsafe {
        let plan = &*plan.cast::<ChildArgs<'_>>();
        call2(libc::SYS_setpgid, 0, 0);
        let own = call1(libc::SYS_getpid, 0);
        guard::set_group(own.unsigned_abs());
        let (option, kill) = (libc::PR_SET_PDEATHSIG as usize, libc::SIGKILL as usize);
        call2(libc::SYS_prctl, option, kill);
        // It may have died before that was set.
        if call1(libc::SYS_getppid, 0) != plan.parent {
            call1(libc::SYS_exit, CANNOT_RUN);
        }
        let mut signal = 1;
        while signal <= SIGNAL_MAX {
            call4(libc::SYS_rt_sigaction, signal, start, 0, 8);
            signal += 1;
        }
        let set = libc::SIG_SETMASK as usize;
        call4(libc::SYS_rt_sigprocmask, set, start, 0, 8);
        for (number, stream) in plan.streams.into_iter().enumerate() {
            if stream == number as c_int {
                // It stays where it is, but for what closes it (dup3 refuses that).
                call3(libc::SYS_fcntl, number, libc::F_SETFD as usize, 0);
            } else if stream != NO_STREAM {
                call3(libc::SYS_dup3, stream as usize, number, 0);
            }
        }
        let (path, list) = (plan.path as usize, plan.arguments.as_ptr() as usize);
        let environment = plan.environment.address();
        let failure = call3(libc::SYS_execve, path, list, environment);
        plan.failure.store(failure, Ordering::Relaxed);
    }
    CANNOT_RUN as c_int
}
