//! The execution environment: one process, its events, and the state machine between them.
//!
//! `state` holds what process, callers and clock share. Its transitions: `api_calls` (the calls of
//! the Runtime API), `invocations` (the callers'), `concurrent` (several events at once),
//! `exit_messages` (texts). The phases are those of AWS's classic server (one environment, one
//! event). An event gets exactly one outcome, the first of: an answer, a timeout, the exit of the
//! process.
//!
//! The state machine is pure: a transition gets the time as an argument, waits for nothing, calls
//! nothing, and stores the actions that have to follow in `Actions`. `tests` walks every reachable
//! state. After each transition the engine performs the actions and asks what has become possible
//! (`engine::settle`).
//!
//! Here: the parts of an environment that are no state of that machine, and the life of its
//! process: `life` starts it, reaps it and kills what it has left.

mod api_calls;
mod concurrent;
mod exit_messages;
mod invocations;
mod life;
mod output;
mod state;
#[cfg(test)]
mod tests;

pub use api_calls::{Answer, NextReply, Refusal, Waiter};
pub use invocations::Offer;
use life::Cleanup;
pub use life::Started;
pub use output::Output;
pub use state::{Phase, State};

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call::{Call, Stage};
use super::functions_api::Configuration;
use super::log::EnvironmentLog;
use super::sandbox::tree::Tree;
use super::slab::Key;
use crate::settings::Settings;
use crate::sys;
use state::Limits;

/// How often the memory is sampled at the ends of events that are shorter than this.
const SHORT_EVENT: Duration = Duration::from_millis(1);
const SAMPLE_INTERVAL: Duration = Duration::from_millis(50);

/// An environment.
pub struct Environment {
    /// The pool that it belongs to.
    pub pool: Key,
    configuration: Arc<Configuration>,
    /// The process's AWS_LAMBDA_RUNTIME_API.
    pub runtime_address: String,
    /// Where its Runtime API listens: the key of the listener.
    pub listener: Key,
    pub state: State,
    /// The accepted calls: one, or several in a concurrent environment.
    pub calls: Vec<Call>,
    /// The connections of its Runtime API.
    pub connections: Vec<Key>,
    /// Those that wait in `/next`, in their order.
    pub waiting: Vec<(Waiter, Key)>,
    /// Those that wait for the exit of the process: extensions without events.
    pub waiting_for_exit: Vec<Key>,
    pub log: EnvironmentLog,
    /// The process whose init was logged last.
    logged_init: u64,
    /// The process with everything that it has started, until all of it is gone.
    tree: Option<Tree>,
    /// The peak of its memory, KiB, and when it was last sampled.
    peak: Option<(Option<u64>, Instant)>,
    /// The memory limit has ended the process of the call that ends next.
    is_out_of_memory: bool,
    /// The process's stdout and stderr, with its key.
    pub output: Option<(Key, Output)>,
    /// Set between the exit of the process and the end of all that it has left.
    cleanup: Option<Cleanup>,
    /// Since when a start fails for want of something that may come, and when it is tried again.
    start_retry: Option<(Instant, Instant)>,
    /// It is stopped because it is not needed.
    pub is_retired: bool,
    /// When it has finished its last event, or was made.
    pub idle_since: Instant,
}

impl Environment {
    /// An environment without a process.
    pub fn new(
        pool: Key,
        configuration: Arc<Configuration>,
        (listener, listener_key): (&TcpListener, Key),
        log: EnvironmentLog,
        now: Instant,
    ) -> Environment {
        let settings = &configuration.settings;
        let limits = Limits {
            timeout: settings.timeout,
            init_timeout: settings.init_timeout,
            is_concurrent: settings.concurrency.is_some(),
        };
        let address = listener.local_addr().map(|address| address.to_string());
        Environment {
            pool,
            configuration,
            runtime_address: address.unwrap_or_default(), // a bound socket has an address
            listener: listener_key,
            state: State::new(limits, now),
            calls: Vec::new(),
            connections: Vec::new(),
            waiting: Vec::new(),
            waiting_for_exit: Vec::new(),
            log,
            logged_init: 0,
            tree: None,
            peak: None,
            is_out_of_memory: false,
            output: None,
            cleanup: None,
            start_retry: None,
            is_retired: false,
            idle_since: now,
        }
    }

