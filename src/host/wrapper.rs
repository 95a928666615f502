//! A program that is run in place of this one and starts it in its turn: `AWS_LAMBDA_EXEC_WRAPPER`,
//! as the managed runtimes have it (AWS Lambda Developer Guide, "Modifying the runtime
//! environment").

use crate::buffer::{Decimal, FixedBytes};
use crate::diagnostics::{self, EXIT_CONFIG};
use crate::host::errno;
use crate::host::resolve::join;
use crate::limits::PATH_BYTES_MAX;
use crate::sys::child::exec;
use crate::sys::files::{Program, exe_path, program};
use crate::sys::{Environment, TakeOnce, forget};
use crate::wire::part;

const VARIABLE: &[u8] = b"AWS_LAMBDA_EXEC_WRAPPER=";

struct Texts {
    wrapper: [u8; PATH_BYTES_MAX],
    own: [u8; PATH_BYTES_MAX],
}

static TEXTS: TakeOnce<Texts> = TakeOnce::new(Texts {
    wrapper: [0; _],
    own: [0; _],
});

/// Becomes the wrapper, with our own path and our arguments as its arguments, where the environment
/// asks for one. The variable is taken away, so that we do not do so again.
pub fn become_wrapper() {
    let environment = Environment::new();
    let Some(value) = environment.get(VARIABLE).filter(|value| !value.is_empty()) else {
        return;
    };
    let Some(texts) = TEXTS.take() else {
        return;
    };
    let wrapper_bytes = join(&mut texts.wrapper, &[value, b"\0"]);
    let wrapper = part(&texts.wrapper, 0, wrapper_bytes);
    // The last byte stays a NUL.
    let own_bytes = exe_path(texts.own.get_mut(..PATH_BYTES_MAX - 1).unwrap_or_default());
    if own_bytes == 0 {
        refuse(b": the path of the runtime is not known (no /proc)", value);
    }
    if program(wrapper) == Some(Program::Own) {
        refuse(b": that is the runtime itself", value);
    }
    forget(VARIABLE);
    let own = part(&texts.own, 0, own_bytes + 1);
    let errno = exec(wrapper, own, &Environment::new());
    let mut reason = FixedBytes::<160>::new();
    reason.push(errno::reason(errno, wrapper));
    reason.push(b" (errno ");
    reason.push(Decimal::new(errno).text());
    reason.push(b")");
    refuse(reason.get(), value);
}

/// Ends the process: the wrapper cannot be run.
fn refuse(reason: &[u8], value: &[u8]) -> ! {
    let mut text = FixedBytes::<256>::new();
    for piece in [b"cannot run the wrapper", reason, b": ", VARIABLE] {
        text.push(piece);
    }
    diagnostics::fatal(EXIT_CONFIG, text.get(), value)
}
