//! Shell functions, as AWS's tutorial has them: the file is sourced once, and the function runs in
//! a subshell for each event, with the event as `$1` and as standard input. What it writes to
//! standard output is the response, standard error is the log.
//!
//! A line on the channel names the descriptors of ours that hold the event, the response and the
//! context, which the shell opens by way of /proc (a shell that read the event from a socket would
//! make a system call per byte). The shell answers with the exit status of the function. That ends
//! the response: a background process may hold the pipe indefinitely.

use crate::buffer::FixedBytes;
use crate::host::channel::Ready;
use crate::host::context::{ContextFormat, quote};
use crate::host::deadline::Deadline;
use crate::host::errors::set_exit;
use crate::host::paths::{concat_into, freeze, strip_nul};
use crate::host::protocol::{AfterEvent, Event, EventError, Link, ProcessError, Protocol};
use crate::host::response_pipe::ResponsePipe;
use crate::limits::PATH_BYTES_MAX;
use crate::response::Response;
use crate::sys::child::ExitStatus;
use crate::sys::files::read_prefix;
use crate::sys::ipc::{append, memfd, pipe};
use crate::sys::{Descriptor, TakeOnce};
use crate::wire::number::Decimal;
use crate::wire::number::parse_decimal;
use crate::wire::{find_from, parts, slice_or_empty};

/// A status above this says that a signal ended the subshell, or something in it (POSIX, "Exit
/// Status for Commands").
pub const SIGNAL_STATUS_BASE: usize = 128;

/// The longest line of the shim, in bytes with its line feed.
const LINE_BYTES_MAX: usize = 32;

/// Our side of the protocol of the shell's shim.
pub struct Shell {
    /// The path of the function's file, with a NUL at its end.
    file: &'static [u8],
    /// The shell cannot read a file at once: the event comes as a command that sets the variable.
    event_by_assignment: bool,
}

impl Shell {
    /// A shell that has sent nothing yet, for the functions of this file.
    pub const fn new(file: &'static [u8]) -> Shell {
        Shell {
            file,
            event_by_assignment: false,
        }
    }
}

impl Protocol for Shell {
    fn wait_until_ready(
        &mut self,
        link: &mut Link,
        deadline: &Deadline,
    ) -> Result<(), ProcessError> {
        let channel = &mut link.channel;
        loop {
            let line = channel.read_line(PATH_BYTES_MAX, &mut link.process, deadline)?;
            self.event_by_assignment = match line {
                b"ready file" => false,
                b"ready assignment" => true,
                b"missing" => return Err(ProcessError::HandlerNotFound),
                b"closed" => return Err(ProcessError::ProcfsUnavailable),
                // `NAME is a function`, `NAME is a shell function`, in some shells with the file.
                line if is_in(b" is a function", line) || is_in(b" is a shell function", line) => {
                    continue;
                }
                line if is_in(b" is ", line) || line.ends_with(b"not found") => {
                    return Err(ProcessError::HandlerNotFound);
                }
                _ => return Err(ProcessError::ProtocolViolation),
            };
            return Ok(());
        }
    }

