//! Who decides the exit status when the one event's answer and a stop signal come together.

use std::sync::{Mutex, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a signal waits for an answer that is being printed: its reader may be stuck.
const PATIENCE: Duration = Duration::from_secs(1);

/// The exit status, once it is decided. The first decision stands.
#[derive(Default)]
pub struct Exit(Mutex<Option<i32>>);

impl Exit {
    /// The answer is here: `print` shows it and decides. Never returns when a signal was first.
    pub fn by_answer(&self, print: impl FnOnce() -> i32) -> i32 {
        let mut decided = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if decided.is_some() {
            drop(decided);
            loop {
                thread::park(); // whoever decided ends the process
            }
        }
        *decided.insert(print())
    }

    /// A signal is here: `code` is the decision unless there is one.
    pub fn by_signal(&self, code: i32) -> i32 {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.0.try_lock() {
                Ok(mut decided) => return *decided.get_or_insert(code),
                Err(TryLockError::Poisoned(_)) => return code,
                Err(TryLockError::WouldBlock) if Instant::now() > end => return code,
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}
