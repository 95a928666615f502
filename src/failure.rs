//! Why an event failed, and how the Runtime API wants to hear it.

use crate::buffer::{Buffer, FixedBytes};
use crate::limits::{CAUSE_MESSAGE_BYTES_MAX, ERROR_MESSAGE_BYTES_MAX, ERROR_TYPE_BYTES_MAX};
use crate::wire::{equal, json, part};

#[cfg(feature = "std")]
use alloc::string::ToString;
#[cfg(feature = "alloc")]
use alloc::{string::String, vec::Vec};

/// What a handler returns in place of a response: it becomes `errorType`, `errorMessage` and
/// `stackTrace` of the error that the caller sees, and the cause that X-Ray shows, that with the
/// first 1,024 bytes of the message.
///
/// The platform's metrics know a type of the form `Function.Something` or `Runtime.Something`,
/// letters alone, the first a capital, and at most 128 bytes. One of another form counts as
/// `Function.Unknown` there; the caller sees it as it is. (The rule is the emulator's
/// `fatalerror.go`.)
pub struct Failure {
    error_type: &'static str,
    /// The type as the platform's metrics know it.
    metrics_type: &'static [u8],
    message: &'static [u8],
    /// Puts its JSON into a buffer. A function of its own for each way to make a failure: what a
    /// program does not use is not linked into it.
    write: fn(&Failure, &mut Buffer),
    /// Puts the cause for X-Ray before its JSON.
    write_cause: fn(&mut Buffer),
    #[cfg(feature = "alloc")]
    owned: Option<(String, Vec<String>)>,
}

impl Failure {
    /// A failure with a fixed message. For one made of bytes at hand, see
    /// [`Response::fail`](crate::Response::fail).
    pub const fn new(error_type: &'static str, message: &'static str) -> Failure {
        Failure::of_bytes(error_type, message.as_bytes())
    }

    /// A failure with a message, and the lines of a stack trace, that were made at run time. What
    /// is behind the first 160 KiB of the message is cut off.
    #[cfg(feature = "alloc")]
    pub fn with_trace(error_type: &'static str, message: String, trace: Vec<String>) -> Failure {
        let owned = Some((message, trace));
        Failure {
            owned,
            ..Failure::made(error_type, b"", write_owned)
        }
    }

    /// A failure with a message that need not be UTF-8.
    pub(crate) const fn of_bytes(error_type: &'static str, message: &'static [u8]) -> Failure {
        Failure::made(error_type, message, |failure, buffer| {
            write(buffer, failure.error_type, &[failure.message]);
        })
    }

    /// A failure of the runtime itself: its words need no escapes, so those are not linked for it.
    pub(crate) const fn plain(error_type: &'static str, message: &'static str) -> Failure {
        Failure {
            error_type,
            metrics_type: error_type.as_bytes(),
            message: message.as_bytes(),
            write: |failure, buffer| {
                buffer.clear();
                buffer.append(START);
                buffer.append(failure.error_type.as_bytes());
                buffer.append(MIDDLE);
                buffer.append(failure.message);
                buffer.append(b"\",\"stackTrace\":[]}");
            },
            write_cause: |_| {},
            #[cfg(feature = "alloc")]
            owned: None,
        }
    }

    /// The same once more; nothing that was made at run time.
    pub(crate) fn again(&'static self) -> Failure {
        Failure {
            #[cfg(feature = "alloc")]
            owned: None,
            ..*self
        }
    }

    /// A failure whose JSON is in the response.
    pub(crate) const fn written(error_type: &'static str) -> Failure {
        Failure::made(error_type, b"", |_, _| {})
    }

    /// A failure whose JSON is in the response, or this; `counted` is its type as a header has it.
    #[cfg(feature = "platform")]
    pub(crate) fn of_json(metrics_type: &'static [u8], json: &'static [u8]) -> Failure {
        Failure {
            metrics_type,
            ..Failure::made("", json, |failure, buffer| {
                if !failure.message.is_empty() {
                    buffer.clear();
                    buffer.append(failure.message);
                }
            })
        }
    }

    const fn made(
        error_type: &'static str,
        message: &'static [u8],
        write: fn(&Failure, &mut Buffer),
    ) -> Failure {
        Failure {
            error_type,
            metrics_type: if is_metrics_type(error_type.as_bytes()) {
                error_type.as_bytes()
            } else {
                UNKNOWN
            },
            message,
            write,
            write_cause,
            #[cfg(feature = "alloc")]
            owned: None,
        }
    }

    /// Its type.
    pub fn error_type(&self) -> &'static str {
        self.error_type
    }

    /// Its message, where that was not made at run time.
    #[cfg(feature = "platform")]
    pub(crate) fn message(&self) -> &'static [u8] {
        self.message
    }

    /// Its type as a header has it.
    pub(crate) fn metrics_type(&self) -> &'static [u8] {
        self.metrics_type
    }

    /// Puts its JSON into the buffer, unless it is there.
    pub(crate) fn write(&self, buffer: &mut Buffer) {
        (self.write)(self, buffer);
    }

    /// Puts the header that has its cause before its JSON, which was written.
    pub(crate) fn write_cause(&self, buffer: &mut Buffer) {
        (self.write_cause)(buffer);
    }
}