    #[inline(never)] // a frame of its own is smaller code
    fn handle_event(
        &mut self,
        event: &mut Event<'_>,
        link: &mut Link,
        response: &mut Response,
    ) -> Result<(), EventError> {
        let Event {
            invocation,
            deadline,
            context,
        } = event;
        let Link {
            process, channel, ..
        } = link;
        context.write(invocation, deadline, ContextFormat::Exports);
        let opened = || -> Result<_, usize> {
            let event = memfd(invocation.event())?;
            let commands = memfd(context.as_bytes())?;
            if self.event_by_assignment {
                write_assignment(&commands, invocation.event())?;
            }
            Ok((event, commands, pipe()?))
        };
        let (event, commands, (out, its_out)) = opened().map_err(ProcessError::OutOfResources)?;
        let mut line = FixedBytes::<64>::new();
        for (descriptor, end) in [(&event, b" "), (&its_out, b" "), (&commands, b"\n")] {
            line.push(Decimal::new(descriptor.raw_fd()).as_bytes());
            line.push(end);
        }
        channel.send([line.as_bytes(), b""], process, deadline)?;
        let mut out = ResponsePipe(Some(out));
        while channel.wait_or(out.0.as_ref(), process, deadline)? == Ready::Other {
            if out.read_available(response).is_err() {
                // The function may write without end.
                link.after_event = AfterEvent::Stop;
                return Ok(());
            }
        }
        let line = channel.read_line(LINE_BYTES_MAX, process, deadline)?;
        let status = parse_decimal(line).ok_or(ProcessError::ProtocolViolation)?;
        out.drain(response);
        process.output.drain();
        if status > SIGNAL_STATUS_BASE {
            // Perhaps while it read the line: the rest of that is not for the next subshell.
            link.after_event = AfterEvent::Stop;
        }
        if status == 0 {
            return Ok(());
        }
        let (status, tail) = (ExitStatus::Exit(status), link.process.output.tail());
        let hint = self.exit_hint();
        Err(EventError::Reported(set_exit(
            &status, hint, tail, response,
        )))
    }

    /// Words with a carriage return at their end are the names of no commands and options. Looked
    /// for in the start of the file: an editor that ends lines with them does so everywhere.
    fn exit_hint(&self) -> &'static [u8] {
        let mut start = [0; 4096];
        let bytes = read_prefix(self.file, &mut start);
        let mut lines = parts(slice_or_empty(&start, 0, bytes), b'\n');
        if lines.any(|line| line.last() == Some(&b'\r')) {
            b" (the lines of the file end in carriage returns, CRLF: convert them to LF)"
        } else {
            b""
        }
    }

    fn logs_errors_itself(&self) -> bool {
        true
    }
}

static MESSAGE: TakeOnce<[u8; PATH_BYTES_MAX + LINE_SHOWN_BYTES_MAX + 128]> = TakeOnce::new([0; _]);

/// How much of a script's first line is shown, in bytes.
const LINE_SHOWN_BYTES_MAX: usize = 256;

/// The message where the shell of a script is missing. The path has a NUL at its end.
pub fn missing_shell(file: &[u8]) -> &'static [u8] {
    let mut start = [0; LINE_SHOWN_BYTES_MAX];
    let bytes = read_prefix(file, &mut start);
    let line = slice_or_empty(&start, 0, find_from(&start, 0, b'\n').min(bytes));
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some(message) = MESSAGE.take() else {
        return b"";
    };
    let path = strip_nul(file);
    let bytes = match line.strip_prefix(b"#!") {
        Some(_) => {
            let pieces: [&[u8]; 5] = [
                b"no such shell as the first line of ",
                path,
                b" names: ",
                line,
                b" (searched in bin of the function, /opt/bin and PATH)",
            ];
            concat_into(message, &pieces)
        }
        None => {
            let pieces: [&[u8]; 2] = [
                b"neither bash nor sh in bin of the function, /opt/bin or PATH for ",
                path,
            ];
            concat_into(message, &pieces)
        }
    };
    freeze(message, bytes)
}

/// Whether a text has a part.
fn is_in(part: &[u8], text: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Appends `tinderbox_event='...'` to the commands.
fn write_assignment(commands: &Descriptor, event: &[u8]) -> Result<(), usize> {
    let mut piece = FixedBytes::<4096>::new();
    let mut outcome = Ok(());
    piece.set(b"tinderbox_event=");
    quote(event, &mut |text| {
        if !piece.try_push(text) {
            outcome = outcome.and(append(commands, piece.as_bytes()));
            piece.set(b"");
            if !piece.try_push(text) {
                outcome = outcome.and(append(commands, text));
            }
        }
    });
    piece.push(b"\n");
    outcome.and(append(commands, piece.as_bytes()))
}
