//! Why a program cannot be run, in words: the errors of execve(2) and clone(2) that users meet.

use crate::sys::files::is_file;

/// Too many processes (clone(2)).
pub const EAGAIN: usize = 11;
/// No memory.
pub const ENOMEM: usize = 12;

const ENOENT: usize = 2;

/// The reason, behind a colon; nothing for an error that is none of these. The path, with a NUL at
/// its end, is that of the program: the kernel says ENOENT for its interpreter as well.
pub fn reason(errno: usize, path: &[u8]) -> &'static [u8] {
    match errno {
        ENOENT if is_file(path) => b": its interpreter (#!) or its loader does not exist",
        ENOENT => b": no such file",
        1 => b": operation not permitted",                // EPERM
        7 => b": environment and arguments are too long", // E2BIG
        8 => b": for another architecture, or a script without #!", // ENOEXEC
        EAGAIN => b": the limit of processes is reached",
        ENOMEM => b": not enough memory",
        13 => {
            b": permission denied (the file, its interpreter, a folder of their paths, or noexec)"
        } // EACCES
        20 => b": a part of its path is no folder", // ENOTDIR
        26 => b": the file is open for writing",    // ETXTBSY
        40 => b": too many symbolic links",         // ELOOP
        _ => b"",
    }
}
