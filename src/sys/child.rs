//! Children: how they are started, watched and killed, and the pipes between them and us.

use core::ffi::{c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::null;
use core::sync::atomic::{AtomicIsize, Ordering};

use super::{Descriptor, ENVIRON, INTERRUPTED, call};

/// What a new process does on a stack of its own before it becomes the program: a few system calls.
const STACK_BYTES: usize = 16 * 1024;

/// The highest signal number of Linux (signal(7)).
const SIGNAL_MAX: usize = 64;

/// The exit status of a child whose program could not be run, as shells have it.
pub const CANNOT_RUN: usize = 127;

/// A started process, leader of a process group of its own.
pub struct Child {
    pid: usize,
    /// Readable when the process has ended. Kernels before 5.3 have none.
    pub ended: Option<Descriptor>,
}

/// How a process ended.
pub enum Ending {
    /// By itself, with this status.
    Exit(usize),
    /// By this signal.
    Signal(usize),
}

/// What the child needs to know, in the memory that it shares with us until it runs the program.
struct Plan {
    path: *const c_char,
    streams: [c_int; 3],
    parent: isize,
    /// Why the program could not be run, if it could not.
    failure: AtomicIsize,
}

impl Child {
    /// Runs the program at `path` (with a NUL at its end), without arguments, with the environment
    /// as it is, and these standard streams. Returns when it runs, or the number that says why not.
    ///
    /// The child shares our memory until then (as vfork(2) does), so nothing is copied, whatever
    /// our size. It dies with us, and has default signal dispositions and an empty mask: a shell
    /// could not undo an ignored signal. (Where memory is not shared after all, under qemu's user
    /// mode, a program that cannot be run is a child that exits with 127.)
    pub fn start(path: &[u8], streams: [&Descriptor; 3]) -> Result<Child, usize> {
        let plan = Plan {
            path: path.as_ptr().cast(),
            streams: streams.map(|stream| stream.0),
            // SAFETY: no memory is involved.
            parent: unsafe { call(libc::SYS_getpid, 0, 0, 0, 0, 0) },
            failure: AtomicIsize::new(0),
        };
        let mut stack = MaybeUninit::<[u128; STACK_BYTES / 16]>::uninit();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the stack grows down from its end, which is aligned to 16; stack and plan outlive
        // the child's use of them, for CLONE_VFORK holds us here until it has run the program or
        // ended.
        let pid = unsafe {
            let top = stack.as_mut_ptr().add(1).cast();
            libc::clone(
                become_program,
                top,
                flags,
                (&raw const plan).cast_mut().cast(),
            )
        };
        if pid < 0 {
            // SAFETY: libc gives a valid address for this thread.
            return Err(unsafe { *libc::__errno_location() }.unsigned_abs() as usize);
        }
        let pid = pid.unsigned_abs() as usize;
        // SAFETY: no memory is involved. The process is ours and not yet waited for, so the number
        // cannot be another's.
        let ended = unsafe { call(libc::SYS_pidfd_open, pid, 0, 0, 0, 0) };
        let child = Child {
            pid,
            ended: descriptor(ended),
        };
        match plan.failure.load(Ordering::Relaxed) {
            0 => Ok(child),
            failure => {
                child.ending(true);
                Err(failure.unsigned_abs())
            }
        }
    }

    /// Kills it and its process group.
    pub fn kill(&self) {
        // SAFETY: no memory is involved. The leader is not yet waited for, so the group's number is
        // still its own.
        unsafe {
            call(
                libc::SYS_kill,
                self.pid.wrapping_neg(),
                libc::SIGKILL as usize,
                0,
                0,
                0,
            )
        };
    }

    /// How it ended; `None` while it has not, unless told to wait. Ask no more when it was said.
    pub fn ending(&self, wait: bool) -> Option<Ending> {
        let mut status: c_int = 0;
        let options = if wait { 0 } else { libc::WNOHANG as usize };
        let place = &raw mut status as usize;
        loop {
            // SAFETY: valid for writing.
            let pid = unsafe { call(libc::SYS_wait4, self.pid, place, options, 0, 0) };
            match pid {
                INTERRUPTED => {}
                0 => return None,
                // Nothing to wait for: somebody else did, and the status is lost.
                ..0 => return Some(Ending::Exit(CANNOT_RUN)),
                _ if libc::WIFSIGNALED(status) => {
                    return Some(Ending::Signal(libc::WTERMSIG(status) as usize));
                }
                _ => return Some(Ending::Exit(libc::WEXITSTATUS(status) as usize)),
            }
        }
    }
}

fn descriptor(number: isize) -> Option<Descriptor> {
    (number >= 0).then(|| Descriptor(number as c_int))
}

/// Makes sure that 0, 1 and 2 are open, so that nothing that is opened later is one of them.
pub fn open_standard_streams() {
    // SAFETY: a C string; no other memory is involved.
    while let open = unsafe {
        let path = c"/dev/null".as_ptr() as usize;
        call(
            libc::SYS_openat,
            libc::AT_FDCWD as usize,
            path,
            libc::O_RDWR as usize,
            0,
            0,
        )
    } && let Some(null) = descriptor(open)
    {
        if open > 2 {
            return;
        }
        core::mem::forget(null);
    }
}

/// Whether a path (with a NUL at its end) is that of a regular file that we may execute.
pub fn is_executable(path: &[u8]) -> bool {
    let mut about = MaybeUninit::<libc::stat>::zeroed();
    let (here, path) = (libc::AT_FDCWD as usize, path.as_ptr() as usize);
    let place = about.as_mut_ptr() as usize;
    // SAFETY: a C string; valid for writing, and zeros are a stat.
    unsafe {
        call(libc::SYS_newfstatat, here, path, place, 0, 0) == 0
            && about.assume_init().st_mode & libc::S_IFMT == libc::S_IFREG
            && call(libc::SYS_faccessat, here, path, libc::X_OK as usize, 0, 0) == 0
    }
}

/// A pipe: the end to read from, which does not block, and the end to write to, which does.
pub fn pipe() -> Option<(Descriptor, Descriptor)> {
    let mut ends: [c_int; 2] = [0; 2];
    // SAFETY: valid for writing two descriptors.
    let made = unsafe {
        let place = ends.as_mut_ptr() as usize;
        call(libc::SYS_pipe2, place, libc::O_CLOEXEC as usize, 0, 0, 0)
    };
    let [from, to] = ends.map(Descriptor);
    if made < 0 {
        core::mem::forget((from, to));
        return None;
    }
    let (set, flags) = (libc::F_SETFL as usize, libc::O_NONBLOCK as usize);
    // SAFETY: no memory is involved.
    unsafe { call(libc::SYS_fcntl, from.0 as usize, set, flags, 0, 0) };
    Some((from, to))
}

/// A file in memory that holds `bytes`, to be read from its start.
pub fn memory_file(bytes: &[u8]) -> Option<Descriptor> {
    // SAFETY: a C string.
    let made = unsafe {
        let name = c"event".as_ptr() as usize;
        call(
            libc::SYS_memfd_create,
            name,
            libc::MFD_CLOEXEC as usize,
            0,
            0,
            0,
        )
    };
    let file = descriptor(made)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let (start, length) = (rest.as_ptr() as usize, rest.len());
        // SAFETY: valid for the length given.
        let written = unsafe { call(libc::SYS_write, file.0 as usize, start, length, 0, 0) };
        if written <= 0 && written != INTERRUPTED {
            return None;
        }
        rest = rest.get(written.max(0) as usize..).unwrap_or_default();
    }
    // SAFETY: no memory is involved.
    unsafe {
        call(
            libc::SYS_lseek,
            file.0 as usize,
            0,
            libc::SEEK_SET as usize,
            0,
            0,
        )
    };
    Some(file)
}

