//! Functions of a shell, as AWS's tutorial has them: the file is sourced once, and the function
//! runs in a subshell for each event, with the event as `$1` and as standard input. What it writes
//! to its standard output is the response, standard error is the log.
//!
//! The shell is told by a line on its channel which of our descriptors it finds all that under (a
//! shell that read the event from a socket would take a system call a byte), and says the status of
//! the function. That ends the response: a process left behind may hold the pipe for ever.

use crate::buffer::{Decimal, FixedBytes};
use crate::host::child::{Pipe, ReportedError, exit_error};
use crate::host::context::{Context, ContextFormat, Time, quote};
use crate::host::persistent::{PersistentProcess, ProcessError};
use crate::host::shims;
use crate::host::worker::LaunchSpec;
use crate::invocation::Invocation;
use crate::response::Response;
use crate::sys::Descriptor;
use crate::sys::child::ExitStatus;
use crate::sys::ipc::{append, memfd, pipe};
use crate::wire::number::parse_decimal;

/// A shell: which one, the file says.
pub static SHELL: LaunchSpec = LaunchSpec {
    program: b"",
    arguments: &[b"-c\0"],
    code: Some(shims::SHELL),
    behind: b"function.sh\0",
    missing: "no such shell as the script asks for in its first line, or neither bash nor sh",
};

/// A status above this says that a signal ended the subshell, or something in it (POSIX, "Exit
/// Status for Commands").
const KILLED: usize = 128;

/// A shell that has sourced the file.
pub struct Shell {
    /// It cannot read a file at once: the event comes as a command that sets the variable.
    pub quoted: bool,
}

impl Shell {
    /// Waits until the file was sourced.
    pub fn begin(
        &mut self,
        kept: &mut PersistentProcess,
        end_ms: Option<u64>,
    ) -> Result<(), ProcessError> {
        kept.line(end_ms)?;
        self.quoted = match kept.said.get() {
            b"ready file" => false,
            b"ready assignment" => true,
            b"missing" => return Err(ProcessError::NoFunction),
            b"closed" => return Err(ProcessError::ProcfsUnavailable),
            _ => return Err(ProcessError::Broken),
        };
        Ok(())
    }

    /// Runs the function for an event.
    pub fn run(
        &mut self,
        invocation: &Invocation<'_>,
        time: &Time,
        response: &mut Response,
        kept: &mut PersistentProcess,
        context: &mut Context,
    ) -> Result<Result<(), ReportedError>, ProcessError> {
        kept.ensure(|kept| self.begin(kept, time.end_ms), time.end_ms)?;
        context.write(invocation, time, ContextFormat::Exports);
        let (Some(event), Some(commands), Some((out, its_out))) =
            (memfd(invocation.event()), memfd(context.get()), pipe())
        else {
            return Err(ProcessError::NoDescriptors);
        };
        if self.quoted && !write_assignment(&commands, invocation.event()) {
            return Err(ProcessError::NoDescriptors);
        }
        let mut line = FixedBytes::<64>::new();
        for (descriptor, end) in [(&event, b" "), (&its_out, b" "), (&commands, b"\n")] {
            line.push(Decimal::new(descriptor.number()).text());
            line.push(end);
        }
        kept.send([line.get(), b""], time.end_ms)?;
        let mut out = Pipe(Some(out));
        while kept.wait(out.0.as_ref(), time.end_ms)? {
            if out.take(response).is_none() {
                // It may go on writing for ever.
                kept.stop();
                kept.last = true;
                return Ok(Ok(()));
            }
        }
        kept.line(time.end_ms)?;
        let status = parse_decimal(kept.said.get()).ok_or(ProcessError::Broken)?;
        let _ = out.drain(response);
        kept.logs.drain();
        if status > KILLED {
            // Perhaps while it took the line: what is left of that is not for the next one.
            kept.stop();
            kept.last = true;
        }
        Ok(match status {
            0 => Ok(()),
            _ => Err(exit_error(&ExitStatus::Exit(status), kept.logs, response)),
        })
    }
}

/// Puts `tinderbox_event='...'` behind the commands. False: there is no memory for it.
fn write_assignment(commands: &Descriptor, event: &[u8]) -> bool {
    let mut piece = FixedBytes::<4096>::new();
    let mut done = true;
    piece.set(b"tinderbox_event=");
    quote(event, &mut |text| {
        if !piece.take(text) {
            done &= append(commands, piece.get());
            piece.set(b"");
            if !piece.take(text) {
                done &= append(commands, text);
            }
        }
    });
    piece.push(b"\n");
    done & append(commands, piece.get())
}
