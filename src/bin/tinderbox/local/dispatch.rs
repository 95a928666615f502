//! The dispatcher: takes an invoke request, waits for its outcome and its end, writes its REPORT
//! line.
//!
//! One environment handles one event at a time, in the order of arrival; with concurrency there are
//! as many of these loops as concurrent events.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::budget::Share;
use super::environment::{End, Environment};
use super::invocation::{InvokeRequest, Message};
use super::log::{Record, Status, Usage};
use super::outcome::{InitFailure, Outcome, TIMED_OUT};

/// How long a caller may read nothing before it gets nothing more: other callers wait.
const SLOW_CALLER_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a send to a full channel is retried.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// An invoke request and where its outcome goes. The sender is dropped after the REPORT line.
pub struct Job {
    pub request: Arc<InvokeRequest>,
    pub reply: SyncSender<Message>,
    /// Its shares of the memory budgets, held until the job is done.
    pub _shares: Vec<Share>,
}

/// Handles jobs until all senders are gone.
pub fn serve(jobs: &Mutex<Receiver<Job>>, environment: &Environment) {
    loop {
        let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(job) = jobs.recv() else {
            return;
        };
        drop(jobs);
        handle(&job, environment);
    }
}

fn handle(job: &Job, environment: &Environment) {
    let Job { request, reply, .. } = job;
    let settings = environment.settings();
    let id = &request.id;
    let started = Instant::now();
    let offered = environment.offer(request);
    environment.log_init();
    if let Err(failure) = &offered {
        log_init_failure(failure, started.elapsed(), environment);
    }
    environment.log(&Record::Start { id, attempt: None });
    let (result, end) = match offered {
        Ok(()) => {
            let released = Instant::now();
            environment.release(id);
            let outcome = environment.wait_for_outcome(id);
            let duration = released.elapsed();
            let result = send_outcome(reply, outcome, id, environment);
            if result.status() == Status::Timeout {
                let timeout = settings.timeout;
                environment.log(&Record::TimedOut { id, timeout });
            }
            (result, environment.wait_for_end(duration))
        }
        Err(failure) => {
            let outcome = Outcome::init_failure(id, failure, settings.init_timeout);
            let result = send_outcome(reply, outcome, id, environment);
            (result, End::without_event(started.elapsed()))
        }
    };
    let status = result.status();
    environment.log(&Record::RuntimeDone {
        id,
        status,
        duration: end.duration,
        produced_bytes: result.produced_bytes,
    });
    environment.log(&Record::End { id });
    let usage = Usage {
        duration: end.duration,
        init: end.init,
        restore: end.restore,
        peak_kib: end.peak_kib,
    };
    environment.log(&Record::Report { id, status, usage });
}

fn log_init_failure(failure: &InitFailure, duration: Duration, environment: &Environment) {
    let status = match failure {
        InitFailure::Posted(outcome) => Status::Error(outcome.error_type.as_deref().unwrap_or("")),
        InitFailure::Exited(_) => Status::Error("Runtime.ExitError"),
        InitFailure::NotStarted(_) => Status::Error("Runtime.InvalidEntrypoint"),
        InitFailure::TimedOut => Status::Timeout,
        InitFailure::Unavailable => return, // no process was started
    };
    environment.log_init_end(status, duration);
}

/// What the log has of an outcome.
struct InvocationResult {
    error_type: Option<String>,
    produced_bytes: Option<u64>,
}

impl InvocationResult {
    fn status(&self) -> Status<'_> {
        match self.error_type.as_deref() {
            None => Status::Success,
            Some(TIMED_OUT) => Status::Timeout,
            Some(error_type) => Status::Error(error_type),
        }
    }
}

/// Sends the outcome to the caller, who may be gone, and logs Lambda's message about an exit.
fn send_outcome(
    reply: &SyncSender<Message>,
    outcome: Outcome,
    id: &str,
    environment: &Environment,
) -> InvocationResult {
    let error_type = outcome.error_type.clone();
    let produced_bytes = error_type.is_none().then_some(outcome.body.len() as u64);
    let message = outcome.platform_message(id);
    send(reply, Message::Outcome(outcome), SLOW_CALLER_TIMEOUT);
    if let (Some(error_type), Some(message)) = (&error_type, &message) {
        environment.log(&Record::Failed {
            error_type,
            message,
        });
    }
    InvocationResult {
        error_type,
        produced_bytes,
    }
}

/// Sends a message to a caller; false if the caller is gone, or did not read before the timeout.
pub fn send(reply: &SyncSender<Message>, mut message: Message, timeout: Duration) -> bool {
    let end = Instant::now() + timeout;
    loop {
        message = match reply.try_send(message) {
            Ok(()) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
            Err(TrySendError::Full(_)) if Instant::now() >= end => return false,
            Err(TrySendError::Full(message)) => message,
        };
        thread::sleep(RETRY_INTERVAL);
    }
}
