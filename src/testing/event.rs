//! An event with its headers, made by a test.

use std::string::ToString;
use std::vec::Vec;

use super::{Answer, ResponseRecorder};
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::response::Response;
use crate::sys;

/// An event with the headers that came with it, for a handler or a part of one.
///
/// Unless a test sets them, the request id is `00000000-0000-4000-8000-000000000000`, the deadline
/// 3 s after the event was made, the ARN that of a function `test`, and the trace id one that is
/// not sampled. Other headers are absent.
#[derive(Clone, Debug)]
pub struct Event {
    bytes: Vec<u8>,
    /// Names in lower case.
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    head: Vec<u8>,
}

/// The timeout of a function that configures none, in milliseconds.
const TIMEOUT_MS: u64 = 3000;

impl Event {
    /// An event of these bytes, which need not be JSON: `Event::new("text")`,
    /// `Event::new(b"\xff")`.
    pub fn new(event: impl AsRef<[u8]>) -> Event {
        let event = Event {
            bytes: event.as_ref().to_vec(),
            headers: Vec::new(),
            head: Vec::new(),
        };
        event
            .request_id("00000000-0000-4000-8000-000000000000")
            .remaining_ms(TIMEOUT_MS)
            .function_arn("arn:aws:lambda:us-east-1:123456789012:function:test")
            .trace_id("Root=1-00000000-000000000000000000000000;Sampled=0")
    }

    /// An event that is this value as JSON, for example `Event::json(&json!({"name": "Ada"}))`.
    ///
    /// # Errors
    /// Where the value cannot be represented in JSON.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<Event, Failure> {
        let json = serde_json::to_vec(value).map_err(|error| Failure::of(&error));
        Ok(Event::new(json?))
    }

    /// Sets the request id: 1 to 1,024 bytes.
    pub fn request_id(self, id: impl AsRef<[u8]>) -> Event {
        self.header("lambda-runtime-aws-request-id", id)
    }

    /// Sets the deadline, in milliseconds from now; 0: it has passed.
    pub fn remaining_ms(self, ms: u64) -> Event {
        let deadline = sys::now_ms().saturating_add(ms);
        self.header("lambda-runtime-deadline-ms", deadline.to_string())
    }

    /// Sets the ARN that was invoked.
    pub fn function_arn(self, arn: impl AsRef<[u8]>) -> Event {
        self.header("lambda-runtime-invoked-function-arn", arn)
    }

    /// Sets the X-Ray trace header.
    pub fn trace_id(self, id: impl AsRef<[u8]>) -> Event {
        self.header("lambda-runtime-trace-id", id)
    }

    /// Sets the client context of the caller: JSON, at most 3,583 bytes on Lambda.
    pub fn client_context(self, json: impl AsRef<[u8]>) -> Event {
        self.header("lambda-runtime-client-context", json)
    }

    /// Sets the Cognito identity of the caller: JSON.
    pub fn cognito_identity(self, json: impl AsRef<[u8]>) -> Event {
        self.header("lambda-runtime-cognito-identity", json)
    }

    /// Sets the tenant: at most 256 bytes on Lambda.
    pub fn tenant_id(self, id: impl AsRef<[u8]>) -> Event {
        self.header("lambda-runtime-aws-tenant-id", id)
    }

    /// Sets any header, or removes it with an empty value. A line feed ends a value: no header has
    /// one.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Event {
        let name = name.to_ascii_lowercase().into_bytes();
        let value = value.as_ref().split(|byte| *byte == b'\n').next();
        let value = value.unwrap_or_default().to_vec();
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        self.head = b"HTTP/1.1 200 OK\r\n".to_vec();
        for (name, value) in &self.headers {
            for piece in [name, &b": "[..], value, b"\r\n"] {
                self.head.extend_from_slice(piece);
            }
        }
        self
    }

    /// The event as a handler gets it.
    pub fn invocation(&self) -> Invocation<'_> {
        Invocation::new(&self.head, &self.bytes)
    }

    /// Calls a handler with this event and an empty response, and returns the answer that the
    /// runtime would send. A handler with state is passed as `&mut handler`.
    pub fn run<H>(&self, mut handler: H) -> Answer
    where
        H: FnMut(&Invocation<'_>, &mut Response) -> Result<(), Failure>,
    {
        let mut response = ResponseRecorder::new();
        let outcome = handler(&self.invocation(), &mut response);
        response.into_answer(outcome)
    }
}
