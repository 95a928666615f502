//! The one place that watches a child.
//!
//! One `ppoll` waits for what the child says, for its log, its end and the deadline. What it says
//! ends with the process, or where its protocol says so, never at end of file: a process that it
//! left behind may hold the descriptor for ever.

use crate::buffer::Decimal;
use crate::failure::{self, Failure};
use crate::host::child_output::ChildOutput;
use crate::host::errno;
use crate::host::resolve::strip_nul;
use crate::limits::{DRAIN_READS, EXIT_GRACE_MS, KILL_WAIT_MS};
use crate::response::Response;
use crate::sys::child::{Child, ExitStatus};
use crate::sys::ipc::{Read, read, wait_for};
use crate::sys::{Descriptor, monotonic_ms};
use crate::wire::part;

/// Without a pidfd, the child is asked for so often, in milliseconds.
const ASK_MS: u64 = 10;

/// The event failed: its JSON is in the response, and this is its type, as a header has it.
pub struct ReportedError(pub &'static [u8]);

impl ReportedError {
    /// As a handler says it.
    pub fn into_failure(self) -> Failure {
        Failure::from_json(self.0, b"")
    }
}

/// What happened first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// The first descriptor has something to read, or, where that was asked, room to write.
    First,
    /// The second has something to read.
    Second,
    /// The child has ended, and is still to be asked how. The descriptors may have something.
    Ended,
    /// The time is up.
    Late,
}

/// Waits for news, and sees to the log meanwhile.
pub fn wait_child(
    child: &Child,
    [first, second]: [Option<&Descriptor>; 2],
    writes: bool,
    logs: &mut ChildOutput,
    end_ms: Option<u64>,
) -> Wake {
    loop {
        let mut timeout_ms = end_ms.map(|end_ms| end_ms.saturating_sub(monotonic_ms()));
        if timeout_ms == Some(0) {
            return Wake::Late;
        }
        if child.ended.is_none() {
            timeout_ms = Some(timeout_ms.unwrap_or(ASK_MS).min(ASK_MS));
        }
        let awaited = [first, second, logs.from.as_ref(), child.ended.as_ref()];
        let [has_first, has_second, has_log, has_ended] = wait_for(awaited, writes, timeout_ms);
        if has_log {
            logs.take();
        }
        if has_ended || child.ended.is_none() && child.has_ended() {
            return Wake::Ended;
        }
        if has_first {
            return Wake::First;
        }
        if has_second {
            return Wake::Second;
        }
    }
}

/// A pipe that a response comes through, until it ends.
pub struct Pipe(pub Option<Descriptor>);

impl Pipe {
    /// Reads what is there. `None`: the response is too long now, or cannot be read, and knows it.
    pub fn take(&mut self, response: &mut Response) -> Option<usize> {
        let Some(from) = &self.0 else {
            return Some(0);
        };
        let (mut end, mut failed) = (false, false);
        let bytes = response.take(&mut |room| match read(from, room) {
            Read::Some(bytes) => bytes,
            Read::Nothing => 0,
            Read::End => {
                end = true;
                0
            }
            Read::ReportedError => {
                failed = true;
                0
            }
        });
        if end || failed {
            self.0 = None;
        }
        if failed {
            response.force_error(CANNOT_READ);
            return None;
        }
        bytes
    }

    /// Reads what is there, as much as a pipe holds. `None`: as for `take`.
    pub fn drain(&mut self, response: &mut Response) -> Option<()> {
        for _ in 0..DRAIN_READS {
            if self.take(response)? == 0 {
                break;
            }
        }
        Some(())
    }
}

/// What the system reads half of is no response.
const CANNOT_READ: &Failure = &Failure::fixed(
    "Runtime.ReadError",
    "the response cannot be read from its pipe",
);

/// Kills a child with its process group, and says how it ended. `None`: it has not yet, and nobody
/// waits for that; `reap_orphans` will find it.
pub fn kill_and_wait(child: &Child, logs: &mut ChildOutput) -> Option<ExitStatus> {
    child.kill();
    let end_ms = monotonic_ms().saturating_add(KILL_WAIT_MS);
    let ended = wait_child(child, [None; 2], false, logs, Some(end_ms)) == Wake::Ended;
    ended.then(|| child.ending())
}

/// Whether a child ends by itself within a moment, and before `end_ms`.
pub fn exits_within_grace(child: &Child, logs: &mut ChildOutput, end_ms: Option<u64>) -> bool {
    let soon_ms = monotonic_ms().saturating_add(EXIT_GRACE_MS);
    let end_ms = end_ms.unwrap_or(soon_ms).min(soon_ms);
    wait_child(child, [None; 2], false, logs, Some(end_ms)) == Wake::Ended
}

/// What it means that a child had to be stopped because its time was up.
pub fn timeout_error(limit_ms: Option<u64>, response: &mut Response) -> ReportedError {
    let number = Decimal::new(limit_ms.unwrap_or_default() as usize);
    let message = [b"stopped before its deadline, after ms: ", number.text()];
    failed(response, "Function.Timeout", &message)
}

/// Says why an event failed; the type is one that the platform's metrics know.
#[inline(never)]
pub fn failed(
    response: &mut Response,
    error_type: &'static str,
    message: &[&[u8]],
) -> ReportedError {
    failure::write(response.begin_error_body(), error_type, message);
    ReportedError(error_type.as_bytes())
}

/// What it means that a child, or a part of it, ended as it did.
pub fn exit_error(
    ending: &ExitStatus,
    logs: &ChildOutput,
    response: &mut Response,
) -> ReportedError {
    let (what, number): (&[u8], usize) = match *ending {
        ExitStatus::Exit(status) => (b"exit status ", status),
        ExitStatus::Signal(signal) => (b"signal ", signal),
    };
    let number = Decimal::new(number);
    let tail = logs.tail();
    let between: &[u8] = part(b": ", 0, if tail.is_empty() { 0 } else { 2 });
    failed(
        response,
        "Runtime.ExitError",
        &[what, number.text(), between, tail],
    )
}

/// What it means that a program, whose path has a NUL at its end, cannot be run.
pub fn spawn_error(path: &[u8], errno: usize, response: &mut Response) -> ReportedError {
    let error_type = match errno {
        errno::EAGAIN | errno::ENOMEM => "Runtime.OutOfResources",
        _ => "Runtime.InvalidEntrypoint",
    };
    let number = Decimal::new(errno);
    let message = [
        b"cannot run ",
        strip_nul(path),
        errno::reason(errno, path),
        b" (errno ",
        number.text(),
        b")",
    ];
    failed(response, error_type, &message)
}
