//! Fixed regions that are written at both ends, and numbers as text.

use crate::limits::{HEADROOM_BYTES, RESPONSE_REGION_BYTES};
use crate::sys;
use crate::wire::part;

/// A body in a region, with `HEADROOM_BYTES` before it: the body is appended, its head is prepended
/// when its length is known, and nothing is moved. What does not fit is cut off. All zeros when it
/// is new, so that its region costs nothing in the file.
pub struct Buffer {
    head_bytes: usize,
    body_bytes: usize,
    region: [u8; RESPONSE_REGION_BYTES],
}

impl Buffer {
    /// An empty buffer.
    pub const fn new() -> Buffer {
        Buffer {
            head_bytes: 0,
            body_bytes: 0,
            region: [0; _],
        }
    }

    /// Forgets the head and the body.
    pub fn clear(&mut self) {
        self.head_bytes = 0;
        self.body_bytes = 0;
    }

    /// Forgets the head.
    pub fn clear_head(&mut self) {
        self.head_bytes = 0;
    }

    /// Whether there is a head.
    pub fn has_head(&self) -> bool {
        self.head_bytes != 0
    }

    /// The head and the body.
    pub fn bytes(&self) -> &[u8] {
        let end = HEADROOM_BYTES + self.body_bytes;
        part(&self.region, HEADROOM_BYTES - self.head_bytes, end)
    }

    /// The length of the body, in bytes.
    pub fn body_bytes(&self) -> usize {
        self.body_bytes
    }

    /// Gives the pages behind the first `keep` bytes of the region back to the kernel.
    pub fn give_back(&mut self, keep: usize) {
        sys::give_back(&mut self.region, keep);
    }

    /// Puts `bytes` behind.
    pub fn append(&mut self, bytes: &[u8]) {
        self.body_bytes += put(&mut self.region, HEADROOM_BYTES + self.body_bytes, bytes);
    }

    /// Puts a text before; see [`prepend`].
    pub fn prepend(&mut self, text: &[u8], fields: &[&[u8]]) {
        let start = HEADROOM_BYTES - self.head_bytes;
        self.head_bytes = HEADROOM_BYTES - prepend(&mut self.region, start, text, fields);
    }
}

/// Copies `bytes` to `region[at..]`, as far as there is room, and returns how many fitted.
#[inline(never)]
pub fn put(region: &mut [u8], at: usize, bytes: &[u8]) -> usize {
    sys::copy(region.get_mut(at..).unwrap_or_default(), bytes)
}

/// Puts `text` before `region[start..]`, a field in the place of each `%`, and returns where it
/// begins. A part that does not fit is left out; the limits see to it that all fit.
#[inline(never)]
pub fn prepend(region: &mut [u8], start: usize, text: &[u8], fields: &[&[u8]]) -> usize {
    let mut start = start;
    let mut put_before = |part: &[u8]| {
        if let Some(place) = start.checked_sub(part.len()) {
            put(region, place, part);
            start = place;
        }
    };
    let mut rest = text;
    for field in fields.iter().rev() {
        let Some(hole) = rest.iter().rposition(|&byte| byte == b'%') else {
            break;
        };
        put_before(part(rest, hole + 1, rest.len()));
        put_before(field);
        rest = part(rest, 0, hole);
    }
    put_before(rest);
    start
}

/// Decimal digits of a `usize`, at most.
const DIGITS_MAX: usize = 20;

/// A number in decimal digits.
pub struct Decimal {
    digits: [u8; DIGITS_MAX],
    first: usize,
}

impl Decimal {
    /// Writes it out.
    pub fn new(number: usize) -> Decimal {
        let mut decimal = Decimal {
            digits: [b'0'; DIGITS_MAX],
            first: DIGITS_MAX,
        };
        let mut number = number;
        for digit in decimal.digits.iter_mut().rev() {
            *digit += (number % 10) as u8;
            number /= 10;
            decimal.first -= 1;
            if number == 0 {
                break;
            }
        }
        decimal
    }

    /// The digits.
    pub fn text(&self) -> &[u8] {
        part(&self.digits, self.first, DIGITS_MAX)
    }
}

/// A short text of our own, at most `N` bytes.
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    /// No text.
    pub const fn new() -> Text<N> {
        Text {
            bytes: [0; N],
            length: 0,
        }
    }

    /// Makes it that text; what does not fit is cut off.
    pub fn set(&mut self, text: &[u8]) {
        self.length = sys::copy(&mut self.bytes, text);
    }

    /// The text.
    pub fn get(&self) -> &[u8] {
        part(&self.bytes, 0, self.length)
    }
}

impl<const N: usize> core::fmt::Write for Text<N> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.length += put(&mut self.bytes, self.length, text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
