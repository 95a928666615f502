//! The exit status when the one event's answer and a stop signal arrive together.

use std::sync::{Mutex, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a signal waits for an answer that is being printed: the reader of stdout may be stuck.
const PRINT_GRACE: Duration = Duration::from_secs(1);
const RETRY_INTERVAL: Duration = Duration::from_millis(1);

/// The exit status, once it is decided. The first decision stands.
#[derive(Default)]
pub struct ExitDecision(Mutex<Option<i32>>);

impl ExitDecision {
    /// The answer has arrived: `print` prints it and returns the status. Never returns if a signal
    /// was first.
    pub fn decide_by_answer(&self, print: impl FnOnce() -> i32) -> i32 {
        let mut decided = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if decided.is_some() {
            drop(decided);
            loop {
                thread::park(); // the thread that decided ends the process
            }
        }
        *decided.insert(print())
    }

    /// A signal has arrived: `status` is the decision, unless there is one.
    pub fn decide_by_signal(&self, status: i32) -> i32 {
        let end = Instant::now() + PRINT_GRACE;
        loop {
            match self.0.try_lock() {
                Ok(mut decided) => return *decided.get_or_insert(status),
                Err(TryLockError::Poisoned(_)) => return status,
                Err(TryLockError::WouldBlock) if Instant::now() > end => return status,
                Err(TryLockError::WouldBlock) => thread::sleep(RETRY_INTERVAL),
            }
        }
    }
}
