//! Arguments of an interpreter before those of its kind: the limits of Node's heap, and what a
//! wrapper has inserted.

use crate::diagnostics::diagnostic;
use crate::failure::Failure;
use crate::host::command::Command;
use crate::host::kinds::Kind;
use crate::host::paths::{concat_into, freeze, strip_nul};
use crate::host::wrapper::interpreter_arguments;
use crate::sys::child::ARGUMENTS_MAX;
use crate::sys::{Arguments, Environment, TakeOnce};
use crate::wire::number::{Decimal, parse_decimal};
use crate::wire::slice_or_empty;

/// The most arguments that a wrapper may insert.
const INSERTED_MAX: usize = 40;

// The message has the number, and an interpreter has its path, flags, shim, file and name besides.
const _: () = assert!(INSERTED_MAX == 40 && INSERTED_MAX + 20 < ARGUMENTS_MAX);

static FLAGS: TakeOnce<[[u8; 64]; 2]> = TakeOnce::new([[0; _]; _]);
static MESSAGE: TakeOnce<[u8; 640]> = TakeOnce::new([0; _]);

/// Adds the arguments to the command of a persistent process.
#[inline(never)]
pub fn push_extra_arguments(
    command: &mut Command,
    kind: &Kind,
    environment: &Environment,
    arguments: Arguments,
) {
    if kind.has_heap_flags {
        push_node_flags(command, environment);
    }
    for argument in interpreter_arguments(arguments) {
        command.push_argument(argument);
    }
}

/// Refuses arguments of a wrapper that no interpreter takes.
///
/// # Errors
/// `Runtime.InvalidEntrypoint`: the kind has no interpreter, or there are too many arguments.
#[inline(never)]
pub fn check_inserted(kind: &Kind, arguments: Arguments) -> Result<(), Failure> {
    let mut inserted = interpreter_arguments(arguments);
    let (argument, reason): (_, &[u8]) = if kind.shim.is_none() {
        (
            inserted.next(),
            b": a program and a worker have no interpreter",
        )
    } else {
        (
            inserted.nth(INSERTED_MAX),
            b": it is one more than the 40 that fit",
        )
    };
    let (Some(argument), Some(message)) = (argument, MESSAGE.take()) else {
        return Ok(());
    };
    const WHAT: &[u8] =
        b"the wrapper (AWS_LAMBDA_EXEC_WRAPPER) inserts an argument that cannot be passed on";
    let bytes = concat_into(message, &[WHAT, reason, b": ", strip_nul(argument)]);
    let message = freeze(message, bytes);
    diagnostic(b"", message);
    Err(Failure::from_bytes("Runtime.InvalidEntrypoint", message))
}

/// The flags of the managed runtimes of Node: a tenth of the function's memory is for the young
/// generation, which has two semi-spaces, and the rest for the old one. `NODE_OPTIONS` comes first:
/// on the command line, these would replace its values. With any such flag V8 rejects the code
/// cache of Node's own modules, and Node starts 10 ms later, so a variable can turn them off.
fn push_node_flags(command: &mut Command, environment: &Environment) {
    let choice = environment.get(b"TINDERBOX_NODE_HEAP=default");
    if choice.is_some_and(<[u8]>::is_empty) {
        return;
    }
    let memory = environment.get(b"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=");
    let memory_mb = memory.and_then(parse_decimal).filter(|&memory| memory > 0);
    let (Some(memory_mb), Some(flags)) = (memory_mb, FLAGS.take()) else {
        return;
    };
    let options = environment.get(b"NODE_OPTIONS=").unwrap_or_default();
    let young_mb = memory_mb / 10;
    let limits: [(&[u8], usize); 2] = [
        (b"--max-old-space-size=", memory_mb - young_mb),
        (b"--max-semi-space-size=", young_mb / 2),
    ];
    for (flag, (name, size_mb)) in flags.iter_mut().zip(limits) {
        if !has_option(options, name) && size_mb > 0 {
            let bytes = concat_into(flag, &[name, Decimal::new(size_mb).as_bytes(), b"\0"]);
            command.push_argument(freeze(flag, bytes));
        }
    }
}

/// Whether options of Node have this one, whose words may be separated by underscores too.
#[inline(never)]
fn has_option(options: &[u8], name: &[u8]) -> bool {
    let name = name.strip_suffix(b"=").unwrap_or(name);
    let is_same =
        |(given, wanted): (&u8, &u8)| given == wanted || (*given, *wanted) == (b'_', b'-');
    (0..options.len()).any(|start| {
        let text = slice_or_empty(options, start, start + name.len());
        !text.is_empty() && text.iter().zip(name).all(is_same)
    })
}
