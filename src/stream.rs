//! A streamed response: what is written is sent at once, as a chunk of a body without an end.
//!
//! Nothing is sent before the first write, so a failure until then is an ordinary error; behind it,
//! a failure goes into trailers. Sources: AWS Lambda Developer Guide, "Building a custom runtime"
//! (response streaming), and the emulator's server code.

use crate::buffer::{Buffer, Decimal, FixedBytes};
use crate::connection::MessageReader;
use crate::failure::{self, Failure};
use crate::limits::{RESPONSE_BYTES_MAX, TRAILER_ERROR_BYTES_MAX};
use crate::panics;
use crate::response::Response;
use crate::runtime_api::{ERROR_TYPE, RuntimeApi};
use crate::wire::chunk::{CRLF, ChunkHeader, LAST_CHUNK};
use crate::wire::{base64, json};

const FRAMING: &[u8] = b"Lambda-Runtime-Function-Response-Mode: streaming\r\n\
      Transfer-Encoding: chunked\r\n\
      Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n";
const HTTP: &[u8] = b"application/vnd.awslambda.http-integration-response";

/// What an event fails with whose stream broke, if it is ever delivered again.
const BROKEN: &Failure = &Failure::plain(
    "Runtime.StreamBroken",
    "the connection broke within a streamed response",
);

impl Response {
    /// From here on, each [`write`](Response::write) is sent at once, as a chunk: up to 200 MB in
    /// all, of which the platform slows down what is behind the first 6 MB. The function has to be
    /// called with `InvokeWithResponseStream`, or by a Function URL with `RESPONSE_STREAM`; a
    /// caller who is not gets the whole, up to 6 MB.
    ///
    /// Until the first write, a failure is an ordinary error. After it the caller has a part of the
    /// response, and a failure follows in trailers, with the first 2.8 KB of its message.
    ///
    /// # Errors
    /// `Runtime.BadContentType`, as for [`content_type`](Response::content_type);
    /// `Runtime.StreamTooLate` when something was written already. Later writes fail with
    /// `Runtime.StreamBroken` when the connection is gone, which ends the event: it is not sent
    /// again, and there is nobody to answer.
    pub fn stream(&mut self, content_type: &str) -> Result<(), Failure> {
        self.start_stream(content_type.as_bytes(), |_| {})
    }

    /// The same for a response of HTTP, for Function URLs and API Gateway: its status, headers and
    /// cookies (whole `Set-Cookie` values), and then what is written, as its body.
    ///
    /// # Errors
    /// As for [`stream`](Response::stream); `Function.ResponseSizeTooLarge` when all that is longer
    /// than 6,291,556 bytes.
    pub fn stream_http(
        &mut self,
        status: u16,
        headers: &[(&str, &str)],
        cookies: &[&str],
    ) -> Result<(), Failure> {
        self.start_stream(HTTP, |buffer| {
            write_prelude(buffer, status, headers, cookies)
        })
    }

    pub(crate) fn start_stream(
        &mut self,
        content_type: &[u8],
        write_first: impl FnOnce(&mut Buffer),
    ) -> Result<(), Failure> {
        if !self.is_empty() || self.is_streamed() {
            let text = "the response was begun before it was to be streamed";
            return Err(Failure::new("Runtime.StreamTooLate", text));
        }
        self.set_content_type(content_type)?;
        self.set_stream(write);
        let buffer = self.buffer();
        buffer.clear();
        write_first(buffer);
        let first_bytes = buffer.body_bytes();
        if first_bytes > RESPONSE_BYTES_MAX {
            // The end of it, or what ends the chunk, had no room.
            self.reset();
            let text = "status, headers and cookies are longer than 6291556 bytes";
            return Err(Failure::new("Function.ResponseSizeTooLarge", text));
        }
        if first_bytes > 0 {
            buffer.prepend(ChunkHeader::new(first_bytes).as_bytes());
            buffer.append(CRLF);
        }
        panics::with_lent_api(|api| {
            api.end_stream = Some(end);
            api.address(buffer, b"", |buffer| {
                buffer.prepend(b"\r\n");
                buffer.prepend_header(b"Content-Type: ", content_type);
                buffer.prepend(FRAMING);
            });
        });
        Ok(())
    }
}

/// The head of an HTTP response, as JSON, and what ends it: eight NULs, of which JSON has none.
fn write_prelude(buffer: &mut Buffer, status: u16, headers: &[(&str, &str)], cookies: &[&str]) {
    let quoted = |buffer: &mut Buffer, text: &str| {
        buffer.append(b"\"");
        json::escape(text.as_bytes(), &mut |piece| buffer.append(piece));
        buffer.append(b"\"");
    };
    buffer.append(b"{\"statusCode\":");
    buffer.append(Decimal::new(status.into()).text());
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

/// Sends a chunk; before the first, what is in the buffer: the head, perhaps a prelude.
fn write(response: &mut Response, bytes: &[u8]) -> Result<(), Failure> {
    if bytes.is_empty() {
        return Ok(()); // a chunk of no bytes would be the last
    }
    let buffer = response.buffer();
    let line = ChunkHeader::new(bytes.len());
    let sent = panics::with_lent_api(|api| {
        if !api.stream_failed {
            // Behind the first, it may hold a failure that was made and not yet returned.
            let first = if api.stream_started {
                b""
            } else {
                buffer.bytes()
            };
            api.stream_failed = !api.send_parts([first, line.as_bytes(), bytes, CRLF]);
        }
        if !api.stream_started {
            api.stream_started = true;
            buffer.clear();
        }
        !api.stream_failed
    });
    if sent == Some(true) {
        Ok(())
    } else {
        Err(BROKEN.again())
    }
}

/// Ends the body, and judges the reply. False when nothing was sent and the event failed: that is
/// an ordinary error.
fn end(
    api: &mut RuntimeApi,
    inbox: &mut MessageReader,
    response: &mut Response,
    outcome: &Result<(), Failure>,
) -> bool {
    let begun = api.stream_started;
    let broken = api.stream_failed;
    (api.stream_started, api.stream_failed) = (false, false);
    if !begun && (outcome.is_err() || !response.is_streamed()) {
        return false;
    }
    if !broken {
        let buffer = response.buffer();
        match outcome {
            Ok(()) if begun => {
                buffer.clear();
                buffer.append(LAST_CHUNK);
            }
            Ok(()) => buffer.append(LAST_CHUNK),
            Err(failure) => write_trailers(buffer, failure),
        }
        api.append_next_request(buffer);
    }
    let sent = !broken && api.send(response.buffer().bytes());
    // Were the event delivered again, there would be nothing left to send but this.
    response.reset();
    api.write_answer(response, &Err(BROKEN.again()));
    api.settle(inbox, sent);
    true
}

/// The last chunk, and the error behind it.
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
    base64::encode(body.get(), &mut |piece| buffer.append(piece));
    buffer.append(b"\r\n\r\n");
}
