//! An atomic function pointer.

use core::marker::PhantomData;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// An atomic, optional function pointer: a program sets a hook, the loop reads it. Invariant in
/// `F`, lifetimes included: a value is stored and read as the same `F`.
pub struct AtomicFn<F>(AtomicPtr<()>, PhantomData<fn(F) -> F>);

impl<F: Copy + Send> AtomicFn<F> {
    /// Empty.
    pub const fn new() -> AtomicFn<F> {
        const { assert!(size_of::<F>() == size_of::<*mut ()>()) };
        AtomicFn(AtomicPtr::new(null_mut()), PhantomData)
    }

    /// Stores a function, a `fn` of any signature; the last one stored counts.
    pub fn set(&self, function: F) {
        // SAFETY: of the same size; the pointer is only ever converted back.
        let pointer = unsafe { core::mem::transmute_copy(&function) };
        self.0.store(pointer, Ordering::Release);
    }

    /// The function, if there is one.
    pub fn get(&self) -> Option<F> {
        let pointer = self.0.load(Ordering::Acquire);
        // SAFETY: a pointer that is not null was stored as an `F`.
        (!pointer.is_null()).then(|| unsafe { core::mem::transmute_copy(&pointer) })
    }
}
