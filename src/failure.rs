//! Why an event failed, in the form that the Runtime API takes.

mod body;
#[cfg(feature = "alloc")]
mod convert;

use crate::buffer::Buffer;
use crate::limits::ERROR_TYPE_BYTES_MAX;

pub(crate) use body::{truncate_json, write};

#[cfg(feature = "alloc")]
use alloc::{string::String, vec::Vec};

/// The error that a handler returns instead of a response. It becomes `errorType`, `errorMessage`
/// and `stackTrace` of the error that the caller sees, and the cause that X-Ray shows (the type and
/// the first 1,024 bytes of the message).
///
/// The whole error is at most 1 MiB of JSON, the most that the Runtime API takes: the last lines of
/// a longer trace are left out first, then the end of the message.
///
/// The platform's metrics count a type of the form `Function.Something` or `Runtime.Something`:
/// letters only, the first a capital, and at most 128 bytes. A type of another form counts as
/// `Function.Unknown` there; the caller sees it unchanged. (The rule is the emulator's
/// `fatalerror.go`.)
///
/// With the feature `alloc` (which `std` and `json` contain), `?` makes a failure of any error: see
/// `Failure::from`. `Debug` and `Display` print the type and the message.
///
/// ```
/// use tinderbox::Failure;
///
/// let failure = Failure::new("Function.NoName", "the event has no \"name\"");
/// assert_eq!(failure.error_type(), "Function.NoName");
/// assert_eq!(failure.message(), "the event has no \"name\"");
/// assert_eq!(failure.to_string(), "Function.NoName: the event has no \"name\"");
/// ```
#[must_use = "the event fails only if the handler returns it"]
pub struct Failure {
    error_type: &'static str,
    /// The type in the form that the platform's metrics count.
    metrics_type: &'static [u8],
    message: &'static [u8],
    /// Writes the JSON into a buffer. A function pointer for each way to make a failure, so that a
    /// program links only the ways that it uses.
    write: fn(&Failure, &mut Buffer),
    /// Prepends the header with the cause for X-Ray to the JSON.
    write_cause: fn(&mut Buffer),
    #[cfg(feature = "alloc")]
    owned: Option<(String, Vec<String>)>,
}

impl Failure {
    /// A failure with a fixed message of any length. For a message that is put together from bytes,
    /// see [`Response::fail`](crate::Response::fail); for a `String`, `Failure::with_message`.
    pub const fn new(error_type: &'static str, message: &'static str) -> Failure {
        Failure::from_bytes(error_type, message.as_bytes())
    }

    /// A failure with a message that was made at run time.
    ///
    /// ```
    /// # use tinderbox::Failure;
    /// let failure = Failure::with_message("Function.NoUser", format!("no user {}", 17));
    /// assert_eq!(failure.to_string(), "Function.NoUser: no user 17");
    /// ```
    #[cfg(feature = "alloc")]
    pub fn with_message(error_type: &'static str, message: impl Into<String>) -> Failure {
        Failure::with_trace(error_type, message, Vec::new())
    }

    /// A failure with a message and the lines of a stack trace that were made at run time.
    #[cfg(feature = "alloc")]
    pub fn with_trace(
        error_type: &'static str,
        message: impl Into<String>,
        trace: Vec<String>,
    ) -> Failure {
        let owned = Some((message.into(), trace));
        Failure {
            owned,
            ..Failure::with_writer(error_type, b"", write_owned)
        }
    }

    /// A failure with a message that need not be UTF-8.
    pub(crate) const fn from_bytes(error_type: &'static str, message: &'static [u8]) -> Failure {
        Failure::with_writer(error_type, message, |failure, buffer| {
            body::write(buffer, failure.error_type, &[failure.message]);
        })
    }

