//! Files: their kind, their first bytes, and the standard descriptors.

use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;
use core::ptr::null;

use super::calls::{syscall1, syscall2, syscall3, syscall4};
use super::environment::c_string as bytes_of;
use super::{Descriptor, STANDARD_MAX, copy_prefix};
use crate::wire::bytes_eq;

/// The address of a path; 0, which is not a valid address, if it does not end in a NUL.
fn address(path: &[u8]) -> usize {
    c_string(path) as usize
}

/// The C string of a text; null if it does not end in a NUL.
pub(super) fn c_string(text: &[u8]) -> *const c_char {
    if text.last() == Some(&0) {
        text.as_ptr().cast()
    } else {
        null()
    }
}

/// Opens a file that children do not inherit; the path ends in a NUL.
pub(super) fn open(path: &[u8], how: c_int) -> Option<Descriptor> {
    let (here, path) = (libc::AT_FDCWD as usize, address(path));
    let flags = (how | libc::O_CLOEXEC) as usize;
    // SAFETY: a C string, or an address that the kernel rejects (EFAULT).
    Descriptor::from_ret(unsafe { syscall4(libc::SYS_openat, here, path, flags, 0) })
}

/// Duplicates a descriptor to a number above `number`, for children to inherit, and returns that.
pub fn duplicate_above(descriptor: usize, number: usize) -> Option<usize> {
    // SAFETY: no memory is involved.
    let copy = unsafe {
        syscall3(
            libc::SYS_fcntl,
            descriptor,
            libc::F_DUPFD as usize,
            number + 1,
        )
    };
    usize::try_from(copy).ok()
}

/// Opens /dev/null.
pub fn open_null() -> Option<Descriptor> {
    open(b"/dev/null\0", libc::O_RDWR)
}

/// Opens /dev/null for those of the descriptors 0, 1 and 2 that are closed, so that no descriptor
/// that is opened later gets such a number. Without /dev/null, opens placeholders.
pub fn open_standard_streams() {
    while let Some(null) = open_null() {
        if null.raw_fd() > STANDARD_MAX {
            return;
        }
        // Children inherit it.
        // SAFETY: no memory is involved.
        unsafe { syscall3(libc::SYS_fcntl, null.raw_fd(), libc::F_SETFD as usize, 0) };
        core::mem::forget(null);
    }
    open_placeholders();
}

/// Reads the first bytes of a file, as many as fit into `buf`; the path ends in a NUL. Returns
/// their number.
pub fn read_prefix(path: &[u8], buf: &mut [u8]) -> usize {
    open(path, libc::O_RDONLY).map_or(0, |file| file.read(buf))
}

/// The link to this program in /proc.
const PROC_SELF_EXE: &[u8] = b"/proc/self/exe\0";

/// Writes the path of this program to `buf`, as much as fits; 0: it is unknown. Without /proc, it
/// is the path that was executed, made absolute.
pub fn exe_path(buf: &mut [u8]) -> usize {
    let (here, path) = (libc::AT_FDCWD as usize, address(PROC_SELF_EXE));
    let (start, length) = (buf.as_mut_ptr() as usize, buf.len());
    // SAFETY: a C string; the buffer is valid for its length.
    let bytes = unsafe { syscall4(libc::SYS_readlinkat, here, path, start, length) };
    if bytes > 0 {
        return bytes.unsigned_abs();
    }
    let given = executed_path()
        .split_last()
        .map_or(&b""[..], |(_, path)| path);
    let mut bytes = 0;
    if !given.starts_with(b"/") {
        bytes = current_folder(buf);
        if bytes == 0 || given.is_empty() {
            return 0;
        }
        bytes += copy_prefix(buf.get_mut(bytes..).unwrap_or_default(), b"/");
    }
    bytes + copy_prefix(buf.get_mut(bytes..).unwrap_or_default(), given)
}

/// Writes the path of the current folder to `buf`, without a NUL. Returns its length; 0: it does
/// not fit, or has no path.
pub fn current_folder(buf: &mut [u8]) -> usize {
    let (start, length) = (buf.as_mut_ptr() as usize, buf.len());
    // SAFETY: valid for its length.
    let bytes = unsafe { syscall2(libc::SYS_getcwd, start, length) };
    if bytes < 2 || buf.first() != Some(&b'/') {
        return 0; // an error; or "(unreachable)", getcwd(2)
    }
    bytes.unsigned_abs() - 1
}

