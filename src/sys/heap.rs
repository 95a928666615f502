//! The allocator for programs without std.

use core::alloc::{GlobalAlloc, Layout};

/// C's allocator, for a program without std that allocates:
///
/// ```ignore
/// #[global_allocator]
/// static HEAP: tinderbox::Heap = tinderbox::Heap;
/// ```
pub struct Heap;

/// The alignment that malloc(3) guarantees: that of any type of C.
const ALIGNED: usize = 16;

// SAFETY: malloc(3), realloc(3) and free(3) fulfil the contract; larger alignments are refused.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > ALIGNED {
            return core::ptr::null_mut();
        }
        // SAFETY: malloc(3) takes any size.
        unsafe { libc::malloc(layout.size()) }.cast()
    }

    unsafe fn dealloc(&self, place: *mut u8, _: Layout) {
        // SAFETY: the pointer came from `alloc` or `realloc`.
        unsafe { libc::free(place.cast()) };
    }

    unsafe fn realloc(&self, place: *mut u8, _: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: as above; `alloc` has accepted the alignment.
        unsafe { libc::realloc(place.cast(), bytes) }.cast()
    }
}