    /// A failure of the runtime itself. Its type counts in the metrics and its message needs no
    /// escapes: the code for either is not linked for it.
    pub(crate) const fn fixed(error_type: &'static str, message: &'static str) -> Failure {
        Failure {
            error_type,
            metrics_type: error_type.as_bytes(),
            message: message.as_bytes(),
            write: body::write_fixed,
            write_cause: |_| {},
            #[cfg(feature = "alloc")]
            owned: None,
        }
    }

    /// A copy of the failure, without the texts that were allocated at run time.
    pub(crate) fn duplicate(&'static self) -> Failure {
        Failure {
            #[cfg(feature = "alloc")]
            owned: None,
            ..*self
        }
    }

    /// A failure whose JSON is in the response already.
    pub(crate) const fn already_in_buffer(error_type: &'static str) -> Failure {
        Failure::with_writer(error_type, b"", |_, _| {})
    }

    /// A failure whose JSON was set aside in the buffer of the response, where what is written
    /// later does not change it.
    pub(crate) fn set_aside(error_type: &'static str, buffer: &mut Buffer) -> Failure {
        buffer.set_aside();
        Failure::with_writer(error_type, b"", body::write_set_aside)
    }

    /// A failure whose JSON is `json`, or in the response already when that is empty.
    /// `metrics_type` is its type in the form that the metrics count.
    pub(crate) fn from_json(metrics_type: &'static [u8], json: &'static [u8]) -> Failure {
        Failure {
            metrics_type,
            ..Failure::with_writer("", json, |failure, buffer| {
                if !failure.message.is_empty() {
                    buffer.clear();
                    buffer.append(failure.message);
                }
            })
        }
    }

    const fn with_writer(
        error_type: &'static str,
        message: &'static [u8],
        write: fn(&Failure, &mut Buffer),
    ) -> Failure {
        Failure {
            error_type,
            metrics_type: if is_metrics_type(error_type.as_bytes()) {
                error_type.as_bytes()
            } else {
                UNKNOWN_TYPE
            },
            message,
            write,
            write_cause: body::write_cause,
            #[cfg(feature = "alloc")]
            owned: None,
        }
    }

    /// The type of the error.
    pub fn error_type(&self) -> &'static str {
        self.error_type
    }

    /// The message of the error; empty for a failure that
    /// [`Response::fail`](crate::Response::fail) wrote into the response.
    pub fn message(&self) -> &str {
        #[cfg(feature = "alloc")]
        if let Some((message, _)) = &self.owned {
            return message;
        }
        core::str::from_utf8(self.message).unwrap_or_default()
    }

    /// The message of a failure that was not made at run time. It need not be UTF-8.
    pub(crate) fn message_bytes(&self) -> &'static [u8] {
        self.message
    }

    /// The type in the form that a header has.
    pub(crate) fn metrics_type(&self) -> &'static [u8] {
        self.metrics_type
    }

    /// Writes the JSON into the buffer, unless it is there already.
    pub(crate) fn write(&self, buffer: &mut Buffer) {
        (self.write)(self, buffer);
    }

    /// Writes its JSON into the buffer, unless it is there, and the headers that describe it before
    /// it.
    pub(crate) fn write_answer(&self, buffer: &mut Buffer) {
        self.write(buffer);
        buffer.set_content_type(b"application/vnd.aws.lambda.error+json");
        (self.write_cause)(buffer);
    }
}

/// `TYPE: MESSAGE`.
impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.error_type())?;
        f.write_str(": ")?;
        f.write_str(self.message())
    }
}

impl core::fmt::Debug for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Failure")
            .field("error_type", &self.error_type())
            .field("message", &self.message())
            .finish_non_exhaustive()
    }
}

/// Whether the platform's metrics count a type as it is.
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

/// The type that all other types count as.
pub(crate) const UNKNOWN_TYPE: &[u8] = b"Function.Unknown";

#[cfg(feature = "alloc")]
fn write_owned(failure: &Failure, buffer: &mut Buffer) {
    if let Some((message, trace)) = &failure.owned {
        body::write_with_trace(buffer, failure.error_type, message.as_bytes(), trace);
    }
}

#[cfg(test)]
mod tests;
