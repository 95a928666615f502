//! A backoff.

use super::calls::syscall2;
use crate::limits::{PAUSE_NS_MAX, PAUSE_NS_MIN};

/// An exponential backoff: no pause, then 1 ms, 3 ms, and so on up to [`PAUSE_NS_MAX`].
pub struct Pause(libc::timespec);

impl Pause {
    /// The first pause is zero.
    pub const fn new() -> Pause {
        Pause(libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        })
    }

    /// Makes the next pause zero again.
    pub fn reset(&mut self) {
        self.0.tv_nsec = 0;
    }

    /// Sleeps for the pause, or until a signal, and lengthens the next one.
    pub fn wait(&mut self) {
        // SAFETY: the time is valid; the remaining time is not requested.
        unsafe { syscall2(libc::SYS_nanosleep, &raw const self.0 as usize, 0) };
        self.0.tv_nsec = (2 * self.0.tv_nsec + PAUSE_NS_MIN) & PAUSE_NS_MAX;
    }
}
