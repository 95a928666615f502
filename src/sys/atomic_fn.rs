//! A place for a function.

use core::marker::PhantomData;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// A place for a function that somebody may want called: a program sets it, the loop looks. It is
/// of `F` and no other type, not even one with other lifetimes: what is left is got as `F`.
pub struct AtomicFn<F>(AtomicPtr<()>, PhantomData<fn(F) -> F>);

impl<F: Copy + Send> AtomicFn<F> {
    /// Nobody wants anything called.
    pub const fn new() -> AtomicFn<F> {
        const { assert!(size_of::<F>() == size_of::<*mut ()>()) };
        AtomicFn(AtomicPtr::new(null_mut()), PhantomData)
    }

    /// Leaves a function, `fn` with whatever signature; the last one counts.
    pub fn set(&self, function: F) {
        // SAFETY: of that size; it is only ever turned back.
        let pointer = unsafe { core::mem::transmute_copy(&function) };
        self.0.store(pointer, Ordering::Release);
    }

    /// The function, if there is one.
    pub fn get(&self) -> Option<F> {
        let pointer = self.0.load(Ordering::Acquire);
        // SAFETY: what is not null was an `F` when it was left.
        (!pointer.is_null()).then(|| unsafe { core::mem::transmute_copy(&pointer) })
    }
}