/// What a pipe has to give.
pub enum Read {
    /// So many bytes.
    Some(usize),
    /// Nothing now.
    Nothing,
    /// Nothing any more.
    End,
}

/// Reads what is there, without waiting.
pub fn read(from: &Descriptor, room: &mut [u8]) -> Read {
    loop {
        let (start, length) = (room.as_mut_ptr() as usize, room.len());
        // SAFETY: valid for the length given.
        let got = unsafe { call(libc::SYS_read, from.0 as usize, start, length, 0, 0) };
        match got {
            INTERRUPTED => {}
            WOULD_BLOCK => return Read::Nothing,
            1.. => return Read::Some(got.unsigned_abs()),
            _ => return Read::End,
        }
    }
}

const WOULD_BLOCK: isize = -(libc::EAGAIN as isize);

/// Waits until one of them has something to say, or `timeout_ms` has passed, if there is one, and
/// says which. An interruption is as good as a time-out.
pub fn wait_for(descriptors: [Option<&Descriptor>; 3], timeout_ms: Option<u64>) -> [bool; 3] {
    let mut polled = descriptors.map(|descriptor| libc::pollfd {
        fd: descriptor.map_or(-1, |descriptor| descriptor.0),
        events: libc::POLLIN,
        revents: 0,
    });
    let time = timeout_ms.map(|timeout_ms| libc::timespec {
        tv_sec: (timeout_ms / 1000) as _,
        tv_nsec: (timeout_ms % 1000 * 1_000_000) as _,
    });
    let time_place = time.as_ref().map_or(0, |time| &raw const *time as usize);
    let (place, count) = (polled.as_mut_ptr() as usize, polled.len());
    // SAFETY: valid for writing `count` of them; the time is valid or absent.
    unsafe { call(libc::SYS_ppoll, place, count, time_place, 0, 0) };
    polled.map(|one| one.revents != 0)
}

