//! The loop of the local Lambda: the next submission, its outcome, its end, its REPORT line.
//!
//! One environment, so one event at a time, in the order in which they came; where it handles
//! several at once, as many of these loops.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::budget::Share;
use super::environment::{End, Environment};
use super::invocation::{Message, Outcome, Submission, TIMED_OUT};
use super::report;

/// How long a caller may take none of what it is sent before it gets no more: others wait.
const SLOW_CALLER_MAX: Duration = Duration::from_secs(5);

/// How often a full channel is tried.
const TRY_AGAIN: Duration = Duration::from_millis(5);

/// A submission and who waits for its outcome. The sender is dropped when all is over.
pub struct Job {
    pub submission: Arc<Submission>,
    pub reply: SyncSender<Message>,
    /// What it takes up of what callers may, until it is done.
    pub _shares: Vec<Share>,
}

/// Serves jobs until nobody can send any more.
pub fn serve(jobs: &Mutex<Receiver<Job>>, environment: &Environment) {
    loop {
        let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(job) = jobs.recv() else {
            return;
        };
        drop(jobs);
        run(&job, environment);
    }
}

fn run(job: &Job, environment: &Environment) {
    let Job {
        submission, reply, ..
    } = job;
    let settings = environment.settings();
    let id = &submission.request_id;
    let began = Instant::now();
    let offered = environment.offer(submission);
    report::start(id);
    let (error_type, end) = match offered {
        Ok(()) => {
            let handed = Instant::now();
            environment.release(id);
            let outcome = environment.outcome(id);
            let duration = handed.elapsed();
            let error_type = send_outcome(reply, outcome);
            if error_type.as_deref() == Some(TIMED_OUT) {
                report::timed_out(id, settings.timeout);
            }
            (error_type, environment.end(duration))
        }
        Err(failure) => {
            let outcome = Outcome::init_failure(id, failure, settings.init_timeout);
            let error_type = send_outcome(reply, outcome);
            (error_type, End::without_event(began.elapsed()))
        }
    };
    report::end(id, &end, settings.memory_mb, error_type.as_deref());
}

/// The caller may be gone; the event was handled all the same.
fn send_outcome(reply: &SyncSender<Message>, outcome: Outcome) -> Option<String> {
    let error_type = outcome.error_type.clone();
    send(reply, Message::Outcome(outcome), SLOW_CALLER_MAX);
    error_type
}

/// Sends to a caller, and waits no longer than this for one that is slow; whether it was sent.
pub fn send(reply: &SyncSender<Message>, mut message: Message, at_most: Duration) -> bool {
    let end = Instant::now() + at_most;
    loop {
        message = match reply.try_send(message) {
            Ok(()) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
            Err(TrySendError::Full(_)) if Instant::now() >= end => return false,
            Err(TrySendError::Full(message)) => message,
        };
        thread::sleep(TRY_AGAIN);
    }
}
