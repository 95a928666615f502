//! The memory of a record in the making, with the head of a frame before it.

#[cfg(not(feature = "std"))]
use crate::buffer::copy_at;
#[cfg(not(feature = "std"))]
use crate::limits::{RECORD_BYTES_MAX, TRIM_KEEP_BYTES};
#[cfg(not(feature = "std"))]
use crate::sys;

/// The head of a frame: type, length of the message, time in microseconds, each big-endian.
pub const FRAME_HEAD_BYTES: usize = 16;

/// With std: memory of its own for each record, since threads may log at once.
#[cfg(feature = "std")]
pub struct RecordBuffer(alloc::vec::Vec<u8>);

#[cfg(feature = "std")]
impl RecordBuffer {
    /// An empty buffer.
    pub fn acquire() -> Option<RecordBuffer> {
        Some(RecordBuffer(alloc::vec::Vec::with_capacity(256)))
    }

    /// Frees the memory.
    pub fn release(self) {}

    /// Appends bytes if the record is at most `bytes_max` long then. False: it appended nothing.
    pub fn append_if_fits(&mut self, bytes: &[u8], bytes_max: usize) -> bool {
        let fits = bytes.len() <= (FRAME_HEAD_BYTES + bytes_max).saturating_sub(self.0.len());
        if fits {
            self.0.extend_from_slice(bytes);
        }
        fits
    }

    /// Drops bytes at the end.
    pub fn drop_end(&mut self, bytes: usize) {
        self.0.truncate(self.0.len().saturating_sub(bytes));
    }

    /// The head of the frame and the record.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// Without std: one region for all records.
#[cfg(not(feature = "std"))]
pub struct RecordBuffer(&'static mut Storage);

#[cfg(not(feature = "std"))]
struct Storage {
    length: usize,
    bytes: [u8; FRAME_HEAD_BYTES + RECORD_BYTES_MAX],
}

#[cfg(not(feature = "std"))]
static STORAGE: sys::TakeOnce<Storage> = sys::TakeOnce::new(Storage {
    length: 0,
    bytes: [0; _],
});
/// Holds the region between two records.
#[cfg(not(feature = "std"))]
static RETURNED: sys::Handoff<Storage> = sys::Handoff::new();

#[cfg(not(feature = "std"))]
impl RecordBuffer {
    /// An empty buffer; `None` while another record is in the making.
    pub fn acquire() -> Option<RecordBuffer> {
        RETURNED.take().or_else(|| STORAGE.take()).map(RecordBuffer)
    }

    /// Returns the region for the next record.
    pub fn release(self) {
        let Storage { length, bytes } = self.0;
        if *length > TRIM_KEEP_BYTES {
            sys::release_pages(bytes, TRIM_KEEP_BYTES);
        }
        *length = 0;
        RETURNED.put(self.0);
    }

    /// Appends bytes if the record is at most `bytes_max` long then. False: it appended nothing.
    pub fn append_if_fits(&mut self, more: &[u8], bytes_max: usize) -> bool {
        let Storage { length, bytes } = &mut *self.0;
        let fits = more.len() <= (FRAME_HEAD_BYTES + bytes_max).saturating_sub(*length);
        if fits {
            *length += copy_at(bytes, *length, more);
        }
        fits
    }

    /// Drops bytes at the end.
    pub fn drop_end(&mut self, bytes: usize) {
        self.0.length = self.0.length.saturating_sub(bytes);
    }

    /// The head of the frame and the record.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        let Storage { length, bytes } = &mut *self.0;
        bytes.get_mut(..*length).unwrap_or_default()
    }
}
