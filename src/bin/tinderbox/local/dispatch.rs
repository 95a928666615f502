//! The loop of the local Lambda: the next submission, its outcome, its end, its REPORT line.
//!
//! One environment, so one event at a time, in the order in which they came.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use super::environment::{End, Environment};
use super::invocation::{Outcome, Submission, TIMED_OUT};
use super::report;

/// A submission and who waits for its outcome. The sender is dropped when all is over.
pub struct Job {
    pub submission: Arc<Submission>,
    pub reply: Sender<Outcome>,
}

/// Serves jobs until nobody can send any more.
pub fn serve(jobs: &Receiver<Job>, environment: &Environment) {
    for job in jobs {
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
fn send(reply: &Sender<Outcome>, outcome: Outcome) -> Option<String> {
    let error_type = outcome.error_type.clone();
    let _ = reply.send(outcome);
    error_type
}
