//! Requests and retries of the feature `lambda-extras`: for a pool, and for a restored snapshot.

use super::{RuntimeApi, exit_refused, log_reply};
use crate::limits::{HAS_EXTRAS, REPLY_READ_BYTES_MAX, RESPAWN_MS_MIN, RETRY_MS_MAX};
use crate::message_reader::MessageReader;
use crate::sys;

/// The state that the feature `lambda-extras` adds to the client.
pub struct Extras {
    /// The last pause before a retry, in milliseconds; 0 after a reply.
    retry_ms: u64,
    /// A snapshot was restored: an error before the first event is an error of the restore.
    pub is_restored: bool,
}

impl Extras {
    /// No retries, not restored.
    pub const fn new() -> Extras {
        Extras {
            retry_ms: 0,
            is_restored: false,
        }
    }

    /// Makes the next pause the shortest again.
    pub fn reset_retry(&mut self) {
        self.retry_ms = 0;
    }
}

impl RuntimeApi {
    /// Sends a request other than an answer, and checks the reply.
    pub fn send_request(&mut self, reader: &mut MessageReader, request: &[u8]) {
        self.next_in_answer = false;
        let is_sent = self.send(request);
        self.read_reply(reader, is_sent);
    }

    /// Reads the reply to the request that the platform answers after a restore. `None`: the
    /// connection was lost, and the request has to be sent again. `Some(false)`: the server does
    /// not support snapshots.
    pub fn read_restored(&mut self, reader: &mut MessageReader) -> Option<bool> {
        if !reader.receive(&self.connection, REPLY_READ_BYTES_MAX) {
            self.on_disconnect(reader);
            return None;
        }
        match reader.head.status {
            200..=299 => self.extras.is_restored = true,
            404 => log_reply(reader),
            _ => exit_refused(reader),
        }
        // A connection from before the snapshot is dead after the restore.
        self.disconnect(reader);
        self.reset_backoff();
        Some(self.extras.is_restored)
    }

    /// Whether a retry is left: a worker of a pool has five, within about 3 seconds.
    pub(super) fn may_retry(&self) -> bool {
        HAS_EXTRAS && self.endpoint.is_pool && self.extras.retry_ms < RETRY_MS_MAX
    }

    /// Waits before a retry, each time twice as long.
    pub(super) fn wait_before_retry(&mut self) {
        self.extras.retry_ms = (self.extras.retry_ms * 2).max(RESPAWN_MS_MIN);
        sys::sleep(self.extras.retry_ms);
    }
}
