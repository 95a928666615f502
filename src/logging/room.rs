//! Where a record is made, with the head of a frame before it.

#[cfg(not(feature = "std"))]
use crate::buffer::put;
#[cfg(not(feature = "std"))]
use crate::limits::{RECORD_BYTES_MAX, TRIM_KEEP_BYTES};
#[cfg(not(feature = "std"))]
use crate::sys;

/// A frame's head: type, length of the message, time in microseconds, each with its highest byte
/// first.
pub const FRAME_HEAD_BYTES: usize = 16;

/// Where a record is made: with std, memory of its own, since threads may log at once.
#[cfg(feature = "std")]
pub struct Room(alloc::vec::Vec<u8>);

#[cfg(feature = "std")]
impl Room {
    /// Room for a record.
    pub fn take() -> Option<Room> {
        Some(Room(alloc::vec::Vec::with_capacity(256)))
    }

    /// Lets others have it.
    pub fn give_back(self) {}

    /// Puts more behind, whole or not at all, in at most so many bytes in all.
    pub fn push(&mut self, bytes: &[u8], bytes_max: usize) -> bool {
        let fits = bytes.len() <= (FRAME_HEAD_BYTES + bytes_max).saturating_sub(self.0.len());
        if fits {
            self.0.extend_from_slice(bytes);
        }
        fits
    }

    /// What was put into it.
    pub fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// Where a record is made: without std, one region for all.
#[cfg(not(feature = "std"))]
pub struct Room(&'static mut Bytes);

#[cfg(not(feature = "std"))]
struct Bytes {
    length: usize,
    bytes: [u8; FRAME_HEAD_BYTES + RECORD_BYTES_MAX],
}

#[cfg(not(feature = "std"))]
static BYTES: sys::TakeOnce<Bytes> = sys::TakeOnce::new(Bytes {
    length: 0,
    bytes: [0; _],
});
#[cfg(not(feature = "std"))]
static FREE: sys::Handoff<Bytes> = sys::Handoff::new();

#[cfg(not(feature = "std"))]
impl Room {
    /// Room for a record; `None` while there is one in the making.
    pub fn take() -> Option<Room> {
        FREE.take().or_else(|| BYTES.take()).map(Room)
    }

    /// Lets others have it.
    pub fn give_back(self) {
        let Bytes { length, bytes } = self.0;
        if *length > TRIM_KEEP_BYTES {
            sys::release_pages(bytes, TRIM_KEEP_BYTES);
        }
        *length = 0;
        FREE.put(self.0);
    }

    /// Puts more behind, whole or not at all, in at most so many bytes in all.
    pub fn push(&mut self, more: &[u8], bytes_max: usize) -> bool {
        let Bytes { length, bytes } = &mut *self.0;
        let fits = more.len() <= (FRAME_HEAD_BYTES + bytes_max).saturating_sub(*length);
        if fits {
            *length += put(bytes, *length, more);
        }
        fits
    }

    /// What was put into it.
    pub fn bytes(&mut self) -> &mut [u8] {
        let Bytes { length, bytes } = &mut *self.0;
        bytes.get_mut(..*length).unwrap_or_default()
    }
}
