//! `console:`: a command for each event, whose arguments are the event (`arguments`).
//!
//! The answer is `{"exitCode":0,"output":"..."}`, with all that the command prints, standard output
//! and standard error in the order in which they were written; of more than a megabyte the end. It
//! goes to the log as well. Invalid UTF-8 becomes U+FFFD. A status other than 0 is the error
//! `Function.CommandFailed`, with the status and the output in its message; a signal counts as 128
//! and its number. The command ends with its first process: what that has left in its process group
//! is killed.

mod arguments;
pub mod captured;

use crate::diagnostics::{diagnostic, diagnostic_by_deadline};
use crate::failure::Failure;
use crate::host::CALLED_TWICE;
use crate::host::child_output::ChildOutput;
use crate::host::console::arguments::{Fault, Words};
use crate::host::console::captured::{Captured, end_that_fits};
use crate::host::context::ContextFormat;
use crate::host::errors::{set, set_out_of_resources, set_spawn_failed, set_timeout};
use crate::host::interpreter::InterpreterSearch;
use crate::host::paths::strip_nul;
use crate::host::process::Process;
use crate::host::protocol::Event;
use crate::host::shell::SIGNAL_STATUS_BASE;
use crate::limits::ERROR_JSON_BYTES_MAX;
use crate::response::Response;
use crate::sys::child::{ARGUMENTS_MAX, CANNOT_RUN, ExitStatus, STDERR, STDIN, STDOUT, Spawn};
use crate::sys::files::{Program, program, read_prefix};
use crate::sys::ipc::{Direction, memfd, pipe};
use crate::sys::{Environment, TakeOnce};
use crate::wire::number::Decimal;
use crate::wire::{bytes_eq, find_from, json, slice_or_empty};

/// A command, to be run for each event.
pub struct Console {
    /// The path of its file, with a NUL at its end.
    path: &'static [u8],
    /// The path of the interpreter that runs it, with a NUL at its end; `None`: it runs itself.
    interpreter: Option<&'static [u8]>,
    /// The arguments of the current event.
    words: &'static mut Words,
    /// The process of the current event.
    pub process: Process,
}

static WORDS: TakeOnce<Words> = TakeOnce::new(Words::new());
static CAPTURED: TakeOnce<Captured> = TakeOnce::new(Captured::new());

impl Console {
    /// The command of a file; its path has a NUL at its end.
    ///
    /// # Errors
    /// The file cannot be run, or there is no PHP for it.
    pub fn new(
        path: &'static [u8],
        environment: &Environment,
        output: &'static mut ChildOutput,
    ) -> Result<Console, &'static Failure> {
        let (Some(words), Some(captured)) = (WORDS.take(), CAPTURED.take()) else {
            return Err(CALLED_TWICE);
        };
        let interpreter = find_interpreter(path, environment)
            .inspect_err(|failure| diagnostic(failure.message_bytes(), b""))?;
        output.captured = Some(captured);
        Ok(Console {
            path,
            interpreter,
            words,
            process: Process::new(output, true),
        })
    }

    /// Handles an event. An error is in the response; this is its type as the platform's metrics
    /// know it.
    #[inline(never)] // a frame of its own is smaller code
    pub fn handle_event(
        &mut self,
        event: Event<'_>,
        response: &mut Response,
    ) -> Result<(), &'static [u8]> {
        let deadline = event.deadline;
        if let Err(fault) = self.words.read(event.invocation.event()) {
            return Err(set(response, "Runtime.NotAConsoleEvent", &[text_of(fault)]));
        }
        self.spawn(event, response)?;
        let wake = self.process.wait([None; 2], Direction::Read, deadline);
        // Also after its exit, with the processes that it has left in the background: they would be
        // frozen now, and go on at random within later events. Its status stays what it is.
        let status = self.process.kill();
        self.process.close_output();
        if wake.timed_out() {
            return Err(set_timeout(deadline.limit_ms(), response));
        }
        let captured = &self.process.output.captured;
        let output = captured.as_ref().map_or(&b""[..], |end| end.as_bytes());
        match status {
            Some(ExitStatus::Exit(0)) => {
                write_answer(output, response);
                Ok(())
            }
            status => {
                deadline.bound_log();
                Err(set_failed(status, output, response))
            }
        }
    }

    /// Starts the command for an event: it reads nothing, and writes to one pipe.
    #[inline(never)] // its stack is for the start alone
    fn spawn(&mut self, event: Event<'_>, response: &mut Response) -> Result<(), &'static [u8]> {
        let opened = || -> Result<_, usize> { Ok((memfd(b"")?, pipe()?)) };
        let (nothing, (out, its_out)) =
            opened().map_err(|errno| set_out_of_resources(errno, response))?;
        self.process.output.clear_tail();
        event
            .context
            .write(event.invocation, event.deadline, ContextFormat::Variables);
        let mut arguments = [None; ARGUMENTS_MAX];
        let mut places = arguments.iter_mut();
        let mut push = |argument| {
            if let Some(place) = places.next() {
                *place = Some(argument);
            }
        };
        if let Some(interpreter) = self.interpreter {
            push(interpreter);
        }
        push(self.path);
        self.words.iter().for_each(push);
        let path = self.interpreter.unwrap_or(self.path);
        let environment = Environment::new();
        let spawn = Spawn {
            path,
            arguments: &arguments,
            environment: environment.envp_with(event.context.as_bytes()),
            fds: &[
                (STDIN, Some(&nothing)),
                (STDOUT, Some(&its_out)),
                (STDERR, Some(&its_out)),
            ],
        };
        self.process.spawn(&spawn, Some(out)).map_err(|errno| {
            self.process.close_output();
            set_spawn_failed(path, errno, response)
        })
    }
}

