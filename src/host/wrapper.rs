//! A program that is executed in place of this one, and executes it in turn:
//! `AWS_LAMBDA_EXEC_WRAPPER`, as the managed runtimes have it (AWS Lambda Developer Guide,
//! "Modifying the runtime environment").
//!
//! A managed runtime calls the wrapper as `WRAPPER INTERPRETER ARGUMENTS... FILE`, and the guide's
//! example inserts arguments for the interpreter before the last one. So we call it as `WRAPPER
//! BOOTSTRAP BOOTSTRAP`: where our last argument is our own name, those between are for the
//! interpreter of the handler.

use crate::buffer::FixedBytes;
use crate::diagnostics::{self, EXIT_CONFIG};
use crate::host::errno;
use crate::host::paths::{concat_into, strip_nul};
use crate::limits::PATH_BYTES_MAX;
use crate::sys::child::exec;
use crate::sys::files::{Program, exe_path, program};
use crate::sys::{Arguments, Environment, TakeOnce, unset};
use crate::wire::number::Decimal;
use crate::wire::{bytes_eq, slice_or_empty};

const VARIABLE: &[u8] = b"AWS_LAMBDA_EXEC_WRAPPER=";

struct Texts {
    wrapper: [u8; PATH_BYTES_MAX],
    own: [u8; PATH_BYTES_MAX],
    /// `_HANDLER=...`, for a runtime whose handler is an argument.
    handler: [u8; PATH_BYTES_MAX],
}

static TEXTS: TakeOnce<Texts> = TakeOnce::new(Texts {
    wrapper: [0; _],
    own: [0; _],
    handler: [0; _],
});

/// Executes the wrapper that the environment names, if it names one. The variable is unset, so that
/// we do not do so again. A wrapper that is this program itself has run: under a managed runtime,
/// the variable is how a function's own bootstrap takes its place.
pub fn exec_wrapper(arguments: Arguments) {
    let environment = Environment::new();
    let Some(value) = environment.get(VARIABLE).filter(|value| !value.is_empty()) else {
        return;
    };
    let Some(texts) = TEXTS.take() else {
        return;
    };
    let wrapper_bytes = concat_into(&mut texts.wrapper, &[value, b"\0"]);
    let wrapper = slice_or_empty(&texts.wrapper, 0, wrapper_bytes);
    let is_own = program(wrapper) == Some(Program::Own);
    // The last byte stays a NUL.
    let own_bytes = exe_path(texts.own.get_mut(..PATH_BYTES_MAX - 1).unwrap_or_default());
    if own_bytes == 0 && !is_own {
        refuse(b": the path of the runtime is not known (no /proc)", value);
    }
    let handler = handler(&environment, arguments);
    unset(VARIABLE);
    if is_own {
        return;
    }
    let own = slice_or_empty(&texts.own, 0, own_bytes + 1);
    let environment = Environment::new();
    let handler_bytes = match environment.get(b"_HANDLER=") {
        Some(set) if bytes_eq(set, handler) => 0,
        _ => concat_into(&mut texts.handler, &[b"_HANDLER=", handler, b"\0"]),
    };
    let variables = slice_or_empty(&texts.handler, 0, handler_bytes);
    let arguments = [Some(wrapper), Some(own), Some(own)];
    let errno = exec(wrapper, &arguments, environment.envp_with(variables));
    let mut reason = FixedBytes::<256>::new();
    reason.push(errno::reason(errno, wrapper));
    reason.push(b" (errno ");
    reason.push(Decimal::new(errno).as_bytes());
    reason.push(b")");
    refuse(reason.as_bytes(), value);
}

/// Ends the process: the wrapper cannot be run.
fn refuse(reason: &[u8], value: &[u8]) -> ! {
    let mut text = FixedBytes::<352>::new();
    for piece in [b"cannot run the wrapper", reason, b": ", VARIABLE] {
        text.push(piece);
    }
    diagnostics::fatal(EXIT_CONFIG, text.as_bytes(), value)
}

/// Whether a wrapper has executed us: our last argument is our own name.
fn is_wrapped(arguments: Arguments) -> bool {
    match (arguments.get(0), arguments.last()) {
        (Some(first), Some(last)) => arguments.count() > 1 && bytes_eq(first, last),
        _ => false,
    }
}

/// The arguments for the interpreter, each with the NUL at its end: those that a wrapper inserted.
pub fn interpreter_arguments(arguments: Arguments) -> impl Iterator<Item = &'static [u8]> {
    let end = if is_wrapped(arguments) {
        arguments.count() - 1
    } else {
        1
    };
    (1..end).filter_map(move |index| arguments.get(index))
}

/// The handler: `_HANDLER`, or where that is blank the first argument, as in a container image
/// whose `CMD` names the handler.
pub fn handler(environment: &Environment, arguments: Arguments) -> &[u8] {
    let set = environment.get(b"_HANDLER=").unwrap_or_default();
    match arguments.get(1) {
        Some(first) if set.trim_ascii().is_empty() && !is_wrapped(arguments) => strip_nul(first),
        _ => set,
    }
}
