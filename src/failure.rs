//! Why an event failed, and how the Runtime API wants to hear it.

use crate::buffer::Buffer;
use crate::limits::ERROR_MESSAGE_BYTES_MAX;
use crate::wire::json;

#[cfg(feature = "std")]
use std::string::{String, ToString};
#[cfg(feature = "std")]
use std::vec::Vec;

/// What a handler returns in place of a response: it becomes `errorType`, `errorMessage` and
/// `stackTrace` of the error that the caller sees.
///
/// A type is best `Function.Something` or `Runtime.Something`, letters alone behind the dot: the
/// platform counts every other form as `Runtime.Unknown` in its metrics. It also becomes a header's
/// value: one of other than visible ASCII, or over 128 bytes, is `Runtime.Unknown` there.
pub struct Failure {
    error_type: &'static str,
    /// `None`: the JSON is in the response already.
    message: Option<&'static [u8]>,
    #[cfg(feature = "std")]
    owned: Option<(String, Vec<String>)>,
}

impl Failure {
    /// A failure with a fixed message. For one made of bytes at hand, see
    /// [`Response::fail`](crate::Response::fail).
    pub const fn new(error_type: &'static str, message: &'static str) -> Failure {
        Failure {
            error_type,
            message: Some(message.as_bytes()),
            #[cfg(feature = "std")]
            owned: None,
        }
    }

    /// A failure with a message, and the lines of a stack trace, that were made at run time. What is
    /// behind the first 160 KiB of the message is cut off.
    #[cfg(feature = "std")]
    pub fn with_trace(error_type: &'static str, message: String, trace: Vec<String>) -> Failure {
        Failure {
            error_type,
            message: None,
            owned: Some((message, trace)),
        }
    }

    /// A failure with a message that need not be UTF-8.
    pub(crate) const fn of_bytes(error_type: &'static str, message: &'static [u8]) -> Failure {
        Failure {
            error_type,
            message: Some(message),
            #[cfg(feature = "std")]
            owned: None,
        }
    }

    /// A failure whose JSON is in the response.
    pub(crate) const fn written(error_type: &'static str) -> Failure {
        Failure {
            error_type,
            message: None,
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
        #[cfg(feature = "std")]
        if let Some((message, trace)) = &self.owned {
            return write_with_trace(buffer, self.error_type, message, trace);
        }
        if let Some(message) = self.message {
            write(buffer, self.error_type, &[message]);
        }
    }
}

/// Puts the JSON of a failure without a trace into a buffer; the message comes in parts.
pub(crate) fn write(buffer: &mut Buffer, error_type: &str, message: &[&[u8]]) {
    write_start(buffer, error_type, message);
    buffer.append(b"\",\"stackTrace\":[]}");
}

fn write_start(buffer: &mut Buffer, error_type: &str, message: &[&[u8]]) {
    buffer.clear();
    buffer.append(b"{\"errorType\":\"");
    json::escape(error_type.as_bytes(), &mut |piece| buffer.append(piece));
    buffer.append(b"\",\"errorMessage\":\"");
    for part in message {
        let part = part.get(..ERROR_MESSAGE_BYTES_MAX).unwrap_or(part);
        json::escape(part, &mut |piece| buffer.append(piece));
    }
}

#[cfg(feature = "std")]
fn write_with_trace(buffer: &mut Buffer, error_type: &str, message: &str, trace: &[String]) {
    write_start(buffer, error_type, &[message.as_bytes()]);
    buffer.append(b"\",\"stackTrace\":[");
    for (index, line) in trace.iter().enumerate() {
        buffer.append(if index == 0 { b"\"" } else { b",\"" });
        json::escape(line.as_bytes(), &mut |piece| buffer.append(piece));
        buffer.append(b"\"");
    }
    buffer.append(b"]}");
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
