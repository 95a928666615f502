//! With a streamed response (`response.stream`).
#![no_std]
#![no_main]

use tinderbox::{Failure, Invocation, Response};

fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    response.stream("text/plain")?;
    response.write(invocation.event())
}

tinderbox::main!(echo);
