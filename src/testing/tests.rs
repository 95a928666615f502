//! Tests of what unit tests of handlers use: events, and the answers to them.

use super::*;
use crate::invocation::Invocation;
use crate::limits::RESPONSE_BYTES_MAX;
use std::{format, thread};

fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    response.write(invocation.event())
}

#[test]
#[cfg_attr(miri, ignore = "reads the clock")]
fn event_without_settings_has_the_usual_headers() {
    let event = Event::new("text");
    let invocation = event.invocation();
    assert_eq!(invocation.event(), b"text");
    assert_eq!(invocation.request_id().len(), 36);
    assert!(
        invocation
            .remaining_ms()
            .is_some_and(|ms| (1..=3000).contains(&ms))
    );
    assert!(
        invocation
            .function_arn()
            .is_some_and(|arn| arn.ends_with(b":test"))
    );
    assert!(invocation.trace_id().is_some());
    assert_eq!(invocation.client_context(), None);
    assert_eq!(invocation.cognito_identity(), None);
    assert_eq!(invocation.tenant_id(), None);
    assert_eq!(invocation.invocation_id(), None);
}

#[test]
#[cfg_attr(miri, ignore = "reads the clock")]
fn event_header_set_is_what_the_handler_gets() {
    let event = Event::new(b"\xff")
        .request_id("my-id")
        .remaining_ms(0)
        .client_context(r#"{"custom":{}}"#)
        .cognito_identity("{}")
        .tenant_id("t")
        .header("X-Other", b"\xff: x")
        .header("Lambda-Runtime-Trace-Id", "")
        .header("x-lines", "one\nLambda-Runtime-Aws-Tenant-Id: two");
    let invocation = event.invocation();
    assert_eq!(invocation.event(), b"\xff");
    assert_eq!(invocation.request_id(), b"my-id");
    assert_eq!(invocation.remaining_ms(), Some(0));
    assert_eq!(invocation.client_context(), Some(&br#"{"custom":{}}"#[..]));
    assert_eq!(invocation.cognito_identity(), Some(&b"{}"[..]));
    assert_eq!(invocation.tenant_id(), Some(&b"t"[..]));
    assert_eq!(invocation.header(b"x-other"), Some(&b"\xff: x"[..]));
    assert_eq!(invocation.trace_id(), None, "removed");
    assert_eq!(invocation.header(b"x-lines"), Some(&b"one"[..]));
}

#[test]
#[cfg_attr(miri, ignore = "reads the clock")]
fn answer_of_a_response_has_its_bytes_and_content_type() {
    let answer = Event::new(b"\xff{}").run(echo);
    assert_eq!(answer.body(), b"\xff{}");
    assert_eq!(answer.text(), "\u{fffd}{}");
    assert_eq!(answer.content_type(), "application/json");
    assert!(!answer.is_error() && !answer.is_streamed());
    assert_eq!(answer.error_type(), None);
    assert_eq!(answer.error_message(), None);
    assert_eq!(answer.chunks().len() + answer.prelude().len(), 0);

    let answer = Event::new("").run(|_, response| {
        response.write(b"not this")?;
        response.clear();
        response.content_type("text/html; charset=utf-8")?;
        response.write(b"<p>")
    });
    assert_eq!(answer.content_type(), "text/html; charset=utf-8");
    assert_eq!(answer.body(), b"<p>");
}

#[test]
#[cfg_attr(miri, ignore = "reads the clock")]
fn answer_of_an_error_has_its_type_and_message() {
    let answer = Event::new("").run(|_, response| {
        response.write(b"discarded")?;
        Err(Failure::new("Function.Bad", "say \"no\"\n\u{1f525}"))
    });
    assert_eq!(answer.error_type(), Some("Function.Bad"));
    assert_eq!(answer.error_message(), Some("say \"no\"\n\u{1f525}"));
    assert!(answer.stack_trace().is_empty());
    assert!(
        answer
            .body()
            .starts_with(b"{\"errorType\":\"Function.Bad\",")
    );
    assert_eq!(
        answer.content_type(),
        "application/vnd.aws.lambda.error+json"
    );
    let shown = format!("{answer:?}");
    assert!(
        shown.contains("error_type: Some(\"Function.Bad\")"),
        "{shown}"
    );

    let answer = Event::new("").run(|_, response| Err(response.fail("T", &[b"\xff", b"m"])));
    assert_eq!(answer.error_type(), Some("T"));
    assert_eq!(answer.error_message(), Some("\u{fffd}m"));
}

#[test]
#[cfg_attr(miri, ignore = "slow")]
fn answer_longer_than_the_limit_is_the_error_of_the_runtime() {
    let long = std::vec![b'x'; RESPONSE_BYTES_MAX + 1];
    let answer = Event::new(&long).run(|invocation, response| {
        let _ = echo(invocation, response);
        Ok(())
    });
    assert_eq!(answer.error_type(), Some("Function.ResponseSizeTooLarge"));
    let answer = Event::new(&long[1..]).run(echo);
    assert!(!answer.is_error() && answer.body() == &long[1..]);
}

#[cfg(feature = "stream")]
#[test]
#[cfg_attr(miri, ignore = "reads the clock")]
fn streamed_answer_has_its_chunks_and_its_head() {
    let answer = Event::new("a b").run(|invocation, response| {
        response.stream("text/plain")?;
        for word in invocation.event().split(|byte| *byte == b' ') {
            response.write(word)?;
        }
        response.write(b"")
    });
    assert!(answer.is_streamed() && !answer.is_error());
    assert_eq!(answer.chunks(), [b"a", b"b"]);
    assert_eq!(answer.body(), b"ab");
    assert_eq!(answer.content_type(), "text/plain");
    assert_eq!(answer.prelude(), b"");

    for chunks in [&[][..], &[&b"x"[..]]] {
        let answer = Event::new("").run(|_, response| {
            response.stream_http(201, &[("X-One", "\"1\"")], &["a=b"])?;
            chunks.iter().try_for_each(|chunk| response.write(chunk))
        });
        assert_eq!(answer.chunks(), chunks);
        assert_eq!(
            answer.prelude(),
            br#"{"statusCode":201,"headers":{"X-One":"\"1\""},"cookies":["a=b"]}"#
        );
        assert_eq!(
            answer.content_type(),
            "application/vnd.awslambda.http-integration-response"
        );
    }
}

#[cfg(feature = "stream")]
#[test]
#[cfg_attr(miri, ignore = "reads the clock")]
fn stream_failing_before_or_after_the_first_write_is_answered_as_in_the_runtime() {
    let failing = |chunks: usize| {
        Event::new("").run(|_, response| {
            response.stream("text/plain")?;
            for _ in 0..chunks {
                response.write(b"part")?;
            }
            Err(response.fail("Function.Mid", &[b"failed"]))
        })
    };
    let before = failing(0);
    assert!(!before.is_streamed());
    assert_eq!(before.chunks().len(), 0);
    assert!(before.content_type().ends_with("error+json"));
    let after = failing(2);
    assert!(after.is_streamed());
    assert_eq!(after.body(), b"partpart");
    assert_eq!(after.content_type(), "text/plain");
    for answer in [before, after] {
        assert_eq!(answer.error_type(), Some("Function.Mid"));
        assert_eq!(answer.error_message(), Some("failed"));
    }

    let late = Event::new("").run(|_, response| {
        response.write(b"x")?;
        response.stream("text/plain")
    });
    assert_eq!(late.error_type(), Some("Runtime.StreamTooLate"));
}

#[cfg(feature = "stream")]
#[test]
#[cfg_attr(miri, ignore = "reads the clock")]
fn stream_cleared_before_the_first_write_is_an_ordinary_response() {
    let answer = Event::new("").run(|_, response| {
        response.stream("text/plain")?;
        response.clear();
        response.write(b"{}")
    });
    assert!(!answer.is_streamed());
    assert_eq!(answer.content_type(), "application/json");
    assert_eq!(answer.body(), b"{}");

    let answer = Event::new("").run(|_, response| {
        response.stream("text/plain")?;
        response.write(b"sent")?;
        response.clear();
        response.write(b" already")
    });
    assert!(answer.is_streamed());
    assert_eq!(answer.body(), b"sent already");
}

/// Each response has memory of its own, which the next one finds empty.
#[test]
#[cfg_attr(miri, ignore = "slow")]
fn responses_of_parallel_threads_do_not_mix() {
    let mut outer = ResponseRecorder::new();
    assert!(outer.write(b"outer").is_ok());
    thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                for round in 0..50 {
                    let text = format!("{number}-{round};").repeat(1 + 37 * number);
                    let mut response = ResponseRecorder::new();
                    assert!(response.is_empty());
                    let answer = Event::new(&text).run(|invocation, inner| {
                        response.write(b"held meanwhile")?;
                        thread::yield_now();
                        echo(invocation, inner)
                    });
                    assert_eq!(answer.text(), text);
                    let held = response.into_answer(Ok(()));
                    assert_eq!(held.body(), b"held meanwhile");
                }
            });
        }
    });
    let free = FREE.lock().expect("no panic").len();
    assert!((1..=64).contains(&free), "memory is used again: {free}");
    assert_eq!(outer.into_answer(Ok(())).body(), b"outer");
}

