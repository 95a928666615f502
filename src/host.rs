//! Handlers outside the binary: what `_HANDLER` names is found, and run for the events.
//!
//! | `_HANDLER` | finds, in `$LAMBDA_TASK_ROOT` | runs |
//! |---|---|---|
//! | `program` | an executable | one process an event |
//! | `worker:program` | an executable | kept alive, speaks the frame protocol |
//! | `function.handler` | `function.sh` | a shell, kept alive |
//! | `hello.hello`, `hello`, `hello.php` | `hello.php`, `src/hello.php` | PHP, kept alive |
//! | `index.handler` | `index.mjs`, `.js`, `.cjs`, `.py`, `.rb` | Node, Python or Ruby, kept alive |
//!
//! | variable | meaning |
//! |---|---|
//! | `_HANDLER` | what to run, see `resolve` |
//! | `LAMBDA_TASK_ROOT` | the folder that it is in; without it, the current one |
//! | `PATH` | where interpreters are looked for last |
//! | `AWS_LAMBDA_FUNCTION_TIMEOUT` | seconds an event may take when it brings no deadline of its own |
//! | `AWS_LAMBDA_LOG_FORMAT` | `JSON`: what handlers print becomes a record a line |
//! | `AWS_LAMBDA_EXEC_WRAPPER` | a program that is run in place of this one, with this one as its argument |

mod channel;
mod child;
mod child_output;
mod context;
mod errno;
mod help;
mod idle;
mod interpreter;
mod persistent;
mod program;
mod resolve;
mod shell;
mod shims;
mod target;
mod types;
mod worker;
mod wrapper;

use crate::connection::Connection;
use crate::diagnostics;
use crate::failure::Failure;
use crate::host::child::ReportedError;
use crate::host::child_output::ChildOutput;
use crate::host::context::{Context, Time, forget_variables, timeout_ms};
use crate::host::interpreter::InterpreterSearch;
use crate::host::persistent::{Command, PersistentProcess, ProcessError};
use crate::host::program::Program;
use crate::host::resolve::{Found, Kind, find_handler, strip_nul};
use crate::host::shell::Shell;
use crate::host::shims::SHIMS_BYTES;
use crate::host::worker::{LaunchSpec, Worker};
use crate::invocation::Invocation;
use crate::limits::RESTART_MS_MAX;
use crate::panics;
use crate::response::Response;
use crate::sys::child::reap_orphans;
use crate::sys::files::open_standard_streams;
use crate::sys::pool::{SIGCHLD, reset_to_default};
use crate::sys::{Environment, Handoff, TakeOnce, monotonic_ms, set_log_deadline};

/// What speaks with a process that is kept alive.
enum Protocol {
    Shell(Shell),
    Worker(Worker),
}

