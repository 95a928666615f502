//! The response to the event in hand, built where it will be sent from.

use crate::buffer::Buffer;
use crate::failure::{self, Failure};
use crate::limits::{CONTENT_TYPE_BYTES_MAX, RESPONSE_BYTES_MAX};

/// Takes what a handler answers: at most 6,291,556 bytes (6 MiB + 100), kept whole until the
/// handler returns.
#[repr(C)] // the buffer last: a large offset takes three bytes more
pub struct Response {
    /// It fails with this, whatever the handler returns.
    fault: Option<&'static Failure>,
    /// Where it is written to when it is streamed; see `stream`.
    stream: Option<Write>,
    /// So many bytes may be in the buffer: none when it is streamed.
    limit: usize,
    buffer: Buffer,
}

/// Sends a piece of a streamed response.
pub type Write = fn(&mut Response, &[u8]) -> Result<(), Failure>;

impl Response {
    pub(crate) const fn new() -> Response {
        Response {
            fault: None,
            stream: None,
            limit: 0,
            buffer: Buffer::new(),
        }
    }

    /// Adds to the response.
    ///
    /// # Errors
    /// `Function.ResponseSizeTooLarge` when it would be longer than the Runtime API takes. The
    /// event fails with that, whatever the handler returns, unless the response is cleared.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.len() > self.limit.saturating_sub(self.buffer.body_bytes()) {
            return self.write_beyond(bytes);
        }
        self.buffer.append(bytes);
        Ok(())
    }

    #[inline(never)]
    fn write_beyond(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if let Some(write) = self.stream {
            return write(self, bytes);
        }
        self.fault = Some(TOO_LARGE);
        Err(TOO_LARGE.duplicate())
    }

    /// Says what the response is; without this it is `application/json`.
    ///
    /// # Errors
    /// `Runtime.BadContentType` when it is empty, longer than 256 bytes, or holds other than
    /// printable ASCII: it becomes a header's value. `Runtime.StreamTooLate` when the response is
    /// streamed, which has said what it is.
    pub fn content_type(&mut self, value: &str) -> Result<(), Failure> {
        if self.is_streamed() {
            let text = "a streamed response has its content type already";
            return Err(Failure::new("Runtime.StreamTooLate", text));
        }
        self.set_content_type(value.as_bytes())
    }

    pub(crate) fn set_content_type(&mut self, value: &[u8]) -> Result<(), Failure> {
        let printable = |byte: u8| matches!(byte, b' '..=b'~');
        let fits = !value.is_empty() && value.len() <= CONTENT_TYPE_BYTES_MAX;
        if !fits || !value.iter().copied().all(printable) {
            return Err(Failure::new("Runtime.BadContentType", "bad content type"));
        }
        self.prepend_content_type(value);
        Ok(())
    }

    /// Forgets what was written, and the content type. A stream goes on once something was sent.
    pub fn clear(&mut self) {
        if self.is_streamed() && !self.buffer.has_head() {
            self.buffer.clear();
        } else {
            self.reset();
        }
    }

    /// Makes it ready for another event.
    pub(crate) fn reset(&mut self) {
        self.buffer.clear();
        self.fault = None;
        self.stream = None;
        self.limit = RESPONSE_BYTES_MAX;
    }

    /// How long it is, in bytes.
    pub fn len(&self) -> usize {
        self.buffer.body_bytes()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes a failure whose message is made of bytes at hand, any bytes: what is not UTF-8 becomes
    /// U+FFFD. What was written is forgotten. Return the failure from the handler.
    pub fn fail(&mut self, error_type: &'static str, message: &[&[u8]]) -> Failure {
        self.clear();
        failure::write(&mut self.buffer, error_type, message);
        Failure::already_in_buffer(error_type)
    }

    /// Makes it ready to be sent, after what the handler returned: the line of its type before the
    /// body. Returns the type of an error, for a header.
    pub(crate) fn finish(&mut self, outcome: &Result<(), Failure>) -> &'static [u8] {
        let Some(failure) = self.fault.or(outcome.as_ref().err()) else {
            if !self.buffer.has_head() {
                self.prepend_content_type(b"application/json");
            }
            return b"";
        };
        failure.write(&mut self.buffer);
        self.prepend_content_type(b"application/vnd.aws.lambda.error+json");
        failure.write_cause(&mut self.buffer);
        failure.metrics_type()
    }

    /// Lets `write` send what comes from here on.
    pub(crate) fn set_stream(&mut self, write: Write) {
        self.stream = Some(write);
        self.limit = 0;
    }

    /// Whether it is streamed.
    pub(crate) fn is_streamed(&self) -> bool {
        self.stream.is_some()
    }

    /// Fails it, whatever the handler returns.
    pub(crate) fn force_error(&mut self, failure: &'static Failure) {
        self.fault = Some(failure);
    }

    /// Lets `read` put more behind what was written. `None`: it is too long now, and knows it.
    #[cfg(feature = "platform")]
    pub(crate) fn take(&mut self, read: &mut dyn FnMut(&mut [u8]) -> usize) -> Option<usize> {
        // A byte too many shows that there is more.
        let free = (self.limit + 1).saturating_sub(self.len());
        let bytes = self.buffer.fill(free, read);
        if self.len() > self.limit {
            self.fault = Some(TOO_LARGE);
            return None;
        }
        Some(bytes)
    }

    /// Fails it because it is too long.
    #[cfg(feature = "platform")]
    pub(crate) fn fail_too_large(&mut self) {
        self.fault = Some(TOO_LARGE);
    }

    /// Makes it a failure whose JSON comes in pieces, behind this: see
    /// [`Failure::already_in_buffer`].
    #[cfg(feature = "platform")]
    pub(crate) fn begin_error_body(&mut self) -> &mut Buffer {
        self.clear();
        &mut self.buffer
    }

    /// What was written.
    #[cfg(feature = "platform")]
    pub(crate) fn body(&self) -> &[u8] {
        self.buffer.body()
    }

    pub(crate) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    /// The line of its type is the last of the head, so it is written first.
    fn prepend_content_type(&mut self, value: &[u8]) {
        self.buffer.clear_head();
        self.buffer.prepend(b"\r\n");
        self.buffer.prepend_header(b"Content-Type: ", value);
    }
}

const TOO_LARGE: &Failure = &Failure::fixed(
    "Function.ResponseSizeTooLarge",
    "the response is longer than 6291556 bytes",
);

#[cfg(test)]
mod tests;
