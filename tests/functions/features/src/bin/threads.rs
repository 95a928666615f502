//! Panics or logs in threads of its own, as the event says: with std, and a profile that aborts.

use std::thread;
use std::time::Duration;

use tinderbox::{Failure, Invocation, Response};

const TELEMETRY: &str = "_LAMBDA_TELEMETRY_LOG_FD";

/// Whether the environment has the variable: before and after the first record, which another
/// thread writes.
fn log_in_thread(response: &mut Response) -> Result<(), Failure> {
    for records in [0, 1] {
        for _ in 0..records {
            let _ = thread::spawn(|| tinderbox::info!("of a thread")).join();
        }
        let found = std::env::var_os(TELEMETRY).is_some();
        response.write(if found { b"there " } else { b"gone " })?;
    }
    Ok(())
}

/// `join` waits for the thread, `race` does not, `many` starts eight, `later` panics when the event
/// is long answered.
fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    if invocation.event() == b"log" {
        return log_in_thread(response);
    }
    let (count, delay) = match invocation.event() {
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

fn main() {
    tinderbox::run(echo)
}
