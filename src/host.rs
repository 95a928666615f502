//! Hosted handlers: what `_HANDLER` names is resolved, and handles the events.
//!
//! | `_HANDLER` | finds, in `$LAMBDA_TASK_ROOT` | runs |
//! |---|---|---|
//! | `program` | an executable | one process per event |
//! | `worker:program` | an executable | a persistent process that speaks the frame protocol |
//! | `function.handler` | `function.sh` | a persistent shell |
//! | `hello.hello`, `hello`, `hello.php` | `hello.php`, `src/hello.php` | a persistent PHP process |
//! | `index.handler` | `index.js`, `.mjs`, `.cjs`, `.py`, `.rb` | a persistent Node, Python or Ruby process |
//! | `package.module.handler` | a module of the package, a layer or a vendor folder, found by its language | the same |
//!
//! | variable | meaning |
//! |---|---|
//! | `_HANDLER` | what to run, see `resolve`; where it is blank, the first argument counts |
//! | `AWS_EXECUTION_ENV` | decides the language where several fit the handler |
//! | `AWS_LAMBDA_FUNCTION_MEMORY_SIZE` | the limits of Node's heap, unless `NODE_OPTIONS` has them |
//! | `LAMBDA_TASK_ROOT` | the folder of the handler; without it, the current one |
//! | `PATH` | where interpreters are searched last |
//! | `AWS_LAMBDA_FUNCTION_TIMEOUT` | time of an event without a deadline of its own, in seconds |
//! | `AWS_LAMBDA_LOG_FORMAT` | `JSON`: a line that a handler prints becomes a record, unless it is a JSON object |
//! | `TINDERBOX_NODE_HEAP` | `default`: no limits of Node's heap from the function's memory |
//! | `AWS_LAMBDA_EXEC_WRAPPER` | a program that is executed in place of this one, see `wrapper` |
//!
//! A persistent process is a `Process` (spawn, output, exit), a `Channel` (a byte stream with
//! deadlines), a `Protocol` (frames, lines of a shell) and one state machine, `PersistentProcess`.
//! How to add a hosted language: see `kinds`.

mod build;
mod candidates;
mod channel;
mod child_output;
mod command;
#[cfg(feature = "web")]
mod console;
mod context;
mod deadline;
mod errno;
mod errors;
mod extra_arguments;
mod help;
mod idle;
mod interpreter;
pub mod kinds; // public for the tests of the shims, which run the same commands
mod modules;
mod paths;
mod persistent;
mod process;
mod program;
mod protocol;
mod receive;
mod resolve;
mod response_pipe;
mod shell;
mod shims;
mod target;
mod types;
#[cfg(feature = "web")]
mod web;
mod worker;
mod wrapper;

use crate::connection::Connection;
use crate::diagnostics;
use crate::failure::Failure;
use crate::host::build::build_handler;
use crate::host::child_output::ChildOutput;
#[cfg(feature = "web")]
use crate::host::console::Console;
use crate::host::context::{Context, unset_variables};
use crate::host::deadline::{Deadline, timeout_ms};
use crate::host::kinds::Kind;
use crate::host::persistent::{PersistentProcess, Restart};
use crate::host::program::Program;
use crate::host::protocol::{Event, ProcessError, Protocol};
use crate::host::resolve::resolve_handler;
#[cfg(feature = "web")]
use crate::host::web::static_site::StaticSite;
use crate::invocation::Invocation;
use crate::limits::{INIT_MS_MAX, RESTART_MS_MAX};
use crate::logging::{TELEMETRY, log_failure};
use crate::response::Response;
use crate::service::Service;
use crate::sys::files::open_standard_streams;
use crate::sys::signals::{SIGCHLD, reset_to_default};
use crate::sys::{Arguments, Environment, TakeOnce, monotonic_ms, set_log_deadline};
use crate::wire::bytes_eq;
use crate::wire::number::parse_decimal;

#[allow(clippy::large_enum_variant)] // there is one, in static memory
enum Handler {
    /// One process per event.
    Program(Program),
    /// One process for all events.
    Persistent(PersistentProcess),
    /// No process.
    #[cfg(feature = "web")]
    Static(StaticSite),
    /// One command per event.
    #[cfg(feature = "web")]
    Console(Console),
}