/// Takes leave of children of children that were left to us, as they are to process 1.
pub fn reap_orphans() {
    // SAFETY: no memory is involved.
    while unsafe { call(libc::SYS_wait4, usize::MAX, 0, libc::WNOHANG as usize, 0, 0) } > 0 {}
}

/// In the new process: becomes the program.
extern "C" fn become_program(plan: *mut c_void) -> c_int {
    let nothing = [0usize; 4];
    // SAFETY: the plan is valid until the program runs, see `start`. Only system calls are made
    // here, for our memory is the parent's.
    unsafe {
        let plan = &*plan.cast::<Plan>();
        call(libc::SYS_setpgid, 0, 0, 0, 0, 0);
        call(
            libc::SYS_prctl,
            libc::PR_SET_PDEATHSIG as usize,
            libc::SIGKILL as usize,
            0,
            0,
            0,
        );
        // It may have died before that was set.
        if call(libc::SYS_getppid, 0, 0, 0, 0, 0) != plan.parent {
            call(libc::SYS_exit, CANNOT_RUN, 0, 0, 0, 0);
        }
        let mut signal = 1;
        while signal <= SIGNAL_MAX {
            call(
                libc::SYS_rt_sigaction,
                signal,
                nothing.as_ptr() as usize,
                0,
                8,
                0,
            );
            signal += 1;
        }
        let set = libc::SIG_SETMASK as usize;
        call(
            libc::SYS_rt_sigprocmask,
            set,
            nothing.as_ptr() as usize,
            0,
            8,
            0,
        );
        for (number, stream) in plan.streams.into_iter().enumerate() {
            call(libc::SYS_dup3, stream as usize, number, 0, 0, 0);
        }
        let arguments: [*const c_char; 2] = [plan.path, null()];
        let environ = ENVIRON.load(Ordering::Relaxed) as usize;
        let path = plan.path as usize;
        let failure = call(
            libc::SYS_execve,
            path,
            arguments.as_ptr() as usize,
            environ,
            0,
            0,
        );
        plan.failure.store(failure, Ordering::Relaxed);
    }
    CANNOT_RUN as c_int
}
