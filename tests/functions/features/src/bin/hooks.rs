//! With hooks before a snapshot and after it (`before_snapshot`, `after_restore`).
#![no_std]
#![no_main]

use tinderbox::{Failure, Invocation, Response};

type Handler = fn(&Invocation, &mut Response) -> Result<(), Failure>;

fn init() -> Result<Handler, Failure> {
    tinderbox::before_snapshot(|| Ok(()));
    tinderbox::after_restore(|| Ok(()));
    Ok(echo)
}

fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    response.write(invocation.event())
}

tinderbox::main!(init = init);
