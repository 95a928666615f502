//! Reads a value from its event, and answers with it.
#![no_std]
#![no_main]

use tinderbox::{Failure, Heap, Invocation};

#[global_allocator]
static HEAP: Heap = Heap;

fn echo(number: u32, _: &Invocation) -> Result<u32, Failure> {
    Ok(number)
}

tinderbox::main!(tinderbox::json(echo));
