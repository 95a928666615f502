//! What the runtime itself has to say: one line, one write, on standard error.

use crate::buffer::prepend;
use crate::sys;
use crate::wire::part;

/// The longest line, in bytes.
const LINE_BYTES_MAX: usize = 1024;

/// So much is said of what it is about, in bytes; what is behind is cut off.
const ABOUT_BYTES_MAX: usize = 640;

/// Writes `tinderbox: `, a text and what it is about as one line.
#[inline(never)]
pub fn line(text: &[u8], about: &[u8]) {
    let about = part(about, 0, about.len().min(ABOUT_BYTES_MAX));
    let mut room = [b'\n'; LINE_BYTES_MAX];
    let end = LINE_BYTES_MAX - 1;
    let start = prepend(&mut room, end, b"tinderbox: %%", &[text, about]);
    // A line feed within would make two records of one.
    for byte in room.iter_mut().take(end) {
        *byte = (*byte).max(b' ');
    }
    sys::write_error(part(&room, start, LINE_BYTES_MAX));
}

/// Writes a line, and ends the process.
#[inline(never)]
pub fn fatal(code: i32, text: &[u8], about: &[u8]) -> ! {
    line(text, about);
    sys::exit(code)
}
