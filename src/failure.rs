//! Why an event failed, and how the Runtime API wants to hear it.

use crate::buffer::Buffer;
use crate::limits::ERROR_MESSAGE_BYTES_MAX;
use crate::wire::{json, part};

#[cfg(feature = "std")]
use std::string::{String, ToString};
#[cfg(feature = "std")]
use std::vec::Vec;

/// What a handler returns in place of a response: it becomes `errorType`, `errorMessage` and
/// `stackTrace` of the error that the caller sees.
///
/// A type is best `Function.Something` or `Runtime.Something`, letters alone behind the dot: the
/// platform counts every other form as `Runtime.Unknown` in its metrics. It also becomes a header's
/// value, where one of over 128 bytes, of other than visible ASCII, or with any of `/ ? # %` in it
/// is `Runtime.Unknown`.
pub struct Failure {
    error_type: &'static str,
    message: &'static [u8],
    /// Puts its JSON into a buffer. A function of its own for each way to make a failure: what a
    /// program does not use is not linked into it.
    write: fn(&Failure, &mut Buffer),
    #[cfg(feature = "std")]
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
    #[cfg(feature = "std")]
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
        Failure::made(error_type, message.as_bytes(), |failure, buffer| {
            buffer.clear();
            let error_type = failure.error_type.as_bytes();
            for piece in [START, error_type, MIDDLE, failure.message, TRACE, END] {
                buffer.append(piece);
            }
        })
    }

    /// The same once more; nothing that was made at run time.
    pub(crate) fn again(&'static self) -> Failure {
        Failure::made(self.error_type, self.message, self.write)
    }

    /// A failure whose JSON is in the response.
    pub(crate) const fn written(error_type: &'static str) -> Failure {
        Failure::made(error_type, b"", |_, _| {})
    }

    const fn made(
        error_type: &'static str,
        message: &'static [u8],
        write: fn(&Failure, &mut Buffer),
    ) -> Failure {
        Failure {
            error_type,
            message,
            write,
            #[cfg(feature = "std")]
            owned: None,
        }
    }

    /// Its type.
    pub fn error_type(&self) -> &'static str {
        self.error_type
    }

    /// Puts its JSON into the buffer, unless it is there.
    pub(crate) fn write(&self, buffer: &mut Buffer) {
        (self.write)(self, buffer);
    }
}

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
pub(crate) fn shorten(buffer: &mut Buffer, bytes_max: usize) {
    let json = buffer.body();
    if json.len() <= bytes_max {
        return;
    }
    let is_middle = |window: &[u8]| window == MIDDLE;
    let start = json.windows(MIDDLE.len()).position(is_middle);
    let end = bytes_max.saturating_sub(TRACE.len() + END.len());
    let mut at = start.map_or(end, |start| start + MIDDLE.len());
    // To the last whole character, or escape, that fits, or to the quote behind the message.
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
    buffer.cut_body(at);
    buffer.append(TRACE);
    buffer.append(END);
}

#[cfg(feature = "std")]
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
