//! Answers each event with itself, without std.
#![cfg_attr(not(test), no_std, no_main)]

use tinderbox::{Failure, Invocation, Response};

fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    response.write(invocation.event())
}

tinderbox::main!(echo);
