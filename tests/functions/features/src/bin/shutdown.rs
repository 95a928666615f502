//! With notice of the end (`on_shutdown`).
#![no_std]
#![no_main]

use tinderbox::{Failure, Invocation, Response};

type Handler = fn(&Invocation, &mut Response) -> Result<(), Failure>;

fn init() -> Result<Handler, Failure> {
    tinderbox::on_shutdown(|| ());
    Ok(echo)
}

fn echo(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    response.write(invocation.event())
}

tinderbox::main!(init = init);
