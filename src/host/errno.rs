//! Texts for errnos, with advice: those of clone(2), execve(2), pipe(2), socketpair(2) and
//! memfd_create(2) that users meet.

use crate::sys::files::{is_file, read_prefix};
use crate::wire::{find_from, slice_or_empty};

/// Too many processes (clone(2)).
pub const EAGAIN: usize = 11;
/// No memory.
pub const ENOMEM: usize = 12;

/// An address is in use.
pub const EADDRINUSE: usize = 98;
/// Nobody listens.
#[cfg(feature = "web")]
pub const ECONNREFUSED: usize = 111;

/// No such file.
pub const ENOENT: usize = 2;
const ENFILE: usize = 23;
const EMFILE: usize = 24;

/// Whether there are too many open files.
#[cfg(feature = "web")]
pub fn is_exhausted(errno: usize) -> bool {
    matches!(errno, ENFILE | EMFILE)
}

/// Why a program cannot be run, with a colon before it; empty for other errnos. The path has a NUL
/// at its end: where that file is there, ENOENT is about its interpreter.
pub fn reason(errno: usize, path: &[u8]) -> &'static [u8] {
    match errno {
        ENOENT if has_carriage_return(path) => {
            b": its first line (#!) ends with a carriage return, which the kernel takes for a part \
              of the interpreter's name; save the file with line feeds alone (LF)"
        }
        ENOENT if is_file(path) => {
            b": its interpreter (#!) or its loader does not exist; name one that is in the \
              environment, or link the program statically"
        }
        ENOENT => b": no such file; add it to the package",
        1 => b": operation not permitted", // EPERM
        7 => b": environment and arguments are too long; shorten the variables", // E2BIG
        8 => {
            b": for another architecture, or a script without #!; build it for this one, or add \
              the line"
        } // ENOEXEC
        13 => {
            b": permission denied (the file, its interpreter, a folder of their paths, or noexec); \
              package it with mode 755"
        } // EACCES
        20 => b": a part of its path is no folder", // ENOTDIR
        26 => b": the file is open for writing; close it before it is run", // ETXTBSY
        40 => b": too many symbolic links", // ELOOP
        _ => resource_reason(errno),
    }
}

/// Why a static file cannot be opened, as the start of a log line; empty where there is no such
/// file.
#[cfg(feature = "web")]
pub fn file_reason(errno: usize) -> &'static [u8] {
    match errno {
        // EPERM, ENOSYS
        1 | 38 => {
            b"static files are not served, as this system has no openat2 (Linux 5.6) or filters \
              it: "
        }
        // EACCES
        13 => {
            b"static file not served, permission denied (package files with mode 644, folders \
              with 755): "
        }
        // EXDEV
        18 => b"static file not served, a link leads out of the package (make it relative): ",
        _ => b"",
    }
}

/// Whether the first line of a script names its interpreter, and ends with CR and LF.
fn has_carriage_return(path: &[u8]) -> bool {
    let mut start = [0; 256];
    let bytes = read_prefix(path, &mut start);
    let line = slice_or_empty(&start, 0, find_from(&start, 0, b'\n').min(bytes));
    line.starts_with(b"#!") && line.ends_with(b"\r")
}

/// Why a resource is exhausted, with a colon before it; empty for other errnos.
pub fn resource_reason(errno: usize) -> &'static [u8] {
    match errno {
        EAGAIN => {
            b": the limit of processes is reached; end those that the function has left behind"
        }
        ENOMEM => b": not enough memory; give the function more",
        ENFILE => b": too many open files in the system; close some",
        EADDRINUSE => b": the port in PORT is in use; name another one, or leave PORT out",
        EMFILE => b": too many open descriptors; close some, or raise the limit (ulimit -n)",
        _ => b"",
    }
}
