//! A program that is executed in place of this one, and executes it in turn:
//! `AWS_LAMBDA_EXEC_WRAPPER`, as the managed runtimes have it (AWS Lambda Developer Guide,
//! "Modifying the runtime environment").

use crate::buffer::FixedBytes;
use crate::diagnostics::{self, EXIT_CONFIG};
use crate::host::errno;
use crate::host::paths::concat_into;
use crate::limits::PATH_BYTES_MAX;
use crate::sys::child::exec;
use crate::sys::files::{Program, exe_path, program};
use crate::sys::{Environment, TakeOnce, unset};
use crate::wire::number::Decimal;
use crate::wire::slice_or_empty;

const VARIABLE: &[u8] = b"AWS_LAMBDA_EXEC_WRAPPER=";

struct Texts {
    wrapper: [u8; PATH_BYTES_MAX],
    own: [u8; PATH_BYTES_MAX],
}

static TEXTS: TakeOnce<Texts> = TakeOnce::new(Texts {
    wrapper: [0; _],
    own: [0; _],
});

/// Executes the wrapper that the environment names, if it names one, with our own path and our
/// arguments as its arguments. The variable is unset, so that we do not do so again.
pub fn exec_wrapper() {
    let environment = Environment::new();
    let Some(value) = environment.get(VARIABLE).filter(|value| !value.is_empty()) else {
        return;
    };
    let Some(texts) = TEXTS.take() else {
        return;
    };
    let wrapper_bytes = concat_into(&mut texts.wrapper, &[value, b"\0"]);
    let wrapper = slice_or_empty(&texts.wrapper, 0, wrapper_bytes);
    // The last byte stays a NUL.
    let own_bytes = exe_path(texts.own.get_mut(..PATH_BYTES_MAX - 1).unwrap_or_default());
    if own_bytes == 0 {
        refuse(b": the path of the runtime is not known (no /proc)", value);
    }
    if program(wrapper) == Some(Program::Own) {
        refuse(b": that is the runtime itself", value);
    }
    unset(VARIABLE);
    let own = slice_or_empty(&texts.own, 0, own_bytes + 1);
    let errno = exec(wrapper, own, &Environment::new());
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
