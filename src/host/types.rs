//! The types of errors that children name, kept for good: a failure's type outlives its event.

use crate::failure::is_counted;
use crate::limits::TYPES_BYTES;
use crate::sys::{self, Region};
use crate::wire::equal;

/// So many are told apart.
const TYPES_MAX: usize = 32;

static ROOM: Region<[u8; TYPES_BYTES]> = Region::new([0; _]);

/// Those that were named so far.
pub struct Types {
    known: [&'static [u8]; TYPES_MAX],
    free: &'static mut [u8],
}

impl Types {
    /// None yet.
    pub fn new() -> Types {
        Types {
            known: [b""; _],
            free: ROOM.take().map_or(&mut [], |room| room),
        }
    }

    /// A type as the platform's metrics know it; `None` when they know it not, or when there are
    /// too many.
    pub fn keep(&mut self, error_type: &[u8]) -> Option<&'static [u8]> {
        if !is_counted(error_type) {
            return None;
        }
        for known in &mut self.known {
            if equal(known, error_type) {
                return Some(*known);
            }
            if known.is_empty() {
                if self.free.len() < error_type.len() {
                    return None;
                }
                let free = core::mem::take(&mut self.free);
                let (place, rest) = free.split_at_mut_checked(error_type.len())?;
                sys::copy(place, error_type);
                self.free = rest;
                *known = place;
                return Some(*known);
            }
        }
        None
    }
}
