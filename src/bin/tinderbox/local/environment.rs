//! The execution environment: one process, one event at a time, and the state machine between them.
//!
//! Four parties meet here, each on threads of its own, each with a file of its own:
//!
//! - `keeper`      the main thread: starts the process and watches its init
//! - `undertaker`  sees it end, and everything it started end with it
//! - `client`      the dispatcher, which brings events and takes outcomes; and who stops the tool
//! - `runtime`     connections of the Runtime API, which ask for events and bring answers
//!
//! `state` holds what they share; `calls` and `flights` are more of its transitions: the calls of
//! the Runtime API, and several events at once. `extension` is for a process that has registered
//! itself as one. The phases are those of AWS's classic server (one environment, one event). An
//! event gets exactly one outcome, the first of: an answer, a timeout, the end of the process.
//!
//! The state machine is pure: a transition is given the time, waits for nothing, calls nothing,
//! and leaves in `Actions` what has to follow. `tests` walks every state that it can reach. One
//! lock guards it; `step` and `wait_until` are the only ways to it, so what follows from a
//! transition is never left out, and no wait is without a limit. Nobody waits for a socket under
//! the lock.

mod calls;
mod client;
mod extension;
mod flights;
mod keeper;
mod runtime;
mod state;
#[cfg(test)]
mod tests;
mod turns;
mod undertaker;

pub use calls::Refusal;
pub use client::End;
pub use runtime::Next;
pub use state::InitFailure;

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::process::Program;
use super::settings::Settings;
use crate::sys;
use state::{Limits, State};

/// How often a party looks again that waits for something without a time of its own.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The environment.
pub struct Environment {
    settings: Settings,
    program: Program,
    /// What the process is told as AWS_LAMBDA_RUNTIME_API.
    runtime_address: String,
    state: Mutex<State>,
    /// For keeper and undertaker: a start is wanted, a process is there, a connection is gone.
    control: Condvar,
    /// For connections that wait in `/next`.
    event: Condvar,
    /// For clients: a phase, an outcome or an end has been reached.
    progress: Condvar,
}

/// What a party that waits finds: what it waited for, or when to look again at the latest.
enum Look<T> {
    Done(T),
    At(Instant),
    /// Only another party's step can change anything.
    Later,
}

impl Environment {
    /// An environment without a process yet.
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
            control: Condvar::new(),
            event: Condvar::new(),
            progress: Condvar::new(),
        }
    }

    /// What the function was set up with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// One step of the state machine, and what follows from it.
    fn step<T>(&self, transition: impl FnOnce(&mut State, Instant) -> T) -> T {
        let mut state = self.lock();
        let result = transition(&mut state, Instant::now());
        self.perform(&mut state);
        result
    }

    /// Takes steps until one finds what it waits for.
    fn wait_until<T>(
        &self,
        condition: &Condvar,
        mut transition: impl FnMut(&mut State, Instant) -> Look<T>,
    ) -> T {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let look = transition(&mut state, now);
            self.perform(&mut state);
            let pause = match look {
                Look::Done(result) => return result,
                Look::At(time) => time.saturating_duration_since(now).min(LOOK_AGAIN),
                Look::Later => LOOK_AGAIN,
            };
            let waited = condition.wait_timeout(state, pause);
            state = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    /// Under the lock: the id of a process that is in the state is not reaped, so it is no other's.
    fn perform(&self, state: &mut State) {
        let actions = std::mem::take(&mut state.actions);
        if let Some(pid) = actions.terminate {
            sys::terminate(pid);
        }
        if let Some(pid) = actions.kill {
            sys::kill_group(pid);
        }
        for (is_wanted, condition) in [
            (actions.wake_keepers, &self.control),
            (actions.wake_runtimes, &self.event),
            (actions.wake_clients, &self.progress),
        ] {
            if is_wanted {
                condition.notify_all();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic ends the whole process, so a poisoned lock is never seen.
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
