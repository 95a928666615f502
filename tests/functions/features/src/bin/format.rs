//! With log records that are formatted (`info!` and its likes).
#![no_std]
#![no_main]

use tinderbox::{Failure, Invocation, Response};

fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    tinderbox::info!("an event of {} bytes", invocation.event().len());
    response.write(invocation.event())
}

tinderbox::main!(echo);
