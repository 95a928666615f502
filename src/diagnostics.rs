//! The runtime's own log lines, each one write to standard error, and its exit codes.

use crate::buffer::FixedBytes;
use crate::limits::{HAS_EXTRAS, PIPE_BUF_BYTES};
use crate::sys;
use crate::wire::Error;

// The exit codes, and the places that end the process with each. 0 is the end of service: SIGTERM
// to a function with a hook (`shutdown`), to the parent of a pool or to the host (`host::process`),
// and `--help` (`host::help`). A child that cannot become its program exits with 127
// (`sys::child::CANNOT_RUN`). The guide says what users do (`limits_and_exit_codes`).

/// Exit code: the Runtime API cannot be reached (`connection`, `concurrency`), refused a request or
/// sent a malformed reply (`runtime_api`, `message_reader`).
pub const EXIT_API: i32 = 1;
/// Exit code: the configuration is wrong (`config`, `concurrency`, `host::wrapper`), or `run` was
/// called twice (`runtime`).
pub const EXIT_CONFIG: i32 = 2;
/// Exit code: an init error was reported (`panics::exit_init_error`, which serves all kinds of
/// handlers; `concurrency` for a pool; `runtime` for a feature that this build does not have).
pub const EXIT_INIT: i32 = 3;
/// Exit code: a panic was reported (`panics`).
pub const EXIT_PANIC: i32 = 101;

/// The longest detail of a line, in bytes; the end of a longer one is truncated.
const DETAIL_BYTES_MAX: usize = 640;

/// Logs `tinderbox: `, a message and the first line of its detail, as one line.
#[inline(never)]
pub fn diagnostic(message: &[u8], detail: &[u8]) {
    write_line(NAME, message, detail);
}

/// Logs which part of a reply is malformed, and the bytes from there on, and ends the process. The
/// smallest build shows the bytes alone.
#[inline(always)] // one caller
pub fn exit_malformed(fault: Error, bytes: &[u8]) -> ! {
    if HAS_EXTRAS {
        write_line(MALFORMED, fault.part(), bytes);
        sys::exit(EXIT_API);
    }
    fatal(EXIT_API, b"malformed reply: ", bytes)
}

#[cfg_attr(feature = "lambda-extras", inline(never))]
fn write_line(name: &[u8], message: &[u8], detail: &[u8]) {
    sys::write_error_line(name, message, first_line(detail));
}

/// The same, but a slow reader delays it no longer than to the deadline of the current event.
pub fn diagnostic_by_deadline(message: &[u8], detail: &[u8]) {
    let mut line = FixedBytes::<PIPE_BUF_BYTES>::new();
    for piece in [NAME, message, first_line(detail), b"\n"] {
        line.push(piece);
    }
    sys::write_log(2, line.as_bytes());
}

const NAME: &[u8] = b"tinderbox: ";
const MALFORMED: &[u8] = b"tinderbox: Runtime API: malformed ";

/// The part of a detail that a line shows.
#[inline(always)]
fn first_line(detail: &[u8]) -> &[u8] {
    let shown = detail.iter().take(DETAIL_BYTES_MAX);
    let bytes = shown.take_while(|byte| **byte >= b' ').count();
    detail.get(..bytes).unwrap_or_default()
}

/// Logs a line, and ends the process.
#[inline(never)]
pub fn fatal(code: i32, message: &[u8], detail: &[u8]) -> ! {
    diagnostic(message, detail);
    sys::exit(code)
}
