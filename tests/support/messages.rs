//! Parts of the runtime's log lines that several tests look for.

/// The shutdown extension could not be registered.
pub const SHUTDOWN_NOT_REGISTERED: &str = "cannot register the extension for on_shutdown";

/// A worker could not be forked (EAGAIN).
pub const FORK_FAILED: &str = "cannot fork a worker, will retry: errno 11";
