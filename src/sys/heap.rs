//! An allocator for programs without std.

use core::alloc::{GlobalAlloc, Layout};

/// C's allocator, for a program without std that wants one:
///
/// ```ignore
/// #[global_allocator]
/// static HEAP: tinderbox::Heap = tinderbox::Heap;
/// ```
pub struct Heap;

/// What malloc(3) gives is aligned for any type of C.
const ALIGNED: usize = 16;

// SAFETY: malloc(3) and its likes keep the contract; a layout that they cannot keep is refused.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > ALIGNED {
            return core::ptr::null_mut();
        }
        // SAFETY: of any size.
        unsafe { libc::malloc(layout.size()) }.cast()
    }

    unsafe fn dealloc(&self, place: *mut u8, _: Layout) {
        // SAFETY: it came from `alloc` or `realloc`.
        unsafe { libc::free(place.cast()) };
    }

    unsafe fn realloc(&self, place: *mut u8, _: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: as above; the alignment is one that `alloc` took.
        unsafe { libc::realloc(place.cast(), bytes) }.cast()
    }
}
