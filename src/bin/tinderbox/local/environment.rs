//! The execution environment: one process, its events, and the state machine between them.
//!
//! Four parties meet here, each on threads of its own and with a file of its own:
//!
//! - `supervisor`    the main thread: starts the process and enforces the init timeout
//! - `reaper`        reaps the process when it exits, and kills everything that it started
//! - `client_side`   dispatchers, which bring events and wait for outcomes; and the shutdown
//! - `runtime_side`  connections of the Runtime API, which request events and bring answers
//!
//! `state` holds what they share. Its transitions: `api_calls` (the calls of the Runtime API),
//! `invocations` (the client's), `concurrent` (several events at once), `exit_messages` (texts).
//! `extension` is for a process that registers itself as an extension. The phases are those of
//! AWS's classic server (one environment, one event). An event gets exactly one outcome, the first
//! of: an answer, a timeout, the exit of the process.
//!
//! The state machine is pure: a transition gets the time as an argument, waits for nothing, calls
//! nothing, and stores the actions that have to follow in `Actions`. `tests` walks every reachable
//! state. One lock guards it. `step` and `wait_until` are the only access, so the actions always
//! follow their transition, and every wait is bounded. No socket is read or written under the lock.

mod api_calls;
mod client_side;
mod concurrent;
mod exit_messages;
mod extension;
mod invocations;
mod reaper;
mod runtime_side;
mod state;
mod supervisor;
#[cfg(test)]
mod tests;

pub use api_calls::Refusal;
pub use client_side::End;
pub use runtime_side::Next;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::process::Program;
use crate::settings::Settings;
use crate::sys;
use state::{Limits, State};

/// How often a party checks its condition if only another party's step can change it.
const RECHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The environment.
pub struct Environment {
    settings: Settings,
    program: Program,
    /// The process's AWS_LAMBDA_RUNTIME_API.
    runtime_address: String,
    state: Mutex<State>,
    /// For supervisor and reaper: a start is requested, a process exists, a connection is closed.
    supervision: Condvar,
    /// For connections that wait in `/next`.
    event_ready: Condvar,
    /// For clients: a new phase, an outcome or an end.
    progress: Condvar,
}

/// The state of a condition that a party waits for.
enum Poll<T> {
    Ready(T),
    /// Check again at this time at the latest.
    RecheckAt(Instant),
    /// Only another party's step can change it.
    Pending,
}

impl Environment {
    /// An environment without a process.
    pub fn new(settings: Settings, program: Program, runtime_address: String) -> Environment {
        let limits = Limits {
            timeout: settings.timeout,
            init_timeout: settings.init_timeout,
            is_concurrent: settings.concurrency.is_some(),
        };
        Environment {
            settings,
            program,
            runtime_address,
            state: Mutex::new(State::new(limits, Instant::now())),
            supervision: Condvar::new(),
            event_ready: Condvar::new(),
            progress: Condvar::new(),
        }
    }

    /// The function's configuration.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The process of the bootstrap, if there is one.
    pub fn leader(&self) -> Option<u32> {
        self.lock().process
    }

    /// One transition of the state machine, and the actions that follow from it.
    fn step<T>(&self, transition: impl FnOnce(&mut State, Instant) -> T) -> T {
        let mut state = self.lock();
        let result = transition(&mut state, Instant::now());
        self.perform_actions(&mut state);
        result
    }

    /// Makes transitions until one is ready.
    fn wait_until<T>(
        &self,
        condition: &Condvar,
        mut transition: impl FnMut(&mut State, Instant) -> Poll<T>,
    ) -> T {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let poll = transition(&mut state, now);
            self.perform_actions(&mut state);
            let pause = match poll {
                Poll::Ready(result) => return result,
                Poll::RecheckAt(time) => time.saturating_duration_since(now).min(RECHECK_INTERVAL),
                Poll::Pending => RECHECK_INTERVAL,
            };
            let waited = condition.wait_timeout(state, pause);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Under the lock: a process whose id is in the state is not reaped, so its id is not reused.
    fn perform_actions(&self, state: &mut State) {
        let actions = std::mem::take(&mut state.actions);
        if let Some(pid) = actions.terminate {
            sys::send_sigterm(pid);
        }
        if let Some(pid) = actions.kill {
            sys::kill_group(pid);
        }
        for (is_wanted, condition) in [
            (actions.wake_supervisors, &self.supervision),
            (actions.wake_runtimes, &self.event_ready),
            (actions.wake_clients, &self.progress),
        ] {
            if is_wanted {
                condition.notify_all();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic ends the whole process, so no thread sees a poisoned lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
