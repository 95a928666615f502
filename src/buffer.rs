//! Buffers in fixed regions, which grow at both ends; short texts.

use crate::limits::{ERROR_JSON_BYTES_MAX, HEADROOM_BYTES, TRIM_KEEP_BYTES};
use crate::sys;
use crate::wire::number::hex_digit_upper;
use crate::wire::slice_or_empty;

/// A body in a region, with a headroom of `HEADROOM_BYTES` before it: the body is appended, its
/// head is prepended once the length is known, and nothing is moved. Bytes that do not fit are
/// dropped.
pub struct Buffer {
    head_bytes: usize,
    body_bytes: usize,
    /// The longest body since `take_peak_bytes` was called last.
    peak_bytes: usize,
    region: &'static mut [u8],
}

impl Buffer {
    /// An empty buffer in a region of more than `HEADROOM_BYTES`.
    pub fn new(region: &'static mut [u8]) -> Buffer {
        Buffer {
            head_bytes: 0,
            body_bytes: 0,
            peak_bytes: 0,
            region,
        }
    }

    /// Discards the head and the body.
    pub fn clear(&mut self) {
        self.head_bytes = 0;
        self.body_bytes = 0;
    }

    /// Discards the head.
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
        slice_or_empty(self.region, HEADROOM_BYTES - self.head_bytes, end)
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        slice_or_empty(
            self.region,
            HEADROOM_BYTES,
            HEADROOM_BYTES + self.body_bytes,
        )
    }

    /// Truncates the body to its first `keep` bytes.
    #[cfg(feature = "alloc")]
    pub fn truncate_body(&mut self, keep: usize) {
        self.body_bytes = self.body_bytes.min(keep);
    }

    /// The length of the body, in bytes.
    pub fn body_bytes(&self) -> usize {
        self.body_bytes
    }

    /// The longest body since the last call, in bytes.
    pub fn take_peak_bytes(&mut self) -> usize {
        core::mem::take(&mut self.peak_bytes)
    }

    /// Takes the region; nothing fits into the buffer after that.
    #[cfg(any(doc, test, feature = "std", feature = "testing"))]
    pub fn take_region(&mut self) -> &'static mut [u8] {
        self.clear();
        core::mem::take(&mut self.region)
    }

    /// Returns the pages after the body to the kernel, except the first `TRIM_KEEP_BYTES` of the
    /// region.
    pub fn release_pages(&mut self) {
        release_unused(self.region, HEADROOM_BYTES + self.body_bytes);
    }

    /// Appends `bytes` to the body. Bytes that do not fit are dropped.
    #[inline(never)]
    pub fn append(&mut self, bytes: &[u8]) {
        self.body_bytes += copy_at(self.region, HEADROOM_BYTES + self.body_bytes, bytes);
        self.peak_bytes = self.peak_bytes.max(self.body_bytes);
    }

    /// Moves the body, which is at most `ERROR_JSON_BYTES_MAX` long, to the end of the region: only
    /// a body that is longer than the rest of the region overwrites it then, and its first bytes
    /// first. Its length is in the last bytes of the region.
    pub fn set_aside(&mut self) {
        let bytes = core::mem::take(&mut self.body_bytes);
        let (body, aside) = split_aside(self.region);
        copy_at(aside, 0, slice_or_empty(body, 0, bytes));
        copy_at(aside, ERROR_JSON_BYTES_MAX, &bytes.to_le_bytes());
    }

    /// Replaces the body by what was set aside last, or by whatever stands there now.
    pub fn restore_aside(&mut self) {
        let (body, aside) = split_aside(self.region);
        let mut length = [0; size_of::<usize>()];
        copy_at(
            &mut length,
            0,
            aside.get(ERROR_JSON_BYTES_MAX..).unwrap_or_default(),
        );
        let bytes = usize::from_le_bytes(length);
        self.body_bytes = copy_at(body, 0, slice_or_empty(aside, 0, bytes));
    }

    /// Appends at most `bytes_max` bytes that `read` writes; `read` returns their number.
    pub fn read_into(&mut self, bytes_max: usize, read: impl FnOnce(&mut [u8]) -> usize) -> usize {
        let start = HEADROOM_BYTES + self.body_bytes;
        let end = self.region.len().min(start.saturating_add(bytes_max));
        let bytes = self.region.get_mut(start..end).map_or(0, read);
        self.body_bytes += bytes;
        self.peak_bytes = self.peak_bytes.max(self.body_bytes);
        bytes
    }

    /// Prepends `text` to the head. Text that does not fit is dropped as a whole; `limits.rs`
    /// proves that all heads fit.
    #[inline(never)]
    pub fn prepend(&mut self, text: &[u8]) {
        // Behind the end of the region, where nothing is copied, unless it fits.
        let start = (HEADROOM_BYTES - self.head_bytes).wrapping_sub(text.len());
        self.head_bytes += copy_at(self.region, start, text);
    }

    /// Prepends a segment of a path, percent-encoded (RFC 3986, 2.1 and 3.3).
    ///
    /// Encodes the bytes that Go's net/url encodes in a path, in upper-case digits, and no others:
    /// AWS's servers compare an id with the decoded path if Go would have encoded it in the same
    /// way, else with the path as it was sent. Dots stay for the same reason, also of an id `..`;
    /// no server of that kind removes dot segments, and one that does decodes `%2E` first (6.2.2).
    pub fn prepend_path_segment(&mut self, text: &[u8]) {
        for &byte in text.iter().rev() {
            let bits = UNRESERVED
                .get(usize::from(byte >> 3))
                .copied()
                .unwrap_or_default();
            if bits >> (byte & 7) & 1 == 1 {
                self.prepend_byte(byte);
                continue;
            }
            self.prepend_digit(byte & 15);
            self.prepend_digit(byte >> 4);
            self.prepend_byte(b'%');
        }
    }

    /// Prepends a decimal or hexadecimal digit.
    #[inline(never)]
    fn prepend_digit(&mut self, value: u8) {
        self.prepend_byte(hex_digit_upper(value));
    }

    /// Prepends a byte; a byte that does not fit is dropped.
    #[inline(never)]
    fn prepend_byte(&mut self, byte: u8) {
        self.prepend(&[byte]);
    }

    /// Prepends a number, in decimal digits.
    pub fn prepend_number(&mut self, number: usize) {
        let mut rest = number;
        loop {
            self.prepend_digit((rest % 10) as u8);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
    }

    /// Replaces the head by the content type: the last line of a head, so the first one that is
    /// prepended.
    pub fn set_content_type(&mut self, value: &[u8]) {
        self.clear_head();
        self.prepend(b"\r\n");
        self.prepend_header(b"Content-Type: ", value);
    }

    /// Prepends a header line, unless its value is empty; `name` includes the colon.
    #[inline(never)]
    pub fn prepend_header(&mut self, name: &[u8], value: &[u8]) {
        if !value.is_empty() {
            self.prepend(b"\r\n");
            self.prepend(value);
            self.prepend(name);
        }
    }
}

