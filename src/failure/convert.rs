//! Errors of other types as failures: the type of the error, its text, and those of its causes.
//!
//! `?` converts with `From`, and one type can have one conversion of all errors. It is of whatever
//! becomes a `Box<dyn Error + Send + Sync>`: of every error that has these bounds, of that box
//! itself, and so of the errors of `anyhow`, `eyre` and others that this package does not know.
//! Like theirs, `Failure` is no `Error` therefore.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::any::type_name;
use core::error::Error;
use core::iter;

use super::Failure;

impl Failure {
    /// A failure of any error, also of one that refers to something, or that other threads cannot
    /// have. Its error type is the name of the type, like that of [`Failure::from`], its message
    /// the text of the error. Each error that caused it is a line of the stack trace.
    ///
    /// ```
    /// # use tinderbox::Failure;
    /// # use std::sync::Mutex;
    /// fn count(counter: &Mutex<u64>) -> Result<u64, Failure> {
    ///     // The error has the guard of the mutex, so `?` alone does not compile.
    ///     Ok(*counter.lock().map_err(|error| Failure::of(&error))?)
    /// }
    /// # assert_eq!(count(&Mutex::new(7)).unwrap(), 7);
    /// ```
    pub fn of<E: Error + ?Sized>(error: &E) -> Failure {
        Failure::unhandled(name_of::<E>(), error.to_string(), causes(error.source()))
    }

    /// The same with a type of your own, for example one for each variant of an enum.
    ///
    /// ```
    /// # use tinderbox::Failure;
    /// fn parse(text: &str) -> Result<u64, Failure> {
    ///     text.parse().map_err(|error| Failure::with_type("Function.BadNumber", &error))
    /// }
    /// let failure = parse("x").unwrap_err();
    /// assert_eq!(failure.to_string(), "Function.BadNumber: invalid digit found in string");
    /// ```
    pub fn with_type<E: Error + ?Sized>(error_type: &'static str, error: &E) -> Failure {
        Failure::with_trace(error_type, error.to_string(), causes(error.source()))
    }

    /// A failure whose type is the name of a type: it counts as `Function.Error` in the platform's
    /// metrics.
    fn unhandled(error_type: &'static str, message: String, trace: Vec<String>) -> Failure {
        let failure = Failure::with_trace(error_type, message, trace);
        Failure {
            metrics_type: NO_TYPE.as_bytes(),
            ..failure
        }
    }
}

/// The conversion of `?`: of every error that is `Send`, `Sync` and `'static`, of
/// `Box<dyn Error + Send + Sync>`, of a text, and of the errors of `anyhow`, `eyre` and the like.
///
/// The error type is the full name of the type, as in AWS's runtime for Rust
/// ([`core::any::type_name`]): `shop::order::OrderError`, `core::num::error::ParseIntError`,
/// `anyhow::Error`. A text and a box have no name, and are `Function.Error`. The platform's metrics
/// count all of them as `Function.Error`. The message is the text of the error, and each error that
/// caused it is a line of the stack trace.
///
/// ```
/// # use tinderbox::Failure;
/// # use std::error::Error;
/// fn parse(text: &str) -> Result<u64, Failure> {
///     Ok(text.parse()?)
/// }
/// fn refuse() -> Result<u64, Box<dyn Error + Send + Sync>> {
///     Err("not today")?
/// }
/// fn sum(text: &str) -> Result<u64, Failure> {
///     Ok(parse(text)? + refuse()?)
/// }
/// assert_eq!(parse("x").unwrap_err().error_type(), "core::num::error::ParseIntError");
/// assert_eq!(sum("1").unwrap_err().to_string(), "Function.Error: not today");
/// ```
///
/// A type that is not an error may have a conversion of its own:
///
/// ```
/// # use tinderbox::Failure;
/// enum Refusal {
///     NoUser(u64),
///     Closed,
/// }
///
/// impl From<Refusal> for Failure {
///     fn from(refusal: Refusal) -> Failure {
///         match refusal {
///             Refusal::Closed => Failure::new("Function.Closed", "closed on Sundays"),
///             Refusal::NoUser(id) => {
///                 Failure::with_message("Function.NoUser", format!("no user {id}"))
///             }
///         }
///     }
/// }
///
/// fn find(id: u64) -> Result<(), Failure> {
///     Err(Refusal::NoUser(id))?
/// }
/// assert_eq!(find(7).unwrap_err().error_type(), "Function.NoUser");
/// ```
///
/// For a type that is one, this conversion exists already, and a second one does not compile
/// (E0119): choose its error types with [`Failure::with_type`].
impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Failure {
        let error = error.into();
        Failure::unhandled(name_of::<E>(), error.to_string(), causes(error.source()))
    }
}

/// The error type of what has no type of its own, and what the platform's metrics count for all
/// errors that are converted.
const NO_TYPE: &str = "Function.Error";

/// The name of a type of errors; of a reference, that of the type behind it.
fn name_of<E: ?Sized>() -> &'static str {
    const BOXES: [&str; 3] = ["dyn ", "alloc::boxed::Box<dyn ", "alloc::borrow::Cow<"];
    let name = type_name::<E>();
    match name.trim_start_matches('&') {
        "str" | "alloc::string::String" => NO_TYPE,
        name if BOXES.iter().any(|start| name.starts_with(start)) => NO_TYPE,
        name => name,
    }
}

/// The texts of an error and of those that caused it, outermost first.
fn causes(first: Option<&(dyn Error + 'static)>) -> Vec<String> {
    iter::successors(first, |error| (*error).source())
        .map(|error| error.to_string())
        .collect()
}

#[cfg(test)]
mod tests;
