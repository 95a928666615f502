//! Errors of `thiserror` and `anyhow`, and the types that the caller sees.

use anyhow::Context;
use tinderbox::{Failure, Invocation};

#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("no order {0}")]
    Missing(u64),
    #[error("the order cannot be read")]
    Unreadable(#[from] serde_json::Error),
}

/// The error type for each variant.
fn order_failure(error: OrderError) -> Failure {
    let error_type = match error {
        OrderError::Missing(_) => "Function.NoOrder",
        OrderError::Unreadable(_) => "Function.UnreadableOrder",
    };
    Failure::with_type(error_type, &error)
}

fn find(id: u64) -> Result<String, OrderError> {
    match id {
        7 => Ok(serde_json::from_str(r#""seven""#)?),
        8 => Ok(serde_json::from_str("?")?),
        _ => Err(OrderError::Missing(id)),
    }
}

/// Its error is an `anyhow::Error`.
fn parse(id: &str) -> anyhow::Result<u64> {
    id.parse().with_context(|| format!("{id} is no number"))
}

fn handle(id: String, _: &Invocation) -> Result<String, Failure> {
    find(parse(&id)?).map_err(order_failure)
}

fn main() {
    tinderbox::run(tinderbox::json(handle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinderbox::testing::{Answer, Event};

    fn answer(id: &str) -> Answer {
        let event = Event::json(id).expect("JSON");
        event.run(tinderbox::json(handle))
    }

    fn type_and_message(answer: &Answer) -> (Option<&str>, Option<&str>) {
        (answer.error_type(), answer.error_message())
    }

    #[test]
    fn error_enum_has_a_type_for_each_variant() {
        assert_eq!(answer("7").text(), "\"seven\"");
        let expected = (Some("Function.NoOrder"), Some("no order 9"));
        assert_eq!(type_and_message(&answer("9")), expected);
        let unreadable = answer("8");
        assert_eq!(unreadable.error_type(), Some("Function.UnreadableOrder"));
        let [cause] = unreadable.stack_trace() else {
            panic!("{unreadable:?}")
        };
        assert!(cause.contains("line 1 column 1"), "{cause}");
    }

    #[test]
    fn error_of_anyhow_has_its_context_and_its_causes() {
        let answer = answer("x");
        let expected = (Some("anyhow::Error"), Some("x is no number"));
        assert_eq!(type_and_message(&answer), expected);
        assert_eq!(answer.stack_trace(), ["invalid digit found in string"]);
    }

    /// A function that writes the response, and whose error is that of `anyhow`.
    #[test]
    fn failure_converted_to_anyhow_keeps_its_text() {
        fn write(response: &mut tinderbox::Response) -> anyhow::Result<()> {
            response.content_type("\n").map_err(anyhow::Error::msg)?;
            Ok(())
        }
        let answer = Event::new("").run(|_, response| Ok(write(response)?));
        let message = "Runtime.BadContentType: bad content type";
        assert_eq!(
            type_and_message(&answer),
            (Some("anyhow::Error"), Some(message))
        );
    }

    /// What `?` converts without another word.
    #[test]
    fn error_enum_converted_as_it_is_has_the_name_of_its_type() {
        let answer = Event::new("9").run(|_, response| response.write(find(9)?.as_bytes()));
        let expected = (Some("error_types::OrderError"), Some("no order 9"));
        assert_eq!(type_and_message(&answer), expected);
    }

    /// A typed handler may return any error that `?` converts.
    #[test]
    fn typed_handler_returns_errors_of_others() {
        let mut of_anyhow =
            tinderbox::json(|id: String, _: &Invocation| anyhow::Ok(parse(&id)? + 1));
        assert_eq!(Event::new("\"1\"").run(&mut of_anyhow).text(), "2");
        let answer = Event::new("\"x\"").run(&mut of_anyhow);
        assert_eq!(answer.error_type(), Some("anyhow::Error"));
        type Boxed = Box<dyn std::error::Error + Send + Sync>;
        let mut boxed =
            tinderbox::json(|id: String, _: &Invocation| Ok::<u64, Boxed>(id.parse::<u64>()?));
        let answer = Event::new("\"x\"").run(&mut boxed);
        let expected = (
            Some("Function.Error"),
            Some("invalid digit found in string"),
        );
        assert_eq!(type_and_message(&answer), expected);
    }
}