/// The bytes that are not encoded in a path, a bit each.
static UNRESERVED: [u8; 16] = {
    let mut bits = [0; 16];
    let mut byte = 0;
    while byte < 128 {
        if matches!(
            byte,
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
                | b'-' | b'.' | b'_' | b'~' | b'$' | b'&' | b'+' | b',' | b':' | b';' | b'=' | b'@'
        ) {
            bits[byte as usize >> 3] |= 1 << (byte & 7);
        }
        byte += 1;
    }
    bits
};

/// The body's part of a region, and that of what was set aside, with its length.
#[inline(never)]
fn split_aside(region: &mut [u8]) -> (&mut [u8], &mut [u8]) {
    let aside_bytes = ERROR_JSON_BYTES_MAX + size_of::<usize>();
    let body_bytes = region.len().saturating_sub(HEADROOM_BYTES + aside_bytes);
    let body = region.get_mut(HEADROOM_BYTES..).unwrap_or_default();
    body.split_at_mut_checked(body_bytes).unwrap_or_default()
}

/// Copies the bytes that fit to `region[at..]`, and returns their number.
#[inline(never)]
pub fn copy_at(region: &mut [u8], at: usize, bytes: &[u8]) -> usize {
    sys::copy_prefix(region.get_mut(at..).unwrap_or_default(), bytes)
}

