//! What the runtime itself has to say: one line, one write, on standard error; and how it ends.

use crate::buffer::FixedBytes;
use crate::limits::{HAS_EXTRAS, PIPE_BUF_BYTES};
use crate::sys;
use crate::wire::{Error, part};

/// Exit code: the Runtime API is lost, or refused us. All exit codes are explained in the README.
pub const EXIT_API: i32 = 1;
/// Exit code: the configuration is wrong.
pub const EXIT_CONFIG: i32 = 2;
/// Exit code: an init error was reported.
pub const EXIT_INIT: i32 = 3;
/// Exit code: a panic was reported.
pub const EXIT_PANIC: i32 = 101;

/// So much is said of what it is about, in bytes; what is behind is cut off.
const ABOUT_BYTES_MAX: usize = 640;

/// Writes `tinderbox: `, a text and the first line of what it is about, as one line.
#[inline(never)]
pub fn diagnostic(text: &[u8], about: &[u8]) {
    write_line(NAME, text, about);
}

/// Logs which part of a reply is malformed, and the bytes from there on, and ends the process. The
/// smallest build shows the bytes alone.
pub fn exit_malformed(fault: Error, bytes: &[u8]) -> ! {
    if HAS_EXTRAS {
        write_line(MALFORMED, fault.text(), bytes);
        sys::exit(EXIT_API);
    }
    fatal(EXIT_API, b"malformed reply: ", bytes)
}

#[cfg_attr(feature = "lambda-extras", inline(never))]
fn write_line(name: &[u8], text: &[u8], about: &[u8]) {
    sys::write_error_line(name, text, first_line(about));
}

/// The same by the deadline of the event in hand, if there is one.
pub fn diagnostic_by_deadline(text: &[u8], about: &[u8]) {
    let mut line = FixedBytes::<PIPE_BUF_BYTES>::new();
    for piece in [NAME, text, first_line(about), b"\n"] {
        line.push(piece);
    }
    sys::write_log(2, line.get());
}

const NAME: &[u8] = b"tinderbox: ";
const MALFORMED: &[u8] = b"tinderbox: malformed reply from the Runtime API: ";

/// What is shown of what a line is about.
#[inline(always)]
fn first_line(about: &[u8]) -> &[u8] {
    let shown = about.iter().take(ABOUT_BYTES_MAX);
    let bytes = shown.take_while(|byte| **byte >= b' ').count();
    part(about, 0, bytes)
}

/// Writes a line, and ends the process.
#[inline(never)]
pub fn fatal(code: i32, text: &[u8], about: &[u8]) -> ! {
    diagnostic(text, about);
    sys::exit(code)
}
