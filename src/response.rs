//! The response to the event in hand, built where it will be sent from.

use crate::buffer::Buffer;
use crate::failure::{self, Failure};
use crate::limits::{CONTENT_TYPE_BYTES_MAX, HAS_STREAM, RESPONSE_BYTES_MAX};
use crate::session::ResponseStream;

/// The response of a handler: at most 6,291,556 bytes (6 MiB + 100), kept whole until the handler
/// returns, unless it is streamed.
pub struct Response {
    /// The event fails with this, whatever the handler returns.
    forced_error: Option<&'static Failure>,
    /// The most bytes that the buffer may hold: none when the response is streamed.
    limit: usize,
    /// The code that sends it when it is streamed.
    stream: Option<&'static dyn ResponseStream>,
    buffer: Buffer,
}

impl Response {
    /// Not ready for an event: see `reset`.
    pub(crate) fn new(region: &'static mut [u8]) -> Response {
        Response {
            forced_error: None,
            limit: 0,
            stream: None,
            buffer: Buffer::new(region),
        }
    }

    /// Adds to the response.
    ///
    /// # Errors
    /// `Function.ResponseSizeTooLarge` when it would be longer than the Runtime API takes. The
    /// event fails with that, whatever the handler returns, unless the response is cleared. For a
    /// streamed response, see [`stream`](Response::stream).
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.len() > self.limit.saturating_sub(self.buffer.body_bytes()) {
            return self.write_slow_path(bytes);
        }
        self.buffer.append(bytes);
        Ok(())
    }

    #[inline(never)]
    fn write_slow_path(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if HAS_STREAM && let Some(stream) = self.stream {
            return stream.write_chunk(&mut self.buffer, bytes);
        }
        self.forced_error = Some(TOO_LARGE);
        Err(TOO_LARGE.duplicate())
    }

    /// Fails the event because the response is too long.
    pub(crate) fn fail_too_large(&mut self) {
        self.forced_error = Some(TOO_LARGE);
    }

    /// Sets the content type of the response; without this call it is `application/json`.
    ///
    /// # Errors
    /// `Runtime.BadContentType` when it is empty, longer than 256 bytes, or holds other than
    /// printable ASCII: it becomes a header's value. `Runtime.StreamTooLate` when the response is
    /// streamed: its content type is sent already.
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
        self.buffer.set_content_type(value);
        Ok(())
    }

    /// Discards what was written, and the content type. A stream goes on once something was sent.
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
        self.forced_error = None;
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
    pub(crate) fn finish_head(&mut self, outcome: &Result<(), Failure>) -> &'static [u8] {
        let Some(failure) = self.forced_error.or(outcome.as_ref().err()) else {
            if !self.buffer.has_head() {
                self.buffer.set_content_type(b"application/json");
            }
            return b"";
        };
        failure.write_answer(&mut self.buffer);
        failure.metrics_type()
    }

    /// From here on, nothing is appended to the buffer.
    pub(crate) fn set_stream(&mut self, stream: &'static dyn ResponseStream) {
        self.stream = Some(stream);
        self.limit = 0;
    }

    /// Whether it is streamed.
    pub(crate) fn is_streamed(&self) -> bool {
        self.stream.is_some()
    }

    /// Fails it, whatever the handler returns.
    pub(crate) fn force_error(&mut self, failure: &'static Failure) {
        self.forced_error = Some(failure);
    }

    /// Lets `read` put more behind what was written. `None`: it is too long now, and knows it.
    pub(crate) fn take(&mut self, read: &mut dyn FnMut(&mut [u8]) -> usize) -> Option<usize> {
        // A byte too many shows that there is more.
        let free = (self.limit + 1).saturating_sub(self.len());
        let bytes = self.buffer.read_into(free, read);
        if self.len() > self.limit {
            self.forced_error = Some(TOO_LARGE);
            return None;
        }
        Some(bytes)
    }

    /// Makes it a failure whose JSON comes in pieces, behind this: see
    /// [`Failure::already_in_buffer`].
    pub(crate) fn begin_error_body(&mut self) -> &mut Buffer {
        self.clear();
        &mut self.buffer
    }

    /// What was written.
    pub(crate) fn body(&self) -> &[u8] {
        self.buffer.body()
    }

    pub(crate) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }
}

const TOO_LARGE: &Failure =
    &Failure::fixed("Function.ResponseSizeTooLarge", "longer than 6291556 bytes");

#[cfg(test)]
impl Response {
    /// A response of the usual size, not yet ready for an event.
    pub fn leaked() -> &'static mut Response {
        use std::boxed::Box;
        let region = std::vec![0; crate::limits::RESPONSE_REGION_BYTES].leak();
        Box::leak(Box::new(Response::new(region)))
    }
}

#[cfg(test)]
mod tests;
