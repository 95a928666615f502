//! The state that the parties of an environment share, and how the life of the process changes it.
//! Pure: no clock, no waiting, no input or output; the actions that have to follow are stored in
//! `actions`.

use std::collections::VecDeque;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::concurrent::InFlight;
use crate::local::invocation::Invocation;
use crate::local::outcome::{InitFailure, Outcome};

/// How long a process that exited or was killed may take until it is reaped and its last requests
/// are read. Only one in uninterruptible sleep (proc(5)), which SIGKILL does not end, takes longer.
pub const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The first pause before another start of a bootstrap that keeps failing, and the longest.
const BACKOFF: Duration = Duration::from_millis(100);
pub const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// The process between two calls of the Runtime API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// There is no process.
    Stopped,
    /// It runs and has made no call.
    Started,
    /// It has posted an init error; every further call is refused.
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

/// Actions that have to follow a transition, under the same lock.
#[derive(Clone, Default)]
pub struct Actions {
    /// Send SIGKILL to this process and its group.
    pub kill: Option<u32>,
    /// Send SIGTERM to this process.
    pub terminate: Option<u32>,
}

/// The environment's configuration, as far as the state machine needs it.
#[derive(Clone, Copy)]
pub struct Limits {
    pub timeout: Duration,
    pub init_timeout: Duration,
    /// Several events are handled at once.
    pub is_concurrent: bool,
}

/// Why a process is coming to its end, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Exited(Instant),
    /// The tool killed it: its further calls are ignored.
    Killed(Instant),
}

impl Ending {
    pub fn since(self) -> Instant {
        match self {
            Ending::Exited(since) | Ending::Killed(since) => since,
        }
    }
}

/// The shared state.
#[derive(Clone)]
pub struct State {
    pub limits: Limits,
    pub actions: Actions,
    pub phase: Phase,
    /// The id of the process and of its group, until it is reaped.
    pub process: Option<u32>,
    /// Set when the process exits or is killed: it gets no event any more.
    pub ending: Option<Ending>,
    /// Counts processes, so that a late call is not taken for one of the next process.
    pub generation: u64,
    pub started: Instant,
    /// The number of consecutive processes that requested no event.
    failed_starts: u32,
    pub start_requested: bool,
    pub shutting_down: bool,
    /// From the start to the first `/next`, until it has been reported.
    pub init: Option<Duration>,
    /// From the restored snapshot to the first `/next`, likewise.
    pub restore: Option<Duration>,
    /// When the snapshot was restored.
    pub restored: Option<Instant>,
    /// The extension identifier that the process has registered.
    pub extension: Option<String>,
    /// The events of a concurrent environment.
    pub in_flight: InFlight,
    pub init_error: Option<Outcome>,
    /// When and why the latest process requested no event, until a client gets it.
    pub init_failure: Option<(Instant, InitFailure)>,
    /// The latest event, also after its answer: only its id is valid.
    pub current: Option<Arc<Invocation>>,
    /// The outcome of the latest event, until the client takes it.
    pub outcome: Option<Outcome>,
    /// Whether the latest event has had its outcome.
    pub has_outcome: bool,
    /// The accepted event before its release.
    pub held: Option<Arc<Invocation>>,
    /// The released event before a `/next` takes it.
    pub pending: Option<Arc<Invocation>>,
    /// The connections that wait in `/next`; the first one gets the event.
    pub waiters: VecDeque<u64>,
    pub last_waiter_id: u64,
    pub deadline: Instant,
    pub accepted: Instant,
    pub finished: Option<Instant>,
}

impl State {
    /// The state without a process.
    pub fn new(limits: Limits, now: Instant) -> State {
        State {
            limits,
            actions: Actions::default(),
            phase: Phase::Stopped,
            process: None,
            ending: None,
            generation: 0,
            started: now,
            failed_starts: 0,
            start_requested: false,
            shutting_down: false,
            init: None,
            restore: None,
            restored: None,
            extension: None,
            in_flight: InFlight::default(),
            init_error: None,
            init_failure: None,
            current: None,
            outcome: None,
            has_outcome: true,
            held: None,
            pending: None,
            waiters: VecDeque::new(),
            last_waiter_id: 0,
            deadline: now,
            accepted: now,
            finished: None,
        }
    }

