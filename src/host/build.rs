//! Builds the handler that `_HANDLER` names: its command, its protocol, its process.

use crate::buffer::FixedBytes;
use crate::diagnostics;
use crate::failure::Failure;
use crate::host::child_output::ChildOutput;
use crate::host::command::Command;
#[cfg(feature = "web")]
use crate::host::console::Console;
use crate::host::extra_arguments::{check_inserted, push_extra_arguments};
use crate::host::interpreter::InterpreterSearch;
use crate::host::kinds::Runs;
use crate::host::persistent::PersistentProcess;
use crate::host::process::Process;
use crate::host::program::Program;
use crate::host::protocol::AnyProtocol;
use crate::host::resolve::ResolvedHandler;
use crate::host::shell::{Shell, missing_shell};
#[cfg(feature = "web")]
use crate::host::web::fastcgi::{
    FastCgi,
    server::{PhpServer, find_server},
};
#[cfg(feature = "web")]
use crate::host::web::{Web, http_app::HttpApp, static_site::StaticSite};
use crate::host::worker::Frames;
use crate::host::{CALLED_TWICE, Handler};
use crate::sys::{Arguments, Environment, TakeOnce};
use crate::wire::slice_or_empty;

static COMMAND: TakeOnce<Command> = TakeOnce::new(Command::new());

/// Builds the handler that was resolved, and logs it.
pub fn build_handler(
    resolved: &ResolvedHandler,
    environment: &Environment,
    arguments: Arguments,
    telemetry: Option<usize>,
    output: &'static mut ChildOutput,
) -> Result<Handler, Failure> {
    let ResolvedHandler { kind, path, .. } = *resolved;
    check_inserted(kind, arguments)?;
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
        #[cfg(feature = "web")]
        Runs::Http => AnyProtocol::Http(build_http(environment).map_err(Failure::duplicate)?),
        #[cfg(feature = "web")]
        _ => return build_other(resolved, environment, output).map_err(Failure::duplicate),
    };
    let Some(program) = find_program(resolved, environment) else {
        let text = match kind.runs {
            Runs::Shell => missing_shell(path),
            _ => kind.not_found.as_bytes(),
        };
        diagnostics::diagnostic(b"", text);
        return Err(Failure::from_bytes("Runtime.NoSuchInterpreter", text));
    };
    let command = COMMAND.take().ok_or(CALLED_TWICE.duplicate())?;
    command.push_argument(program);
    push_extra_arguments(command, kind, environment, arguments);
    push_arguments(command, resolved);
    if kind.logs_errors {
        command.inherit_telemetry(telemetry);
    }
    command.capture_output = output.is_json() || kind.captures_output;
    log_handler(path, b": persistent process");
    PersistentProcess::new(command, protocol, output)
        .map(Handler::Persistent)
        .ok_or(CALLED_TWICE.duplicate())
}

/// A web server's protocol. (Errors are references: a failure is long to move.)
#[cfg(feature = "web")]
fn build_http(environment: &Environment) -> Result<HttpApp, &'static Failure> {
    HttpApp::new(web(environment)?, environment)
}

/// The handlers of other kinds.
#[cfg(feature = "web")]
#[inline(never)] // a frame of its own is smaller code
fn build_other(
    resolved: &ResolvedHandler,
    environment: &Environment,
    output: &'static mut ChildOutput,
) -> Result<Handler, &'static Failure> {
    let path = resolved.path;
    match resolved.kind.runs {
        Runs::Static => {
            let site = StaticSite::new(web(environment)?, environment, path)?;
            log_handler(path, b": static files");
            Ok(Handler::Static(site))
        }
        Runs::Console => {
            let console = Console::new(path, environment, output)?;
            log_handler(path, b": one command per event");
            Ok(Handler::Console(console))
        }
        _ => build_fastcgi(path, environment, output),
    }
}

/// PHP's FastCGI server.
#[cfg(feature = "web")]
fn build_fastcgi(
    path: &'static [u8],
    environment: &Environment,
    output: &'static mut ChildOutput,
) -> Result<Handler, &'static Failure> {
    let Some(program) = find_server(environment) else {
        diagnostics::diagnostic(b"", NO_SERVER.message_bytes());
        return Err(NO_SERVER);
    };
    let command = COMMAND.take().ok_or(CALLED_TWICE)?;
    command.push_argument(program);
    command.capture_output = true;
    let web = web(environment)?;
    let streams = web.settings.streams;
    let server = PhpServer::new(program, streams, environment, command);
    let server = server.map_err(|_| NO_CONFIGURATION)?;
    log_handler(path, b": persistent process");
    let fastcgi = FastCgi::new(web, server, path, environment);
    PersistentProcess::new(command, AnyProtocol::FastCgi(fastcgi), output)
        .map(Handler::Persistent)
        .ok_or(CALLED_TWICE)
}

#[cfg(feature = "web")]
const NO_SERVER: &Failure = &Failure::new(
    "Runtime.NoSuchInterpreter",
    "neither php-fpm nor php-cgi in bin of the function, /opt/bin or PATH",
);

#[cfg(feature = "web")]
const NO_CONFIGURATION: &Failure = &Failure::fixed(
    "Runtime.OutOfResources",
    "no file in memory can be made for the configuration of php-fpm",
);

/// What all web applications share.
#[cfg(feature = "web")]
fn web(environment: &Environment) -> Result<Web, &'static Failure> {
    let web = Web::new(environment).ok_or(CALLED_TWICE)?;
    match web.settings.fault() {
        Some(fault) => Err(fault),
        None => Ok(web),
    }
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

/// The arguments of a persistent process that its kind has.
fn push_arguments(command: &mut Command, resolved: &ResolvedHandler) {
    let kind = resolved.kind;
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
}
