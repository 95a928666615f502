//! A streamed response of a unit test: it is recorded, where the runtime would send it.

use std::string::{String, ToString};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use super::Response;
use crate::buffer::Buffer;
use crate::failure::Failure;
use crate::message_reader::MessageReader;
use crate::session::{ResponseStream, Session};
use crate::wire::slice_or_empty;

const CONTENT_TYPE: &[u8] = b"Content-Type: ";

/// What was streamed so far.
#[derive(Default)]
pub(crate) struct Recorded {
    /// The content type, once the first bytes of the response were written.
    pub content_type: Option<String>,
    /// The first chunk of `stream_http`: its JSON, and eight NULs. Empty for `stream`.
    pub prelude: Vec<u8>,
    /// The other chunks, a write each.
    pub chunks: Vec<Vec<u8>>,
}

/// Records the streamed response of one [`Response`].
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Recorded>);

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the head and the first chunk, as they are sent with the first write or at the end.
    /// In the buffer, they are the content type, and the chunk with its framing.
    pub fn start(&self, buffer: &mut Buffer) {
        let mut recorded = self.lock();
        if recorded.content_type.is_some() {
            return;
        }
        let head = buffer.bytes().strip_prefix(CONTENT_TYPE);
        let value = head.unwrap_or_default().split(|byte| *byte == b'\r').next();
        let value = String::from_utf8_lossy(value.unwrap_or_default());
        recorded.content_type = Some(value.to_string());
        let chunk = buffer.body();
        recorded.prelude = slice_or_empty(chunk, 0, chunk.len().saturating_sub(2)).to_vec();
        buffer.clear();
    }

    /// Takes what was recorded, and is ready for another response.
    pub fn take(&self) -> Recorded {
        core::mem::take(&mut self.lock())
    }
}

impl ResponseStream for Recorder {
    fn write_chunk(&self, buffer: &mut Buffer, bytes: &[u8]) -> Result<(), Failure> {
        if !bytes.is_empty() {
            self.start(buffer);
            self.lock().chunks.push(bytes.to_vec());
        }
        Ok(())
    }

    /// Not called: a unit test has no session.
    fn finish(
        &self,
        _: &mut Session,
        _: &mut MessageReader,
        _: &mut Buffer,
        _: &Result<(), Failure>,
        _: bool,
    ) -> bool {
        false
    }
}

impl Response {
    /// An empty response of a unit test.
    pub(crate) fn recording(region: &'static mut [u8], recorder: &'static Recorder) -> Response {
        let mut response = Response::new(region);
        response.reset();
        response.recorder = Some(recorder);
        response
    }

    /// Makes it a streamed response that is recorded, with the content type as its head: a response
    /// that has a head can be cleared. False: this is no unit test.
    pub(crate) fn record_stream(&mut self, content_type: &[u8]) -> bool {
        let Some(recorder) = self.recorder else {
            return false;
        };
        self.set_stream(recorder);
        self.buffer.prepend_header(CONTENT_TYPE, content_type);
        true
    }
}