    /// What its processes are configured with.
    pub fn settings(&self) -> &Settings {
        &self.configuration.settings
    }

    /// Whether another call may be offered to it.
    pub fn is_free(&self) -> bool {
        !self.is_retired && (self.calls.is_empty() || self.settings().concurrency.is_some())
    }

    /// How many calls have no outcome yet.
    pub fn running_calls(&self) -> usize {
        let is_running = |call: &&Call| matches!(call.stage, Stage::Running { .. });
        self.calls.iter().filter(is_running).count()
    }

    /// Since when all of its calls have their outcomes, if it has any: its process is about to
    /// request the next event.
    pub fn answered_since(&self) -> Option<Instant> {
        let answered = self.calls.iter().map(|call| match call.stage {
            Stage::Ending { answered, .. } => Some(answered),
            _ => None,
        });
        answered
            .collect::<Option<Vec<Instant>>>()?
            .into_iter()
            .max()
    }

    /// The duration of the latest init, and of the latest restore, the first time after it.
    pub fn take_unlogged_init(&mut self) -> (Option<Duration>, Option<Duration>) {
        let state = &self.state;
        let is_new = self.logged_init != state.generation;
        let (init, restore) = (state.init, state.restore);
        if !is_new || (init.is_none() && restore.is_none()) {
            return (None, None);
        }
        self.logged_init = state.generation;
        (init, restore)
    }

    /// Whether a process waits for an event.
    pub fn is_ready(&self) -> bool {
        self.state.phase == Phase::Ready && self.state.ending.is_none()
    }

    /// Whether there is neither a process nor a reason to start one.
    pub fn is_unused(&self) -> bool {
        self.state.phase == Phase::Stopped
            && self.calls.is_empty()
            && !self.state.start_requested
            && self.cleanup.is_none()
    }

    /// Performs what the last transitions have asked for. A process whose id is in the state is not
    /// reaped, so its id is not reused.
    pub fn perform_actions(&mut self) {
        let actions = std::mem::take(&mut self.state.actions);
        if let Some(pid) = actions.terminate {
            sys::send_sigterm(pid);
        }
        if let Some(pid) = actions.kill {
            sys::kill_group(pid);
        }
    }

    /// An event is about to be delivered.
    pub fn thaw(&mut self) {
        if let Some(tree) = &mut self.tree {
            tree.thaw();
        }
    }

    /// The process waits for the next event.
    pub fn freeze(&mut self) {
        if self.configuration.sandbox.freezes()
            && self.is_ready()
            && let Some(tree) = &mut self.tree
        {
            tree.freeze();
        }
    }

    /// The peak of the memory of all processes so far, KiB. A sample takes longer than a short
    /// event, so those that follow each other closely share one.
    pub fn peak_kib(&mut self, duration: Duration, now: Instant) -> Option<u64> {
        if let Some((peak, sampled)) = self.peak
            && duration < SHORT_EVENT
            && now < sampled + SAMPLE_INTERVAL
        {
            return peak;
        }
        let peak = self.tree.as_mut().and_then(Tree::sample_peak_kib);
        self.peak = Some((peak, now));
        peak
    }

    /// Whether the memory limit has ended the process; reported once.
    pub fn take_out_of_memory(&mut self) -> bool {
        std::mem::take(&mut self.is_out_of_memory)
    }

    /// A connection of its Runtime API was closed.
    pub fn connection_closed(&mut self, key: Key) {
        self.connections.retain(|&other| other != key);
        self.waiting_for_exit.retain(|&other| other != key);
        let state = &mut self.state;
        self.waiting.retain(|&(waiter, other)| {
            if other == key {
                state.leave_waiters(waiter);
            }
            other != key
        });
    }
}
