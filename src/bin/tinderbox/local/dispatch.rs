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
use super::log_lines;
use super::outcome::{EXITED, OUT_OF_MEMORY, Outcome, TIMED_OUT};

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
    log_lines::start(id);
    let (mut error_type, mut end) = match offered {
        Ok(()) => {
            let released = Instant::now();
            environment.release(id);
            let outcome = environment.wait_for_outcome(id);
            let duration = released.elapsed();
            let error_type = send_outcome(reply, outcome);
            if error_type.as_deref() == Some(TIMED_OUT) {
                log_lines::timed_out(id, settings.timeout);
            }
            (error_type, environment.wait_for_end(duration))
        }
        Err(failure) => {
            let outcome = Outcome::init_failure(id, failure, settings.init_timeout);
            let error_type = send_outcome(reply, outcome);
            (error_type, End::without_event(started.elapsed()))
        }
    };
    let is_exit = error_type.as_deref() == Some(EXITED);
    if environment.take_out_of_memory() && is_exit {
        end.peak_kib = Some(u64::from(settings.memory_mb) << 10);
        error_type = Some(OUT_OF_MEMORY.to_string());
    }
    log_lines::end(id, &end, settings.memory_mb, error_type.as_deref());
}

/// Sends the outcome to the caller, who may be gone; the error type of the outcome.
fn send_outcome(reply: &SyncSender<Message>, outcome: Outcome) -> Option<String> {
    let error_type = outcome.error_type.clone();
    send(reply, Message::Outcome(outcome), SLOW_CALLER_TIMEOUT);
    error_type
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
