//! Texts that are put together in fixed regions, and paths with a NUL at their end.

use crate::buffer::copy_at;
use crate::wire::slice_or_empty;

/// Concatenates the pieces in a region, and drops bytes that do not fit. Returns the length.
#[inline(never)]
pub fn concat_into(region: &mut [u8], pieces: &[&[u8]]) -> usize {
    pieces
        .iter()
        .fold(0, |length, piece| length + copy_at(region, length, piece))
}

/// The front of a region that is not changed any more.
pub fn freeze(region: &'static mut [u8], bytes: usize) -> &'static [u8] {
    slice_or_empty(region, 0, bytes)
}

/// A path without the NUL at its end.
pub fn strip_nul(path: &[u8]) -> &[u8] {
    slice_or_empty(path, 0, path.len().saturating_sub(1))
}
