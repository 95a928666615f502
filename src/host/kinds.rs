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
    /// A web server, started once: events become HTTP requests.
    #[cfg(feature = "web")]
    Http,
    /// PHP's FastCGI server, started once: events become FastCGI requests.
    #[cfg(feature = "web")]
    FastCgi,
    /// No process: the files of a folder.
    #[cfg(feature = "web")]
    Static,
    /// One command per event, whose arguments are the event.
    #[cfg(feature = "web")]
    Console,
}

/// What the target of a handler is, where it has to be named exactly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// An executable file.
    Executable,
    /// Any file.
    File,
    /// A folder.
    Folder,
    /// One of the kind's files, or a module of its language.
    Named,
}

/// A kind of handlers.
pub struct Kind {
    /// The word that names it in `_HANDLER`.
    pub word: &'static [u8],
    /// How a handler is run.
    pub runs: Runs,
    /// The files that are searched, prefix and suffix of the name: the first that exists counts.
    /// Empty: the handler is named exactly so, see `target`.
    pub files: &'static [(&'static [u8], &'static [u8])],
    /// What has to be there.
    pub target: Target,
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
    /// We read what it prints, also where the log is text.
    pub captures_output: bool,
    /// It may take longer to start than the platform gives to init.
    pub starts_late: bool,
    /// The error where there is no interpreter.
    pub not_found: &'static str,
}

/// An executable.
const EXECUTABLE: Kind = Kind {
    word: b"program",
    runs: Runs::PerEvent,
    files: &[],
    target: Target::Executable,
    is_name_optional: false,
    interpreter: b"",
    has_heap_flags: false,
    arguments: &[],
    shim: None,
    after_shim: b"",
    logs_errors: false,
    captures_output: false,
    starts_late: false,
    not_found: "",
};

/// All of them, in the order in which their files are looked for.
pub static KINDS: &[Kind] = &[
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
        target: Target::Named,
        arguments: &[b"-c\0"],
        shim: Some(shims::SHELL),
        after_shim: b"function.sh\0",
        captures_output: true,
        ..EXECUTABLE
    },
    // The settings of Bref: a message of PHP is written once, to standard error.
    Kind {
        word: b"php",
        runs: Runs::Frames,
        files: &[(b"", b".php"), (b"src/", b".php")],
        target: Target::Named,
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
        ..EXECUTABLE
    },
    Kind {
        word: b"node",
        runs: Runs::Frames,
        files: &[(b"", b".js"), (b"", b".mjs"), (b"", b".cjs")],
        target: Target::Named,
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
        target: Target::Named,
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
        target: Target::Named,
        interpreter: b"ruby",
        arguments: &[b"--disable=gems\0", b"-e\0"],
        shim: Some(shims::RUBY),
        logs_errors: true,
        not_found: "no ruby in bin of the function, /opt/bin or PATH",
        ..EXECUTABLE
    },
    #[cfg(feature = "web")]
    Kind {
        word: b"http",
        runs: Runs::Http,
        captures_output: true,
        starts_late: true,
        ..EXECUTABLE
    },
    #[cfg(feature = "web")]
    Kind {
        word: b"fastcgi",
        runs: Runs::FastCgi,
        captures_output: true,
        starts_late: true,
        target: Target::File,
        ..EXECUTABLE
    },
    #[cfg(feature = "web")]
    Kind {
        word: b"static",
        runs: Runs::Static,
        target: Target::Folder,
        ..EXECUTABLE
    },
    #[cfg(feature = "web")]
    Kind {
        word: b"console",
        runs: Runs::Console,
        target: Target::File,
        ..EXECUTABLE
    },
];

/// The kind of an executable without a word before it.
pub static PROGRAM: &Kind = {
    match KINDS {
        [program, ..] => program,
        [] => &EXECUTABLE,
    }
};
