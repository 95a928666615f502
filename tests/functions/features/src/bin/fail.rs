//! With a failure whose message is made at run time, of bytes at hand (`response.fail`).
#![no_std]
#![no_main]

use tinderbox::{Failure, Invocation, Response};

fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    if invocation.event().is_empty() {
        let id = invocation.request_id();
        return Err(response.fail("Function.NoEvent", &[b"no event: ", id]));
    }
    response.write(invocation.event())
}

tinderbox::main!(echo);
