//! The response to the current event, built in the buffer that it is sent from.

#[cfg(any(doc, test, feature = "std", feature = "testing"))]
mod recorder;

use crate::buffer::Buffer;
use crate::failure::{self, Failure};
use crate::limits::{
    CONTENT_TYPE_BYTES_MAX, HAS_EXTRAS, HAS_STREAM, RESPONSE_BYTES_MAX, payload_bytes_max,
};
use crate::session::ResponseStream;
#[cfg(any(doc, test, feature = "std", feature = "testing"))]
pub(crate) use recorder::Recorder;

/// The response of a handler: at most 6,291,556 bytes (6 MiB + 100), buffered until the handler
/// returns, unless it is streamed.
pub struct Response {
    /// The error of the event, whatever the handler returns.
    forced_error: Option<&'static Failure>,
    /// The longest body that the buffer may hold: 0 when the response is streamed.
    limit: usize,
    /// The code that sends a streamed response.
    stream: Option<&'static dyn ResponseStream>,
    /// In a unit test: what records a streamed response.
    #[cfg(any(doc, test, feature = "std", feature = "testing"))]
    recorder: Option<&'static Recorder>,
    buffer: Buffer,
}

impl Response {
    /// Not ready for an event until `reset` is called.
    pub(crate) fn new(region: &'static mut [u8]) -> Response {
        Response {
            forced_error: None,
            limit: 0,
            stream: None,
            #[cfg(any(doc, test, feature = "std", feature = "testing"))]
            recorder: None,
            buffer: Buffer::new(region),
        }
    }

    /// Appends to the response.
    ///
    /// # Errors
    /// `Function.ResponseSizeTooLarge` when it would be longer than the Runtime API accepts. The
    /// event fails with this error, whatever the handler returns, unless the response is cleared.
    /// `Runtime.StreamBroken` when the connection of a streamed response is lost.
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
    /// `Runtime.BadContentType` when it is empty, longer than 256 bytes, or not printable ASCII: it
    /// becomes a header's value. `Runtime.StreamTooLate` when the response is streamed: its content
    /// type is sent already.
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

    /// Discards the body and the content type. A streamed response of which a part was sent stays
    /// streamed.
    pub fn clear(&mut self) {
        if self.is_streamed() && !self.buffer.has_head() {
            self.buffer.clear();
        } else {
            self.reset();
        }
    }

    /// Prepares it for another event.
    pub(crate) fn reset(&mut self) {
        self.buffer.clear();
        self.forced_error = None;
        self.stream = None;
        self.limit = RESPONSE_BYTES_MAX;
    }

    /// The length of the body, in bytes; of a streamed response, of the part that was not sent yet.
    pub fn len(&self) -> usize {
        self.buffer.body_bytes()
    }

    /// Whether the body is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Creates a failure whose message is the concatenation of pieces of any bytes: invalid UTF-8
    /// becomes U+FFFD. Discards the body. Return the failure from the handler.
    ///
    /// The response keeps the text of one failure, the last, so that this works without an
    /// allocator: [`Failure::message`] of it is empty. A write after this call starts a new body,
    /// and does not change the failure: if that is returned, the body is discarded.
    pub fn fail(&mut self, error_type: &'static str, message: &[&[u8]]) -> Failure {
        self.clear();
        failure::write(&mut self.buffer, error_type, message);
        Failure::set_aside(error_type, &mut self.buffer)
    }

    /// Prepends the last lines of the head, according to the handler's outcome. Returns the error
    /// type for a header; empty for a response.
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

    /// Makes it a streamed response: writes go to `stream`, not into the buffer.
    pub(crate) fn set_stream(&mut self, stream: &'static dyn ResponseStream) {
        self.stream = Some(stream);
        self.limit = 0;
    }

    /// Whether it is streamed.
    pub(crate) fn is_streamed(&self) -> bool {
        self.stream.is_some()
    }

    /// Sets the error of the event, whatever the handler returns.
    pub(crate) fn force_error(&mut self, failure: &'static Failure) {
        self.forced_error = Some(failure);
    }

    /// Whether an error is forced upon the event.
    #[cfg(feature = "web")]
    pub(crate) fn has_forced_error(&self) -> bool {
        self.forced_error.is_some()
    }

    /// Appends bytes that `read` writes, and returns their number. `None`: the response is too long
    /// now, which is the error of the event.
    pub(crate) fn read_from(&mut self, read: &mut dyn FnMut(&mut [u8]) -> usize) -> Option<usize> {
        // One byte over the limit shows that the response is too long.
        let free = (self.limit + 1).saturating_sub(self.len());
        let bytes = self.buffer.read_into(free, read);
        if self.len() > self.limit {
            self.forced_error = Some(TOO_LARGE);
            return None;
        }
        Some(bytes)
    }

    /// Discards the response, and returns the buffer for the JSON of an error: see
    /// [`Failure::already_in_buffer`].
    pub(crate) fn begin_error_body(&mut self) -> &mut Buffer {
        self.clear();
        &mut self.buffer
    }

    /// The body.
    pub(crate) fn body(&self) -> &[u8] {
        self.buffer.body()
    }

    pub(crate) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }
}

/// In Lambda's words; short in the smallest program, for its budget.
const TOO_LARGE: &Failure = &Failure::fixed(
    "Function.ResponseSizeTooLarge",
    if HAS_EXTRAS {
        concat!(
            "Response payload size exceeded maximum allowed payload size (",
            payload_bytes_max!(),
            " bytes).",
        )
    } else {
        concat!("longer than ", payload_bytes_max!(), " bytes")
    },
);

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
