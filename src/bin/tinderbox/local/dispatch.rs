//! The loop of the local Lambda: the next submission, its outcome, its end, its REPORT line.
//!
//! One environment, so one event at a time, in the order in which they came; where it handles
//! several at once, as many of these loops.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::environment::{End, Environment};
use super::invocation::{Message, Outcome, Submission, TIMED_OUT};
use super::report;

/// A submission and who waits for its outcome. The sender is dropped when all is over.
pub struct Job {
    pub submission: Arc<Submission>,
    pub reply: SyncSender<Message>,
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
    let Job { submission, reply } = job;
    let settings = environment.settings();
    let id = &submission.request_id;
    let began = Instant::now();
    let ready = environment.wait_until_ready(submission.submitted);
    report::start(id);
    let (error_type, end) = match ready {
        Ok(()) if settings.concurrency.is_some() => {
            let (outcome, end) = environment.handle(submission.clone());
            let error_type = send(reply, outcome);
            if error_type.as_deref() == Some(TIMED_OUT) {
                report::timed_out(id, settings.timeout);
            }
            (error_type, end)
        }
        Ok(()) => {
            environment.deliver(submission.clone());
            let error_type = send(reply, environment.wait_for_outcome());
            if error_type.as_deref() == Some(TIMED_OUT) {
                report::timed_out(id, settings.timeout);
            }
            (error_type, environment.wait_for_end())
        }
        Err(failure) => {
            let outcome = Outcome::init_failure(id, failure, settings.init_timeout);
            (send(reply, outcome), End::without_event(began.elapsed()))
        }
    };
    report::end(id, &end, settings.memory_mb, error_type.as_deref());
}

/// The caller may be gone; the event was handled all the same.
fn send(reply: &SyncSender<Message>, outcome: Outcome) -> Option<String> {
    let error_type = outcome.error_type.clone();
    let _ = reply.send(Message::Outcome(outcome));
    error_type
}
