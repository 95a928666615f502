//! A streamed response: each write is sent at once, as a chunk of the body.
//!
//! Nothing is sent before the first write, so an earlier failure is an ordinary error; a later one
//! is sent in trailers. Sources: AWS Lambda Developer Guide, "Building a custom runtime" (response
//! streaming), and the emulator's server code.

use crate::buffer::{Buffer, FixedBytes};
use crate::failure::{self, Failure};
use crate::limits::{RESPONSE_BYTES_MAX, TRAILER_ERROR_BYTES_MAX, payload_bytes_max};
use crate::message_reader::MessageReader;
use crate::response::Response;
use crate::runtime_api::ERROR_TYPE;
use crate::session::{self, ResponseStream, Session, StreamState};
use crate::wire::chunk::{CRLF, ChunkHeader, LAST_CHUNK};
use crate::wire::number::Decimal;
use crate::wire::{base64, json};

const STREAM_HEADERS: &[u8] = b"Lambda-Runtime-Function-Response-Mode: streaming\r\n\
      Transfer-Encoding: chunked\r\n\
      Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n";
/// The content type of a streamed HTTP response.
pub const HTTP_INTEGRATION_TYPE: &[u8] = b"application/vnd.awslambda.http-integration-response";

impl Response {
    /// Makes the response a stream: each [`write`](Response::write) is sent at once, as a chunk, up
    /// to 200 MB in all; Lambda limits the rate after the first 6 MB. The caller has to use
    /// `InvokeWithResponseStream`, or a Function URL with `RESPONSE_STREAM`; any other caller gets
    /// the whole response at its end, up to 6 MB.
    ///
    /// Before the first write, a failure is an ordinary error. After it the caller has a part of
    /// the response, and a failure is sent in trailers, with the first 2.8 KB of its message.
    ///
    /// # Errors
    /// `Runtime.BadContentType`, as for [`content_type`](Response::content_type);
    /// `Runtime.StreamTooLate` when the response is not empty. Later writes fail with
    /// `Runtime.StreamBroken` when the connection is lost, which ends the event: nothing more of
    /// the response can be sent.
    pub fn stream(&mut self, content_type: &str) -> Result<(), Failure> {
        self.start_stream(content_type.as_bytes(), &mut |_| {})
    }

    /// The same for an HTTP response, for Function URLs and API Gateway: its status, headers and
    /// cookies (whole `Set-Cookie` values). The writes that follow are its body.
    ///
    /// # Errors
    /// As for [`stream`](Response::stream); `Function.ResponseSizeTooLarge` when status, headers
    /// and cookies are longer than 6,291,556 bytes as JSON.
    pub fn stream_http(
        &mut self,
        status: u16,
        headers: &[(&str, &str)],
        cookies: &[&str],
    ) -> Result<(), Failure> {
        self.start_stream(HTTP_INTEGRATION_TYPE, &mut |buffer| {
            write_prelude(buffer, status, headers, cookies)
        })
    }

    pub(crate) fn start_stream(
        &mut self,
        content_type: &[u8],
        write_first: &mut dyn FnMut(&mut Buffer),
    ) -> Result<(), Failure> {
        if !self.is_empty() || self.is_streamed() {
            let text = "the response was begun before it was to be streamed";
            return Err(Failure::new("Runtime.StreamTooLate", text));
        }
        self.set_content_type(content_type)?;
        self.set_stream(&Chunked);
        let buffer = self.buffer();
        buffer.clear();
        write_first(buffer);
        let first_bytes = buffer.body_bytes();
        if first_bytes > RESPONSE_BYTES_MAX {
            // The buffer is full: the end of the JSON or of the chunk may be missing.
            self.reset();
            let text = concat!(
                "status, headers and cookies are longer than ",
                payload_bytes_max!(),
                " bytes"
            );
            return Err(Failure::new("Function.ResponseSizeTooLarge", text));
        }
        if first_bytes > 0 {
            buffer.prepend(ChunkHeader::new(first_bytes).as_bytes());
            buffer.append(CRLF);
        }
        #[cfg(any(doc, test, feature = "std", feature = "testing"))]
        if self.record_stream(content_type) {
            return Ok(());
        }
        let buffer = self.buffer();
        session::with_lent(|session| {
            session.stream = Some(&Chunked);
            buffer.prepend(b"\r\n");
            buffer.prepend_header(b"Content-Type: ", content_type);
            buffer.prepend(STREAM_HEADERS);
            session.api.prepend_request_head(buffer, b"");
        });
        Ok(())
    }
}