    /// A process was started.
    pub fn process_started(&mut self, pid: u32, started: Instant) {
        self.phase = Phase::Started;
        self.process = Some(pid);
        self.ending = None;
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

    /// A process could not be started, for this reason.
    pub fn start_failed(&mut self, started: Instant, reason: String) {
        self.count_failed_start(started);
        self.init_failure = Some((started, InitFailure::NotStarted(reason)));
    }

    fn count_failed_start(&mut self, started: Instant) {
        self.started = started;
        self.failed_starts = self.failed_starts.saturating_add(1);
    }

    /// When a requested start is due. The next event starts a failed bootstrap again, as on Lambda,
    /// but with an exponential backoff.
    pub fn start_due(&self) -> Option<Instant> {
        if !self.start_requested || self.shutting_down || self.phase != Phase::Stopped {
            return None;
        }
        let pause = match self.failed_starts.checked_sub(2) {
            None => Duration::ZERO,
            Some(doublings) => BACKOFF.saturating_mul(1 << doublings.min(8)),
        };
        Some(self.started + pause.min(BACKOFF_MAX))
    }

    /// The deadline of init, during init.
    pub fn init_deadline(&self) -> Option<Instant> {
        let is_in_init = matches!(self.phase, Phase::Started | Phase::InitError);
        let began = self.restored.unwrap_or(self.started);
        (is_in_init && self.ending.is_none()).then(|| began + self.limits.init_timeout)
    }

    /// Whether the tool has killed the process.
    pub fn is_killed(&self) -> bool {
        matches!(self.ending, Some(Ending::Killed(_)))
    }

    /// Kills the process with its group; the reaper does the rest.
    pub fn kill(&mut self, now: Instant) {
        if let Some(pid) = self.process {
            self.actions.kill = Some(pid);
            self.set_ending(Ending::Killed(now));
        }
    }

    /// The process exited and was reaped: its id may be reused from here on.
    pub fn process_reaped(&mut self, now: Instant) {
        self.process = None;
        self.set_ending(Ending::Exited(now));
    }

    fn set_ending(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    /// Whether a process that should exit does not.
    pub fn is_stuck(&self, now: Instant) -> bool {
        self.phase != Phase::Stopped
            && self
                .ending
                .is_some_and(|ending| now >= ending.since() + EXIT_TIMEOUT)
    }

    /// Sets the event's outcome, unless it has one.
    pub fn set_outcome(&mut self, outcome: Outcome) {
        if !self.has_outcome {
            self.has_outcome = true;
            self.outcome = Some(outcome);
            self.held = None;
        }
    }

    /// The function's timeout has passed.
    pub fn time_out(&mut self, now: Instant) {
        self.kill(now);
        if let Some(id) = self.current_id() {
            self.set_outcome(Outcome::timed_out(&id, self.limits.timeout));
        }
    }

    /// The process is reaped and its last requests are read: ends everything that it leaves open.
    pub fn process_stopped(&mut self, status: ExitStatus, exited: Instant) {
        if matches!(self.phase, Phase::Started | Phase::InitError) {
            self.count_failed_start(self.started);
            let failure = match (self.init_error.take(), self.is_killed()) {
                (Some(outcome), _) => InitFailure::Posted(outcome),
                (None, true) => InitFailure::TimedOut,
                (None, false) => InitFailure::Exited(status),
            };
            self.init_failure = Some((exited, failure));
        }
        self.finish_event(exited, |id| Outcome::exited(id, status));
        self.in_flight.fail_all(|id| Outcome::exited(id, status));
        self.phase = Phase::Stopped;
        self.waiters.clear();
        self.held = None;
        self.pending = None;
    }

    /// The process has finished the current event, if there is one; `missing` is the outcome of an
    /// event without an answer.
    pub fn finish_event(&mut self, now: Instant, missing: impl FnOnce(&str) -> Outcome) {
        self.finished.get_or_insert(now);
        if !self.has_outcome
            && let Some(id) = self.current_id()
        {
            self.set_outcome(missing(&id));
        }
    }

    /// The first `/next` ends init, or the restore of a snapshot.
    pub fn end_init(&mut self, now: Instant) {
        match self.restored {
            Some(restored) => self.restore = Some(now.duration_since(restored)),
            None => self.init = Some(now.duration_since(self.started)),
        }
        self.failed_starts = 0;
        self.phase = Phase::Ready;
    }

    fn current_id(&self) -> Option<String> {
        let current = self.current.as_ref()?;
        Some(current.request.id.clone())
    }
}
