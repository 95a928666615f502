//! The environment of a child.

use core::ffi::c_char;
use core::marker::PhantomData;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::environment::{ENVIRON, Environment, next_entry, strip_name};
use crate::limits::ENVIRONMENT_MAX;
use crate::wire::{find_from, slice_or_empty};

/// An environment in the form that execve(2) takes.
#[derive(Clone, Copy)]
pub struct Envp<'a>(*const *mut c_char, PhantomData<&'a [u8]>);

impl Envp<'_> {
    /// The address of the list.
    pub(super) fn address(self) -> usize {
        self.0 as usize
    }
}

/// The list for a child: variables of its own, then those of the environment.
static CHILD_ENVP: [AtomicPtr<c_char>; ENVIRONMENT_MAX + 2] =
    [const { AtomicPtr::new(null_mut()) }; ENVIRONMENT_MAX + 2];

impl Environment {
    /// The environment, unchanged.
    pub fn envp(&self) -> Envp<'_> {
        // SAFETY: `environ` is libc's own variable, and lives as long as the process.
        Envp(unsafe { ENVIRON.load(Ordering::Relaxed) }, PhantomData)
    }

    /// The environment with `variables` before it: `NAME=value`, each with a NUL at its end. They
    /// replace entries of the same name: of two, getenv(3) finds the first, and shells keep the
    /// last. Entries beyond `ENVIRONMENT_MAX` are left out. Valid until the next call.
    pub fn envp_with<'a>(&'a self, variables: &'a [u8]) -> Envp<'a> {
        let mut places = CHILD_ENVP
            .split_last()
            .map_or(&[][..], |(_, places)| places)
            .iter();
        let mut put = |entry: *mut c_char| {
            if let Some(place) = places.next() {
                place.store(entry, Ordering::Relaxed);
            }
        };
        for variable in c_strings(variables) {
            put(variable.as_ptr().cast_mut().cast());
        }
        // SAFETY: as in `get`.
        let mut list = unsafe { ENVIRON.load(Ordering::Relaxed) };
        while let Some(entry) = next_entry(list) {
            let is_given = |variable: &[u8]| {
                let name = slice_or_empty(variable, 0, find_from(variable, 0, b'=') + 1);
                // SAFETY: entries of the environment are C strings.
                unsafe { strip_name(entry, name) }.is_some()
            };
            if !c_strings(variables).any(is_given) {
                put(entry);
            }
            list = list.wrapping_add(1);
        }
        put(null_mut());
        Envp(CHILD_ENVP.as_ptr().cast(), PhantomData)
    }
}

/// The C strings in `texts`, each with its NUL, so that a pointer to one may be read up to it.
/// Bytes after the last NUL are left out.
fn c_strings(texts: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    core::iter::from_fn(move || {
        let end = find_from(texts, start, 0);
        let text = (end < texts.len()).then(|| slice_or_empty(texts, start, end + 1));
        start = end + 1;
        text
    })
}
