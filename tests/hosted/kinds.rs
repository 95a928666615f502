//! The kinds of handlers, each with a function of the same commands, and how to run one.

use std::path::PathBuf;

use crate::skip::has;
use crate::support::TempDir;
use crate::support::api::{Event, Script, Server};
use crate::support::hosting::start;
use crate::support::process::{Outcome, Process};
use crate::support::start::Start;
use crate::support::watch::{Rest, until_rest};

/// Makes each test for each kind: a module with one module per kind, and one test per name.
#[macro_export]
macro_rules! for_kinds {
    ($name:ident [$($module:ident)*] $tests:tt) => {
        mod $name {
            $($crate::for_kind!($module $tests);)*
        }
    };
}

/// Makes each test for one kind.
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

/// A part of the runtime's line about a persistent process that exited or wrote while idle.
pub const IDLE_EXIT_LINE: &str = "while idle";

/// A part of the runtime's line about a restart that failed.
pub const RESTART_FAILED_LINE: &str = "cannot restart the handler process";

/// The differences between the kinds.
pub struct Kind {
    /// The value of `_HANDLER`.
    pub handler: &'static str,
    /// The handler's file.
    pub file: &'static str,
    /// Put before the source.
    pub first_line: &'static str,
    source: &'static str,
    /// The type of the error of `do:fail`.
    pub failure: &'static str,
    /// The error type of a start that fails, and a part of its message.
    pub init_failure: (&'static str, &'static str),
    /// Events and responses are JSON; else any bytes.
    pub is_json: bool,
    /// One process serves all events.
    pub is_persistent: bool,
    /// A shell function: its output is piped, and the end of that is in the message of an error.
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
    is_persistent: true,
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

/// A shell function, in the shell of busybox, which is selected by the name of its link.
pub fn busybox() -> Option<Kind> {
    has("busybox").then_some(Kind {
        first_line: BUSYBOX,
        ..SHELL
    })
}

/// The first line that selects busybox.
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
        is_persistent: false,
        is_shell: false,
        ..SHELL
    })
}

/// A worker in Perl, which speaks the frame protocol itself.
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
        failure: "Function<ArgumentError>",
        init_failure: ("Init<IndexError>", "broken at init"),
        is_json: true,
        ..WORKER
    })
}

impl Kind {
    /// A task root with the function of this kind, and the command that hosts it.
    pub fn hosted_run(&self) -> HostedRun {
        self.with_source(self.source)
    }

    /// The same with other code.
    pub fn with_source(&self, source: &str) -> HostedRun {
        let dir = TempDir::new();
        let text = format!("{}{source}", self.first_line);
        dir.executable(self.file, text.as_bytes());
        if !self.is_persistent {
            dir.file("function.sh", SHELL.source.as_bytes()); // which the program sources
        }
        if self.first_line == BUSYBOX {
            let folder = dir.path().join("bin");
            std::fs::create_dir(&folder).expect("a folder");
            let link = folder.join("ash");
            std::os::unix::fs::symlink(path_of_busybox(), link).expect("a link");
        }
        let start = started(&dir, self.handler);
        HostedRun { dir, start }
    }
}

/// A task root, and the command that hosts its handler.
pub struct HostedRun {
    /// The task root.
    pub dir: TempDir,
    /// The command.
    pub start: Start,
}

/// A bootstrap that hosts this handler, with Lambda's `PATH` before that of the test: a developer's
/// wrapper of an interpreter may start slowly.
pub fn started(dir: &TempDir, handler: &str) -> Start {
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("/usr/local/bin:/usr/bin:/bin:{path}");
    // Perl warns about a locale that is not installed.
    let start = start(dir, handler).variable("PERL_BADLANG", "0");
    start.variable("PATH", &path)
}

impl HostedRun {
    /// Sets a variable of its environment.
    pub fn variable(mut self, name: &str, value: &str) -> HostedRun {
        self.start = self.start.variable(name, value);
        self
    }

    /// Runs the bootstrap with these events. It may take any time, as long as requests come.
    pub fn run(&self, events: &[Event]) -> Outcome {
        let (mut process, server) = self.spawn(events);
        let rest = until_rest(&mut process, &server);
        assert_ne!(
            rest,
            Rest::Hung,
            "{}\n{}",
            server.ledger(),
            process.stderr()
        );
        process.until_done(server)
    }

    /// Starts the bootstrap with its first events.
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
