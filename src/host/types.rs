//! The types of errors that children name, kept for good: a failure's type outlives its event.

use crate::failure::{UNKNOWN_TYPE, is_metrics_type};
use crate::limits::ERROR_TYPE_POOL_BYTES;
use crate::sys::{self, TakeOnce};
use crate::wire::equal;

/// So many are told apart.
const TYPES_MAX: usize = 32;

/// Those that were named so far. All zeros when it is new, so that it costs nothing in the file.
pub struct ErrorTypeInterner {
    known: [Option<&'static [u8]>; TYPES_MAX],
    free: Option<&'static mut [u8]>,
}

static ROOM: TakeOnce<[u8; ERROR_TYPE_POOL_BYTES]> = TakeOnce::new([0; _]);

impl ErrorTypeInterner {
    /// None yet.
    pub const fn new() -> ErrorTypeInterner {
        ErrorTypeInterner {
            known: [None; _],
            free: None,
        }
    }

    /// A type as the platform's metrics know it; one of another form, or one too many, is unknown.
    pub fn keep(&mut self, error_type: &[u8]) -> &'static [u8] {
        let kept = if is_metrics_type(error_type) {
            self.find(error_type)
        } else {
            None
        };
        kept.unwrap_or(UNKNOWN_TYPE)
    }

    fn find(&mut self, error_type: &[u8]) -> Option<&'static [u8]> {
        if let Some(room) = ROOM.take() {
            self.free = Some(room);
        }
        for place in &mut self.known {
            match place {
                Some(known) if equal(known, error_type) => return Some(*known),
                Some(_) => {}
                None => {
                    let free = self.free.take()?;
                    let (kept, rest) = free.split_at_mut_checked(error_type.len())?;
                    sys::copy(kept, error_type);
                    self.free = Some(rest);
                    *place = Some(kept);
                    return *place;
                }
            }
        }
        None
    }
}
