//! With a streamed response of HTTP (`response.stream_http`).
#![no_std]
#![no_main]

use tinderbox::{Failure, Invocation, Response};

fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    response.stream_http(200, &[("X-Echo", "yes")], &[])?;
    response.write(invocation.event())
}

tinderbox::main!(echo);