/// The path that was executed, with a NUL at its end (getauxval(3), `AT_EXECFN`).
fn executed_path() -> &'static [u8] {
    // SAFETY: 0, or the address of a C string that lives as long as the process.
    unsafe {
        let start = libc::getauxval(libc::AT_EXECFN) as *const u8;
        if start.is_null() {
            return b"\0";
        }
        core::slice::from_raw_parts(start, bytes_of(start.cast()).len() + 1)
    }
}

/// The status of the file at a path, which ends in a NUL, if there is one.
fn status(path: &[u8]) -> Option<libc::stat> {
    let mut status = MaybeUninit::<libc::stat>::zeroed();
    let (here, path) = (libc::AT_FDCWD as usize, address(path));
    let place = status.as_mut_ptr() as usize;
    // SAFETY: a C string, or an address that the kernel rejects (EFAULT); the status is valid for
    // writes, and all zeros are a valid one.
    unsafe {
        let found = syscall4(libc::SYS_newfstatat, here, path, place, 0) == 0;
        found.then(|| status.assume_init())
    }
}

/// Whether there is anything at a path, which ends in a NUL.
pub fn exists(path: &[u8]) -> bool {
    status(path).is_some()
}

/// Whether there is a regular file at a path, which ends in a NUL.
pub fn is_file(path: &[u8]) -> bool {
    status(path).is_some_and(|status| is_regular(&status))
}

/// Whether there is a folder at a path, which ends in a NUL.
pub fn is_folder(path: &[u8]) -> bool {
    status(path).is_some_and(|status| status.st_mode & libc::S_IFMT == libc::S_IFDIR)
}

fn is_regular(status: &libc::stat) -> bool {
    status.st_mode & libc::S_IFMT == libc::S_IFREG
}

/// Whether a program is this one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// This program, under any name, or a link or a copy of it.
    Own,
    /// Another program.
    Other,
}

/// The program at a path, which ends in a NUL: a regular file that we may execute.
pub fn program(path: &[u8]) -> Option<Program> {
    let file = status(path).filter(is_regular)?;
    if !may_execute(path) {
        return None;
    }
    // Not /proc first: the kernel creates its entries per process, which takes 10 us.
    let mut own = executed_path();
    let this = status(own).or_else(|| {
        own = PROC_SELF_EXE;
        status(own)
    });
    let is_own = this.is_some_and(|this| {
        (file.st_dev, file.st_ino) == (this.st_dev, this.st_ino)
            || file.st_size == this.st_size && have_equal_heads(path, own)
    });
    Some(if is_own { Program::Own } else { Program::Other })
}

/// Whether two files begin with the same bytes: the ELF header of a program has the offsets and
/// sizes of its parts.
fn have_equal_heads(one: &[u8], other: &[u8]) -> bool {
    let mut heads = [[0; 512]; 2];
    let [first, second] = &mut heads;
    read_prefix(one, first) == read_prefix(other, second) && bytes_eq(first, second)
}

/// Whether there is a regular file that we may execute at a path, which ends in a NUL.
pub fn is_executable(path: &[u8]) -> bool {
    is_file(path) && may_execute(path)
}

fn may_execute(path: &[u8]) -> bool {
    let (here, place) = (libc::AT_FDCWD as usize, address(path));
    // SAFETY: a C string, or an address that the kernel rejects (EFAULT).
    unsafe { syscall3(libc::SYS_faccessat, here, place, libc::X_OK as usize) == 0 }
}

/// Opens placeholders for those of the descriptors 0, 1 and 2 that are closed. Otherwise a pipe or
/// a channel that is opened later would get such a number, and log lines would be written to it.
///
/// A placeholder is an epoll instance: it needs no file system, and reads and writes fail with
/// EINVAL and raise no signal, much as with a closed descriptor. It stays open across execve(2).
pub fn open_placeholders() {
    let open = || {
        // SAFETY: no memory is involved.
        Descriptor::from_ret(unsafe { syscall1(libc::SYS_epoll_create1, 0) })
    };
    while let Some(placeholder) = open().filter(|opened| opened.raw_fd() <= STANDARD_MAX) {
        core::mem::forget(placeholder);
    }
}