/// Whether a type is one that the platform's metrics know.
pub(crate) const fn is_metrics_type(error_type: &[u8]) -> bool {
    let ([b'R', b'u', b'n', b't', b'i', b'm', b'e', b'.', name @ ..]
    | [
        b'F',
        b'u',
        b'n',
        b'c',
        b't',
        b'i',
        b'o',
        b'n',
        b'.',
        name @ ..,
    ]) = error_type
    else {
        return false;
    };
    let mut rest = name;
    while let [byte, behind @ ..] = rest {
        if !byte.is_ascii_alphabetic() {
            return false;
        }
        rest = behind;
    }
    matches!(name, [b'A'..=b'Z', _, ..]) && error_type.len() <= ERROR_TYPE_BYTES_MAX
}

/// The type of all others.
pub(crate) const UNKNOWN: &[u8] = b"Function.Unknown";

const START: &[u8] = b"{\"errorType\":\"";
const MIDDLE: &[u8] = b"\",\"errorMessage\":\"";
const TRACE: &[u8] = b"\",\"stackTrace\":[";
const END: &[u8] = b"]}";

/// Puts the JSON of a failure without a trace into a buffer; the message comes in parts.
pub(crate) fn write(buffer: &mut Buffer, error_type: &str, message: &[&[u8]]) {
    write_start(buffer, error_type, message);
    buffer.append(END);
}

fn write_start(buffer: &mut Buffer, error_type: &str, message: &[&[u8]]) {
    buffer.clear();
    buffer.append(START);
    json::escape(error_type.as_bytes(), &mut |piece| buffer.append(piece));
    buffer.append(MIDDLE);
    for text in message {
        let text = part(text, 0, text.len().min(ERROR_MESSAGE_BYTES_MAX));
        json::escape(text, &mut |piece| buffer.append(piece));
    }
    buffer.append(TRACE);
}

/// Makes the JSON of a failure in a buffer no longer than `bytes_max`: its trace goes first, then
/// the end of its message.
pub(crate) fn truncate_json(buffer: &mut Buffer, bytes_max: usize) {
    let json = buffer.body();
    if json.len() <= bytes_max {
        return;
    }
    let end = bytes_max.saturating_sub(TRACE.len() + END.len());
    let at = message_start(json).map_or(end, |start| truncate_at_char(json, start, end));
    buffer.cut_body(at);
    buffer.append(TRACE);
    buffer.append(END);
}

/// Where the message begins in the JSON of a failure.
fn message_start(json: &[u8]) -> Option<usize> {
    let mut windows = json.windows(MIDDLE.len());
    let at = windows.position(|window| equal(window, MIDDLE))?;
    Some(at + MIDDLE.len())
}

/// The end of the last whole character, or escape, of a JSON string that ends before `end`, or of
/// the string.
fn truncate_at_char(json: &[u8], start: usize, end: usize) -> usize {
    let mut at = start;
    while let Some(&byte) = json.get(at).filter(|byte| **byte != b'"') {
        let bytes = match (byte, json.get(at + 1)) {
            (b'\\', Some(b'u')) => 6,
            (b'\\', _) => 2,
            (0xc0..=0xdf, _) => 2,
            (0xe0..=0xef, _) => 3,
            (0xf0.., _) => 4,
            _ => 1,
        };
        if at + bytes > end {
            break;
        }
        at += bytes;
    }
    at
}

/// Puts what X-Ray shows of a failure before its JSON, of which it takes type and message. JSON
/// that a program has made otherwise has none.
fn write_cause(buffer: &mut Buffer) {
    let json = buffer.body();
    let Some(start) = message_start(json) else {
        return;
    };
    let mut error_type = FixedBytes::<ERROR_TYPE_BYTES_MAX>::new();
    let mut message = FixedBytes::<CAUSE_MESSAGE_BYTES_MAX>::new();
    json::copy_string_as_ascii(part(json, START.len(), json.len()), &mut |piece| {
        error_type.take(piece)
    });
    json::copy_string_as_ascii(part(json, start, json.len()), &mut |piece| {
        message.take(piece)
    });
    for piece in [
        b"\",\"stack\":[]}],\"paths\":[]}\r\n",
        message.get(),
        b"\",\"message\":\"",
        error_type.get(),
        b"Lambda-Runtime-Function-XRay-Error-Cause: \
          {\"working_directory\":\"\",\"exceptions\":[{\"type\":\"",
    ] {
        buffer.prepend(piece);
    }
}

#[cfg(feature = "alloc")]
fn write_owned(failure: &Failure, buffer: &mut Buffer) {
    let Some((message, trace)) = &failure.owned else {
        return;
    };
    write_start(buffer, failure.error_type, &[message.as_bytes()]);
    for (index, line) in trace.iter().enumerate() {
        buffer.append(if index == 0 { b"\"" } else { b",\"" });
        json::escape(line.as_bytes(), &mut |piece| buffer.append(piece));
        buffer.append(b"\"");
    }
    buffer.append(END);
}

/// Any error of a program with std: its text is the message, what it was caused by is the trace.
#[cfg(feature = "std")]
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        let causes = core::iter::successors(error.source(), |cause| cause.source());
        let trace = causes.map(|cause| cause.to_string()).collect();
        Failure::with_trace("Function.Error", error.to_string(), trace)
    }
}

#[cfg(test)]
mod tests;
