//! What the runtime would send for an event.

use core::fmt;
use std::borrow::Cow;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::failure::{Failure, truncate_json};
use crate::limits::TRAILER_ERROR_BYTES_MAX;
use crate::response::{Recorder, Response};
use crate::wire::http1::HeaderLines;
use crate::wire::json::{self, Reader, Token};
use crate::wire::slice_or_empty;

/// The answer to an event: a response or an error, or a part of a streamed response and an error.
#[derive(Clone, Default)]
pub struct Answer {
    content_type: String,
    body: Vec<u8>,
    is_streamed: bool,
    prelude: Vec<u8>,
    chunks: Vec<Vec<u8>>,
    error: Option<Error>,
}

#[derive(Clone, Default)]
struct Error {
    error_type: String,
    message: String,
    trace: Vec<String>,
}

impl Answer {
    pub(super) fn new(
        response: &mut Response,
        recorder: &Recorder,
        outcome: &Result<(), Failure>,
    ) -> Answer {
        if response.is_streamed() && outcome.is_ok() {
            recorder.start(response.buffer());
        }
        let recorded = recorder.take();
        let Some(content_type) = recorded.content_type else {
            return Answer::buffered(response, outcome);
        };
        let error = outcome.as_ref().err().map(|failure| {
            let buffer = response.buffer();
            failure.write(buffer);
            truncate_json(buffer, TRAILER_ERROR_BYTES_MAX);
            Error::read(buffer.body())
        });
        Answer {
            content_type,
            body: recorded.chunks.concat(),
            is_streamed: true,
            prelude: recorded.prelude,
            chunks: recorded.chunks,
            error,
        }
    }

    /// A response or an error that is sent when the handler has returned.
    fn buffered(response: &mut Response, outcome: &Result<(), Failure>) -> Answer {
        let is_error = !response.finish_head(outcome).is_empty();
        let buffer = response.buffer();
        let (bytes, body) = (buffer.bytes(), buffer.body());
        let head = slice_or_empty(bytes, 0, bytes.len() - body.len());
        let mut headers = HeaderLines::without_start_line(head);
        let content_type = headers.find(|(name, _)| *name == b"Content-Type");
        let (_, content_type) = content_type.unwrap_or_default();
        Answer {
            content_type: String::from_utf8_lossy(content_type).into(),
            body: body.to_vec(),
            error: is_error.then(|| Error::read(body)),
            ..Answer::default()
        }
    }

    /// The bytes of the response. Of a stream, all that was written after its start; of an error
    /// before which nothing was sent, its JSON.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The same as text, in which invalid UTF-8 is U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body, deserialized from JSON.
    ///
    /// # Errors
    /// Where the body is not JSON, or no `T`.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| Failure::of(&error))
    }

    /// The content type: `application/json`, unless the handler set another one.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Whether the response, or a part of it, was streamed.
    pub fn is_streamed(&self) -> bool {
        self.is_streamed
    }

    /// The chunks of a streamed response, one for each write that was not empty. Empty where
    /// the response was not streamed.
    pub fn chunks(&self) -> &[Vec<u8>] {
        &self.chunks
    }

    /// Status, headers and cookies that `stream_http` sends before the chunks, as JSON: an object
    /// with `statusCode`, `headers` and `cookies`. Empty where it was not called.
    pub fn prelude(&self) -> &[u8] {
        let nul = self.prelude.iter().position(|byte| *byte == 0);
        slice_or_empty(&self.prelude, 0, nul.unwrap_or(self.prelude.len()))
    }

    /// Whether the event failed.
    pub fn is_error(&self) -> bool {
        self.error.is_some()
    }

    /// The `errorType` that the caller sees; `None` where the event did not fail.
    pub fn error_type(&self) -> Option<&str> {
        Some(&self.error.as_ref()?.error_type)
    }

    /// The `errorMessage` that the caller sees; `None` where the event did not fail.
    pub fn error_message(&self) -> Option<&str> {
        Some(&self.error.as_ref()?.message)
    }

    /// The lines of the `stackTrace` that the caller sees: of an error, the errors that caused it.
    /// Empty after the first write of a stream, if the whole error is longer than 2.8 KB.
    pub fn stack_trace(&self) -> &[String] {
        self.error.as_ref().map_or(&[], |error| &error.trace)
    }
}

impl Error {
    /// The members of an error's JSON, unescaped.
    fn read(json: &[u8]) -> Error {
        let names: [&[u8]; 3] = [b"errorType", b"errorMessage", b"stackTrace"];
        let [error_type, message, trace] = json::members(json, names).unwrap_or_default();
        let text = |value: Option<&[u8]>| match value.and_then(json::string) {
            Some(text) => unescaped(text),
            None => String::new(),
        };
        let mut reader = Reader::new(trace.unwrap_or(b"[]"));
        let strings = core::iter::from_fn(|| reader.next().ok()?).filter_map(|token| match token {
            Token::String(line) => Some(unescaped(line)),
            _ => None,
        });
        Error {
            error_type: text(error_type),
            message: text(message),
            trace: strings.collect(),
        }
    }
}

fn unescaped(text: json::Text<'_>) -> String {
    let mut bytes = Vec::new();
    text.unescape(&mut |piece| bytes.extend_from_slice(piece));
    String::from_utf8_lossy(&bytes).to_string()
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("content_type", &self.content_type)
            .field("body", &self.text())
            .field("is_streamed", &self.is_streamed)
            .field("error_type", &self.error_type())
            .field("error_message", &self.error_message())
            .finish_non_exhaustive()
    }
}
