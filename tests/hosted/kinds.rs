//! The kinds of handlers, each with the function of the same commands, and how one is run.

use std::path::PathBuf;

use crate::skip::has;
use crate::support::TempDir;
use crate::support::api::{Event, Script, Server};
use crate::support::hosting::start;
use crate::support::process::{Outcome, Process};
use crate::support::start::Start;

/// These tests for these kinds: a module that has a module a kind, a test a name.
#[macro_export]
macro_rules! for_kinds {
    ($name:ident [$($module:ident)*] $tests:tt) => {
        mod $name {
            $($crate::for_kind!($module $tests);)*
        }
    };
}

/// These tests for one kind.
#[macro_export]
macro_rules! for_kind {
    ($module:ident [$($test:ident)*]) => {
        mod $module {
            $(#[test]
            fn $test() {
                if let Some(kind) = $crate::kinds::$module() {
                    super::super::$test(&kind);
                }
            })*
        }
    };
}

/// What differs from one kind to another.
pub struct Kind {
    /// What `_HANDLER` names.
    pub handler: &'static str,
    /// The handler's file.
    pub file: &'static str,
    /// Put before the source.
    pub first_line: &'static str,
    source: &'static str,
    /// The type of the error of `do:fail`.
    pub failure: &'static str,
    /// The type of the error of a start that goes wrong, and a part of its message.
    pub init_failure: (&'static str, &'static str),
    /// It takes and gives JSON; else any bytes.
    pub is_json: bool,
    /// It lives on from event to event.
    pub is_kept: bool,
    /// It is a shell's: what it prints is piped, and the end of that is in the message of an error.
    pub is_shell: bool,
}

const SHELL: Kind = Kind {
    handler: "function.handler",
    file: "function.sh",
    first_line: "",
    source: include_str!("functions/function.sh"),
    failure: "Runtime.ExitError",
    init_failure: ("Runtime.ExitError", "exit status 5: at init"),
    is_json: false,
    is_kept: true,
    is_shell: true,
};

const WORKER: Kind = Kind {
    handler: "worker:worker.pl",
    file: "worker.pl",
    source: include_str!("functions/worker.pl"),
    failure: "Function.Failed",
    init_failure: ("Function.AtInit", "broken at init"),
    is_shell: false,
    ..SHELL
};

/// A shell function, in bash.
pub fn bash() -> Option<Kind> {
    let first_line = "#!/usr/bin/env bash\n";
    has("bash").then_some(Kind {
        first_line,
        ..SHELL
    })
}

/// A shell function, in dash.
pub fn dash() -> Option<Kind> {
    let first_line = "#!/bin/dash\n";
    has("dash").then_some(Kind {
        first_line,
        ..SHELL
    })
}

/// A shell function, in the shell of busybox, which goes by the name that it is called by.
pub fn busybox() -> Option<Kind> {
    has("busybox").then_some(Kind {
        first_line: BUSYBOX,
        ..SHELL
    })
}

/// The first line of what busybox runs.
const BUSYBOX: &str = "#!/usr/bin/env ash\n";

/// Where busybox is.
fn path_of_busybox() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::env::split_paths(&path).map(|folder| folder.join("busybox"));
    all.find(|path| path.is_file()).expect("busybox is here")
}

/// A program that is run for each event.
pub fn program() -> Option<Kind> {
    Some(Kind {
        handler: "program.sh",
        file: "program.sh",
        first_line: "#!/bin/sh\n",
        source: include_str!("functions/program.sh"),
        is_kept: false,
        is_shell: false,
        ..SHELL
    })
}

/// A worker that speaks the protocol itself, in Perl.
pub fn worker() -> Option<Kind> {
    has("perl").then_some(WORKER)
}

/// A function of PHP.
pub fn php() -> Option<Kind> {
    has("php").then_some(Kind {
        handler: "hello.hello",
        file: "hello.php",
        source: include_str!("functions/hello.php"),
        failure: "RuntimeException",
        init_failure: ("DomainException", "broken at init"),
        is_json: true,
        ..WORKER
    })
}

/// A function of JavaScript.
pub fn node() -> Option<Kind> {
    has("node").then_some(Kind {
        handler: "index.handler",
        file: "index.mjs",
        source: include_str!("functions/index.mjs"),
        failure: "TypeError",
        init_failure: ("RangeError", "broken at init"),
        is_json: true,
        ..WORKER
    })
}

/// A function of Python.
pub fn python() -> Option<Kind> {
    has("python3").then_some(Kind {
        handler: "index.handler",
        file: "index.py",
        source: include_str!("functions/index.py"),
        failure: "LookupError",
        init_failure: ("ArithmeticError", "broken at init"),
        is_json: true,
        ..WORKER
    })
}

/// A function of Ruby.
pub fn ruby() -> Option<Kind> {
    has("ruby").then_some(Kind {
        handler: "index.handler",
        file: "index.rb",
        source: include_str!("functions/index.rb"),
        failure: "ArgumentError",
        init_failure: ("IndexError", "broken at init"),
        is_json: true,
        ..WORKER
    })
}

impl Kind {
    /// A task root with the function of this kind.
    pub fn task(&self) -> Task {
        self.with(self.source)
    }

    /// A task root with other code in its place.
    pub fn with(&self, source: &str) -> Task {
        let dir = TempDir::new();
        let text = format!("{}{source}", self.first_line);
        dir.executable(self.file, text.as_bytes());
        if !self.is_kept {
            dir.file("function.sh", SHELL.source.as_bytes()); // which the program sources
        }
        if self.first_line == BUSYBOX {
            let folder = dir.path().join("bin");
            std::fs::create_dir(&folder).expect("a folder");
            let link = folder.join("ash");
            std::os::unix::fs::symlink(path_of_busybox(), link).expect("a link");
        }
        let start = started(&dir, self.handler);
        Task { dir, start }
    }
}

/// A task root, and how its bootstrap is started.
pub struct Task {
    /// The task root.
    pub dir: TempDir,
    /// The command.
    pub start: Start,
}

/// A bootstrap that hosts this handler, with Lambda's `PATH` before the one here: a wrapper for an
/// interpreter that a developer has may take long to start.
pub fn started(dir: &TempDir, handler: &str) -> Start {
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("/usr/local/bin:/usr/bin:/bin:{path}");
    // Perl is loud about a locale that is not installed.
    let start = start(dir, handler).variable("PERL_BADLANG", "0");
    start.variable("PATH", &path)
}

impl Task {
    /// With this variable in its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Task {
        self.start = self.start.variable(name, value);
        self
    }

    /// Runs these events.
    pub fn run(&self, events: &[Event]) -> Outcome {
        self.start.run(Script::events(events))
    }

    /// Starts the bootstrap with a first lot of events, to be watched while it runs.
    pub fn spawn(&self, events: &[Event]) -> (Process, Server) {
        let server = Server::start(Script::events(events));
        let address = server.address();
        let start = self.start.clone();
        let start = start.variable("AWS_LAMBDA_RUNTIME_API", &address);
        (start.spawn(), server)
    }
}

/// An event that is a command to the function.
pub fn command(text: &str) -> String {
    format!("\"do:{text}\"")
}
