//! The pipe that a program or a shell function writes its response to.

use crate::failure::Failure;
use crate::limits::DRAIN_READS;
use crate::response::Response;
use crate::sys::Descriptor;
use crate::sys::ipc::{TryRead, try_read};

/// The end to read from, until end of file.
pub struct ResponsePipe(pub Option<Descriptor>);

/// The response is too long, or cannot be read: it has that as its error already.
pub struct ResponseFailed;

impl ResponsePipe {
    /// Reads available bytes into the response, without waiting. Returns their number.
    pub fn read_available(&mut self, response: &mut Response) -> Result<usize, ResponseFailed> {
        let Some(from) = &self.0 else {
            return Ok(0);
        };
        let mut outcome = TryRead::Nothing;
        let bytes = response.read_from(&mut |free| {
            outcome = try_read(from, free);
            match outcome {
                TryRead::Data(bytes) => bytes,
                _ => 0,
            }
        });
        match outcome {
            TryRead::Data(_) | TryRead::Nothing => {}
            TryRead::End => self.0 = None,
            TryRead::Failed => {
                self.0 = None;
                response.force_error(CANNOT_READ);
                return Err(ResponseFailed);
            }
        }
        bytes.ok_or(ResponseFailed)
    }

    /// Reads all that is there, without waiting: as much as a pipe holds.
    pub fn drain(&mut self, response: &mut Response) {
        for _ in 0..DRAIN_READS {
            if !matches!(self.read_available(response), Ok(1..)) {
                break;
            }
        }
    }
}

/// A response that was read only in part is discarded.
const CANNOT_READ: &Failure = &Failure::fixed(
    "Runtime.ReadError",
    "the response cannot be read from its pipe",
);