/// The interpreter of a file; `None`: it runs itself.
///
/// A script of PHP needs no executable bit, which is lost easily on the way into a package. One
/// that looks for `php` in `PATH` gets it from where interpreters are searched, the `bin` of the
/// function first, which is not in `PATH`.
fn find_interpreter(
    path: &[u8],
    environment: &Environment,
) -> Result<Option<&'static [u8]>, &'static Failure> {
    let mut start = [0; 256];
    let bytes = read_prefix(path, &mut start);
    let start = slice_or_empty(&start, 0, bytes);
    let line = slice_or_empty(start, 0, find_from(start, 0, b'\n').min(bytes)).trim_ascii_end();
    let is_executable = match program(path) {
        Some(Program::Own) => {
            const OWN: &Failure = &Failure::new(
                "Runtime.HandlerNotFound",
                "console: names the runtime itself in _HANDLER",
            );
            return Err(OWN);
        }
        Some(Program::Other) => true,
        None => false,
    };
    let needs_php = if is_executable {
        bytes_eq(line, b"#!/usr/bin/env php")
    } else {
        is_php(strip_nul(path), line)
    };
    if !needs_php && !is_executable {
        const NEITHER: &Failure = &Failure::new(
            "Runtime.InvalidEntrypoint",
            "the file of console: is neither executable nor a script of PHP (by its name .php, or \
             its first line <?php or #!...php): package it with mode 755",
        );
        return Err(NEITHER);
    }
    let search = InterpreterSearch::new(environment).filter(|_| needs_php);
    let php = search.and_then(|search| search.program(b"php"));
    if php.is_none() && !is_executable {
        const NO_PHP: &Failure = &Failure::new(
            "Runtime.NoSuchInterpreter",
            "no php in bin of the function, /opt/bin or PATH",
        );
        return Err(NO_PHP);
    }
    Ok(php)
}

/// Whether a file with this first line is a script of PHP.
fn is_php(path: &[u8], line: &[u8]) -> bool {
    path.ends_with(b".php")
        || line.starts_with(b"<?php")
        || line.starts_with(b"#!") && line.windows(3).any(|part| part == b"php")
}

/// What a fault of an event is in the message.
fn text_of(fault: Fault) -> &'static [u8] {
    match fault {
        Fault::NoSuchForm => {
            b"the event has no arguments: it has to be a JSON string, a list of strings and \
              numbers, or an object with either as the member \"cli\""
        }
        Fault::OpenQuote => b"the arguments have a quote without an end",
        Fault::Nul => b"an argument has a NUL, which no process can be given",
        Fault::TooLong => b"the arguments are more than 255, or longer than 131072 bytes in all",
    }
}

fn write_answer(output: &[u8], response: &mut Response) {
    let buffer = response.buffer();
    buffer.append(b"{\"exitCode\":0,\"output\":\"");
    match json::escaped_text_bytes(output) {
        Some(_) => json::escape_text(output, &mut |piece| buffer.append(piece)),
        None => json::escape(output, &mut |piece| buffer.append(piece)),
    }
    buffer.append(b"\"}");
}

/// The bytes that the error takes beside the output, at most.
const AROUND_OUTPUT_BYTES: usize = 256;

/// The command has ended badly. The log has its output already, but not its status.
fn set_failed(status: Option<ExitStatus>, output: &[u8], response: &mut Response) -> &'static [u8] {
    let status = match status {
        Some(ExitStatus::Exit(status)) => status,
        Some(ExitStatus::Signal(signal)) => SIGNAL_STATUS_BASE + signal,
        None => CANNOT_RUN,
    };
    let status = Decimal::new(status);
    diagnostic_by_deadline(b"the command failed, exit status: ", status.as_bytes());
    let output = output.trim_ascii_end();
    let output = end_that_fits(output, ERROR_JSON_BYTES_MAX - AROUND_OUTPUT_BYTES);
    let colon: &[u8] = if output.is_empty() { b"" } else { b": " };
    let message: [&[u8]; 4] = [b"exit status ", status.as_bytes(), colon, output];
    set(response, "Function.CommandFailed", &message)
}
