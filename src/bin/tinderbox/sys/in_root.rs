//! Files as a process sees them whose root is another folder (openat2(2), Linux 5.6).

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `struct open_how`.
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// Symbolic links, also absolute ones and `..`, lead to nothing outside.
const RESOLVE_IN_ROOT: u64 = 0x10;

/// What this absolute path names under `root`.
pub fn metadata(root: &Path, path: &Path) -> io::Result<fs::Metadata> {
    let folder = File::open(root)?;
    let name = CString::new(path.as_os_str().as_bytes())?;
    let how = OpenHow {
        flags: (libc::O_PATH | libc::O_CLOEXEC).unsigned_abs().into(),
        mode: 0,
        resolve: RESOLVE_IN_ROOT,
    };
    // SAFETY: a terminated string, and the structure with its size; the descriptor is new, so the
    // file is its only owner.
    let opened = unsafe {
        let (fd, size) = (folder.as_raw_fd(), size_of::<OpenHow>());
        match libc::syscall(libc::SYS_openat2, fd, name.as_ptr(), &raw const how, size) {
            fd if fd >= 0 => Ok(File::from_raw_fd(fd as RawFd)),
            _ => Err(io::Error::last_os_error()),
        }
    };
    match opened {
        Ok(file) => file.metadata(),
        // A kernel, or a filter of system calls, that does not know the call.
        Err(error)
            if [libc::ENOSYS, libc::EPERM]
                .map(Some)
                .contains(&error.raw_os_error()) =>
        {
            fs::metadata(root.join(path.strip_prefix("/").unwrap_or(path)))
        }
        Err(error) => Err(error),
    }
}
