//! Events and responses as types, errors of std, and panics that the program outlives.

use serde::{Deserialize, Serialize};
use tinderbox::{Failure, Invocation, Response};

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Event {
    /// The answer is their sum.
    Add(Vec<i64>),
    /// The answer is this text, repeated.
    Repeat(String, usize),
    /// Not a number: an error with its cause.
    Number(String),
    /// Panics with this text.
    Panic(String),
    /// Panics, and catches the panic itself.
    Catch,
    /// An error with a message and a trace of this number of lines, each of this number of
    /// characters.
    Trace(usize, usize, usize),
    /// Logs from this thread and another.
    Log,
}

#[derive(Serialize)]
struct Answer {
    value: String,
}

/// An error with a cause.
#[derive(Debug)]
struct NoNumber(std::num::ParseIntError);

impl std::fmt::Display for NoNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "that is no number")
    }
}

impl std::error::Error for NoNumber {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn answer(event: Event, _: &Invocation) -> Result<Answer, Failure> {
    let value = match event {
        Event::Add(numbers) => numbers.iter().sum::<i64>().to_string(),
        Event::Repeat(text, times) => text.repeat(times),
        Event::Number(text) => text.parse::<i64>().map_err(NoNumber)?.to_string(),
        Event::Panic(text) => panic!("{text}"),
        Event::Catch => {
            let caught = std::panic::catch_unwind(|| panic!("caught"));
            caught.is_err().to_string()
        }
        Event::Trace(message, lines, line) => {
            let trace = vec!["\"".repeat(line); lines];
            return Err(Failure::with_trace(
                "Function.Trace",
                "m".repeat(message),
                trace,
            ));
        }
        Event::Log => {
            tinderbox::info!("of the thread that serves");
            let other = std::thread::spawn(|| tinderbox::warn!("of another"));
            other.join().is_ok().to_string()
        }
    };
    Ok(Answer { value })
}

/// A value, one that is no JSON at its end, and another one.
fn add_half(response: &mut Response) -> Result<(), Failure> {
    response.json(&[1])?;
    let keys = std::collections::BTreeMap::from([((1, 2), 3)]);
    let failed = response.json(&("written", keys));
    response.json(&failed.map_err(|failure| failure.error_type()).err())
}

fn main() {
    tinderbox::run_with(|| {
        let how = std::env::var("TYPED_INIT").unwrap_or_default();
        assert_ne!(how, "panic", "asked to");
        let mut answer = tinderbox::json(answer);
        Ok(
            move |invocation: &Invocation<'_>, response: &mut Response| match invocation.event() {
                b"stream" => {
                    response.stream("text/plain")?;
                    response.write(b"first")?;
                    panic!("within a stream")
                }
                b"half" => add_half(response),
                b"stream-half" => {
                    response.stream("application/json")?;
                    add_half(response)
                }
                _ => answer(invocation, response),
            },
        )
    })
}