/// The hosted handler.
pub struct Host {
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

const CALLED_TWICE: &Failure = &Failure::fixed("Runtime.Unknown", "the host was made twice");

impl Host {
    /// Resolves the handler that the environment names, and starts it if it is a persistent
    /// process. The JSON of an error may be in the response.
    ///
    /// # Errors
    /// The init error: the handler is not found, its interpreter is missing, or it fails to start.
    pub fn init(arguments: Arguments, response: &mut Response) -> Result<Host, Failure> {
        let environment = Environment::new();
        let handler = wrapper::handler(&environment, arguments);
        let resolved = resolve_handler(handler, &environment).inspect_err(|failure| {
            diagnostics::diagnostic(b"", failure.message_bytes());
        })?;
        let (Some(output), Some(context)) = (OUTPUT.take(), CONTEXT.take()) else {
            return Err(CALLED_TWICE.duplicate());
        };
        // The first record removes the variable.
        let telemetry = environment.get(TELEMETRY).and_then(parse_decimal);
        output.init_format();
        let mut handler = build_handler(&resolved, &environment, arguments, telemetry, output)?;
        if let Handler::Persistent(process) = &mut handler {
            let deadline = init_deadline(resolved.kind, &environment);
            match process.ensure_ready(&deadline) {
                // The first event waits for it.
                Err(ProcessError::TimedOut) if deadline.end_ms().is_some() => {}
                ready => ready.map_err(|error| fail_init(process, error, response))?,
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

/// Logs why init, or a restore, has failed, unless the process did. The error is in the response.
fn fail_init(
    process: &mut PersistentProcess,
    error: ProcessError,
    response: &mut Response,
) -> Failure {
    let is_logged =
        matches!(error, ProcessError::InitError(..)) && process.protocol.logs_errors_itself();
    let none = Deadline::none();
    let error_type = process.fail(error, Restart::WithNextEvent, &none, response);
    if !is_logged {
        log_failure(response.body());
    }
    Failure::from_json(error_type, b"")
}

impl Service for Host {
    const ACCEPTS_IPV6: bool = true;

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
                // An exit has its reason in the log: the program's own lines.
                if outcome.is_err_and(|error_type| error_type != b"Runtime.ExitError") {
                    deadline.bound_log();
                    log_failure(response.body());
                }
                program.process.reap_exited(false);
                outcome
            }
            #[cfg(feature = "web")]
            Handler::Console(console) => {
                let outcome = console.handle_event(event, response);
                // The output of a command that failed is in the log.
                if outcome.is_err_and(|error_type| error_type != b"Function.CommandFailed") {
                    deadline.bound_log();
                    log_failure(response.body());
                }
                console.process.reap_exited(false);
                outcome
            }
            #[cfg(feature = "web")]
            Handler::Static(site) => {
                let outcome = site.handle_event(invocation, &deadline, response);
                outcome.inspect_err(|_| {
                    deadline.bound_log();
                    log_failure(response.body());
                })
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

    /// A restart, which has to come before the request for the next event: after that the platform
    /// may freeze us. AWS's emulator delivers the answer only then, and drops it at the deadline.
    fn has_work_after_answer(&self) -> bool {
        self.restart_end_ms.is_some()
    }

    fn after_restore(&mut self, response: &mut Response) -> Result<(), Failure> {
        let Handler::Persistent(process) = &mut self.handler else {
            return Ok(());
        };
        let restored = process.after_restore(&Deadline::none());
        restored.map_err(|error| fail_init(process, error, response))
    }

    /// Restarts a process that has exited, before the next event is requested.
    fn after_answer(&mut self) {
        if let (Handler::Persistent(process), Some(end_ms)) =
            (&mut self.handler, self.restart_end_ms.take())
        {
            process.restart(&Deadline::at(Some(end_ms)));
        }
    }

    /// Watches the persistent process, and for SIGTERM, until `connection` is readable.
    fn idle(&mut self, connection: &Connection) {
        set_log_deadline(None);
        let api = connection.descriptor();
        match &mut self.handler {
            Handler::Program(program) => program.process.wait_without_process(api),
            #[cfg(feature = "web")]
            Handler::Console(console) => console.process.wait_without_process(api),
            // The read of the next event waits.
            #[cfg(feature = "web")]
            Handler::Static(_) => {}
            Handler::Persistent(process) => process.idle(api),
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

/// Until when init waits for a process: without end, as the platform ends an init that is late. A
/// web application may take longer than the platform gives to init: then the first event waits for
/// it, and it need not start again.
fn init_deadline(kind: &Kind, environment: &Environment) -> Deadline {
    let value = environment.get(b"AWS_LAMBDA_INITIALIZATION_TYPE=");
    let is_bounded = value.is_none_or(|value| bytes_eq(value, b"on-demand"));
    if kind.starts_late && is_bounded {
        return Deadline::at(Some(monotonic_ms().saturating_add(INIT_MS_MAX)));
    }
    Deadline::none()
}

/// Prepares the process for [`Host::init`], and returns its arguments. To be called first of all:
/// the process becomes the wrapper that the environment names.
pub fn prepare() -> Arguments {
    open_standard_streams();
    help::answer_help_and_version();
    // Where it is ignored, the exit status of a child is lost.
    reset_to_default(&[SIGCHLD]);
    let arguments = Arguments::new();
    wrapper::exec_wrapper(arguments);
    unset_variables();
    arguments
}
