//! Hosted handlers: what `_HANDLER` names is resolved, and handles the events.
//!
//! | `_HANDLER` | finds, in `$LAMBDA_TASK_ROOT` | runs |
//! |---|---|---|
//! | `program` | an executable | one process per event |
//! | `worker:program` | an executable | a persistent process that speaks the frame protocol |
//! | `function.handler` | `function.sh` | a persistent shell |
//! | `hello.hello`, `hello`, `hello.php` | `hello.php`, `src/hello.php` | a persistent PHP process |
//! | `index.handler` | `index.mjs`, `.js`, `.cjs`, `.py`, `.rb` | a persistent Node, Python or Ruby process |
//!
//! | variable | meaning |
//! |---|---|
//! | `_HANDLER` | what to run, see `resolve` |
//! | `LAMBDA_TASK_ROOT` | the folder of the handler; without it, the current one |
//! | `PATH` | where interpreters are searched last |
//! | `AWS_LAMBDA_FUNCTION_TIMEOUT` | time of an event without a deadline of its own, in seconds |
//! | `AWS_LAMBDA_LOG_FORMAT` | `JSON`: the output of handlers becomes one record per line |
//! | `AWS_LAMBDA_EXEC_WRAPPER` | a program that is executed in place of this one, with this one as its argument |
//!
//! A persistent process is a `Process` (spawn, output, exit), a `Channel` (a byte stream with
//! deadlines), a `Protocol` (frames, lines of a shell) and one state machine, `PersistentProcess`.
//! How to add a hosted language: see `kinds`.

mod channel;
mod child_output;
mod context;
mod deadline;
mod errno;
mod errors;
mod help;
mod idle;
mod interpreter;
pub mod kinds; // public for the tests of the shims, which run the same commands
mod paths;
mod persistent;
mod process;
mod program;
mod protocol;
mod resolve;
mod response_pipe;
mod shell;
mod shims;
mod target;
mod types;
mod worker;
mod wrapper;

use crate::buffer::FixedBytes;
use crate::connection::Connection;
use crate::diagnostics;
use crate::failure::Failure;
use crate::host::child_output::ChildOutput;
use crate::host::context::{Context, unset_variables};
use crate::host::deadline::{Deadline, timeout_ms};
use crate::host::interpreter::InterpreterSearch;
use crate::host::kinds::Runs;
use crate::host::persistent::{Command, PersistentProcess, Restart};
use crate::host::process::Process;
use crate::host::program::Program;
use crate::host::protocol::{AnyProtocol, Event, ProcessError, Protocol};
use crate::host::resolve::{ResolvedHandler, resolve_handler};
use crate::host::shell::{Shell, missing_shell};
use crate::host::worker::Frames;
use crate::invocation::Invocation;
use crate::limits::RESTART_MS_MAX;
use crate::response::Response;
use crate::runtime;
use crate::service::Service;
use crate::sys::files::open_standard_streams;
use crate::sys::signals::{SIGCHLD, reset_to_default};
use crate::sys::{Environment, TakeOnce, monotonic_ms, set_log_deadline};
use crate::wire::slice_or_empty;

#[allow(clippy::large_enum_variant)] // there is one, in static memory
enum Handler {
    /// One process per event.
    Program(Program),
    /// One process for all events.
    Persistent(PersistentProcess),
}

/// The hosted handler.
struct Host {
    handler: Handler,
    timeout_ms: Option<u64>,
    context: &'static mut Context,
    /// When the clock was read last, in milliseconds since the Unix epoch.
    clock_ms: u64,
    /// Until when a restart may delay the request for the next event, on the monotonic clock in
    /// milliseconds; `None`: it is not needed, or has no time.
    restart_end_ms: Option<u64>,
}

static OUTPUT: TakeOnce<ChildOutput> = TakeOnce::new(ChildOutput::new());
static CONTEXT: TakeOnce<Context> = TakeOnce::new(Context::new());
static COMMAND: TakeOnce<Command> = TakeOnce::new(Command::new());

const CALLED_TWICE: &Failure = &Failure::fixed("Runtime.Unknown", "the host was made twice");

impl Host {
    /// Resolves the handler that the environment names, and starts it if it is a persistent
    /// process. The JSON of an error may be in the response.
    fn init(response: &mut Response) -> Result<Host, Failure> {
        let environment = Environment::new();
        let resolved = resolve_handler(&environment).inspect_err(|failure| {
            diagnostics::diagnostic(b"", failure.message_bytes());
        })?;
        let (Some(output), Some(context)) = (OUTPUT.take(), CONTEXT.take()) else {
            return Err(CALLED_TWICE.duplicate());
        };
        output.init_format();
        let mut handler = build_handler(&resolved, &environment, output)?;
        if let Handler::Persistent(process) = &mut handler {
            let none = Deadline::none();
            if let Err(error) = process.ensure_ready(&none) {
                let is_logged = matches!(error, ProcessError::InitError(..))
                    && process.protocol.logs_errors_itself();
                let error_type = process.fail(error, Restart::WithNextEvent, &none, response);
                if !is_logged {
                    process.link.process.output.log_failure(response.body());
                }
                return Err(Failure::from_json(error_type, b""));
            }
        }
        Ok(Host {
            handler,
            timeout_ms: timeout_ms(&environment),
            context,
            clock_ms: 0,
            restart_end_ms: None,
        })
    }
}

