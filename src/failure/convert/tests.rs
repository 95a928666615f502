//! Tests of failures of other errors.

use super::*;
use crate::buffer::Buffer;
use core::fmt;
use core::num::ParseIntError;
use std::borrow::Cow;
use std::vec;

/// An error of the program, with a cause; with a reference, it is not `'static`.
#[derive(Debug)]
struct Outer<'a>(&'a str, ParseIntError);

impl fmt::Display for Outer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Outer<'_> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.1)
    }
}

fn cause() -> ParseIntError {
    "x".parse::<u8>().expect_err("no number")
}

const TEXT: &str = "no \"number\"";
const CAUSE: &str = "invalid digit found in string";

/// The failure that `?` makes.
fn converted<E>(error: E) -> Failure
where
    Failure: From<E>,
{
    let convert = || -> Result<(), Failure> { Err(error)? };
    convert().expect_err("an error")
}

fn json(failure: &Failure) -> &'static str {
    let buffer = Buffer::leaked();
    failure.write(buffer);
    core::str::from_utf8(buffer.body()).expect("UTF-8")
}

#[test]
fn error_converted_keeps_its_type_its_text_and_its_causes() {
    let name = "tinderbox::failure::convert::tests::Outer<'_>";
    let text = alloc::string::String::from(TEXT);
    for failure in [
        converted(Outer(TEXT, cause())),
        Failure::of(&Outer(&text, cause())),
    ] {
        assert_eq!(failure.error_type(), name);
        assert_eq!(failure.message(), TEXT);
        assert_eq!(failure.metrics_type(), b"Function.Error");
        let wanted = alloc::format!(
            "{{\"errorType\":\"{name}\",\"errorMessage\":\"no \\\"number\\\"\",\
             \"stackTrace\":[\"{CAUSE}\"]}}"
        );
        assert_eq!(json(&failure), wanted);
    }
    let failure = converted(cause());
    assert_eq!(failure.error_type(), "core::num::error::ParseIntError");
    assert_eq!(failure.message(), CAUSE);
    assert!(json(&failure).ends_with("\"stackTrace\":[]}"));
}

#[test]
fn error_without_a_type_of_its_own_is_of_the_type_function_error() {
    let boxed = || -> Box<dyn Error + Send + Sync> { Outer(TEXT, cause()).into() };
    let local: Box<dyn Error> = boxed();
    for failure in [
        converted(boxed()),
        Failure::of(&*local),
        Failure::of(&&*local),
    ] {
        assert_eq!(failure.error_type(), "Function.Error");
        assert_eq!(failure.message(), TEXT);
        assert!(json(&failure).ends_with("\"stackTrace\":[\"invalid digit found in string\"]}"));
    }
    for failure in [
        converted(TEXT),
        converted(TEXT.to_string()),
        converted(Cow::from(TEXT)),
    ] {
        assert_eq!(
            (failure.error_type(), failure.message()),
            ("Function.Error", TEXT)
        );
    }
}

#[test]
fn error_of_chosen_type_counts_as_that_in_the_metrics() {
    let failure = Failure::with_type("Function.NoNumber", &Outer(TEXT, cause()));
    assert_eq!(failure.metrics_type(), b"Function.NoNumber");
    let wanted = "{\"errorType\":\"Function.NoNumber\",\"errorMessage\":\"no \\\"number\\\"\",\
                  \"stackTrace\":[\"invalid digit found in string\"]}";
    assert_eq!(json(&failure), wanted);
    let failure = Failure::with_message("Function.NoNumber", TEXT);
    assert_eq!(
        json(&failure),
        wanted.replace("\"invalid digit found in string\"", "")
    );
    let failure = Failure::with_trace("Function.NoNumber", TEXT, vec![CAUSE.to_string()]);
    assert_eq!(json(&failure), wanted);
}

/// A failure passes through `?` unchanged.
#[test]
fn failure_converted_stays_as_it_is() {
    let failure = converted(Failure::new("Function.Bad", "m"));
    assert_eq!(
        (failure.error_type(), failure.message()),
        ("Function.Bad", "m")
    );
}

/// A type of the program that is no error may have a conversion of its own; here it compiles.
#[test]
fn type_that_is_no_error_has_a_conversion_of_its_own() {
    struct Refusal(u8);
    impl From<Refusal> for Failure {
        fn from(refusal: Refusal) -> Failure {
            Failure::with_message("Function.Refusal", alloc::format!("no {}", refusal.0))
        }
    }
    let failure = converted(Refusal(7));
    assert_eq!(failure.error_type(), "Function.Refusal");
    assert_eq!(failure.message(), "no 7");
}
