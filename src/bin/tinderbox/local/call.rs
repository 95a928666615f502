//! One call: a request on its way through a pool and an environment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::budget::Share;
use super::invocation::InvokeRequest;
use super::slab::Key;

/// A call.
pub struct Call {
    pub request: Arc<InvokeRequest>,
    pub reply_to: ReplyTo,
    pub stage: Stage,
    /// When it was first offered to an environment, for this attempt.
    pub waiting_since: Instant,
    /// How often an asynchronous call has failed.
    pub failures: u32,
    /// Its shares of the memory budgets, held until it is done.
    _shares: Vec<Share>,
}

/// Where the outcome goes.
pub enum ReplyTo {
    /// To the caller on this connection, who may be gone.
    Caller(Key),
    /// To stdout.
    Stdout,
    /// It was answered when it was accepted.
    Nobody,
}

/// How far a call is.
pub enum Stage {
    /// No environment has accepted it.
    Waiting,
    /// A process has it since then.
    Running { released: Instant },
    /// It has its outcome, after this time; its process has not requested the next event.
    Ending {
        duration: Duration,
        error_type: Option<String>,
    },
}

impl Call {
    /// A call that no environment has accepted.
    pub fn new(request: Arc<InvokeRequest>, reply_to: ReplyTo, shares: Vec<Share>) -> Call {
        Call {
            waiting_since: request.received,
            request,
            reply_to,
            stage: Stage::Waiting,
            failures: 0,
            _shares: shares,
        }
    }
}
