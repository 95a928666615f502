//! Waiting for several descriptors (poll(2)).

use std::os::fd::RawFd;
use std::time::Duration;

/// What a descriptor is polled for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    Read,
    ReadOrWrite,
}

/// A set of descriptors to wait for; its memory is reused.
#[derive(Default)]
pub struct Poller(Vec<libc::pollfd>);

impl Poller {
    /// Removes all descriptors.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a descriptor.
    pub fn push(&mut self, fd: RawFd, interest: Interest) {
        let events = match interest {
            Interest::Read => libc::POLLIN,
            Interest::ReadOrWrite => libc::POLLIN | libc::POLLOUT,
        };
        self.0.push(libc::pollfd {
            fd,
            events,
            revents: 0,
        });
    }

    /// Waits until a descriptor is ready; false after the timeout or a signal.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let count = self.0.len() as libc::nfds_t;
        // SAFETY: the pointer and the count are those of the vector.
        unsafe { libc::poll(self.0.as_mut_ptr(), count, timeout_ms) > 0 }
    }

    /// Whether the descriptor that was pushed at this index is ready or closed by its peer.
    pub fn is_ready(&self, index: usize) -> bool {
        self.0.get(index).is_some_and(|polled| polled.revents != 0)
    }
}
