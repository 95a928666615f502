//! Memory of long bodies, used again.
//!
//! The allocator gives memory of this size back to the system, and the next body then costs a page
//! fault for each 4 KiB: half of the time that an event of 1 MB took.

use std::cell::RefCell;
use std::ops::Deref;

/// Shorter memory is left to the allocator.
const BYTES_MIN: usize = 128 * 1024;

/// Longer memory is freed: the longest event and the longest response fit.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// How many are retained: for an event and its response.
const COUNT_MAX: usize = 2;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty vector, with memory for as many bytes if there is any.
pub fn take(bytes: usize) -> Vec<u8> {
    let is_long = bytes >= BYTES_MIN;
    let mut taken = match is_long {
        true => SPARE.with_borrow_mut(Vec::pop).unwrap_or_default(),
        false => Vec::new(),
    };
    let _ = taken.try_reserve_exact(bytes);
    taken
}

/// Keeps the memory of a vector for the next one.
pub fn keep(mut bytes: Vec<u8>) {
    if (BYTES_MIN..=BYTES_MAX).contains(&bytes.capacity()) {
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < COUNT_MAX {
                bytes.clear();
                spare.push(bytes);
            }
        });
    }
}

/// Bytes whose memory is retained when they are dropped.
pub struct Reused(Vec<u8>);

impl From<Vec<u8>> for Reused {
    fn from(bytes: Vec<u8>) -> Reused {
        Reused(bytes)
    }
}

impl Deref for Reused {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Reused {
    fn drop(&mut self) {
        keep(std::mem::take(&mut self.0));
    }
}
