//! Calls that only the feature `platform` makes: those of a pool, and of a restored snapshot.

use super::{RuntimeApi, exit_refused, log_reply};
use crate::connection::MessageReader;
use crate::failure::Failure;
use crate::limits::{REPLY_READ_BYTES_MAX, RESPAWN_MS_MIN, WORKER_MESSAGE_BYTES_MAX};
use crate::response::Response;
use crate::sys::{self, Descriptor};

const LONG: &Result<(), Failure> = &Err(Failure::fixed(
    "Runtime.InitError",
    "init failed with more than 64 KB to say",
));

/// A worker's ends of what it shares with its parent.
pub struct WorkerLink {
    /// What it says.
    pub status: Descriptor,
    /// Readable when all are ready.
    pub go: Descriptor,
}

impl RuntimeApi {
    /// In a worker of a pool: the parent tells what went wrong, once for all.
    pub(super) fn send_init_error_to_parent(
        &self,
        seat: &WorkerLink,
        response: &mut Response,
        outcome: &Result<(), Failure>,
    ) {
        let mut request = self.write_answer(response, outcome).bytes();
        if request.len() > WORKER_MESSAGE_BYTES_MAX {
            request = self.write_answer(response, LONG).bytes();
        }
        seat.status.send(request);
    }

    /// Sends a request that is no answer to an event, and judges the reply.
    pub fn send_request(&mut self, inbox: &mut MessageReader, request: &[u8]) {
        self.endpoint.pipeline = false;
        let sent = self.send(request);
        self.settle(inbox, sent);
    }

    /// Waits until a snapshot was taken and restored. False: the server knows nothing of any.
    pub fn wait_for_restore(&mut self, inbox: &mut MessageReader, request: &[u8]) -> bool {
        loop {
            self.send(request);
            if let Some(wait) = self.wait {
                wait(&self.connection);
            }
            if inbox.receive(&self.connection, REPLY_READ_BYTES_MAX) {
                break;
            }
            self.lose(inbox);
        }
        match inbox.head.status {
            200..=299 => self.restored = true,
            404 => log_reply(inbox),
            _ => exit_refused(inbox),
        }
        // What was connected before is connected to nothing now.
        self.disconnect(inbox);
        self.reset_backoff();
        self.restored
    }

    /// Waits before another try, ever longer.
    pub(super) fn retry(&mut self) {
        self.retry_ms = (self.retry_ms * 2).max(RESPAWN_MS_MIN);
        sys::sleep(self.retry_ms);
    }
}