/// Returns the pages after the first `used` bytes of a region to the kernel, except those of its
/// first `TRIM_KEEP_BYTES`.
#[inline(never)]
pub fn release_unused(region: &mut [u8], used: usize) {
    sys::release_pages(region, used.max(TRIM_KEEP_BYTES));
}

/// A copy of a short text, at most `N` bytes.
pub struct FixedBytes<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> FixedBytes<N> {
    /// Empty.
    pub const fn new() -> FixedBytes<N> {
        FixedBytes {
            bytes: [0; N],
            length: 0,
        }
    }

    /// Replaces the text; bytes that do not fit are dropped.
    #[inline(never)]
    pub fn set(&mut self, text: &[u8]) {
        self.length = copy_at(&mut self.bytes, 0, text);
    }

    /// Appends `text`; bytes that do not fit are dropped.
    pub fn push(&mut self, text: &[u8]) {
        self.length += copy_at(&mut self.bytes, self.length, text);
    }

    /// Appends at most `bytes_max` bytes that `read` writes; `read` returns their number.
    #[cfg(feature = "web")]
    pub fn read_at_most(
        &mut self,
        bytes_max: usize,
        read: &mut dyn FnMut(&mut [u8]) -> usize,
    ) -> usize {
        let end = N.min(self.length.saturating_add(bytes_max));
        let free = self.bytes.get_mut(self.length..end);
        let bytes = free.filter(|free| !free.is_empty()).map_or(0, read);
        self.length += bytes;
        bytes
    }

    /// Returns the pages to the kernel, except those of the first `TRIM_KEEP_BYTES`.
    #[cfg(feature = "web")]
    pub fn release_pages(&mut self) {
        release_unused(&mut self.bytes, self.length);
    }

    /// Appends `text` as a whole, or nothing of it. False: it does not fit.
    pub fn try_push(&mut self, text: &[u8]) -> bool {
        let fits = text.len() <= N - self.length;
        if fits {
            self.push(text);
        }
        fits
    }

    /// Truncates the text to its first `keep` bytes.
    #[cfg(feature = "web")]
    pub fn truncate(&mut self, keep: usize) {
        self.length = self.length.min(keep);
    }

    /// Overwrites bytes of the text, from `at` on, as far as it goes.
    #[cfg(feature = "web")]
    pub fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        if let Some(text) = self.bytes.get_mut(..self.length) {
            copy_at(text, at, bytes);
        }
    }

    /// Inserts `text` at `at`, as a whole, or nothing of it. False: it does not fit.
    #[cfg(feature = "web")]
    pub fn try_insert(&mut self, at: usize, text: &[u8]) -> bool {
        let end = self.length;
        if !self.try_push(text) {
            return false;
        }
        let mut from = end;
        while from > at {
            from -= 1;
            let byte = self.bytes.get(from).copied().unwrap_or_default();
            if let Some(place) = self.bytes.get_mut(from + text.len()) {
                *place = byte;
            }
        }
        self.overwrite(at, text);
        true
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        slice_or_empty(&self.bytes, 0, self.length)
    }
}

impl<const N: usize> core::fmt::Write for FixedBytes<N> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
impl Buffer {
    /// An empty buffer of the usual size.
    pub fn leaked() -> &'static mut Buffer {
        use std::boxed::Box;
        let region = std::vec![0; crate::limits::RESPONSE_REGION_BYTES].leak();
        Box::leak(Box::new(Buffer::new(region)))
    }
}

#[cfg(test)]
mod tests;
