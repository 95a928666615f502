//! Any program: one process an event. The event is on its standard input, the response is what it
//! writes to its standard output, the log is its standard error, and a status other than 0 is an
//! error with the last 4 KiB of the log in its message.

use crate::buffer::Decimal;
use crate::failure::Failure;
use crate::host::child::{Outcome, Room, watch};
use crate::invocation::Invocation;
use crate::limits::{MARGIN_MS_MAX, MARGIN_MS_MIN};
use crate::response::Response;
use crate::sys::Region;
use crate::sys::child::{Child, Ending, memory_file, pipe};

/// `ENOEXEC` and `ENOENT` of Linux, as execve(2) explains them.
const NOT_EXECUTABLE: usize = 8;
const NOT_FOUND: usize = 2;

static ROOM: Region<Room> = Region::new(Room::new());

/// A program, to be run for each event.
pub struct Program {
    /// Its path, with a NUL at its end.
    path: &'static [u8],
    /// How long an event may take that has no deadline.
    timeout_ms: Option<u64>,
    room: &'static mut Room,
}

impl Program {
    /// `None` but for the first.
    pub fn new(path: &'static [u8], timeout_ms: Option<u64>) -> Option<Program> {
        Some(Program {
            path,
            timeout_ms,
            room: ROOM.take()?,
        })
    }

    /// Runs it for one event.
    pub fn run(
        &mut self,
        invocation: &Invocation<'_>,
        response: &mut Response,
    ) -> Result<(), Failure> {
        // A deadline that has passed on arrival is none.
        let time_ms = invocation.remaining_ms().filter(|&left_ms| left_ms > 0);
        let limit_ms = time_ms.or(self.timeout_ms).map(less_margin);
        // A file and not a pipe: nobody has to write on while the program reads, or does not.
        let event = memory_file(invocation.event());
        let (Some(event), Some((out, its_out)), Some((log, its_log))) = (event, pipe(), pipe())
        else {
            let text = "no descriptor or no memory for the program";
            return Err(Failure::new("Runtime.OutOfResources", text));
        };
        self.room.clear();
        let child = match Child::start(self.path, [&event, &its_out, &its_log]) {
            Ok(child) => child,
            Err(number) => return Err(self.cannot_run(number, response)),
        };
        drop((event, its_out, its_log));
        let outcome = watch(&child, [out, log], limit_ms, self.room, response);

        let (error_type, what, number) = match outcome {
            Outcome::TooLarge | Outcome::Ended(Ending::Exit(0)) => return Ok(()),
            Outcome::Late => {
                let what = "stopped before its deadline, after ms: ";
                (
                    "Function.Timeout",
                    what,
                    limit_ms.unwrap_or_default() as usize,
                )
            }
            Outcome::Ended(Ending::Exit(status)) => ("Runtime.ExitError", "exit status ", status),
            Outcome::Ended(Ending::Signal(signal)) => ("Runtime.ExitError", "signal ", signal),
        };
        let number = Decimal::new(number);
        let tail = self.room.tail().trim_ascii_end();
        let between: &[u8] = if tail.is_empty() { b"" } else { b": " };
        Err(response.fail(error_type, &[what.as_bytes(), number.text(), between, tail]))
    }

    fn cannot_run(&self, number: usize, response: &mut Response) -> Failure {
        let why: &[u8] = match number {
            NOT_EXECUTABLE => b": for another architecture, or a script without #!",
            NOT_FOUND => b": its interpreter is missing",
            _ => b"",
        };
        let path = self.path.strip_suffix(b"\0").unwrap_or(self.path);
        let number = Decimal::new(number);
        let message = [b"cannot run ", path, b", errno ", number.text(), why];
        response.fail("Runtime.InvalidEntrypoint", &message)
    }
}

/// The time before the deadline after which a handler is stopped, in milliseconds.
fn less_margin(time_ms: u64) -> u64 {
    let margin_ms = (time_ms / 50).clamp(MARGIN_MS_MIN, MARGIN_MS_MAX);
    // Of a very short time, half is better than nothing.
    time_ms.saturating_sub(margin_ms).max(time_ms / 2).max(1)
}
