//! Counts the system calls of a candidate by stopping it at each (see `sys::trace`).
//!
//! The server polls its sockets after each call, while the process is stopped; so it knows which
//! call sent a request. An event is sent only when all processes are quiet: after the reply to the
//! previous answer was read, as on Lambda, not together with it. If the kernel delivers data a
//! moment later, or other threads run, a count can be off by a few: the result is the median of
//! several starts and events.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::candidate::Candidate;
use super::process::{Config, Process, ProcessError};
use super::results::SystemCalls;
use crate::process::kill_descendants;
use crate::statistics::Sample;
use crate::sys::launch::Tracing;
use crate::sys::trace::{self, Stop};

/// The number of starts and of answers of each; fewer if that takes longer than `TIME_MAX`.
const STARTS_MAX: usize = 3;
const ANSWERS_MAX: usize = 21;
const TIME_MAX: Duration = Duration::from_secs(2);

/// Two answers have one interval between them, three have a median.
const ANSWERS_MIN: usize = 3;

/// A process without a system call for this time is waiting. (A program that never waits gets the
/// next event after `MAX_WAIT_FOR_QUIET`.)
const QUIET_PERIOD: Duration = Duration::from_millis(3);
const MAX_WAIT_FOR_QUIET: Duration = Duration::from_millis(200);

/// The counts of one traced start.
#[derive(Default)]
struct Count {
    calls: u64,
    before_next: Option<u64>,
    /// The count at each answer.
    at_answers: Vec<u64>,
    /// Known processes and threads; a new one begins with a stop.
    known: Vec<u32>,
}

/// Counts; the error is the reason why that is impossible.
pub fn count(
    candidate: &Candidate,
    config: &Config,
    sigchld: &File,
) -> Result<SystemCalls, String> {
    let (mut before_next, mut between) = (Vec::new(), Vec::new());
    let started = Instant::now();
    for start in 0..STARTS_MAX {
        if start > 0 && started.elapsed() > TIME_MAX {
            break;
        }
        let count = trace_one(candidate, config, sigchld);
        kill_descendants();
        let count = count?;
        before_next.extend(count.before_next.map(|calls| calls as f64));
        let pairs = count.at_answers.windows(2);
        between.extend(pairs.map(|pair| (pair[1] - pair[0]) as f64));
    }
    let before_next = Sample::new(before_next).median();
    Ok(SystemCalls {
        before_next: before_next.ok_or("the bootstrap requested no event while it was traced")?,
        per_invocation: Sample::new(between).median(),
    })
}

fn trace_one(candidate: &Candidate, config: &Config, sigchld: &File) -> Result<Count, String> {
    let mut process = Process::start(candidate, config, None, Tracing::On).map_err(|error| {
        let (ProcessError::CannotStart(text) | ProcessError::Failed(text)) = error;
        format!("cannot start the bootstrap under ptrace: {text}")
    })?;
    let cannot_trace = |error| format!("ptrace failed: {error}");
    trace::begin(process.pid).map_err(cannot_trace)?;
    let mut count = Count::default();
    count.known.push(process.pid);
    let (mut last_stop, mut last_event) = (Instant::now(), Instant::now());
    let started = Instant::now();
    while !count.is_complete(started) && last_stop.elapsed() < config.timeout {
        while let Some(stop) = trace::next().map_err(cannot_trace)? {
            last_stop = Instant::now();
            if count.handle_stop(stop, &mut process) {
                return Ok(count);
            }
            if last_event.elapsed() > MAX_WAIT_FOR_QUIET || count.is_complete(started) {
                break;
            }
        }
        process
            .server
            .poll_once(QUIET_PERIOD, Some(sigchld.as_raw_fd()));
        let _ = (&*sigchld).read(&mut [0; 128]); // one signal may report any number of stops
        count.observe(&mut process);
        let is_quiet = last_stop.elapsed() >= QUIET_PERIOD;
        let may_send = is_quiet || last_event.elapsed() > MAX_WAIT_FOR_QUIET;
        if may_send && process.server.has_waiting_next() && process.server.send_event().is_some() {
            (last_stop, last_event) = (Instant::now(), Instant::now());
        }
    }
    Ok(count)
}

impl Count {
    fn is_complete(&self, started: Instant) -> bool {
        let answers = self.at_answers.len();
        answers >= ANSWERS_MAX || answers >= ANSWERS_MIN && started.elapsed() > TIME_MAX
    }

    /// Counts a stop and resumes the process; true if the bootstrap itself has exited.
    fn handle_stop(&mut self, stop: Stop, process: &mut Process<'_>) -> bool {
        let (pid, signal) = match stop {
            Stop::Entry(pid) => {
                self.calls += 1;
                (pid, 0)
            }
            Stop::Exit(pid) => {
                process.server.poll_once(Duration::ZERO, None);
                self.observe(process);
                (pid, 0)
            }
            Stop::Other(pid, signal) => {
                let is_new = !self.known.contains(&pid);
                if is_new {
                    self.known.push(pid);
                }
                (pid, if is_new { 0 } else { signal })
            }
            Stop::Exited(pid, status) => {
                if pid == process.pid {
                    process.status = Some(status);
                }
                return pid == process.pid;
            }
        };
        // It may have been killed meanwhile; then its next stop is its exit.
        let _ = trace::resume(pid, signal);
        false
    }

    /// Records the requests that the server has received since.
    fn observe(&mut self, process: &mut Process<'_>) {
        let session = &mut process.server.session;
        if self.before_next.is_none() && session.first_next.is_some() {
            self.before_next = Some(self.calls);
        }
        if session.take_answer().is_some() {
            self.at_answers.push(self.calls);
        }
    }
}
