//! Files: what kind they are, and how they begin.

use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;
use core::ptr::null;

use super::{Descriptor, call};

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
    Descriptor::of(unsafe { call(libc::SYS_openat, here, path, flags, 0, 0) })
}

/// What takes all and gives nothing.
pub fn open_null() -> Option<Descriptor> {
    open(b"/dev/null\0", libc::O_RDWR)
}

/// Makes sure that 0, 1 and 2 are open, so that nothing that is opened later is one of them.
pub fn open_standard_streams() {
    while let Some(null) = open_null() {
        if null.number() > 2 {
            return;
        }
        // Children are to have it as well.
        // SAFETY: no memory is involved.
        unsafe {
            call(
                libc::SYS_fcntl,
                null.number(),
                libc::F_SETFD as usize,
                0,
                0,
                0,
            )
        };
        core::mem::forget(null);
    }
}

/// Reads how a file begins (with a NUL at the end of its path), as far as there is room.
pub fn read_start(path: &[u8], room: &mut [u8]) -> usize {
    open(path, libc::O_RDONLY).map_or(0, |file| file.receive(room))
}

/// The path of this program, as far as there is room.
pub fn own_path(room: &mut [u8]) -> usize {
    let (here, path) = (libc::AT_FDCWD as usize, c"/proc/self/exe".as_ptr() as usize);
    let (start, length) = (room.as_mut_ptr() as usize, room.len());
    // SAFETY: a C string; valid for the length given.
    let bytes = unsafe { call(libc::SYS_readlinkat, here, path, start, length, 0) };
    bytes.max(0) as usize
}

/// Whether a path (with a NUL at its end) is that of a regular file.
pub fn is_file(path: &[u8]) -> bool {
    let mut about = MaybeUninit::<libc::stat>::zeroed();
    let (here, path) = (libc::AT_FDCWD as usize, address(path));
    let place = about.as_mut_ptr() as usize;
    // SAFETY: as above; valid for writing, and zeros are a stat.
    unsafe {
        call(libc::SYS_newfstatat, here, path, place, 0, 0) == 0
            && about.assume_init().st_mode & libc::S_IFMT == libc::S_IFREG
    }
}

/// Whether a path (with a NUL at its end) is that of a regular file that we may execute.
pub fn is_executable(path: &[u8]) -> bool {
    let (here, place) = (libc::AT_FDCWD as usize, address(path));
    // SAFETY: a C string, or what the kernel refuses (EFAULT).
    is_file(path)
        && unsafe { call(libc::SYS_faccessat, here, place, libc::X_OK as usize, 0, 0) == 0 }
}
