//! Pauses that grow.

use super::calls::call2;
use crate::limits::{PAUSE_NS_MAX, PAUSE_NS_MIN};

/// A pause that is longer each time: none, then 1 ms, 3 ms, and so on up to [`PAUSE_NS_MAX`].
pub struct Pause(libc::timespec);

impl Pause {
    /// The first one is none.
    pub const fn new() -> Pause {
        Pause(libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        })
    }

    /// The next one is none again.
    pub fn reset(&mut self) {
        self.0.tv_nsec = 0;
    }

    /// Does nothing for that time, or until a signal.
    pub fn wait(&mut self) {
        // SAFETY: the time is valid; what was left of it is not asked for.
        unsafe { call2(libc::SYS_nanosleep, &raw const self.0 as usize, 0) };
        self.0.tv_nsec = (2 * self.0.tv_nsec + PAUSE_NS_MIN) & PAUSE_NS_MAX;
    }
}
