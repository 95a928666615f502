//! Events and responses for the unit tests of a handler: no Runtime API, no process, no network.
//!
//! ```
//! use tinderbox::{Failure, Invocation, Response};
//!
//! fn shout(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
//!     if invocation.event().is_empty() {
//!         return Err(Failure::new("Function.Silence", "nothing to shout"));
//!     }
//!     response.content_type("text/plain")?;
//!     response.write(&invocation.event().to_ascii_uppercase())
//! }
//!
//! // In a test:
//! use tinderbox::testing::Event;
//!
//! let answer = Event::new("hello").run(shout);
//! assert_eq!(answer.text(), "HELLO");
//! assert_eq!(answer.content_type(), "text/plain");
//!
//! let answer = Event::new("").run(shout);
//! assert_eq!(answer.error_type(), Some("Function.Silence"));
//! assert_eq!(answer.error_message(), Some("nothing to shout"));
//! ```
//!
//! [`Event::run`] takes whatever [`run`](crate::run) takes, so also `tinderbox::json(function)` and
//! what an init function returned. For a function that has an [`Invocation`](crate::Invocation) or
//! a [`Response`] among other parameters, [`Event::invocation`] makes the one and a
//! [`ResponseRecorder`] is the other.
//!
//! A response behaves as in the runtime: its limits, the errors, what is sent of a stream, and the
//! bytes of an error. Tests may run in parallel: each response has memory of its own (6.3 MB, of
//! which a test touches what it writes), which the next one reuses. What the runtime does besides
//! is not there: `_X_AMZN_TRACE_ID` is not set, records have no request id, and a panic fails
//! the test.
//!
//! The module is there with the feature `std`. A program without std asks for it in its tests
//! alone, where std is linked anyway, and nothing of it gets into the program:
//!
//! ```toml
//! [dev-dependencies]
//! tinderbox = { path = "../tinderbox", features = ["testing"] }
//! ```

mod answer;
mod event;

use core::ops::{Deref, DerefMut};
use std::boxed::Box;
use std::sync::{Mutex, PoisonError};
use std::vec;
use std::vec::Vec;

use crate::failure::Failure;
use crate::limits::RESPONSE_REGION_BYTES;
use crate::response::{Recorder, Response};
pub use answer::Answer;
pub use event::Event;

/// A [`Response`] outside the runtime, whose content can be read when the handler has returned.
///
/// ```
/// use tinderbox::testing::ResponseRecorder;
/// use tinderbox::{Failure, Response};
///
/// fn greet(name: &str, response: &mut Response) -> Result<(), Failure> {
///     response.stream("text/plain")?;
///     response.write(b"Hello, ")?;
///     response.write(name.as_bytes())
/// }
///
/// let mut response = ResponseRecorder::new();
/// let outcome = greet("Ada", &mut response);
/// let answer = response.into_answer(outcome);
/// assert_eq!(answer.chunks(), [&b"Hello, "[..], b"Ada"]);
/// ```
pub struct ResponseRecorder {
    response: Response,
    recorder: &'static Recorder,
}

/// The memory of one response. It is never freed, but used again: a `Response` needs memory that
/// lives as long as the program.
struct Memory {
    region: &'static mut [u8],
    recorder: &'static Recorder,
}

/// The memory that no response uses.
static FREE: Mutex<Vec<Memory>> = Mutex::new(Vec::new());

impl ResponseRecorder {
    /// An empty response, as a handler gets it.
    pub fn new() -> ResponseRecorder {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let memory = free.unwrap_or_else(|| Memory {
            region: vec![0; RESPONSE_REGION_BYTES].leak(),
            recorder: Box::leak(Box::default()),
        });
        ResponseRecorder {
            response: Response::recording(memory.region, memory.recorder),
            recorder: memory.recorder,
        }
    }

    /// The answer that the runtime would send when a handler has filled this response and returned
    /// `outcome`.
    pub fn into_answer(mut self, outcome: Result<(), Failure>) -> Answer {
        Answer::new(&mut self.response, self.recorder, &outcome)
    }
}

impl Default for ResponseRecorder {
    fn default() -> ResponseRecorder {
        ResponseRecorder::new()
    }
}

impl Deref for ResponseRecorder {
    type Target = Response;

    fn deref(&self) -> &Response {
        &self.response
    }
}

impl DerefMut for ResponseRecorder {
    fn deref_mut(&mut self) -> &mut Response {
        &mut self.response
    }
}

impl Drop for ResponseRecorder {
    fn drop(&mut self) {
        self.recorder.take();
        let memory = Memory {
            region: self.response.buffer().take_region(),
            recorder: self.recorder,
        };
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(memory);
    }
}

#[cfg(test)]
mod tests;
