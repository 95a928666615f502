//! What the parties of an environment share, and how it changes. No waiting, no input or output.

use std::collections::VecDeque;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::InitFailure;
use super::many::Flights;
use crate::local::invocation::{Invocation, Outcome};
use crate::local::process;
use crate::sys;

/// Where the process stands between two calls of the Runtime API.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// There is no process.
    Stopped,
    /// It runs and has called nothing yet.
    Started,
    /// It has posted an init error; nothing is legal any more.
    InitError,
    /// It waits in `/next`.
    Ready,
    /// It has an event.
    Running,
    /// Its answer is being received.
    InvocationResponse,
    /// Its answer has been received.
    ResponseSent,
}

/// The shared state.
pub struct State {
    pub phase: Phase,
    /// The process's id, which is its group's, until it is reaped.
    pub process: Option<u32>,
    /// It has ended, or was killed: no event goes to it.
    pub is_dying: bool,
    /// It was killed: nothing it says counts.
    pub is_killed: bool,
    /// Counts processes, so that a late call is not taken for one of the next process.
    pub generation: u64,
    pub started: Instant,
    init_timeout: Duration,
    /// How many processes in a row never asked for an event.
    pub failures: u32,
    pub start_is_wanted: bool,
    pub closing: bool,
    pub connections: usize,
    /// From the start to the first `/next`, until it has been reported.
    pub init: Option<Duration>,
    /// From the restored snapshot to the first `/next`, likewise.
    pub restore: Option<Duration>,
    /// When its snapshot was restored.
    pub restored: Option<Instant>,
    /// The identifier of the extension that the process has registered itself as.
    pub extension: Option<String>,
    /// Where several events are handled at once, they are here.
    pub flights: Flights,
    pub init_error: Option<Outcome>,
    /// When and why the latest process never asked for an event, until a client is told.
    pub init_failure: Option<(Instant, InitFailure)>,
    /// The latest event, also after its answer: its id is the one id that is known.
    pub current: Option<Arc<Invocation>>,
    /// How the latest event ended, until the client has taken it.
    pub outcome: Option<Outcome>,
    /// The latest event has had its outcome.
    settled: bool,
    /// An event that no `/next` has taken yet.
    pending: Option<Arc<Invocation>>,
    /// Tickets of the connections that wait in `/next`; the first in line gets the event.
    line: VecDeque<u64>,
    tickets: u64,
    delivered: Instant,
    deadline: Instant,
    finished: Option<Instant>,
}

impl Phase {
    /// AWS's name of it, for refusals.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Stopped => "Stopped",
            Phase::Started => "Started",
            Phase::InitError => "InitError",
            Phase::Ready => "Ready",
            Phase::Running => "Running",
            Phase::InvocationResponse => "InvocationResponse",
            Phase::ResponseSent => "ResponseSent",
        }
    }
}

impl State {
    /// The state without a process.
    pub fn new(init_timeout: Duration) -> State {
        let now = Instant::now();
        State {
            phase: Phase::Stopped,
            process: None,
            is_dying: false,
            is_killed: false,
            generation: 0,
            started: now,
            init_timeout,
            failures: 0,
            start_is_wanted: false,
            closing: false,
            connections: 0,
            init: None,
            restore: None,
            restored: None,
            extension: None,
            flights: Flights::default(),
            init_error: None,
            init_failure: None,
            current: None,
            outcome: None,
            settled: true,
            pending: None,
            line: VecDeque::new(),
            tickets: 0,
            delivered: now,
            deadline: now,
            finished: None,
        }
    }

    /// A process has been started.
    pub fn begin(&mut self, pid: u32, started: Instant) {
        self.phase = Phase::Started;
        self.process = Some(pid);
        self.is_dying = false;
        self.is_killed = false;
        self.generation += 1;
        self.started = started;
        self.init = None;
        self.restore = None;
        self.restored = None;
        self.extension = None;
        self.init_error = None;
        self.init_failure = None;
        self.current = None;
    }

    /// A process could not be started, or never asked for an event.
    pub fn count_failure(&mut self, started: Instant) {
        self.started = started;
        self.failures = self.failures.saturating_add(1);
    }

    /// What is left of the time for init, while that lasts.
    pub fn init_left(&self) -> Option<Duration> {
        let in_init = matches!(self.phase, Phase::Started | Phase::InitError);
        (in_init && !self.is_dying).then(|| {
            let began = self.restored.unwrap_or(self.started);
            self.init_timeout.saturating_sub(began.elapsed())
        })
    }

    /// Kills the process with its group; the undertaker does the rest.
    pub fn kill(&mut self) {
        if let Some(pid) = self.process {
            sys::kill_group(pid);
            self.is_dying = true;
            self.is_killed = true;
        }
    }

