//! With typed events and responses, and an allocator (feature `json`, without std).
#![no_std]
#![no_main]

use tinderbox::{Failure, Heap, Invocation};

#[global_allocator]
static HEAP: Heap = Heap;

fn echo(number: u32, _: &Invocation) -> Result<u32, Failure> {
    Ok(number)
}

tinderbox::main!(tinderbox::json(echo));
