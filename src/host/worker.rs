//! Workers: processes that are kept alive and speak the frame protocol on descriptor 3; and what
//! is given to the interpreters of PHP, Node, Python and Ruby, so that they become such.
//!
//! The protocol is in the README, "A worker in any language"; its lines are read by `wire::frame`.

use crate::failure::Failure;
use crate::host::context::{Context, Form, Time};
use crate::host::kept::{Done, Kept, Trouble};
use crate::host::thin::{length, thin};
use crate::invocation::Invocation;
use crate::limits::{RESPONSE_BYTES_MAX, WORKER_ERROR_BYTES_MAX};
use crate::response::Response;
use crate::sys::child::reap_orphans;
use crate::wire::frame::{self, Said};

/// An interpreter, and how it becomes a worker.
pub struct Language {
    /// Its program.
    pub program: &'static [u8],
    /// Its arguments before the file and the name of the handler, each with a NUL at its end.
    pub arguments: &'static [&'static [u8]],
    /// What is said when there is none.
    pub missing: &'static str,
}

/// A program that speaks the protocol by itself.
pub static ITSELF: Language = Language {
    program: b"",
    arguments: &[],
    missing: "",
};

macro_rules! code {
    ($file:literal, $comment:literal, $indented:literal) => {{
        const SOURCE: &[u8] = include_bytes!($file);
        static CODE: [u8; length(SOURCE, $comment, $indented)] = thin(SOURCE, $comment, $indented);
        &CODE
    }};
}

/// PHP. What goes wrong is said once, on standard error.
pub static PHP: Language = Language {
    program: b"php",
    arguments: &[
        b"-d\0",
        b"display_errors=stderr\0",
        b"-d\0",
        b"log_errors=0\0",
        b"-d\0",
        b"html_errors=0\0",
        b"-r\0",
        code!("worker/worker.php", b'/', false),
        b"--\0",
    ],
    missing: "no php in bin of the function, /opt/bin or PATH",
};

/// Node.
pub static NODE: Language = Language {
    program: b"node",
    arguments: &[
        b"--input-type=module\0",
        b"-e\0",
        code!("worker/worker.mjs", b'/', false),
        b"--\0",
    ],
    missing: "no node in bin of the function, /opt/bin or PATH",
};

/// Python.
pub static PYTHON: Language = Language {
    program: b"python3",
    arguments: &[b"-u\0", b"-c\0", code!("worker/worker.py", b'#', true)],
    missing: "no python3 in bin of the function, /opt/bin or PATH",
};

/// Ruby.
pub static RUBY: Language = Language {
    program: b"ruby",
    arguments: &[b"-e\0", code!("worker/worker.rb", b'#', false), b"--\0"],
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
    pub fn begin(&mut self, kept: &mut Kept, end_ms: Option<u64>) -> Result<(), Trouble> {
        self.sequence = 0;
        let line = kept.line(end_ms)?;
        match frame::read(line.get(), 0) {
            Some(Said::Ready) => Ok(()),
            Some(Said::InitError(bytes, name)) if bytes <= WORKER_ERROR_BYTES_MAX => {
                Err(Trouble::InitError(bytes, kept.types.keep(name)))
            }
            _ => Err(Trouble::Broken),
        }
    }

    /// Has it handle an event.
    pub fn run(
        &mut self,
        invocation: &Invocation<'_>,
        time: &Time,
        response: &mut Response,
        kept: &mut Kept,
        context: &mut Context,
    ) -> Result<Done, Trouble> {
        kept.ensure(|kept| self.begin(kept, time.end_ms))?;
        self.sequence += 1;
        context.write(invocation, time, Form::Lines);
        let event = invocation.event();
        let lengths = [self.sequence, context.get().len(), event.len()];
        let head = context.behind(lengths);
        kept.send([head, event], time.end_ms)?;
        let answer = self.take_answer(time.end_ms, response, kept)?;
        kept.logs.drain();
        reap_orphans(kept.child());
        Ok(answer)
    }

    fn take_answer(
        &mut self,
        end_ms: Option<u64>,
        response: &mut Response,
        kept: &mut Kept,
    ) -> Result<Done, Trouble> {
        let line = kept.line(end_ms)?;
        let said = frame::read(line.get(), self.sequence).ok_or(Trouble::Broken)?;
        let outcome = match said {
            Said::Ok(bytes, _) if bytes > RESPONSE_BYTES_MAX => {
                kept.body(bytes, end_ms, &mut |_| {})?;
                response.fail_too_large();
                Ok(())
            }
            Said::Ok(bytes, content_type) => {
                kept.body_to(bytes, end_ms, response)?;
                if content_type.is_empty() {
                    Ok(())
                } else {
                    response.set_type(content_type)
                }
            }
            Said::Stream(content_type) => {
                let content_type = if content_type.is_empty() {
                    STREAM_TYPE
                } else {
                    content_type
                };
                match response.start_stream(content_type, |_| {}) {
                    Ok(()) => return self.take_stream(end_ms, response, kept),
                    // The chunks are to come; nobody wants them.
                    Err(failure) => return Ok(Done::last(Err(failure))),
                }
            }
            Said::Error(bytes, name) => Err(take_error(bytes, name, end_ms, response, kept)?),
            Said::Fatal(bytes, name) => {
                let failure = take_error(bytes, name, end_ms, response, kept)?;
                return Ok(Done::last(Err(failure)));
            }
            _ => return Err(Trouble::Broken),
        };
        Ok(Done::with(outcome))
    }

    fn take_stream(
        &mut self,
        end_ms: Option<u64>,
        response: &mut Response,
        kept: &mut Kept,
    ) -> Result<Done, Trouble> {
        loop {
            let line = kept.line(end_ms)?;
            match frame::read(line.get(), self.sequence) {
                Some(Said::Chunk(bytes)) => {
                    let mut sent = Ok(());
                    kept.body(bytes, end_ms, &mut |piece| {
                        if sent.is_ok() {
                            sent = response.write(piece);
                        }
                    })?;
                    if sent.is_err() {
                        // Nobody reads it any more: no reason to wait until it is over.
                        return Ok(Done::last(sent));
                    }
                }
                Some(Said::End) => return Ok(Done::with(Ok(()))),
                Some(Said::Error(bytes, name)) => {
                    let failure = take_error(bytes, name, end_ms, response, kept)?;
                    return Ok(Done::with(Err(failure)));
                }
                Some(Said::Fatal(bytes, name)) => {
                    let failure = take_error(bytes, name, end_ms, response, kept)?;
                    return Ok(Done::last(Err(failure)));
                }
                _ => return Err(Trouble::Broken),
            }
        }
    }
}

/// Takes the JSON of an error.
fn take_error(
    bytes: usize,
    name: &[u8],
    end_ms: Option<u64>,
    response: &mut Response,
    kept: &mut Kept,
) -> Result<Failure, Trouble> {
    if bytes == 0 || bytes > WORKER_ERROR_BYTES_MAX {
        return Err(Trouble::Broken);
    }
    let counted = kept.types.keep(name);
    let buffer = response.start_failure();
    kept.body(bytes, end_ms, &mut |piece| buffer.append(piece))?;
    Ok(Failure::of_child(counted, b""))
}
