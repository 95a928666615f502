//! The types of the errors that processes report, interned: the type of a failure outlives its
//! event.

use crate::failure::{UNKNOWN_TYPE, is_metrics_type};
use crate::limits::ERROR_TYPE_POOL_BYTES;
use crate::sys::{self, TakeOnce};
use crate::wire::bytes_eq;

/// The most types that are interned.
const TYPES_MAX: usize = 32;

/// The types so far.
pub struct ErrorTypeInterner {
    known: [Option<&'static [u8]>; TYPES_MAX],
    free: Option<&'static mut [u8]>,
}

static POOL: TakeOnce<[u8; ERROR_TYPE_POOL_BYTES]> = TakeOnce::new([0; _]);

impl ErrorTypeInterner {
    /// No types.
    pub const fn new() -> ErrorTypeInterner {
        ErrorTypeInterner {
            known: [None; _],
            free: None,
        }
    }

    /// The type in the form that the platform's metrics count; a type of another form, or one that
    /// no memory is left for, is `Function.Unknown`.
    pub fn intern(&mut self, error_type: &[u8]) -> &'static [u8] {
        let interned = if is_metrics_type(error_type) {
            self.find_or_add(error_type)
        } else {
            None
        };
        interned.unwrap_or(UNKNOWN_TYPE)
    }

    fn find_or_add(&mut self, error_type: &[u8]) -> Option<&'static [u8]> {
        if let Some(pool) = POOL.take() {
            self.free = Some(pool);
        }
        for place in &mut self.known {
            match place {
                Some(known) if bytes_eq(known, error_type) => return Some(*known),
                Some(_) => {}
                None => {
                    let free = self.free.take()?;
                    let (interned, rest) = free.split_at_mut_checked(error_type.len())?;
                    sys::copy_prefix(interned, error_type);
                    self.free = Some(rest);
                    *place = Some(interned);
                    return *place;
                }
            }
        }
        None
    }
}
