//! Limits on the memory that callers can make the tool use: a number of items and their bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A budget of bytes and items.
pub struct Budget {
    bytes_max: usize,
    count_max: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    bytes: usize,
    count: usize,
}

/// One item's share of a budget, returned on drop.
pub struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// An unused budget.
    pub fn new(bytes_max: usize, count_max: usize) -> Arc<Budget> {
        Arc::new(Budget {
            bytes_max,
            count_max,
            used: Mutex::default(),
        })
    }

    /// Reserves a share for one item of the given number of bytes; `None` if that exceeds the
    /// budget.
    pub fn reserve(self: &Arc<Budget>, bytes: usize) -> Option<Share> {
        let mut used = self.lock();
        let (all_bytes, count) = (used.bytes.checked_add(bytes)?, used.count + 1);
        if all_bytes > self.bytes_max || count > self.count_max {
            return None;
        }
        (used.bytes, used.count) = (all_bytes, count);
        drop(used);
        let budget = self.clone();
        Some(Share { budget, bytes })
    }

    fn lock(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Returns the part of the share above this size.
    pub fn shrink_to(&mut self, bytes: usize) {
        let unused = self.bytes.saturating_sub(bytes);
        self.budget.lock().bytes -= unused;
        self.bytes -= unused;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut used = self.budget.lock();
        used.bytes -= self.bytes;
        used.count -= 1;
    }
}