impl Service for Host {
    fn handle(
        &mut self,
        invocation: &Invocation<'_>,
        response: &mut Response,
    ) -> Result<(), Failure> {
        let deadline = Deadline::of_event(invocation, self.timeout_ms, self.clock_ms);
        let event = Event {
            invocation,
            deadline: &deadline,
            context: self.context,
        };
        self.restart_end_ms = None;
        let outcome = match &mut self.handler {
            Handler::Program(program) => {
                let outcome = program.handle_event(event, response);
                program.process.reap_exited(false);
                outcome
            }
            Handler::Persistent(process) => {
                let outcome = process.handle_event(event, response);
                if process.needs_restart() {
                    self.restart_end_ms = restart_end_ms(&deadline);
                }
                outcome
            }
        };
        if let Some(clock_ms) = deadline.clock_ms() {
            self.clock_ms = clock_ms;
        }
        outcome.map_err(|error_type| Failure::from_json(error_type, b""))
    }

    /// A restart: the platform takes the answer for good only when the next event is requested, and
    /// no later than at the deadline.
    fn has_work_after_answer(&self) -> bool {
        self.restart_end_ms.is_some()
    }

    /// Restarts a process that has exited, before the next event is requested.
    fn after_answer(&mut self) {
        if let (Handler::Persistent(process), Some(end_ms)) =
            (&mut self.handler, self.restart_end_ms.take())
        {
            process.restart(&Deadline::at(Some(end_ms)));
        }
    }

    /// Watches the persistent process until `connection` is readable; without such a process it
    /// returns at once.
    fn idle(&mut self, connection: &Connection) {
        set_log_deadline(None);
        if let Handler::Persistent(process) = &mut self.handler {
            process.idle(connection.descriptor());
        }
    }
}

/// The end of the event's remaining time, which the restart may use; `None` if no time is left:
/// then the answer and the next request leave in one send, and the process starts while the runtime
/// waits for the next event.
fn restart_end_ms(deadline: &Deadline) -> Option<u64> {
    let now_ms = monotonic_ms();
    let most_ms = now_ms.saturating_add(RESTART_MS_MAX);
    let end_ms = deadline.end_ms().unwrap_or(most_ms).min(most_ms);
    (end_ms > now_ms).then_some(end_ms)
}

/// Builds the handler that was resolved, and logs it.
fn build_handler(
    resolved: &ResolvedHandler,
    environment: &Environment,
    output: &'static mut ChildOutput,
) -> Result<Handler, Failure> {
    let ResolvedHandler { kind, path, .. } = *resolved;
    let protocol = match kind.runs {
        Runs::PerEvent => {
            log_handler(path, b": one process per event");
            return Ok(Handler::Program(Program {
                path,
                process: Process::new(output, true),
            }));
        }
        Runs::Frames => AnyProtocol::Frames(Frames::new(kind.logs_errors)),
        Runs::Shell => AnyProtocol::Shell(Shell::new(path)),
    };
    let Some(program) = find_program(resolved, environment) else {
        let text = match kind.runs {
            Runs::Shell => missing_shell(path),
            _ => kind.not_found.as_bytes(),
        };
        diagnostics::diagnostic(b"", text);
        return Err(Failure::from_bytes("Runtime.NoSuchInterpreter", text));
    };
    let command = build_command(resolved, program).ok_or(CALLED_TWICE.duplicate())?;
    command.capture_output = output.is_json() || kind.runs == Runs::Shell;
    log_handler(path, b": persistent process");
    PersistentProcess::new(command, protocol, output)
        .map(Handler::Persistent)
        .ok_or(CALLED_TWICE.duplicate())
}

/// Logs the path of the handler, and how it is run.
fn log_handler(path: &[u8], what: &[u8]) {
    // The start of a path that is too long for the line is enough.
    let mut line = FixedBytes::<640>::new();
    let shown = path.len().min(600).saturating_sub(1);
    line.push(slice_or_empty(path, 0, shown));
    line.push(what);
    diagnostics::diagnostic(b"handler ", line.as_bytes());
}

/// The program of a persistent process: the file itself, the shell that it names, or an
/// interpreter.
fn find_program(resolved: &ResolvedHandler, environment: &Environment) -> Option<&'static [u8]> {
    let kind = resolved.kind;
    if kind.shim.is_none() {
        return Some(resolved.path);
    }
    let search = InterpreterSearch::new(environment)?;
    match kind.runs {
        Runs::Shell => search.shell(resolved.path),
        _ => search.program(kind.interpreter),
    }
}

/// The command of a persistent process.
fn build_command(
    resolved: &ResolvedHandler,
    program: &'static [u8],
) -> Option<&'static mut Command> {
    let command = COMMAND.take()?;
    let kind = resolved.kind;
    command.path = program;
    command.push_argument(program);
    for argument in kind.arguments {
        command.push_argument(argument);
    }
    if let Some(shim) = kind.shim {
        command.push_argument(shim);
        if !kind.after_shim.is_empty() {
            command.push_argument(kind.after_shim);
        }
        command.push_argument(resolved.path);
        command.push_argument(resolved.name);
    }
    Some(command)
}

/// Serves events with the handler that the environment names, until the process ends. To be called
/// first of all: the process becomes the wrapper that the environment names.
pub fn run() -> ! {
    open_standard_streams();
    help::answer_help_and_version();
    // Where it is ignored, the exit status of a child is lost.
    reset_to_default(&[SIGCHLD]);
    wrapper::exec_wrapper();
    unset_variables();
    runtime::serve(Host::init)
}
