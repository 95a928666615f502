//! The environment of the process, and the one variable in it that changes with each event.

use core::cell::UnsafeCell;
use core::ffi::c_char;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::copy_forwards;
use crate::limits::{ENVIRONMENT_MAX, TRACE_ID_BYTES_MAX};

unsafe extern "C" {
    /// The environment, as getenv(3) and execve(2) know it (POSIX, `environ`).
    #[link_name = "environ"]
    pub(super) static ENVIRON: AtomicPtr<*mut c_char>;
}

/// The environment; holds what it gives no longer than itself.
pub struct Environment(());

impl Environment {
    /// Reads the environment as it is now.
    pub fn new() -> Environment {
        Environment(())
    }

    /// The value of a variable; its name comes with an equals sign.
    #[inline(never)]
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        // SAFETY: `environ` is a list of C strings that ends in null (POSIX). Whoever changes it
        // while we read (`setenv`, `set_var`) breaks their own contract.
        unsafe {
            let mut list = ENVIRON.load(Ordering::Relaxed);
            while let Some(entry) = next_entry(list) {
                if let Some(value) = strip_name(entry, name) {
                    return Some(c_string(value));
                }
                list = list.add(1);
            }
        }
        None
    }
}

/// Takes a variable out of the environment; its name comes with an equals sign. To be called while
/// nobody else reads it.
pub fn forget(name: &[u8]) {
    // SAFETY: as in `Environment::get`; the list is memory of ours, from the kernel or from
    // `set_trace_id`.
    unsafe {
        let mut list = ENVIRON.load(Ordering::Relaxed);
        while let Some(entry) = next_entry(list) {
            if strip_name(entry, name).is_some() {
                let mut at = list;
                while !(*at).is_null() {
                    *at = *at.add(1);
                    at = at.add(1);
                }
            } else {
                list = list.add(1);
            }
        }
    }
}

/// The longest entry of an environment, in bytes (MAX_ARG_STRLEN, execve(2)).
const ENTRY_BYTES_MAX: usize = 128 * 1024;

/// The bytes of a C string. Bounded, because LLVM makes a call of strlen of a loop that is not.
///
/// # Safety
/// It is one, and nobody changes it while the bytes are in use.
pub(super) unsafe fn c_string<'a>(start: *const c_char) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: read to its NUL, and no further.
    unsafe {
        while length < ENTRY_BYTES_MAX && *start.add(length) != 0 {
            length += 1;
        }
        core::slice::from_raw_parts(start.cast(), length)
    }
}

/// The value in `NAME=value`, when it begins with that `name` (with its equals sign).
///
/// # Safety
/// `entry` is a C string.
pub(super) unsafe fn strip_name(entry: *const c_char, name: &[u8]) -> Option<*const c_char> {
    let mut at = entry;
    for &byte in name {
        // SAFETY: a C string is read to its end at most: its NUL differs from every name's byte.
        unsafe {
            if *at as u8 != byte {
                return None;
            }
            at = at.add(1);
        }
    }
    Some(at)
}

/// The name of the variable that holds the trace id of the event in hand.
const TRACE_NAME: &[u8] = b"_X_AMZN_TRACE_ID=";

/// Our copy of `environ`. Atomic because C reads it, not because threads share it.
static ENTRIES: [AtomicPtr<c_char>; ENVIRONMENT_MAX + 2] =
    [const { AtomicPtr::new(null_mut()) }; ENVIRONMENT_MAX + 2];

/// `_X_AMZN_TRACE_ID=...` and a NUL.
static TRACE_ENTRY: TraceEntry = TraceEntry(UnsafeCell::new([0; _]));
struct TraceEntry(UnsafeCell<[u8; TRACE_NAME.len() + TRACE_ID_BYTES_MAX + 1]>);

// SAFETY: one thread writes it, the one that took the regions of the runtime; who reads the
// environment meanwhile breaks the contract of `run_with`, as with setenv(3).
unsafe impl Sync for TraceEntry {}

/// Makes `_X_AMZN_TRACE_ID` hold the trace id of the event in hand, or be absent when that is empty
/// or too long.
///
/// `setenv` would bring in malloc (9 KB). So `environ` becomes a copy with one entry behind it that
/// is ours; `getenv`, `std::env::var` and children see it like any other. It is copied for each
/// event, mostly onto itself: the handler may have set and unset what it liked. An environment of
/// more than `ENVIRONMENT_MAX` entries is left as it is.
pub fn set_trace_id(id: &[u8]) {
    // SAFETY: `environ` is libc's own variable, and lives as long as the process.
    let environ = unsafe { &ENVIRON };
    let mut from = environ.load(Ordering::Relaxed);
    let mut places = &ENTRIES[..];
    while let Some(entry) = next_entry(from) {
        // SAFETY: a C string, as all of the environment.
        if unsafe { strip_name(entry, TRACE_NAME) }.is_none() {
            // Ours needs a place behind it, and the null.
            let Some((place, rest @ [_, _, ..])) = places.split_first() else {
                return;
            };
            place.store(entry, Ordering::Relaxed);
            places = rest;
        }
        from = from.wrapping_add(1);
    }
    if let Some((place, rest)) = places.split_first()
        && !id.is_empty()
        && id.len() <= TRACE_ID_BYTES_MAX
    {
        let entry = TRACE_ENTRY.0.get().cast::<u8>();
        // SAFETY: name, equals sign, id and NUL fit; nobody else holds the entry, see above.
        unsafe {
            copy_forwards(TRACE_NAME.as_ptr(), entry, TRACE_NAME.len());
            let value = entry.add(TRACE_NAME.len());
            copy_forwards(id.as_ptr(), value, id.len());
            *value.add(id.len()) = 0;
        }
        place.store(entry.cast(), Ordering::Relaxed);
        places = rest;
    }
    if let [place, ..] = places {
        place.store(null_mut(), Ordering::Relaxed);
    }
    environ.store(ENTRIES.as_ptr().cast_mut().cast(), Ordering::Relaxed);
}

/// An entry of a list that ends in null; `None` at its end.
pub(super) fn next_entry(list: *mut *mut c_char) -> Option<*mut c_char> {
    // SAFETY: null, or within such a list: who reads it stops at its end.
    let entry = unsafe { list.as_ref() }?;
    (!entry.is_null()).then_some(*entry)
}
