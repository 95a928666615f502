//! One call: a request on its way through a pool and an environment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::budget::Share;
use super::invocation::InvokeRequest;
use super::log::Status;
use super::outcome::{Outcome, TIMED_OUT};
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
        answered: Instant,
        duration: Duration,
        result: CallResult,
        /// The outcome, for a caller who gets it with the whole log.
        held: Option<Outcome>,
    },
}

/// What the log has of an outcome.
pub struct CallResult {
    pub error_type: Option<String>,
    /// The length of the response, if there is one.
    pub produced_bytes: Option<u64>,
}

impl CallResult {
    pub fn of(outcome: &Outcome) -> CallResult {
        let is_response = outcome.error_type.is_none();
        CallResult {
            error_type: outcome.error_type.clone(),
            produced_bytes: is_response.then_some(outcome.body.len() as u64),
        }
    }

    pub fn status(&self) -> Status<'_> {
        match self.error_type.as_deref() {
            None => Status::Success,
            Some(TIMED_OUT) => Status::Timeout,
            Some(error_type) => Status::Error(error_type),
        }
    }
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
