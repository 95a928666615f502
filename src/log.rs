//! What the runtime itself has to say: one line, one write, on standard error.

use crate::buffer::{part, prepend, put};
use crate::sys;

/// The longest line, in bytes.
const LINE_BYTES_MAX: usize = 1024;

/// The longest part of a line, in bytes; what is behind is cut off.
const PART_BYTES_MAX: usize = 320;

/// Writes `tinderbox: ` and three parts as one line.
#[inline(never)]
pub fn line(parts: [&[u8]; 3]) {
    let parts = parts.map(|text| part(text, 0, text.len().min(PART_BYTES_MAX)));
    let mut room = [0; LINE_BYTES_MAX];
    let end = LINE_BYTES_MAX - 1;
    let start = prepend(&mut room, end, b"tinderbox: %%%", &parts);
    // A line feed within would make two records of one.
    for byte in &mut room {
        *byte = (*byte).max(b' ');
    }
    put(&mut room, end, b"\n");
    sys::write_error(part(&room, start, LINE_BYTES_MAX));
}

/// Writes a line, and ends the process.
#[inline(never)]
pub fn fatal(code: i32, parts: [&[u8]; 3]) -> ! {
    line(parts);
    sys::exit(code)
}