/// A test that fails within a handler leaves nothing behind for the next one.
#[cfg(feature = "stream")]
#[test]
#[cfg_attr(miri, ignore = "reads the clock")]
fn panic_within_a_handler_leaves_the_next_response_empty() {
    for _ in 0..3 {
        let panicked = thread::spawn(|| {
            Event::new("").run(|_, response| {
                response.stream("text/plain")?;
                response.write(b"left over")?;
                panic!("a failed assertion of a test")
            })
        });
        assert!(panicked.join().is_err());
        let answer = Event::new("x").run(|_, response| {
            assert!(response.is_empty());
            response.stream("text/html")
        });
        assert_eq!(answer.content_type(), "text/html");
        assert_eq!(answer.chunks().len(), 0);
    }
}

#[cfg(feature = "json")]
#[test]
#[cfg_attr(miri, ignore = "reads the clock")]
fn event_of_a_value_is_answered_by_a_typed_handler() {
    let mut handler = crate::json(|numbers: Vec<i64>, _: &Invocation| {
        let sum = numbers.iter().sum::<i64>();
        u8::try_from(sum)
    });
    let event = Event::json(&[1, 2, 39]).expect("JSON");
    let answer = event.run(&mut handler);
    assert_eq!(answer.json::<u8>().expect("JSON"), 42);
    let answer = Event::json(&[300]).expect("JSON").run(&mut handler);
    assert_eq!(
        answer.error_type(),
        Some("core::num::error::TryFromIntError")
    );
    let answer = Event::new("[").run(&mut handler);
    assert_eq!(answer.error_type(), Some("Function.BadEvent"));
    assert!(answer.json::<u8>().is_err());
    let keys = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert!(Event::json(&keys).is_err(), "keys that are no strings");
}

#[cfg(feature = "alloc")]
#[test]
#[cfg_attr(miri, ignore = "reads the clock")]
fn answer_of_an_error_with_a_trace_has_its_lines() {
    let answer = Event::new("").run(|_, _| {
        let lines = ["one", "\"two\""].map(std::string::String::from);
        Err(Failure::with_trace("Function.T", "m", lines.to_vec()))
    });
    assert_eq!(answer.stack_trace(), ["one", "\"two\""]);
}