    /// The first `/next` ends init, or the restoring of a snapshot.
    pub fn end_init(&mut self, now: Instant) {
        match self.restored {
            Some(restored) => self.restore = Some(now.duration_since(restored)),
            None => self.init = Some(now.duration_since(self.started)),
        }
        self.failures = 0;
        self.phase = Phase::Ready;
    }

    /// A `/next` takes its place in line; that ends the invocation before, or init.
    pub fn wait_in_line(&mut self) -> (u64, u64) {
        let now = Instant::now();
        match self.phase {
            Phase::Started => self.end_init(now),
            Phase::ResponseSent => self.finish(now, Outcome::truncated),
            _ => {}
        }
        self.phase = Phase::Ready;
        self.tickets += 1;
        self.line.push_back(self.tickets);
        (self.tickets, self.generation)
    }

    /// The event for the first in line.
    pub fn take_event(&mut self, ticket: u64) -> Option<Arc<Invocation>> {
        if self.line.front() != Some(&ticket) {
            return None;
        }
        let invocation = self.pending.take()?;
        self.line.pop_front();
        self.phase = Phase::Running;
        Some(invocation)
    }

    /// An event is there for whoever asks first.
    pub fn deliver(&mut self, invocation: Arc<Invocation>, timeout: Duration) {
        self.delivered = Instant::now();
        self.deadline = self.delivered + timeout;
        self.finished = None;
        self.settled = false;
        self.outcome = None;
        self.current = Some(invocation.clone());
        self.pending = Some(invocation);
    }

    /// The event comes to this outcome, unless it has come to another before.
    pub fn settle(&mut self, outcome: Outcome) {
        if !self.settled {
            self.settled = true;
            self.outcome = Some(outcome);
        }
    }

    /// What is left of the function's time.
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The function's time is up.
    pub fn time_out(&mut self, timeout: Duration) {
        self.kill();
        if let Some(id) = self.current_id() {
            self.settle(Outcome::timed_out(&id, timeout));
        }
    }

    /// Whether the process is done with the event, for good or ill.
    pub fn invocation_is_over(&self) -> bool {
        let asked_for_more = self.phase == Phase::Ready && !self.is_dying;
        self.settled && (asked_for_more || self.phase == Phase::Stopped)
    }

    /// How long the latest event took.
    pub fn duration(&self) -> Duration {
        let finished = self.finished.unwrap_or_else(Instant::now);
        finished.duration_since(self.delivered)
    }

    /// The process is gone. Settles what it leaves behind; gives a line for stderr.
    pub fn close(&mut self, status: ExitStatus, ended: Instant) -> Option<String> {
        let (how, phase) = (process::describe(status), self.phase);
        let notice = match phase {
            Phase::Started | Phase::InitError => self.close_init(status, ended),
            _ if self.settled && self.is_killed => {
                "the bootstrap was killed: the function's time was up".to_string()
            }
            _ if self.settled && phase == Phase::Ready => {
                format!("the bootstrap {how} while it waited for an event")
            }
            _ if self.settled => format!("the bootstrap {how} after its answer"),
            _ => format!("the bootstrap {how} before it answered"),
        };
        self.finish(ended, |id| Outcome::exited(id, status));
        self.flights.fail(|id| Outcome::exited(id, status));
        self.phase = Phase::Stopped;
        self.line.clear();
        self.pending = None;
        (!self.closing).then_some(notice)
    }

    fn close_init(&mut self, status: ExitStatus, ended: Instant) -> String {
        self.count_failure(self.started);
        let how = process::describe(status);
        let (failure, notice) = match (self.init_error.take(), self.is_killed) {
            (Some(outcome), _) => {
                let notice = format!("the bootstrap reported an init error and {how}");
                (InitFailure::Posted(outcome), notice)
            }
            (None, true) => {
                let time = self.init_timeout.as_secs_f64();
                let notice = format!(
                    "the bootstrap was killed: in {time} s it never asked for an event \
                     (GET /2018-06-01/runtime/invocation/next)"
                );
                (InitFailure::TimedOut, notice)
            }
            (None, false) => {
                let notice = format!("the bootstrap {how} before it asked for an event");
                (InitFailure::Exited(status), notice)
            }
        };
        self.init_failure = Some((ended, failure));
        notice
    }

    fn finish(&mut self, now: Instant, otherwise: impl FnOnce(&str) -> Outcome) {
        self.finished.get_or_insert(now);
        if !self.settled
            && let Some(id) = self.current_id()
        {
            self.settle(otherwise(&id));
        }
    }

    fn current_id(&self) -> Option<String> {
        let current = self.current.as_ref()?;
        Some(current.submission.request_id.clone())
    }
}
