//! Files: what kind they are, and how they begin.

use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;
use core::ptr::null;

use super::calls::{call2, call3, call4};
use super::environment::c_string as bytes_of;
use super::pool::open_placeholders;
use super::{Descriptor, STANDARD_MAX, copy};
use crate::wire::equal;

/// A path as C has it; 0, which is no address, for one that has no NUL at its end.
fn address(path: &[u8]) -> usize {
    c_string(path) as usize
}

/// A text as C has it; null for one that has no NUL at its end.
pub(super) fn c_string(text: &[u8]) -> *const c_char {
    if text.last() == Some(&0) {
        text.as_ptr().cast()
    } else {
        null()
    }
}

/// Opens a file (with a NUL at the end of its path) that is not handed on; `None`: it cannot be.
fn open(path: &[u8], how: c_int) -> Option<Descriptor> {
    let (here, path) = (libc::AT_FDCWD as usize, address(path));
    let flags = (how | libc::O_CLOEXEC) as usize;
    // SAFETY: a C string, or what the kernel refuses (EFAULT).
    Descriptor::of(unsafe { call4(libc::SYS_openat, here, path, flags, 0) })
}

/// What takes all and gives nothing.
pub fn open_null() -> Option<Descriptor> {
    open(b"/dev/null\0", libc::O_RDWR)
}

/// Makes sure that 0, 1 and 2 are open, so that nothing that is opened later is one of them. Where
/// there is no /dev/null, they are placeholders.
pub fn open_standard_streams() {
    while let Some(null) = open_null() {
        if null.number() > STANDARD_MAX {
            return;
        }
        // Children are to have it as well.
        // SAFETY: no memory is involved.
        unsafe { call3(libc::SYS_fcntl, null.number(), libc::F_SETFD as usize, 0) };
        core::mem::forget(null);
    }
    open_placeholders();
}

/// Reads how a file begins (with a NUL at the end of its path), as far as there is room.
pub fn read_prefix(path: &[u8], room: &mut [u8]) -> usize {
    open(path, libc::O_RDONLY).map_or(0, |file| file.receive(room))
}

/// What stands for this program in /proc.
const OWN: &[u8] = b"/proc/self/exe\0";

/// The path of this program, as far as there is room; 0: it cannot be known. Without /proc, it is
/// the path that it was started by, made absolute.
pub fn exe_path(room: &mut [u8]) -> usize {
    let (here, path) = (libc::AT_FDCWD as usize, address(OWN));
    let (start, length) = (room.as_mut_ptr() as usize, room.len());
    // SAFETY: a C string; valid for the length given.
    let bytes = unsafe { call4(libc::SYS_readlinkat, here, path, start, length) };
    if bytes > 0 {
        return bytes.unsigned_abs();
    }
    let given = given_path().split_last().map_or(&b""[..], |(_, path)| path);
    let mut bytes = 0;
    if !given.starts_with(b"/") {
        // SAFETY: valid for the length given.
        let folder = unsafe { call2(libc::SYS_getcwd, start, length) };
        if folder < 2 || given.is_empty() || room.first() != Some(&b'/') {
            return 0; // an error; or "(unreachable)", getcwd(2)
        }
        bytes = folder.unsigned_abs() - 1; // without its NUL
        bytes += copy(room.get_mut(bytes..).unwrap_or_default(), b"/");
    }
    bytes + copy(room.get_mut(bytes..).unwrap_or_default(), given)
}

/// The path that this program was started by, with a NUL at its end (getauxval(3), `AT_EXECFN`).
fn given_path() -> &'static [u8] {
    // SAFETY: 0, or the address of a C string that is there as long as the process.
    unsafe {
        let start = libc::getauxval(libc::AT_EXECFN) as *const u8;
        if start.is_null() {
            return b"\0";
        }
        core::slice::from_raw_parts(start, bytes_of(start.cast()).len() + 1)
    }
}

/// What is known of the file at a path (with a NUL at its end), if there is one.
fn status(path: &[u8]) -> Option<libc::stat> {
    let mut about = MaybeUninit::<libc::stat>::zeroed();
    let (here, path) = (libc::AT_FDCWD as usize, address(path));
    let place = about.as_mut_ptr() as usize;
    // SAFETY: a C string, or what the kernel refuses (EFAULT); valid for writing, and zeros are
    // one.
    unsafe {
        let found = call4(libc::SYS_newfstatat, here, path, place, 0) == 0;
        found.then(|| about.assume_init())
    }
}

/// Whether a path (with a NUL at its end) is that of a regular file.
pub fn is_file(path: &[u8]) -> bool {
    status(path).is_some_and(|about| is_regular(&about))
}

fn is_regular(about: &libc::stat) -> bool {
    about.st_mode & libc::S_IFMT == libc::S_IFREG
}

/// What a program is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// This program, by whatever name or link, or a copy of it.
    Own,
    /// Another.
    Other,
}

/// The program at a path (with a NUL at its end): a regular file that we may execute.
pub fn program(path: &[u8]) -> Option<Program> {
    let file = status(path).filter(is_regular)?;
    if !may_execute(path) {
        return None;
    }
    // Not /proc first: there, the kernel makes its entries for each new process, which takes 10 us.
    let mut own = given_path();
    let this = status(own).or_else(|| {
        own = OWN;
        status(own)
    });
    let is_own = this.is_some_and(|this| {
        (file.st_dev, file.st_ino) == (this.st_dev, this.st_ino)
            || file.st_size == this.st_size && begin_alike(path, own)
    });
    Some(if is_own { Program::Own } else { Program::Other })
}

/// Whether two files begin with the same bytes: the head of a program says how long its parts are.
fn begin_alike(one: &[u8], other: &[u8]) -> bool {
    let mut heads = [[0; 512]; 2];
    let [first, second] = &mut heads;
    read_prefix(one, first) == read_prefix(other, second) && equal(first, second)
}

/// Whether a path (with a NUL at its end) is that of a regular file that we may execute.
pub fn is_executable(path: &[u8]) -> bool {
    is_file(path) && may_execute(path)
}

fn may_execute(path: &[u8]) -> bool {
    let (here, place) = (libc::AT_FDCWD as usize, address(path));
    // SAFETY: a C string, or what the kernel refuses (EFAULT).
    unsafe { call3(libc::SYS_faccessat, here, place, libc::X_OK as usize) == 0 }
}