enum Handler {
    /// A process an event.
    Program(Program, &'static mut ChildOutput),
    /// One process for all events.
    PersistentProcess(PersistentProcess, Protocol),
}

/// The handler, and what it needs.
struct Host {
    handler: Handler,
    timeout_ms: Option<u64>,
    context: &'static mut Context,
    /// For what goes wrong while there is no event.
    spare: &'static mut Response,
    /// Until when a restart may hold up the request for the next event.
    restart_end_ms: u64,
}

static HOST: TakeOnce<Option<Host>> = TakeOnce::new(None);
static LOGS: TakeOnce<ChildOutput> = TakeOnce::new(ChildOutput::new());
static CONTEXT: TakeOnce<Context> = TakeOnce::new(Context::new());
static SPARE: TakeOnce<Response> = TakeOnce::new(Response::new());
/// Where the handler is while it is not at work.
static AT_REST: Handoff<Option<Host>> = Handoff::new();

static CODE: TakeOnce<[u8; SHIMS_BYTES]> = TakeOnce::new([0; _]);
static COMMAND: TakeOnce<Command> = TakeOnce::new(Command::new());

const TWICE: &Failure = &Failure::fixed("Runtime.Unknown", "the handler is at work already");

/// To be called first of all: becomes the wrapper that the environment asks for. Returns what
/// [`run_with`](crate::run_with) wants.
pub fn start() -> fn() -> Result<Handle, Failure> {
    open_standard_streams();
    help::answer_help_and_version();
    // Where it is ignored, nobody learns how a child has ended.
    reset_to_default(&[SIGCHLD]);
    wrapper::become_wrapper();
    forget_variables();
    init
}

type Handle = fn(&Invocation<'_>, &mut Response) -> Result<(), Failure>;

/// Finds the handler that the environment names, and starts it where it is kept alive.
fn init() -> Result<Handle, Failure> {
    let environment = Environment::new();
    let found = find_handler(&environment).inspect_err(|failure| {
        diagnostics::diagnostic(b"", failure.message_bytes());
    })?;
    let (Some(place), Some(logs), Some(context), Some(spare)) =
        (HOST.take(), LOGS.take(), CONTEXT.take(), SPARE.take())
    else {
        return Err(TWICE.duplicate());
    };
    logs.set_up();
    let mut handler = make(&found, &environment, logs)?;
    if let Handler::PersistentProcess(kept, talk) = &mut handler {
        if let Err(trouble) = kept.ensure(|kept| talk.begin(kept, None), None) {
            let ReportedError(error_type) = kept.fail(trouble, &Time::NONE, spare);
            kept.logs.say_failed(spare.body());
            let said: &'static Response = spare;
            return Err(Failure::from_json(error_type, said.body()));
        }
        panics::with_lent_api(|api| api.wait = Some(wait));
    }
    *place = Some(Host {
        handler,
        timeout_ms: timeout_ms(&environment),
        context,
        spare,
        restart_end_ms: 0,
    });
    AT_REST.put(place);
    Ok(handle)
}

/// Makes a handler of what was found, and says so in the log.
fn make(
    found: &Found,
    environment: &Environment,
    logs: &'static mut ChildOutput,
) -> Result<Handler, Failure> {
    let finder = InterpreterSearch::new(environment);
    let (language, talk): (&LaunchSpec, Protocol) = match found.kind {
        Kind::Program => {
            diagnostics::diagnostic(b"for each event runs ", strip_nul(found.path));
            return Ok(Handler::Program(Program { path: found.path }, logs));
        }
        Kind::Worker => (&worker::ITSELF, Protocol::Worker(Worker::new())),
        Kind::Shell => (&shell::SHELL, Protocol::Shell(Shell { quoted: false })),
        Kind::Php => (&worker::PHP, Protocol::Worker(Worker::new())),
        Kind::Node => (&worker::NODE, Protocol::Worker(Worker::new())),
        Kind::Python => (&worker::PYTHON, Protocol::Worker(Worker::new())),
        Kind::Ruby => (&worker::RUBY, Protocol::Worker(Worker::new())),
    };
    let program = match found.kind {
        Kind::Worker => Some(found.path),
        Kind::Shell => finder.and_then(|finder| finder.shell(found.path)),
        _ => finder.and_then(|finder| finder.program(language.program)),
    };
    let Some(path) = program else {
        diagnostics::diagnostic(b"", language.missing.as_bytes());
        return Err(Failure::new("Runtime.NoSuchInterpreter", language.missing));
    };
    let (Some(command), Some(room)) = (COMMAND.take(), CODE.take()) else {
        return Err(TWICE.duplicate());
    };
    command.path = path;
    command.capture_output = logs.is_json() || found.kind == Kind::Shell;
    command.add(path);
    for argument in language.arguments {
        command.add(argument);
    }
    if let Some(shim) = language.code {
        command.add(shims::text(shim, room));
        if !language.behind.is_empty() {
            command.add(language.behind);
        }
        command.add(found.path);
        command.add(found.name);
    }
    diagnostics::diagnostic(b"keeps alive for events: ", strip_nul(found.path));
    PersistentProcess::new(command, logs)
        .map(|kept| Handler::PersistentProcess(kept, talk))
        .ok_or(TWICE.duplicate())
}

impl Protocol {
    fn begin(
        &mut self,
        kept: &mut PersistentProcess,
        end_ms: Option<u64>,
    ) -> Result<(), ProcessError> {
        match self {
            Protocol::Shell(shell) => shell.begin(kept, end_ms),
            Protocol::Worker(worker) => worker.begin(kept, end_ms),
        }
    }

    fn run(
        &mut self,
        invocation: &Invocation<'_>,
        time: &Time,
        response: &mut Response,
        kept: &mut PersistentProcess,
        context: &mut Context,
    ) -> Result<Result<(), ReportedError>, ProcessError> {
        match self {
            Protocol::Shell(shell) => shell.run(invocation, time, response, kept, context),
            Protocol::Worker(worker) => worker.run(invocation, time, response, kept, context),
        }
    }
}

/// Lends the handler to code that needs it; nothing happens while somebody else has it.
fn with_host<T>(code: impl FnOnce(&mut Host) -> T) -> Option<T> {
    let place = AT_REST.take()?;
    let value = place.as_mut().map(code);
    AT_REST.put(place);
    value
}

/// Handles an event.
fn handle(invocation: &Invocation<'_>, response: &mut Response) -> Result<(), Failure> {
    with_host(|host| host.handle(invocation, response)).unwrap_or(Err(Failure::new(
        "Runtime.Unknown",
        "the handler is at work",
    )))
}

/// Waits for an event, and sees to the process that is kept alive.
fn wait(connection: &Connection) {
    with_host(|host| {
        set_log_deadline(None);
        if let Handler::PersistentProcess(kept, talk) = &mut host.handler {
            // What it has to say of its start is there when it is asked.
            kept.idle(connection.descriptor(), |kept| talk.begin(kept, Some(0)));
        }
    });
}

/// Starts anew what has come to an end, before the next event is asked for.
fn restart() {
    with_host(|host| {
        if let Handler::PersistentProcess(kept, talk) = &mut host.handler {
            let end_ms = Some(host.restart_end_ms);
            kept.renew(|kept| talk.begin(kept, end_ms), end_ms, host.spare);
        }
    });
}

impl Host {
    fn handle(
        &mut self,
        invocation: &Invocation<'_>,
        response: &mut Response,
    ) -> Result<(), Failure> {
        let time = Time::of(invocation, self.timeout_ms);
        set_log_deadline(time.end_ms);
        let (kept, talk) = match &mut self.handler {
            Handler::Program(program, logs) => {
                let outcome = program.run(invocation, &time, response, logs, self.context);
                reap_orphans(None);
                return outcome.map_err(ReportedError::into_failure);
            }
            Handler::PersistentProcess(kept, talk) => (kept, talk),
        };
        kept.logs.clear_tail();
        let outcome = match talk.run(invocation, &time, response, kept, self.context) {
            Ok(outcome) => outcome,
            Err(trouble) => {
                let failed = kept.fail(trouble, &time, response);
                // One that still starts may serve the next event.
                kept.last = kept.running.is_none();
                Err(failed)
            }
        };
        // What a shell function has to say of its failure is in the log already.
        if outcome.is_err() && (kept.last || matches!(talk, Protocol::Worker(_))) {
            kept.logs.say_failed(response.body());
        }
        reap_orphans(kept.child());
        // What the event has left, the restart may have: then the answer leaves alone, and the next
        // event is asked for behind it. The platform takes the answer for good only then, and no
        // later than at the deadline. Where nothing is left, both leave together, and the process
        // starts while the next event is awaited.
        let now_ms = monotonic_ms();
        let most_ms = now_ms.saturating_add(RESTART_MS_MAX);
        self.restart_end_ms = time.end_ms.unwrap_or(most_ms).min(most_ms);
        if kept.last && self.restart_end_ms > now_ms {
            panics::with_lent_api(|api| api.afterwards = Some(restart));
        }
        outcome.map_err(ReportedError::into_failure)
    }
}
