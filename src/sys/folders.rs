//! Folders and symbolic links.

use core::mem::MaybeUninit;

use super::calls::{syscall1, syscall3, syscall4};
use super::copy_prefix;
use super::files::{c_string, open};
use crate::wire::{bytes_eq, find_from, slice_or_empty};

/// The bytes before the name of an entry: its inode, its offset, its length and its type
/// (getdents64(2)).
const BEFORE_NAME_BYTES: usize = 19;

/// Where the length of an entry is, in two bytes.
const LENGTH_OFFSET: usize = 16;

/// Writes the name of an entry of a folder to `buf`, the first that is not hidden, and returns its
/// length. 0: there is none, or it does not fit. The path ends in a NUL.
pub fn first_name(path: &[u8], buf: &mut [u8]) -> usize {
    let Some(folder) = open(path, libc::O_RDONLY | libc::O_DIRECTORY) else {
        return 0;
    };
    // A few entries; there should be one, and those of the folder itself and of its parent.
    let mut entries = [0u8; 2048];
    let (place, length) = (entries.as_mut_ptr() as usize, entries.len());
    // SAFETY: valid for writes of its length.
    let got = unsafe { syscall3(libc::SYS_getdents64, folder.raw_fd(), place, length) };
    let mut rest = slice_or_empty(&entries, 0, got.max(0) as usize);
    while let [low, high, ..] = slice_or_empty(rest, LENGTH_OFFSET, rest.len()) {
        let end = usize::from(u16::from_le_bytes([*low, *high]));
        let name = slice_or_empty(rest, BEFORE_NAME_BYTES, end);
        let name = slice_or_empty(name, 0, find_from(name, 0, 0).min(name.len()));
        if !name.starts_with(b".") && !name.is_empty() {
            return if name.len() > buf.len() {
                0
            } else {
                copy_prefix(buf, name)
            };
        }
        rest = slice_or_empty(rest, end.max(1), rest.len());
    }
    0
}

/// Makes a folder that nobody else can change. False: it cannot be made, or there is one already
/// that is somebody else's. The path ends in a NUL.
pub fn make_own_folder(path: &[u8]) -> bool {
    let (here, place) = (libc::AT_FDCWD as usize, c_string(path) as usize);
    let mut status = MaybeUninit::<libc::stat>::zeroed();
    let status_place = status.as_mut_ptr() as usize;
    let flags = libc::AT_SYMLINK_NOFOLLOW as usize;
    // SAFETY: a C string, or an address that the kernel rejects (EFAULT); the status is valid for
    // writes, and all zeros are a valid one.
    unsafe {
        syscall3(libc::SYS_mkdirat, here, place, 0o700);
        let found = syscall4(libc::SYS_newfstatat, here, place, status_place, flags);
        let status = status.assume_init_ref();
        let owner = syscall1(libc::SYS_geteuid, 0);
        found == 0
            && status.st_mode & libc::S_IFMT == libc::S_IFDIR
            && status.st_mode & 0o022 == 0
            && status.st_uid as isize == owner
    }
}

/// Makes a symbolic link, in place of another one of that name. False: it cannot be made. The paths
/// end in a NUL.
pub fn link_to(target: &[u8], link: &[u8]) -> bool {
    let here = libc::AT_FDCWD as usize;
    let (target_place, place) = (c_string(target) as usize, c_string(link) as usize);
    let mut found = [0u8; 1024];
    let (start, length) = (found.as_mut_ptr() as usize, found.len());
    // SAFETY: C strings, or addresses that the kernel rejects (EFAULT); the buffer is valid for
    // writes of its length.
    unsafe {
        let bytes = syscall4(libc::SYS_readlinkat, here, place, start, length).max(0) as usize;
        let wanted = slice_or_empty(target, 0, target.len().saturating_sub(1));
        if bytes_eq(slice_or_empty(&found, 0, bytes), wanted) {
            return true;
        }
        if bytes > 0 {
            syscall3(libc::SYS_unlinkat, here, place, 0);
        }
        syscall3(libc::SYS_symlinkat, target_place, here, place) == 0
    }
}
