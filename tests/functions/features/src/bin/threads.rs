//! Panics in threads of its own, as the event says: a program with std whose profile aborts.

use std::thread;
use std::time::Duration;

use tinderbox::{Failure, Invocation, Response};

/// `join` waits for the thread, `race` does not, `many` starts eight, `later` panics long
/// after the answer.
fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
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
