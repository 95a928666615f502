//! What the parties of an environment share, and how the process's life changes it. Pure: no
//! clock, no waiting, no input or output; what has to follow is left in `actions`.

use std::collections::VecDeque;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::flights::Flights;
use crate::local::invocation::{Invocation, Outcome};
use crate::local::process;

/// How long a process that has ended, or was killed, may take until it is reaped and its last words
/// are heard. Only one that even SIGKILL does not end at once (in uninterruptible sleep, proc(5))
/// takes longer.
pub const DEATH_MAX: Duration = Duration::from_secs(10);

/// The longest wait before yet another start of a bootstrap that keeps failing, and the first.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(2);
const BACK_OFF: Duration = Duration::from_millis(100);

/// Where the process stands between two calls of the Runtime API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Why a process never asked for an event.
#[derive(Clone)]
pub enum InitFailure {
    /// It posted `/init/error`.
    Posted(Outcome),
    /// It ended first.
    Exited(ExitStatus),
    /// It was killed: its time for init was up.
    TimedOut,
    /// It could not be started at all, for this reason.
    NotStarted(String),
    /// The process before does not end, so there is none that could ask.
    Unavailable,
}

/// What has to follow a transition, under the same lock.
#[derive(Clone, Default)]
pub struct Actions {
    /// SIGKILL to this process and its group.
    pub kill: Option<u32>,
    /// SIGTERM to this process.
    pub terminate: Option<u32>,
    /// Something has changed that clients, runtimes, or keeper and undertaker wait for.
    pub wake_clients: bool,
    pub wake_runtimes: bool,
    pub wake_keepers: bool,
}

/// What the environment was set up with.
#[derive(Clone, Copy)]
pub struct Limits {
    pub timeout: Duration,
    pub init_timeout: Duration,
    /// Several events are handled at once.
    pub is_concurrent: bool,
}

/// The shared state.
#[derive(Clone)]
pub struct State {
    pub limits: Limits,
    pub actions: Actions,
    pub phase: Phase,
    /// The process's id, which is its group's, until it is reaped.
    pub process: Option<u32>,
    /// Since when it has ended, or was killed: no event goes to it.
    pub dying_since: Option<Instant>,
    /// It was killed: nothing it says counts.
    pub is_killed: bool,
    /// Counts processes, so that a late call is not taken for one of the next process.
    pub generation: u64,
    pub started: Instant,
    /// How many processes in a row never asked for an event.
    failures: u32,
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
    pub settled: bool,
    /// The latest event is in hand and not yet released.
    pub held: Option<Arc<Invocation>>,
    /// An event that no `/next` has taken yet.
    pub pending: Option<Arc<Invocation>>,
    /// Tickets of the connections that wait in `/next`; the first in line gets the event.
    pub line: VecDeque<u64>,
    pub tickets: u64,
    pub deadline: Instant,
    pub delivered: Instant,
    pub finished: Option<Instant>,
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
    pub fn new(limits: Limits, now: Instant) -> State {
        State {
            limits,
            actions: Actions::default(),
            phase: Phase::Stopped,
            process: None,
            dying_since: None,
            is_killed: false,
            generation: 0,
            started: now,
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
            held: None,
            pending: None,
            line: VecDeque::new(),
            tickets: 0,
            deadline: now,
            delivered: now,
            finished: None,
        }
    }

    /// A process has been started.
    pub fn begin(&mut self, pid: u32, started: Instant) {
        self.phase = Phase::Started;
        self.process = Some(pid);
        self.dying_since = None;
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
        self.actions.wake_keepers = true;
    }

    /// A process could not be started, for this reason.
    pub fn fail_to_begin(&mut self, started: Instant, reason: String) {
        self.count_failure(started);
        self.init_failure = Some((started, InitFailure::NotStarted(reason)));
        self.actions.wake_clients = true;
    }

    fn count_failure(&mut self, started: Instant) {
        self.started = started;
        self.failures = self.failures.saturating_add(1);
    }

    /// When a start that is wanted is due. The next event starts a failed bootstrap again, as
    /// Lambda does, but not in a hot loop.
    pub fn start_due(&self) -> Option<Instant> {
        if !self.start_is_wanted || self.closing || self.phase != Phase::Stopped {
            return None;
        }
        let pause = match self.failures.checked_sub(2) {
            None => Duration::ZERO,
            Some(doublings) => BACK_OFF.saturating_mul(1 << doublings.min(8)),
        };
        Some(self.started + pause.min(BACK_OFF_MAX))
    }

