//! Workers: processes that are kept alive and speak the frame protocol on descriptor 3; and what
//! is given to the interpreters of PHP, Node, Python and Ruby, so that they become such.
//!
//! The protocol is in the README, "A worker in any language"; its lines are read by `wire::frame`.

use crate::host::child::ReportedError;
use crate::host::context::{Context, ContextFormat, Time};
use crate::host::persistent::{PersistentProcess, ProcessError};
use crate::host::shims::Shim;
use crate::invocation::Invocation;
use crate::limits::{RESPONSE_BYTES_MAX, WORKER_ERROR_BYTES_MAX};
use crate::response::Response;
use crate::wire::frame::{self, WorkerMessage};

/// An interpreter, and how it becomes a worker.
pub struct LaunchSpec {
    /// Its program.
    pub program: &'static [u8],
    /// Its arguments before the code, each with a NUL at its end.
    pub arguments: &'static [&'static [u8]],
    /// What it is given to run.
    pub code: Option<Shim>,
    /// The argument behind that, before the file and the name of the handler.
    pub behind: &'static [u8],
    /// What is said when there is none.
    pub missing: &'static str,
}

/// A program that speaks the protocol by itself.
pub static ITSELF: LaunchSpec = LaunchSpec {
    program: b"",
    arguments: &[],
    code: None,
    behind: b"",
    missing: "",
};

/// PHP. What goes wrong is said once, on standard error.
pub static PHP: LaunchSpec = LaunchSpec {
    program: b"php",
    arguments: &[
        b"-d\0",
        b"display_errors=stderr\0",
        b"-d\0",
        b"log_errors=0\0",
        b"-d\0",
        b"html_errors=0\0",
        b"-r\0",
    ],
    code: Some(Shim::Php),
    behind: b"--\0",
    missing: "no php in bin of the function, /opt/bin or PATH",
};

/// Node.
pub static NODE: LaunchSpec = LaunchSpec {
    program: b"node",
    arguments: &[b"--input-type=module\0", b"-e\0"],
    code: Some(Shim::Node),
    behind: b"--\0",
    missing: "no node in bin of the function, /opt/bin or PATH",
};

/// Python.
pub static PYTHON: LaunchSpec = LaunchSpec {
    program: b"python3",
    arguments: &[b"-u\0", b"-c\0"],
    code: Some(Shim::Python),
    behind: b"",
    missing: "no python3 in bin of the function, /opt/bin or PATH",
};

/// Ruby.
pub static RUBY: LaunchSpec = LaunchSpec {
    program: b"ruby",
    arguments: &[b"--disable=gems\0", b"-e\0"],
    code: Some(Shim::Ruby),
    behind: b"",
    missing: "no ruby in bin of the function, /opt/bin or PATH",
};

/// A worker, of whatever language.
pub struct Worker {
    /// The number of the last event that it was sent.
    sequence: usize,
}

/// A response whose content type the worker does not name.
const STREAM_TYPE: &[u8] = b"application/octet-stream";

impl Worker {
    /// One that was not sent any event.
    pub const fn new() -> Worker {
        Worker { sequence: 0 }
    }

    /// Waits until it takes events.
    pub fn begin(
        &mut self,
        kept: &mut PersistentProcess,
        end_ms: Option<u64>,
    ) -> Result<(), ProcessError> {
        self.sequence = 0;
        kept.line(end_ms)?;
        match frame::parse_line(kept.said.get(), 0) {
            Some(WorkerMessage::Ready) => Ok(()),
            Some(WorkerMessage::InitError(bytes, name)) if bytes <= WORKER_ERROR_BYTES_MAX => {
                kept.init_error = (bytes, kept.types.keep(name));
                Err(ProcessError::InitError)
            }
            _ => Err(ProcessError::Broken),
        }
    }

    /// Has it handle an event.
    pub fn run(
        &mut self,
        invocation: &Invocation<'_>,
        time: &Time,
        response: &mut Response,
        kept: &mut PersistentProcess,
        context: &mut Context,
    ) -> Result<Result<(), ReportedError>, ProcessError> {
        kept.ensure(|kept| self.begin(kept, time.end_ms), time.end_ms)?;
        self.sequence += 1;
        context.write(invocation, time, ContextFormat::Lines);
        let event = invocation.event();
        let lengths = [self.sequence, context.get().len(), event.len()];
        let head = context.behind(lengths);
        kept.send([head, event], time.end_ms)?;
        let outcome = self.take_answer(time.end_ms, response, kept)?;
        kept.logs.drain();
        Ok(outcome)
    }

    /// Takes what it says of the event: one line and what follows it, or a stream of such.
    fn take_answer(
        &self,
        end_ms: Option<u64>,
        response: &mut Response,
        kept: &mut PersistentProcess,
    ) -> Result<Result<(), ReportedError>, ProcessError> {
        let mut streamed = false;
        loop {
            kept.line(end_ms)?;
            let said =
                frame::parse_line(kept.said.get(), self.sequence).ok_or(ProcessError::Broken)?;
            match said {
                WorkerMessage::Ok(bytes, content_type) if !streamed => {
                    if !content_type.is_empty() && response.set_content_type(content_type).is_err()
                    {
                        return Err(ProcessError::Broken);
                    }
                    if bytes > RESPONSE_BYTES_MAX {
                        kept.body(bytes, end_ms, &mut |_| {})?;
                        response.fail_too_large();
                    } else {
                        kept.body_to(bytes, end_ms, response)?;
                    }
                    return Ok(Ok(()));
                }
                WorkerMessage::Error(bytes, name) | WorkerMessage::Fatal(bytes, name) => {
                    kept.last = matches!(said, WorkerMessage::Fatal(..));
                    let error_type = kept.types.keep(name);
                    if bytes == 0 || bytes > WORKER_ERROR_BYTES_MAX {
                        return Err(ProcessError::Broken);
                    }
                    let buffer = response.begin_error_body();
                    kept.body(bytes, end_ms, &mut |piece| buffer.append(piece))?;
                    return Ok(Err(ReportedError(error_type)));
                }
                WorkerMessage::Stream(content_type) if !streamed => {
                    let content_type = match content_type {
                        b"" => STREAM_TYPE,
                        _ => content_type,
                    };
                    if response.start_stream(content_type, |_| {}).is_err() {
                        return Err(ProcessError::Broken);
                    }
                    streamed = true;
                }
                WorkerMessage::Chunk(bytes) if streamed => {
                    let mut lost = false;
                    kept.body(bytes, end_ms, &mut |piece| {
                        lost = lost || response.write(piece).is_err();
                    })?;
                    if lost {
                        // Nobody reads it any more: no reason to wait until it is over.
                        kept.stop();
                        kept.last = true;
                        return Ok(Ok(()));
                    }
                }
                WorkerMessage::End if streamed => return Ok(Ok(())),
                _ => return Err(ProcessError::Broken),
            }
        }
    }
}
