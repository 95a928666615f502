//! Typed events and responses, with serde_json.
//!
//! An event is read without a copy, so a value may borrow from it. A response is written into the
//! buffer that it is sent from; without std, serde_json has no writer trait, so the response is
//! copied once. serde_json refuses a nesting of 128 levels, so no event overflows the stack.

use alloc::string::ToString;

use serde::de::{Deserialize, DeserializeOwned};
use serde::ser::Serialize;

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::response::Response;

impl<'a> Invocation<'a> {
    /// The event as a value, which may borrow from it: a `&str` is a string without escapes, as it
    /// stands there, and a `Cow<str>` (in a struct with `#[serde(borrow)]`) any string, copied only
    /// if it has escapes.
    ///
    /// # Errors
    /// `Function.BadEvent` when it is not JSON, or not of this type: the message has the fault, its
    /// line and its column.
    pub fn json<T: Deserialize<'a>>(&self) -> Result<T, Failure> {
        serde_json::from_slice(self.event()).map_err(|error| bad_event(&error))
    }
}

impl Response {
    /// Appends a value, as JSON: all of it, or nothing when it fails. In a streamed response, it is
    /// one chunk.
    ///
    /// # Errors
    /// As [`write`](Response::write); `Function.BadResponse` when the value cannot be represented
    /// in JSON, for example a map whose keys are not strings.
    pub fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        #[cfg(feature = "std")]
        if !self.is_streamed() {
            return self.write_json(value);
        }
        let bytes = serde_json::to_vec(value).map_err(|error| bad_response(&error))?;
        self.write(&bytes)
    }

    /// Writes a value without a copy; if that fails, truncates the body to its former length.
    #[cfg(feature = "std")]
    fn write_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let start = self.len();
        let mut writer = ResponseWriter {
            response: self,
            failure: None,
        };
        let outcome = serde_json::to_writer(&mut writer, value);
        let write_failure = writer.failure;
        let Err(error) = outcome else {
            return Ok(());
        };
        self.buffer().truncate_body(start);
        Err(write_failure.unwrap_or_else(|| bad_response(&error)))
    }
}

/// Makes a handler from a function of a value, which returns a value: `fn(T, &Invocation) ->
/// Result<R, E>`, for [`run`](crate::run). The event is read into a `T`, and the `R` is the
/// response. For a `T` that borrows from the event, use [`Invocation::json`].
///
/// The error may be any that `?` converts into a [`Failure`]: an error type of your own, a
/// `Box<dyn Error + Send + Sync>`, an `anyhow::Error`.
///
/// # Errors
/// The handler fails an event with `Function.BadEvent` when it is not JSON or no `T`, with
/// `Function.BadResponse` when the `R` cannot be represented in JSON, and with
/// `Function.ResponseSizeTooLarge` when it is longer than 6,291,556 bytes.
///
/// ```no_run
/// tinderbox::run(tinderbox::json(|name: String, _: &tinderbox::Invocation| {
///     Ok::<_, tinderbox::Failure>(format!("Hello, {name}!"))
/// }))
/// ```
pub fn json<T, R, E>(
    mut handler: impl FnMut(T, &Invocation<'_>) -> Result<R, E>,
) -> impl FnMut(&Invocation<'_>, &mut Response) -> Result<(), Failure>
where
    T: DeserializeOwned,
    R: Serialize,
    E: Into<Failure>,
{
    move |invocation, response| {
        let value = handler(invocation.json()?, invocation).map_err(Into::into)?;
        response.json(&value)
    }
}

fn bad_event(error: &serde_json::Error) -> Failure {
    let mut message = error.to_string();
    // The words of serde for a `&str`, which cannot have the unescaped text.
    const BORROWED: &[u8] = b"expected a borrowed string at";
    let mut parts = message.as_bytes().windows(BORROWED.len());
    if parts.any(|part| part == BORROWED) {
        message += "; a &str cannot have escapes: use Cow<str> with #[serde(borrow)], or String";
    }
    Failure::with_message("Function.BadEvent", message)
}

fn bad_response(error: &serde_json::Error) -> Failure {
    Failure::with_message("Function.BadResponse", error.to_string())
}

/// Writes into a response, and stores the failure of a write, which `std::io::Error` cannot hold.
#[cfg(feature = "std")]
struct ResponseWriter<'a> {
    response: &'a mut Response,
    failure: Option<Failure>,
}

#[cfg(feature = "std")]
impl std::io::Write for ResponseWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.response.write(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(failure) => {
                self.failure = Some(failure);
                Err(std::io::ErrorKind::Other.into())
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
