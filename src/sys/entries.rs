//! The environment as a child gets it.

use core::ffi::c_char;
use core::marker::PhantomData;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::environment::{ENVIRON, Environment, entry_of};
use crate::limits::ENVIRONMENT_MAX;
use crate::wire::find;

/// An environment as execve(2) takes it.
#[derive(Clone, Copy)]
pub struct Entries<'a>(*const *mut c_char, PhantomData<&'a [u8]>);

impl Entries<'_> {
    /// Where its list begins.
    pub(super) fn address(self) -> usize {
        self.0 as usize
    }
}

/// The environment with others behind it, for a child.
static EXTENDED: [AtomicPtr<c_char>; ENVIRONMENT_MAX + 2] =
    [const { AtomicPtr::new(null_mut()) }; ENVIRONMENT_MAX + 2];

impl Environment {
    /// All of it.
    pub fn entries(&self) -> Entries<'_> {
        // SAFETY: `environ` is libc's own variable, and lives as long as the process.
        Entries(unsafe { ENVIRON.load(Ordering::Relaxed) }, PhantomData)
    }

    /// All of it, and variables that come as `NAME=value`, each with a NUL at its end. What is
    /// beyond `ENVIRONMENT_MAX` is left out. Good until it is asked for again.
    pub fn entries_with<'a>(&'a self, variables: &'a [u8]) -> Entries<'a> {
        let mut places = EXTENDED
            .split_last()
            .map_or(&[][..], |(_, places)| places)
            .iter();
        let mut put = |entry: *mut c_char| {
            if let Some(place) = places.next() {
                place.store(entry, Ordering::Relaxed);
            }
        };
        // SAFETY: as in `get`.
        let mut list = unsafe { ENVIRON.load(Ordering::Relaxed) };
        while let Some(entry) = entry_of(list) {
            put(entry);
            list = list.wrapping_add(1);
        }
        let mut start = 0;
        loop {
            let end = find(variables, start, 0);
            if end >= variables.len() {
                break; // what has no NUL behind it is no C string
            }
            put(variables.as_ptr().wrapping_add(start).cast_mut().cast());
            start = end + 1;
        }
        put(null_mut());
        Entries(EXTENDED.as_ptr().cast(), PhantomData)
    }
}
