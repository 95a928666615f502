//! The end of what a command prints.

use crate::buffer::copy_at;
use crate::limits::{CONSOLE_OUTPUT_BYTES_MAX, TRIM_KEEP_BYTES};
use crate::sys::{move_down, release_pages};
use crate::wire::{json, slice_or_empty};

/// The last megabyte of an output. It takes twice as much, so that no byte is moved more than once.
pub struct Captured {
    length: usize,
    /// The start of the output is gone from the region.
    has_moved: bool,
    region: [u8; 2 * CONSOLE_OUTPUT_BYTES_MAX],
}

impl Captured {
    /// Nothing.
    pub const fn new() -> Captured {
        Captured {
            length: 0,
            has_moved: false,
            region: [0; _],
        }
    }

    /// Discards it, for the next command.
    pub fn clear(&mut self) {
        if self.length > TRIM_KEEP_BYTES {
            release_pages(&mut self.region, TRIM_KEEP_BYTES);
        }
        (self.length, self.has_moved) = (0, false);
    }

    /// Appends a piece, which is no longer than what is retained.
    pub fn push(&mut self, piece: &[u8]) {
        if piece.len() > self.region.len() - self.length {
            let from = self.length.saturating_sub(CONSOLE_OUTPUT_BYTES_MAX);
            move_down(&mut self.region, from, 0, CONSOLE_OUTPUT_BYTES_MAX);
            self.length -= from;
            self.has_moved = true;
        }
        self.length += copy_at(&mut self.region, self.length, piece);
    }

    /// The end of the output, at most a megabyte. It does not begin within a character.
    pub fn as_bytes(&self) -> &[u8] {
        let from = self.length.saturating_sub(CONSOLE_OUTPUT_BYTES_MAX);
        let is_cut = self.has_moved || from > 0;
        from_character(slice_or_empty(&self.region, from, self.length), is_cut)
    }
}

/// A text that was cut, from its first whole character on.
fn from_character(text: &[u8], is_cut: bool) -> &[u8] {
    let is_rest = |byte: &&u8| matches!(byte, 0x80..=0xbf);
    let rest = text.iter().take(3).take_while(is_rest).count();
    slice_or_empty(text, if is_cut { rest } else { 0 }, text.len())
}

/// How much of a text is cut off at a time.
const STEP_BYTES: usize = 16 * 1024;

/// The end of a text that [`json::escape`] writes in at most `bytes_max` bytes.
pub fn end_that_fits(text: &[u8], bytes_max: usize) -> &[u8] {
    let mut bytes = escaped_bytes(text);
    let mut rest = text;
    while bytes > bytes_max && !rest.is_empty() {
        let behind = slice_or_empty(rest, STEP_BYTES.min(rest.len()), rest.len());
        let behind = from_character(behind, true);
        bytes -= escaped_bytes(slice_or_empty(rest, 0, rest.len() - behind.len()));
        rest = behind;
    }
    rest
}

fn escaped_bytes(text: &[u8]) -> usize {
    let mut bytes = 0;
    json::escape(text, &mut |piece| bytes += piece.len());
    bytes
}

#[cfg(test)]
mod tests;
