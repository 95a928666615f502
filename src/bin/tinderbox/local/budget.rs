//! What callers may have the tool keep in memory at once: so many things of so many bytes in all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A budget.
pub struct Budget {
    bytes_max: usize,
    count_max: usize,
    spent: Mutex<(usize, usize)>,
}

/// A part of a budget, until it is dropped.
pub struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// A budget of which nothing is spent.
    pub fn new(bytes_max: usize, count_max: usize) -> Arc<Budget> {
        Arc::new(Budget {
            bytes_max,
            count_max,
            spent: Mutex::default(),
        })
    }

    /// A share for one thing of so many bytes; `None` when that is more than is left.
    pub fn share(self: &Arc<Budget>, bytes: usize) -> Option<Share> {
        let mut spent = self.lock();
        let (all_bytes, count) = (spent.0.checked_add(bytes)?, spent.1 + 1);
        if all_bytes > self.bytes_max || count > self.count_max {
            return None;
        }
        *spent = (all_bytes, count);
        drop(spent);
        let budget = self.clone();
        Some(Share { budget, bytes })
    }

    fn lock(&self) -> MutexGuard<'_, (usize, usize)> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// The thing turned out to be no larger than this.
    pub fn shrink_to(&mut self, bytes: usize) {
        let unused = self.bytes.saturating_sub(bytes);
        self.budget.lock().0 -= unused;
        self.bytes -= unused;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut spent = self.budget.lock();
        spent.0 -= self.bytes;
        spent.1 -= 1;
    }
}
