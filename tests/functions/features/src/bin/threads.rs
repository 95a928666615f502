//! Has threads of its own, as the event says: a program with std whose profile aborts.

use std::thread;
use std::time::Duration;

use tinderbox::{Failure, Invocation, Level, Response};

/// Panics: `join` waits for the thread, `race` does not, `many` starts eight, `later` panics long
/// after the answer. `stream` and `variable`: see the functions.
fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    let (count, delay) = match invocation.event() {
        b"stream" => return stream(response),
        b"variable" => return variable(response),
        b"join" | b"race" => (1, Duration::ZERO),
        b"many" => (8, Duration::ZERO),
        b"later" => (1, Duration::from_millis(300)),
        _ => (0, Duration::ZERO),
    };
    let threads: Vec<_> = (0..count)
        .map(|number| {
            thread::spawn(move || {
                thread::sleep(delay);
                panic!("thread {number} panicked");
            })
        })
        .collect();
    if matches!(invocation.event(), b"join" | b"many") {
        for thread in threads {
            let _ = thread.join();
        }
    }
    response.write(invocation.event())
}

/// Streams 5,000 bytes, each on its own, from another thread, and logs from this one at the same
/// time.
fn stream(response: &mut Response) -> Result<(), Failure> {
    response.stream("text/plain")?;
    thread::scope(|scope| {
        let streaming = scope.spawn(move || (0..5_000).try_for_each(|_| response.write(b".")));
        while !streaming.is_finished() {
            tinderbox::log(Level::Info, b"beside");
        }
        streaming.join().expect("no panic")
    })
}

/// Answers with the variable that log records unset, as it is before any record.
fn variable(response: &mut Response) -> Result<(), Failure> {
    let value = std::env::var("_LAMBDA_TELEMETRY_LOG_FD");
    let logged = thread::spawn(|| tinderbox::log(Level::Info, b"of a thread")).join();
    assert!(logged.is_ok());
    response.write(value.as_deref().unwrap_or("unset").as_bytes())
}

fn main() {
    tinderbox::run(echo)
}
