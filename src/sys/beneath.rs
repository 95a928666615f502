//! Files beneath a folder, opened so that no path leads out of it.

use core::mem::MaybeUninit;

use super::calls::{syscall2, syscall4};
use super::files::{c_string, open};
use super::{Descriptor, INTERRUPTED};

/// The argument of openat2(2).
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// The attempts to open a file: EAGAIN means that a folder above it may have been moved meanwhile.
const ATTEMPTS: usize = 4;

/// Opens a folder, to walk from there; the path ends in a NUL.
pub fn open_root(path: &[u8]) -> Option<Descriptor> {
    open(path, libc::O_PATH | libc::O_DIRECTORY)
}

/// Opens what is at a relative path beneath a folder, which ends in a NUL, for reading; links have
/// to stay beneath the folder. Nothing blocks: a pipe without a writer is opened as well.
///
/// # Errors
/// The errno. EXDEV: the path leads out of the folder. ENOSYS or EPERM: this system has no
/// openat2(2), which came with Linux 5.6.
pub fn open_beneath(root: &Descriptor, path: &[u8]) -> Result<Descriptor, usize> {
    let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    let how = OpenHow {
        flags: flags as u64,
        mode: 0,
        resolve: libc::RESOLVE_BENEATH | libc::RESOLVE_NO_MAGICLINKS,
    };
    let (place, bytes) = (&raw const how as usize, size_of::<OpenHow>());
    let path = c_string(path) as usize;
    let mut opened = 0;
    for _ in 0..ATTEMPTS {
        // SAFETY: a C string, or an address that the kernel rejects (EFAULT); the argument is valid
        // for its length.
        opened = unsafe { syscall4(libc::SYS_openat2, root.raw_fd(), path, place, bytes) };
        if opened != -(libc::EAGAIN as isize) && opened != INTERRUPTED {
            break;
        }
    }
    Descriptor::from_ret(opened).ok_or(opened.unsigned_abs())
}

/// What is open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// A regular file, and its length in bytes.
    File(u64),
    /// A folder.
    Folder,
    /// A pipe, a socket or a device.
    Other,
}

/// What a descriptor is.
pub fn kind_of(file: &Descriptor) -> Opened {
    let mut status = MaybeUninit::<libc::stat>::zeroed();
    let place = status.as_mut_ptr() as usize;
    // SAFETY: valid for writing, and zeros are one.
    let (mode, bytes) = unsafe {
        syscall2(libc::SYS_fstat, file.raw_fd(), place);
        let status = status.assume_init_ref();
        (status.st_mode, status.st_size)
    };
    match mode & libc::S_IFMT {
        libc::S_IFREG => Opened::File(bytes as u64),
        libc::S_IFDIR => Opened::Folder,
        _ => Opened::Other,
    }
}
