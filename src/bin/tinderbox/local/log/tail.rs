//! The end of a log.

/// API reference, "Invoke": `X-Amz-Log-Result` has the last 4 KB of the execution log.
pub const TAIL_BYTES: usize = 4096;

/// The last bytes of what was pushed.
#[derive(Default)]
pub struct Tail {
    bytes: Vec<u8>,
}

impl Tail {
    /// Appends bytes; earlier ones are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        let last = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        if self.bytes.len() + last.len() > 2 * TAIL_BYTES {
            let excess = (self.bytes.len() + last.len() - TAIL_BYTES).min(self.bytes.len());
            self.bytes.drain(..excess);
        }
        self.bytes.extend_from_slice(last);
    }

    /// The last bytes, at most `TAIL_BYTES`.
    #[allow(dead_code)] // for the Invoke API's X-Amz-Log-Result
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(TAIL_BYTES)..]
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
    }
}
