//! The ids of the current event, as records have them.

/// Without std there is one thread, so the ids are those of the Runtime API that a panic report
/// would use: no program pays for a copy.
#[cfg(not(feature = "std"))]
mod of_process {
    use crate::runtime_api::RuntimeApi;
    use crate::session;

    /// The ids are where they are.
    pub fn set_event_ids(_: &RuntimeApi) {}

    /// See `set_event_ids`.
    pub fn clear_event_ids() {}

    /// Calls `use_ids` with the id of the request and of the tenant; both are empty where there is
    /// no event.
    pub fn with_event_ids(use_ids: impl FnOnce(&[u8], &[u8])) {
        session::with_lent(|session| {
            use_ids(
                session.api.request_id.as_bytes(),
                session.api.tenant_id.as_bytes(),
            );
        });
    }
}

/// With std, another thread may stream the response at the same time, and has the Runtime API for
/// that. So the thread that handles events has a copy of the ids.
#[cfg(feature = "std")]
mod of_thread {
    use alloc::vec::Vec;
    use core::cell::RefCell;

    use crate::runtime_api::RuntimeApi;

    std::thread_local! {
        /// The ids of request and tenant; empty in all threads but the one that handles events.
        static EVENT_IDS: RefCell<[Vec<u8>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
    }

    /// Makes the ids of the event that this thread will handle those of its records.
    pub fn set_event_ids(api: &RuntimeApi) {
        EVENT_IDS.with_borrow_mut(|[request_id, tenant_id]| {
            request_id.clear();
            request_id.extend_from_slice(api.request_id.as_bytes());
            tenant_id.clear();
            tenant_id.extend_from_slice(api.tenant_id.as_bytes());
        });
    }

    /// Clears the ids: the event was handled.
    pub fn clear_event_ids() {
        EVENT_IDS.with_borrow_mut(|ids| ids.iter_mut().for_each(Vec::clear));
    }

    /// Calls `use_ids` with the id of the request and of the tenant; both are empty where this
    /// thread handles no event.
    pub fn with_event_ids(use_ids: impl FnOnce(&[u8], &[u8])) {
        // A thread that ends may log when its own variables are gone.
        let _ = EVENT_IDS.try_with(|ids| {
            if let Ok(ids) = ids.try_borrow() {
                let [request_id, tenant_id] = &*ids;
                use_ids(request_id, tenant_id);
            }
        });
    }
}

#[cfg(not(feature = "std"))]
pub use of_process::{clear_event_ids, set_event_ids, with_event_ids};
#[cfg(feature = "std")]
pub use of_thread::{clear_event_ids, set_event_ids, with_event_ids};
