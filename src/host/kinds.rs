//! The kinds of handlers, in one table.
//!
//! # How to add a hosted language
//!
//! 1. `kinds.rs`: an entry of [`KINDS`]. It has the word before the colon of `_HANDLER`, the files
//!    that are searched, the interpreter with its arguments, and the error if it is missing.
//! 2. `worker/`: the shim, in that language, in one file or in a folder. The interpreter gets it as
//!    an argument, followed by `FILE NAME`; it speaks the frame protocol on descriptor 3 (guide,
//!    `worker_protocol`).
//! 3. `shims.rs`: the shim in the table of embedded shims.
//! 4. `modules.rs`, if a handler may be a module outside of the task root: its folders.
//!
//! Tests: a function with the usual commands in `tests/hosted/functions`, and its kind in
//! `tests/hosted/kinds.rs`.
//!
//! A kind that is no language needs a `Protocol` (`protocol.rs`) as well: a variant of
//! `AnyProtocol`, and one of [`Runs`].

use crate::host::shims;

/// How a handler is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// One process per event.
    PerEvent,
    /// A persistent process that speaks the frame protocol.
    Frames,
    /// A persistent shell.
    Shell,
}

/// A kind of handlers.
pub struct Kind {
    /// The word that names it in `_HANDLER`.
    pub word: &'static [u8],
    /// How a handler is run.
    pub runs: Runs,
    /// The files that are searched, prefix and suffix of the name: the first that exists counts.
    /// Empty: the handler is an executable, and named exactly so.
    pub files: &'static [(&'static [u8], &'static [u8])],
    /// A file may be the handler itself, or have a function that is named like it: a handler needs
    /// no name behind a dot.
    pub is_name_optional: bool,
    /// The interpreter, if it has one by name.
    pub interpreter: &'static [u8],
    /// It gets the limits of its heap from the memory of the function, as flags of V8.
    pub has_heap_flags: bool,
    /// Its arguments before the shim, each with a NUL at its end.
    pub arguments: &'static [&'static [u8]],
    /// The code that it is given to run.
    pub shim: Option<&'static [u8]>,
    /// The argument after the shim, before the file and the name of the handler.
    pub after_shim: &'static [u8],
    /// Whether the shim logs the errors of its handler, in the words of the managed runtime of its
    /// language. Otherwise we log them.
    pub logs_errors: bool,
    /// The error where there is no interpreter.
    pub not_found: &'static str,
}

/// An executable.
const EXECUTABLE: Kind = Kind {
    word: b"program",
    runs: Runs::PerEvent,
    files: &[],
    is_name_optional: false,
    interpreter: b"",
    has_heap_flags: false,
    arguments: &[],
    shim: None,
    after_shim: b"",
    logs_errors: false,
    not_found: "",
};

/// All of them, in the order in which their files are looked for.
pub static KINDS: [Kind; 7] = [
    EXECUTABLE,
    Kind {
        word: b"worker",
        runs: Runs::Frames,
        ..EXECUTABLE
    },
    Kind {
        word: b"shell",
        runs: Runs::Shell,
        files: &[(b"", b".sh")],
        arguments: &[b"-c\0"],
        shim: Some(shims::SHELL),
        after_shim: b"function.sh\0",
        ..EXECUTABLE
    },
    // The settings of Bref: a message of PHP is written once, to standard error.
    Kind {
        word: b"php",
        runs: Runs::Frames,
        files: &[(b"", b".php"), (b"src/", b".php")],
        is_name_optional: true,
        interpreter: b"php",
        has_heap_flags: false,
        arguments: &[
            b"-d\0",
            b"display_errors=0\0",
            b"-d\0",
            b"log_errors=1\0",
            b"-d\0",
            b"html_errors=0\0",
            b"-r\0",
        ],
        shim: Some(shims::PHP),
        after_shim: b"--\0",
        logs_errors: true,
        not_found: "no php in bin of the function, /opt/bin or PATH",
    },
    Kind {
        word: b"node",
        runs: Runs::Frames,
        files: &[(b"", b".js"), (b"", b".mjs"), (b"", b".cjs")],
        interpreter: b"node",
        has_heap_flags: true,
        // The flags of the managed runtime.
        arguments: &[b"--max-http-header-size\0", b"81920\0", b"-e\0"],
        shim: Some(shims::NODE),
        after_shim: b"--\0",
        logs_errors: true,
        not_found: "no node in bin of the function, /opt/bin or PATH",
        ..EXECUTABLE
    },
    Kind {
        word: b"python",
        runs: Runs::Frames,
        files: &[(b"", b".py")],
        interpreter: b"python3",
        arguments: &[b"-u\0", b"-c\0"],
        shim: Some(shims::PYTHON),
        after_shim: shims::PYTHON_PARTS,
        logs_errors: true,
        not_found: "no python3 in bin of the function, /opt/bin or PATH",
        ..EXECUTABLE
    },
    Kind {
        word: b"ruby",
        runs: Runs::Frames,
        files: &[(b"", b".rb")],
        interpreter: b"ruby",
        arguments: &[b"--disable=gems\0", b"-e\0"],
        shim: Some(shims::RUBY),
        logs_errors: true,
        not_found: "no ruby in bin of the function, /opt/bin or PATH",
        ..EXECUTABLE
    },
];

/// The kind of an executable without a word before it.
pub static PROGRAM: &Kind = {
    let [program, ..] = &KINDS;
    program
};
