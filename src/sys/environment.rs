//! The environment of the process, and `_X_AMZN_TRACE_ID`, its one variable that changes per event.

use core::cell::UnsafeCell;
use core::ffi::c_char;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::copy_apart;
use crate::limits::{ENVIRONMENT_MAX, TRACE_ID_BYTES_MAX};

unsafe extern "C" {
    /// The environment, as getenv(3) and execve(2) use it (POSIX, `environ`).
    #[link_name = "environ"]
    pub(super) static ENVIRON: AtomicPtr<*mut c_char>;
}

/// A view of the environment; values borrow from it.
pub struct Environment(());

impl Environment {
    /// The current environment.
    pub fn new() -> Environment {
        Environment(())
    }

    /// The value of a variable; `name` ends in an equals sign.
    #[inline(never)]
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        // SAFETY: `environ` is a null-terminated list of C strings (POSIX). A program that changes
        // it meanwhile (`setenv`, `set_var`) violates the contract of those functions.
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

/// Removes a variable from the environment; `name` ends in an equals sign. No other thread may read
/// the environment meanwhile.
pub fn unset(name: &[u8]) {
    // SAFETY: as in `Environment::get`; the list is writable: it is on the initial stack, or that
    // of `set_trace_id`, or libc's.
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

/// The bytes of a C string. Bounded, because LLVM turns an unbounded loop into a call of strlen.
///
/// # Safety
/// `start` is a C string, which does not change while the bytes are borrowed.
pub(super) unsafe fn c_string<'a>(start: *const c_char) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: read up to its NUL.
    unsafe {
        while length < ENTRY_BYTES_MAX && *start.add(length) != 0 {
            length += 1;
        }
        core::slice::from_raw_parts(start.cast(), length)
    }
}

/// The value in `NAME=value`, if the entry begins with `name`, which includes the equals sign.
///
/// # Safety
/// `entry` is a C string.
pub(super) unsafe fn strip_name(entry: *const c_char, name: &[u8]) -> Option<*const c_char> {
    let mut at = entry;
    for &byte in name {
        // SAFETY: reads the C string up to its NUL, which differs from every byte of a name.
        unsafe {
            if *at as u8 != byte {
                return None;
            }
            at = at.add(1);
        }
    }
    Some(at)
}

/// The variable that holds the trace id of the current event.
const TRACE_NAME: &[u8] = b"_X_AMZN_TRACE_ID=";

/// Our copy of the list `environ`. Atomic because C code reads it, not because threads share it.
static OWN_ENVIRON: [AtomicPtr<c_char>; ENVIRONMENT_MAX + 2] =
    [const { AtomicPtr::new(null_mut()) }; ENVIRONMENT_MAX + 2];

/// `_X_AMZN_TRACE_ID=...` and a NUL.
static TRACE_ENTRY: TraceEntry = TraceEntry(UnsafeCell::new([0; _]));
struct TraceEntry(UnsafeCell<[u8; TRACE_NAME.len() + TRACE_ID_BYTES_MAX + 1]>);

// SAFETY: only the thread that serves events writes it; another thread that reads the environment
// meanwhile violates the contract of `run_with`, as with setenv(3).
unsafe impl Sync for TraceEntry {}

/// Sets `_X_AMZN_TRACE_ID` to the trace id of the current event; unsets it if `id` is empty or too
/// long.
///
/// `setenv` would link malloc (9 KB). So `environ` becomes a copy of the list, with an entry of
/// ours at its end; `getenv`, `std::env::var` and children see it like any other. The list is
/// copied at each event, usually onto itself: the handler may have set and unset variables. An
/// environment with more than `ENVIRONMENT_MAX` entries is left unchanged.
pub fn set_trace_id(id: &[u8]) {
    // SAFETY: `environ` is libc's own variable, and lives as long as the process.
    let environ = unsafe { &ENVIRON };
    let mut from = environ.load(Ordering::Relaxed);
    let mut places = &OWN_ENVIRON[..];
    while let Some(entry) = next_entry(from) {
        // SAFETY: entries of the environment are C strings.
        if unsafe { strip_name(entry, TRACE_NAME) }.is_none() {
            // Two places stay free: for our entry, and for the null.
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
        // SAFETY: name, equals sign, id and NUL fit; no other reference to the entry exists.
        unsafe {
            copy_apart(TRACE_NAME.as_ptr(), entry, TRACE_NAME.len());
            let value = entry.add(TRACE_NAME.len());
            copy_apart(id.as_ptr(), value, id.len());
            *value.add(id.len()) = 0;
        }
        place.store(entry.cast(), Ordering::Relaxed);
        places = rest;
    }
    if let [place, ..] = places {
        place.store(null_mut(), Ordering::Relaxed);
    }
    environ.store(OWN_ENVIRON.as_ptr().cast_mut().cast(), Ordering::Relaxed);
}

/// The first entry of a null-terminated list; `None` at its end.
pub(super) fn next_entry(list: *mut *mut c_char) -> Option<*mut c_char> {
    // SAFETY: null, or within such a list: callers stop at its end.
    let entry = unsafe { list.as_ref() }?;
    (!entry.is_null()).then_some(*entry)
}