/// Appends the head of an HTTP response, as JSON, and its delimiter, eight NULs.
fn write_prelude(buffer: &mut Buffer, status: u16, headers: &[(&str, &str)], cookies: &[&str]) {
    let quoted = |buffer: &mut Buffer, text: &str| {
        buffer.append(b"\"");
        json::escape(text.as_bytes(), &mut |piece| buffer.append(piece));
        buffer.append(b"\"");
    };
    buffer.append(b"{\"statusCode\":");
    buffer.append(Decimal::new(status.into()).as_bytes());
    buffer.append(b",\"headers\":{");
    for (index, (name, value)) in headers.iter().enumerate() {
        buffer.append(if index == 0 { b"" } else { b"," });
        quoted(buffer, name);
        buffer.append(b":");
        quoted(buffer, value);
    }
    buffer.append(b"},\"cookies\":[");
    for (index, cookie) in cookies.iter().enumerate() {
        buffer.append(if index == 0 { b"" } else { b"," });
        quoted(buffer, cookie);
    }
    buffer.append(b"]}\0\0\0\0\0\0\0\0");
}

/// The error of an event whose stream broke, sent if the event is delivered again.
const BROKEN: &Failure = &Failure::fixed(
    "Runtime.StreamBroken",
    "the connection broke within a streamed response",
);

/// A body in chunks of HTTP/1.1.
struct Chunked;

impl ResponseStream for Chunked {
    fn write_chunk(&self, buffer: &mut Buffer, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(()); // an empty chunk would end the body
        }
        let line = ChunkHeader::new(bytes.len());
        let is_sent = session::with_lent(|session| {
            // After the head was sent, the buffer may hold a failure that is not returned yet.
            let head = match session.stream_state {
                StreamState::NotStarted => buffer.bytes(),
                StreamState::Started => b"",
                StreamState::Failed => return false,
            };
            let is_sent = session.api.send_parts([head, line.as_bytes(), bytes, CRLF]);
            if session.stream_state == StreamState::NotStarted {
                buffer.clear();
            }
            session.stream_state = if is_sent {
                StreamState::Started
            } else {
                StreamState::Failed
            };
            is_sent
        });
        match is_sent {
            Some(true) => Ok(()),
            _ => Err(BROKEN.duplicate()),
        }
    }

    fn finish(
        &self,
        session: &mut Session,
        reader: &mut MessageReader,
        buffer: &mut Buffer,
        outcome: &Result<(), Failure>,
        is_streamed: bool,
    ) -> bool {
        let state = core::mem::replace(&mut session.stream_state, StreamState::NotStarted);
        let is_stream = outcome.is_ok() && is_streamed;
        if state == StreamState::NotStarted && !is_stream {
            return false;
        }
        let mut is_sent = false;
        if state != StreamState::Failed {
            match outcome {
                Ok(()) => {
                    if state == StreamState::Started {
                        buffer.clear();
                    }
                    buffer.append(LAST_CHUNK);
                }
                Err(failure) => write_trailers(buffer, failure),
            }
            session.api.append_next_request(buffer);
            is_sent = session.api.send(buffer.bytes());
        }
        // The response is gone, so this is the answer if the event is delivered again.
        BROKEN.write_answer(buffer);
        let error_type = BROKEN.metrics_type();
        session.api.frame_answer(buffer, error_type);
        session.api.read_reply(reader, is_sent);
        true
    }
}

/// Writes the last chunk, and the error as trailers.
fn write_trailers(buffer: &mut Buffer, failure: &Failure) {
    failure.write(buffer);
    failure::truncate_json(buffer, TRAILER_ERROR_BYTES_MAX);
    let mut body = FixedBytes::<TRAILER_ERROR_BYTES_MAX>::new();
    body.set(buffer.body());
    buffer.clear();
    buffer.append(b"0\r\n");
    buffer.append(ERROR_TYPE);
    buffer.append(failure.metrics_type());
    buffer.append(b"\r\nLambda-Runtime-Function-Error-Body: ");
    base64::encode(body.as_bytes(), &mut |piece| buffer.append(piece));
    buffer.append(b"\r\n\r\n");
}
