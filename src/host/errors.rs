//! The errors for failures of a child process, with type and message.
//!
//! Types are AWS's own where AWS has one for the condition, and else of the form that the
//! platform's metrics count.

use crate::buffer::FixedBytes;
use crate::failure;
use crate::host::errno::{self, EAGAIN, ENOMEM};
use crate::host::paths::strip_nul;
use crate::response::Response;
use crate::sys::child::ExitStatus;
use crate::wire::number::Decimal;
use crate::wire::slice_or_empty;

/// Receives one error.
pub trait ErrorSink {
    /// Begins the JSON of an error that a process reports.
    fn begin_json(&mut self);
    /// Appends a piece of it.
    fn append_json(&mut self, piece: &[u8]);
    /// Replaces it by an error of the runtime. The pieces of the message are any bytes.
    fn set_message(&mut self, error_type: &'static str, message: &[&[u8]]);
}

/// The error of an event, or of init.
impl ErrorSink for Response {
    fn begin_json(&mut self) {
        self.begin_error_body();
    }

    fn append_json(&mut self, piece: &[u8]) {
        self.buffer().append(piece);
    }

    fn set_message(&mut self, error_type: &'static str, message: &[&[u8]]) {
        failure::write(self.begin_error_body(), error_type, message);
    }
}

const BETWEEN: &[u8] = b": ";

/// An error while there is no event: a line of the log.
pub struct LogLine(pub FixedBytes<LOG_LINE_BYTES>);

/// The most of it that is shown, in bytes.
const LOG_LINE_BYTES: usize = 512;

impl ErrorSink for LogLine {
    fn begin_json(&mut self) {}

    fn append_json(&mut self, piece: &[u8]) {
        self.0.push(piece);
    }

    fn set_message(&mut self, error_type: &'static str, message: &[&[u8]]) {
        self.0.set(b"");
        for piece in [error_type.as_bytes(), BETWEEN].iter().chain(message) {
            self.0.push(piece);
        }
    }
}

/// The handler was killed because its time was up.
pub fn set_timeout(limit_ms: u64, sink: &mut dyn ErrorSink) -> &'static [u8] {
    let number = Decimal::new(limit_ms as usize);
    set(
        sink,
        "Function.Timeout",
        &[
            b"handler timed out: killed after ",
            number.as_bytes(),
            b" ms, before the function's deadline",
        ],
    )
}

/// A process, or a subshell of it, has exited with this status; `hint` is a reason in parentheses,
/// and `tail` the end of its log.
pub fn set_exit(
    status: &ExitStatus,
    hint: &[u8],
    tail: &[u8],
    sink: &mut dyn ErrorSink,
) -> &'static [u8] {
    let (what, number): (&[u8], usize) = match *status {
        ExitStatus::Exit(status) => (b"exit status ", status),
        ExitStatus::Signal(signal) => (b"signal ", signal),
    };
    let number = Decimal::new(number);
    let between = slice_or_empty(BETWEEN, 0, if tail.is_empty() { 0 } else { 2 });
    let message = [what, number.as_bytes(), hint, between, tail];
    set(sink, "Runtime.ExitError", &message)
}

/// Where /proc of the runtime is closed to the shell.
pub const NO_PROCFS: &[u8] =
    b"the shell cannot open /proc/PID/fd of the runtime: run both as the same user, and package \
      the runtime with mode 755";

/// A shell with these arguments, the last of which are FILE and NAME, has no such function.
pub fn set_no_shell_function(
    arguments: &[Option<&'static [u8]>],
    sink: &mut dyn ErrorSink,
) -> &'static [u8] {
    let mut arguments = arguments.iter().flatten().map(|text| strip_nul(text));
    let shell = arguments.next().unwrap_or_default();
    let name = arguments.next_back().unwrap_or_default();
    let file = arguments.next_back().unwrap_or_default();
    let advice = b": name one behind the dot of _HANDLER, or make the file executable to run it \
                   as a program";
    let message = [
        file,
        b" defines no function '",
        name,
        b"' in the shell ",
        shell,
        advice,
    ];
    set(sink, "Runtime.HandlerNotFound", &message)
}

/// A program, whose path has a NUL at its end, cannot be spawned.
pub fn set_spawn_failed(path: &[u8], errno: usize, sink: &mut dyn ErrorSink) -> &'static [u8] {
    let error_type = match errno {
        EAGAIN | ENOMEM => "Runtime.OutOfResources",
        _ => "Runtime.InvalidEntrypoint",
    };
    set_errno(
        sink,
        error_type,
        &[b"cannot run ", strip_nul(path)],
        errno::reason(errno, path),
        errno,
    )
}

/// No descriptor or no memory is left for the handler's pipes, sockets or files.
pub fn set_out_of_resources(errno: usize, sink: &mut dyn ErrorSink) -> &'static [u8] {
    set_errno(
        sink,
        "Runtime.OutOfResources",
        &[
            b"cannot open a pipe, a socket or a file in memory for the handler",
            b"",
        ],
        errno::resource_reason(errno),
        errno,
    )
}

fn set_errno(
    sink: &mut dyn ErrorSink,
    error_type: &'static str,
    [what, whose]: &[&[u8]; 2],
    reason: &[u8],
    errno: usize,
) -> &'static [u8] {
    let number = Decimal::new(errno);
    let message = [what, whose, reason, b" (errno ", number.as_bytes(), b")"];
    set(sink, error_type, &message)
}

/// Sets an error of the runtime. Returns its type in the form of the platform's metrics.
#[inline(never)]
pub fn set(sink: &mut dyn ErrorSink, error_type: &'static str, message: &[&[u8]]) -> &'static [u8] {
    sink.set_message(error_type, message);
    error_type.as_bytes()
}
