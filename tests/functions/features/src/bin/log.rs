//! With log records of bytes at hand (`log`).
#![no_std]
#![no_main]

use tinderbox::{Failure, Invocation, Response};

fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    tinderbox::log(tinderbox::Level::Info, invocation.event());
    response.write(invocation.event())
}

tinderbox::main!(echo);