    /// When the time for init is up, while that lasts.
    pub fn init_deadline(&self) -> Option<Instant> {
        let in_init = matches!(self.phase, Phase::Started | Phase::InitError);
        let began = self.restored.unwrap_or(self.started);
        (in_init && self.dying_since.is_none()).then(|| began + self.limits.init_timeout)
    }

    /// Kills the process with its group; the undertaker does the rest.
    pub fn kill(&mut self, now: Instant) {
        if let Some(pid) = self.process {
            self.actions.kill = Some(pid);
            self.is_killed = true;
            self.die(now);
        }
    }

    /// The process has ended, and was reaped: its id may be another's from here on.
    pub fn lose_process(&mut self, now: Instant) {
        self.process = None;
        self.die(now);
    }

    fn die(&mut self, now: Instant) {
        self.dying_since.get_or_insert(now);
        self.actions.wake_runtimes = true;
        self.actions.wake_clients = true;
    }

    /// A process that was to end does not.
    pub fn is_stuck(&self, now: Instant) -> bool {
        self.phase != Phase::Stopped
            && self
                .dying_since
                .is_some_and(|since| now >= since + DEATH_MAX)
    }

    /// The event comes to this outcome, unless it has come to another before.
    pub fn settle(&mut self, outcome: Outcome) {
        if !self.settled {
            self.settled = true;
            self.outcome = Some(outcome);
            self.held = None;
            self.actions.wake_clients = true;
        }
    }

    pub fn time_out(&mut self, now: Instant) {
        self.kill(now);
        if let Some(id) = self.current_id() {
            self.settle(Outcome::timed_out(&id, self.limits.timeout));
        }
    }

    /// The process is gone: a line for stderr, before `close`.
    pub fn notice(&self, status: ExitStatus) -> Option<String> {
        let how = process::describe(status);
        let notice = match self.phase {
            Phase::Started | Phase::InitError if self.init_error.is_some() => {
                format!("the bootstrap reported an init error and {how}")
            }
            Phase::Started | Phase::InitError if self.is_killed => {
                let time = self.limits.init_timeout.as_secs_f64();
                format!(
                    "the bootstrap was killed: in {time} s it never asked for an event \
                     (GET /2018-06-01/runtime/invocation/next)"
                )
            }
            Phase::Started | Phase::InitError => {
                format!("the bootstrap {how} before it asked for an event")
            }
            _ if self.settled && self.is_killed => {
                "the bootstrap was killed: the function's time was up".to_string()
            }
            Phase::Ready if self.settled => {
                format!("the bootstrap {how} while it waited for an event")
            }
            _ if self.settled => format!("the bootstrap {how} after its answer"),
            _ => format!("the bootstrap {how} before it answered"),
        };
        (!self.closing).then_some(notice)
    }

    /// The process is gone. Settles what it leaves behind.
    pub fn close(&mut self, status: ExitStatus, ended: Instant) {
        if matches!(self.phase, Phase::Started | Phase::InitError) {
            self.count_failure(self.started);
            let failure = match (self.init_error.take(), self.is_killed) {
                (Some(outcome), _) => InitFailure::Posted(outcome),
                (None, true) => InitFailure::TimedOut,
                (None, false) => InitFailure::Exited(status),
            };
            self.init_failure = Some((ended, failure));
        }
        self.finish(ended, |id| Outcome::exited(id, status));
        self.flights.fail(|id| Outcome::exited(id, status));
        self.phase = Phase::Stopped;
        self.line.clear();
        self.held = None;
        self.pending = None;
        self.actions.wake_clients = true;
        self.actions.wake_runtimes = true;
        self.actions.wake_keepers = true;
    }

    /// The process is done with the event in hand, if there is one.
    pub fn finish(&mut self, now: Instant, otherwise: impl FnOnce(&str) -> Outcome) {
        self.finished.get_or_insert(now);
        if !self.settled
            && let Some(id) = self.current_id()
        {
            self.settle(otherwise(&id));
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
        self.actions.wake_clients = true;
    }

    fn current_id(&self) -> Option<String> {
        let current = self.current.as_ref()?;
        Some(current.submission.request_id.clone())
    }
}
