//! System calls of a candidate, counted by stopping at each (see `sys::trace`).
//!
//! The server looks at its sockets whenever a call is done, while the process stands still; so it
//! is known with which call a request was out. An event is sent only when nothing moves any more:
//! behind the reply to the last answer, as on Lambda, not together with it. Where the kernel hands
//! data over a moment later, or other threads run on, a count can be off by a few: the median of
//! several starts and events is told.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::candidate::Candidate;
use super::figures::Calls;
use super::process::{Process, Trouble, Work};
use super::statistics::Sample;
use crate::local::process::kill_strays;
use crate::sys::trace::{self, Stop};

/// At most; for what makes thousands of calls an event, as many as there is time for.
const STARTS: usize = 3;
const ANSWERS: usize = 21;
const TIME: Duration = Duration::from_secs(2);

/// At least: two answers have one distance between them, three a median.
const ANSWERS_MIN: usize = 3;

/// For so long nothing has made a call: it waits. (A program that never rests is not waited for
/// longer than `RESTLESS`.)
const REST: Duration = Duration::from_millis(3);
const RESTLESS: Duration = Duration::from_millis(200);

/// What one traced process did.
#[derive(Default)]
struct Count {
    calls: u64,
    before_next: Option<u64>,
    /// The count at each answer.
    at_answers: Vec<u64>,
    /// Processes and threads that were seen; a new one begins with a stop of its own.
    known: Vec<u32>,
}

/// Counts; or says why it cannot be done.
pub fn count(candidate: &Candidate, work: &Work, stops: &File) -> Result<Calls, String> {
    let (mut before_next, mut between) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    for start in 0..STARTS {
        if start > 0 && begun.elapsed() > TIME {
            break;
        }
        let count = follow(candidate, work, stops);
        kill_strays();
        let count = count?;
        before_next.extend(count.before_next.map(|calls| calls as f64));
        between.extend(
            count
                .at_answers
                .windows(2)
                .map(|pair| (pair[1] - pair[0]) as f64),
        );
    }
    let before_next = Sample::new(before_next).median();
    Ok(Calls {
        before_next: before_next.ok_or("it did not ask for an event while it was traced")?,
        an_invocation: Sample::new(between).median(),
    })
}

fn follow(candidate: &Candidate, work: &Work, stops: &File) -> Result<Count, String> {
    let mut process = Process::start(candidate, work, None, true).map_err(|trouble| {
        let (Trouble::Refused(text) | Trouble::Failed(text)) = trouble;
        format!("the system does not let it be started to be traced: {text}")
    })?;
    let refused = |error| format!("the system does not let it be traced: {error}");
    trace::begin(process.pid).map_err(refused)?;
    let mut count = Count::default();
    count.known.push(process.pid);
    let (mut heard, mut sent) = (Instant::now(), Instant::now());
    let begun = Instant::now();
    while !count.is_enough(begun) && heard.elapsed() < work.timeout {
        while let Some(stop) = trace::next().map_err(refused)? {
            heard = Instant::now();
            if count.take(stop, &mut process) {
                return Ok(count);
            }
            if sent.elapsed() > RESTLESS || count.is_enough(begun) {
                break;
            }
        }
        process.server.pump(REST, Some(stops.as_raw_fd()));
        let _ = (&*stops).read(&mut [0; 128]); // one signal stands for any number of stops
        count.look(&mut process);
        let rests = heard.elapsed() >= REST || sent.elapsed() > RESTLESS;
        if rests && process.server.is_asked() && process.server.send_event().is_some() {
            (heard, sent) = (Instant::now(), Instant::now());
        }
    }
    Ok(count)
}

impl Count {
    fn is_enough(&self, begun: Instant) -> bool {
        let answers = self.at_answers.len();
        answers >= ANSWERS || answers >= ANSWERS_MIN && begun.elapsed() > TIME
    }

    /// Does what a stop asks for; whether the candidate itself has ended.
    fn take(&mut self, stop: Stop, process: &mut Process<'_>) -> bool {
        let (pid, signal) = match stop {
            Stop::Entry(pid) => {
                self.calls += 1;
                (pid, 0)
            }
            Stop::Exit(pid) => {
                process.server.pump(Duration::ZERO, None);
                self.look(process);
                (pid, 0)
            }
            Stop::Other(pid, signal) => {
                let is_new = !self.known.contains(&pid);
                if is_new {
                    self.known.push(pid);
                }
                (pid, if is_new { 0 } else { signal })
            }
            Stop::End(pid, status) => {
                if pid == process.pid {
                    process.status = Some(status);
                }
                return pid == process.pid;
            }
        };
        // It may have been killed meanwhile; its end is the next that is heard of it.
        let _ = trace::let_on(pid, signal);
        false
    }

    /// What the server has seen since.
    fn look(&mut self, process: &mut Process<'_>) {
        let server = &mut process.server;
        if self.before_next.is_none() && server.desk.first_next.is_some() {
            self.before_next = Some(self.calls);
        }
        if server.desk.take_answer().is_some() {
            self.at_answers.push(self.calls);
        }
    }
}
