//! Fixed regions that are written at both ends, and numbers as text.

use crate::limits::HEADROOM_BYTES;
use crate::sys;

/// A body in a region, with `HEADROOM_BYTES` before it: the body is appended, its head is prepended
/// when its length is known, and nothing is moved. What does not fit is cut off.
pub struct Buffer {
    region: &'static mut [u8],
    start: usize,
    end: usize,
}

impl Buffer {
    /// An empty buffer over a whole region.
    pub fn new(region: &'static mut [u8]) -> Buffer {
        Buffer {
            region,
            start: HEADROOM_BYTES,
            end: HEADROOM_BYTES,
        }
    }

    /// Forgets the head and the body.
    pub fn clear(&mut self) {
        self.end = HEADROOM_BYTES;
        self.clear_head();
    }

    /// Forgets the head.
    pub fn clear_head(&mut self) {
        self.start = HEADROOM_BYTES;
    }

    /// Whether there is a head.
    pub fn has_head(&self) -> bool {
        self.start != HEADROOM_BYTES
    }

    /// The head and the body.
    pub fn bytes(&self) -> &[u8] {
        part(self.region, self.start, self.end)
    }

    /// The length of the body, in bytes.
    pub fn body_bytes(&self) -> usize {
        self.end - HEADROOM_BYTES
    }

    /// Gives the pages behind the first `keep` bytes of the region back to the kernel.
    pub fn give_back(&mut self, keep: usize) {
        sys::give_back(self.region, keep);
    }

    /// Puts `bytes` behind.
    pub fn append(&mut self, bytes: &[u8]) {
        self.end += put(self.region, self.end, bytes);
    }

    /// Puts a text before; see [`prepend`].
    pub fn prepend(&mut self, text: &[u8], fields: &[&[u8]]) {
        self.start = prepend(self.region, self.start, text, fields);
    }
}

/// `bytes[from..to]`, or nothing where there is no such part. A function, because to check bounds in
/// place costs more bytes than a call.
#[inline(never)]
pub fn part(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    bytes.get(from..to).unwrap_or_default()
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
